//! Sessions of shared state that a server holds for its clients, between one request and the next.
//!
//! INVARIANTS: a session is found only by the tenant and the caller that began it; anybody else is told that there is none.
//! Each takes one request at a time. What nobody asks for during [`Limits::idle`] is aborted, and a session that committed
//! answers with the same outcome until then. Deliberately absent: any word of HTTP.

use consistency::session::Mode;
use consistency::store::{Outcome, Session, Store, StoreError};
use consistency::{Level, Millis, SessionId, Version};
use memory::Tenant;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// How long a second request on one session waits for the first.
const PATIENCE: Duration = Duration::from_secs(10);

/// How much is held for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// After so long without a request a session is aborted.
    pub idle: Duration,
    /// The most sessions of one caller.
    pub per_caller: usize,
    /// The most sessions of all callers.
    pub in_all: usize,
    /// The most that one session remembers, in bytes: what it is to write, and the keys that it read.
    pub bytes: usize,
}

impl Default for Limits {
    /// Ten minutes, 64 sessions a caller, 4,096 in all, 32 MiB in one.
    fn default() -> Limits {
        Limits { idle: Duration::from_mins(10), per_caller: 64, in_all: 4096, bytes: 32 << 20 }
    }
}

/// Whose a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Whose cells it reaches.
    pub tenant: Tenant,
    /// Which caller of that tenant began it.
    pub caller: String,
}

/// How a session began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Who acts, as it is written down with what is committed.
    pub agent: String,
    /// What it is protected from.
    pub level: Level,
    /// What it is for.
    pub mode: Mode,
    /// When it began.
    pub at: Millis,
    /// The store's last commit when it began; reads may bring it further.
    pub snapshot: Version,
}

/// A session that is held.
#[derive(Debug)]
pub struct Held {
    /// Which one.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Owner,
    /// How it began.
    pub started: Started,
    stage: Mutex<Stage>,
    used: Mutex<Used>,
    has_committed: AtomicBool,
}

#[derive(Debug)]
struct Used {
    last: Instant,
    bytes: usize,
}

/// How far a session is.
#[derive(Debug)]
pub enum Stage {
    /// It reads and writes.
    Working(Box<Session>),
    /// It has committed, and that was the outcome.
    Committed(Outcome),
    /// It was aborted, or begun again under another name.
    Over,
}

/// Why a session could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is none of that name for this caller.
    #[error("there is no session `{0}` of yours: it has ended, or was idle for too long; begin another one")]
    Unknown(SessionId),
    /// Another request has it.
    #[error("another request on the session `{0}` is under way: send one at a time")]
    Taken(SessionId),
    /// The caller, or the server, has enough.
    #[error("too many sessions are open: commit or end some")]
    TooMany,
    /// The session remembers enough.
    #[error("the session remembers more than {0} bytes: commit it, or begin another one")]
    TooLarge(usize),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The sessions that a server holds.
#[derive(Debug)]
pub struct Sessions {
    limits: Limits,
    held: Mutex<HashMap<SessionId, Arc<Held>>>,
    /// Those that have committed, oldest first: they are kept for whoever asks again, and at most [`Limits::in_all`].
    committed: Mutex<VecDeque<SessionId>>,
    is_swept: Mutex<bool>,
}

impl Sessions {
    /// No sessions yet.
    pub fn new(limits: Limits) -> Arc<Sessions> {
        let (held, committed) = (Mutex::default(), Mutex::default());
        Arc::new(Sessions { limits, held, committed, is_swept: Mutex::new(false) })
    }

    /// How many are at work.
    pub fn open(&self) -> usize {
        self.held.lock().values().filter(|held| held.works()).count()
    }

