//! The shared truth: cells with their versions, open commits, tools, leases and effects.
//!
//! Decisions read it through [`View`] and change it by [`Change`]s only, so the same decision runs over the ordered maps
//! here, over a database's tables, and inside a model checker. A change is a row: applying it needs no decision.

use crate::cell::{Agent, Content, Fingerprint, Key, Lane, Level, Millis, SessionId, Tool, Value, Version};
use crate::guard::Guards;
use crate::operation::Operation;
use crate::range::Range;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::hash::{Hash, Hasher};

/// One version of a cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Written {
    /// The commit that wrote it.
    pub version: Version,
    /// What the cell holds since.
    pub content: Content,
    /// Who wrote it.
    pub author: Agent,
    /// The operations, where the content depends on what was there before; empty where it replaced it.
    pub derived: Vec<Operation>,
}

/// A commit that is not final: it is held, or something it rests on is not final.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Open {
    /// Its version.
    pub version: Version,
    /// Who committed it.
    pub agent: Agent,
    /// Tells whether it waits for an approval.
    pub held: bool,
    /// The open commits that it rests on.
    pub rests_on: BTreeSet<Version>,
    /// The cells that it wrote.
    pub keys: Vec<Key>,
}

/// What is known about a tool.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Registered {
    /// What the tool is now.
    pub fingerprint: Fingerprint,
    /// What may be done when nobody knows whether a call arrived.
    pub repeat: Repeat,
}

/// What may be done when a dispatcher was lost between a call and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The tool takes an idempotency key: the call is sent again and acts once.
    Keyed,
    /// The tool can be asked whether a call arrived.
    Queryable,
    /// Neither: the call is not sent again; a person or a compensation settles it.
    Never,
}

/// A session's claim on a cell, for progress only: safety never depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The session that has it.
    pub holder: SessionId,
    /// When the holder first began, which decides who waits for whom.
    pub started: Millis,
    /// Grows with every grant, so that a late holder can be told from the current one.
    pub token: u64,
    /// When it ends unless renewed.
    pub until: Millis,
}

/// The place of an effect in the order of the world: its commit, then its turn in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The commit that issued it.
    pub commit: Version,
    /// Its turn among the effects of that commit, from 0.
    pub index: u32,
}

/// Something that is to happen outside: a tool call on a lane.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Effect {
    /// Which one.
    pub id: EffectId,
    /// Where it goes.
    pub lane: Lane,
    /// The tool that is called.
    pub tool: Tool,
    /// What the tool is told.
    pub payload: Value,
    /// The level of the session that issued it.
    pub level: Level,
    /// What the tool was when the session relied on it.
    pub pinned: Option<Fingerprint>,
    /// How far it is.
    pub stage: Stage,
}

/// How far an effect is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not sent, and not before this moment.
    Waiting {
        /// The earliest moment to send it; 0 at first, later after a failure.
        after: Millis,
        /// How often it has failed.
        failures: u32,
    },
    /// A dispatcher has taken it to send it.
    Claimed {
        /// The claim, which tells a late dispatcher from the current one.
        token: u64,
        /// When the dispatcher is taken for lost.
        until: Millis,
        /// How often it had failed before.
        failures: u32,
    },
    /// It happened.
    Done,
    /// Nobody knows whether it happened; a person or a compensation settles it.
    InDoubt {
        /// The claim whose answer is missing; a late answer still counts.
        token: u64,
    },
    /// It does not happen: its tool is not the pinned one, it failed for good, or its commit was retracted.
    Dropped(DropCause),
}

/// Why an effect does not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropCause {
    /// Its tool changed or vanished since the session relied on it.
    ToolChanged,
    /// The tool answered that it can't be done.
    Failed,
    /// Its commit was retracted.
    Retracted,
    /// A person decided so.
    Settled,
}

impl Stage {
    /// Tells whether nothing more is to come.
    pub fn is_settled(&self) -> bool {
        matches!(self, Stage::Done | Stage::Dropped(_))
    }
}

/// The outcome that a commit's idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stored {
    /// What was committed under the key, as a digest.
    pub digest: u64,
    /// Its version.
    pub version: Version,
}

