//! `trace router eval`: item pricing beside everything simpler.

use super::data::{Data, Read, bar};
use super::page::{Table, fill, tables};
use crate::End;
use crate::output;
use crate::render::table::{plain, plural, write_table};
use ::router::evaluation::{Plan, Report, evaluate, svg, tiers};
use ::router::train::Learning;
use ::router::weights::{Weights, shipped};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread;

/// Measure whether pricing what is recalled pays
///
/// Learns a model leaving one conversation out, measures it on that one, and compares with BM25, the search itself, every
/// mixture of both, the best choice for each question and the full context, at equal mean tokens, with 95 % intervals.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router eval --data locomo10.json --model-dir all-MiniLM-L6-v2 --cache target/vectors
  trace router eval --data locomo10.json --split test              learnt from the other conversations
  trace router eval --data chats.json --weights value.safetensors --as-given
  trace router eval --data locomo10.json --format svg > frontier.svg
  trace router eval --data locomo10.json --as-given --tiers        whether choosing the modules' tiers pays

Exit codes: 0 the router pays, 1 the guard says that it is to be off, 2 could not run.")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// What is measured
    #[arg(long, value_enum, default_value_t)]
    split: Split,
    /// A model that was learnt before, beside the one that is learnt here [default: the shipped one]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Learn nothing: measure the model as it is
    #[arg(long)]
    as_given: bool,
    /// Measure what the parts of the model contribute, too
    #[arg(long)]
    ablations: bool,
    /// Replay every choice of the modules' tiers, and measure whether choosing them by question pays, too
    #[arg(long)]
    tiers: bool,
    /// A page in Markdown whose figures are put between its marks; the picture and the report go beside it
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Printed,
}

/// Which conversations are measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Split {
    /// All, each by a model that was learnt from the others
    #[default]
    All,
    /// The last fifth, by a model that was learnt from the rest
    Test,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Printed {
    /// For people
    #[default]
    Table,
    /// For scripts: one JSON object
    Json,
    /// A picture of the frontiers
    Svg,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let read = arguments.data.read()?;
    let Read { cases, reason, .. } = &read;
    let given = match &arguments.weights {
        Some(path) => Some(weights(path)?),
        None => shipped(),
    };
    let conversations = cases.turns.len();
    let is_test = arguments.split == Split::Test;
    let first = if is_test { conversations - conversations.div_ceil(5) } else { 0 };
    let bar = bar("learning {bar:30} {pos}/{len}")?;
    let plan = Plan {
        learning: Learning { seed: arguments.data.seed, ..Learning::default() },
        given: given.as_ref(),
        learns: !arguments.as_given && conversations > 1,
        ablations: arguments.ablations,
        measured: (first..conversations).collect(),
        together: is_test,
        threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let mut report = evaluate(cases, &plan, &|done, of| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    if arguments.tiers {
        let profile = read.profile()?;
        report.tiers = Some(tiers(&profile, arguments.data.seed, plan.threads.get(), &|_, _| {}));
    }
    if let Some(page) = &arguments.page {
        fill(page, &report, &arguments.data.name())?;
    }
    print(&report, arguments.format, &[&arguments.data.name(), reason])
}

/// Prints a report, with some lines about it for a person; tells whether the router pays.
pub(super) fn print(report: &Report, format: Printed, about: &[&str]) -> Result<End> {
    let mut out = output::out();
    match format {
        Printed::Table => {
            write_report(&mut out, report)?;
            about.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        }
        Printed::Json => output::json(&mut out, report)?,
        Printed::Svg => out.write_all(svg(report).as_bytes())?,
    }
    out.flush()?;
    Ok(if report.guard.is_on { End::Clean } else { End::Findings })
}

/// The model in a file.
fn weights(path: &Path) -> Result<Weights> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Weights::from_bytes(&bytes).with_context(|| format!("cannot use `{}`", path.display()))
}

/// Prints a report for a person.
fn write_report(out: &mut dyn Write, report: &Report) -> Result<()> {
    for Table { header, rows } in tables(report) {
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut table = plain(&header);
        for row in rows {
            table.add_row(row);
        }
        write_table(out, &table)?;
        writeln!(out)?;
    }
    writeln!(out, "guard: {}", report.guard.reason)?;
    if let Some(tiers) = &report.tiers {
        writeln!(out, "guard of the tiers: {}", tiers.guard.reason)?;
    }
    writeln!(
        out,
        "{} in {}, ×100; the full context has {:.0} tokens",
        plural(report.questions, "question"),
        plural(report.conversations, "conversation"),
        report.full_tokens
    )?;
    Ok(())
}
