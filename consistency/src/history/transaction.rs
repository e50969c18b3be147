//! A history as transactions over cells whose versions are in order.
//!
//! INVARIANT: every transaction that an install, an effect or the map of versions names is in `transactions`; the
//! installs of a cell ascend by version; no range of a scan is turned around. The assembly sees to all three.

use super::How;
use crate::cell::{Agent, Content, Fingerprint, Key, Lane, Level, SessionId, Tool, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

/// A recorded history of a store.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub(super) transactions: Vec<Transaction>,
    pub(super) cells: BTreeMap<Key, Vec<Install>>,
    pub(super) effects: Vec<Effect>,
    pub(super) by_version: BTreeMap<Version, usize>,
    /// When each cell came to be there, once absent or deleted, in order of versions.
    pub(super) arrivals: Vec<(Version, Key)>,
    pub(super) torn: Option<usize>,
}

/// A session from its beginning to its end, or a retraction.
#[derive(Debug, Clone)]
pub struct Transaction {
    /// The session; nothing for a retraction.
    pub session: Option<SessionId>,
    /// Who acted; nothing for a retraction.
    pub agent: Option<Agent>,
    /// The level asked for; nothing for a retraction.
    pub level: Option<Level>,
    /// The line on which it began.
    pub begin: usize,
    /// How it ended.
    pub end: End,
    /// Whether a later retraction took it back.
    pub retracted: bool,
    pub(super) reads: Vec<Read>,
    pub(super) scans: Vec<Scan>,
    pub(super) pins: BTreeMap<Tool, Option<Fingerprint>>,
    /// The versions up to which changes were accepted; the last one of each cell counts, and all were seen.
    pub(super) acknowledged: BTreeMap<Key, BTreeSet<Version>>,
    pub(super) writes: Vec<(Key, Version, Content)>,
    pub(super) merged: BTreeSet<Key>,
}

/// How a transaction ended, and on which line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It did not, as far as the record goes.
    Open,
    /// Without a trace.
    Aborted {
        /// The line.
        line: usize,
    },
    /// With a commit.
    Committed {
        /// The line.
        line: usize,
        /// Where it serialises.
        version: Version,
    },
}

/// A cell as a transaction read it.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) key: Key,
    pub(super) version: Version,
    pub(super) value: Option<Content>,
    pub(super) line: usize,
}

/// A search of a half-open range of keys.
#[derive(Debug, Clone)]
pub struct Scan {
    /// Where the range begins.
    pub from: String,
    /// Where it ends; nowhere if missing.
    pub to: Option<String>,
    pub(super) found: BTreeMap<Key, Version>,
    pub(super) snapshot: Version,
    pub(super) line: usize,
    /// Whether it found exactly what was there at its snapshot.
    pub(super) is_exact: bool,
}

/// A version of a cell.
#[derive(Debug, Clone)]
pub struct Install {
    /// Which version.
    pub version: Version,
    /// Whose: a place in [`History::transactions`].
    pub transaction: usize,
    /// What the cell holds with it.
    pub content: Content,
}

/// An effect that left.
#[derive(Debug, Clone)]
pub struct Effect {
    /// The version of the commit that issued it.
    pub version: Version,
    /// Its place among the effects of that commit.
    pub index: usize,
    /// Where it went.
    pub lane: Lane,
    /// The tool that was called.
    pub tool: Tool,
    /// What the tool was at the call; nothing where it was gone.
    pub fingerprint: Option<Fingerprint>,
}

/// A version of a cell that a transaction saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The cell.
    pub key: &'a Key,
    /// The version, [`Version::ZERO`] for none.
    pub version: Version,
    /// The search that saw it, or saw that it is not there; nothing for a read.
    pub scan: Option<&'a Scan>,
    /// The line on which that is recorded; none for what rests on no line of its own.
    pub line: Option<usize>,
}