/// What decisions may ask of the shared truth.
///
/// Costs are those of an ordered map: by key, or by the size of what is returned; a search also visits the keys of its
/// interval.
#[expect(clippy::missing_errors_doc, reason = "every method fails in one way only: the answer can't be had")]
pub trait View {
    /// Why an answer can't be had; nothing in memory.
    type Error;

    /// The guards; all of them, but for a model.
    fn guards(&self) -> Guards {
        Guards::ALL
    }
    /// The version of the last commit.
    fn clock(&self) -> Result<Version, Self::Error>;
    /// The oldest snapshot that can still be read.
    fn horizon(&self) -> Result<Version, Self::Error>;
    /// The newest version of a cell.
    fn newest(&self, key: &Key) -> Result<Option<Written>, Self::Error>;
    /// The version of a cell's newest content; [`Version::ZERO`] where it has never been written.
    fn version_of(&self, key: &Key) -> Result<Version, Self::Error> {
        Ok(self.newest(key)?.map_or(Version::ZERO, |written| written.version))
    }
    /// The newest version of a cell up to a snapshot, the snapshot included.
    fn at(&self, key: &Key, snapshot: Version) -> Result<Option<Written>, Self::Error>;
    /// The cells of an interval as of a snapshot, deleted ones included, in the order of keys.
    fn scan(&self, range: &Range, snapshot: Version) -> Result<Vec<(Key, Written)>, Self::Error>;
    /// The cells of an interval whose newest version is beyond `since`, in the order of keys.
    fn changed(&self, range: &Range, since: Version) -> Result<Vec<(Key, Written)>, Self::Error>;
    /// A commit that is not final.
    fn open(&self, version: Version) -> Result<Option<Open>, Self::Error>;
    /// The oldest commit that is not final.
    fn oldest_open(&self) -> Result<Option<Version>, Self::Error>;
    /// The open commits that rest on a commit.
    fn resting_on(&self, version: Version) -> Result<Vec<Open>, Self::Error>;
    /// Tells whether a commit was retracted.
    fn is_retracted(&self, version: Version) -> Result<bool, Self::Error>;
    /// What was committed under an idempotency key.
    fn stored(&self, key: &str) -> Result<Option<Stored>, Self::Error>;
    /// Tells whether a session has committed.
    fn is_finished(&self, session: SessionId) -> Result<bool, Self::Error>;
    /// What a tool is now.
    fn tool(&self, tool: &Tool) -> Result<Option<Registered>, Self::Error>;
    /// The lease on a cell, ended or not.
    fn lease(&self, key: &Key) -> Result<Option<Lease>, Self::Error>;
    /// The last token handed out.
    fn last_token(&self) -> Result<u64, Self::Error>;
    /// An effect.
    fn effect(&self, id: EffectId) -> Result<Option<Effect>, Self::Error>;
    /// The effects of a commit.
    fn effects_of(&self, commit: Version) -> Result<Vec<Effect>, Self::Error>;
    /// The next effect of a lane, after a place, that is not settled.
    fn next_unsettled(&self, lane: &Lane, after: Option<EffectId>) -> Result<Option<Effect>, Self::Error>;
    /// The effects that some dispatcher has claimed.
    fn claimed(&self) -> Result<Vec<Effect>, Self::Error>;
}

/// One row of the shared truth that becomes another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields are the row that the variant names")]
pub enum Change {
    /// Time goes on to this version.
    Clock { version: Version },
    /// A cell gets a version, newer than all it has.
    Cell { key: Key, written: Written },
    /// A commit that is not final appears, or waits for less than before.
    Open { open: Open },
    /// A commit is no longer open.
    Close { version: Version },
    /// A commit counts as never made.
    Retracted { version: Version },
    /// An idempotency key gets its outcome.
    Stored { key: String, stored: Stored },
    /// A session has committed.
    Finished { session: SessionId },
    /// A tool is this now, or is gone.
    Tool { tool: Tool, registered: Option<Registered> },
    /// A lease is this now, or is gone.
    Lease { key: Key, lease: Option<Lease> },
    /// The last token handed out.
    Token { token: u64 },
    /// An effect appears or moves on.
    Effect { effect: Effect },
    /// Versions that no snapshot from here on can see are gone, and settled effects up to here.
    Horizon { version: Version },
}

