//! A session as a program holds it: what it reads goes to the core at once, what it writes waits here for the commit.
//!
//! A session sees its own writes. It ends with a commit; dropped without one, it is aborted.

use super::{Store, StoreError, unexpected};
use crate::cell::{Agent, Content, Fingerprint, Key, Lane, Level, Millis, SessionId, Tool, Value, Version};
use crate::decide::{Issue, Reply, Work};
use crate::ledger::Written;
use crate::operation::{Delta, Merge, Operation, apply_all};
use crate::range::Range;
use crate::session::{self, Begin, Mode, Stale, Step};
use crate::state::{Act, Input, Output};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

/// One agent's read – generate – write.
#[derive(Debug)]
pub struct Session {
    store: Store,
    begin: Begin,
    step: Step,
    pending: Pending,
    over: bool,
}

/// What is to be written, each with the step that wrote it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Pending {
    writes: BTreeMap<Key, Vec<(Step, Operation)>>,
    effects: Vec<(Step, Issue)>,
    hold: bool,
}

/// A session written down, to be taken up later or elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    session: session::Session,
    pending: Pending,
}

/// What a commit comes to. Unless it is committed, the session goes on and may be repaired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The commit is made and durable.
    Committed {
        /// Its version.
        version: Version,
        /// Tells whether it can no longer be retracted.
        is_final: bool,
    },
    /// Something that the session relied on no longer holds: which cell, the version read and the one now, who wrote it and
    /// what. Nothing was written. [`Session::doomed`] lists all of it.
    Conflict(Stale),
    /// An older session has a lease on a cell; worth trying again when it is given back, or after this moment.
    Busy {
        /// The cell.
        key: Key,
        /// The session that has it.
        holder: SessionId,
        /// When the lease ends at the latest.
        until: Millis,
    },
}

/// What asking for a lease comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// The cell is the session's to generate for, until then or until an older session takes it.
    Granted {
        /// The fencing token.
        token: u64,
        /// When the lease ends unless renewed.
        until: Millis,
    },
    /// An older session has it.
    Busy {
        /// That session.
        holder: SessionId,
        /// When its lease ends at the latest.
        until: Millis,
    },
}

impl Session {
    pub(super) fn begin(store: &Store, agent: Agent, level: Level, mode: Mode) -> Result<Session, StoreError> {
        let begin = Begin { id: SessionId(store.world.fresh()), agent, level, mode, started: store.world.now() };
        Session::start(store.clone(), begin, Pending::default())
    }

    fn start(store: Store, begin: Begin, pending: Pending) -> Result<Session, StoreError> {
        store.shell.submit(Input::Begin(begin.clone()))?;
        Ok(Session { store, begin, step: 0, pending, over: false })
    }

    pub(super) fn resume(store: &Store, saved: Saved) -> Result<Session, StoreError> {
        let (begin, step) = (saved.session.begin.clone(), saved.session.step());
        match store.shell.submit(Input::Resume(Box::new(saved.session)))? {
            Output::Session(_) => {}
            Output::Reply(Reply::Refused(refusal)) => return Err(refusal.into()),
            other => return Err(unexpected(other)),
        }
        Ok(Session { store: store.clone(), begin, step, pending: saved.pending, over: false })
    }

    /// Which session this is.
    pub fn id(&self) -> SessionId {
        self.begin.id
    }

    /// Who acts.
    pub fn agent(&self) -> &Agent {
        &self.begin.agent
    }

    /// Reads a cell, as the session's own writes leave it.
    ///
    /// # Errors
    /// [`StoreError::Doomed`] when something read before no longer holds; the session never shows a torn view.
    pub fn read(&mut self, key: &str) -> Result<Content, StoreError> {
        let key = Key::new(key)?;
        let own: Vec<Operation> = self.pending.on(&key).cloned().collect();
        let base = if own.iter().any(Operation::replaces) { Content::Absent } else { self.look(&key)? };
        apply_all(&own, &base).map_err(|misfit| crate::decide::Refusal::Misfit { key, misfit }.into())
    }

