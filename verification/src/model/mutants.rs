//! Broken on purpose: the core without one of its guards, and what catches that.
//!
//! The ledger is checked in both directions: a mutant that is caught at another depth, or not at all, is as unexpected as a
//! survivor that is caught.

use super::promise::{Coverage, Promise};
use super::run::Counterexample;
use super::setup::Setup;
use super::suite;
use consistency::guard::Guard;

/// What becomes of the core without a guard.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// The guard that is off.
    pub guard: Guard,
    /// The model that is run.
    pub model: &'static str,
    /// What is found there, in how many actions at least.
    pub fate: Fate,
}

/// Whether a mutant is caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// This promise is broken, in so many actions at least.
    Caught(Promise, usize),
    /// Nothing is broken in all states of the model, for this reason.
    Survives(&'static str),
}

const fn caught(guard: Guard, model: &'static str, promise: Promise, depth: usize) -> Mutant {
    Mutant { guard, model, fate: Fate::Caught(promise, depth) }
}

/// The ledger: every guard once.
pub const LEDGER: &[Mutant] = &[
    caught(Guard::Reads, "l1", Promise::StaleGeneration, 7),
    caught(Guard::Absence, "l1", Promise::StaleGeneration, 5),
    caught(Guard::Searches, "predicates", Promise::StaleGeneration, 5),
    caught(Guard::Extension, "processes", Promise::TornView, 5),
    caught(Guard::Notice, "l1", Promise::Doomed, 4),
    caught(Guard::Fresh, "read-only", Promise::StaleGeneration, 5),
    caught(Guard::ReadOnly, "read-only", Promise::ReadOnly, 2),
    caught(Guard::Once, "l1", Promise::Once, 3),
    caught(Guard::Idempotency, "idempotency", Promise::Idempotency, 4),
    caught(Guard::Forgery, "forgery", Promise::StaleGeneration, 5),
    caught(Guard::Epoch, "durability", Promise::Versions, 5),
    caught(Guard::Predecessors, "deltas", Promise::Cascade, 8),
    caught(Guard::Dependence, "l2", Promise::Closed, 5),
    caught(Guard::Contributors, "deltas", Promise::Closed, 7),
    caught(Guard::Hold, "l2", Promise::Held, 2),
    caught(Guard::Cascade, "l2", Promise::Cascade, 6),
    caught(Guard::Compensation, "l2", Promise::Contents, 3),
    caught(Guard::Release, "l2", Promise::Released, 6),
    caught(Guard::LaneOrder, "l3", Promise::EffectOrder, 6),
    caught(Guard::PinsAtCommit, "l4", Promise::PhantomTool, 4),
    caught(Guard::PinsAtUse, "l4", Promise::PhantomTool, 5),
    caught(Guard::Claims, "outbox-queryable", Promise::ActsOnce, 7),
    caught(Guard::Doubt, "outbox-never", Promise::ActsOnce, 8),
    caught(Guard::Tokens, "leases", Promise::Fenced, 5),
    caught(Guard::Monotone, "leases", Promise::Tokens, 4),
    caught(Guard::WoundWait, "leases", Promise::WoundWait, 4),
    caught(Guard::Horizon, "collection", Promise::Kept, 5),
];

impl Mutant {
    /// The model without the guard.
    pub fn setup(&self) -> Option<Setup> {
        let setup = suite::row(self.model)?.setup;
        let guards = setup.guards.less(self.guard);
        Some(Setup { guards, coverage: Coverage::default(), ..setup })
    }

    /// Looks for what the guard prevents: the promise that is broken, or whichever is.
    pub fn check(&self) -> Option<Counterexample> {
        let setup = self.setup()?;
        match self.fate {
            Fate::Caught(promise, _) => setup.refute(promise),
            Fate::Survives(_) => setup.check(super::run::Search::Breadth, 1, &mut |_| ()).broken.pop(),
        }
    }

    /// What is not as expected, in words; nothing where all is well.
    pub fn unexpected(&self, found: Option<&Counterexample>) -> Option<String> {
        let (guard, model) = (self.guard, self.model);
        match (self.fate, found) {
            (Fate::Caught(promise, _), None) => Some(format!("{guard:?} off breaks no “{promise}” in {model}")),
            (Fate::Caught(promise, depth), Some(found)) if found.depth() != depth => {
                let (found, story) = (found.depth(), found.story.join("\n  "));
                Some(format!("{guard:?} off breaks “{promise}” at {found}, where {depth} is expected:\n  {story}"))
            }
            (Fate::Survives(_), Some(found)) => {
                let story = found.story.join("\n  ");
                Some(format!("{guard:?} off is a survivor no more: “{}” in {model}:\n  {story}", found.promise))
            }
            _ => None,
        }
    }
}
