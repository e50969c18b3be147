//! The roster: what is known in memory of each record of one tenant, about a hundred bytes each.
//!
//! Lists and counts go through it from end to end, which takes a millisecond for some ten thousand records and needs no
//! index of its own. Scopes and conversations are numbered.

use super::Entity;
use super::flat::Flat;
use super::tail::Tail;
use super::unit::{Change, Row};
use crate::record::{RecordId, Scope};
use consistency::Millis;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// All records of a tenant.
#[derive(Debug, Default)]
pub(super) struct Roster {
    entries: BTreeMap<RecordId, Entry>,
    scopes: Numbered<Scope>,
    conversations: Numbered<String>,
    /// Scope, conversation, place and record: what is next to what.
    turns: BTreeSet<(u32, u32, u32, RecordId)>,
    /// How many words all records have.
    pub(super) words: u64,
    pub(super) tail: Tail,
    pub(super) vectors: Flat,
    /// The records that have no vector yet.
    pub(super) pending: BTreeSet<RecordId>,
}

/// Where something was said: scope, conversation and place.
pub(super) type InScope = (u32, u32, u32);

/// What is known of a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) scope: u32,
    /// Conversation and place.
    turn: Option<(u32, u32)>,
    words: u32,
    pub(super) digest: u64,
    created_at: Millis,
    updated_at: Millis,
    expires_at: Option<Millis>,
    /// Where its vector is.
    pub(super) slot: Option<u32>,
}

/// Things with numbers.
#[derive(Debug)]
struct Numbered<T> {
    numbers: HashMap<T, u32>,
    things: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Numbered<T> {
        Numbered { numbers: HashMap::new(), things: Vec::new() }
    }
}

impl<T: Hash + Eq + Clone> Numbered<T> {
    fn number(&mut self, thing: T) -> u32 {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        // More than 2^32 of them do not fit into memory.
        let number = u32::try_from(self.things.len()).unwrap_or(u32::MAX);
        self.things.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }
}

/// The scopes whose records are looked at, by number.
#[derive(Debug)]
pub(super) struct Within(Option<Vec<bool>>);

impl Within {
    pub(super) fn holds(&self, scope: u32) -> bool {
        let Some(scopes) = &self.0 else { return true };
        usize::try_from(scope).ok().and_then(|scope| scopes.get(scope)).copied().unwrap_or(false)
    }
}

/// What a change did to a record's vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Vector {
    /// It still holds, or there never was one.
    Kept,
    /// It is of another text, or of no record any more.
    Stale,
}

