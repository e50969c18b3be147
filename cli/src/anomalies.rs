//! `trace anomalies`: what went wrong between agents that share state, told from a recorded history.

use crate::End;
use crate::output::{self, PlainFormat};
use crate::render::table::{plain, plural, write_table};
use anyhow::{Context, Result, bail};
use consistency::history::graph::{Cycle, DirtyRead, Graph, Verdict};
use consistency::history::{Anomaly, Reached, Recording, StaleGeneration};
use owo_colors::OwoColorize;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

/// The most findings of one kind that are listed for a person.
const MAX_LISTED: usize = 50;
/// The most findings of one kind that are counted for a person.
const MAX_COUNTED: usize = 100_000;

/// Find anomalies in a recorded history of agents that share state
///
/// Reads what a store records (one JSON event a line) or records of operations as the runtime of arXiv 2606.17182 writes
/// them (lines or an array); which of the two is told by the first line. Names the anomalies A1, A2, A3 and A6 with both
/// operations, the cycles of the serialization graph, and the level that the history reaches.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace anomalies history.jsonl
  trace anomalies - < history.jsonl           the same from standard input
  trace anomalies runs.json --format json     every witness, one JSON object a line

Exit codes: 0 nothing found, 1 anomalies found, 2 could not read the history.")]
pub(crate) struct Arguments {
    /// The history, or `-` for standard input
    #[arg(value_name = "FILE")]
    history: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// One line of `--format json`.
#[derive(Debug, Serialize)]
#[serde(tag = "record", rename_all = "snake_case")]
enum Line<'a> {
    Torn {
        line: usize,
    },
    Anomaly {
        #[serde(flatten)]
        witness: &'a Anomaly,
        sentence: String,
    },
    /// What would be an anomaly, but was acknowledged or merged.
    Accepted {
        #[serde(flatten)]
        witness: &'a StaleGeneration,
        sentence: String,
    },
    DirtyRead {
        #[serde(flatten)]
        witness: &'a DirtyRead,
        sentence: String,
    },
    Cycle {
        #[serde(flatten)]
        witness: &'a Cycle,
        sentence: String,
    },
    Sum(Sum<'a>),
}

/// What was found in all.
#[derive(Debug, Serialize)]
struct Sum<'a> {
    operations: usize,
    #[serde(flatten)]
    reached: &'a Reached,
    /// Whether some serial order explains the history; unknown where there are no versions.
    serializable: Option<bool>,
    /// Whether one does that agrees with real time.
    strictly: Option<bool>,
}

/// What is printed, as it comes.
struct Report {
    format: PlainFormat,
    out: Box<dyn Write>,
    rows: Vec<[String; 2]>,
    found: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    let (input, name) = open(&arguments.history)?;
    let recording = Recording::read(input).with_context(|| format!("cannot read `{name}`"))?;
    let mut report = Report { format: arguments.format, out: Box::new(output::out()), rows: Vec::new(), found: false };
    match &recording {
        Recording::Store(history) => {
            report.torn(history.torn())?;
            report.anomalies(history.anomalies())?;
            let verdict = Graph::of(history).verdict();
            report.graph(&verdict)?;
            report.accepted(history.accepted())?;
            let operations = history.transactions().len();
            report.sum(operations, &history.level(), Some(&verdict))?;
        }
        Recording::Operations(operations) => {
            report.torn(operations.torn())?;
            report.anomalies(operations.anomalies())?;
            report.sum(operations.records().len(), &operations.level(), None)?;
        }
    }
    Ok(if report.found { End::Findings } else { End::Clean })
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, String)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(std::io::stdin())), "standard input".to_owned()));
    }
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
    if file.metadata().with_context(|| format!("cannot read `{name}`"))?.is_dir() {
        bail!("`{name}` is a folder; name a recorded history");
    }
    Ok((Box::new(BufReader::new(file)), name))
}

