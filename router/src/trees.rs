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

    /// What each of many rows of so many features is worth: the same as one by one, and faster, since a tree of one split is
    /// no more than a comparison with one column.
    pub fn values(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let width = rows.first().map_or(0, Vec::len);
        let column = |at: usize| rows.iter().map(|row| row.get(at).copied().unwrap_or(f32::NAN)).collect();
        let columns: Vec<Vec<f32>> = (0..width).map(column).collect();
        let mut sums = vec![0.0; rows.len()];
        for root in &self.roots {
            if let Some((column, threshold, [left, right])) = self.split(*root, &columns) {
                for (sum, value) in sums.iter_mut().zip(column) {
                    *sum += if *value > threshold { right } else { left };
                }
            } else {
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += self.of_tree(*root, row);
                }
            }
        }
        sums.into_iter().map(|sum| self.base + sum).collect()
    }

    /// Of a tree of one split, the column that it looks at, the threshold, and what both sides are worth.
    fn split<'c>(&self, root: u32, columns: &'c [Vec<f32>]) -> Option<(&'c [f32], f32, [f32; 2])> {
        let node = |at: u32| self.nodes.get(place(at)?);
        let root = (root, node(root)?);
        let end =
            |at: u32| node(at).filter(|end| at > root.0 && end.left <= at && end.right <= at).map(|end| end.value);
        let column = columns.get(usize::from(root.1.feature))?;
        Some((column, root.1.threshold, [end(root.1.left)?, end(root.1.right)?]))
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn many_rows_are_worth_what_each_is_worth_alone(
            rows in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(f32::NAN), -2.0..2.0_f32], 4), 0..9),
            nodes in proptest::collection::vec((0..6_u16, -2.0..2.0_f32, 0..14_u32, 0..14_u32, -1.0..1.0_f32), 1..12),
            roots in proptest::collection::vec(0..13_u32, 0..9))
        {
            let node = |(feature, threshold, left, right, value)| Node { feature, threshold, left, right, value };
            let trees = Trees { base: 0.25, nodes: nodes.into_iter().map(node).collect(), roots };
            let alone: Vec<f32> = rows.iter().map(|row| trees.value(row)).collect();
            prop_assert_eq!(trees.values(&rows), alone);
        }
    }
}
