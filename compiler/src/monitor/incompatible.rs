//! Whether two monitors can trap an agent: a session in which neither is violated yet, and no continuation is accepted by
//! both. The product automaton, searched breadth first, so that the witness is a shortest one.

use super::Monitor;
use std::collections::BTreeMap;

/// The most steps of the product automaton that are followed.
const MAX_EDGES: usize = 1 << 20;

/// A session after which two obligations can no longer both be met; empty where they never can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The letters of the first and of the second monitor, instant by instant.
    pub letters: Vec<(u8, u8)>,
}

/// Finds a shortest session after which the monitors cannot both be satisfied any more, though neither is violated.
///
/// `together` tells whether a letter of the first and one of the second can be the same instant. Instants that violate
/// either are denied and do not happen. Nothing is found where the product is too large to search.
pub fn incompatible(a: &Monitor, b: &Monitor, together: impl Fn(u8, u8) -> bool) -> Option<Witness> {
    let pairs = a.letters().flat_map(|first| b.letters().map(move |second| (first, second)));
    let letters: Vec<_> = pairs.filter(|(first, second)| together(*first, *second)).collect();
    if a.states().count() * b.states().count() * letters.len() > MAX_EDGES {
        return None;
    }
    let found = explore(a, b, &letters);
    let hopeful = hopeful(a, b, &found);
    let lost = hopeful.iter().position(|hopeful| !hopeful)?;
    let before = |at: usize| found.get(at)?.origin;
    let mut path: Vec<_> =
        std::iter::successors(before(lost), |(at, _)| before(*at)).map(|(_, letter)| letter).collect();
    path.reverse();
    Some(Witness { letters: path })
}

/// A joint state that can be reached.
#[derive(Debug)]
struct Joint {
    states: (u8, u8),
    /// The place of the joint state it was first reached from, and by which letters.
    origin: Option<(usize, (u8, u8))>,
    /// The places of those that lead to it.
    predecessors: Vec<usize>,
}

/// The joint states that can be reached without a violation, nearest first.
fn explore(a: &Monitor, b: &Monitor, letters: &[(u8, u8)]) -> Vec<Joint> {
    let start = (Monitor::START, Monitor::START);
    let mut found = vec![Joint { states: start, origin: None, predecessors: Vec::new() }];
    let mut places = BTreeMap::from([(start, 0)]);
    let mut at = 0;
    while let Some((first, second)) = found.get(at).map(|joint| joint.states) {
        for letter in letters {
            let states = (a.step(first, letter.0), b.step(second, letter.1));
            if a.violated(states.0) || b.violated(states.1) {
                continue;
            }
            let place = *places.entry(states).or_insert_with(|| {
                found.push(Joint { states, origin: Some((at, *letter)), predecessors: Vec::new() });
                found.len() - 1
            });
            if let Some(joint) = found.get_mut(place) {
                joint.predecessors.push(at);
            }
        }
        at += 1;
    }
    found
}

/// Whether both monitors can still accept, for each joint state.
fn hopeful(a: &Monitor, b: &Monitor, found: &[Joint]) -> Vec<bool> {
    let accepting = |joint: &Joint| a.accepts(joint.states.0) && b.accepts(joint.states.1);
    let mut open: Vec<usize> = (0..found.len()).filter(|at| found.get(*at).is_some_and(accepting)).collect();
    let mut hopeful = vec![false; found.len()];
    while let Some(at) = open.pop() {
        let (Some(reached), Some(joint)) = (hopeful.get_mut(at), found.get(at)) else { continue };
        if !std::mem::replace(reached, true) {
            open.extend(&joint.predecessors);
        }
    }
    hopeful
}
