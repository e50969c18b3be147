//! Edges between searches and the cells that were not there.
//!
//! A search comes after whatever removed a cell from its range before, and before whatever brings one in later. That is
//! quadratic in a range where cells come and go; so the arrivals of a range make one chain of nodes and the removals make
//! another, and each search enters or leaves them at one place. Nodes of chains are none of a cycle's steps.
//!
//! What arrives before the search's own commit is linked by itself, so that no chain leads a transaction back to its own
//! writes.

use super::{Edge, Graph, Kind};
use crate::cell::{Key, Version};
use crate::history::{Install, Scan, Transaction};
use std::collections::BTreeMap;

/// A cell that comes or goes.
struct Flip {
    version: Version,
    transaction: usize,
    cell: (Key, Version, Version),
}

/// A range, and who searched it in which search.
type Searches<'h> = BTreeMap<(&'h str, Option<&'h str>), Vec<(usize, &'h Scan)>>;

impl<'h> Graph<'h> {
    /// Links all searches that found exactly what was there, by transactions that write with their commit.
    pub(super) fn link_searches(&mut self) {
        let history = self.history;
        let mut searches: Searches<'h> = BTreeMap::new();
        for (id, transaction, _) in history.committed().filter(|(_, transaction, _)| transaction.is_orderly()) {
            for scan in transaction.scans.iter().filter(|scan| scan.is_exact) {
                searches.entry((&scan.from, scan.to.as_deref())).or_default().push((id, scan));
            }
        }
        for searches in searches.values() {
            let Some((_, scan)) = searches.first() else { continue };
            let (arrivals, removals) = self.flips(scan);
            self.link_arrivals(searches, &arrivals);
            self.link_removals(searches, &removals);
        }
    }

    /// What comes and what goes in a range, each in the order of versions.
    fn flips(&self, scan: &Scan) -> (Vec<Flip>, Vec<Flip>) {
        let (mut arrivals, mut removals) = (Vec::new(), Vec::new());
        for (key, installs) in self.history.cells.range::<str, _>(scan.range()) {
            let mut before: Option<&Install> = None;
            for install in installs {
                let at = before.map_or(Version::ZERO, |before| before.version);
                let flip = |cell| Flip { version: install.version, transaction: install.transaction, cell };
                match (before.is_some_and(Install::is_present), install.is_present()) {
                    (false, true) => arrivals.push(flip((key.clone(), at, install.version))),
                    (true, false) => removals.push(flip((key.clone(), install.version, install.version))),
                    _ => {}
                }
                before = Some(install);
            }
        }
        for flips in [&mut arrivals, &mut removals] {
            flips.sort_by_key(|flip| flip.version);
        }
        (arrivals, removals)
    }

    fn link_arrivals(&mut self, searches: &[(usize, &'h Scan)], arrivals: &[Flip]) {
        let chain = self.edges.len();
        for (place, flip) in (chain..).zip(arrivals) {
            self.edges.push(Vec::new());
            if place > chain {
                self.link(place - 1, Edge { to: place, kind: None, cell: None, line: usize::MAX });
            }
            let cell = Some(flip.cell.clone());
            self.link(place, Edge { to: flip.transaction, kind: None, cell, line: usize::MAX });
        }
        for (id, scan) in searches {
            let commit = self.history.transactions.get(*id).and_then(Transaction::version).unwrap_or_default();
            // A read-only search may be told where it serialises, which is not before its snapshot.
            let after = arrivals.partition_point(|flip| flip.version <= commit.max(scan.snapshot));
            if after < arrivals.len() {
                self.link(*id, Edge { to: chain + after, kind: Some(Kind::RwSearch), cell: None, line: scan.line });
            }
        }
    }

    fn link_removals(&mut self, searches: &[(usize, &'h Scan)], removals: &[Flip]) {
        let chain = self.edges.len();
        for (place, flip) in (chain..).zip(removals) {
            self.edges.push(Vec::new());
            if place > chain {
                self.link(place - 1, Edge { to: place, kind: None, cell: None, line: usize::MAX });
            }
            let cell = Some(flip.cell.clone());
            self.link(flip.transaction, Edge { to: place, kind: Some(Kind::WrSearch), cell, line: usize::MAX });
        }
        let mut first: BTreeMap<usize, Version> = BTreeMap::new();
        for (id, scan) in searches {
            let known = first.entry(*id).or_insert(scan.snapshot);
            *known = scan.snapshot.min(*known);
        }
        for (id, scan) in searches {
            let before = removals.partition_point(|flip| flip.version <= scan.snapshot);
            if let Some(last) = before.checked_sub(1) {
                self.link(chain + last, Edge { to: *id, kind: None, cell: None, line: scan.line });
            }
            // Those since an earlier search of the same transaction are linked by themselves, to be called by their names.
            let since = removals.partition_point(|flip| Some(&flip.version) <= first.get(id));
            for flip in removals.get(since..before).unwrap_or_default() {
                let cell = Some(flip.cell.clone());
                self.link(flip.transaction, Edge { to: *id, kind: Some(Kind::WrSearch), cell, line: scan.line });
            }
        }
    }
}

impl Transaction {
    /// Whether it wrote with its commit only, after all that it searched: our store's transactions always do.
    pub(super) fn is_orderly(&self) -> bool {
        let commit = self.version().unwrap_or_default();
        let own = self.writes.iter().all(|(_, version, _)| *version == commit);
        own && (self.writes.is_empty() || self.scans.iter().all(|scan| scan.snapshot < commit))
    }
}
