//! `trace eval`: measures on labelled records how well sentences are understood.

mod retrieval;

use crate::End;
use crate::output::{self, PlainFormat};
use crate::render::table::{plain, plural, write_table};
use anyhow::{Context, Result, bail};
use rules::correction::LineError;
use rules::{Code, Diagnostic, Span};
use server::evaluation::score::{Figure, Row, Score};
use server::evaluation::{Evaluation, Record};
use server::lines;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

/// The longest line of a corpus, in bytes.
const MAX_LINE_BYTES: usize = 16 << 20;

/// Measure how well sentences are understood
///
/// Takes labelled records as JSON lines; what they are records of is told by their fields: sentences of documents for
/// agents (`kind`, `deterministic`, perhaps an action that violates them and one that does not), messages of a chat
/// (`durable`), actions that were judged elsewhere (`action` with `official_violates` or `official`). The texts that such
/// actions name are looked up in `preferences.jsonl` beside the corpus.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Examples:
  trace eval corrections.jsonl
  trace eval directives.jsonl nonrules.jsonl     both together: precision and recall of detection
  trace eval examples.jsonl --format json        what was made of each record, one JSON object a line
  trace eval retrieval locomo10.json             how well the evidence of questions is found

Exit codes: 0 everything was read, 1 some lines could not be read, 2 could not run."
)]
pub(crate) struct Arguments {
    /// The files of labelled records
    #[arg(value_name = "CORPUS", required = true)]
    corpora: Vec<PathBuf>,
    /// The file with the texts that examples name [default: `preferences.jsonl` beside the corpus]
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
    #[command(subcommand)]
    of: Option<Of>,
}

/// What else than understanding is measured.
#[derive(Debug, clap::Subcommand)]
enum Of {
    Retrieval(retrieval::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    if let Some(Of::Retrieval(arguments)) = &arguments.of {
        return retrieval::run(arguments);
    }
    let mut out = output::out();
    let mut rows = Vec::new();
    let mut unread = 0;
    for path in &arguments.corpora {
        let mut evaluation = Evaluation::default();
        let beside = path.with_file_name("preferences.jsonl");
        let texts = arguments.texts.clone().or_else(|| beside.is_file().then_some(beside));
        if let Some(texts) = texts {
            unread += each_line(&texts, |line| evaluation.learn(line))?;
        }
        let mut failed = None;
        unread += each_line(path, |line| {
            let record = Record::read(line)?;
            let answers = evaluation.answers(&record);
            rows.extend(Row::of(&record, &answers, &evaluation));
            if arguments.format == PlainFormat::Json && failed.is_none() {
                failed = answers.iter().find_map(|answer| output::json(&mut out, answer).err());
            }
            Ok(())
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    if rows.is_empty() {
        bail!("nothing to measure: none of the lines is a labelled record");
    }
    if arguments.format == PlainFormat::Table {
        write_score(&mut out, &Score::of(&rows), rows.len())?;
    }
    out.flush()?;
    Ok(if unread > 0 { End::Findings } else { End::Clean })
}

/// Reads each line of a file that is not blank, and tells what is wrong with those that cannot be read; how many are not.
fn each_line(path: &Path, mut read: impl FnMut(&str) -> Result<(), LineError>) -> Result<usize> {
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        bail!("`{name}` is a folder; name a file of labelled records");
    }
    let mut unread = 0;
    for line in lines::bounded(BufReader::new(file), MAX_LINE_BYTES) {
        let line = line.with_context(|| format!("cannot read `{name}`"))?;
        let fault = match line.text() {
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => read(text).err().map(|error| {
                let place = Span::on(&name, line.number, error.column, 1, text);
                Diagnostic::of(Code::NotJson, error.message).at(place)
            }),
            Err(wrong) => Some(wrong.at(Span::on(&name, line.number, 1, 1, ""))),
        };
        if let Some(fault) = fault {
            unread += 1;
            output::diagnostic(&fault.help("mend the line; it was left out"));
        }
    }
    Ok(unread)
}

/// Prints all figures.
fn write_score(out: &mut dyn Write, score: &Score, answers: usize) -> Result<()> {
    let headline = score
        .headline
        .iter()
        .map(|figure| vec![figure.name.to_owned(), value(figure), interval(figure), figure.of.to_string()]);
    grid(out, &["figure", "value", "95 % interval", "of"], headline)?;
    for group in &score.groups {
        let Some((_, _, figures)) = group.parts.first() else { continue };
        if group.parts.len() == 1 && group.by == "language" {
            continue;
        }
        let header: Vec<&str> = [group.by, "n"].into_iter().chain(figures.iter().map(|figure| figure.name)).collect();
        let rows = group.parts.iter().map(|(key, n, figures)| {
            let key = if key.is_empty() { "(none)" } else { key };
            [key.to_owned(), n.to_string()].into_iter().chain(figures.iter().map(value)).collect()
        });
        writeln!(out)?;
        grid(out, &header, rows)?;
    }
    if !score.causes.is_empty() {
        writeln!(out)?;
        let causes = score.causes.iter().map(|(cause, n)| vec![cause.to_string(), n.to_string()]);
        grid(out, &["what went wrong", "answers"], causes)?;
    }
    let left = match score.left_out {
        0 => String::new(),
        left => format!("; left out: {left} (made up, about several rules, or not wholly derivable from the text)"),
    };
    writeln!(out, "\n{}{left}", plural(answers, "answer"))?;
    Ok(())
}

fn value(figure: &Figure) -> String {
    figure.value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

fn interval(figure: &Figure) -> String {
    figure.interval.map_or_else(String::new, |(low, high)| format!("{low:.3}–{high:.3}"))
}

/// Prints rows in columns.
fn grid(out: &mut dyn Write, header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let mut table = plain(header);
    for row in rows {
        table.add_row(row);
    }
    write_table(out, &table)
}