impl Report {
    fn torn(&mut self, line: Option<usize>) -> Result<()> {
        let Some(line) = line else { return Ok(()) };
        match self.format {
            PlainFormat::Json => output::json(&mut self.out, &Line::Torn { line }),
            PlainFormat::Table => {
                writeln!(self.out, "{} line {line}, the last one, is torn and was left out\n", "note:".bold())?;
                Ok(())
            }
        }
    }

    fn anomalies(&mut self, anomalies: impl Iterator<Item = Anomaly>) -> Result<()> {
        let mut anomalies = anomalies.peekable();
        while let Some(first) = anomalies.next() {
            let name = first.name();
            let same = std::iter::from_fn(|| anomalies.next_if(|next| next.name() == name));
            self.found = true;
            self.kind(name, [first].into_iter().chain(same), |witness, sentence| Line::Anomaly { witness, sentence })?;
        }
        Ok(())
    }

    fn accepted(&mut self, accepted: impl Iterator<Item = StaleGeneration>) -> Result<()> {
        self.kind("accepted", accepted, |witness, sentence| Line::Accepted { witness, sentence })
    }

    fn graph(&mut self, verdict: &Verdict) -> Result<()> {
        self.found |= !verdict.serializable;
        let mut dirty: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for witness in &verdict.dirty {
            dirty.entry(witness.phenomenon).or_default().push(witness);
        }
        for (name, found) in dirty {
            self.kind(&name.to_string(), found.into_iter(), |witness, sentence| Line::DirtyRead { witness, sentence })?;
        }
        let mut cycles: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for witness in verdict.cycles.iter().chain(&verdict.real_time) {
            cycles.entry(witness.phenomenon).or_default().push(witness);
        }
        for (name, found) in cycles {
            self.kind(&name.to_string(), found.into_iter(), |witness, sentence| Line::Cycle { witness, sentence })?;
        }
        Ok(())
    }

    /// Adds findings of one kind: all of them for scripts, the first ones and their number for a person.
    fn kind<T: std::fmt::Display>(
        &mut self,
        name: &str,
        mut found: impl Iterator<Item = T>,
        line: impl for<'a> Fn(&'a T, String) -> Line<'a>,
    ) -> Result<()> {
        if self.format == PlainFormat::Json {
            return found.try_for_each(|witness| output::json(&mut self.out, &line(&witness, witness.to_string())));
        }
        let rows = found.by_ref().take(MAX_LISTED).map(|witness| [name.to_owned(), witness.to_string()]);
        self.rows.extend(rows);
        let more = found.take(MAX_COUNTED).count();
        if more > 0 {
            let more = if more < MAX_COUNTED { more.to_string() } else { format!("at least {MAX_COUNTED}") };
            self.rows.push([name.to_owned(), format!("… and {more} more: `--format json` tells them all")]);
        }
        Ok(())
    }

    fn sum(&mut self, operations: usize, reached: &Reached, verdict: Option<&Verdict>) -> Result<()> {
        let serializable = verdict.map(|verdict| verdict.serializable);
        let strictly = verdict.map(|verdict| verdict.strictly);
        if self.format == PlainFormat::Json {
            output::json(&mut self.out, &Line::Sum(Sum { operations, reached, serializable, strictly }))?;
            self.out.flush()?;
            return Ok(());
        }
        if !self.rows.is_empty() {
            let mut table = plain(&["anomaly", "what happened"]);
            for row in self.rows.drain(..) {
                table.add_row(row);
            }
            write_table(&mut self.out, &table)?;
            writeln!(self.out)?;
        }
        let because = reached.because.as_ref().map(|anomaly| format!(", held back by {}", anomaly.name()));
        let order = match (serializable, strictly) {
            (Some(true), Some(true)) => "; serializable, in the order of real time",
            (Some(true), _) => "; serializable, though in no order of real time",
            (Some(false), _) => "; not serializable",
            (None, _) => "; without versions there is no serialization graph",
        };
        let (operations, because) = (plural(operations, "operation"), because.unwrap_or_default());
        writeln!(self.out, "{operations}: reaches {}{because}{order}", reached.level.bold())?;
        self.out.flush()?;
        Ok(())
    }
}
