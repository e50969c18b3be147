//! Cycles of the graph: which there are, what they are called, and a shortest one of each as the witness.
//!
//! Every component names its cycles by the weakest phenomenon class in it; the search for a shortest cycle with one
//! overwritten read visits at most [`MAX_VISITS`] edges of a component, and beyond that the cycle shown may be a longer one
//! of a wider class. That there is a cycle is never missed.

use super::components::Components;
use super::{ALL, DEPENDENCIES, Edge, Graph, ITEMS, Kind, Kinds, Phenomenon, WITH_TIME, WRITES};
use crate::cell::{Key, Version};
use crate::history::Operation;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;

/// How many edges the search for one component's shortest cycle looks at before it takes what it has.
const MAX_VISITS: usize = 2_000_000;

/// A cycle: each step's target is the next one's source, and the last one's target is the first one's source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cycle {
    /// What it is called.
    pub phenomenon: Phenomenon,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// One edge of a cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Who comes first.
    pub from: Operation,
    /// Who comes after.
    pub to: Operation,
    /// Why.
    pub kind: Kind,
    /// The cell, unless it is the order of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    /// The version that the first one wrote or saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// The version that the second one wrote or saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Version>,
}

/// Edges in a row, each with its source.
type Path<'g> = Vec<(usize, &'g Edge)>;

impl Graph<'_> {
    /// The cycles of every component: dirty ones (G0, G1c) and those with overwritten reads.
    pub fn cycles(&self) -> Vec<Cycle> {
        let mut search = Search::of(self);
        let mut found = Vec::new();
        let writes = self.components(WRITES);
        for component in &writes.nodes {
            found.extend(search.shortest(component, &writes, WRITES, |_| true).map(|path| (Phenomenon::G0, path)));
        }
        let dependencies = self.components(DEPENDENCIES);
        for component in &dependencies.nodes {
            let reads = |kind| matches!(kind, Kind::Wr | Kind::WrSearch);
            let cycle = search.shortest(component, &dependencies, DEPENDENCIES, reads);
            found.extend(cycle.map(|path| (Phenomenon::G1c, path)));
        }
        let (all, items) = (self.components(ALL), self.components(ITEMS));
        for component in &all.nodes {
            let before = found.len();
            found.extend(self.pairs(component));
            if found.len() == before {
                found.extend(search.single(component, &all).map(|path| (Phenomenon::GSingle, path)));
            }
            if found.len() == before {
                let cycle = search.shortest(component, &items, ITEMS, Kind::is_overwritten_read);
                found.extend(cycle.map(|path| (Phenomenon::G2Item, path)));
            }
            if found.len() == before {
                let cycle = search.shortest(component, &all, ALL, Kind::is_overwritten_read);
                found.extend(cycle.map(|path| (Phenomenon::G2, path)));
            }
        }
        found.into_iter().map(|(phenomenon, path)| self.told(phenomenon, &path)).collect()
    }

    /// A cycle through moments of real time.
    pub(super) fn timed_cycle(&self) -> Option<Cycle> {
        let components = self.components(WITH_TIME);
        let component = components.nodes.first()?;
        let path = Search::of(self).shortest(component, &components, WITH_TIME, |kind| kind != Kind::RealTime)?;
        Some(self.told(Phenomenon::RealTime, &path))
    }

    /// The cycles of two transactions with one overwritten read, one of each name.
    fn pairs(&self, component: &[usize]) -> Vec<(Phenomenon, Path<'_>)> {
        let mut found: Vec<(Phenomenon, Path<'_>)> = Vec::new();
        for node in component {
            let edges = self.edges(*node).iter();
            for edge in edges.filter(|edge| edge.kind.is_some_and(Kind::is_overwritten_read)) {
                let back = self.edges(edge.to);
                let start = back.partition_point(|back| back.to < *node);
                let back = back.get(start..).unwrap_or_default().iter().take_while(|back| back.to == *node);
                for back in back.filter(|back| back.kind.is_some_and(|kind| DEPENDENCIES.contains(&kind))) {
                    let name = named(edge, back);
                    if !found.iter().any(|(known, _)| *known == name) {
                        found.push((name, vec![(*node, edge), (edge.to, back)]));
                    }
                }
            }
        }
        found.sort_by_key(|(name, _)| *name);
        found
    }

    /// A cycle in words; the edges that only lead on belong to the step before them.
    fn told(&self, phenomenon: Phenomenon, path: &[(usize, &Edge)]) -> Cycle {
        let mut steps: Vec<Step> = Vec::new();
        for ((from, edge), to) in path.iter().zip(path.iter().cycle().skip(1).map(|(from, _)| *from)) {
            let cell = edge.cell.clone();
            if let Some(kind) = edge.kind {
                let (from, to) = (self.history.operation(*from), self.history.operation(to));
                steps.push(Step { from, to, kind, key: None, version: None, next: None });
            }
            let Some(step) = steps.last_mut() else { continue };
            step.to = self.history.operation(to);
            if let Some((key, version, next)) = cell {
                (step.key, step.version, step.next) = (Some(key), Some(version), Some(next));
            }
        }
        Cycle { phenomenon, steps }
    }
}

