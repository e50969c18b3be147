//! Scopes: a pattern's automaton, lifted from one segment of a session to the session.
//!
//! A segment is closed at its start and open at its end. The lifted automaton remembers the states of all open segments,
//! each run by the pattern's automaton, and whether a closed one has failed:
//!
//! - **start**: without `after` one segment starts with the session. With `after` alone, one starts at the first such
//!   event. With an end too, one starts at *each* such event that is not also an end, so segments overlap: in
//!   `Q … Q … R` both `[Q, R)` count, as Dwyer's `G((Q ∧ ¬R) → …)` says.
//! - **end**: at an end event every open segment closes, without that event, and fails unless its state accepts. So an
//!   empty segment before the first event fails where the pattern rejects the empty trace, as `existence` does.
//! - **the session's end**: with `before`, open segments do not count; otherwise each must accept.
//!
//! So a segment that can no longer be right is a violation at once with `until`, and with `before` only when the end
//! comes. Of overlapping segments only those are remembered that no other one implies (an antichain, as De Wulf et al.,
//! CAV 2006), which keeps the set small.

use super::TooComplex;
use super::automaton::Automaton;
use std::collections::BTreeSet;

/// The atoms that bound segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scope {
    /// Starts a segment.
    pub(super) after: Option<u8>,
    /// Ends every segment.
    pub(super) end: Option<u8>,
    /// Whether a segment that the session ends counts too.
    pub(super) to_the_last: bool,
}

/// The states of the open segments; nothing after a segment has failed.
type Open = Option<BTreeSet<usize>>;

impl Scope {
    /// The minimal automaton over sessions for a minimal automaton over segments.
    pub(super) fn lift(self, segment: &Automaton, atoms: usize) -> Result<Automaton, TooComplex> {
        let overlapping = self.after.is_some() && self.end.is_some();
        let escapes = if overlapping { segment.escapes() } else { BTreeSet::new() };
        let step = |open: &Open, letter: u8| {
            let mut open = self.step(segment, open.as_ref()?, letter)?;
            if overlapping {
                let all = open.clone();
                open.retain(|weak| !all.iter().any(|strong| strong != weak && !escapes.contains(&(*strong, *weak))));
            }
            Some(open)
        };
        let accepts = |open: &Open| {
            open.as_ref().is_some_and(|open| !self.to_the_last || open.iter().all(|state| segment.accepts(*state)))
        };
        let start = if self.after.is_some() { BTreeSet::new() } else { BTreeSet::from([0]) };
        Ok(Automaton::explore(atoms, Some(start), step, accepts)?.minimised())
    }

    fn step(self, segment: &Automaton, open: &BTreeSet<usize>, letter: u8) -> Open {
        let holds = |atom: Option<u8>| atom.is_some_and(|atom| letter >> atom & 1 == 1);
        if holds(self.end) {
            return open.iter().all(|state| segment.accepts(*state)).then(BTreeSet::new);
        }
        let starts = holds(self.after) && (self.end.is_some() || open.is_empty());
        let running = open.iter().copied().chain(starts.then_some(0));
        Some(running.map(|state| segment.step(state, letter)).collect())
    }
}
