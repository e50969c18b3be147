//! Boosted regression trees (Friedman 2001): what is learnt, and how it values a row of features.
//!
//! What is not a number goes left, whatever the threshold: training saw it there too.

/// A sum of trees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trees {
    /// What a row is worth before any tree.
    pub base: f32,
    /// All nodes, tree after tree, each tree's root first.
    pub nodes: Vec<Node>,
    /// Where each tree begins.
    pub roots: Vec<u32>,
}

/// A place where rows part, or where they end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Node {
    /// The feature that is looked at.
    pub feature: u16,
    /// What is greater goes right.
    pub threshold: f32,
    /// Where the left one is, counted from the first node of all; 0 for an end, since no root is a child.
    pub left: u32,
    /// Where the right one is.
    pub right: u32,
    /// What a row that ends here is worth.
    pub value: f32,
}

impl Node {
    /// A place where rows end.
    pub const fn end(value: f32) -> Node {
        Node { feature: 0, threshold: 0.0, left: 0, right: 0, value }
    }
}

impl Trees {
    /// What a row is worth.
    pub fn value(&self, row: &[f32]) -> f32 {
        self.base + self.roots.iter().map(|root| self.of_tree(*root, row)).sum::<f32>()
    }

    /// What each of many rows is worth: each tree is gone through with all of them while it is at hand.
    pub fn values(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let mut sums = vec![0.0; rows.len()];
        for root in &self.roots {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum += self.of_tree(*root, row);
            }
        }
        sums.into_iter().map(|sum| self.base + sum).collect()
    }

    fn of_tree(&self, root: u32, row: &[f32]) -> f32 {
        let mut at = root;
        // INVARIANT: children stand after their parents, so that this ends whatever a file says.
        while let Some(node) = place(at).and_then(|at| self.nodes.get(at)) {
            let goes_right = row.get(usize::from(node.feature)).is_some_and(|value| *value > node.threshold);
            let next = if goes_right { node.right } else { node.left };
            if next <= at {
                return node.value;
            }
            at = next;
        }
        0.0
    }

    /// How often each feature parts rows.
    pub fn uses(&self, features: usize) -> Vec<usize> {
        let mut uses = vec![0; features];
        for node in self.nodes.iter().filter(|node| node.left > 0) {
            if let Some(count) = uses.get_mut(usize::from(node.feature)) {
                *count += 1;
            }
        }
        uses
    }
}

fn place(at: u32) -> Option<usize> {
    usize::try_from(at).ok()
}
