//! `trace compile`: makes rules and checks of what a user said.

use crate::configured::reading;
use crate::output::{self, Format};
use crate::render::Report;
use crate::{End, engine};
use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use server::compilation::Plan;
use server::mine::sources;
use server::reader::Reader;
use server::recorded::Recording;
use server::report::Fate;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Make rules and checks of what you said
///
/// Takes JSON lines (`trace schema correction`; only `text` is required) or plain text, one message a line; which of
/// the two is told by the content. The same input compiled twice changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace compile corrections.jsonl
  echo 'never use npm here, use pnpm' | trace compile -
  trace compile --shadow notes.txt          log violations first, stand in nobody's way
  trace compile notes.txt --history ~/.claude/projects
                                            try the rules on recorded sessions first

Exit codes: 0 everything was read, 1 some lines could not be read, 2 could not run.")]
pub(crate) struct Arguments {
    /// The files of corrections, or `-` for standard input
    #[arg(value_name = "CORRECTIONS", required = true)]
    inputs: Vec<PathBuf>,
    /// Put new rules in shadow: they are logged, not enforced
    #[arg(long)]
    shadow: bool,
    /// Recorded sessions, or a folder of some: a rule that would have fired where you did not mind is put in shadow (may be
    /// repeated)
    #[arg(long, value_name = "PATH")]
    history: Vec<PathBuf>,
    /// Show what became of every message, not only of those that made rules
    #[arg(long)]
    all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    if let Some(root) = &root {
        std::fs::create_dir_all(root).with_context(|| format!("cannot create `{}`", root.display()))?;
    }
    let engine = engine(root)?;
    let history = recordings(&arguments.history)?;
    let (reader, faults) = reading(&engine)?;
    faults.iter().for_each(output::diagnostic);
    let plan = Plan { reader: &reader, arm: !arguments.shadow, keep: true, history: &history };
    let replayed: u64 = history.iter().map(Recording::size).sum();
    let mut unread = 0;
    for path in &arguments.inputs {
        let (input, name, size) = open(path)?;
        let bar = progress(if size > 0 { size + replayed } else { 0 });
        let compiled = engine.compile_by(input, &name, &plan, &mut |bytes| bar.set_position(bytes));
        bar.finish_and_clear();
        let compiled = compiled?;
        unread += compiled.sum.fates.get(&Fate::Malformed).copied().unwrap_or_default();
        let mut report = Report::new(arguments.format, arguments.all);
        compiled.each(&mut |record| report.add(&record))?;
        report.finish()?;
    }
    told(&reader);
    Ok(if unread > 0 { End::Findings } else { End::Clean })
}

/// The recordings at some paths.
pub(crate) fn recordings(paths: &[PathBuf]) -> Result<Vec<Recording>> {
    Ok(sources(paths)?.recordings().cloned().collect())
}

/// Tells what a model that was asked came to.
pub(crate) fn told(reader: &Reader) {
    if let Some(text) = reader.asked() {
        output::note(&text);
    }
}

fn open(path: &Path) -> Result<(Box<dyn BufRead>, String, u64)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(BufReader::new(std::io::stdin())), "standard input".to_owned(), 0));
    }
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
    let about = file.metadata().with_context(|| format!("cannot read `{name}`"))?;
    if about.is_dir() {
        bail!("`{name}` is a folder; name a file of corrections");
    }
    Ok((Box::new(BufReader::new(file)), name, about.len()))
}

pub(crate) fn progress(size: u64) -> ProgressBar {
    if !output::is_watched() || size == 0 {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {eta} left");
    ProgressBar::new(size).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
