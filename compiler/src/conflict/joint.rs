//! The joint automaton of two monitors over concrete events.
//!
//! A move is what one event does to both: an attempt that either forbids is denied and moves nothing, any other completes,
//! well or badly. A predicate that no event of the pool makes true may come true at any time, for all that is known.

use super::prescription::Sample;
use crate::check::Check;
use crate::code::Grammars;
use crate::condition::{Outcome, Situation};
use crate::facts::{Facts, NoWorkspace};
use crate::monitor::{Monitor, Phase};
use crate::text::Expressions;
use crate::truth::Truth;
use rules::EventKind;
use rules::directive::Per;
use std::collections::BTreeMap;

/// The most joint states that are followed; nothing is claimed of a product that has more.
const MAX_JOINT_STATES: usize = 1_024;

/// What conditions are decided with.
#[derive(Debug, Default)]
pub(super) struct Deciding {
    expressions: Expressions,
    grammars: Grammars,
}

/// The truth of one check's atoms at one instant.
type Letter = u8;

impl Deciding {
    /// The letter of an attempt.
    pub(super) fn attempt(&self, check: &Check, facts: &Facts, file: Option<&str>) -> Letter {
        self.letter(check, facts, file, (&[Phase::Attempt], None))
    }

    fn letter(
        &self,
        check: &Check,
        facts: &Facts,
        file: Option<&str>,
        (phases, outcome): (&[Phase], Option<Outcome>),
    ) -> Letter {
        let (expressions, grammars) = (&self.expressions, &self.grammars);
        let situation = Situation { facts, outcome, file, workspace: &NoWorkspace, expressions, grammars };
        let failed = outcome.is_some_and(|outcome| !outcome.ok);
        let holds = |part: &crate::check::Part| {
            phases.contains(&part.phase)
                && (part.phase == Phase::Attempt || !failed || part.tests_exit)
                && part.condition.decide(&situation).truth == Truth::Yes
        };
        (0..).zip(&check.parts).filter(|(_, part)| holds(part)).fold(0, |letter, (bit, _)| letter | 1 << bit)
    }
}

/// What an event does: the letters of both checks, instant by instant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Move {
    /// The event's place in the pool; nothing for what may come true at any time.
    sample: Option<usize>,
    letters: Vec<[Letter; 2]>,
    /// Whether a turn begins.
    turn: bool,
}

/// The states of both monitors.
type States = [u8; 2];

/// Two checks over a pool of events.
#[derive(Debug)]
pub(super) struct Joint<'a> {
    checks: [&'a Check; 2],
    moves: Vec<Move>,
}

/// Joint states in the order in which they are reached.
#[derive(Debug, Default)]
struct Reached {
    states: Vec<States>,
    /// From where each was first reached, and by which move.
    origin: Vec<Option<(usize, usize)>>,
    /// From where each is reached.
    before: Vec<Vec<usize>>,
}

