//! The direct serialization graph of a history (Adya, *Weak Consistency*, 1999), over the version order that is known.
//!
//! Nodes are committed transactions, retractions included. `ww`: one installs the version after the other's; `wr`: one
//! saw the other's version; `rw`: one saw the version before the other's. What a search saw, present or not, counts as
//! seen. Acknowledged changes and merges are read at the version that they take in, as the agent declares.
//!
//! A history is serializable if nothing dirty was read and the graph has no cycle, and strictly so if it has none with
//! the order of real time either. The graph is as large as the history, and each session adds what arrives in the ranges
//! that it searched until it commits; a search that did not find exactly what was there adds all cells of its range.

mod components;
mod cycles;
mod dirty;
mod searches;

pub use cycles::{Cycle, Step};
pub use dirty::{Cause, DirtyRead};

use super::{End, History};
use crate::cell::{Key, Version};
use serde::Serialize;
use std::fmt;

/// The serialization graph of a history.
#[derive(Debug)]
pub struct Graph<'h> {
    history: &'h History,
    /// The edges out of each transaction, in a fixed order; behind the transactions come nodes that only lead on.
    edges: Vec<Vec<Edge>>,
}

/// An edge: its source comes before its target in every serial order that explains the history.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    to: usize,
    /// Why; nothing where the reason is that of the edge that led here.
    kind: Option<Kind>,
    /// The cell with the version at the source and that at the target, where this edge tells it.
    cell: Option<(Key, Version, Version)>,
    /// The line of the read or search that it comes from, the last where there is none.
    line: usize,
}

/// Why one transaction comes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The target overwrote the source's version.
    #[serde(rename = "ww")]
    Ww,
    /// The target read the source's version.
    #[serde(rename = "wr")]
    Wr,
    /// A search of the target saw the source's version.
    #[serde(rename = "predicate-wr")]
    WrSearch,
    /// The target overwrote the version that the source read.
    #[serde(rename = "rw")]
    Rw,
    /// The target overwrote what a search of the source saw.
    #[serde(rename = "predicate-rw")]
    RwSearch,
    /// The source ended before the target began.
    RealTime,
}

/// Kinds of edges, taken together.
type Kinds = &'static [Kind];

const WRITES: Kinds = &[Kind::Ww];
const DEPENDENCIES: Kinds = &[Kind::Ww, Kind::Wr, Kind::WrSearch];
const ITEMS: Kinds = &[Kind::Ww, Kind::Wr, Kind::WrSearch, Kind::Rw];
const ALL: Kinds = &[Kind::Ww, Kind::Wr, Kind::WrSearch, Kind::Rw, Kind::RwSearch];
const WITH_TIME: Kinds = &[Kind::Ww, Kind::Wr, Kind::WrSearch, Kind::Rw, Kind::RwSearch, Kind::RealTime];

impl Edge {
    /// Whether edges of some kinds may be followed here; what only leads on always may.
    fn is_of(&self, kinds: Kinds) -> bool {
        self.kind.is_none_or(|kind| kinds.contains(&kind))
    }
}

impl Kind {
    fn is_overwritten_read(self) -> bool {
        matches!(self, Kind::Rw | Kind::RwSearch)
    }
}

/// A phenomenon by the name that the literature gives it; the named special cases say which class they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Phenomenon {
    /// Dirty writes: a cycle of overwritten versions.
    G0,
    /// A read of what was aborted, or never committed.
    #[serde(rename = "G1a")]
    G1a,
    /// A read of a version that its own transaction overwrote.
    #[serde(rename = "G1b")]
    G1b,
    /// Circular information flow: a cycle of overwritten and read versions.
    #[serde(rename = "G1c")]
    G1c,
    /// Observed transaction vanishes: what was seen of a transaction in one cell is missing in a cell read later.
    #[serde(rename = "OTV")]
    Otv,
    /// Predicate many preceders: a search sees a transaction that an earlier one did not see.
    #[serde(rename = "PMP")]
    Pmp,
    /// Lost update: a cell was overwritten by one who had read it before another's write.
    P4,
    /// Read skew: a cycle with exactly one overwritten read.
    #[serde(rename = "G-single")]
    GSingle,
    /// Write skew: a cycle with overwritten reads of cells.
    #[serde(rename = "G2-item")]
    G2Item,
    /// Write skew over searches: a cycle with overwritten searches.
    G2,
    /// Serializable, but in no order that agrees with real time.
    #[serde(rename = "real-time")]
    RealTime,
}

impl fmt::Display for Phenomenon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Phenomenon::G0 => "G0",
            Phenomenon::G1a => "G1a",
            Phenomenon::G1b => "G1b",
            Phenomenon::G1c => "G1c",
            Phenomenon::Otv => "OTV",
            Phenomenon::Pmp => "PMP",
            Phenomenon::P4 => "P4",
            Phenomenon::GSingle => "G-single",
            Phenomenon::G2Item => "G2-item",
            Phenomenon::G2 => "G2",
            Phenomenon::RealTime => "real-time",
        })
    }
}

