//! What a detector hands back: an anomaly with both operations, the cell, tool or effect, and what each saw.
//!
//! The same witnesses serve both kinds of recordings; [`When`] is a version in one and a time in the other.

use crate::cell::{Agent, Content, Fingerprint, Lane, Level, SessionId, Tool, Version};
use serde::Serialize;
use std::fmt;

/// A point in the order of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum When {
    /// Of a store.
    Version(Version),
    /// Of a record of operations.
    Time(u64),
}

/// Who did something, and when it took hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Operation {
    /// Who; nothing for a retraction.
    pub agent: Option<Agent>,
    /// In which session, where there are sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// When it committed or wrote.
    pub at: When,
}

/// An anomaly of the paper's catalogue with its witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "anomaly")]
pub enum Anomaly {
    /// Stale generation.
    #[serde(rename = "A1")]
    StaleGeneration(StaleGeneration),
    /// Phantom tool.
    #[serde(rename = "A2")]
    PhantomTool(PhantomTool),
    /// Causal cascade.
    #[serde(rename = "A3")]
    CausalCascade(CausalCascade),
    /// Tool-effect reordering.
    #[serde(rename = "A6")]
    Reordering(Reordering),
}

/// A1: another one's write to a cell that was read landed between that read and its reader's commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaleGeneration {
    /// Who read the cell and committed after it had changed.
    pub reader: Operation,
    /// Who changed it meanwhile.
    pub writer: Operation,
    /// The cell.
    pub cell: String,
    /// The version read, or the time of reading.
    pub read_at: When,
    /// The version written, or the time of writing.
    pub written_at: When,
    /// What was read, where that is known.
    pub read: Option<Content>,
    /// What was written.
    pub written: Content,
    /// Whether the write left the value that was read: stale by version alone (0 → 1 → 0).
    pub same_value: bool,
    /// Whether it was a search that saw the cell, or saw that it was not there: a phantom.
    pub phantom: bool,
}

/// A2: a tool that a plan relies on changed or vanished before its use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhantomTool {
    /// Whose plan.
    pub operation: Operation,
    /// The tool.
    pub tool: Tool,
    /// What became of it.
    #[serde(flatten)]
    pub change: ToolChange,
}

/// What became of a tool between plan and use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ToolChange {
    /// At the call it was another one than pinned, or gone.
    Changed {
        /// What was pinned; nothing where there was no such tool.
        pinned: Option<Fingerprint>,
        /// What was there at the call; nothing where it was gone.
        live: Option<Fingerprint>,
        /// Where the effect went.
        lane: Lane,
    },
    /// It was visible to the plan and not among the tools used.
    Unused {
        /// Those used instead.
        used: Vec<Tool>,
    },
}

/// A3: what survives rests on what was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CausalCascade {
    /// What survives.
    pub survivor: Operation,
    /// What it rests on.
    #[serde(flatten)]
    pub rests_on: Cascade,
}

/// What a surviving operation rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "rests_on", rename_all = "snake_case")]
pub enum Cascade {
    /// An operation that was retracted.
    Retracted {
        /// Which one.
        retracted: Operation,
        /// The operations between, the survivor's own source last.
        through: Vec<Operation>,
        /// The first effect of the survivor that left: where to …
        lane: Lane,
        /// … and by which tool.
        tool: Tool,
    },
    /// A value that nobody wrote: what is left of an operation that was retracted without a trace.
    Residue {
        /// The cell read.
        cell: String,
        /// The value read.
        value: Content,
        /// When.
        read_at: When,
    },
}

/// A6: effects reached the world in another order than they were issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reordering {
    /// An effect left a lane after one that was issued later.
    Overtaken {
        /// The lane.
        lane: Lane,
        /// The effect that left too late.
        late: Departure,
        /// The last of those issued that had left before it.
        by: Departure,
    },
    /// The effects of one operation took hold in another order than issued.
    Shuffled {
        /// Whose effects.
        operation: Operation,
        /// The first place that differs, from 0.
        place: usize,
        /// What was issued there, as cell and value.
        issued: Option<(String, String)>,
        /// What took hold there.
        committed: Option<(String, String)>,
    },
}

/// An effect that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// Whose, where the commit is in the history.
    pub agent: Option<Agent>,
    /// The version of the commit that issued it.
    pub version: Version,
    /// Its place among the effects of that commit.
    pub index: usize,
    /// The tool.
    pub tool: Tool,
}

/// The strongest level whose anomalies a history is free of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reached {
    /// The level.
    pub level: Level,
    /// What keeps it from the next one; nothing at L4.
    pub because: Option<Anomaly>,
}