/// The shared truth in memory, in ordered containers where order can reach an answer.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    guards: Guards,
    clock: Version,
    horizon: Version,
    cells: Cells,
    open: BTreeMap<Version, Open>,
    retracted: BTreeSet<Version>,
    stored: BTreeMap<String, Stored>,
    finished: Ids,
    tools: BTreeMap<Tool, Registered>,
    leases: BTreeMap<Key, Lease>,
    token: u64,
    effects: BTreeMap<EffectId, Effect>,
    unsettled: BTreeSet<(Lane, EffectId)>,
}

impl Ledger {
    /// An empty ledger that lacks a guard, for models.
    pub fn with(guards: Guards) -> Ledger {
        Ledger { guards, ..Ledger::default() }
    }

    /// Applies a change.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Clock { version } => self.clock = version,
            Change::Cell { key, written } => self.cells.write(key, written),
            Change::Open { open } => drop(self.open.insert(open.version, open)),
            Change::Close { version } => drop(self.open.remove(&version)),
            Change::Retracted { version } => drop(self.retracted.insert(version)),
            Change::Stored { key, stored } => drop(self.stored.insert(key, stored)),
            Change::Finished { session } => self.finished.insert(session),
            Change::Tool { tool, registered: Some(registered) } => drop(self.tools.insert(tool, registered)),
            Change::Tool { tool, registered: None } => drop(self.tools.remove(&tool)),
            Change::Lease { key, lease: Some(lease) } => drop(self.leases.insert(key, lease)),
            Change::Lease { key, lease: None } => drop(self.leases.remove(&key)),
            Change::Token { token } => self.token = token,
            Change::Effect { effect } => {
                let place = (effect.lane.clone(), effect.id);
                if effect.stage.is_settled() {
                    self.unsettled.remove(&place)
                } else {
                    self.unsettled.insert(place)
                };
                self.effects.insert(effect.id, effect);
            }
            Change::Horizon { version } => {
                self.horizon = version;
                self.cells.collect(version);
                self.effects.retain(|id, effect| id.commit > version || !effect.stage.is_settled());
            }
        }
    }

    /// All cells with their newest version, in the order of keys.
    pub fn cells(&self) -> impl Iterator<Item = (&Key, &Written)> {
        self.cells.order.iter().filter_map(|(key, slot)| Some((key, &self.cells.chains.get(*slot)?.newest)))
    }

    /// The versions of a cell that are still kept, oldest first.
    pub fn history(&self, key: &Key) -> impl Iterator<Item = &Written> {
        self.cells.chain(key).into_iter().flat_map(Chain::versions)
    }

    /// The newest versions of the cells written after a version, in the order of commits.
    pub fn written_since(&self, since: Version) -> Vec<(Key, Written)> {
        let mut found: Vec<(Key, Written)> =
            self.cells().filter(|(_, written)| written.version > since).map(|(k, w)| (k.clone(), w.clone())).collect();
        found.sort_by_key(|(_, written)| written.version);
        found
    }

    /// All effects, in the order of the world.
    pub fn effects(&self) -> impl Iterator<Item = &Effect> {
        self.effects.values()
    }

    /// All commits that are not final.
    pub fn open_commits(&self) -> impl Iterator<Item = &Open> {
        self.open.values()
    }

    /// All leases, ended or not.
    pub fn leases(&self) -> impl Iterator<Item = (&Key, &Lease)> {
        self.leases.iter()
    }

    /// All tools.
    pub fn tools(&self) -> impl Iterator<Item = (&Tool, &Registered)> {
        self.tools.iter()
    }

    /// How many superseded versions are still kept.
    pub fn superseded(&self) -> usize {
        self.cells.superseded
    }
}

impl View for Ledger {
    type Error = Infallible;

