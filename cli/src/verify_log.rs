//! `trace verify-log`: replays what a store was told, and compares the state after every entry with what was recorded.

use crate::End;
use anyhow::Result;
use std::path::PathBuf;

/// Replay the log of a store, and compare
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: trace verify-log .trace/state.db")]
pub(crate) struct Arguments {
    /// The store
    store: PathBuf,
}

pub(crate) fn run(_arguments: &Arguments) -> Result<End> {
    anyhow::bail!("waits for the durable store")
}