/// What a cycle of two is called: one read what the other overwrote, and the other is seen or overwritten by it.
fn named(overwritten: &Edge, back: &Edge) -> Phenomenon {
    let key = |edge: &Edge| edge.cell.as_ref().map(|(key, ..)| key.clone());
    match (overwritten.kind, back.kind) {
        (_, Some(Kind::Ww)) if key(overwritten) == key(back) => Phenomenon::P4,
        (_, Some(Kind::Wr | Kind::WrSearch)) if back.line < overwritten.line => Phenomenon::Otv,
        (Some(Kind::RwSearch), Some(Kind::WrSearch)) if overwritten.line < back.line => Phenomenon::Pmp,
        _ => Phenomenon::GSingle,
    }
}

/// A breadth-first search that is used again and again without clearing what it knows of the nodes.
struct Search<'g> {
    graph: &'g Graph<'g>,
    met: Vec<Met>,
    round: usize,
    visits: usize,
}

/// How a node was met last.
#[derive(Debug, Clone, Copy, Default)]
struct Met {
    round: usize,
    /// How many steps it is away.
    steps: usize,
    /// By which edge of which node.
    from: usize,
    place: usize,
}

impl<'g> Search<'g> {
    fn of(graph: &'g Graph<'g>) -> Search<'g> {
        Search { graph, met: vec![Met::default(); graph.edges.len()], round: 0, visits: 0 }
    }

    /// The shortest cycle of a component whose first edge is of a wanted kind, by edges of the kinds that made it.
    fn shortest(
        &mut self,
        component: &[usize],
        within: &Components,
        kinds: Kinds,
        wanted: impl Fn(Kind) -> bool,
    ) -> Option<Path<'g>> {
        self.closed(component, within, kinds, |kind| kinds.contains(&kind) && wanted(kind))
    }

    /// The shortest cycle of a component with one overwritten read.
    fn single(&mut self, component: &[usize], within: &Components) -> Option<Path<'g>> {
        self.closed(component, within, DEPENDENCIES, Kind::is_overwritten_read)
    }

    /// The shortest cycle of one wanted edge and a way back by edges of some kinds.
    fn closed(
        &mut self,
        component: &[usize],
        within: &Components,
        kinds: Kinds,
        wanted: impl Fn(Kind) -> bool,
    ) -> Option<Path<'g>> {
        let graph = self.graph;
        let mut best: Option<Path<'g>> = None;
        self.visits = 0;
        for node in component {
            let edges = graph.edges(*node).iter().filter(|edge| edge.kind.is_some_and(&wanted));
            for edge in edges.filter(|edge| within.join(*node, edge.to)) {
                let longest = best.as_ref().map_or(usize::MAX, |best| steps(best) - 1);
                if longest < 2 || self.visits > MAX_VISITS {
                    return best;
                }
                if let Some(back) = self.path(edge.to, *node, within, kinds, longest - 1) {
                    best = Some([(*node, edge)].into_iter().chain(back).collect());
                }
            }
        }
        best
    }

    /// A shortest path between two nodes of a component, of at most so many steps.
    ///
    /// What only leads on is no step, so it is followed before all else.
    fn path(
        &mut self,
        start: usize,
        goal: usize,
        within: &Components,
        kinds: Kinds,
        longest: usize,
    ) -> Option<Path<'g>> {
        let graph = self.graph;
        self.round += 1;
        let round = self.round;
        let mut queue = VecDeque::from([(start, 0)]);
        while let Some((node, steps)) = queue.pop_front() {
            if node == goal {
                return Some(self.back(start, goal));
            }
            for (place, edge) in graph.edges(node).iter().enumerate() {
                self.visits += 1;
                let steps = steps + usize::from(edge.kind.is_some());
                if steps > longest || !edge.is_of(kinds) || !within.join(node, edge.to) {
                    continue;
                }
                match self.met.get_mut(edge.to) {
                    Some(met) if met.round < round || steps < met.steps => {
                        *met = Met { round, steps, from: node, place }
                    }
                    _ => continue,
                }
                if edge.kind.is_some() {
                    queue.push_back((edge.to, steps));
                } else {
                    queue.push_front((edge.to, steps));
                }
            }
        }
        None
    }

    /// The path by which a node was met.
    fn back(&self, start: usize, goal: usize) -> Path<'g> {
        let mut path = Vec::new();
        let mut node = goal;
        while let Some(met) = self.met.get(node)
            && let Some(edge) = self.graph.edges(met.from).get(met.place)
        {
            path.push((met.from, edge));
            node = met.from;
            if node == start {
                break;
            }
        }
        path.reverse();
        path
    }
}

/// How many steps a path has.
fn steps(path: &Path<'_>) -> usize {
    path.iter().filter(|(_, edge)| edge.kind.is_some()).count()
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.steps.iter().enumerate() {
            write!(f, "{}{step}", if place == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Step { from, to, kind, .. } = self;
        let (Some(key), Some(version), Some(next)) = (&self.key, self.version, self.next) else {
            return write!(f, "{from} had committed before {to} began");
        };
        match kind {
            Kind::Ww => write!(f, "{from} wrote {key} at {version}, and {to} overwrote it at {next}"),
            Kind::Wr => write!(f, "{from} wrote {key} at {version}, and {to} read that"),
            Kind::WrSearch => write!(f, "{from} wrote {key} at {version}, and {to} saw that in a search"),
            Kind::Rw => write!(f, "{from} read {key} at {version}, and {to} overwrote that at {next}"),
            _ if version == Version::ZERO => {
                write!(f, "{from} searched and found no {key}, and {to} wrote it at {next}")
            }
            _ => write!(f, "{from} searched and saw {key} at {version}, and {to} overwrote that at {next}"),
        }
    }
}
