//! `.trace/config.toml`: how the service of a workspace behaves. What is not said there has its default; what is not known is
//! refused, with its place.
//!
//! Deliberately absent: keys and any other secret. The environment comes in as an argument.

use crate::http::Settings;
use crate::service::Router;
use memory::embed::Backend;
use router::pareto::Compiled;
use router::policy::Policy;
use router::weights::Weights;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// What a configuration says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the server behaves.
    pub server: ServerConfig,
    /// What makes vectors of texts.
    pub embedding: EmbeddingConfig,
    /// The language model of the high tiers, where there is one.
    pub model: Option<crate::model::Settings>,
    /// How what users say is understood.
    pub understanding: UnderstandingConfig,
    /// What chooses how a context is made.
    pub router: RouterConfig,
}

/// What chooses how a context is made; the files are of `trace router train`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouterConfig {
    /// The value models, in place of the shipped ones.
    pub weights: Option<PathBuf>,
    /// The policy of the module tiers.
    pub policy: Option<PathBuf>,
    /// The compiled choices of tiers.
    pub choices: Option<PathBuf>,
    /// Whether feedback on what was recalled is learnt from.
    pub online: bool,
    /// With which probability another way than the usual one is tried, to learn: above 0, at most 0.5.
    pub explore: Option<f64>,
}

/// How often another way is tried unless said otherwise.
const EXPLORE: f64 = 0.1;

/// How what users say is understood by `trace compile` and `trace mine`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnderstandingConfig {
    /// How much effort is made.
    pub tier: Tier,
}

/// How much effort is made to understand what users say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The grammar and the lexicon.
    #[default]
    Low,
    /// The model of the section `[model]` is asked about what they leave open.
    High,
}

/// What makes vectors of texts; see [`memory::embed::choose`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EmbeddingConfig {
    /// Which embedder is wanted.
    pub backend: Backend,
    /// A folder with a model.
    pub model_dir: Option<PathBuf>,
    /// The library of ONNX Runtime.
    pub library: Option<PathBuf>,
}

/// How the server behaves; see [`Settings`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: Option<SocketAddr>,
    /// Whether everybody needs a key.
    pub require_key: Option<bool>,
    /// By which names it is reached.
    pub allow_hosts: Option<Vec<String>>,
    /// Which pages may ask.
    pub allow_origins: Option<Vec<String>>,
    /// The largest body, in bytes.
    pub max_body_bytes: Option<NonZeroUsize>,
    /// How many records one request may write.
    pub max_batch: Option<NonZeroUsize>,
    /// How many records one answer may have.
    pub max_results: Option<NonZeroUsize>,
    /// How many requests a key may make in a second.
    pub requests_per_second: Option<NonZeroU32>,
    /// How many it may make at once.
    pub burst: Option<NonZeroU32>,
    /// How many requests are worked on at once.
    pub max_requests: Option<NonZeroUsize>,
    /// How many connections are open at once.
    pub max_connections: Option<NonZeroUsize>,
    /// How long the head of a request may take, in milliseconds.
    pub header_ms: Option<u64>,
    /// How long a request may take, in milliseconds.
    pub deadline_ms: Option<u64>,
    /// How long requests may still take after the server was told to stop, in milliseconds.
    pub grace_ms: Option<u64>,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file says what is not understood.
    #[error("`{path}` is not a configuration: {cause}\nhelp: docs/server.md says what may be in it")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What, and where.
        cause: String,
    },
    /// A file that the configuration names is not what it is named as.
    #[error("`{path}` is not {what}: {cause}\nhelp: `trace router train` makes such files")]
    File {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        cause: String,
    },
    /// A number is not one that has a meaning.
    #[error("`{name}` in `.trace/config.toml` is {value}: it is {range}")]
    Number {
        /// The number's name.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// A variable of the environment says what is not understood.
    #[error("`{name}` in the environment is not understood: `{value}`")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
    },
}

