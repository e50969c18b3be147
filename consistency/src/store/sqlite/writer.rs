//! The one thread of a process that writes: it decides what is queued as one group, in one transaction.
//!
//! INVARIANT: nothing is acknowledged before COMMIT returned. The write lock is taken before the first decision, so what
//! was decided on is what is written upon, whatever other processes do. After a write whose outcome is unknown, it stops.

use super::failure::Failure;
use super::file;
use super::rows::{Head, Rows};
use super::{Options, Point, Shared};
use crate::cell::Version;
use crate::decide::{Order, Reply, decide};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

/// How often the rows of live sessions are looked after, while there are some.
const TICK: Duration = Duration::from_millis(500);

/// What the writer is asked.
#[derive(Debug)]
pub(super) enum Job {
    /// To decide an order.
    Decide(Ask),
    /// To look after live sessions from now on.
    Attend,
}

/// An order, ready to be logged.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) order: Order,
    pub(super) entry: String,
    pub(super) answer: Sender<Answer>,
}

/// The order given back, and what it came to.
pub(super) type Answer = (Order, Result<Reply, Failure>);

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) conn: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Receiver<Job>,
    /// Where the clock stood at the last ticks, newest last: a session that began after the first one is written down.
    marks: [Version; 4],
    ticked: Instant,
    /// Log entries since the last collection.
    uncollected: u64,
}

impl Writer {
    pub(super) fn new(conn: Connection, shared: Arc<Shared>, queue: Receiver<Job>) -> Writer {
        Writer { conn, shared, queue, marks: [Version::ZERO; 4], ticked: Instant::now(), uncollected: 0 }
    }

    /// Works until the queue is closed, then leaves in order.
    pub(super) fn run(mut self) {
        while let Some(group) = self.gather() {
            if !group.is_empty() {
                self.serve(group);
            }
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
        }
        self.leave();
    }

    fn options(&self) -> &Options {
        &self.shared.options
    }

    fn reached(&self, point: Point) {
        if let Some(faults) = &self.shared.options.faults {
            faults(point);
        }
    }

