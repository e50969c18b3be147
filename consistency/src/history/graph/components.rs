//! Strongly connected components, by Tarjan's algorithm with a stack of its own, so that depth costs no call frames.

use super::{Edge, Graph, Kinds};

/// The components that hold a cycle.
#[derive(Debug)]
pub(super) struct Components {
    /// The component of each node; nothing where no cycle passes.
    of: Vec<Option<usize>>,
    /// The nodes of each component, in order.
    pub(super) nodes: Vec<Vec<usize>>,
}

impl Components {
    /// Whether a cycle passes both nodes.
    pub(super) fn join(&self, one: usize, other: usize) -> bool {
        let of = |node: usize| self.of.get(node).copied().flatten();
        of(one).is_some() && of(one) == of(other)
    }
}

/// What the search knows of a node.
#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    /// When it was met, from 1; 0 for not yet.
    met: usize,
    /// The earliest node on the stack that it reaches.
    low: usize,
    on_stack: bool,
}

/// The search as far as it came.
#[derive(Debug, Default)]
struct Tarjan {
    visits: Vec<Visit>,
    met: usize,
    stack: Vec<usize>,
    /// The nodes that are being followed, with the number of edges followed so far.
    path: Vec<(usize, usize)>,
    found: Vec<Vec<usize>>,
}

impl Graph<'_> {
    /// The components of two nodes and more that edges of some kinds make.
    pub(super) fn components(&self, kinds: Kinds) -> Components {
        let mut tarjan = Tarjan { visits: vec![Visit::default(); self.edges.len()], ..Tarjan::default() };
        for root in 0..self.edges.len() {
            if tarjan.visit(root).met == 0 {
                tarjan.enter(root);
            }
            while let Some((node, followed)) = tarjan.path.pop() {
                tarjan.follow(node, followed, self.edges(node), kinds);
            }
        }
        let mut nodes = tarjan.found;
        nodes.sort();
        let mut of = vec![None; self.edges.len()];
        for (number, component) in nodes.iter().enumerate() {
            for node in component {
                if let Some(of) = of.get_mut(*node) {
                    *of = Some(number);
                }
            }
        }
        Components { of, nodes }
    }
}

impl Tarjan {
    fn visit(&self, node: usize) -> Visit {
        self.visits.get(node).copied().unwrap_or_default()
    }

    fn update(&mut self, node: usize, change: impl FnOnce(&mut Visit)) {
        if let Some(visit) = self.visits.get_mut(node) {
            change(visit);
        }
    }

    fn enter(&mut self, node: usize) {
        self.met += 1;
        let met = self.met;
        self.update(node, |visit| *visit = Visit { met, low: met, on_stack: true });
        self.stack.push(node);
        self.path.push((node, 0));
    }

    /// Follows the next edge of a node, or leaves it where there is none.
    fn follow(&mut self, node: usize, followed: usize, edges: &[Edge], kinds: Kinds) {
        let Some(edge) = edges.get(followed) else { return self.leave(node) };
        self.path.push((node, followed + 1));
        if !edge.is_of(kinds) {
            return;
        }
        let target = self.visit(edge.to);
        if target.met == 0 {
            self.enter(edge.to);
        } else if target.on_stack {
            self.update(node, |visit| visit.low = visit.low.min(target.met));
        }
    }

    fn leave(&mut self, node: usize) {
        let Visit { met, low, .. } = self.visit(node);
        if let Some((parent, _)) = self.path.last().copied() {
            self.update(parent, |visit| visit.low = visit.low.min(low));
        }
        if low < met {
            return;
        }
        let mut component = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.update(member, |visit| visit.on_stack = false);
            component.push(member);
            if member == node {
                break;
            }
        }
        if component.len() > 1 {
            component.sort_unstable();
            self.found.push(component);
        }
    }
}
