//! What is shown of shared state, and what is taken: the cells of one tenant by the names that the tenant knows.
//!
//! INVARIANT: every key that leaves goes through [`Tenant::shown`]; what is not the tenant's own does not leave.

use consistency::ledger::{Open, Written};
use consistency::operation::{Delta, Merge, Operation};
use consistency::session::{self, Stale};
use consistency::{Content, Key, Level, Millis, Value, Version};
use memory::Tenant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Holds {
    /// It was never written.
    Absent,
    /// It was written, and removed since.
    Deleted,
    /// It holds a value, which may be `null`.
    Present {
        /// The value.
        value: Json,
    },
}

impl Holds {
    /// Tells whether it holds a value.
    pub fn is_present(&self) -> bool {
        matches!(self, Holds::Present { .. })
    }
}

impl From<Content> for Holds {
    fn from(content: Content) -> Holds {
        match content {
            Content::Absent => Holds::Absent,
            Content::Deleted => Holds::Deleted,
            Content::Present(value) => Holds::Present { value: value.into_json() },
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cell {
    /// Its key.
    pub key: String,
    /// The commit that wrote it, as `epoch.sequence`; left out where a session shows the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who wrote it; left out where a session shows the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// What it holds.
    #[serde(flatten)]
    pub holds: Holds,
}

impl Cell {
    /// A version of a cell, where it is the tenant's.
    pub fn of(tenant: &Tenant, key: &Key, written: Written) -> Option<Cell> {
        let Written { version, content, author, .. } = written;
        let (version, author) = (Some(version.to_string()), Some(author.to_string()));
        Some(Cell { key: tenant.shown(key)?.to_owned(), version, author, holds: content.into() })
    }

    /// A cell as a session sees it.
    pub fn seen(key: impl Into<String>, content: Content) -> Cell {
        Cell { key: key.into(), version: None, author: None, holds: content.into() }
    }
}

/// A page of cells, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Cells {
    /// The cells that hold a value.
    pub cells: Vec<Cell>,
    /// Where the next page begins, to be sent as `after`; left out with the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The versions of a cell that are kept, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Versions {
    /// The versions.
    pub versions: Vec<Cell>,
}

/// A change of one cell.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// The cell holds this value, whatever it held.
    Write {
        /// The value.
        value: Json,
    },
    /// The cell is removed.
    Delete,
    /// Appends to a list; concurrent appends all arrive.
    Append {
        /// What is appended.
        item: Json,
    },
    /// Adds to a list in which nothing is twice.
    Add {
        /// What is added.
        item: Json,
    },
    /// Adds to an integer.
    Count {
        /// How much.
        by: i64,
    },
    /// Sets one field of an object, without depending on the others.
    PutField {
        /// The field.
        field: String,
        /// What it holds then.
        value: Json,
    },
    /// Removes one field of an object.
    RemoveField {
        /// The field.
        field: String,
    },
    /// Writes what was made of what the session read, to be combined with what others write meanwhile.
    Merge {
        /// What the session made.
        ours: Json,
        /// How two changes are combined.
        by: MergeBy,
    },
}

/// How two changes of one value are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MergeBy {
    /// Objects field by field; one field changed to two values is a conflict.
    Fields,
    /// Texts line by line; overlapping changes are a conflict.
    Lines,
    /// Lists as sets. Never a conflict.
    Set,
}

/// What a [`Change`] asks of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// An operation, whatever the cell holds.
    Operation(Operation),
    /// A merge with what the session reads.
    Merge(Value, Merge),
}

impl Asked {
    /// What a session has to remember of it, in bytes.
    pub fn bytes(&self) -> usize {
        let value = match self {
            Asked::Operation(Operation::Put(value) | Operation::Delta(Delta::Append(value) | Delta::Add(value))) => {
                value
            }
            Asked::Operation(Operation::Delta(Delta::Field(_, Some(value)))) | Asked::Merge(value, _) => value,
            Asked::Operation(_) => return 0,
        };
        value.to_string().len()
    }
}

impl Change {
    /// What it asks of a session.
    pub fn asked(self) -> Asked {
        Asked::Operation(match self {
            Change::Write { value } => Operation::Put(value.into()),
            Change::Delete => Operation::Delete,
            Change::Append { item } => Operation::Delta(Delta::Append(item.into())),
            Change::Add { item } => Operation::Delta(Delta::Add(item.into())),
            Change::Count { by } => Operation::Delta(Delta::Count(by)),
            Change::PutField { field, value } => Operation::Delta(Delta::Field(field, Some(value.into()))),
            Change::RemoveField { field } => Operation::Delta(Delta::Field(field, None)),
            Change::Merge { ours, by } => {
                let by = match by {
                    MergeBy::Fields => Merge::Fields,
                    MergeBy::Lines => Merge::Lines,
                    MergeBy::Set => Merge::Set,
                };
                return Asked::Merge(ours.into(), by);
            }
        })
    }
}

/// What a session is protected from; each level includes the ones before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "docs/guarantees.md says what each level is")]
pub enum Protection {
    L0,
    #[default]
    L1,
    L2,
    L3,
    L4,
}

impl From<Protection> for Level {
    fn from(protection: Protection) -> Level {
        match protection {
            Protection::L0 => Level::L0,
            Protection::L1 => Level::L1,
            Protection::L2 => Level::L2,
            Protection::L3 => Level::L3,
            Protection::L4 => Level::L4,
        }
    }
}

