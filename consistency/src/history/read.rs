//! Reading recordings: which kind a file is, its lines, and what is wrong with one.
//!
//! Only a last line without an end may be broken, since that is what a crash leaves; it is left out, and the history says
//! so. Every other line that cannot be read is an error: a judgement on half a history would be none.

use super::assembly::Assembly;
use super::{Event, History, Operations, Record};
use crate::cell::{SessionId, Version};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read};

/// The longest line, in bytes.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// A recorded history of either kind, told by its first line.
#[derive(Debug, Clone)]
pub enum Recording {
    /// Of our store: events with versions.
    Store(History),
    /// Of the runtime of arXiv 2606.17182: records with values and times.
    Operations(Operations),
}

/// Which line of a recording is wrong, and why.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct HistoryError {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line of a recording.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It could not be read at all.
    #[error("cannot be read: {0}")]
    Io(io::Error),
    /// It is longer than 64 MiB.
    #[error("longer than 64 MiB\nhelp: write one event a line")]
    Long,
    /// It is not what the first line promises.
    #[error("not {expected}: {why}\nhelp: correct the line, or remove it if a crash has torn it")]
    Malformed {
        /// What it should be.
        expected: &'static str,
        /// What the parser says.
        why: String,
    },
    /// The first line is of no kind that is known.
    #[error(
        "neither an event of a store nor a record of an operation\nhelp: an event begins with `{{\"event\":\"begin\"`; a \
         record has `agent`, `read_set` and `read_time`"
    )]
    Kind,
    /// A session acts that has not begun.
    #[error("session `{session}` has not begun\nhelp: a recording starts where its sessions start, with `begin`")]
    NoSession {
        /// Which one.
        session: SessionId,
    },
    /// A session acts that has ended.
    #[error("session `{session}` has ended before\nhelp: a session commits or aborts once, as its last event")]
    SessionEnded {
        /// Which one.
        session: SessionId,
    },
    /// A session begins twice.
    #[error("session `{session}` has begun before\nhelp: give every session an identity of its own")]
    SessionAgain {
        /// Which one.
        session: SessionId,
    },
    /// Two transactions write at one version, or one before all versions.
    #[error("version {version} is not free\nhelp: every commit that writes has a version of its own, after 0.0")]
    VersionAgain {
        /// Which one.
        version: Version,
    },
    /// A range ends before it begins.
    #[error("the range from `{from}` ends before it begins\nhelp: `to` is the first key behind the range")]
    Range {
        /// Where it begins.
        from: String,
    },
}

/// A line of a text; the last one may lack its end.
struct Line {
    number: usize,
    bytes: Vec<u8>,
    is_whole: bool,
}

impl Recording {
    /// Reads a recording of either kind.
    ///
    /// # Errors
    /// [`HistoryError`] with the first line that is wrong.
    pub fn read(mut input: impl BufRead) -> Result<Recording, HistoryError> {
        let first = first_line(&mut input)?;
        let start = io::Cursor::new(first.bytes.clone());
        let skipped = first.number.saturating_sub(1);
        let bytes = first.bytes.trim_ascii();
        if bytes.is_empty() || is_event(bytes) {
            return History::from_line(start.chain(input), skipped).map(Recording::Store);
        }
        if bytes.starts_with(b"[") {
            return Operations::of_array(start.chain(input), skipped).map(Recording::Operations);
        }
        if serde_json::from_slice::<Record>(bytes).is_err() && !names_record(bytes) {
            return Err(HistoryError { line: first.number, fault: Fault::Kind });
        }
        Operations::of_lines(start.chain(input), skipped).map(Recording::Operations)
    }
}

impl History {
    /// Reads the events of a store, one JSON object a line; empty lines count and are passed over.
    ///
    /// # Errors
    /// [`HistoryError`] with the first line that is no event, or cannot follow the events before it.
    pub fn read(input: impl BufRead) -> Result<History, HistoryError> {
        History::from_line(input, 0)
    }

    fn from_line(input: impl BufRead, skipped: usize) -> Result<History, HistoryError> {
        let mut assembly = Assembly::default();
        let torn = each(input, skipped, "an event", |line, event: Event| assembly.add(line, event))?;
        Ok(assembly.finish(torn))
    }
}

impl Operations {
    fn of_lines(input: impl BufRead, skipped: usize) -> Result<Operations, HistoryError> {
        let mut records = Vec::new();
        let torn = each(input, skipped, "a record of an operation", |_, record: Record| {
            records.push(record);
            Ok(())
        })?;
        Ok(Operations::of(records, torn))
    }

    fn of_array(mut input: impl BufRead, skipped: usize) -> Result<Operations, HistoryError> {
        let mut text = Vec::new();
        input.read_to_end(&mut text).map_err(|error| HistoryError { line: skipped + 1, fault: Fault::Io(error) })?;
        let records = serde_json::from_slice(&text).map_err(|error| HistoryError {
            line: skipped + error.line(),
            fault: Fault::Malformed { expected: "an array of records of operations", why: said(&error) },
        })?;
        Ok(Operations::of(records, None))
    }
}

/// Whether a line is an event, or the torn beginning of one.
fn is_event(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Tagged {
        #[serde(rename = "event")]
        _event: String,
    }
    serde_json::from_slice::<Tagged>(line).is_ok() || line.starts_with(br#"{"event""#)
}

/// Whether a line that is not quite a record was meant to be one.
fn names_record(line: &[u8]) -> bool {
    let fields: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_slice(line);
    fields.is_ok_and(|fields| fields.contains_key("read_set") || fields.contains_key("read_time"))
}

/// The first line that is not empty, with its number; the last one where all are.
fn first_line(input: &mut impl BufRead) -> Result<Line, HistoryError> {
    let mut line = Line { number: 0, bytes: Vec::new(), is_whole: false };
    while let Some(next) = next_line(input, line.number)? {
        line = next;
        if !line.bytes.trim_ascii().is_empty() {
            break;
        }
    }
    Ok(line)
}

fn next_line(input: &mut impl BufRead, before: usize) -> Result<Option<Line>, HistoryError> {
    let number = before + 1;
    let mut bytes = Vec::new();
    let read = input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes);
    read.map_err(|error| HistoryError { line: number, fault: Fault::Io(error) })?;
    let is_whole = bytes.ends_with(b"\n");
    if !is_whole && bytes.len() as u64 == MAX_LINE_BYTES {
        return Err(HistoryError { line: number, fault: Fault::Long });
    }
    Ok((!bytes.is_empty()).then_some(Line { number, bytes, is_whole }))
}

/// Takes what is on each line, and returns the number of the last one if it was torn.
fn each<T: DeserializeOwned>(
    mut input: impl BufRead,
    skipped: usize,
    expected: &'static str,
    mut take: impl FnMut(usize, T) -> Result<(), Fault>,
) -> Result<Option<usize>, HistoryError> {
    let mut number = skipped;
    while let Some(line) = next_line(&mut input, number)? {
        number = line.number;
        let text = line.bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let taken = match serde_json::from_slice(text) {
            Ok(read) => take(number, read),
            Err(_) if !line.is_whole && !is_json(text) => return Ok(Some(number)),
            Err(error) => Err(Fault::Malformed { expected, why: said(&error) }),
        };
        taken.map_err(|fault| HistoryError { line: number, fault })?;
    }
    Ok(None)
}

/// Whether a text is JSON at all; a torn line is not.
fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

/// What a parser says, without the line that it counts for itself.
fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}
