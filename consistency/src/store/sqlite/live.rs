//! The sessions at work in this process, and the rows by which other processes know of them.
//!
//! INVARIANT: whoever takes a session out gives it back or ends it; meanwhile nobody else has it. What doomed a session is
//! found when the session is next looked at, by the log's length: nothing is done for those that nobody looks at.

use super::failure::Failure;
use super::rows::{Rows, bits, decoded, encoded, natural, signed, version};
use crate::cell::{Millis, SessionId, Version};
use crate::ledger::View;
use crate::session::{Begin, Session};
use crate::store::shell::Live;
use parking_lot::{Condvar, Mutex};
use rusqlite::params;
use std::collections::BTreeMap;

/// Beyond so many changed cells, a session is validated without asking which of them it saw.
const FEW: usize = 64;
/// A session that was not heard of for so long is taken for lost.
pub(super) const LOST_AFTER: Millis = 60 * 60 * 1000;
/// A session's row is written again after so long.
const HEARTBEAT: Millis = 5 * 60 * 1000;

/// A session, and up to where in the log what doomed it is known.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) session: Session,
    seq: u64,
    clock: Version,
}

impl Tracked {
    /// A session whose doom is known as of these rows.
    pub(super) fn new(session: Session, rows: &Rows<'_>) -> Tracked {
        Tracked { session, seq: rows.head.seq, clock: rows.head.clock }
    }

    /// Finds out what doomed the session since it was last looked at, whoever committed it.
    pub(super) fn refresh(&mut self, rows: &Rows<'_>) -> Result<(), Failure> {
        if rows.head.seq == self.seq {
            return Ok(());
        }
        let session = &mut self.session;
        let keys = rows.keys_since(self.clock, FEW + 1)?;
        let relied = keys.len() > FEW
            || !(session.pins.is_empty() && session.tokens.is_empty() && session.predecessors().is_empty())
            || session.saw(keys.iter());
        if relied {
            session.doomed = session.stale(rows)?;
        }
        (self.seq, self.clock) = (rows.head.seq, rows.head.clock);
        Ok(())
    }
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Mutex<Slots>,
    returned: Condvar,
}

#[derive(Debug, Default)]
struct Slots {
    all: BTreeMap<SessionId, Slot>,
    /// Sessions that are over and have a row.
    over: Vec<SessionId>,
}

#[derive(Debug)]
struct Slot {
    begin: Begin,
    snapshot: Version,
    /// Nothing while somebody works with it.
    here: Option<Tracked>,
    row: RowState,
}

/// Whether other processes know of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowState {
    /// It just began, and may be over before anybody has to know.
    New,
    /// It is to be written at the next opportunity.
    Due,
    /// It was written at this moment.
    Written(Millis),
}

impl Sessions {
    /// Puts a session in, in place of one of the same name; tells whether it is the only one.
    pub(super) fn insert(&self, tracked: Tracked) -> bool {
        let id = tracked.session.begin.id;
        drop(self.take(id));
        let mut slots = self.slots.lock();
        let first = slots.all.is_empty();
        let Tracked { session, .. } = &tracked;
        let (begin, snapshot) = (session.begin.clone(), session.snapshot);
        let row = slots.all.get(&id).map_or(RowState::New, |slot| slot.row);
        slots.all.insert(id, Slot { begin, snapshot, here: Some(tracked), row });
        self.returned.notify_all();
        first
    }

    /// Takes a session out to work with it, waiting for whoever does.
    pub(super) fn take(&self, id: SessionId) -> Option<Tracked> {
        let mut slots = self.slots.lock();
        loop {
            if let Some(tracked) = slots.all.get_mut(&id)?.here.take() {
                return Some(tracked);
            }
            self.returned.wait(&mut slots);
        }
    }

    /// Gives a session back.
    pub(super) fn give_back(&self, tracked: Tracked) {
        let mut slots = self.slots.lock();
        if let Some(slot) = slots.all.get_mut(&tracked.session.begin.id) {
            slot.snapshot = tracked.session.snapshot;
            slot.here = Some(tracked);
        }
        self.returned.notify_all();
    }

    /// Ends a session that was taken out.
    pub(super) fn end(&self, id: SessionId) {
        let mut slots = self.slots.lock();
        if let Some(Slot { row: RowState::Written(_), .. }) = slots.all.remove(&id) {
            slots.over.push(id);
        }
        self.returned.notify_all();
    }

    /// Tells whether there is nothing to write down, now or later.
    pub(super) fn is_quiet(&self) -> bool {
        let slots = self.slots.lock();
        slots.all.is_empty() && slots.over.is_empty()
    }