    /// Begins a session.
    ///
    /// # Errors
    /// [`SessionError::TooMany`]; [`SessionError::Store`] when the store can't be read.
    pub fn begin(
        self: &Arc<Self>,
        store: &Store,
        owner: Owner,
        (agent, level, mode): (String, Level, Mode),
        now: Millis,
    ) -> Result<Arc<Held>, SessionError> {
        self.room(&self.held.lock(), &owner)?;
        let session = match mode {
            Mode::ReadWrite => store.begin(agent.as_str(), level)?,
            Mode::Snapshot => store.snapshot(agent.as_str())?,
            Mode::Fresh => store.fresh(agent.as_str(), level)?,
        };
        let level = if mode == Mode::Snapshot { Level::L1 } else { level };
        let new = Held::new(session, owner, Started { agent, level, mode, at: now, snapshot: store.clock()? });
        {
            let mut held = self.held.lock();
            self.room(&held, &new.owner)?;
            held.insert(new.id, new.clone());
        }
        self.sweep_from_now_on();
        Ok(new)
    }

    fn room(&self, held: &HashMap<SessionId, Arc<Held>>, owner: &Owner) -> Result<(), SessionError> {
        let working = || held.values().filter(|held| held.works());
        let own = working().filter(|held| held.owner == *owner).count();
        if own >= self.limits.per_caller || working().count() >= self.limits.in_all {
            return Err(SessionError::TooMany);
        }
        Ok(())
    }

    /// The session of that name, where it is the caller's own.
    ///
    /// # Errors
    /// [`SessionError::Unknown`], whether there is none or it is another's.
    pub fn held(&self, owner: &Owner, id: SessionId) -> Result<Arc<Held>, SessionError> {
        let found = self.held.lock().get(&id).filter(|held| held.owner == *owner).cloned();
        let held = found.ok_or(SessionError::Unknown(id))?;
        held.used.lock().last = Instant::now();
        Ok(held)
    }

    /// All sessions of a tenant, in the order of their names.
    pub fn of(&self, tenant: &Tenant) -> Vec<Arc<Held>> {
        let mut found: Vec<Arc<Held>> =
            self.held.lock().values().filter(|held| held.owner.tenant == *tenant).cloned().collect();
        found.sort_by_key(|held| (held.started.at, held.id));
        found
    }

    /// Does something with a session that is at work; `bytes` is what the session will remember of it.
    ///
    /// # Errors
    /// [`SessionError`] when it is not to be had, is over or remembers too much, and what the work fails with.
    pub fn work<T>(
        &self,
        owner: &Owner,
        id: SessionId,
        bytes: usize,
        work: impl FnOnce(&mut Session) -> Result<T, StoreError>,
    ) -> Result<T, SessionError> {
        let held = self.held(owner, id)?;
        held.remember(bytes, self.limits.bytes)?;
        let mut stage = held.stage.try_lock_for(PATIENCE).ok_or(SessionError::Taken(id))?;
        let Stage::Working(session) = &mut *stage else { return Err(SessionError::Store(StoreError::Finished(id))) };
        Ok(work(session)?)
    }

    /// Commits a session; once more, it answers with the same outcome.
    ///
    /// # Errors
    /// As [`Sessions::work`].
    pub fn commit(&self, owner: &Owner, id: SessionId, idempotency: Option<&str>) -> Result<Outcome, SessionError> {
        let held = self.held(owner, id)?;
        let mut stage = held.stage.try_lock_for(PATIENCE).ok_or(SessionError::Taken(id))?;
        let outcome = match &mut *stage {
            Stage::Working(session) => session.commit(idempotency)?,
            Stage::Committed(outcome) => return Ok(outcome.clone()),
            Stage::Over => return Err(SessionError::Unknown(id)),
        };
        if matches!(outcome, Outcome::Committed { .. }) {
            *stage = Stage::Committed(outcome.clone());
            held.has_committed.store(true, Ordering::Relaxed);
            let mut committed = self.committed.lock();
            committed.push_back(id);
            let forgotten = (committed.len() > self.limits.in_all).then(|| committed.pop_front()).flatten();
            drop(committed);
            if let Some(forgotten) = forgotten {
                self.held.lock().remove(&forgotten);
            }
        }
        Ok(outcome)
    }

