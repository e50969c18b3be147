//! The store that programs use: sessions of read – generate – write over shared cells.
//!
//! ```
//! use consistency::{Level, store::{Outcome, Store}};
//!
//! let store = Store::in_memory();
//! let mut session = store.begin("planner", Level::L1)?;
//! let plan = session.read("plan")?;            // absent, deleted or a value; remembered for the commit
//! let todo = session.scan("todo/")?;           // what is there, and that nothing else is
//! // … a model generates for a minute; `session.doomed()` tells what changed meanwhile …
//! session.write("result", format!("{} open", todo.len()))?;
//! session.append("log", "counted")?;
//! match session.commit(None)? {
//!     Outcome::Committed { version, .. } => println!("{plan:?} gave {version}"),
//!     Outcome::Conflict(stale) => println!("{stale}: do it again"),
//!     Outcome::Busy { key, .. } => println!("somebody older works on {key}"),
//! }
//! # Ok::<(), consistency::store::StoreError>(())
//! ```

mod memory;
pub mod outbox;
mod run;
mod session;
mod shell;
#[cfg(not(trace_loom))]
pub mod sqlite;
mod sync;
mod world;

pub use memory::Memory;
pub use run::Tries;
pub use session::{Leased, Outcome, Saved, Session};
pub use shell::{Entry, Live, Shell, StoreError};
pub use world::{Sequence, System, World};

use crate::cell::{Agent, Fingerprint, Key, Lane, Level, Tool, Version};
use crate::decide::{EffectEnd, Order, Reply};
use crate::ledger::{Effect, EffectId, Lease, Open, Registered, Repeat, Written};
use crate::range::Range;
use crate::session::Mode;
use crate::state::{Input, Output};
use std::sync::Arc;
use std::time::Duration;

/// Shared state: cheap to clone, and the same store in every clone and thread.
#[derive(Debug, Clone)]
pub struct Store {
    shell: Arc<dyn Shell>,
    world: Arc<dyn World>,
}

impl Store {
    /// An empty store in memory, for one process.
    pub fn in_memory() -> Store {
        Store::with(Arc::new(Memory::default()), Arc::new(Sequence::default()))
    }

    /// A store over a shell, with a clock and a source of identities.
    pub fn with(shell: Arc<dyn Shell>, world: Arc<dyn World>) -> Store {
        Store { shell, world }
    }

