//! `trace lexicon`: tries the entries of a workspace's own lexicon.

use crate::output::{self, PlainFormat};
use crate::render::table::{plain, plural, write_table};
use crate::{End, engine};
use anyhow::Result;
use serde::Serialize;
use server::lexicon::{Tried, files, tried};
use std::io::Write;
use std::path::PathBuf;

/// Try the entries of your own lexicon
///
/// What `trace` knows of tools, files and constructs is a lexicon; files in `.trace/lexicon/` add to it, and are read
/// whenever a message is. Each entry holds of the events under `violates`, and not of those under `clean`: this runs them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
An entry:
  [[tool]]
  name = \"shipit\"
  run = \"shipit\"
  violates = [\"shipit now\", \"cd api && shipit --all\"]
  clean = [\"echo shipit\", \"ls\"]

Examples:
  trace lexicon
  trace lexicon .trace/lexicon/ours.toml --format json

Exit codes: 0 all entries pass, 1 some do not, 2 could not run.")]
pub(crate) struct Arguments {
    /// The files [default: `.trace/lexicon/*.toml`]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// How an entry did, for scripts.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    file: &'a str,
    entry: &'a str,
    passed: bool,
    violating: usize,
    clean: usize,
    failures: &'a [rules::Diagnostic],
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let engine = engine(root)?;
    let paths = if arguments.files.is_empty() { files(&engine) } else { arguments.files.clone() };
    let mut out = output::out();
    let mut table = plain(&["file", "entry", "violating", "clean", "result"]);
    let (mut entries, mut failed) = (0, 0);
    for path in &paths {
        let name = path.strip_prefix(engine.root()).unwrap_or(path).display().to_string();
        let all = match tried(path, &name) {
            Ok(all) => all,
            Err(fault) => {
                failed += 1;
                output::diagnostic(&fault);
                continue;
            }
        };
        for one in &all {
            let Tried { entry, violating, clean, failures } = one;
            let passed = failures.is_empty();
            (entries, failed) = (entries + 1, failed + usize::from(!passed));
            if arguments.format == PlainFormat::Json {
                let (violating, clean) = (*violating, *clean);
                output::json(&mut out, &Listed { file: &name, entry, passed, violating, clean, failures })?;
            } else {
                failures.iter().for_each(output::diagnostic);
                let result = if passed { "passed" } else { "failed" };
                let row = [name.clone(), entry.clone(), violating.to_string(), clean.to_string(), result.to_owned()];
                table.add_row(row);
            }
        }
    }
    if arguments.format == PlainFormat::Table {
        if entries > 0 {
            write_table(&mut out, &table)?;
        }
        let count = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        writeln!(out, "{count} in {}, {failed} failed", plural(paths.len(), "file"))?;
    }
    out.flush()?;
    Ok(if failed > 0 { End::Findings } else { End::Clean })
}
