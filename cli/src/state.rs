//! `trace state`: the state that agents share, from a terminal.
//!
//! Every command is one session or one order on the store, like those of any agent; nothing here is more powerful than
//! the library. What only reads asks for a store that is there; what writes makes one.

mod cells;
mod commits;
mod outbox;
pub(crate) mod rows;

use crate::output::{self, PlainFormat};
use crate::{End, engine};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use consistency::Agent;
use consistency::store::Store;
use std::io::Write;
use std::path::PathBuf;

/// Read and change the state that agents share
///
/// Cells are named by keys as in `todo/3` and hold JSON. A commit has a version, `epoch.sequence`; versions are never used
/// twice, and `0.0` is the version of what was never written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state put plan '{\"goal\": \"ship\"}'
  trace state put log --append '\"started\"'         concurrent appends all arrive
  trace state get plan
  trace state scan todo/                          what is there, with versions and authors
  trace state watch todo/                         changes, as they are committed
  trace state sessions                            who is at work, and who works in vain

Exit codes: 0 done, 1 not there, or others were faster, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The file that holds the state [default: `.trace/state.db`]
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t)]
    format: PlainFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    Get(cells::Get),
    Put(Box<cells::Put>),
    Scan(cells::Scan),
    History(cells::History),
    Watch(cells::Watch),
    /// List the sessions that are at work, in all processes
    #[command(after_help = "Example: trace state sessions")]
    Sessions,
    /// List the commits that are not final
    #[command(after_help = "Example: trace state open")]
    Open,
    Retract(commits::Retract),
    Approve(commits::Approve),
    Effects(outbox::Effects),
    Settle(outbox::Settle),
    /// List the tools that agents rely on
    #[command(after_help = "Example: trace state tools")]
    Tools,
    Register(outbox::Register),
}

impl Command {
    /// Tells whether the command may make a store where there is none.
    fn makes(&self) -> bool {
        matches!(self, Command::Put(_) | Command::Register(_))
    }
}

/// Who writes.
#[derive(Debug, clap::Args)]
pub(crate) struct Author {
    /// Who says so [default: your user name]
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
}

impl Author {
    pub(crate) fn agent(&self) -> Agent {
        let user = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
        let named = self.agent.clone().or(user.filter(|user| !user.is_empty()));
        named.unwrap_or_else(|| "terminal".to_owned()).into()
    }
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let Arguments { command, store, format } = arguments;
    let store = open(root, store, command.makes())?;
    let mut out = output::out();
    let end = match command {
        Command::Get(get) => get.run(&store, &mut out, format),
        Command::Put(put) => put.run(&store, &mut out, format),
        Command::Scan(scan) => scan.run(&store, &mut out, format),
        Command::History(history) => history.run(&store, &mut out, format),
        Command::Watch(watch) => watch.run(&store, &mut out, format),
        Command::Sessions => commits::sessions(&store, &mut out, format),
        Command::Open => commits::open(&store, &mut out, format),
        Command::Retract(retract) => retract.run(&store, &mut out, format),
        Command::Approve(approve) => approve.run(&store, &mut out, format),
        Command::Effects(effects) => effects.run(&store, &mut out, format),
        Command::Settle(settle) => settle.run(&store, &mut out, format),
        Command::Tools => outbox::tools(&store, &mut out, format),
        Command::Register(register) => register.run(&store, &mut out, format),
    }?;
    out.flush()?;
    Ok(end)
}

/// Opens the store of the workspace, or the one that is named.
fn open(root: Option<PathBuf>, file: Option<PathBuf>, make: bool) -> Result<Store> {
    let path = if let Some(file) = file {
        file
    } else {
        let engine = engine(root)?;
        if make {
            engine.create()?;
        }
        engine.state()
    };
    let is_there = path.try_exists().with_context(|| format!("cannot read `{}`", path.display()))?;
    if !make && !is_there {
        bail!(
            "there is no store at `{}`\nhelp: the first `trace state put` makes one; `--store FILE` names another",
            path.display()
        );
    }
    Ok(Store::open(&path)?)
}
