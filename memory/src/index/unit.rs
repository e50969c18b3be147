//! What is indexed of a record: its words, and what lists and filters need to know of it without reading the store.

use crate::filter;
use crate::record::{Record, RecordId, Scope};
use crate::tenant::Tenant;
use crate::text;
use consistency::ledger::Written;
use consistency::{Key, Millis, Version};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The text of a record with who said it and when, as far as that is known: `[8 May 2023] Caroline: …`.
pub fn unit(record: &Record) -> String {
    let turn = record.turn.as_ref();
    let date = turn.and_then(|turn| turn.said_at).map_or_else(String::new, |at| format!("[{}] ", date(at)));
    let speaker = turn.and_then(|turn| turn.speaker.as_deref()).map_or_else(String::new, |name| format!("{name}: "));
    format!("{date}{speaker}{}", record.text)
}

/// A day as people write and ask for it; in UTC.
fn date(at: Millis) -> String {
    let time = i64::try_from(at).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| filter::shown(at), |time| time.strftime("%-d %B %Y").to_string())
}

/// What is kept of a record beside its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) tenant: String,
    pub(super) id: RecordId,
    /// The parts of the scope in their order; [`Scope`] itself leaves parts out, which this format can't say.
    parts: [Option<String>; 4],
    /// The conversation and the place in it.
    pub(super) turn: Option<(String, u32)>,
    /// How many words it has.
    pub(super) words: u32,
    /// Tells one unit from another: a vector is the record's as long as this is the same.
    pub(super) digest: u64,
    pub(super) created_at: Millis,
    pub(super) updated_at: Millis,
    pub(super) expires_at: Option<Millis>,
}

impl Row {
    fn of(tenant: &Tenant, record: &Record, unit: &str, words: usize) -> Row {
        let part = |part: &Option<String>| part.clone();
        let Scope { user, agent, app, run } = &record.scope;
        Row {
            tenant: tenant.name().to_owned(),
            id: record.id,
            parts: [user, agent, app, run].map(part),
            turn: record.turn.as_ref().map(|turn| (turn.conversation.clone(), turn.place)),
            words: u32::try_from(words).unwrap_or(u32::MAX),
            digest: digest(unit),
            created_at: record.created_at,
            updated_at: record.updated_at,
            expires_at: record.expires_at,
        }
    }

    /// Where the record belongs.
    pub(super) fn scope(&self) -> Scope {
        let [user, agent, app, run] = self.parts.clone();
        Scope { user, agent, app, run }
    }
}

/// The number that tells a unit from another.
pub(super) fn digest(unit: &str) -> u64 {
    let mut first = [0; 8];
    for (byte, of_hash) in first.iter_mut().zip(blake3::hash(unit.as_bytes()).as_bytes()) {
        *byte = *of_hash;
    }
    u64::from_le_bytes(first)
}

/// A record and its words.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) row: Row,
    pub(super) terms: Vec<String>,
}

/// What a commit made of a record.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) tenant: Tenant,
    pub(super) id: RecordId,
    pub(super) version: Version,
    /// Nothing, where it was forgotten.
    pub(super) document: Option<Document>,
}

impl Change {
    /// What was written to a cell, if it is a record's. A cell that holds something else than a record counts as forgotten:
    /// reading it by name says what is wrong, and one such cell must not keep the others from being found.
    pub(super) fn of(key: &Key, written: &Written) -> Option<Change> {
        let (tenant, id) = Tenant::of_record(key.as_str())?;
        let record = written.content.value().and_then(|value| Record::deserialize(value.json()).ok());
        let document = record.filter(|record| record.id == id).map(|record| {
            let unit = unit(&record);
            let terms = text::terms(&unit);
            Document { row: Row::of(&tenant, &record, &unit, terms.len()), terms }
        });
        Some(Change { tenant, id, version: written.version, document })
    }
}
