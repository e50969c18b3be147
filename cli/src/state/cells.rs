//! What cells hold, held, and are to hold.

use super::Author;
use super::rows::{Cell, Past, brief, list};
use crate::End;
use crate::output::{self, PlainFormat, note, shortened, shown};
use anyhow::{Context, Result, anyhow, bail};
use consistency::ledger::Written;
use consistency::operation::{Delta, Operation};
use consistency::range::Range;
use consistency::session::Stale;
use consistency::store::{Outcome, Store};
use consistency::{Content, Key, Level, Value, Version};
use serde_json::json;
use std::io::{Read as _, Write};
use std::time::{Duration, Instant};

/// How long a watcher waits for the store at a time.
const LOOK: Duration = Duration::from_mins(1);

/// Print what a cell holds, as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state get plan
  trace state get plan --at 0.17

Exit codes: 0 it holds a value, which may be `null`; 1 it is absent or deleted; 2 could not run.")]
pub(super) struct Get {
    /// The cell
    key: Key,
    /// What it held at this version, as far back as versions are kept
    #[arg(long, value_name = "VERSION")]
    at: Option<Version>,
}

impl Get {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let Get { key, at } = self;
        let mut versions = store.history(key.as_str())?;
        versions.retain(|written| at.is_none_or(|at| written.version <= at));
        let Some(Written { version, content, author, .. }) = versions.pop() else {
            if format == PlainFormat::Json {
                output::json(out, &json!({ "key": key, "version": Version::ZERO, "is": "absent" }))?;
            } else {
                note(&shown(&format!("`{key}` is absent")));
            }
            return Ok(End::Findings);
        };
        let end = if content.value().is_some() { End::Clean } else { End::Findings };
        match (format, &content) {
            (PlainFormat::Json, _) => output::json(out, &Cell { key, version, author, content })?,
            (PlainFormat::Table, Content::Present(value)) => writeln!(out, "{}", shown(&value.to_string()))?,
            (PlainFormat::Table, _) => note(&shown(&format!("`{key}` is deleted: {author} removed it at {version}"))),
        }
        Ok(end)
    }
}

/// Write a cell, or change what it holds
///
/// Appending, adding, counting and setting a field depend on nothing: however many do so at the same time, all of it
/// arrives. To write only if nobody else has, name the version that you have read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state put plan '{\"goal\": \"ship\"}'
  trace state put note --text 'as it is, without quotes'
  trace state put draft - < draft.json
  trace state put log '\"started\"' --append
  trace state put tags '\"urgent\"' --add           as a set: nothing is in there twice
  trace state put tries --count 1
  trace state put plan '\"ana\"' --field owner
  trace state put plan --field owner --delete
  trace state put plan 2 --if-version 0.17        only if that is still its version
  trace state put plan 3 --if-version 0.0         only if it was never written

Exit codes: 0 committed, 1 others were faster and nothing was written, 2 could not run.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(super) struct Put {
    /// The cell
    key: Key,
    /// What to write, in JSON; `-` takes it from standard input
    #[arg(allow_negative_numbers = true, required_unless_present_any = ["count", "delete"])]
    value: Option<String>,
    /// Take the value for a text, not for JSON
    #[arg(long)]
    text: bool,
    /// Append the value to the list
    #[arg(long, group = "how")]
    append: bool,
    /// Add the value to the list, unless it is in there
    #[arg(long, group = "how")]
    add: bool,
    /// Add to the number
    #[arg(long, group = "how", value_name = "N", allow_negative_numbers = true, conflicts_with = "value")]
    count: Option<i64>,
    /// Set one field of the object
    #[arg(long, group = "how", value_name = "NAME")]
    field: Option<String>,
    /// Remove the cell, or the field
    #[arg(long, conflicts_with_all = ["value", "text", "append", "add", "count"])]
    delete: bool,
    /// Only if this is still the cell's version; `0.0` if it was never written
    #[arg(long, value_name = "VERSION")]
    if_version: Option<Version>,
    /// Have the commit wait for `trace state approve`; until then it can be taken back
    #[arg(long)]
    hold: bool,
    /// A second commit under the same key changes nothing, and gives the outcome of the first
    #[arg(long, value_name = "KEY", conflicts_with = "if_version")]
    idempotency_key: Option<String>,
    /// What the write is protected from
    #[arg(long, default_value = "L1")]
    level: Level,
    #[command(flatten)]
    author: Author,
}