    /// Waits for something to do, and takes all there is, up to a group; nothing once the queue is closed.
    fn gather(&self) -> Option<Vec<Ask>> {
        let mut group = Vec::new();
        let first = if self.shared.sessions.is_quiet() {
            self.queue.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            self.queue.recv_timeout(TICK)
        };
        match first {
            Ok(Job::Decide(ask)) => group.push(ask),
            Ok(Job::Attend) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        while group.len() < self.options().group
            && let Ok(job) = self.queue.try_recv()
        {
            if let Job::Decide(ask) = job {
                group.push(ask);
            }
        }
        Some(group)
    }

    /// Decides a group and answers it, once all of it is durable.
    fn serve(&mut self, group: Vec<Ask>) {
        let done = self.shared.running().and_then(|()| self.locked(|writer| writer.decide(&group)));
        if let Ok((_, head)) = &done {
            self.reached(Point::AfterCommit);
            self.shared.moved_to(head.clock);
            self.reached(Point::BeforeAck);
        }
        let mut replies = done.map(|(replies, _)| replies.into_iter());
        for ask in group {
            let reply = match &mut replies {
                Ok(replies) => replies.next().unwrap_or_else(|| Err(Failure::Stopped("an answer is missing".into()))),
                Err(failure) => Err(failure.clone()),
            };
            // Whoever asked may be gone; what was decided holds all the same.
            let _ = ask.answer.send((ask.order, reply));
        }
    }

    /// Does something under the write lock of the file, all or nothing.
    fn locked<T>(&mut self, work: impl FnOnce(&mut Writer) -> Result<T, Failure>) -> Result<T, Failure> {
        self.begin()?;
        let done = work(self).and_then(|done| {
            self.reached(Point::BeforeCommit);
            match self.conn.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).map_err(Failure::from) {
                Ok(_) => Ok(done),
                Err(failure @ (Failure::Full | Failure::Busy)) => Err(failure),
                Err(failure) => Err(Failure::Broken(format!("{failure:?}"))),
            }
        });
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            self.shared.stop(&format!("rolling back: {error}"));
        }
        if let Err(failure) = &done
            && failure.stops()
        {
            self.shared.stop(&format!("{failure:?}"));
            return Err(Failure::Stopped(format!("{failure:?}")));
        }
        done
    }

    /// Takes the write lock, trying again for as long as the store waits.
    fn begin(&self) -> Result<(), Failure> {
        if let Some(pages) = &self.options().pages {
            let pages = pages.load(Ordering::Relaxed);
            self.conn.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        }
        let deadline = Instant::now() + self.options().busy;
        let mut wait = Duration::from_micros(200);
        loop {
            let begun = self.conn.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([]));
            match begun.map_err(Failure::from) {
                Err(Failure::Busy) if Instant::now() < deadline => file::pause(wait),
                begun => return begun.map(|_| ()),
            }
            wait = (wait * 2).min(Duration::from_millis(20));
        }
    }

    /// Decides orders one after the other; tells the answers and where the store stands then.
    fn decide(&mut self, group: &[Ask]) -> Result<(Vec<Result<Reply, Failure>>, Head), Failure> {
        let mut rows = Rows::of(&self.conn)?;
        let before = rows.head.seq;
        let mut replies = Vec::with_capacity(group.len());
        for ask in group {
            replies.push(self.one(&mut rows, &ask.order, &ask.entry)?);
        }
        let collected = self.uncollected + (rows.head.seq - before) >= self.options().collect;
        if collected {
            let now = (self.options().now)();
            let mut horizon = rows.oldest_snapshot(self.shared.sessions.oldest(), now, self.marks[0])?;
            if rows.head.superseded > self.options().keep {
                horizon = horizon.max(rows.horizon_keeping(self.options().keep / 2)?.unwrap_or_default());
            }
            let order = Order::Collect { horizon };
            self.one(&mut rows, &order, &super::log::entry(&order)?)??;
        }
        if rows.head.seq != before {
            rows.save()?;
        }
        let head = rows.head;
        self.uncollected = if collected { 0 } else { self.uncollected + (head.seq - before) };
        Ok((replies, head))
    }

    /// Decides an order, applies what changes and logs it. The inner failure is the order's own; nothing was applied then.
    fn one(&self, rows: &mut Rows<'_>, order: &Order, entry: &str) -> Result<Result<Reply, Failure>, Failure> {
        let decision = match decide(rows, order) {
            Ok(decision) => decision,
            Err(failure @ Failure::Damaged(_)) => return Ok(Err(failure)),
            Err(failure) => return Err(failure),
        };
        self.reached(Point::Decided);
        if !decision.changes.is_empty() {
            for change in &decision.changes {
                rows.apply(change)?;
            }
            rows.log(entry, &decision.changes)?;
            self.reached(Point::Applied);
        }
        Ok(Ok(decision.reply))
    }

    /// Recovers, if the last processes did not leave in order: durably, before anything else.
    pub(super) fn recover(&mut self) -> Result<(), Failure> {
        let entry = super::log::entry(&Order::Recover)?;
        self.locked(|writer| {
            let mut rows = Rows::of(&writer.conn)?;
            writer.one(&mut rows, &Order::Recover, &entry)??;
            rows.run("DELETE FROM session", [])?;
            rows.save()
        })
    }

    /// Writes down who is at work. That need not be durable, and nobody waits for it.
    fn tick(&mut self) {
        self.ticked = Instant::now();
        self.marks.rotate_left(1);
        self.marks[3] = self.shared.clock();
        let now = (self.options().now)();
        let (live, over) = self.shared.sessions.due(now);
        if !live.is_empty() || !over.is_empty() {
            self.recorded(|rows| rows.record(&live, &over, now));
        }
    }

    /// Writes rows that are no part of the shared truth. A failure is not lost: what matters fails again for the next order.
    fn recorded(&mut self, record: impl FnOnce(&Rows<'_>) -> Result<(), Failure>) {
        let _ = self.shared.running().and_then(|()| {
            file::durable(&self.conn, false)?;
            let recorded = self.locked(|writer| record(&Rows::of(&writer.conn)?));
            file::durable(&self.conn, true)?;
            recorded
        });
    }

    fn leave(mut self) {
        let written = self.shared.sessions.written();
        if !written.is_empty() {
            let now = (self.options().now)();
            self.recorded(|rows| rows.record(&[], &written, now));
        }
        if self.shared.running().is_ok() {
            let _ = file::close_in_order(&self.conn);
        }
    }
}
