//! Searching, listing and showing.

use super::{Listed, Narrowing, Work, trust};
use crate::End;
use crate::output::{self, PlainFormat, note};
use crate::state::rows::{Row, list};
use ::memory::filter::shown;
use ::memory::index::{Entity, Mode, Query};
use ::memory::record::{Happening, Past};
use ::memory::{Filter, RecordId};
use anyhow::Result;
use clap::ValueEnum;
use serde_json::json;

/// Find memories by what they say
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory search 'what does ann drink' --limit 5
  trace memory search tea --user ann --by words

Exit codes: 0 found, 1 nothing found, 2 could not run.")]
pub(super) struct Search {
    /// What is looked for
    query: String,
    #[command(flatten)]
    narrowing: Narrowing,
    /// The most that are listed
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// How
    #[arg(long, value_enum, default_value_t)]
    by: By,
}

/// How memories are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum By {
    /// By words, and by meaning where there is a model
    #[default]
    Both,
    /// By words
    Words,
    /// By meaning
    Meaning,
}

impl Search {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let mode = match self.by {
            By::Both => Mode::Hybrid,
            By::Words => Mode::Lexical,
            By::Meaning => Mode::Dense,
        };
        let (text, filter) = (self.query.clone(), self.narrowing.filter()?);
        let query = Query { text, filter, limit: self.limit, mode, neighbours: true };
        let hits = work.service.index().search(&work.tenant, &query)?;
        let hits: Vec<Listed> = hits.into_iter().map(|hit| Listed::new(hit.stored, Some(hit.score))).collect();
        list(work.out, work.format, &hits)?;
        Ok(if hits.is_empty() { End::Findings } else { End::Clean })
    }
}

/// List memories, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory list --user ann
  trace memory list --filter '{\"categories\": {\"in\": [\"food\"]}}' --format json")]
pub(super) struct List {
    #[command(flatten)]
    narrowing: Narrowing,
    /// How many are left out
    #[arg(long, default_value_t = 0)]
    skip: usize,
    /// The most that are listed
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

impl List {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let filter = self.narrowing.filter()?;
        let found = work.service.index().list(&work.tenant, &filter, self.skip, self.limit)?;
        let page: Vec<Listed> = found.page.into_iter().map(|stored| Listed::new(stored, None)).collect();
        list(work.out, work.format, &page)?;
        if page.len() < found.total && work.format == PlainFormat::Table {
            note(&format!("of {}; `--skip {}` lists the next", found.total, self.skip + page.len()));
        }
        Ok(End::Clean)
    }
}

/// Show one memory, with what happened to it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: trace memory show 01a203e1-ea85-7428-b421-13d51bcb0df8

Exit codes: 0 shown, 1 not there, 2 could not run.")]
pub(super) struct Show {
    /// The memory
    id: RecordId,
}

impl Row for Past {
    const NOUN: &'static str = "event";
    const HEADER: &'static [&'static str] = &["when", "what", "by", "text after"];

    fn columns(&self) -> Vec<String> {
        let what = match self.what {
            Happening::Added => "added",
            Happening::Updated => "changed",
            Happening::Forgotten => "forgotten",
        };
        let after = output::shortened(self.after.as_deref().unwrap_or_default(), super::TEXT_COLUMNS);
        vec![shown(self.at), what.to_owned(), self.by.clone(), after]
    }
}

impl Show {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let stored = work.memories().get(&work.tenant, self.id)?;
        let past = work.memories().history(&work.tenant, self.id)?;
        let is_there = stored.is_some();
        if work.format == PlainFormat::Json {
            let record = stored.map(|stored| Listed::new(stored, None));
            output::json(work.out, &json!({"id": self.id, "record": record, "past": past}))?;
        } else {
            match &stored {
                Some(stored) => {
                    let record = &stored.record;
                    for line in record.text.lines() {
                        writeln!(work.out, "{}", output::shown(line))?;
                    }
                    writeln!(work.out)?;
                    writeln!(work.out, "version {}, from {}", stored.version, trust(record.provenance.trust))?;
                    if !record.metadata.is_empty() {
                        let metadata = serde_json::to_string(&record.metadata)?;
                        writeln!(work.out, "metadata {}", output::shown(&metadata))?;
                    }
                }
                None => note(&format!("there is no memory `{}`", self.id)),
            }
            if !past.is_empty() {
                list(work.out, work.format, &past)?;
            }
        }
        Ok(if is_there { End::Clean } else { End::Findings })
    }
}

impl Row for Entity {
    const NOUN: &'static str = "name";
    const HEADER: &'static [&'static str] = &["kind", "name", "memories", "last changed"];

    fn columns(&self) -> Vec<String> {
        vec![self.kind.clone(), self.name.clone(), self.records.to_string(), shown(self.updated_at)]
    }
}

pub(super) fn stats(work: &mut Work<'_>) -> Result<End> {
    let total = work.service.index().list(&work.tenant, &Filter::everything(), 0, 0)?.total;
    let entities = work.service.index().entities(&work.tenant)?;
    if work.format == PlainFormat::Json {
        output::json(work.out, &json!({"memories": total, "entities": entities}))?;
        return Ok(End::Clean);
    }
    writeln!(work.out, "{total} memories")?;
    if !entities.is_empty() {
        list(work.out, work.format, &entities)?;
    }
    Ok(End::Clean)
}
