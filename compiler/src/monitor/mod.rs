//! Monitors: what a directive asks for over time, as a small deterministic automaton.
//!
//! [`lower`](lower()) turns a directive into atoms (predicates, each looked for in attempts or in completions) and a
//! [`Monitor`] over their truth values. A session keeps one byte for each monitor: its state. An instant is a *letter*, a
//! byte whose bit *n* is the truth of atom *n*.
//!
//! Who runs monitors steps the letter of the agent's stop as well and only then asks [`Monitor::accepts`]. An event whose
//! step would be [violated](Monitor::violated) is denied and does not happen, so the old state is kept.
//!
//! INVARIANT: a monitor from `lower` is minimal, so at most one state is violated and at most one is settled.
//! Deliberately absent: predicates' truth, witnesses' texts, what a directive is counted over.

mod automaton;
mod lower;
mod ltlf;
mod scope;
#[cfg(test)]
mod tests;

pub use lower::lower;

use automaton::Automaton;
use rules::Predicate;
use serde::{Deserialize, Serialize};

/// The most atoms of a monitor: a letter is one byte.
pub const MAX_ATOMS: usize = 8;

/// The most states of a monitor: a state is one byte.
pub const MAX_STATES: usize = 256;

/// A predicate, and where it is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Atom {
    /// What is looked for.
    pub predicate: Predicate,
    /// In which instants.
    pub phase: Phase,
}

/// The instants of a tool call. Events that are not tool calls have one instant, which is both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It is about to run and can still be stopped.
    Attempt,
    /// It has run.
    Completion,
}

/// A directive asks for more than a monitor can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pattern needs more than {MAX_ATOMS} different predicates, {MAX_ATOMS} steps or {MAX_STATES} states")]
pub struct TooComplex;

/// A minimal deterministic automaton over letters.
///
/// Every method is total: a state or letter out of range leaves the state as it is, and such a state is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitor {
    /// The number of letters, a power of two.
    letters: u16,
    /// The successor of each state under each letter, state by state.
    next: Vec<u8>,
    /// Whether a session may end in each state.
    accepting: Vec<bool>,
}

impl Monitor {
    /// The state in which every session starts.
    pub const START: u8 = 0;

    /// Whether the tables fit together, as those of a damaged artifact need not.
    pub fn is_valid(&self) -> bool {
        let states = self.accepting.len();
        (1..=MAX_STATES).contains(&states)
            && self.letters.is_power_of_two()
            && self.letters <= 1 << MAX_ATOMS
            && self.next.len() == states * usize::from(self.letters)
            && self.next.iter().all(|state| usize::from(*state) < states)
    }

    /// The state after a letter.
    pub fn step(&self, state: u8, letter: u8) -> u8 {
        if u16::from(letter) >= self.letters {
            return state;
        }
        let at = usize::from(state) * usize::from(self.letters) + usize::from(letter);
        self.next.get(at).copied().unwrap_or(state)
    }

    /// Whether the session may end in a state.
    pub fn accepts(&self, state: u8) -> bool {
        self.accepting.get(usize::from(state)).copied().unwrap_or(true)
    }

    /// Whether nothing that follows can be accepted, whatever letters come.
    ///
    /// That one atom implies another is not known here, so some obligations that nothing can meet are only open.
    pub fn violated(&self, state: u8) -> bool {
        !self.accepts(state) && self.absorbs(state)
    }

    /// Whether everything that follows is accepted.
    pub fn settled(&self, state: u8) -> bool {
        self.accepts(state) && self.absorbs(state)
    }

    /// Whether an instant in which no atom is true leaves a state as it is.
    pub fn idle(&self, state: u8) -> bool {
        self.step(state, 0) == state
    }

    /// Whether the truth of an atom makes a difference in a state.
    pub fn heeds(&self, state: u8, atom: usize) -> bool {
        let flip = u8::try_from(atom).ok().and_then(|atom| 1_u8.checked_shl(u32::from(atom))).unwrap_or(0);
        self.letters().any(|letter| self.step(state, letter) != self.step(state, letter ^ flip))
    }

    /// The states.
    pub fn states(&self) -> impl Iterator<Item = u8> + use<> {
        (0..=u8::MAX).take(self.accepting.len())
    }

    /// The letters.
    pub fn letters(&self) -> impl Iterator<Item = u8> + use<> {
        (0..=u8::MAX).take(usize::from(self.letters))
    }

    fn absorbs(&self, state: u8) -> bool {
        self.letters().all(|letter| self.step(state, letter) == state)
    }
}

impl TryFrom<&Automaton> for Monitor {
    type Error = TooComplex;

    fn try_from(automaton: &Automaton) -> Result<Self, TooComplex> {
        let next = automaton.next.iter().map(|state| u8::try_from(*state)).collect::<Result<_, _>>();
        Ok(Self {
            letters: u16::try_from(automaton.letters).map_err(|_| TooComplex)?,
            next: next.map_err(|_| TooComplex)?,
            accepting: automaton.accepting.clone(),
        })
    }
}
