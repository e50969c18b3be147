//! `trace eval retrieval`: how well the evidence of questions about conversations is found.

use crate::End;
use crate::model;
use crate::output::{self, PlainFormat};
use crate::render::table::{plain, plural, write_table};
use anyhow::{Context, Result, bail};
use consistency::store::{Sequence, Store};
use indicatif::{ProgressBar, ProgressStyle};
use memory::Memories;
use memory::embed::token_count;
use memory::evaluation::{Measures, NAMES, Report, Row, Tools, evaluate, paired_bootstrap};
use memory::import::conversation::Conversation;
use memory::import::{locomo, longmemeval};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often questions are drawn anew to tell a difference from chance.
const ROUNDS: usize = 2000;

/// Measure how well the evidence of questions is found
///
/// Takes conversations with questions as `LoCoMo` or `LongMemEval` has them, and looks for the evidence of each in its
/// conversation: by words, by meaning where there is a model, by both, and as the product itself searches. Recall (R@k) is
/// the fraction of the evidence among the first k, all@10 whether all of it is there. The last column compares R@10 with the
/// first row on the same questions.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace eval retrieval locomo10.json
  trace eval retrieval locomo10.json --model-dir all-MiniLM-L6-v2
  trace eval retrieval longmemeval_s.json --format json

Exit codes: 0 everything was read, 1 some turns could not be read, 2 could not run.")]
pub(super) struct Arguments {
    /// The file of conversations
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    embedding: model::Embedding,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let conversations = conversations(&arguments.path)?;
    let choice = arguments.embedding.choose()?;
    let counted = arguments.embedding.model_dir().map(token_count).transpose()?;
    let estimated = |text: &str| text.chars().count() / 4 + 1;
    let folder = tempfile::tempdir()?;
    let bar = if output::is_watched() { ProgressBar::new(conversations.len() as u64) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{bar:30} {pos}/{len} conversations")?);
    let report = evaluate(
        &conversations,
        &mut Tools {
            embedder: choice.embedder,
            tokens: match &counted {
                Some(counted) => counted,
                None => &estimated,
            },
            memories: Memories::new(Store::in_memory(), Arc::new(Sequence::default())),
            folder: folder.path(),
            progress: &mut |done| bar.set_position(done as u64),
        },
    )?;
    bar.finish_and_clear();
    if report.rows.is_empty() {
        bail!("nothing to measure: none of the questions names evidence");
    }
    let mut out = output::out();
    match arguments.format {
        PlainFormat::Table => write_report(&mut out, &report, &choice.reason)?,
        PlainFormat::Json => write_json(&mut out, &report, &choice.reason)?,
    }
    out.flush()?;
    let left_out: Vec<&String> = conversations.iter().flat_map(|conversation| &conversation.left_out).collect();
    for what in &left_out {
        anstream::eprintln!("left out: {what}");
    }
    Ok(if left_out.is_empty() { End::Clean } else { End::Findings })
}

/// The conversations of a file, in whichever form it has.
fn conversations(path: &Path) -> Result<Vec<Conversation>> {
    let open = || File::open(path).map(BufReader::new).with_context(|| format!("cannot read `{}`", path.display()));
    let as_locomo = match locomo::parse(open()?) {
        Ok(conversations) => return Ok(conversations),
        Err(error) => error,
    };
    longmemeval::parse(open()?).map_err(|as_longmemeval| {
        anyhow::anyhow!(
            "`{}` holds no conversations\nas LoCoMo: {as_locomo}\nas LongMemEval: {as_longmemeval}",
            path.display()
        )
    })
}

fn write_report(out: &mut dyn Write, report: &Report, reason: &str) -> Result<()> {
    let header: Vec<&str> = ["unit", "method"].into_iter().chain(NAMES).chain(["R@10 over the first"]).collect();
    let mut table = plain(&header);
    for row in &report.rows {
        let Measures(values) = Measures::mean(&row.each);
        let cells = [row.unit.to_string(), row.method.to_string()];
        let values = values.iter().map(|value| format!("{:.1}", value * 100.0));
        let gain = gain(report, row).map_or_else(String::new, |[mean, low, high]| {
            format!("{:+.1} ({:+.1} to {:+.1})", mean * 100.0, low * 100.0, high * 100.0)
        });
        table.add_row(cells.into_iter().chain(values).chain([gain]));
    }
    write_table(out, &table)?;
    writeln!(
        out,
        "\n{} in {}, ×100; {reason}",
        plural(report.questions, "question"),
        plural(report.conversations, "conversation")
    )?;
    Ok(())
}

fn write_json(out: &mut dyn Write, report: &Report, reason: &str) -> Result<()> {
    for row in &report.rows {
        let Measures(values) = Measures::mean(&row.each);
        let measures: Map<String, Value> =
            NAMES.iter().zip(values).map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let (unit, method) = (row.unit.to_string(), row.method.to_string());
        let gain = gain(report, row).map(|[mean, low, high]| json!({"mean": mean, "low": low, "high": high}));
        let line = json!({"unit": unit, "method": method, "n": row.each.len(), "measures": measures, "gain": gain});
        output::json(out, &line)?;
    }
    let sum = json!({"questions": report.questions, "conversations": report.conversations, "embedding": reason});
    output::json(out, &sum)
}

/// By how much R@10 is better than in the first row, with its 95 % interval; only for the same unit, since finding a session
/// is easier than finding a turn.
fn gain(report: &Report, row: &Row) -> Option<[f64; 3]> {
    let first = report.rows.first().filter(|first| first.unit == row.unit && first.method != row.method)?;
    let recall = |Measures([_, _, _, recall, ..]): &Measures| *recall;
    let differences: Vec<f64> =
        row.each.iter().zip(&first.each).map(|(one, other)| recall(one) - recall(other)).collect();
    let interval = paired_bootstrap(&differences, ROUNDS, 0)?;
    Some([interval.mean, interval.low, interval.high])
}