    /// Begins a session again under a new name, as old as the first attempt.
    ///
    /// # Errors
    /// As [`Sessions::work`].
    pub fn restart(&self, store: &Store, owner: &Owner, id: SessionId) -> Result<Arc<Held>, SessionError> {
        let held = self.held(owner, id)?;
        let mut stage = held.stage.try_lock_for(PATIENCE).ok_or(SessionError::Taken(id))?;
        let Stage::Working(session) = &mut *stage else { return Err(SessionError::Store(StoreError::Finished(id))) };
        session.restart()?;
        let Stage::Working(session) = std::mem::replace(&mut *stage, Stage::Over) else {
            return Err(SessionError::Unknown(id));
        };
        let started = Started { snapshot: store.clock()?, ..held.started.clone() };
        let new = Held::new(*session, owner.clone(), started);
        let mut all = self.held.lock();
        all.remove(&id);
        all.insert(new.id, new.clone());
        Ok(new)
    }

    /// Ends a session without a commit; one that has committed is forgotten.
    ///
    /// # Errors
    /// [`SessionError`] when it is not to be had, or the store can't be written.
    pub fn end(&self, owner: &Owner, id: SessionId) -> Result<(), SessionError> {
        let held = self.held(owner, id)?;
        let mut stage = held.stage.try_lock_for(PATIENCE).ok_or(SessionError::Taken(id))?;
        self.held.lock().remove(&id);
        match std::mem::replace(&mut *stage, Stage::Over) {
            Stage::Working(session) => Ok(session.abort()?),
            Stage::Committed(_) | Stage::Over => Ok(()),
        }
    }

    /// Aborts the sessions that nobody has asked for since a moment; tells how many.
    pub fn sweep(&self, idle_since: Instant) -> usize {
        let mut idle = Vec::new();
        self.held.lock().retain(|_, held| {
            let keeps = held.used.lock().last > idle_since || held.stage.is_locked();
            if !keeps {
                idle.push(held.clone());
            }
            keeps
        });
        // Dropping the last of a session aborts it, which asks the store and is done outside the lock.
        idle.len()
    }

    /// Sweeps in the background, as long as there are sessions.
    fn sweep_from_now_on(self: &Arc<Self>) {
        let mut is_swept = self.is_swept.lock();
        if !*is_swept {
            let (sessions, idle) = (Arc::downgrade(self), self.limits.idle);
            let swept = thread::Builder::new().name("sessions".to_owned()).spawn(move || sweep(&sessions, idle));
            // Without a thread sessions are swept when the next one begins.
            *is_swept = swept.is_ok();
        }
    }
}

fn sweep(sessions: &Weak<Sessions>, idle: Duration) {
    loop {
        thread::sleep(idle / 4);
        let Some(sessions) = sessions.upgrade() else { return };
        if let Some(since) = Instant::now().checked_sub(idle) {
            sessions.sweep(since);
        }
        let mut is_swept = sessions.is_swept.lock();
        if sessions.held.lock().is_empty() {
            *is_swept = false;
            return;
        }
    }
}

impl Held {
    fn new(session: Session, owner: Owner, started: Started) -> Arc<Held> {
        let used = Mutex::new(Used { last: Instant::now(), bytes: 0 });
        let (id, has_committed) = (session.id(), AtomicBool::new(false));
        let stage = Mutex::new(Stage::Working(Box::new(session)));
        Arc::new(Held { id, owner, started, stage, used, has_committed })
    }

    fn works(&self) -> bool {
        !self.has_committed.load(Ordering::Relaxed)
    }

    /// Tells whether it has committed.
    pub fn has_committed(&self) -> bool {
        !self.works()
    }

    /// Looks at how far it is.
    ///
    /// # Errors
    /// [`SessionError`] when another request has it, or the store can't be read.
    pub fn look<T>(&self, look: impl FnOnce(&Stage) -> Result<T, StoreError>) -> Result<T, SessionError> {
        let stage = self.stage.try_lock_for(PATIENCE).ok_or(SessionError::Taken(self.id))?;
        Ok(look(&stage)?)
    }

    fn remember(&self, bytes: usize, most: usize) -> Result<(), SessionError> {
        let mut used = self.used.lock();
        // What a session remembers of each request besides the texts, about.
        let sum = used.bytes.saturating_add(bytes).saturating_add(64);
        if sum > most {
            return Err(SessionError::TooLarge(most));
        }
        used.bytes = sum;
        Ok(())
    }
}
