//! A store in one SQLite file, shared by threads and processes, whose commits survive crashes.
//!
//! A commit is acknowledged once it is on disk. One thread of each process writes, in groups; it decides under the file's
//! write lock, so that processes need no other agreement. Reads use connections of their own and wait for nobody.
//! Deliberately absent: any decision of its own. What it answers is what `State::step` would.

mod failure;
mod file;
mod live;
mod log;
mod rows;
mod writer;

pub use log::{Replayed, history, replay};

use crate::cell::{Key, Lane, Millis, SessionId, Tool, Version};
use crate::decide::{Order, Proposal, Refusal, Reply, Work, decide};
use crate::ledger::{Effect, EffectId, Lease, Open, Registered, View as _, Written};
use crate::range::Range;
use crate::session::{Begin, Mode, Session};
use crate::state::{Act, Input, Output};
use crate::store::shell::{Entry, Live, Shell, StoreError};
use crate::store::{Store, System, World as _};
use failure::Failure;
use live::{Sessions, Tracked};
use parking_lot::{Condvar, Mutex};
use rows::Rows;
use rusqlite::Connection;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use writer::{Ask, Job, Writer};

/// How often another process's commits are looked for while somebody waits.
const POLL: Duration = Duration::from_millis(5);
/// How many idle connections for reads are kept.
const READERS: usize = 32;

impl Store {
    /// The store in a file, which is made where there is none; every process that opens it shares it.
    ///
    /// # Errors
    /// [`StoreError`] when the file can't be used: it is damaged, another program's, newer, not writable or locked.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        let shell = SqliteShell::open(path.as_ref(), Options::new(Arc::new(|| System.now())))?;
        Ok(Store::with(Arc::new(shell), Arc::new(System)))
    }
}

/// How a store in a file behaves.
#[derive(Clone)]
pub struct Options {
    /// The clock.
    pub now: Arc<dyn Fn() -> Millis + Send + Sync>,
    /// How long to wait for another process's write lock.
    pub busy: Duration,
    /// How many orders are decided in one transaction at most.
    pub group: usize,
    /// After how many log entries of this process history is collected.
    pub collect: u64,
    /// How many superseded versions are kept at most, whoever may still need them.
    pub keep: u64,
    /// How many pages the file may have at most, looked at before each transaction.
    pub pages: Option<Arc<AtomicU32>>,
    /// Called at each point of a commit, for tests that crash there.
    pub faults: Option<Arc<dyn Fn(Point) + Send + Sync>>,
}

impl Options {
    /// What suits most programs, with a clock.
    pub fn new(now: Arc<dyn Fn() -> Millis + Send + Sync>) -> Options {
        let (busy, group, collect, keep) = (Duration::from_secs(5), 256, 4096, 100_000);
        Options { now, busy, group, collect, keep, pages: None, faults: None }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { busy, group, collect, keep, .. } = self;
        write!(f, "Options {{ busy: {busy:?}, group: {group}, collect: {collect}, keep: {keep}, .. }}")
    }
}

/// Where the writer is in its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// An order was decided, and nothing of it is applied.
    Decided,
    /// An order's changes are applied and logged, in a transaction that is not committed.
    Applied,
    /// All of a group is applied.
    BeforeCommit,
    /// The group is on disk, and nobody knows.
    AfterCommit,
    /// Waiting threads were woken, and the group's orders are about to be acknowledged.
    BeforeAck,
}

/// What the threads of a process share.
#[derive(Debug)]
struct Shared {
    path: PathBuf,
    options: Options,
    sessions: Sessions,
    stopped: OnceLock<String>,
    clock: Mutex<Version>,
    moved: Condvar,
}

impl Shared {
    fn running(&self) -> Result<(), Failure> {
        self.stopped.get().map_or(Ok(()), |cause| Err(Failure::Stopped(cause.clone())))
    }

    fn stop(&self, cause: &str) {
        self.stopped.get_or_init(|| cause.to_owned());
        self.moved.notify_all();
    }

    /// The last commit that this process's writer knows of.
    fn clock(&self) -> Version {
        *self.clock.lock()
    }

    fn moved_to(&self, clock: Version) {
        *self.clock.lock() = clock;
        self.moved.notify_all();
    }
}

/// A store in a file.
pub struct SqliteShell {
    shared: Arc<Shared>,
    readers: Mutex<Vec<Connection>>,
    queue: Option<Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Held as long as anything of the file is.
    _lock: file::Lock,
}

impl fmt::Debug for SqliteShell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqliteShell").field(&self.shared.path).finish()
    }
}

impl SqliteShell {
    /// Opens the store in a file, or makes one; recovers if the last processes that had it open did not leave in order.
    ///
    /// # Errors
    /// [`StoreError`] when the file can't be used: it is damaged, another program's, newer, not writable or locked.
    pub fn open(path: &Path, options: Options) -> Result<SqliteShell, StoreError> {
        let busy = options.busy;
        SqliteShell::opened(path, options).map_err(|failure| failure.told(path, busy))
    }

