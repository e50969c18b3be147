//! Whether a turn may end: one message for all causes, once for each until something has changed, and never for ever.
//!
//! A pure decision over what was told before. What the agent has done since is told by a number that grows with it.

use rules::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was told at the ends of turns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gate {
    /// What each cause looked like when it was told.
    told: BTreeMap<RuleId, Cause>,
    /// How often this turn was held.
    held: u8,
    /// What the user knows to be unresolved.
    known: BTreeSet<RuleId>,
}

/// What a cause looks like: it is told anew only when that changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// How much the agent had done.
    pub deeds: u64,
    /// A hash of its answer, for a cause that lies in the answer.
    pub reply: Option<u64>,
}

/// What happens at the end of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Passage {
    /// Nothing is open.
    Free,
    /// The turn goes on.
    Held,
    /// The turn ends with something open; these the user has not been told of.
    Unresolved(Vec<RuleId>),
}

impl Gate {
    /// A person has said something: another turn.
    pub fn turn(&mut self) {
        self.held = 0;
    }

    /// Decides over all causes, of which `most` times at most a turn is held.
    pub fn pass(&mut self, causes: &BTreeMap<RuleId, Cause>, most: u8) -> Passage {
        if causes.is_empty() {
            *self = Self::default();
            return Passage::Free;
        }
        self.known.retain(|rule| causes.contains_key(rule));
        let is_new = |(rule, cause): (&RuleId, &Cause)| self.told.get(rule) != Some(cause);
        if self.held < most && causes.iter().any(is_new) {
            self.held += 1;
            self.told.clone_from(causes);
            return Passage::Held;
        }
        let unknown: Vec<RuleId> = causes.keys().filter(|rule| !self.known.contains(*rule)).cloned().collect();
        self.known.extend(unknown.iter().cloned());
        Passage::Unresolved(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Gate, Passage};
    use rules::RuleId;
    use std::collections::BTreeMap;

    fn causes(named: &[(&str, u64)]) -> BTreeMap<RuleId, Cause> {
        named.iter().map(|(name, deeds)| (RuleId::slug(name), Cause { deeds: *deeds, reply: None })).collect()
    }

    #[test]
    fn a_cause_is_told_once_until_something_has_changed() {
        let mut gate = Gate::default();
        assert_eq!(gate.pass(&causes(&[("a", 1)]), 4), Passage::Held);
        assert_eq!(gate.pass(&causes(&[("a", 1)]), 4), Passage::Unresolved(vec![RuleId::slug("a")]));
        assert_eq!(gate.pass(&causes(&[("a", 1)]), 4), Passage::Unresolved(vec![]), "the user is told once, too");
        gate.turn();
        assert_eq!(gate.pass(&causes(&[("a", 1)]), 4), Passage::Unresolved(vec![]), "a question is no change");
        assert_eq!(gate.pass(&causes(&[("a", 2)]), 4), Passage::Held);
        assert_eq!(gate.pass(&causes(&[]), 4), Passage::Free);
    }

    #[test]
    fn a_turn_is_held_only_so_often() {
        let mut gate = Gate::default();
        let held = (0..10).filter(|deeds| gate.pass(&causes(&[("a", *deeds)]), 4) == Passage::Held).count();
        assert_eq!(held, 4);
        gate.turn();
        assert_eq!(gate.pass(&causes(&[("a", 11)]), 4), Passage::Held);
    }
}