impl Put {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let key = self.key.as_str();
        let operation = self.operation()?;
        let mut session = store.begin(self.author.agent(), self.level)?;
        if let Some(version) = self.if_version {
            if self.level == Level::L0 {
                bail!("at level L0 nothing is compared: use `--if-version` with L1 or more");
            }
            // The commit validates this read, so that what is found to hold here holds there.
            session.read(key)?;
            if let Some(stale) = self.other_than(version, store)? {
                return conflict(out, format, &stale);
            }
        }
        session.operate(key, operation)?;
        if self.hold {
            session.hold();
        }
        match session.commit(self.idempotency_key.as_deref())? {
            Outcome::Committed { version, is_final } => match format {
                PlainFormat::Json => output::json(out, &json!({ "committed": version, "final": is_final }))?,
                PlainFormat::Table if is_final => writeln!(out, "committed {version}")?,
                PlainFormat::Table => {
                    writeln!(out, "committed {version}, which is not final: approve it, or take it back")?;
                }
            },
            Outcome::Conflict(stale) => return conflict(out, format, &stale),
            Outcome::Busy { key, holder, until } => {
                match format {
                    PlainFormat::Json => output::json(out, &json!({ "busy": key, "holder": holder, "until": until }))?,
                    PlainFormat::Table => {
                        let busy = format!("busy: the older session {holder} works on `{key}`; try again later");
                        writeln!(out, "{}", shown(&busy))?;
                    }
                }
                return Ok(End::Findings);
            }
        }
        Ok(End::Clean)
    }

    fn operation(&self) -> Result<Operation> {
        Ok(match (&self.field, self.count) {
            (Some(field), _) if self.delete => Operation::Delta(Delta::Field(field.clone(), None)),
            (Some(field), _) => Operation::Delta(Delta::Field(field.clone(), Some(self.value()?))),
            (None, Some(by)) => Operation::Delta(Delta::Count(by)),
            (None, None) if self.delete => Operation::Delete,
            (None, None) if self.append => Operation::Delta(Delta::Append(self.value()?)),
            (None, None) if self.add => Operation::Delta(Delta::Add(self.value()?)),
            (None, None) => Operation::Put(self.value()?),
        })
    }

    fn value(&self) -> Result<Value> {
        let mut text = self.value.clone().unwrap_or_default();
        if text == "-" {
            text.clear();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        }
        if self.text {
            return Ok(text.into());
        }
        let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| {
            let text = shortened(&shown(&text), 60);
            anyhow!("`{text}` is not JSON: {error}\nhelp: add `--text` to write it as a text")
        })?;
        Ok(json.into())
    }

    /// What the cell is if not at this version.
    fn other_than(&self, read: Version, store: &Store) -> Result<Option<Stale>> {
        let newest = store.history(self.key.as_str())?.pop();
        let now = newest.as_ref().map_or(Version::ZERO, |newest| newest.version);
        if now == read {
            return Ok(None);
        }
        let Some(Written { content, author, .. }) = newest else {
            bail!("`{}` has no version {read}: it is absent", self.key);
        };
        let key = self.key.clone();
        Ok(Some(Stale::Cell { key, read, now, writer: author, value: content, through: None, step: 0 }))
    }
}