    fn look(&mut self, key: &Key) -> Result<Content, StoreError> {
        match self.act(Act::Read(key.clone()))? {
            Output::Read(content, _) => Ok(content),
            other => Err(unexpected(other)),
        }
    }

    /// Finds the cells whose keys begin with a text and that hold a value, in the order of keys.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn scan(&mut self, prefix: &str) -> Result<Vec<(Key, Value)>, StoreError> {
        self.search(&Range::prefix(prefix))
    }

    /// Finds the cells of an interval that hold a value, in the order of keys.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn search(&mut self, range: &Range) -> Result<Vec<(Key, Value)>, StoreError> {
        let found = self.versions(range)?;
        let mut cells: BTreeMap<Key, Content> = found.into_iter().map(|(key, cell)| (key, cell.content)).collect();
        for key in self.pending.writes.keys().filter(|key| range.contains(key)) {
            let before = cells.get(key).unwrap_or(&Content::Absent);
            let content = apply_all(self.pending.on(key), before);
            let content = content.map_err(|misfit| crate::decide::Refusal::Misfit { key: key.clone(), misfit })?;
            cells.insert(key.clone(), content);
        }
        Ok(cells.into_iter().filter_map(|(key, content)| Some((key, content.value()?.clone()))).collect())
    }

    /// Finds the cells of an interval with their versions and authors, deleted ones too, without the session's own writes.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn versions(&mut self, range: &Range) -> Result<Vec<(Key, Written)>, StoreError> {
        match self.act(Act::Scan(range.clone()))? {
            Output::Scanned(found) => Ok(found),
            other => Err(unexpected(other)),
        }
    }

    /// Writes a value, whatever the cell holds.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn write(&mut self, key: &str, value: impl Into<Value>) -> Result<(), StoreError> {
        self.operate(key, Operation::Put(value.into()))
    }

    /// Removes a cell.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn delete(&mut self, key: &str) -> Result<(), StoreError> {
        self.operate(key, Operation::Delete)
    }

    /// Appends to a list, without depending on what is in there: concurrent appends all arrive.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn append(&mut self, key: &str, item: impl Into<Value>) -> Result<(), StoreError> {
        self.operate(key, Operation::Delta(Delta::Append(item.into())))
    }

    /// Adds to a set, which is a list in which nothing is twice.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn add(&mut self, key: &str, item: impl Into<Value>) -> Result<(), StoreError> {
        self.operate(key, Operation::Delta(Delta::Add(item.into())))
    }

    /// Adds to a counter.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn count(&mut self, key: &str, by: i64) -> Result<(), StoreError> {
        self.operate(key, Operation::Delta(Delta::Count(by)))
    }

    /// Sets one field of an object, or removes it, without depending on the others.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn put_field(&mut self, key: &str, field: &str, value: Option<Value>) -> Result<(), StoreError> {
        self.operate(key, Operation::Delta(Delta::Field(field.to_owned(), value)))
    }

    /// Writes a value made from what the session read, to be combined with what others write meanwhile.
    ///
    /// # Errors
    /// As [`Session::read`].
    pub fn merge(&mut self, key: &str, ours: impl Into<Value>, by: Merge) -> Result<(), StoreError> {
        let base = self.read(key)?;
        self.operate(key, Operation::Merge { base, ours: ours.into(), by })
    }

    /// Applies an operation to a cell.
    ///
    /// # Errors
    /// [`StoreError::Key`] when the text is no key.
    pub fn operate(&mut self, key: &str, operation: Operation) -> Result<(), StoreError> {
        self.pending.writes.entry(Key::new(key)?).or_default().push((self.step, operation));
        Ok(())
    }

    /// Issues an effect: a tool call that leaves once the commit is made, and final from L2 on. At L4 the tool is pinned.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn effect(
        &mut self,
        lane: impl Into<Lane>,
        tool: impl Into<Tool>,
        payload: impl Into<Value>,
    ) -> Result<(), StoreError> {
        let tool = tool.into();
        if self.begin.level >= Level::L4 {
            self.pin(tool.clone())?;
        }
        self.pending.effects.push((self.step, Issue { lane: lane.into(), tool, payload: payload.into() }));
        Ok(())
    }

    /// Relies on a tool being what it is now; tells what that is, or nothing where it is not registered.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn pin(&mut self, tool: impl Into<Tool>) -> Result<Option<Fingerprint>, StoreError> {
        match self.act(Act::Pin(tool.into()))? {
            Output::Pinned(fingerprint) => Ok(fingerprint),
            other => Err(unexpected(other)),
        }
    }

    /// Begins a step that follows from earlier ones: when one of those has to be done again, so has this one.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn step(&mut self, after: &[Step]) -> Result<Step, StoreError> {
        match self.act(Act::Step(after.to_vec()))? {
            Output::Step(step) => {
                self.step = step;
                Ok(step)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Has the commit wait for an approval before it is final.
    pub fn hold(&mut self) {
        self.pending.hold = true;
    }

    /// What the session saw and that no longer holds; empty while it may commit.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn doomed(&self) -> Result<Vec<Stale>, StoreError> {
        let session = self.store.shell.session(self.begin.id)?;
        session.map(|session| session.doomed).ok_or(StoreError::Finished(self.begin.id))
    }

    /// Waits until the session is doomed, at most so long; empty when it is not.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn wait_doomed(&self, timeout: Duration) -> Result<Vec<Stale>, StoreError> {
        let deadline = self.store.world.now().saturating_add(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX));
        loop {
            // The clock is read before the session, so that a commit in between ends the wait at once.
            let clock = self.store.clock()?;
            let doomed = self.doomed()?;
            let left = deadline.saturating_sub(self.store.world.now());
            if !doomed.is_empty() || left == 0 {
                return Ok(doomed);
            }
            self.store.wait(clock, Duration::from_millis(left))?;
        }
    }

    /// Accepts what a cell holds now in place of what was read, because the change does not matter here; that is logged.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn acknowledge(&mut self, key: &str) -> Result<Content, StoreError> {
        match self.act(Act::Acknowledge(Key::new(key)?))? {
            Output::Read(content, _) => Ok(content),
            other => Err(unexpected(other)),
        }
    }

    /// Forgets the steps that saw what no longer holds and all that follow from them, with what they wrote; tells which
    /// steps are to be done again.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn rewind(&mut self) -> Result<BTreeSet<Step>, StoreError> {
        let steps = self.doomed()?.iter().filter_map(Stale::step).collect();
        match self.act(Act::Rewind(steps))? {
            Output::Rewound(gone) => {
                self.pending.forget(&gone);
                Ok(gone)
            }
            other => Err(unexpected(other)),
        }
    }

    /// Ends this attempt and begins another, which is as old as the first one: it goes before younger sessions.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn restart(&mut self) -> Result<(), StoreError> {
        let begin = Begin { id: SessionId(self.store.world.fresh()), ..self.begin.clone() };
        // Dropping the old one aborts it.
        *self = Session::start(self.store.clone(), begin, Pending::default())?;
        Ok(())
    }

    /// Asks for a lease on a cell, so that younger sessions wait instead of working in vain; again, to renew it.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn lease(&mut self, key: &str, length: Duration) -> Result<Leased, StoreError> {
        let (id, key, now) = (self.begin.id, Key::new(key)?, self.store.world.now());
        let until = now.saturating_add(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        match self.reply(Input::Lease { id, key, now, until })? {
            Reply::Granted { token } => Ok(Leased::Granted { token, until }),
            Reply::Busy { holder, until, .. } => Ok(Leased::Busy { holder, until }),
            other => Err(unexpected(other)),
        }
    }

    /// Commits: validates all that was read, and writes. The same idempotency key gives the same outcome again.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the commit makes no sense; [`StoreError`] when the store can't be written.
    pub fn commit<'a>(&mut self, idempotency: impl Into<Option<&'a str>>) -> Result<Outcome, StoreError> {
        let work = self.pending.work(idempotency.into());
        let (id, now) = (self.begin.id, self.store.world.now());
        match self.reply(Input::Commit { id, work, now })? {
            Reply::Committed { version, is_final } => {
                self.over = true;
                Ok(Outcome::Committed { version, is_final })
            }
            Reply::Conflict(stale) => Ok(Outcome::Conflict(stale)),
            Reply::Busy { key, holder, until } => Ok(Outcome::Busy { key, holder, until }),
            other => Err(unexpected(other)),
        }
    }

    /// Ends the session without a commit.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be written.
    pub fn abort(mut self) -> Result<(), StoreError> {
        self.over = true;
        self.store.shell.submit(Input::Abort(self.begin.id)).map(drop)
    }

    /// Writes the session down, to be taken up by [`Store::resume`], and ends it here.
    ///
    /// # Errors
    /// [`StoreError::Finished`] when the session is over.
    pub fn save(mut self) -> Result<Saved, StoreError> {
        let session = self.store.shell.session(self.begin.id)?.ok_or(StoreError::Finished(self.begin.id))?;
        let pending = std::mem::take(&mut self.pending);
        self.abort()?;
        Ok(Saved { session, pending })
    }

    fn act(&mut self, act: Act) -> Result<Output, StoreError> {
        match self.store.shell.submit(Input::Act(self.begin.id, act))? {
            Output::Doomed(stale) => Err(StoreError::Doomed(stale)),
            Output::TooOld => Err(StoreError::TooOld),
            Output::Reply(Reply::Refused(refusal)) => Err(refusal.into()),
            output => Ok(output),
        }
    }

    fn reply(&mut self, input: Input) -> Result<Reply, StoreError> {
        match self.store.shell.submit(input)? {
            Output::Reply(Reply::Refused(refusal)) => Err(refusal.into()),
            Output::Reply(reply) => Ok(reply),
            other => Err(unexpected(other)),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.over {
            // What can't be told now is found out later: a session that is not heard of any more counts as over.
            let _ = self.store.shell.submit(Input::Abort(self.begin.id));
        }
    }
}

