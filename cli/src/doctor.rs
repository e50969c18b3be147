//! `trace doctor`: what is well in a workspace, and what to do about what is not.

use crate::output::{self, PlainFormat, note, shown};
use crate::{End, engine};
use anyhow::Result;
use consistency::store::{System, World as _};
use memory::embed::{Backend, Settings};
use server::doctor::{Finding, Health, Surroundings, examine};
use server::http;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Say what is well here, and what to do about what is not
///
/// Looks at the store and its log, the indexes, the embedder, the rules, the keys, how a server would listen, and the agent
/// programs that are set up here. Nothing is repaired. The whole log is decided again, which takes as long as reading the
/// store a few times; `--quick` leaves that out.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace doctor
  trace doctor --quick --format json

Exit codes: 0 all is well, 1 something could be done, 2 could not run.")]
pub(crate) struct Arguments {
    /// Leave out what takes as long as the store is large
    #[arg(long)]
    quick: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let engine = engine(root)?;
    let home = std::env::home_dir();
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let config = variable("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    let embedding = Settings {
        backend: Backend::Auto,
        model_dir: None,
        library: variable("ORT_DYLIB_PATH"),
        data: variable("XDG_DATA_HOME")
            .or_else(|| home.as_ref().map(|home| home.join(".local/share")))
            .map(|data| data.join("trace")),
        threads: NonZeroUsize::MIN,
    };
    let (server, now) = (http::Settings::default(), System.now());
    let surroundings = Surroundings { engine: &engine, home, config, embedding, server, now, quick: arguments.quick };
    if !arguments.quick && output::is_watched() {
        note("reading the whole store; `--quick` leaves that out");
    }
    let (mut out, mut worst, mut failed) = (output::out(), Health::Well, None);
    examine(&surroundings, &mut |finding| {
        worst = worst.max(finding.health);
        let written = write(&mut out, &finding, arguments.format).and_then(|()| Ok(out.flush()?));
        failed = failed.take().or(written.err());
    });
    match failed {
        Some(error) => Err(error),
        None if worst == Health::Well => Ok(End::Clean),
        None => Ok(End::Findings),
    }
}

fn write(out: &mut dyn Write, finding: &Finding, format: PlainFormat) -> Result<()> {
    if format == PlainFormat::Json {
        return output::json(out, finding);
    }
    let mark = match finding.health {
        Health::Well => "✓",
        Health::Look => "!",
        Health::Broken => "✗",
    };
    let part = serde_json::to_value(finding.part)?;
    writeln!(out, "{mark} {:<9} {}", part.as_str().unwrap_or_default(), shown(&finding.what))?;
    if let Some(help) = &finding.help {
        writeln!(out, "{:<11} help: {}", "", shown(help))?;
    }
    Ok(())
}
