//! What agents do with shared state: workload shapes as data, run over the real store and judged *clean* and *complete*.
//!
//! A shape says what its agents read, how long they generate and what they make of it; [`run`] has them do it in virtual
//! time, where the same seed gives the same run, and [`threads`] with real threads. Clean means that nothing happened that
//! the level excludes; complete, that every agent's contribution is in the end. Refusing all work is clean, and no result.

mod agent;
pub mod baseline;
pub mod judge;
pub mod policy;
mod random;
mod run;
pub mod shapes;
pub mod threads;
mod trace;

pub use random::Random;
pub use run::{Setting, run};
pub use trace::{Committed, Delivered, Policy, Spent, Trace, World};

use consistency::{Content, Level};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;

/// What some agents do together.
pub struct Shape {
    /// Its name.
    pub name: &'static str,
    /// What the cells hold at first.
    pub cells: Vec<(String, Json)>,
    /// The tools that are registered at first, each with its fingerprint.
    pub tools: Vec<(String, String)>,
    /// Each agent's tasks, in their order.
    pub agents: Vec<Vec<Task>>,
    /// What must hold of the end, beyond what holds of every shape.
    pub judge: Box<dyn Fn(&End) -> Judged + Send + Sync>,
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What one session is to do; it is tried until it commits.
#[derive(Debug, Default)]
pub struct Task {
    /// Its name, which no other task of the shape has.
    pub name: String,
    /// The tasks that must have committed before.
    pub waits_for: Vec<String>,
    /// Whether the session writes nothing, and is validated all the same.
    pub only_reads: bool,
    /// Whether the commit waits for an approval.
    pub held: bool,
    /// Look, generate, act.
    pub steps: Vec<Step>,
    /// What is done once it has committed.
    pub then: Option<Then>,
}

/// What a step makes of what its task has seen.
pub type Make = Box<dyn Fn(&Seen) -> Vec<Deed> + Send + Sync>;

/// One step of a task.
pub struct Step {
    /// The cells that are read first.
    pub reads: Vec<String>,
    /// The prefixes that are searched first.
    pub scans: Vec<String>,
    /// The tools that the step relies on.
    pub pins: Vec<String>,
    /// How long it generates, in ticks of a millisecond; chance makes it up to half as long again.
    pub ticks: u64,
    /// The steps that it follows from.
    pub after: Vec<usize>,
    /// What it does in the end, made from all that the task has seen.
    pub make: Make,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reads {:?}, searches {:?}, {} ticks", self.reads, self.scans, self.ticks)
    }
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Writes a cell.
    Put(String, Json),
    /// Appends to a list, whatever is in there.
    Append(String, Json),
    /// Adds to a counter, whatever it is.
    Count(String, i64),
    /// Writes a text made from the one that was read, merged by lines with what others write.
    Lines(String, String),
    /// Calls a tool on a lane.
    Effect(String, String, Json),
}

/// What is done once a task has committed; no session's own.
#[derive(Debug, Clone)]
pub enum Then {
    /// The held commit of a task is approved.
    Approve(String),
    /// The held commit of a task is retracted.
    Retract(String),
    /// A tool is something else from now on.
    Register(String, String),
}

/// What a task has seen.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The cells that it read.
    pub cells: BTreeMap<String, Content>,
    /// What it found under each prefix.
    pub found: BTreeMap<String, Vec<(String, Json)>>,
}

impl Seen {
    /// The value of a cell; `null` where there is none.
    pub fn json(&self, key: &str) -> Json {
        self.cells.get(key).and_then(Content::value).map_or(Json::Null, |value| value.json().clone())
    }

    /// The number in a cell; 0 where there is none.
    pub fn number(&self, key: &str) -> i64 {
        self.json(key).as_i64().unwrap_or_default()
    }

    /// The list in a cell with an item added; the list begins empty.
    pub fn with(&self, key: &str, item: impl Into<Json>) -> Json {
        let mut list = match self.json(key) {
            Json::Array(list) => list,
            _ => Vec::new(),
        };
        list.push(item.into());
        list.into()
    }

    /// What was found under a prefix.
    pub fn found(&self, prefix: &str) -> &[(String, Json)] {
        self.found.get(prefix).map_or(&[], Vec::as_slice)
    }
}

/// How a run ended.
#[derive(Debug, Clone, Default)]
pub struct End {
    /// What the cells hold.
    pub cells: BTreeMap<String, Json>,
    /// What the tools were told, in that order.
    pub told: Vec<Json>,
}

impl End {
    /// The value of a cell; `null` where there is none.
    pub fn json(&self, key: &str) -> &Json {
        self.cells.get(key).unwrap_or(&Json::Null)
    }

    /// The items of a list; none where there is no list.
    pub fn list(&self, key: &str) -> &[Json] {
        self.json(key).as_array().map_or(&[], Vec::as_slice)
    }
}

/// What a shape's own judge finds.
#[derive(Debug, Clone, Default)]
pub struct Judged {
    /// What should not have happened.
    pub anomalies: Vec<Anomaly>,
    /// Whose contribution is not there, or is there twice.
    pub missing: Vec<String>,
}

/// Something that a level excludes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anomaly {
    /// What it is called.
    pub kind: &'static str,
    /// The weakest level that excludes it.
    pub excluded_from: Level,
    /// What shows it.
    pub witness: String,
}