impl Reached {
    /// Classifies a history by the first anomaly of each kind, as the paper does: A1 leaves L0, A3 L1, A6 L2, A2 L3.
    pub(super) fn of(
        stale: Option<StaleGeneration>,
        cascade: Option<CausalCascade>,
        reordering: Option<Reordering>,
        phantom: Option<PhantomTool>,
    ) -> Reached {
        let found = [
            (Level::L0, stale.map(Anomaly::StaleGeneration)),
            (Level::L1, cascade.map(Anomaly::CausalCascade)),
            (Level::L2, reordering.map(Anomaly::Reordering)),
            (Level::L3, phantom.map(Anomaly::PhantomTool)),
        ];
        let mut found = found.into_iter().filter_map(|(level, anomaly)| Some((level, anomaly?)));
        let reached = found.next().map(|(level, anomaly)| Reached { level, because: Some(anomaly) });
        reached.unwrap_or(Reached { level: Level::L4, because: None })
    }
}

impl Anomaly {
    /// The name in the catalogue, as in `A1`.
    pub fn name(&self) -> &'static str {
        match self {
            Anomaly::StaleGeneration(_) => "A1",
            Anomaly::PhantomTool(_) => "A2",
            Anomaly::CausalCascade(_) => "A3",
            Anomaly::Reordering(_) => "A6",
        }
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anomaly::StaleGeneration(witness) => witness.fmt(f),
            Anomaly::PhantomTool(witness) => witness.fmt(f),
            Anomaly::CausalCascade(witness) => witness.fmt(f),
            Anomaly::Reordering(witness) => witness.fmt(f),
        }
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Version(version) => version.fmt(f),
            When::Time(time) => time.fmt(f),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.agent {
            Some(agent) => write!(f, "`{agent}`"),
            None => write!(f, "a retraction"),
        }
    }
}

impl fmt::Display for StaleGeneration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StaleGeneration { reader, writer, cell, read_at, written_at, .. } = self;
        match (self.phantom, &self.read) {
            (true, Some(Content::Absent | Content::Deleted)) => write!(f, "{reader} searched and did not find {cell}")?,
            (true, _) => write!(f, "{reader} searched and found {cell} at {read_at}")?,
            (false, _) => write!(f, "{reader} read {cell} at {read_at}")?,
        }
        let did = if self.written.value().is_some() { "wrote" } else { "removed" };
        write!(f, ", {writer} {did} it at {written_at}")?;
        if self.same_value {
            write!(f, " (the same value)")?;
        }
        write!(f, " before {reader} committed at {}", reader.at)
    }
}

impl fmt::Display for PhantomTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PhantomTool { operation, tool, change } = self;
        let named = |print: &Option<Fingerprint>| print.as_ref().map_or("absent".to_owned(), |it| format!("`{it}`"));
        match change {
            ToolChange::Changed { pinned, live, .. } => {
                let (pinned, live) = (named(pinned), named(live));
                write!(f, "{operation} planned with {tool} as {pinned}, and called it at {} as {live}", operation.at)
            }
            ToolChange::Unused { used } if used.is_empty() => {
                write!(f, "{operation} planned with {tool}, which it saw, and used no tool by {}", operation.at)
            }
            ToolChange::Unused { used } => {
                let used: Vec<&str> = used.iter().map(Tool::as_str).collect();
                let (used, at) = (used.join(", "), operation.at);
                write!(f, "{operation} planned with {tool}, which it saw, and used {used} instead by {at}")
            }
        }
    }
}

impl fmt::Display for CausalCascade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let survivor = &self.survivor;
        match &self.rests_on {
            Cascade::Retracted { retracted, through, lane, tool } => {
                let path: Vec<String> = through.iter().map(|step| format!(" through {step} at {}", step.at)).collect();
                let (at, path, source) = (survivor.at, path.concat(), retracted.at);
                write!(f, "{survivor} at {at} sent {tool} to {lane}, resting{path} on {retracted} at {source}")?;
                write!(f, ", which was retracted")
            }
            Cascade::Residue { cell, value, read_at } => {
                let value = value.value().map(ToString::to_string).unwrap_or_default();
                write!(f, "{survivor} read {value} in {cell} at {read_at}, which nobody had written")
            }
        }
    }
}

impl fmt::Display for Reordering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reordering::Overtaken { lane, late, by } => {
                write!(f, "on {lane}, {late} left after {by}, which was issued later")
            }
            Reordering::Shuffled { operation, place, issued, committed } => {
                let named = |effect: &Option<(String, String)>| {
                    effect.as_ref().map_or("nothing".to_owned(), |(cell, value)| format!("{cell} = {value}"))
                };
                let (at, place, issued, committed) = (operation.at, place + 1, named(issued), named(committed));
                write!(f, "{operation} at {at} issued {issued} as effect {place}, and {committed} took its place")
            }
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Departure { agent, version, index, tool } = self;
        let whose = agent.as_ref().map(|agent| format!(" of `{agent}`")).unwrap_or_default();
        write!(f, "{tool}{whose} (effect {} of {version})", index + 1)
    }
}
