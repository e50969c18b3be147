//! `trace mcp`: the tools of the Model Context Protocol on standard streams, for an agent's configuration file.
//!
//! Several of them may run at once on one store. INVARIANT: nothing but the protocol is written to standard output.

use crate::{End, engine, user_rules};
use anyhow::Result;
use server::Place;
use server::service::{Service, Settings, Workspace};
use std::path::PathBuf;
use std::sync::Arc;

/// Serve memories, rules and shared state to an agent, as MCP tools on standard input and output
///
/// An agent's host starts it, as its configuration says; it ends when its input ends. All processes of a workspace share
/// one store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude mcp add trace -- trace mcp               for Claude Code
  trace mcp --root ~/project                      for hosts that start it elsewhere

Exit codes: 0 the input ended, 2 could not run.")]
pub(crate) struct Arguments {
    /// The file of the store [default: `.trace/state.db`]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let engine = engine(root)?;
    let store = if let Some(store) = arguments.store {
        store
    } else {
        engine.create()?;
        engine.state()
    };
    let workspace = Workspace { place: Place::At(engine.root().to_owned()), user: user_rules() };
    let settings = Settings { workspace: Some(workspace), ..Settings::beside(&store) };
    server::mcp::serve_stdio(Arc::new(Service::open(settings)?))?;
    Ok(End::Clean)
}