impl Roster {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn get(&self, id: RecordId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = RecordId> {
        self.entries.keys().copied()
    }

    /// Takes over what a commit made of a record, for the tail as well.
    pub(super) fn change(&mut self, change: Change) -> Vector {
        let vector = match &change.document {
            Some(document) => self.put(&document.row),
            None => self.remove(change.id),
        };
        self.tail.push(Arc::new(change));
        vector
    }

    /// Takes over a record.
    pub(super) fn put(&mut self, row: &Row) -> Vector {
        let before = self.take_out(row.id);
        let scope = self.scopes.number(row.scope());
        let same = before.filter(|before| before.digest == row.digest && before.scope == scope);
        let kept = same.and_then(|before| before.slot);
        let turn = row.turn.as_ref().map(|(name, place)| (self.conversations.number(name.clone()), *place));
        let Row { words, digest, created_at, updated_at, expires_at, .. } = *row;
        let entry = Entry { scope, turn, words, digest, created_at, updated_at, expires_at, slot: kept };
        self.words += u64::from(words);
        if let Some((conversation, place)) = turn {
            self.turns.insert((scope, conversation, place, row.id));
        }
        self.entries.insert(row.id, entry);
        if kept.is_some() {
            return Vector::Kept;
        }
        self.pending.insert(row.id);
        self.free(before)
    }

    fn remove(&mut self, id: RecordId) -> Vector {
        let before = self.take_out(id);
        self.pending.remove(&id);
        self.free(before)
    }

    fn take_out(&mut self, id: RecordId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        self.words -= u64::from(entry.words);
        if let Some((conversation, place)) = entry.turn {
            self.turns.remove(&(entry.scope, conversation, place, id));
        }
        Some(entry)
    }

    fn free(&mut self, before: Option<Entry>) -> Vector {
        if let Some(slot) = before.and_then(|before| before.slot) {
            self.vectors.remove(slot);
            for (id, slot) in self.vectors.compact() {
                if let Some(entry) = self.entries.get_mut(&id) {
                    entry.slot = Some(slot);
                }
            }
        }
        if before.is_some() { Vector::Stale } else { Vector::Kept }
    }

    /// Takes over the vector of a record, if that is still what it says; tells whether it is.
    pub(super) fn embed(&mut self, id: RecordId, digest: u64, vector: &[f32]) -> bool {
        let Some(entry) = self.entries.get_mut(&id).filter(|entry| entry.digest == digest) else { return false };
        if entry.slot.is_none() {
            entry.slot = self.vectors.push(id, entry.scope, vector);
        }
        self.pending.remove(&id);
        true
    }

    /// The scopes that have all parts of one.
    pub(super) fn within(&self, wanted: &Scope) -> Within {
        if wanted.is_empty() {
            return Within(None);
        }
        let parts = wanted.parts();
        let holds = |scope: &Scope| {
            parts.iter().zip(scope.parts()).all(|((_, wanted), (_, part))| wanted.is_none() || *wanted == part)
        };
        Within(Some(self.scopes.things.iter().map(holds).collect()))
    }

    /// The records within some scopes that have not expired, the newest first.
    pub(super) fn newest_first(&self, within: &Within, now: Millis) -> Vec<RecordId> {
        let wanted = self.entries.iter().rev().filter(|(_, entry)| within.holds(entry.scope) && entry.is_live(now));
        wanted.map(|(id, _)| *id).collect()
    }

    /// The record at a place of a conversation in a scope; of several parts of one turn, the first.
    pub(super) fn at(&self, (scope, conversation, place): InScope) -> Option<RecordId> {
        let of = |id: [u8; 16]| (scope, conversation, place, RecordId::from_bytes(id));
        self.turns.range(of([0; 16])..=of([u8::MAX; 16])).next().map(|(.., id)| *id)
    }

    /// What was said right before and after a turn, in its scope.
    pub(super) fn neighbours(&self, turn: InScope) -> impl Iterator<Item = (RecordId, InScope)> {
        let (scope, conversation, place) = turn;
        let near = [place.checked_sub(1), place.checked_add(1)].into_iter().flatten();
        near.flat_map(move |place| {
            let of = |id: [u8; 16]| (scope, conversation, place, RecordId::from_bytes(id));
            let all = self.turns.range(of([0; 16])..=of([u8::MAX; 16]));
            all.map(move |(.., id)| (*id, (scope, conversation, place)))
        })
    }

    /// The parts of the scopes that records have which have not expired.
    pub(super) fn entities(&self, now: Millis) -> Vec<Entity> {
        let mut scopes: BTreeMap<u32, (usize, Millis, Millis)> = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| entry.is_live(now)) {
            let (count, first, last) = scopes.entry(entry.scope).or_insert((0, Millis::MAX, 0));
            *count += 1;
            *first = entry.created_at.min(*first);
            *last = entry.updated_at.max(*last);
        }
        let mut found: BTreeMap<(&'static str, &str), Entity> = BTreeMap::new();
        for (number, (count, first, last)) in scopes {
            let scope = usize::try_from(number).ok().and_then(|number| self.scopes.things.get(number));
            for (part, name) in scope.iter().flat_map(|scope| scope.parts()) {
                let (Some(name), kind) = (name, part.trim_end_matches("_id")) else { continue };
                let (kind, named) = (kind.to_owned(), name.to_owned());
                let new = Entity { kind, name: named, records: 0, created_at: first, updated_at: last };
                let entity = found.entry((part, name)).or_insert(new);
                entity.records += count;
                entity.created_at = entity.created_at.min(first);
                entity.updated_at = entity.updated_at.max(last);
            }
        }
        found.into_values().collect()
    }
}

impl Entry {
    pub(super) fn in_scope(&self) -> Option<InScope> {
        self.turn.map(|(conversation, place)| (self.scope, conversation, place))
    }

    fn is_live(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
