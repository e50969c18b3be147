//! Commits, and what becomes of them: approved, or taken back.

use super::{Turn, cell as number_of};
use crate::model::action::{Change, Deed, Number, SAME, Target, key, lane, session, tool};
use crate::model::oracle::{Entry, Held, Leased, Life, Places, Sent, Wrote, bit};
use crate::model::promise::{Event, Promise};
use consistency::decide::{Issue, Order, Refusal, Reply, Work};
use consistency::ledger::{EffectId, View};
use consistency::operation::{Delta, Merge, Operation};
use consistency::session::{Mode, Stale};
use consistency::state::{Input, Output};
use consistency::{Content, Level, Value, Version};

impl Turn<'_> {
    pub(super) fn commit(&mut self, number: Number, deed: Deed, cell: u8) -> Output {
        self.happens(Event::Commit);
        let before = self.now.clone();
        let life = self.now.oracle.lives.get(&number).cloned();
        let work = self.work(number, deed, cell, life.as_ref());
        let output = self.ask(Input::Commit { id: session(number), work, now: self.millis() });
        match &output {
            Output::Reply(Reply::Committed { version, is_final }) => {
                let Ok(clock) = before.core.ledger.clock();
                self.committed(number, (deed, cell), life, *version, *is_final);
                if self.setup.crashes > 0 && *version > clock {
                    let unsaved = || Some(Box::new((before.core.ledger, before.oracle.truth)));
                    self.now.saved = before.saved.or_else(unsaved);
                }
            }
            Output::Reply(Reply::Conflict(stale)) => self.conflict(life.as_ref(), stale),
            Output::Reply(Reply::Busy { key, holder, .. }) => {
                let started = life.map_or(number, |life| life.started);
                let former = self.now.oracle.truth.leases.get(&number_of(key)).copied();
                self.waits(number, started, holder.0, former);
            }
            Output::Reply(Reply::Refused(refusal)) => self.refused(life.as_ref(), refusal),
            _ => {}
        }
        output
    }

    /// What a deed is for the core.
    fn work(&self, number: Number, deed: Deed, cell: u8, life: Option<&Life>) -> Work {
        let operation = |cell| match deed.change {
            Change::Put => Operation::Put(number.into()),
            Change::Same => Operation::Put(SAME.into()),
            Change::Delete => Operation::Delete,
            Change::Append => Operation::Delta(Delta::Append(number.into())),
            Change::Add => Operation::Delta(Delta::Add(SAME.into())),
            Change::Merge => merge(number, life, cell),
        };
        let writes = deed.cells(cell, self.setup.keys).map(|cell| (key(cell), vec![operation(cell)])).collect();
        let issue = |index: u8| Issue {
            lane: lane(index.checked_rem(self.setup.lanes).unwrap_or(0)),
            tool: tool(),
            payload: Value::from(index),
        };
        let effects = (0..deed.effects).map(issue).collect();
        Work { writes, effects, idempotency: deed.keyed.then(|| "key".to_owned()), hold: deed.held }
    }

    fn committed(
        &mut self,
        number: Number,
        (deed, cell): (Deed, u8),
        life: Option<Life>,
        version: Version,
        is_final: bool,
    ) {
        if !self.now.core.sessions.contains_key(&session(number)) {
            self.now.oracle.lives.remove(&number);
        }
        let log = &self.now.oracle.truth.log;
        if let Some(first) = log.iter().find(|entry| deed.keyed && entry.keyed).map(|entry| entry.version) {
            self.happens(Event::Repeated);
            return self.judge(Promise::Idempotency, version == first);
        }
        let again = log.iter().any(|entry| entry.session == number);
        self.judge(Promise::Once, !again && life.is_some());
        let Some(life) = life else { return };
        self.happens(if is_final { Event::Final } else { Event::Open });
        self.validates(&life, deed, cell);
        let took = version > self.now.oracle.handed || deed.target != Target::None || deed.effects > 0 || !is_final;
        if !took {
            return self.happens(Event::Nothing);
        }
        self.hands_out();
        self.writes(number, (deed, cell), &life, version, is_final);
    }

    /// What the session relied on has to hold now, as the oracle sees it.
    fn validates(&mut self, life: &Life, deed: Deed, cell: u8) {
        let keys = self.setup.keys;
        let touched = deed.cells(cell, keys);
        let truth = &self.now.oracle.truth;
        let reads_only = match life.mode {
            Mode::ReadWrite => None,
            Mode::Fresh => Some(deed.target == Target::None),
            Mode::Snapshot => Some(deed.target == Target::None && deed.effects == 0),
        };
        let merged = |read: &u8| deed.change == Change::Merge && touched.contains(read);
        let relied = life.seen.iter().filter(|seen| !seen.cell.as_ref().is_some_and(merged));
        let holds = relied.into_iter().all(|seen| seen.found == truth.look(seen.cell, keys, truth.moment));
        let tool = life.pin.is_none_or(|print| truth.tool == Some(print));
        let fenced = life.tokens.iter().all(|(cell, token)| truth.leases.get(cell).is_some_and(|l| l.token == *token));
        if let Some(holds) = reads_only {
            self.judge(Promise::ReadOnly, holds);
        }
        if self.asks(Promise::StaleGeneration, life.level) && life.mode != Mode::Snapshot && !life.seen.is_empty() {
            self.judge(Promise::StaleGeneration, holds);
        }
        if self.asks(Promise::PhantomTool, life.level) && life.pin.is_some() {
            self.judge(Promise::PhantomTool, tool);
        }
        if life.level > Level::L0 && !life.tokens.is_empty() {
            self.judge(Promise::Fenced, fenced);
        }
    }

    /// Writes the commit down.
    fn writes(&mut self, number: Number, (deed, cell): (Deed, u8), life: &Life, version: Version, is_final: bool) {
        let keys = self.setup.keys;
        let truth = &mut self.now.oracle.truth;
        let wrote = match deed.change {
            Change::Put => Wrote::Put(number),
            Change::Same => Wrote::Put(SAME),
            Change::Delete => Wrote::Delete,
            Change::Append => Wrote::Append(number),
            Change::Add => Wrote::Add(SAME),
            Change::Merge => Wrote::Add(number),
        };
        let direct = life.seen.iter().fold(0, |all: Places, seen| all | seen.from);
        let place = u8::try_from(truth.log.len()).unwrap_or(u8::MAX);
        for index in 0..deed.effects {
            let id = EffectId { commit: version, index: index.into() };
            let lane = index.checked_rem(self.setup.lanes).unwrap_or(0);
            truth.effects.push(Sent { id, place, lane, pin: life.pin, left: false, acts: 0, doubtful: false });
        }
        truth.log.push(Entry {
            version,
            session: number,
            level: life.level,
            writes: deed.cells(cell, keys).map(|cell| (cell, wrote)).collect(),
            from: truth.closure(direct),
            at: truth.moment,
            retracted: None,
            is_final,
            held: deed.held,
            keyed: deed.keyed,
        });
        truth.moment += 1;
        if deed.change == Change::Merge {
            self.happens(Event::Merged);
        }
        for cell in deed.cells(cell, keys) {
            let former = self.now.oracle.truth.leases.remove(&cell);
            self.takes(number, life.started, former);
        }
        self.now.oracle.truth.leases.retain(|_, Leased { holder, .. }| *holder != number);
        self.rests();
    }

    /// What is final, and what stands, after something changed that.
    fn rests(&mut self) {
        let truth = &self.now.oracle.truth;
        let (mut held, mut closed, mut stands, mut external) = (true, true, true, true);
        let mut asked = (false, false, false);
        for (place, entry) in truth.log.iter().enumerate().filter(|(_, entry)| entry.retracted.is_none()) {
            held &= !(entry.held && entry.is_final);
            asked.0 |= entry.held;
            let rotten = truth.entries(entry.from).any(|earlier| earlier.retracted.is_some());
            let left = truth.effects.iter().any(|sent| usize::from(sent.place) == place && sent.left);
            if entry.from != 0 && self.asks(Promise::CausalCascade, entry.level) {
                external &= !(rotten && left);
                asked.2 |= left;
            }
            if entry.from != 0 && entry.level >= Level::L2 {
                closed &= !entry.is_final || truth.entries(entry.from).all(|earlier| earlier.is_final);
                stands &= !rotten;
                asked.1 = true;
            }
        }
        for (promise, asked, holds) in [
            (Promise::Held, asked.0, held),
            (Promise::Closed, asked.1, closed),
            (Promise::Cascade, asked.1, stands),
            (Promise::CausalCascade, asked.2, external),
        ] {
            if asked {
                self.judge(promise, holds);
            }
        }
    }

    /// A refusal has a reason, and tells it as it is.
    fn conflict(&mut self, life: Option<&Life>, stale: &Stale) {
        let Some(life) = life else { return };
        let truth = &self.now.oracle.truth;
        let wrote = |cell: u8| {
            let wrote = |entry: &&Entry| entry.writes.iter().any(|(written, _)| *written == cell);
            let late = |entry: &Entry| entry.at >= life.since || entry.retracted.is_some_and(|gone| gone >= life.since);
            truth.log.iter().filter(wrote).any(late)
        };
        let (event, founded) = match stale {
            Stale::Cell { key, read, value, through, .. } => {
                let cell = number_of(key);
                let event = match through {
                    Some(_) => Event::ConflictScan,
                    None if *read == Version::ZERO => Event::ConflictAbsent,
                    None => Event::ConflictRead,
                };
                (event, wrote(cell) && Held::of(value) == truth.content(cell, truth.moment))
            }
            Stale::Tool { .. } => (Event::ConflictTool, life.pin.is_some() && life.pin != truth.tool),
            Stale::Lease { key, token, .. } => {
                let current = truth.leases.get(&number_of(key)).is_some_and(|lease| lease.token == *token);
                (Event::ConflictLease, !current)
            }
            Stale::Retracted { version, .. } => {
                let gone = |entry: &Entry| entry.version == *version && entry.retracted.is_some();
                (Event::ConflictRetracted, truth.log.iter().any(gone))
            }
        };
        self.happens(event);
        self.judge(Promise::Founded, founded);
    }

    fn refused(&mut self, life: Option<&Life>, refusal: &Refusal) {
        match refusal {
            Refusal::Finished(_) => {
                self.happens(Event::Finished);
                self.judge(Promise::Once, life.is_none());
            }
            Refusal::KeyReused(_) => self.happens(Event::KeyReused),
            Refusal::ReadOnly => {
                self.happens(Event::RefusedReadOnly);
                self.judge(Promise::ReadOnly, life.is_some_and(|life| life.mode != Mode::ReadWrite));
            }
            Refusal::Misfit { .. } => self.happens(Event::Misfit),
            Refusal::NotPinned(_) => self.happens(Event::NotPinned),
            Refusal::Forged(_) | Refusal::NotOpen(_) | Refusal::NotClaimed(_) | Refusal::Exhausted => {}
        }
    }

    pub(super) fn retract(&mut self, place: u8) -> Option<Output> {
        self.happens(Event::Retract);
        self.now.oracle.spent.retractions += 1;
        let place = usize::from(place);
        let asked = self.now.oracle.truth.log.get(place)?.clone();
        let output = self.order(Order::Retract { version: asked.version, agent: "person".into() });
        if let Output::Reply(Reply::Refused(Refusal::NotOpen(_))) = output {
            self.happens(Event::NotOpen);
            self.judge(Promise::Stable, asked.is_final);
        }
        let Output::Reply(Reply::Retracted { commits, .. }) = &output else { return Some(output) };
        self.happens(if commits.len() > 1 { Event::Cascaded } else { Event::Retracted });
        self.hands_out();
        let truth = &mut self.now.oracle.truth;
        let (mut stable, mut frugal) = (true, true);
        for (other, entry) in truth.log.iter_mut().enumerate().filter(|(_, entry)| commits.contains(&entry.version)) {
            stable &= !entry.is_final;
            frugal &= other == place || entry.from & bit(place) != 0;
            entry.retracted = Some(truth.moment);
        }
        truth.moment += 1;
        self.judge(Promise::Stable, stable);
        self.judge(Promise::Frugal, frugal);
        self.rests();
        Some(output)
    }

    pub(super) fn approve(&mut self, place: u8) -> Option<Output> {
        self.happens(Event::Approve);
        let entry = self.now.oracle.truth.log.get_mut(usize::from(place))?;
        entry.held = false;
        let version = entry.version;
        let output = self.order(Order::Approve { version });
        if let Output::Reply(Reply::Approved(versions)) = &output {
            self.happens(if versions.len() > 1 { Event::ApprovedMore } else { Event::Approved });
            for version in versions {
                if let Some(entry) = self.now.oracle.truth.entry_mut(*version) {
                    entry.is_final = true;
                }
            }
        }
        self.rests();
        Some(output)
    }
}

/// The session's number added to what it read.
fn merge(number: Number, life: Option<&Life>, cell: u8) -> Operation {
    let seen = life.and_then(|life| life.seen.iter().rfind(|seen| seen.cell == Some(cell)));
    let (base, mut items) = match seen.and_then(|seen| seen.found.first()) {
        Some(Held::List(items)) => (Content::Present(items.clone().into()), items.clone()),
        Some(Held::Deleted) => (Content::Deleted, Vec::new()),
        _ => (Content::Absent, Vec::new()),
    };
    items.push(number);
    Operation::Merge { base, ours: items.into(), by: Merge::Set }
}
