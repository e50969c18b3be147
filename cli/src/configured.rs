//! The service of a workspace as its configuration and the environment say: the same for every command that opens it, so that
//! no two of them look for memories by different models.

use crate::workspace;
use anyhow::{Context, Result};
use memory::embed::{Choice, choose};
use memory::model::Model;
use rules::Diagnostic;
use server::Engine;
use server::config::{Config, Tier};
use server::model::Client;
use server::reader::Reader;
use server::service::{self, Service, Workspace};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A workspace, and what is configured there.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) workspace: Workspace,
    pub(crate) engine: Engine,
    pub(crate) config: Config,
}

impl Configured {
    /// The workspace at the given root, or the nearest one; it is not made.
    pub(crate) fn read(root: Option<PathBuf>) -> Result<Configured> {
        let workspace = workspace(root)?;
        let engine = Engine::open(&workspace.place, workspace.user.as_deref())?;
        let config = Config::read(&config_of(&engine))?.with_environment(variable)?;
        Ok(Configured { workspace, engine, config })
    }

    /// The embedder that is configured, and why it is this one.
    pub(crate) fn embedder(&self) -> Result<Choice> {
        Ok(choose(&self.config.embedding.clone().settings(data_folder(), threads()))?)
    }

    /// Opens the service over the store in a file with the embedder and the language model that are configured; tells how texts
    /// are embedded.
    pub(crate) fn open(self, store: &Path) -> Result<(Service, String)> {
        let Choice { embedder, reason } = self.embedder()?;
        let model = self.config.model.map(|model| Client::new(model, variable, service::clock())).transpose()?;
        let model = model.map(|client| Arc::new(client) as Arc<dyn Model>);
        let (workspace, router) = (Some(self.workspace), self.config.router.read()?);
        let settings = service::Settings { embedder, model, workspace, router, ..service::Settings::beside(store) };
        Ok((Service::open(settings)?, reason))
    }
}

/// What messages are understood by, as it is configured; and what is wrong with the workspace's own lexicon.
pub(crate) fn reading(engine: &Engine) -> Result<(Reader, Vec<Diagnostic>)> {
    let config = Config::read(&config_of(engine))?;
    let (reader, faults) = engine.reader();
    if config.understanding.tier == Tier::Low {
        return Ok((reader, faults));
    }
    let model = config.model.context(
        "the tier `high` of understanding asks a language model, and none is configured\n\
         help: add a section `[model]` to `.trace/config.toml`, or take `tier` out",
    )?;
    let client = Client::new(model, variable, service::clock())?;
    Ok((reader.asking(Arc::new(client)), faults))
}

/// The file of a workspace's configuration.
pub(crate) fn config_of(engine: &Engine) -> PathBuf {
    engine.state().with_file_name("config.toml")
}

/// A variable of the environment.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// How many threads a batch of texts is embedded on.
pub(crate) fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// Where the user's programs keep what is not a setting: `$XDG_DATA_HOME/trace`, else `~/.local/share/trace`.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let data = std::env::var_os("XDG_DATA_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    Some(data.or_else(|| Some(std::env::home_dir()?.join(".local").join("share")))?.join("trace"))
}
