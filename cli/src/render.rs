//! How reports look: for people, for scripts, for pages and for code scanning services.

mod markdown;
mod sarif;
pub(crate) mod table;

use crate::output::{self, Format};
use anyhow::Result;
use compiler::{Outcome, Verdict};
use rules::State;
use server::report::{Fate, Record};
use std::io::Write;

/// The most messages that are listed for a person who did not ask for all.
const MAX_LISTED: usize = 200;

/// A report, printed as its records come.
pub(crate) struct Report {
    format: Format,
    all: bool,
    out: Box<dyn Write>,
    table: table::Inputs,
    sarif: sarif::Log,
    listed: usize,
}

impl Report {
    pub(crate) fn new(format: Format, all: bool) -> Self {
        let (table, sarif) = (table::Inputs::default(), sarif::Log::default());
        Self { format, all, out: Box::new(output::out()), table, sarif, listed: 0 }
    }

    /// Prints a record, or keeps it for the end where the format needs that.
    pub(crate) fn add(&mut self, record: &Record) -> Result<()> {
        if let (Record::Input(input), Format::Table | Format::Markdown) = (record, self.format) {
            let made_something = !matches!(input.fate, Fate::OneOff | Fate::NotACorrection | Fate::Malformed);
            self.listed += 1;
            if !self.all && (!made_something || self.listed > MAX_LISTED) {
                return Ok(());
            }
        }
        match self.format {
            Format::Json => output::json(&mut self.out, record),
            Format::Sarif => {
                self.sarif.add(record);
                Ok(())
            }
            Format::Markdown => markdown::write(&mut self.out, record),
            Format::Table => match record {
                Record::Diagnostic(diagnostic) => {
                    self.out.flush()?;
                    output::diagnostic(diagnostic);
                    Ok(())
                }
                record => self.table.write(&mut self.out, record),
            },
        }
    }

    /// Prints what was judged, where a person asked to see that too.
    pub(crate) fn event(&mut self, number: usize, summary: &str, verdicts: &[Verdict]) -> Result<()> {
        if self.format == Format::Table && self.all {
            table::event(&mut self.out, number, summary, verdicts)?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        if self.format == Format::Sarif {
            output::json(&mut self.out, &self.sarif.finish())?;
        }
        self.out.flush()?;
        Ok(())
    }
}

/// What a verdict does, in a word.
fn effect(verdict: &Verdict) -> &'static str {
    match (verdict.outcome, verdict.state) {
        (Outcome::Pending, _) => "owed",
        (_, State::Armed) if verdict.blocks => "blocked",
        (_, State::Armed) if verdict.strength.is_must() => "violated",
        (_, State::Armed) => "warned",
        _ => "shadow",
    }
}