    /// The oldest snapshot in this process.
    pub(super) fn oldest(&self) -> Option<Version> {
        self.slots.lock().all.values().map(|slot| slot.snapshot).min()
    }

    /// All sessions of this process; those that somebody works with as they were before.
    pub(super) fn list(&self, rows: &Rows<'_>, now: Millis) -> Result<Vec<Live>, Failure> {
        let mut found = Vec::new();
        for Slot { begin, snapshot, here, .. } in self.slots.lock().all.values_mut() {
            let mut doomed = false;
            if let Some(tracked) = here {
                tracked.refresh(rows)?;
                doomed = !tracked.session.doomed.is_empty();
            }
            let (begin, snapshot, process) = (begin.clone(), *snapshot, Some(std::process::id()));
            found.push(Live { begin, snapshot, process, seen: now, doomed });
        }
        Ok(found)
    }

    /// What the rows lack: the sessions that got old enough, and those that are over. To be written at once.
    pub(super) fn due(&self, now: Millis) -> (Vec<Live>, Vec<SessionId>) {
        let mut slots = self.slots.lock();
        let mut due = Vec::new();
        for Slot { begin, snapshot, here, row } in slots.all.values_mut() {
            match *row {
                RowState::New => *row = RowState::Due,
                RowState::Written(at) if now.saturating_sub(at) < HEARTBEAT => {}
                RowState::Due | RowState::Written(_) => {
                    *row = RowState::Written(now);
                    let doomed = here.as_ref().is_some_and(|tracked| !tracked.session.doomed.is_empty());
                    let (begin, snapshot, process) = (begin.clone(), *snapshot, Some(std::process::id()));
                    due.push(Live { begin, snapshot, process, seen: now, doomed });
                }
            }
        }
        (due, std::mem::take(&mut slots.over))
    }

    /// All sessions of this process that have a row, for the last time.
    pub(super) fn written(&self) -> Vec<SessionId> {
        let mut slots = self.slots.lock();
        let mut found = std::mem::take(&mut slots.over);
        let live = slots.all.iter().filter(|(_, slot)| matches!(slot.row, RowState::Written(_)));
        found.extend(live.map(|(id, _)| *id));
        found
    }
}

impl Rows<'_> {
    /// Writes down who is at work, and forgets who is not.
    pub(super) fn record(&self, live: &[Live], over: &[SessionId], now: Millis) -> Result<(), Failure> {
        for Live { begin, snapshot, process, seen, doomed } in live {
            let row = params![signed(begin.id.0), process, bits(*snapshot), signed(*seen), doomed, encoded(begin)];
            self.run("INSERT OR REPLACE INTO session VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)?;
        }
        for id in over {
            self.run("DELETE FROM session WHERE id = ?1", [signed(id.0)])?;
        }
        self.run("DELETE FROM session WHERE seen < ?1", [signed(now.saturating_sub(LOST_AFTER))])?;
        Ok(())
    }

    /// The sessions that were written down, of all processes, and heard of not too long ago.
    pub(super) fn recorded(&self, now: Millis) -> Result<Vec<Live>, Failure> {
        let sql = "SELECT process, snapshot, seen, doomed, begin FROM session WHERE seen >= ?1 ORDER BY id";
        self.all(sql, [signed(now.saturating_sub(LOST_AFTER))], |row| {
            Ok(Live {
                begin: decoded(row, 4)?,
                snapshot: version(row, 1)?,
                process: Some(row.get(0)?),
                seen: natural(row, 2)?,
                doomed: row.get(3)?,
            })
        })
    }

    /// The oldest snapshot that a session of any process may need, at most `at_most`.
    pub(super) fn oldest_snapshot(
        &self,
        own: Option<Version>,
        now: Millis,
        at_most: Version,
    ) -> Result<Version, Failure> {
        let known = self.recorded(now)?.into_iter().map(|live| live.snapshot);
        Ok(known.chain(own).fold(at_most, Version::min))
    }

    /// A session that sees the present of these rows.
    pub(super) fn begin(&self, begin: Begin) -> Result<Tracked, Failure> {
        Ok(Tracked::new(Session::new(self, begin)?, self))
    }

    /// A session with what dooms it as of these rows.
    pub(super) fn judged(&self, session: Session) -> Result<Tracked, Failure> {
        let doomed = session.stale(self)?;
        Ok(Tracked::new(Session { doomed, ..session }, self))
    }

    /// The outcome stored under an idempotency key, if there is one.
    pub(super) fn knows(&self, idempotency: Option<&str>) -> Result<bool, Failure> {
        Ok(idempotency.map(|key| self.stored(key)).transpose()?.flatten().is_some())
    }
}
