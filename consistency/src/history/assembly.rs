//! Events become transactions, one line after the other.

use super::read::{Fault, HistoryError};
use super::transaction::Read;
use super::{Effect, End, Event, History, Install, Scan, Transaction};
use crate::cell::{Agent, Content, Key, Level, SessionId, Version};
use std::collections::{BTreeMap, BTreeSet};

/// A history as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    history: History,
    sessions: BTreeMap<SessionId, usize>,
    newest: Version,
}

impl History {
    /// Assembles a history of events; the first one is on line 1.
    ///
    /// # Errors
    /// [`HistoryError`] with the line of the first event that cannot follow those before it.
    pub fn of(events: impl IntoIterator<Item = Event>) -> Result<History, HistoryError> {
        let mut assembly = Assembly::default();
        for (line, event) in (1..).zip(events) {
            assembly.add(line, event).map_err(|fault| HistoryError { line, fault })?;
        }
        Ok(assembly.finish(None))
    }
}

impl Assembly {
    pub(super) fn add(&mut self, line: usize, event: Event) -> Result<(), Fault> {
        match event {
            Event::Begin { session, agent, level } => return self.begin(line, session, agent, level),
            Event::Read { session, key, version, value } => {
                self.open(session)?.reads.push(Read { key, version, value, line });
            }
            Event::Scan { session, from, to, found, snapshot } => {
                if to.as_ref().is_some_and(|to| *to < from) {
                    return Err(Fault::Range { from });
                }
                let snapshot = snapshot.unwrap_or(self.newest);
                self.open(session)?.scans.push(Scan {
                    from,
                    to,
                    found: found.into_iter().collect(),
                    snapshot,
                    line,
                    is_exact: false,
                });
            }
            Event::Pin { session, tool, fingerprint } => {
                self.open(session)?.pins.insert(tool, fingerprint);
            }
            Event::Acknowledge { session, key, version } => {
                self.open(session)?.acknowledged.entry(key).or_default().insert(version);
            }
            Event::Write { session, key, version, content } => {
                let id = self.place(session)?;
                self.take(version, id)?;
                self.open(session)?.writes.push((key, version, content));
            }
            Event::Commit { session, version, writes, effects } => {
                let id = self.place(session)?;
                if !(writes.is_empty() && effects.is_empty()) {
                    self.take(version, id)?;
                }
                let open = self.open(session)?;
                open.end = End::Committed { line, version };
                let merges = writes.iter().filter(|write| write.how.merges());
                open.merged = merges.map(|write| write.key.clone()).collect();
                open.writes.extend(writes.into_iter().map(|write| (write.key, version, write.content)));
                self.newest = self.newest.max(version);
            }
            Event::Abort { session, .. } => self.open(session)?.end = End::Aborted { line },
            Event::Retract { version, retracted, writes } => {
                let writes = writes.into_iter().map(|write| (write.key, version, write.content)).collect();
                self.retract(line, version, &retracted, writes)?;
            }
            Event::Effect { version, index, lane, tool, fingerprint } => {
                self.history.effects.push(Effect { version, index, lane, tool, fingerprint });
            }
            // What a detector needs of these is said again where it matters: an effect carries its live fingerprint.
            Event::Finalise { .. } | Event::Tool { .. } => {}
        }
        Ok(())
    }

    fn begin(&mut self, line: usize, session: SessionId, agent: Agent, level: Level) -> Result<(), Fault> {
        if self.sessions.insert(session, self.history.transactions.len()).is_some() {
            return Err(Fault::SessionAgain { session });
        }
        let (session, agent, level) = (Some(session), Some(agent), Some(level));
        self.history.transactions.push(Transaction { session, agent, level, ..Transaction::new(line, End::Open) });
        Ok(())
    }

    fn retract(
        &mut self,
        line: usize,
        version: Version,
        retracted: &[Version],
        writes: Vec<(Key, Version, Content)>,
    ) -> Result<(), Fault> {
        let History { transactions, by_version, .. } = &mut self.history;
        for id in retracted.iter().filter_map(|version| by_version.get(version)) {
            if let Some(transaction) = transactions.get_mut(*id) {
                transaction.retracted = true;
            }
        }
        let end = End::Committed { line, version };
        transactions.push(Transaction { writes, ..Transaction::new(line, end) });
        let id = transactions.len() - 1;
        self.newest = self.newest.max(version);
        self.take(version, id)
    }

