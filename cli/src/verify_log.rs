//! `trace verify-log`: decides every order in a store's log again, and compares what it comes to with what the store holds.

use crate::output::{self, PlainFormat, shown};
use crate::{End, render};
use anyhow::Result;
use consistency::store::StoreError;
use consistency::store::sqlite::{Replayed, replay};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Replay the log of a store of shared state, and compare
///
/// Decides every order again, without the store: each entry's hash must be the one that was recorded, and the rows that the
/// log comes to must be the rows that are there. Reads only; others may go on working.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: trace verify-log .trace/state.db

Exit codes: 0 everything matches, 1 the log and the store differ, 2 could not run.")]
pub(crate) struct Arguments {
    /// The file that holds the state
    store: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    let mut out = output::out();
    let end = match (replay(&arguments.store), arguments.format) {
        (Ok(Replayed { entries, clock, chain, rows }), PlainFormat::Json) => {
            let matches = json!({ "matches": true, "entries": entries, "clock": clock, "log": chain, "rows": rows });
            output::json(&mut out, &matches)?;
            End::Clean
        }
        (Ok(Replayed { entries, clock, chain, rows }), PlainFormat::Table) => {
            let count = render::table::plural(usize::try_from(entries).unwrap_or(usize::MAX), "entry");
            writeln!(out, "{count}, and the store stands at {clock}\nlog   {chain}\nrows  {rows}")?;
            writeln!(out, "every entry has the hash that was recorded, and every row is what the log comes to")?;
            End::Clean
        }
        (Err(StoreError::Damaged { what, .. }), PlainFormat::Json) => {
            output::json(&mut out, &json!({ "matches": false, "difference": what }))?;
            End::Findings
        }
        (Err(StoreError::Damaged { what, .. }), PlainFormat::Table) => {
            writeln!(out, "the first difference: {}", shown(&what))?;
            End::Findings
        }
        (Err(other), _) => return Err(other.into()),
    };
    out.flush()?;
    Ok(end)
}
