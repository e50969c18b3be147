//! What a recorder of a store writes: one JSON object a line, as in `{"event":"begin","session":"1","agent":"ana",…}`.
//!
//! The order of the lines is the order of real time, so no clock is needed. A session's reads of its own unfinished
//! writes are not recorded. Fields that a reader does not know are passed over, so that recorders may say more.

use crate::cell::{Agent, Content, Fingerprint, Key, Lane, Level, SessionId, Tool, Version};
use serde::{Deserialize, Serialize};

/// One line of a recorded history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A session begins.
    Begin {
        /// Which one.
        session: SessionId,
        /// Who acts.
        agent: Agent,
        /// What it asks to be protected from.
        level: Level,
    },
    /// A session reads a cell.
    Read {
        /// Which session.
        session: SessionId,
        /// The cell.
        key: Key,
        /// The version read; [`Version::ZERO`] where nothing was ever written.
        version: Version,
        /// What it held.
        value: Content,
    },
    /// A session searches a half-open range of keys; a prefix is the range from it to its successor.
    Scan {
        /// Which session.
        session: SessionId,
        /// The first key that is in the range, if there is such a cell.
        from: String,
        /// The first key that is no longer in it; to the end where missing.
        #[serde(default)]
        to: Option<String>,
        /// The cells found, with their versions.
        found: Vec<(Key, Version)>,
        /// The snapshot that was searched; where missing, the newest version of the lines before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<Version>,
    },
    /// A session's plan relies on a tool.
    Pin {
        /// Which session.
        session: SessionId,
        /// The tool.
        tool: Tool,
        /// What it is at this moment; nothing where there is no such tool.
        fingerprint: Option<Fingerprint>,
    },
    /// An agent states that a change of a cell does not matter to it.
    Acknowledge {
        /// Which session.
        session: SessionId,
        /// The cell.
        key: Key,
        /// The version up to which changes are accepted.
        version: Version,
    },
    /// A version is installed before its session commits. Our store never does that; others do, and are checked too.
    Write {
        /// Which session.
        session: SessionId,
        /// The cell.
        key: Key,
        /// The version, which is the session's alone.
        version: Version,
        /// What the cell holds from here on.
        content: Content,
    },
    /// A session commits.
    Commit {
        /// Which session.
        session: SessionId,
        /// Where it serialises: its own version, or the snapshot of a session that only read.
        version: Version,
        /// What it wrote, all at this version.
        writes: Vec<Write>,
        /// The effects that it issued, in this order.
        #[serde(default)]
        effects: Vec<Issue>,
    },
    /// A session ends without a trace.
    Abort {
        /// Which session.
        session: SessionId,
        /// Why.
        reason: String,
    },
    /// Commits are taken back by compensating writes, which are a commit of their own.
    Retract {
        /// The version of the compensating writes.
        version: Version,
        /// The versions of the commits that are taken back.
        retracted: Vec<Version>,
        /// The compensating writes.
        writes: Vec<Compensation>,
    },
    /// A commit can no longer be retracted.
    Finalise {
        /// Its version.
        version: Version,
    },
    /// The registry of tools changes.
    Tool {
        /// Which tool.
        tool: Tool,
        /// What it is from here on; nothing where it is removed.
        fingerprint: Option<Fingerprint>,
    },
    /// An effect leaves for the world.
    Effect {
        /// The version of the commit that issued it.
        version: Version,
        /// Its place among the effects of that commit.
        index: usize,
        /// Where it goes.
        lane: Lane,
        /// The tool that is called.
        tool: Tool,
        /// What the tool is at the call; nothing where it is gone.
        fingerprint: Option<Fingerprint>,
    },
}

/// One write of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Write {
    /// The cell.
    pub key: Key,
    /// How the content came about.
    pub how: How,
    /// What the cell holds afterwards.
    pub content: Content,
}

/// How a write came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// A value was put.
    Put,
    /// The cell was deleted.
    Delete,
    /// A commutative change was applied to whatever was there.
    Delta,
    /// What was put was merged with what others had put meanwhile.
    Merge,
}

/// A write that takes back another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Compensation {
    /// The cell.
    pub key: Key,
    /// What it holds afterwards.
    pub content: Content,
}

/// An effect as a commit issues it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Issue {
    /// Where it goes.
    pub lane: Lane,
    /// The tool that it calls.
    pub tool: Tool,
}