    fn guards(&self) -> Guards {
        self.guards
    }
    fn clock(&self) -> Result<Version, Infallible> {
        Ok(self.clock)
    }
    fn horizon(&self) -> Result<Version, Infallible> {
        Ok(self.horizon)
    }
    fn newest(&self, key: &Key) -> Result<Option<Written>, Infallible> {
        Ok(self.cells.chain(key).map(|chain| chain.newest.clone()))
    }
    fn version_of(&self, key: &Key) -> Result<Version, Infallible> {
        Ok(self.cells.chain(key).map_or(Version::ZERO, |chain| chain.newest.version))
    }
    fn at(&self, key: &Key, snapshot: Version) -> Result<Option<Written>, Infallible> {
        Ok(self.cells.chain(key).and_then(|chain| chain.at(snapshot)).cloned())
    }
    fn scan(&self, range: &Range, snapshot: Version) -> Result<Vec<(Key, Written)>, Infallible> {
        let found = self.cells.within(range).filter_map(|(key, chain)| Some((key, chain.at(snapshot)?)));
        Ok(found.map(|(key, written)| (key.clone(), written.clone())).collect())
    }
    fn changed(&self, range: &Range, since: Version) -> Result<Vec<(Key, Written)>, Infallible> {
        let found = self.cells.within(range).filter(|(_, chain)| chain.newest.version > since);
        Ok(found.map(|(key, chain)| (key.clone(), chain.newest.clone())).collect())
    }
    fn open(&self, version: Version) -> Result<Option<Open>, Infallible> {
        Ok(self.open.get(&version).cloned())
    }
    fn oldest_open(&self) -> Result<Option<Version>, Infallible> {
        Ok(self.open.keys().next().copied())
    }
    fn resting_on(&self, version: Version) -> Result<Vec<Open>, Infallible> {
        let later = self.open.range(version..).map(|(_, open)| open);
        Ok(later.filter(|open| open.rests_on.contains(&version)).cloned().collect())
    }
    fn is_retracted(&self, version: Version) -> Result<bool, Infallible> {
        Ok(self.retracted.contains(&version))
    }
    fn stored(&self, key: &str) -> Result<Option<Stored>, Infallible> {
        Ok(self.stored.get(key).cloned())
    }
    fn is_finished(&self, session: SessionId) -> Result<bool, Infallible> {
        Ok(self.finished.contains(session))
    }
    fn tool(&self, tool: &Tool) -> Result<Option<Registered>, Infallible> {
        Ok(self.tools.get(tool).cloned())
    }
    fn lease(&self, key: &Key) -> Result<Option<Lease>, Infallible> {
        Ok(self.leases.get(key).cloned())
    }
    fn last_token(&self) -> Result<u64, Infallible> {
        Ok(self.token)
    }
    fn effect(&self, id: EffectId) -> Result<Option<Effect>, Infallible> {
        Ok(self.effects.get(&id).cloned())
    }
    fn effects_of(&self, commit: Version) -> Result<Vec<Effect>, Infallible> {
        let all = EffectId { commit, index: 0 }..=EffectId { commit, index: u32::MAX };
        Ok(self.effects.range(all).map(|(_, effect)| effect.clone()).collect())
    }
    fn next_unsettled(&self, lane: &Lane, after: Option<EffectId>) -> Result<Option<Effect>, Infallible> {
        let start = EffectId { commit: Version::ZERO, index: 0 };
        let mut later = self.unsettled.range((lane.clone(), after.unwrap_or(start))..);
        let next = later.find(|(_, id)| Some(*id) != after).filter(|(next, _)| next == lane);
        Ok(next.and_then(|(_, id)| self.effects.get(id)).cloned())
    }
    fn claimed(&self) -> Result<Vec<Effect>, Infallible> {
        let unsettled = self.unsettled.iter().filter_map(|(_, id)| self.effects.get(id));
        Ok(unsettled.filter(|effect| matches!(effect.stage, Stage::Claimed { .. })).cloned().collect())
    }
}

/// The cells: found by hash, ordered for searches.
#[derive(Debug, Clone, Default)]
struct Cells {
    slots: HashMap<Key, usize>,
    order: BTreeMap<Key, usize>,
    chains: Vec<Chain>,
    /// Which slots got a second version since the horizon, in the order of commits: all that collection has to visit.
    rewritten: VecDeque<(Version, usize)>,
    superseded: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Chain {
    newest: Written,
    /// Oldest first.
    older: Vec<Written>,
}

impl Chain {
    fn versions(&self) -> impl DoubleEndedIterator<Item = &Written> {
        self.older.iter().chain(std::iter::once(&self.newest))
    }