fn conflict(out: &mut dyn Write, format: PlainFormat, stale: &Stale) -> Result<End> {
    if format == PlainFormat::Json {
        output::json(out, &json!({ "conflict": stale }))?;
        return Ok(End::Findings);
    }
    writeln!(out, "conflict: {}", shown(&stale.to_string()))?;
    if let Stale::Cell { value, .. } = stale {
        writeln!(out, "it holds: {}", brief(value, usize::from(output::width())))?;
    }
    writeln!(out, "nothing was written")?;
    Ok(End::Findings)
}

/// List the cells whose keys begin with a text
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state scan
  trace state scan todo/ --format json | jq .value")]
pub(super) struct Scan {
    /// What the keys begin with
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,
}

impl Scan {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let found = store.snapshot("terminal")?.versions(&Range::prefix(&self.prefix))?;
        let held = found.into_iter().filter(|(_, written)| written.content.value().is_some());
        let cells: Vec<Cell> = held.map(|(key, written)| cell(key, written)).collect();
        list(out, format, &cells)?;
        Ok(End::Clean)
    }
}

/// List the versions of a cell that are kept, oldest first
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: trace state history plan

Exit codes: 0 there are some, 1 the cell is absent, 2 could not run.")]
pub(super) struct History {
    /// The cell
    key: Key,
}

impl History {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let versions = store.history(self.key.as_str())?;
        let past = |written: Written| Past { derived: written.derived.clone(), cell: cell(self.key.clone(), written) };
        let versions: Vec<Past> = versions.into_iter().map(past).collect();
        list(out, format, &versions)?;
        Ok(if versions.is_empty() { End::Findings } else { End::Clean })
    }
}

/// Print changes as they are committed
///
/// Of a cell that changes several times between two looks, only the newest version is shown. Interrupt the program to end
/// it, or say when to end.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state watch
  trace state watch todo/ --since 0.0             what is there first, then what changes
  trace state watch plan --count 1 --timeout 60   wait for the next change, at most a minute

Exit codes: 0 done, 1 the time was over before so many changes, 2 could not run.")]
pub(super) struct Watch {
    /// What the keys begin with
    #[arg(default_value = "", hide_default_value = true)]
    prefix: String,
    /// Show what was committed after this version, too [default: the present]
    #[arg(long, value_name = "VERSION")]
    since: Option<Version>,
    /// End after so many changes
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

impl Watch {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let within = Range::prefix(&self.prefix);
        let end = self.timeout.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)));
        let mut since = self.since.map_or_else(|| store.clock(), Ok)?;
        let mut left = self.count.unwrap_or(usize::MAX);
        while left > 0 {
            let rest = end.map_or(LOOK, |end| end.saturating_duration_since(Instant::now()).min(LOOK));
            let clock = store.wait(since, rest)?;
            let news = store.written_since(since, usize::MAX)?;
            // What was found may be newer than the clock was, and is complete up to there.
            since = news.last().map_or(since, |(_, newest)| newest.version).max(clock).max(since);
            for (key, written) in news.into_iter().filter(|(key, _)| within.contains(key)).take(left) {
                left -= 1;
                change(out, format, &cell(key, written))?;
            }
            out.flush()?;
            if rest.is_zero() {
                break;
            }
        }
        let is_early = left > 0 && self.count.is_some();
        Ok(if is_early { End::Findings } else { End::Clean })
    }
}

/// Prints a change on one line; what is still to come is not known, so nothing can be aligned but the version.
fn change(out: &mut dyn Write, format: PlainFormat, cell: &Cell) -> Result<()> {
    if format == PlainFormat::Json {
        return output::json(out, cell);
    }
    let Cell { key, version, author, content } = cell;
    let start = shown(&format!("{version:<8} {key}  {author}"));
    let columns = usize::from(output::width()).saturating_sub(start.len() + 2);
    writeln!(out, "{start}  {}", brief(content, columns.max(16)))?;
    Ok(())
}

fn cell(key: Key, Written { version, content, author, .. }: Written) -> Cell {
    Cell { key, version, author, content }
}
