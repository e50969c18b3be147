//! `trace schema`: the JSON Schemas of everything that is read or written, from the types themselves.

use crate::{End, output};
use anyhow::Result;
use clap::ValueEnum;
use schemars::schema_for;
use std::io::Write;

/// Print the JSON Schema of a format
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: trace schema event > event.schema.json")]
pub(crate) struct Arguments {
    /// Which format
    name: Name,
}

/// The formats.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// A line of a correction file
    Correction,
    /// A rule file (TOML, described as JSON)
    Rule,
    /// A line of an event file
    Event,
    /// What a check answers
    Verdict,
    /// A line of `--format json`
    Report,
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    let schema = match arguments.name {
        Name::Correction => schema_for!(rules::Correction),
        Name::Rule => schema_for!(rules::Rule),
        Name::Event => schema_for!(rules::Event),
        Name::Verdict => schema_for!(compiler::Verdict),
        Name::Report => schema_for!(server::report::Record),
    };
    let mut out = output::out();
    serde_json::to_writer_pretty(&mut out, &schema)?;
    writeln!(out)?;
    out.flush()?;
    Ok(End::Clean)
}