impl Pending {
    /// The operations on a cell that count: from the last one on that replaces its content.
    fn on(&self, key: &Key) -> impl Iterator<Item = &Operation> {
        let all = self.writes.get(key).map_or(&[] as &[(Step, Operation)], Vec::as_slice);
        let first = all.iter().rposition(|(_, operation)| operation.replaces()).unwrap_or(0);
        all.iter().skip(first).map(|(_, operation)| operation)
    }

    fn work(&self, idempotency: Option<&str>) -> Work {
        Work {
            writes: self.writes.keys().map(|key| (key.clone(), self.on(key).cloned().collect())).collect(),
            effects: self.effects.iter().map(|(_, issue)| issue.clone()).collect(),
            idempotency: idempotency.map(str::to_owned),
            hold: self.hold,
        }
    }

    fn forget(&mut self, steps: &BTreeSet<Step>) {
        for operations in self.writes.values_mut() {
            operations.retain(|(step, _)| !steps.contains(step));
        }
        self.writes.retain(|_, operations| !operations.is_empty());
        self.effects.retain(|(step, _)| !steps.contains(step));
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stale::Cell { key, read, now, writer, through, .. } => {
                let seen = match (through, *read) {
                    (Some(range), _) => format!("searched {range} at {read}"),
                    (None, Version::ZERO) => "read it as absent".to_owned(),
                    (None, read) => format!("read it at {read}"),
                };
                write!(f, "`{key}` changed: this session {seen}, and {writer} wrote it at {now}")
            }
            Stale::Tool { tool, pinned, now: Some(now), .. } => {
                write!(f, "the tool `{tool}` changed: this session relied on {pinned}, and it is {now}")
            }
            Stale::Tool { tool, .. } => write!(f, "the tool `{tool}` is gone, and this session relied on it"),
            Stale::Lease { key, .. } => write!(f, "the lease on `{key}` was lost to another session"),
            Stale::Retracted { version, .. } => {
                write!(f, "the commit {version}, which this session rests on, was retracted")
            }
        }
    }
}