impl Transaction {
    /// Where it serialises, if it committed.
    pub fn version(&self) -> Option<Version> {
        match self.end {
            End::Committed { version, .. } => Some(version),
            End::Open | End::Aborted { .. } => None,
        }
    }

    /// The version up to which changes of a cell were accepted.
    pub(super) fn acknowledged(&self, key: &Key) -> Option<Version> {
        self.acknowledged.get(key).and_then(|versions| versions.last().copied())
    }
}

impl History {
    /// All transactions, in the order in which they began.
    pub fn transactions(&self) -> &[Transaction] {
        &self.transactions
    }

    /// The cells with their versions, in order; those of aborted and open transactions are left out.
    pub fn cells(&self) -> &BTreeMap<Key, Vec<Install>> {
        &self.cells
    }

    /// The effects, in the order in which they left.
    pub fn effects(&self) -> &[Effect] {
        &self.effects
    }

    /// The number of the last line where it was torn, and left out.
    pub fn torn(&self) -> Option<usize> {
        self.torn
    }

    /// The transactions that committed, with their places and versions.
    pub(super) fn committed(&self) -> impl Iterator<Item = (usize, &Transaction, Version)> {
        self.transactions.iter().enumerate().filter_map(|(id, it)| Some((id, it, it.version()?)))
    }

    /// The versions of a cell, in order.
    pub(super) fn installs(&self, key: &Key) -> &[Install] {
        self.cells.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// One version of a cell.
    pub(super) fn install(&self, key: &Key, version: Version) -> Option<&Install> {
        let installs = self.installs(key);
        installs.binary_search_by_key(&version, |install| install.version).ok().and_then(|at| installs.get(at))
    }

    /// The versions of a cell after one and up to another.
    pub(super) fn installs_within(&self, key: &Key, after: Version, up_to: Version) -> &[Install] {
        let installs = self.installs(key);
        let start = installs.partition_point(|install| install.version <= after);
        let end = installs.partition_point(|install| install.version <= up_to);
        installs.get(start..end).unwrap_or_default()
    }

    /// What a version of a cell holds, as far as the history tells.
    pub(super) fn content(&self, key: &Key, version: Version) -> Option<&Content> {
        if version == Version::ZERO {
            return Some(&Content::Absent);
        }
        self.install(key, version).map(|install| &install.content)
    }

    /// What a transaction saw, by reads and by searches, as far as that can have changed before its commit.
    ///
    /// A search sees what it found, and of what was not there the cells that arrived before the commit. One that is not
    /// exact sees every cell of its range that the history knows.
    pub(super) fn seen<'a>(&'a self, transaction: &'a Transaction) -> impl Iterator<Item = Seen<'a>> {
        let reads = transaction.reads.iter();
        let reads =
            reads.map(|Read { key, version, line, .. }| Seen { key, version: *version, scan: None, line: Some(*line) });
        let commit = transaction.version().unwrap_or_default();
        let scans = transaction.scans.iter().flat_map(move |scan| {
            let keys: Box<dyn Iterator<Item = &Key>> = if scan.is_exact {
                let arrived: BTreeSet<&Key> = self.arrived(scan, commit).collect();
                Box::new(scan.found.keys().chain(arrived))
            } else {
                let there = scan.found.keys().filter(|key| !self.cells.contains_key(*key));
                Box::new(self.cells.range::<str, _>(scan.range()).map(|(key, _)| key).chain(there))
            };
            keys.map(move |key| Seen { key, version: scan.saw(key, self), scan: Some(scan), line: Some(scan.line) })
        });
        reads.chain(scans)
    }

    /// The cells that a search did not find, and that arrived in its range after its snapshot and up to a version.
    fn arrived<'a>(&'a self, scan: &'a Scan, up_to: Version) -> impl Iterator<Item = &'a Key> {
        let start = self.arrivals.partition_point(|(version, _)| *version <= scan.snapshot);
        let end = self.arrivals.partition_point(|(version, _)| *version <= up_to);
        let arrivals = self.arrivals.get(start..end).unwrap_or_default().iter().map(|(_, key)| key);
        arrivals.filter(|key| scan.covers(key) && !scan.found.contains_key(*key))
    }

    /// What a transaction rests on at its commit: what it saw, with acknowledged changes and the bases of merges instead.
    pub(super) fn rests_on<'a>(&'a self, transaction: &'a Transaction) -> impl Iterator<Item = Seen<'a>> {
        let at = transaction.version();
        let merge_base = move |key: &Key| {
            let own = at.filter(|_| transaction.merged.contains(key))?;
            let installs = self.installs(key);
            let before = installs.partition_point(|install| install.version < own).checked_sub(1);
            Some(before.and_then(|before| installs.get(before)).map_or(Version::ZERO, |install| install.version))
        };
        let seen = self.seen(transaction).map(move |seen| {
            let accepted = transaction.acknowledged(seen.key);
            let version = [Some(seen.version), accepted, merge_base(seen.key)].into_iter().flatten().max();
            Seen { version: version.unwrap_or(seen.version), ..seen }
        });
        let acknowledged = transaction.acknowledged.iter();
        let acknowledged = acknowledged.filter_map(|(key, versions)| Some((key, *versions.last()?)));
        let merged = transaction.merged.iter().filter_map(move |key| Some((key, merge_base(key)?)));
        seen.chain(acknowledged.chain(merged).map(|(key, version)| Seen { key, version, scan: None, line: None }))
    }
}

impl Scan {
    /// The range, for an ordered map.
    pub(super) fn range(&self) -> (Bound<&str>, Bound<&str>) {
        (Included(self.from.as_str()), self.to.as_deref().map_or(Unbounded, Excluded))
    }

