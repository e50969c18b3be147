//! Everything that a tenant remembers as lines of JSON, and back without loss.
//!
//! The first line tells the version; each other one is a record with what happened to it, in the order in which they were added.
//! Of what was forgotten there is what happened, without texts. Ids, times and hashes stay: an export of what was imported
//! into an empty store has the same bytes. Idempotency keys are left out, as they are of a moment.

use crate::memories::{self, Memories, MemoryError, Transaction, limits};
use crate::record::{ContentHash, Past, Record, RecordId};
use crate::tenant::Tenant;
use consistency::range::Range;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Write};

/// The version of the form.
const VERSION: u32 = 1;
/// How many records are read or written at once.
const BATCH: usize = 200;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    trace_memory: u32,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: RecordId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
    past: Vec<Past>,
}

/// Why an export was not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The records.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Where it was to be written.
    #[error("the export cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// What restoring came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records and histories that were not there.
    pub added: usize,
    /// Those that were there before: the same id, or the same text in the same scope.
    pub known: usize,
}

/// A part of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Whole lines, each with its end.
    pub lines: String,
    /// How many records are among them.
    pub records: usize,
    /// Behind which record the next part begins; nothing with the last one.
    pub next: Option<RecordId>,
}

impl Part {
    fn add(&mut self, line: &impl Serialize) {
        // What was read as JSON can be written as JSON.
        self.lines += &serde_json::to_string(line).unwrap_or_default();
        self.lines.push('\n');
    }
}

impl Memories {
    /// Writes everything of a tenant as lines of JSON; tells how many records there are.
    ///
    /// # Errors
    /// [`ExportError`] when the store can't be read or the lines not be written.
    pub fn export(&self, tenant: &Tenant, out: &mut impl Write) -> Result<usize, ExportError> {
        let (mut after, mut count) = (None, 0);
        loop {
            let part = self.export_part(tenant, after)?;
            out.write_all(part.lines.as_bytes())?;
            count += part.records;
            after = part.next;
            if after.is_none() {
                return Ok(count);
            }
        }
    }

    /// A part of an export: the lines behind a record, or with nothing named the first ones.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn export_part(&self, tenant: &Tenant, after: Option<RecordId>) -> Result<Part, MemoryError> {
        let mut range = Range::prefix(&tenant.pasts());
        let mut part = Part { lines: String::new(), records: 0, next: None };
        match after {
            None => part.add(&Head { trace_memory: VERSION }),
            Some(after) => range.from = format!("{}\0", tenant.past(after)),
        }
        let page = self.store().list(&range, BATCH)?;
        let named = page.iter().filter_map(|(key, cell)| {
            let id = key.as_str().strip_prefix(&tenant.pasts())?.parse::<RecordId>().ok()?;
            Some((id, key, cell))
        });
        let named: Vec<_> = named.collect();
        let ids: Vec<RecordId> = named.iter().map(|(id, ..)| *id).collect();
        for ((id, key, cell), stored) in named.into_iter().zip(self.newest(tenant, &ids)?) {
            let mut past: Vec<Past> = memories::decoded(key.as_str(), &cell.content)?.unwrap_or_default();
            let record = stored.map(|stored| stored.record);
            if record.is_none() {
                // It may have been forgotten since its history was read.
                for event in &mut past {
                    (event.before, event.after) = (None, None);
                }
            }
            part.records += usize::from(record.is_some());
            part.add(&Line { id, record, past });
        }
        part.next = ids.last().copied().filter(|_| page.len() == BATCH);
        Ok(part)
    }

    /// Takes the lines of an export back; what can't be taken is told with its line, and the rest is restored. Secrets that
    /// are found in it now are taken out.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be written; what was restored before stays.
    pub fn restore(
        &self,
        tenant: &Tenant,
        by: &str,
        input: impl BufRead,
    ) -> Result<(Restored, Vec<(usize, String)>), MemoryError> {
        let (mut restored, mut bad, mut batch) = (Restored::default(), Vec::new(), Vec::new());
        for (number, line) in (1..).zip(input.split(b'\n')) {
            let Ok(line) = line.map_err(|error| bad.push((number, error.to_string()))) else { break };
            if line.trim_ascii().is_empty() || (number == 1 && is_head(&line)) {
                continue;
            }
            match serde_json::from_slice::<Line>(&line).map_err(|error| error.to_string()).and_then(clean) {
                Ok(line) => batch.push(line),
                Err(what) => bad.push((number, what)),
            }
            if batch.len() >= BATCH {
                self.put_back(tenant, by, &mut batch, &mut restored)?;
            }
        }
        self.put_back(tenant, by, &mut batch, &mut restored)?;
        Ok((restored, bad))
    }

    fn put_back(
        &self,
        tenant: &Tenant,
        by: &str,
        batch: &mut Vec<Line>,
        done: &mut Restored,
    ) -> Result<(), MemoryError> {
        let lines = std::mem::take(batch);
        let (added, _) = self.write(tenant, by, |transaction| {
            lines.iter().try_fold(0, |added, line| Ok(added + usize::from(transaction.put_back(line)?)))
        })?;
        done.added += added;
        done.known += lines.len() - added;
        Ok(())
    }
}

impl Transaction<'_> {
    /// Writes the cells of a line, unless its id or its text is there.
    fn put_back(&mut self, line: &Line) -> Result<bool, MemoryError> {
        let past = self.tenant().past(line.id);
        if self.read::<Vec<Past>>(&past)?.is_some() {
            return Ok(false);
        }
        if let Some(record) = &line.record {
            let content = self.tenant().content(&record.hash);
            if self.read::<RecordId>(&content)?.is_some() {
                return Ok(false);
            }
            let key = self.tenant().record(line.id);
            self.put(&content, &line.id)?;
            self.put(&key, record)?;
            self.note_inputs(record)?;
            self.schedule(None, record)?;
        }
        self.put(&past, &line.past)?;
        Ok(true)
    }
}

fn is_head(line: &[u8]) -> bool {
    serde_json::from_slice::<Head>(line).is_ok_and(|head| head.trace_memory == VERSION)
}

/// A line as it may be kept: within the limits and without secrets, its hash that of its text.
fn clean(mut line: Line) -> Result<Line, String> {
    if let Some(record) = &mut line.record {
        if record.id != line.id {
            return Err("the `id` of the line is not that of its record".to_owned());
        }
        limits::hold(record).map_err(|error| error.to_string())?;
        record.hash = ContentHash::of(&record.scope, record.turn.as_ref(), &record.text);
    }
    for text in line.past.iter_mut().flat_map(|event| [&mut event.before, &mut event.after]).flatten() {
        *text = crate::redact::redacted(text).into_owned();
    }
    limits::shorten(&mut line.past);
    Ok(line)
}