    /// Begins a session that reads and writes.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn begin(&self, agent: impl Into<Agent>, level: Level) -> Result<Session, StoreError> {
        Session::begin(self, agent.into(), level, Mode::ReadWrite)
    }

    /// Begins a session that reads at one moment: never doomed, and without writes or effects.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn snapshot(&self, agent: impl Into<Agent>) -> Result<Session, StoreError> {
        Session::begin(self, agent.into(), Level::L1, Mode::Snapshot)
    }

    /// Begins a session that reads, is validated like a writer, and may cause effects.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn fresh(&self, agent: impl Into<Agent>, level: Level) -> Result<Session, StoreError> {
        Session::begin(self, agent.into(), level, Mode::Fresh)
    }

    /// Takes up a session that was written down, in this process or another. What changed meanwhile dooms it.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn resume(&self, saved: Saved) -> Result<Session, StoreError> {
        Session::resume(self, saved)
    }

    /// Takes back a commit that is not final, with all that rests on it; tells the version of the compensation and the
    /// commits that are gone.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the commit is final or never was.
    pub fn retract(&self, version: Version, agent: impl Into<Agent>) -> Result<(Version, Vec<Version>), StoreError> {
        match self.order(Order::Retract { version, agent: agent.into() })? {
            Reply::Retracted { version, commits } => Ok((version, commits)),
            other => Err(unexpected(other)),
        }
    }

    /// Approves a held commit; tells which commits became final.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the commit is final or never was.
    pub fn approve(&self, version: Version) -> Result<Vec<Version>, StoreError> {
        match self.order(Order::Approve { version })? {
            Reply::Approved(versions) => Ok(versions),
            other => Err(unexpected(other)),
        }
    }

    /// Tells what a tool is now; sessions that rely on it being something else are doomed from L4 on.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be written.
    pub fn register(
        &self,
        tool: impl Into<Tool>,
        fingerprint: impl Into<Fingerprint>,
        repeat: Repeat,
    ) -> Result<Version, StoreError> {
        let registered = Some(Registered { fingerprint: fingerprint.into(), repeat });
        self.done(Order::Register { tool: tool.into(), registered })
    }

    /// Removes a tool.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be written.
    pub fn unregister(&self, tool: impl Into<Tool>) -> Result<Version, StoreError> {
        self.done(Order::Register { tool: tool.into(), registered: None })
    }

    /// Settles an effect that is in doubt, as a person or a compensation does: it happened, or it did not.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when the effect is not in doubt.
    pub fn settle(&self, id: EffectId, end: EffectEnd) -> Result<Version, StoreError> {
        self.done(Order::Settle { id, token: None, end })
    }

    /// Waits until something was committed after `since`, at most so long; tells the version of the last commit.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn wait(&self, since: Version, timeout: Duration) -> Result<Version, StoreError> {
        self.shell.wait(since, timeout)
    }

    /// The version of the last commit.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn clock(&self) -> Result<Version, StoreError> {
        self.shell.clock()
    }

    /// The versions of a cell that are kept, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the text is no key or the store can't be read.
    pub fn history(&self, key: &str) -> Result<Vec<Written>, StoreError> {
        self.shell.history(&Key::new(key)?)
    }

    /// The newest versions of some cells, all at one moment and outside any session; nothing where a cell was never written.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError> {
        self.shell.newest(keys)
    }

    /// The newest versions of the cells of an interval that hold a value, in the order of keys, at most `limit`; outside
    /// any session.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.shell.list(range, limit)
    }

    /// The log after an entry, at most `limit` entries, oldest first; empty for a store in memory, which keeps none.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn log_since(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.shell.log_since(seq, limit)
    }

    /// A name that no other store has.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn identity(&self) -> Result<String, StoreError> {
        self.shell.identity()
    }

    /// The newest versions of the cells written after `since`, in the order of commits: what an index or a watcher
    /// follows. `limit` of them and the rest of the last commit, so that whoever goes on from the last version misses none.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        self.shell.written_since(since, limit)
    }

    /// The effects that are kept, after a place, in the order of the world, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, StoreError> {
        self.shell.effects(after, limit)
    }

    /// The lanes on which an effect is not settled.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        self.shell.lanes()
    }

    /// The live sessions of all processes.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn sessions(&self) -> Result<Vec<Live>, StoreError> {
        self.shell.sessions()
    }

    /// The commits that are not final, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn open_commits(&self) -> Result<Vec<Open>, StoreError> {
        self.shell.open_commits()
    }

    /// All tools.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError> {
        self.shell.tools()
    }

    /// All leases, ended or not.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError> {
        self.shell.leases()
    }

    /// Gives an order to the core.
    pub(crate) fn order(&self, order: Order) -> Result<Reply, StoreError> {
        match self.shell.submit(Input::Order(order))? {
            Output::Reply(Reply::Refused(refusal)) => Err(refusal.into()),
            Output::Reply(reply) => Ok(reply),
            other => Err(unexpected(other)),
        }
    }

    fn done(&self, order: Order) -> Result<Version, StoreError> {
        match self.order(order)? {
            Reply::Done(version) => Ok(version),
            other => Err(unexpected(other)),
        }
    }
}

/// The core answers each input with its own kind of output; another kind would be a fault of the shell.
fn unexpected(output: impl std::fmt::Debug) -> StoreError {
    StoreError::Stopped(format!("an answer of another kind: {output:?}"))
}