impl Config {
    /// The configuration in a file; a file that is not there says nothing. Relative paths in it begin at its folder, so that
    /// they mean the same wherever a command is started.
    ///
    /// # Errors
    /// [`ConfigError`] says what is not understood, and where.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let failed = |source| ConfigError::Read { path: path.to_owned(), source };
        match std::fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Config::default()),
            Err(error) => return Err(failed(error)),
            Ok(file) if file.len() > MOST_BYTES => return Err(failed(io::ErrorKind::FileTooLarge.into())),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let malformed = |error: toml::de::Error| ConfigError::Malformed {
            path: path.to_owned(),
            cause: error.to_string().trim_end().to_owned(),
        };
        let mut config: Config = toml::from_str(&text).map_err(malformed)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let EmbeddingConfig { model_dir, library, .. } = &mut config.embedding;
        let RouterConfig { weights, policy, choices, .. } = &mut config.router;
        for named in [model_dir, library, weights, policy, choices].into_iter().flatten() {
            *named = folder.join(&*named);
        }
        Ok(config)
    }

    /// The same with what the environment says on top: `TRACE_LISTEN`, `TRACE_REQUIRE_KEY`, `TRACE_ALLOW_HOSTS` and
    /// `TRACE_ALLOW_ORIGINS` (lists with commas), `TRACE_EMBEDDING`, `TRACE_MODEL_DIR` and `ORT_DYLIB_PATH`.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] names the one that is not understood.
    pub fn with_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
        let said = |name| variable(name).filter(|value| !value.trim().is_empty());
        let listed = |text: String| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        if let Some(value) = said("TRACE_LISTEN") {
            let address = value.parse().map_err(|_| ConfigError::Variable { name: "TRACE_LISTEN", value })?;
            self.server.listen = Some(address);
        }
        if let Some(value) = said("TRACE_REQUIRE_KEY") {
            self.server.require_key = Some(match value.as_str() {
                "1" | "true" => true,
                "0" | "false" => false,
                _ => return Err(ConfigError::Variable { name: "TRACE_REQUIRE_KEY", value }),
            });
        }
        self.server.allow_hosts = said("TRACE_ALLOW_HOSTS").map(listed).or(self.server.allow_hosts);
        self.server.allow_origins = said("TRACE_ALLOW_ORIGINS").map(listed).or(self.server.allow_origins);
        if let Some(value) = said("TRACE_EMBEDDING") {
            let backend = Backend::deserialize(value.as_str().into_deserializer());
            let unknown = |_: serde::de::value::Error| ConfigError::Variable { name: "TRACE_EMBEDDING", value };
            self.embedding.backend = backend.map_err(unknown)?;
        }
        let model = &mut self.embedding;
        model.model_dir = said("TRACE_MODEL_DIR").map(PathBuf::from).or(model.model_dir.take());
        model.library = model.library.take().or(said("ORT_DYLIB_PATH").map(PathBuf::from));
        Ok(self)
    }
}

