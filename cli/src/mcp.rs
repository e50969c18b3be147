//! `trace mcp`: the tools of the Model Context Protocol on standard streams, for an agent's configuration file.
//!
//! Several of them may run at once on one store. INVARIANT: nothing but the protocol is written to standard output.

use crate::End;
use crate::configured::Configured;
use crate::output::note;
use anyhow::Result;
use server::follower::Follower;
use std::path::PathBuf;
use std::sync::Arc;

/// Serve memories, rules and shared state to an agent, as MCP tools on standard input and output
///
/// An agent's host starts it, as its configuration says; it ends when its input ends. All processes of a workspace share
/// one store. How texts are embedded is told once, on standard error.
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
    let configured = Configured::read(root)?;
    let store = if let Some(store) = arguments.store {
        store
    } else {
        configured.engine.create()?;
        configured.engine.state()
    };
    let (service, embedding) = configured.open(&store)?;
    note(&embedding);
    let service = Arc::new(service);
    // What agents add is embedded, and what expires is forgotten, while they work.
    let follower = Follower::start(service.clone())?;
    server::mcp::serve_stdio(service)?;
    drop(follower);
    Ok(End::Clean)
}