    fn at(&self, snapshot: Version) -> Option<&Written> {
        self.versions().rev().find(|written| written.version <= snapshot)
    }
}

impl Cells {
    fn chain(&self, key: &Key) -> Option<&Chain> {
        self.chains.get(*self.slots.get(key)?)
    }

    fn within<'a>(&'a self, range: &'a Range) -> impl Iterator<Item = (&'a Key, &'a Chain)> {
        let found = range.bounds().map(|bounds| self.order.range::<str, _>(bounds));
        found.into_iter().flatten().filter_map(|(key, slot)| Some((key, self.chains.get(*slot)?)))
    }

    fn write(&mut self, key: Key, written: Written) {
        if let Some(slot) = self.slots.get(&key) {
            if let Some(chain) = self.chains.get_mut(*slot) {
                self.rewritten.push_back((written.version, *slot));
                self.superseded += 1;
                chain.older.push(std::mem::replace(&mut chain.newest, written));
            }
            return;
        }
        let slot = self.chains.len();
        self.chains.push(Chain { newest: written, older: Vec::new() });
        self.order.insert(key.clone(), slot);
        self.slots.insert(key, slot);
    }

    /// Forgets what no snapshot from `horizon` on can see.
    fn collect(&mut self, horizon: Version) {
        while let Some((version, slot)) = self.rewritten.front().copied()
            && version <= horizon
        {
            self.rewritten.pop_front();
            let Some(chain) = self.chains.get_mut(slot) else { continue };
            let seen = chain.versions().take_while(|written| written.version <= horizon).count();
            let gone = seen.saturating_sub(1);
            chain.older.drain(..gone);
            self.superseded -= gone;
        }
    }
}

impl PartialEq for Cells {
    fn eq(&self, other: &Cells) -> bool {
        let all = Range::all();
        self.order.len() == other.order.len() && self.within(&all).eq(other.within(&all))
    }
}

impl Eq for Cells {}

impl Hash for Cells {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.order.len().hash(state);
        for (key, chain) in self.within(&Range::all()) {
            key.hash(state);
            chain.hash(state);
        }
    }
}

impl PartialEq for Ledger {
    fn eq(&self, other: &Ledger) -> bool {
        self.rows() == other.rows()
    }
}

impl Eq for Ledger {}

impl Hash for Ledger {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rows().hash(state);
    }
}

impl Ledger {
    /// What makes two ledgers the same; what is derived from it is left out.
    #[expect(clippy::type_complexity, reason = "a tuple of all fields, for equality and hashing in one place")]
    fn rows(
        &self,
    ) -> (
        (Version, Version, &Cells),
        (&BTreeMap<Version, Open>, &BTreeSet<Version>),
        (&BTreeMap<String, Stored>, &Ids),
        (&BTreeMap<Tool, Registered>, &BTreeMap<Key, Lease>, u64),
        &BTreeMap<EffectId, Effect>,
    ) {
        (
            (self.clock, self.horizon, &self.cells),
            (&self.open, &self.retracted),
            (&self.stored, &self.finished),
            (&self.tools, &self.leases, self.token),
            &self.effects,
        )
    }
}

/// A set of numbers that are mostly handed out in order, kept as runs: first to last, both included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Ids(BTreeMap<u64, u64>);

impl Ids {
    fn contains(&self, id: SessionId) -> bool {
        self.0.range(..=id.0).next_back().is_some_and(|(_, last)| id.0 <= *last)
    }

    fn insert(&mut self, SessionId(id): SessionId) {
        if self.contains(SessionId(id)) {
            return;
        }
        let last = id.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(id);
        match self.0.range_mut(..id).next_back() {
            Some((_, end)) if *end + 1 == id => *end = last,
            _ => drop(self.0.insert(id, last)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_numbers_grow_together() {
        let mut ids = Ids::default();
        for id in [5, 3, 9, 4, u64::MAX, 3] {
            ids.insert(SessionId(id));
        }
        assert_eq!(ids.0, BTreeMap::from([(3, 5), (9, 9), (u64::MAX, u64::MAX)]));
        assert!(ids.contains(SessionId(4)) && !ids.contains(SessionId(6)) && ids.contains(SessionId(u64::MAX)));
    }
}