    fn opened(path: &Path, options: Options) -> Result<SqliteShell, Failure> {
        let mut lock = file::Lock::take(path, options.busy)?;
        let conn = file::writer(path, lock.alone, options.busy)?;
        let (path, sessions) = (path.to_owned(), Sessions::default());
        let (stopped, clock, moved) = (OnceLock::new(), Mutex::default(), Condvar::new());
        let shared = Arc::new(Shared { path, options, sessions, stopped, clock, moved });
        let (queue, jobs) = channel();
        let mut writer = Writer::new(conn, shared.clone(), jobs);
        if lock.unclean {
            writer.recover()?;
        }
        if lock.alone {
            // Whoever comes next, at whatever moment, finds nothing that looks like a crash.
            file::settle(&writer.conn)?;
        }
        lock.share()?;
        let writer = std::thread::Builder::new().name("store writer".to_owned()).spawn(|| writer.run())?;
        let readers = Mutex::default();
        Ok(SqliteShell { shared, readers, queue: Some(queue), writer: Some(writer), _lock: lock })
    }

    fn told(&self, failure: Failure) -> StoreError {
        failure.told(&self.shared.path, self.shared.options.busy)
    }

    fn answer<T>(&self, read: impl FnOnce(&Rows<'_>) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.read(read).map_err(|failure| self.told(failure))
    }

    /// Reads at one moment.
    fn read<T>(&self, read: impl FnOnce(&Rows<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        self.shared.running()?;
        let idle = self.readers.lock().pop();
        let conn = match idle {
            Some(conn) => conn,
            None => file::reader(&self.shared.path, self.shared.options.busy)?,
        };
        let moment = conn.unchecked_transaction()?;
        let found = read(&Rows::of(&moment)?)?;
        moment.finish()?;
        let mut readers = self.readers.lock();
        if readers.len() < READERS {
            readers.push(conn);
        }
        Ok(found)
    }

    /// Has an order decided; gives it back with the answer.
    fn decide(&self, order: Order) -> (Option<Order>, Result<Reply, Failure>) {
        let entry = match log::entry(&order) {
            Ok(entry) => entry,
            Err(failure) => return (Some(order), Err(failure)),
        };
        let (answer, answered) = channel();
        let sent =
            self.queue.as_ref().is_some_and(|queue| queue.send(Job::Decide(Ask { order, entry, answer })).is_ok());
        if let Ok((order, reply)) = answered.recv() {
            return (Some(order), reply);
        }
        let cause = if sent { "the writer was lost" } else { "the writer is gone" };
        self.shared.stop(cause);
        (None, Err(Failure::Stopped(cause.to_owned())))
    }

    fn step(&self, input: Input) -> Result<Output, Failure> {
        self.shared.running()?;
        match input {
            Input::Begin(begin) => self.begin(begin.id, |rows| rows.begin(begin)),
            Input::Resume(session) => match self.read(|rows| session.forged(rows))? {
                Some(version) => Ok(refused(Refusal::Forged(version))),
                None => self.begin(session.begin.id, |rows| rows.judged(*session)),
            },
            Input::Act(id, act) => self.act(id, act),
            Input::Lease { id, key, now, until } => self.lease(id, key, now, until),
            Input::Commit { id, work, now } => self.commit(id, work, now),
            Input::Abort(id) => self.abort(id),
            Input::Order(order) => self.decide(order).1.map(Output::Reply),
        }
    }

    fn begin(
        &self,
        id: SessionId,
        tracked: impl FnOnce(&Rows<'_>) -> Result<Tracked, Failure>,
    ) -> Result<Output, Failure> {
        let tracked = self.read(tracked)?;
        if self.shared.sessions.insert(tracked)
            && let Some(queue) = &self.queue
        {
            // A writer that is gone is told of by the next order.
            let _ = queue.send(Job::Attend);
        }
        Ok(Output::Session(id))
    }

    fn act(&self, id: SessionId, act: Act) -> Result<Output, Failure> {
        let Some(mut tracked) = self.shared.sessions.take(id) else { return Ok(refused(Refusal::Finished(id))) };
        let seen = self.read(|rows| {
            tracked.refresh(rows)?;
            act.perform(rows, &mut tracked.session)
        });
        self.shared.sessions.give_back(tracked);
        seen
    }

    fn lease(&self, id: SessionId, key: Key, now: Millis, until: Millis) -> Result<Output, Failure> {
        let Some(mut tracked) = self.shared.sessions.take(id) else { return Ok(refused(Refusal::Finished(id))) };
        let started = tracked.session.begin.started;
        let (_, reply) = self.decide(Order::Lease { session: id, started, key: key.clone(), now, until });
        if let Ok(Reply::Granted { token }) = &reply {
            tracked.session.tokens.insert(key, *token);
        }
        self.shared.sessions.give_back(tracked);
        reply.map(Output::Reply)
    }

    fn commit(&self, id: SessionId, work: Work, now: Millis) -> Result<Output, Failure> {
        let Some(Tracked { session, .. }) = self.shared.sessions.take(id) else { return self.repeated(id, work) };
        let (order, reply) = self.decide(Order::Commit(Box::new(Proposal { session, work, now })));
        match (order, &reply) {
            (
                Some(Order::Commit(proposal)),
                Ok(Reply::Conflict(_) | Reply::Busy { .. } | Reply::Refused(_)) | Err(_),
            ) => {
                self.resume(proposal.session);
            }
            _ => self.shared.sessions.end(id),
        }
        reply.map(Output::Reply)
    }

    /// A session whose commit was not made goes on.
    fn resume(&self, session: Session) {
        let id = session.begin.id;
        match self.read(|rows| rows.judged(session)) {
            Ok(tracked) => self.shared.sessions.give_back(tracked),
            Err(_) => self.shared.sessions.end(id),
        }
    }

    /// A commit of a session that is no longer here: the stored outcome, if it has one under this idempotency key.
    fn repeated(&self, id: SessionId, work: Work) -> Result<Output, Failure> {
        let begin = Begin { id, agent: "".into(), level: crate::cell::Level::L0, mode: Mode::ReadWrite, started: 0 };
        self.read(|rows| {
            if !rows.knows(work.idempotency.as_deref())? {
                return Ok(refused(Refusal::Finished(id)));
            }
            let session = Session::new(rows, begin)?;
            // What is stored stays so: the answer needs no lock and changes nothing.
            Ok(Output::Reply(decide(rows, &Order::Commit(Box::new(Proposal { session, work, now: 0 })))?.reply))
        })
    }

    fn abort(&self, id: SessionId) -> Result<Output, Failure> {
        let Some(Tracked { session, .. }) = self.shared.sessions.take(id) else { return Ok(Output::Session(id)) };
        self.shared.sessions.end(id);
        for key in session.tokens.into_keys() {
            self.decide(Order::Release { session: id, key }).1?;
        }
        Ok(Output::Session(id))
    }
}

fn refused(refusal: Refusal) -> Output {
    Output::Reply(Reply::Refused(refusal))
}

impl Drop for SqliteShell {
    fn drop(&mut self) {
        self.readers.lock().clear();
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // A writer that was lost left the write-ahead log, by which the next process knows.
            let _ = writer.join();
        }
    }
}

#[expect(clippy::redundant_closure_for_method_calls, reason = "the methods are less general than the closures")]
impl Shell for SqliteShell {
    fn submit(&self, input: Input) -> Result<Output, StoreError> {
        self.step(input).map_err(|failure| self.told(failure))
    }

    fn wait(&self, since: Version, timeout: Duration) -> Result<Version, StoreError> {
        let deadline = Instant::now() + timeout;
        loop {
            let clock = Shell::clock(self)?;
            let left = deadline.saturating_duration_since(Instant::now());
            if clock > since || left.is_zero() {
                return Ok(clock);
            }
            let mut known = self.shared.clock.lock();
            if *known <= since {
                self.shared.moved.wait_for(&mut known, left.min(POLL));
            }
        }
    }

    fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let Some(mut tracked) = self.shared.sessions.take(id) else { return Ok(None) };
        let found = self.answer(|rows| {
            tracked.refresh(rows)?;
            Ok(Some(tracked.session.clone()))
        });
        self.shared.sessions.give_back(tracked);
        found
    }

    fn sessions(&self) -> Result<Vec<Live>, StoreError> {
        let now = (self.shared.options.now)();
        self.answer(|rows| {
            let mut found = self.shared.sessions.list(rows, now)?;
            let known: Vec<SessionId> = found.iter().map(|live| live.begin.id).collect();
            found.extend(rows.recorded(now)?.into_iter().filter(|live| !known.contains(&live.begin.id)));
            found.sort_by_key(|live| live.begin.id);
            Ok(found)
        })
    }

    fn identity(&self) -> Result<String, StoreError> {
        self.answer(|rows| rows.identity())
    }

    fn clock(&self) -> Result<Version, StoreError> {
        self.answer(|rows| Ok(rows.head.clock))
    }

    fn history(&self, key: &Key) -> Result<Vec<Written>, StoreError> {
        self.answer(|rows| rows.history(key))
    }

    fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError> {
        self.answer(|rows| keys.iter().map(|key| rows.newest(key)).collect())
    }

    fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.answer(|rows| rows.list(range, limit))
    }

    fn log_since(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.answer(|rows| rows.log_since(seq, limit))
    }

    fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.answer(|rows| rows.written_since(since, limit))
    }

    fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, StoreError> {
        self.answer(|rows| rows.effects(after, limit))
    }

    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.answer(|rows| rows.lanes())
    }

    fn open_commits(&self) -> Result<Vec<Open>, StoreError> {
        self.answer(|rows| rows.open_commits())
    }

    fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError> {
        self.answer(|rows| rows.tools())
    }

    fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError> {
        self.answer(|rows| rows.leases())
    }
}