/// What the graph says of a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Reads of what no serial order can show.
    pub dirty: Vec<DirtyRead>,
    /// The shortest cycles of each component of the graph, one of each name.
    pub cycles: Vec<Cycle>,
    /// Whether some serial order explains the history.
    pub serializable: bool,
    /// Whether one does that agrees with real time.
    pub strictly: bool,
    /// A cycle through real time, where the history is serializable but not strictly so.
    pub real_time: Option<Cycle>,
}

impl<'h> Graph<'h> {
    /// Builds the graph of a history.
    pub fn of(history: &'h History) -> Graph<'h> {
        let mut graph = Graph { history, edges: vec![Vec::new(); history.transactions().len()] };
        for (key, installs) in history.cells() {
            for (one, next) in installs.iter().zip(installs.iter().skip(1)) {
                let cell = Some((key.clone(), one.version, next.version));
                graph
                    .link(one.transaction, Edge { to: next.transaction, kind: Some(Kind::Ww), cell, line: usize::MAX });
            }
        }
        for (id, transaction, _) in history.committed() {
            for seen in history.rests_on(transaction) {
                let (read, overwritten) = match seen.scan {
                    Some(_) => (Kind::WrSearch, Kind::RwSearch),
                    None => (Kind::Wr, Kind::Rw),
                };
                let line = seen.line.unwrap_or(usize::MAX);
                if let Some(install) = history.install(seen.key, seen.version) {
                    let cell = Some((seen.key.clone(), seen.version, seen.version));
                    graph.link(install.transaction, Edge { to: id, kind: Some(read), cell, line });
                }
                let installs = history.installs(seen.key);
                let later = installs.partition_point(|install| install.version <= seen.version);
                if let Some(next) = seen.changes(installs.get(later..).unwrap_or_default()).first() {
                    let cell = Some((seen.key.clone(), seen.version, next.version));
                    graph.link(id, Edge { to: next.transaction, kind: Some(overwritten), cell, line });
                }
            }
        }
        graph.link_searches();
        for edges in &mut graph.edges {
            edges.sort();
            edges.dedup_by(|later, kept| (later.to, later.kind, &later.cell) == (kept.to, kept.kind, &kept.cell));
        }
        graph
    }

    /// How many edges there are.
    pub fn len(&self) -> usize {
        self.edges.iter().map(Vec::len).sum()
    }

    /// Whether no transaction depends on another.
    pub fn is_empty(&self) -> bool {
        self.edges.iter().all(Vec::is_empty)
    }

    /// Everything that the graph says.
    pub fn verdict(&self) -> Verdict {
        let (dirty, cycles) = (self.dirty_reads(), self.cycles());
        let serializable = dirty.is_empty() && cycles.is_empty();
        let real_time = if serializable { self.in_real_time().timed_cycle() } else { None };
        Verdict { strictly: serializable && real_time.is_none(), dirty, cycles, serializable, real_time }
    }

    fn link(&mut self, from: usize, edge: Edge) {
        if edge.to != from
            && let Some(edges) = self.edges.get_mut(from)
        {
            edges.push(edge);
        }
    }

    fn edges(&self, from: usize) -> &[Edge] {
        self.edges.get(from).map(Vec::as_slice).unwrap_or_default()
    }

    /// The same graph with the order of real time: one moment behind another, each after the commits before it and
    /// before the sessions that begin after it, so that the edges stay as many as the transactions.
    fn in_real_time(&self) -> Graph<'h> {
        let mut graph = Graph { history: self.history, edges: self.edges.clone() };
        let mut moments: Vec<(usize, Result<usize, usize>)> = Vec::new();
        for (id, transaction, _) in self.history.committed() {
            moments.push((transaction.begin, Ok(id)));
            if let End::Committed { line, .. } = transaction.end {
                moments.push((line, Err(id)));
            }
        }
        // A retraction begins and ends on one line: it begins first.
        moments.sort_by_key(|(line, which)| (*line, which.is_err()));
        let before = |to, kind| Edge { to, kind, cell: None, line: usize::MAX };
        let mut last = None;
        for (_, which) in moments {
            match (which, last) {
                (Ok(begun), Some(last)) => graph.link(last, before(begun, None)),
                (Ok(_), None) => {}
                (Err(ended), previous) => {
                    let moment = graph.edges.len();
                    graph.edges.push(Vec::new());
                    graph.link(ended, before(moment, Some(Kind::RealTime)));
                    if let Some(previous) = previous {
                        graph.link(previous, before(moment, None));
                    }
                    last = Some(moment);
                }
            }
        }
        graph
    }
}
