//! What a run is told and what it leaves behind: policies, virtual time, and the trace.

use consistency::ledger::EffectId;
use consistency::{Content, Lane, Millis, Version, store};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

/// What agents do about conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// An agent stops as soon as it is doomed, instead of learning so at its commit.
    pub notice: bool,
    /// A doomed agent does only those steps again that follow from what changed.
    pub partial: bool,
    /// After so many failures, an agent asks for leases on the cells that it uses before it goes on.
    pub leases_after: Option<u32>,
}

impl Policy {
    /// The policies that are compared.
    pub const ALL: [Policy; 7] = [
        Policy::new("validate at commit", false, false, None),
        Policy::new("early notice", true, false, None),
        Policy::new("early notice, partial re-generation", true, true, None),
        Policy::new("leases after one abort", false, false, Some(1)),
        Policy::new("all, leases after one failure", true, true, Some(1)),
        Policy::new("all, leases after six failures", true, true, Some(6)),
        Policy::new("all, leases at once", true, true, Some(0)),
    ];
    /// Notice, partial re-generation, and leases for who has failed.
    pub const FULL: Policy = Policy::ALL[4];

    const fn new(name: &'static str, notice: bool, partial: bool, leases_after: Option<u32>) -> Policy {
        Policy { name, notice, partial, leases_after }
    }
}

/// Virtual time, and identities in order.
#[derive(Debug, Default)]
pub struct World {
    now: AtomicU64,
    last: AtomicU64,
}

impl World {
    /// Moves on to a moment.
    pub fn set(&self, now: Millis) {
        self.now.store(now, Ordering::Relaxed);
    }
}

impl store::World for World {
    fn now(&self) -> Millis {
        self.now.load(Ordering::Relaxed)
    }

    fn fresh(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }
}

/// A commit of a run, with what it was made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Committed {
    /// The task.
    pub task: String,
    /// Which agent.
    pub agent: usize,
    /// Its version.
    pub version: Version,
    /// Whether the version is its own; a commit that changed nothing has that of the last one that did.
    pub own: bool,
    /// The cells that were read, with version and content at that moment.
    pub reads: Vec<(String, Version, Content)>,
    /// The cells that were written by merging: a change of these since the read is no harm.
    pub merged: BTreeSet<String>,
    /// The searches, each with what was found.
    pub scans: Vec<(String, Vec<(String, Json)>)>,
    /// The fingerprints of the tools when the steps that rely on them began.
    pub pins: BTreeMap<String, Option<String>>,
}

/// An effect that reached the world.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Which one.
    pub id: EffectId,
    /// Where it went.
    pub lane: Lane,
    /// The tool.
    pub tool: String,
    /// What the tool was when it was used.
    pub fingerprint: Option<String>,
    /// What it was told.
    pub payload: Json,
}

/// What a run cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spent {
    /// Sessions begun.
    pub attempts: u64,
    /// Sessions given up.
    pub aborts: u64,
    /// Times that only some steps were done again.
    pub rewinds: u64,
    /// Ticks of generation, in vain or not.
    pub generated: Millis,
    /// When the last thing happened.
    pub elapsed: Millis,
}

/// What happened in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trace {
    /// The commits in their order.
    pub committed: Vec<Committed>,
    /// The commits that were taken back.
    pub retracted: BTreeSet<Version>,
    /// What reached the world, in that order.
    pub delivered: Vec<Delivered>,
    /// What it cost.
    pub spent: Spent,
    /// The tasks that never committed.
    pub unfinished: Vec<String>,
}
