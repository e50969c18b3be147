//! Tools that act on files, so that what they did outlives the process that called them.
//!
//! Each tool has a file of its own, in which a line is an act: the idempotency key, the effect's place, and what it was
//! told. One write in append mode is one act, whole or not at all. The tool that takes keys acts on a key once; the one
//! that can be asked knows what it did; the third does what it is told, and nobody can ask.

use consistency::ledger::{EffectId, Repeat};
use consistency::store::Store;
use consistency::store::outbox::{Answer, Call, Tools};
use consistency::{Lane, Version};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The tools, and what may be done when a call's answer is missing.
pub(crate) const TOOLS: [(&str, Repeat); 3] =
    [("keyed", Repeat::Keyed), ("asked", Repeat::Queryable), ("never", Repeat::Never)];

/// What a tool did, or was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) key: String,
    pub(crate) id: EffectId,
    pub(crate) payload: String,
}

/// The tools, over the files of a folder.
pub(crate) struct Files<F> {
    pub(crate) folder: PathBuf,
    /// Called before and after each act.
    pub(crate) at: F,
}

impl<F: Fn(&str) + Send + Sync> Tools for Files<F> {
    fn call(&self, call: &Call) -> Answer {
        let tool = call.tool.as_str();
        write(&self.folder, "calls", call);
        (self.at)("before the act");
        // The file stands for a service elsewhere, which looks and acts in one step.
        let lock = File::create(self.folder.join(format!("{tool}.lock"))).unwrap();
        lock.lock().unwrap();
        let known = tool != "never" && acts(&self.folder, tool).iter().any(|act| act.key == call.key);
        if !known {
            write(&self.folder, tool, call);
        }
        (self.at)("after the act");
        Answer::Done
    }

    fn ask(&self, call: &Call) -> Option<bool> {
        Some(acts(&self.folder, call.tool.as_str()).iter().any(|act| act.key == call.key))
    }
}

fn write(folder: &Path, file: &str, call: &Call) {
    let line = format!("{} {} {} {}\n", call.key, call.id.commit, call.id.index, call.payload.json().as_str().unwrap());
    let mut file = File::options().append(true).create(true).open(folder.join(file)).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}

/// What is in a tool's file, in order.
pub(crate) fn acts(folder: &Path, file: &str) -> Vec<Act> {
    let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
    let act = |line: &str| {
        let mut parts = line.split(' ').map(str::to_owned);
        let mut next = || parts.next().unwrap();
        let (key, commit, index, payload) = (next(), next(), next(), next());
        let commit: Version = commit.parse().unwrap();
        Act { key, id: EffectId { commit, index: index.parse().unwrap() }, payload }
    };
    text.lines().map(act).collect()
}

/// Registers the tools; nothing changes where that was done before.
pub(crate) fn register(store: &Store) {
    for (tool, repeat) in TOOLS {
        store.register(tool, "1", repeat).unwrap();
    }
}

/// The lane of a tool.
pub(crate) fn lane(tool: &str) -> Lane {
    format!("lane of {tool}").into()
}