    /// Whether a cell is in the range.
    pub(super) fn covers(&self, key: &Key) -> bool {
        self.from.as_str() <= key.as_str() && self.to.as_deref().is_none_or(|to| key.as_str() < to)
    }

    /// The version of a cell in its range that it saw: the one found, or the one with which the last time began that
    /// nothing was there. Where that was taken back, nothing is there since the deletion or compensation after it.
    pub(super) fn saw(&self, key: &Key, history: &History) -> Version {
        let installs = history.installs(key);
        if let Some(version) = self.found.get(key) {
            return *version;
        }
        let before = installs.partition_point(|install| install.version <= self.snapshot);
        let before = installs.get(..before).unwrap_or_default().iter().rev();
        let gone = before.skip_while(|install| install.is_present()).take_while(|install| !install.is_present());
        let is_retracted =
            |install: &Install| history.transactions.get(install.transaction).is_some_and(|it| it.retracted);
        let gone = gone.enumerate().take_while(|(at, install)| *at == 0 || !is_retracted(install));
        let gone = gone.map(|(_, install)| install);
        // A cell that was deleted before it was ever there was absent all along.
        match gone.last() {
            Some(first) if installs.iter().take_while(|it| it.version < first.version).any(Install::is_present) => {
                first.version
            }
            _ => Version::ZERO,
        }
    }
}

impl Install {
    /// Whether there is a value.
    pub(super) fn is_present(&self) -> bool {
        self.content.value().is_some()
    }
}

impl Seen<'_> {
    /// The versions after the one seen that make a difference: to a search, a cell that stays away makes none.
    pub(super) fn changes(self, later: &[Install]) -> &[Install] {
        let stays_away = self.scan.is_some_and(|scan| !scan.found.contains_key(self.key));
        let same = if stays_away { later.iter().take_while(|install| !install.is_present()).count() } else { 0 };
        later.get(same..).unwrap_or_default()
    }
}

impl How {
    /// Whether changes of others are taken in rather than overwritten.
    pub(super) fn merges(self) -> bool {
        self == How::Merge
    }
}
