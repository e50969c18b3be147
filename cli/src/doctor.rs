//! `trace doctor`: what is well in a workspace, and what to do about what is not.

use crate::configured::{config_of, data_folder, variable};
use crate::output::{self, PlainFormat, note, shown};
use crate::{End, engine};
use anyhow::Result;
use consistency::store::{System, World as _};
use serde::Serialize;
use server::config::Config;
use server::doctor::{Finding, Health, Surroundings, examine};
use std::io::Write;
use std::path::PathBuf;

/// Say what is well here, and what to do about what is not
///
/// Looks at the configuration, the store and the hash chain of its log, the indexes, the models, the rules, the keys, how a
/// server listens, and the agent programs that are set up here: each of their hooks is told of a call that a rule forbids, in
/// a folder made for it. The whole log is decided again, which takes as long as reading the store a few times; `--quick`
/// leaves that out. Nothing is repaired, but that an index which can't be used is made again, as by every command that opens
/// it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace doctor
  trace doctor --quick --format json

Exit codes: 0 all is well, 1 something is to be looked at or broken, 2 could not run.")]
pub(crate) struct Arguments {
    /// Leave out what takes as long as the store is large
    #[arg(long)]
    quick: bool,
    /// The folder of the store and its indexes, where `trace serve` was told one [default: `.trace`]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// How many findings of each kind there were.
#[derive(Debug, Default, Serialize)]
struct Sum {
    well: usize,
    look: usize,
    broken: usize,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let engine = engine(root)?;
    let home = std::env::home_dir();
    let settings = std::env::var_os("XDG_CONFIG_HOME").map(PathBuf::from);
    let surroundings = Surroundings {
        config: Config::read(&config_of(&engine)).and_then(|config| config.with_environment(variable)),
        store: arguments.data.as_ref().map_or_else(|| engine.state(), |data| data.join("state.db")),
        engine: &engine,
        settings: settings.or_else(|| home.as_ref().map(|home| home.join(".config"))),
        home,
        data: data_folder(),
        variable: &variable,
        now: System.now(),
        quick: arguments.quick,
    };
    if !arguments.quick && output::is_watched() {
        note("reading the whole store; `--quick` leaves that out");
    }
    let (mut out, mut sum, mut failed) = (output::out(), Sum::default(), None);
    examine(&surroundings, &mut |finding| {
        match finding.health {
            Health::Well => sum.well += 1,
            Health::Look => sum.look += 1,
            Health::Broken => sum.broken += 1,
        }
        let written = write(&mut out, &finding, arguments.format).and_then(|()| Ok(out.flush()?));
        failed = failed.take().or(written.err());
    });
    if let Some(error) = failed {
        return Err(error);
    }
    match arguments.format {
        PlainFormat::Json => output::json(&mut out, &sum)?,
        PlainFormat::Table => writeln!(out, "{} well, {} to look at, {} broken", sum.well, sum.look, sum.broken)?,
    }
    out.flush()?;
    Ok(if sum.look + sum.broken == 0 { End::Clean } else { End::Findings })
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
    let mut lines = finding.what.lines();
    writeln!(out, "{mark} {:<9} {}", part.as_str().unwrap_or_default(), shown(lines.next().unwrap_or_default()))?;
    for line in lines {
        writeln!(out, "{:<11} {}", "", shown(line))?;
    }
    if let Some(help) = &finding.help {
        writeln!(out, "{:<11} help: {}", "", shown(help))?;
    }
    Ok(())
}