    /// The place of a session that has begun.
    fn place(&self, session: SessionId) -> Result<usize, Fault> {
        self.sessions.get(&session).copied().ok_or(Fault::NoSession { session })
    }

    /// A session that has begun and not ended.
    fn open(&mut self, session: SessionId) -> Result<&mut Transaction, Fault> {
        let id = self.place(session)?;
        let open = self.history.transactions.get_mut(id).filter(|transaction| transaction.end == End::Open);
        open.ok_or(Fault::SessionEnded { session })
    }

    /// Gives a version to a transaction, which no other may have.
    fn take(&mut self, version: Version, id: usize) -> Result<(), Fault> {
        let owner = *self.history.by_version.entry(version).or_insert(id);
        if version == Version::ZERO || owner != id {
            return Err(Fault::VersionAgain { version });
        }
        Ok(())
    }

    /// The history, with every cell's versions in order.
    pub(super) fn finish(mut self, torn: Option<usize>) -> History {
        let mut cells: BTreeMap<Key, Vec<Install>> = BTreeMap::new();
        for (id, transaction, _) in self.history.committed() {
            for (key, version, content) in &transaction.writes {
                let install = Install { version: *version, transaction: id, content: content.clone() };
                cells.entry(key.clone()).or_default().push(install);
            }
        }
        for installs in cells.values_mut() {
            installs.sort_by_key(|install| install.version);
            // A cell written twice in one commit keeps what was written last.
            installs.reverse();
            installs.dedup_by_key(|install| install.version);
            installs.reverse();
        }
        for transaction in &mut self.history.transactions {
            let mut known = BTreeSet::new();
            transaction.reads.retain(|read| known.insert((read.key.clone(), read.version)));
        }
        self.history.cells = cells;
        self.history.torn = torn;
        self.history.sweep();
        self.history
    }
}

impl History {
    /// Goes through all versions in order, to note arrivals and which searches found exactly what was there.
    fn sweep(&mut self) {
        let installs = self.cells.iter().flat_map(|(key, installs)| installs.iter().map(move |it| (key, it)));
        let mut installs: Vec<_> = installs.collect();
        installs.sort_by_key(|(_, install)| install.version);
        let mut scans: Vec<&mut Scan> = self.transactions.iter_mut().flat_map(|it| &mut it.scans).collect();
        scans.sort_by_key(|scan| scan.snapshot);
        let mut scans = scans.into_iter().peekable();
        // What is there, and what was there once.
        let (mut there, mut known) = (BTreeMap::new(), BTreeSet::new());
        for (key, install) in installs {
            while let Some(scan) = scans.next_if(|scan| scan.snapshot < install.version) {
                scan.is_exact = is_exact(scan, &there, &known);
            }
            known.insert(key);
            let was_there = if install.is_present() {
                there.insert(key.clone(), install.version).is_some()
            } else {
                there.remove(key).is_some()
            };
            if install.is_present() && !was_there {
                self.arrivals.push((install.version, key.clone()));
            }
        }
        for scan in scans {
            scan.is_exact = is_exact(scan, &there, &known);
        }
    }
}

/// Whether a search found exactly what is there; what was written before the record may be there, too.
fn is_exact(scan: &Scan, there: &BTreeMap<Key, Version>, known: &BTreeSet<&Key>) -> bool {
    let recorded = scan.found.iter().filter(|(key, _)| known.contains(key));
    there.range::<str, _>(scan.range()).eq(recorded)
}

impl Transaction {
    fn new(begin: usize, end: End) -> Transaction {
        Transaction {
            session: None,
            agent: None,
            level: None,
            begin,
            end,
            retracted: false,
            reads: Vec::new(),
            scans: Vec::new(),
            pins: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            writes: Vec::new(),
            merged: BTreeSet::new(),
        }
    }
}