impl From<Level> for Protection {
    fn from(level: Level) -> Protection {
        match level {
            Level::L0 => Protection::L0,
            Level::L1 => Protection::L1,
            Level::L2 => Protection::L2,
            Level::L3 => Protection::L3,
            Level::L4 => Protection::L4,
        }
    }
}

/// What a session is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It reads and writes.
    #[default]
    ReadWrite,
    /// It reads at one moment, is never doomed, and writes nothing.
    Snapshot,
    /// It reads, and is validated like a writer.
    Fresh,
}

impl From<Mode> for session::Mode {
    fn from(mode: Mode) -> session::Mode {
        match mode {
            Mode::ReadWrite => session::Mode::ReadWrite,
            Mode::Snapshot => session::Mode::Snapshot,
            Mode::Fresh => session::Mode::Fresh,
        }
    }
}

impl From<session::Mode> for Mode {
    fn from(mode: session::Mode) -> Mode {
        match mode {
            session::Mode::ReadWrite => Mode::ReadWrite,
            session::Mode::Snapshot => Mode::Snapshot,
            session::Mode::Fresh => Mode::Fresh,
        }
    }
}

/// Something that a session relied on and that no longer holds.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Changed {
    /// A cell has a newer version.
    Cell {
        /// The cell.
        key: String,
        /// The version that the session saw.
        read: String,
        /// The version that it has now.
        now: String,
        /// Who wrote that.
        writer: String,
        /// What it holds now.
        #[serde(flatten)]
        holds: Holds,
        /// The first step that saw it.
        step: u32,
    },
    /// A tool changed or is gone.
    Tool {
        /// The tool.
        tool: String,
        /// What it was.
        pinned: String,
        /// What it is; left out where it is gone.
        #[serde(skip_serializing_if = "Option::is_none")]
        now: Option<String>,
        /// The first step that relied on it.
        step: u32,
    },
    /// A lease was lost to another session.
    Lease {
        /// The cell.
        key: String,
    },
    /// A commit that the session rests on was retracted.
    Retracted {
        /// The commit.
        version: String,
        /// The first step that rests on it.
        step: Option<u32>,
    },
}

impl Changed {
    /// What is shown of it to a tenant.
    pub fn of(tenant: &Tenant, stale: &Stale) -> Changed {
        let step = stale.step();
        match stale {
            Stale::Cell { key, read, now, writer, value, step, .. } => Changed::Cell {
                key: shown(tenant, key),
                read: read.to_string(),
                now: now.to_string(),
                writer: writer.to_string(),
                holds: value.clone().into(),
                step: *step,
            },
            Stale::Tool { tool, pinned, now, step } => Changed::Tool {
                tool: tool.to_string(),
                pinned: pinned.to_string(),
                now: now.as_ref().map(ToString::to_string),
                step: *step,
            },
            Stale::Lease { key, .. } => Changed::Lease { key: shown(tenant, key) },
            Stale::Retracted { version, .. } => Changed::Retracted { version: version.to_string(), step },
        }
    }
}

/// The name by which a tenant knows a cell.
pub(super) fn shown(tenant: &Tenant, key: &Key) -> String {
    tenant.shown(key).unwrap_or_default().to_owned()
}

/// A session.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionView {
    /// Its name in paths and in the header `Trace-Session`.
    pub id: String,
    /// Who acts.
    pub agent: String,
    /// What it is protected from.
    pub level: Protection,
    /// What it is for.
    pub mode: Mode,
    /// When it began, in milliseconds since 1970.
    pub started_at: Millis,
    /// The store's last commit when it began, or began again.
    pub snapshot: String,
    /// Whether it has committed.
    pub has_committed: bool,
    /// What it saw and that no longer holds; empty while it may commit. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<Vec<Changed>>,
}

/// Some sessions.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SessionsView {
    /// The sessions that this server holds for the tenant.
    pub sessions: Vec<SessionView>,
}

/// A commit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Committed {
    /// Its version; also the `ETag` of the cells that it wrote.
    pub version: String,
    /// Whether it can no longer be taken back.
    pub is_final: bool,
}

/// A commit that is not final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenCommit {
    /// Its version.
    pub version: String,
    /// Who committed it.
    pub agent: String,
    /// Whether it waits for an approval.
    pub held: bool,
    /// The open commits that it rests on.
    pub rests_on: Vec<String>,
    /// The cells that it wrote.
    pub keys: Vec<String>,
}

impl OpenCommit {
    /// What is shown of it to a tenant; nothing where it wrote another's cells.
    ///
    /// A commit without cells has effects only, which none but the local tenant issues.
    pub fn of(tenant: &Tenant, open: &Open) -> Option<OpenCommit> {
        let keys: Option<Vec<String>> = open.keys.iter().map(|key| tenant.shown(key).map(str::to_owned)).collect();
        let keys = keys.filter(|keys| !keys.is_empty() || tenant.is_local())?;
        let rests_on = open.rests_on.iter().map(Version::to_string).collect();
        let (version, agent) = (open.version.to_string(), open.agent.to_string());
        Some(OpenCommit { version, agent, held: open.held, rests_on, keys })
    }
}

/// The commits that are not final, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenCommits {
    /// The commits.
    pub open: Vec<OpenCommit>,
}