impl<'a> Joint<'a> {
    pub(super) fn of(checks: [&'a Check; 2], pool: &[&Sample], file: Option<&str>, deciding: &Deciding) -> Self {
        let mut moves: Vec<Move> = Vec::new();
        for (at, sample) in pool.iter().enumerate() {
            for instants in instants(&sample.event.kind) {
                let letter = |check: &Check, instant: &Instant| {
                    let file = file.filter(|_| check.per == Per::File);
                    deciding.letter(check, &sample.facts, file, *instant)
                };
                let letters = instants.iter().map(|instant| checks.map(|check| letter(check, instant))).collect();
                let turn = matches!(sample.event.kind, EventKind::UserPromptSubmit { .. });
                moves.push(Move { sample: Some(at), letters, turn });
            }
        }
        let seen = moves.iter().flat_map(|one| &one.letters).fold([0; 2], |[a, b], [c, d]| [a | c, b | d]);
        for (which, check) in checks.iter().enumerate() {
            for bit in 0..check.parts.len().min(8) {
                let letter = 1 << bit;
                if seen.get(which).is_some_and(|seen| seen & letter == 0) {
                    let letters = vec![if which == 0 { [letter, 0] } else { [0, letter] }];
                    moves.push(Move { sample: None, letters, turn: false });
                }
            }
        }
        Self { checks, moves }
    }

    /// Whether none of the first events of the pool is ever permitted, though the first check by itself permits one, and
    /// the second too unless it `always` forbids them: a rule that stands in its own way is in conflict with nobody.
    pub(super) fn never_permits(&self, ways: usize, always: bool) -> bool {
        let permitted = |among: [bool; 2]| {
            let reached = self.explore(among)?;
            let asked = self.moves.iter().filter(|one| one.sample.is_some_and(|sample| sample < ways));
            let asked: Vec<&Move> = asked.collect();
            Some(reached.states.iter().any(|states| asked.iter().any(|one| self.step(*states, one, among).is_some())))
        };
        permitted([true, true]) == Some(false)
            && permitted([true, false]) == Some(true)
            && (always || permitted([false, true]) == Some(true))
    }

    /// A shortest way, as places in the pool, to where an obligation can no longer be met, though each check by itself
    /// would let it be.
    pub(super) fn trap(&self) -> Option<Vec<usize>> {
        let reached = self.explore([true, true])?;
        let hopeful = self.hopeful(&reached, [true, true]);
        let alone = |which: usize, among: [bool; 2]| {
            let reached = self.explore(among)?;
            let hopeful = self.hopeful(&reached, among);
            let own = reached.states.iter().filter_map(move |states| states.get(which).copied());
            Some(own.zip(hopeful).collect::<BTreeMap<u8, bool>>())
        };
        let (first, second) = (alone(0, [true, false])?, alone(1, [false, true])?);
        let lost =
            reached.states.iter().zip(&hopeful).position(|([a, b], hopeful)| {
                !hopeful && first.get(a) == Some(&true) && second.get(b) == Some(&true)
            })?;
        let origin = |at: usize| reached.origin.get(at).copied().flatten();
        let path = std::iter::successors(origin(lost), |(at, _)| origin(*at));
        let mut path: Vec<usize> = path.filter_map(|(_, by)| self.moves.get(by)?.sample).collect();
        path.reverse();
        Some(path)
    }

    /// The states that a move leads to; nothing where it is denied. Checks that do not take part stay at their start.
    fn step(&self, states: States, by: &Move, among: [bool; 2]) -> Option<States> {
        let mut next = states;
        for ((state, check), takes_part) in next.iter_mut().zip(self.checks).zip(among) {
            if by.turn && check.per == Per::Turn && takes_part {
                *state = Monitor::START;
            }
        }
        for letters in &by.letters {
            for (((state, check), letter), takes_part) in next.iter_mut().zip(self.checks).zip(letters).zip(among) {
                if takes_part {
                    *state = check.monitor.step(*state, *letter);
                    if check.monitor.violated(*state) {
                        return None;
                    }
                }
            }
        }
        Some(next)
    }

    fn explore(&self, among: [bool; 2]) -> Option<Reached> {
        let start = [Monitor::START; 2];
        let mut reached = Reached { states: vec![start], origin: vec![None], before: vec![Vec::new()] };
        let mut places = BTreeMap::from([(start, 0)]);
        let mut at = 0;
        while let Some(states) = reached.states.get(at).copied() {
            for (by, one) in self.moves.iter().enumerate() {
                let Some(next) = self.step(states, one, among) else { continue };
                let place = *places.entry(next).or_insert_with(|| {
                    reached.states.push(next);
                    reached.origin.push(Some((at, by)));
                    reached.before.push(Vec::new());
                    reached.states.len() - 1
                });
                reached.before.get_mut(place)?.push(at);
            }
            if reached.states.len() > MAX_JOINT_STATES {
                return None;
            }
            at += 1;
        }
        Some(reached)
    }

    /// For each joint state, whether one in which the session may end can be reached.
    fn hopeful(&self, reached: &Reached, among: [bool; 2]) -> Vec<bool> {
        let accepted = |states: &States| {
            let mut each = states.iter().zip(self.checks).zip(among);
            each.all(|((state, check), takes_part)| !takes_part || check.monitor.accepts(*state))
        };
        let mut hopeful = vec![false; reached.states.len()];
        let good = reached.states.iter().enumerate().filter(|(_, states)| accepted(states));
        let mut open: Vec<usize> = good.map(|(at, _)| at).collect();
        while let Some(at) = open.pop() {
            let Some(known) = hopeful.get_mut(at) else { continue };
            if !std::mem::replace(known, true) {
                open.extend(reached.before.get(at).into_iter().flatten());
            }
        }
        hopeful
    }
}

/// The phases that an instant is in, and how the call ended.
type Instant = (&'static [Phase], Option<Outcome>);

/// The instants of an event, in each of the ways it may end.
fn instants(kind: &EventKind) -> Vec<Vec<Instant>> {
    const ATTEMPT: Instant = (&[Phase::Attempt], None);
    let completion = |ok: bool, code: Option<i32>| -> Instant { (&[Phase::Completion], Some(Outcome { ok, code })) };
    match kind {
        EventKind::PreToolUse { .. } => {
            vec![vec![ATTEMPT, completion(true, Some(0))], vec![ATTEMPT, completion(false, Some(1))]]
        }
        EventKind::PostToolUse { ok, exit_code, .. } => {
            let succeeded = ok.unwrap_or_else(|| exit_code.is_none_or(|code| code == 0));
            vec![vec![ATTEMPT, completion(succeeded, *exit_code)]]
        }
        _ => vec![vec![(&[Phase::Attempt, Phase::Completion], None)]],
    }
}
