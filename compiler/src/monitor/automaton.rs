//! Deterministic automata: made by following a transition function, and minimised.
//!
//! A letter is a bit set of true atoms. State 0 is the start. States are numbered in the order in which they are found,
//! and a minimised automaton keeps that order, so equal languages have equal automata.

use super::TooComplex;
use super::ltlf::Formula;
use std::collections::{BTreeMap, BTreeSet};

/// The most states that are followed before minimisation.
const MAX_EXPLORED: usize = 1024;

/// A complete deterministic automaton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Automaton {
    /// The number of letters.
    pub(super) letters: usize,
    /// The successor of each state under each letter, state by state.
    pub(super) next: Vec<usize>,
    /// Whether a trace may end in each state.
    pub(super) accepting: Vec<bool>,
}

/// The letters over so many atoms.
pub(super) fn letters(atoms: usize) -> impl Iterator<Item = u8> {
    (0..=u8::MAX).take(1 << atoms.min(8))
}

/// The minimal automaton of a formula.
pub(super) fn automaton(formula: Formula, atoms: usize) -> Result<Automaton, TooComplex> {
    Ok(Automaton::explore(atoms, formula, Formula::progress, Formula::accepts_empty)?.minimised())
}

impl Automaton {
    /// Follows a transition function from a start, breadth first.
    pub(super) fn explore<S: Ord + Clone>(
        atoms: usize,
        start: S,
        step: impl Fn(&S, u8) -> S,
        accepts: impl Fn(&S) -> bool,
    ) -> Result<Self, TooComplex> {
        let mut numbers = BTreeMap::from([(start.clone(), 0)]);
        let mut states = vec![start];
        let mut next = Vec::new();
        for at in 0..MAX_EXPLORED {
            let Some(state) = states.get(at).cloned() else {
                let accepting = states.iter().map(accepts).collect();
                return Ok(Self { letters: letters(atoms).count(), next, accepting });
            };
            next.extend(letters(atoms).map(|letter| {
                *numbers.entry(step(&state, letter)).or_insert_with_key(|found| {
                    states.push(found.clone());
                    states.len() - 1
                })
            }));
        }
        Err(TooComplex)
    }

    /// The smallest automaton of the same language, by partition refinement (Moore 1956).
    pub(super) fn minimised(&self) -> Self {
        let (mut class, mut count) = numbered(&self.accepting);
        loop {
            let row = |row: &[usize]| row.iter().map(|to| class.get(*to).copied()).collect::<Vec<_>>();
            let signatures: Vec<_> = self.rows().map(row).zip(&class).collect();
            let (finer, finer_count) = numbered(&signatures);
            if finer_count == count {
                return self.quotient(&class);
            }
            (class, count) = (finer, finer_count);
        }
    }

    /// The state after a letter.
    pub(super) fn step(&self, state: usize, letter: u8) -> usize {
        self.next.get(state * self.letters + usize::from(letter)).copied().unwrap_or(state)
    }

    /// Whether a trace may end in a state.
    pub(super) fn accepts(&self, state: usize) -> bool {
        self.accepting.get(state).copied().unwrap_or_default()
    }

    /// The pairs of states of which the first accepts some word that the second does not.
    pub(super) fn escapes(&self) -> BTreeSet<(usize, usize)> {
        let states = 0..self.accepting.len();
        let pairs = || states.clone().rev().flat_map(|s| states.clone().rev().map(move |t| (s, t)));
        let mut escapes: BTreeSet<_> = pairs().filter(|(s, t)| self.accepts(*s) && !self.accepts(*t)).collect();
        loop {
            let before = escapes.len();
            for (s, t) in pairs() {
                let row = |state: usize| self.next.iter().skip(state * self.letters).take(self.letters).copied();
                if row(s).zip(row(t)).any(|pair| escapes.contains(&pair)) {
                    escapes.insert((s, t));
                }
            }
            if escapes.len() == before {
                return escapes;
            }
        }
    }

    fn rows(&self) -> impl Iterator<Item = &[usize]> {
        self.next.chunks_exact(self.letters)
    }

    /// Joins the states of each class, whose numbers are in the order of their first members.
    fn quotient(&self, class: &[usize]) -> Self {
        let mut joined = Self { letters: self.letters, next: Vec::new(), accepting: Vec::new() };
        for ((row, accepting), own) in self.rows().zip(&self.accepting).zip(class) {
            if *own == joined.accepting.len() {
                joined.next.extend(row.iter().filter_map(|to| class.get(*to)));
                joined.accepting.push(*accepting);
            }
        }
        joined
    }
}

/// Numbers keys in the order of first appearance, equal ones alike; also tells how many there are.
fn numbered<K: Ord>(keys: &[K]) -> (Vec<usize>, usize) {
    let mut numbers = BTreeMap::new();
    let mut number = |key| {
        let new = numbers.len();
        *numbers.entry(key).or_insert(new)
    };
    let numbered = keys.iter().map(&mut number).collect();
    (numbered, numbers.len())
}