impl RouterConfig {
    /// What comes of it: the files are read.
    ///
    /// # Errors
    /// [`ConfigError`] names the file that can't be used, or the number.
    pub fn read(&self) -> Result<Router, ConfigError> {
        fn read<T, E: fmt::Display>(
            path: Option<&PathBuf>,
            what: &'static str,
            of: impl Fn(&[u8]) -> Result<T, E>,
        ) -> Result<Option<T>, ConfigError> {
            let Some(path) = path else { return Ok(None) };
            let bytes = std::fs::read(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            let failed = |cause: E| ConfigError::File { path: path.clone(), what, cause: cause.to_string() };
            of(&bytes).map(Some).map_err(failed)
        }
        let explore = self.explore.unwrap_or(EXPLORE);
        if !(explore > 0.0 && explore <= 0.5) {
            let (name, range) = ("router.explore", "a probability above 0, at most 0.5");
            return Err(ConfigError::Number { name, value: explore, range });
        }
        Ok(Router {
            weights: read(self.weights.as_ref(), "a value model", Weights::from_bytes)?,
            policy: read(self.policy.as_ref(), "a policy of tiers", Policy::from_bytes)?,
            choices: read(self.choices.as_ref(), "a list of choices", |bytes| {
                serde_json::from_slice::<Compiled>(bytes)
            })?,
            explore: self.online.then_some(explore),
        })
    }
}

impl EmbeddingConfig {
    /// What is asked of an embedder that may use what lies in the user's data folder, where fetched models are.
    pub fn settings(self, data: Option<PathBuf>, threads: NonZeroUsize) -> memory::embed::Settings {
        let EmbeddingConfig { backend, model_dir, library } = self;
        memory::embed::Settings { backend, model_dir, library, data, threads }
    }
}

impl ServerConfig {
    /// The settings that come of it.
    pub fn settings(self) -> Settings {
        let usual = Settings::default();
        let count = |size: Option<NonZeroUsize>, usual| size.map_or(usual, NonZeroUsize::get);
        let time = |ms: Option<u64>, usual| ms.map_or(usual, Duration::from_millis);
        Settings {
            address: self.listen.unwrap_or(usual.address),
            require_key: self.require_key.unwrap_or(usual.require_key),
            allow_hosts: self.allow_hosts.unwrap_or(usual.allow_hosts),
            allow_origins: self.allow_origins.unwrap_or(usual.allow_origins),
            max_body_bytes: count(self.max_body_bytes, usual.max_body_bytes),
            max_depth: usual.max_depth,
            max_batch: count(self.max_batch, usual.max_batch),
            max_results: count(self.max_results, usual.max_results),
            requests_per_second: self.requests_per_second.unwrap_or(usual.requests_per_second),
            burst: self.burst.unwrap_or(usual.burst),
            max_requests: count(self.max_requests, usual.max_requests),
            max_connections: count(self.max_connections, usual.max_connections),
            header_timeout: time(self.header_ms, usual.header_timeout),
            deadline: time(self.deadline_ms, usual.deadline),
            grace: time(self.grace_ms, usual.grace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_place() {
        let cases = [
            ("[server]\nlisten = \"0.0.0.0:1\"\nreqire_key = true\n", "line 3"),
            ("[server]\nlisten = \"here\"\n", "line 2"),
            ("[sever]\n", "line 1"),
            ("[server]\nmax_body_bytes = 0\n", "line 2"),
            ("[embedding]\nbackend = \"psychic\"\n", "line 2"),
            ("[server", "line 1"),
        ];
        for (text, place) in cases {
            let error = read(text).err().unwrap().to_string();
            assert!(error.contains(place), "{text}: {error}");
        }
        let nowhere = Config::read(Path::new("/nowhere/config.toml")).unwrap();
        assert_eq!(nowhere, Config::default());
    }

    #[test]
    fn what_chooses_in_recall_is_read_from_files_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        let router = |text: &str| {
            std::fs::write(&path, format!("[router]\n{text}")).unwrap();
            Config::read(&path).unwrap().router.read()
        };
        assert_eq!(router("").unwrap(), Router::default());
        assert_eq!(router("online = true\n").unwrap().explore, Some(EXPLORE));
        assert_eq!(router("explore = 0.2\n").unwrap().explore, None);
        for wrong in ["0.0", "0.6", "nan", "-1.0"] {
            let error = router(&format!("explore = {wrong}\n")).err().unwrap().to_string();
            assert!(error.contains("router.explore"), "{error}");
        }
        let shipped = router::weights::shipped().unwrap();
        std::fs::write(folder.path().join("value.safetensors"), shipped.to_bytes().unwrap()).unwrap();
        assert_eq!(router("weights = \"value.safetensors\"\n").unwrap().weights, Some(shipped));
        std::fs::write(folder.path().join("choices.json"), "{\"configurations\":[]}").unwrap();
        assert_eq!(router("choices = \"choices.json\"\n").unwrap().choices, Some(Compiled::default()));
        for (name, what) in
            [("weights", "a value model"), ("policy", "a policy of tiers"), ("choices", "a list of choices")]
        {
            std::fs::write(folder.path().join("other"), "no such file").unwrap();
            let error = router(&format!("{name} = \"other\"\n")).err().unwrap().to_string();
            assert!(error.contains(what) && error.contains("other") && error.contains("help:"), "{error}");
            let error = router(&format!("{name} = \"nowhere\"\n")).err().unwrap().to_string();
            assert!(error.contains("nowhere"), "{error}");
        }
    }

    #[test]
    fn the_environment_comes_before_the_file() {
        let config = read("[server]\nlisten = \"127.0.0.1:1\"\nallow_hosts = [\"a\"]\nrequire_key = true\n").unwrap();
        let said = |name: &str| match name {
            "TRACE_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "TRACE_ALLOW_HOSTS" => Some("b, c".to_owned()),
            _ => None,
        };
        let settings = config.clone().with_environment(said).unwrap().server.settings();
        assert_eq!((settings.address.port(), settings.require_key), (2, true));
        assert_eq!(settings.allow_hosts, ["b", "c"]);
        let wrong = |name: &str| (name == "TRACE_REQUIRE_KEY").then(|| "perhaps".to_owned());
        assert!(config.with_environment(wrong).err().unwrap().to_string().contains("perhaps"));
    }
}
