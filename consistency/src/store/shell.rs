//! What keeps the state: the seam between the store that programs use and memory, SQLite or another database.
//!
//! A shell takes the inputs of the core one at a time and gives back the core's outputs; it decides nothing. What it adds
//! is where rows live, who waits for whom, and how a process that was lost is noticed.

use crate::cell::{Key, Lane, Millis, SessionId, Tool, Version};
use crate::decide::Order;
use crate::ledger::{Effect, EffectId, Lease, Open, Registered, Written};
use crate::range::Range;
use crate::session::{Begin, Session};
use crate::state::{Input, Output};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Keeps the state of a store.
#[expect(clippy::missing_errors_doc, reason = "every method fails with `StoreError` where its rows can't be had")]
pub trait Shell: Send + Sync + std::fmt::Debug {
    /// Gives an input to the core. A commit is acknowledged only once it is as durable as the shell makes anything.
    fn submit(&self, input: Input) -> Result<Output, StoreError>;
    /// Waits until something was committed after `since`, at most so long; tells the version of the last commit.
    fn wait(&self, since: Version, timeout: Duration) -> Result<Version, StoreError>;
    /// A live session of this process, as it stands now: what doomed it, if anything did, is in there.
    fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// All live sessions, of all processes.
    fn sessions(&self) -> Result<Vec<Live>, StoreError>;
    /// A name that no other store has: what idempotency keys of effects begin with.
    fn identity(&self) -> Result<String, StoreError>;
    /// The version of the last commit.
    fn clock(&self) -> Result<Version, StoreError>;
    /// The versions of a cell that are kept, oldest first.
    fn history(&self, key: &Key) -> Result<Vec<Written>, StoreError>;
    /// The newest versions of some cells, all at one moment; nothing where a cell was never written.
    fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError>;
    /// The newest versions of the cells of an interval that hold a value, in the order of keys, at most `limit`.
    fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, StoreError>;
    /// The log after an entry, at most `limit` entries, oldest first; empty where the shell keeps none.
    fn log_since(&self, seq: u64, limit: usize) -> Result<Vec<Entry>, StoreError>;
    /// The newest versions of the cells written after `since`, in the order of commits: `limit` of them and the rest of the
    /// last commit, so that whoever follows with the last version loses nothing.
    fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, StoreError>;
    /// The effects that are kept, after a place, in the order of the world, at most `limit`.
    fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, StoreError>;
    /// The lanes on which an effect is not settled.
    fn lanes(&self) -> Result<Vec<Lane>, StoreError>;
    /// The commits that are not final, oldest first.
    fn open_commits(&self) -> Result<Vec<Open>, StoreError>;
    /// All tools.
    fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError>;
    /// All leases, ended or not.
    fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError>;
}

/// One entry of the log of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place, counted from 1.
    pub seq: u64,
    /// Where the store's clock stood after it.
    pub version: Version,
    /// What was decided.
    pub order: Order,
    /// The hash over the log up to here.
    pub chain: [u8; 32],
}

/// A session that is at work, in this process or another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// How it began.
    pub begin: Begin,
    /// The moment that all its reads are seen at, as far as it is known here.
    pub snapshot: Version,
    /// The process that runs it, where that is another program's business too.
    pub process: Option<u32>,
    /// When it was last heard of.
    pub seen: Millis,
    /// Whether it is doomed, as far as it is known here.
    pub doomed: bool,
}

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A key is not one.
    #[error(transparent)]
    Key(#[from] crate::cell::Malformed),
    /// The session is over.
    #[error("the session {0} has committed or ended: begin another one")]
    Finished(SessionId),
    /// What the session saw no longer holds.
    #[error("the session is doomed: what it read has changed since; acknowledge, rewind or restart")]
    Doomed(Vec<crate::session::Stale>),
    /// The session's snapshot is older than the history that is kept.
    #[error("the snapshot is older than the history that is kept: begin a new session")]
    TooOld,
    /// The work was done again and again, and something changed under it each time.
    #[error("given up after {attempts} attempts: {}", last.as_ref().map_or_else(String::new, ToString::to_string))]
    GaveUp {
        /// How often it was tried.
        attempts: u32,
        /// What changed last.
        last: Option<crate::session::Stale>,
    },
    /// The order makes no sense.
    #[error(transparent)]
    Refused(#[from] crate::decide::Refusal),
    /// Another process kept the store locked for longer than the store waits.
    #[error("the store is busy: another process held it for more than {0:?}; try again")]
    Busy(Duration),
    /// The disk is full; nothing of the failed commit was written.
    #[error("the disk is full: the commit was not made, and nothing of it was written; free some space and try again")]
    Full,
    /// The file is damaged.
    #[error("the store at `{path}` is damaged: {what}\nhelp: {help}")]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
    /// The file was written by a newer program.
    #[error(
        "the store at `{path}` has format {found}, and this program knows formats up to {known}: update the program"
    )]
    TooNew {
        /// The file.
        path: String,
        /// The format of the file.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The file or its folder can't be read or written.
    #[error("the store at `{path}`: {cause}")]
    File {
        /// The file.
        path: String,
        /// What the system or the database says.
        cause: String,
    },
    /// The store stopped after a failed write, because what it holds in memory may not be what is on disk.
    #[error("the store stopped after a failed write ({0}): open it again")]
    Stopped(String),
}
