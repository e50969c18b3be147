//! Rules that cannot both be kept.
//!
//! Two ways lead into a conflict. *One asks for what the other forbids*: what a rule prescribes (a replacement, a reaction,
//! something to do first) is made concrete as events, an index over all checks names the rules that can forbid them, and
//! the joint automaton of both monitors decides. *Two texts cannot be one*: what rules want of every reply, every commit
//! message or every file is compared by its structure.
//!
//! INVARIANT: nothing is claimed that was not seen. Where a pool of events does not show how a predicate comes true, it may
//! come true at any time; what a text would have to be like is never guessed. So conflicts are missed rather than made up.
//!
//! Deliberately absent: conflicts that need three rules, and a comparison of all pairs. Each prescription meets only the
//! rules that the index names, and at most [`MAX_SUSPECTS`] of them.

mod claim;
mod joint;
mod prescription;
#[cfg(test)]
mod tests;

use crate::check::{Check, Reach};
use crate::condition::Condition;
use crate::facts::Facts;
use crate::index::{Builder, Index};
use crate::monitor::Phase;
use joint::{Deciding, Joint};
use prescription::{Prescription, Sample};
use rules::directive::Per;
use rules::{Directive, Predicate, Rule, RuleId};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most rules that are looked at for one prescription.
pub const MAX_SUSPECTS: usize = 32;

/// Two rules that cannot both be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The rule that came later.
    pub newer: RuleId,
    /// The rule that was there.
    pub older: RuleId,
    /// What one asks for and the other forbids, in one line.
    pub why: String,
}

/// Finds the conflicts among rules that are live, in their order; `is_newer` tells whether the first came later.
pub fn conflicts(rules: &[(&Rule, &Check)], is_newer: impl Fn(&RuleId, &RuleId) -> bool) -> Vec<Conflict> {
    Survey::of(rules).conflicts(is_newer)
}

/// A rule with what is looked at.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    rule: &'a Rule,
    directive: &'a Directive,
    check: &'a Check,
}

/// Two rules by their places, the smaller first.
type Pair = (usize, usize);

/// Rules that can forbid something, by their places, and whether they do so only sometimes.
type Able = BTreeMap<usize, bool>;

/// All live rules, indexed.
#[derive(Debug)]
struct Survey<'a> {
    subjects: Vec<Subject<'a>>,
    /// Of attempts.
    index: Index,
    /// The events that each rule speaks of, once they are asked for.
    pools: Vec<OnceCell<Vec<Sample>>>,
    /// The rules that can forbid an event, for each that was looked up.
    able: RefCell<BTreeMap<String, Rc<Able>>>,
    deciding: Deciding,
    /// How many checks were evaluated on how many events, and how many pairs were looked at.
    work: Cell<usize>,
}

impl<'a> Survey<'a> {
    fn of(rules: &[(&'a Rule, &'a Check)]) -> Self {
        let with_directive =
            |(rule, check): &(&'a Rule, &'a Check)| Some(Subject { rule, directive: rule.check.as_ref()?, check });
        let subjects: Vec<Subject<'a>> = rules.iter().filter_map(with_directive).collect();
        let mut builder = Builder::default();
        for (number, subject) in (0_u32..).zip(&subjects) {
            // Only attempts can be forbidden.
            let parts = subject.check.parts.iter().filter(|part| part.phase == Phase::Attempt);
            builder.file(number, parts.map(|part| &part.condition), false);
        }
        let pools = subjects.iter().map(|_| OnceCell::new()).collect();
        let (index, deciding) = (builder.build(), Deciding::default());
        Self { subjects, index, pools, deciding, able: RefCell::default(), work: Cell::new(0) }
    }

    fn conflicts(&self, is_newer: impl Fn(&RuleId, &RuleId) -> bool) -> Vec<Conflict> {
        let mut found = BTreeMap::new();
        for (at, subject) in self.subjects.iter().enumerate() {
            for prescription in prescription::prescriptions(subject.rule, subject.directive) {
                self.forbidden(at, subject, &prescription, &mut found);
            }
        }
        let work = |more| self.work.set(self.work.get() + more);
        claim::contradictions(&self.subjects, work, |pair, why| {
            found.entry(pair).or_insert(why);
        });
        let name = |at: usize| self.subjects.get(at).map(|subject| subject.rule.id.clone());
        let told = found.into_iter().filter_map(|((one, other), why)| {
            let (one, other) = (name(one)?, name(other)?);
            let (newer, older) = if is_newer(&one, &other) { (one, other) } else { (other, one) };
            Some(Conflict { newer, older, why })
        });
        told.collect()
    }

    /// Looks for rules that forbid every way to do what a rule prescribes.
    fn forbidden(
        &self,
        at: usize,
        subject: &Subject<'_>,
        prescription: &Prescription,
        found: &mut BTreeMap<Pair, String>,
    ) {
        let mut suspects: Option<Able> = None;
        for way in &prescription.ways {
            let able = self.able_to_forbid(way);
            let both = |(at, sometimes): (&usize, &bool)| Some((*at, *sometimes || *able.get(at)?));
            suspects =
                Some(suspects.map_or_else(|| able.as_ref().clone(), |known| known.iter().filter_map(both).collect()));
        }
        for other in &prescription.otherwise {
            let able = self.able_to_forbid(other);
            if let Some(known) = &mut suspects {
                known.retain(|at, _| !able.contains_key(at));
            }
        }
        // Those that always forbid it come first.
        let mut suspects: Vec<(bool, usize)> =
            suspects.into_iter().flatten().map(|(other, sometimes)| (sometimes, other)).collect();
        suspects.sort_unstable();
        for (sometimes, other) in suspects.into_iter().filter(|(_, other)| *other != at).take(MAX_SUSPECTS) {
            let Some(second) = self.subjects.get(other) else { continue };
            let pair = (at.min(other), at.max(other));
            let meet = meet(&subject.check.reach, &second.check.reach);
            if found.contains_key(&pair) || !meet || prescription.is_safe_from(second.directive) {
                continue;
            }
            self.work.set(self.work.get() + 1);
            if let Some(why) = self.joint([at, other], prescription, !sometimes) {
                found.insert(pair, why);
            }
        }
    }

    /// The rules that in some state forbid an event.
    fn able_to_forbid(&self, sample: &Sample) -> Rc<Able> {
        let name = serde_json::to_string(&sample.event).unwrap_or_default();
        if let Some(known) = self.able.borrow().get(&name) {
            return Rc::clone(known);
        }
        let facts = &sample.facts;
        let candidates = self.index.candidates(facts, false);
        self.work.set(self.work.get() + candidates.len());
        let able = candidates.into_iter().filter_map(|number| {
            let check = self.subjects.get(number as usize)?.check;
            let file = if check.per == Per::File { path(facts) } else { None };
            let letter = self.deciding.attempt(check, facts, file.as_deref());
            let monitor = &check.monitor;
            let forbids = |state: &u8| monitor.violated(monitor.step(*state, letter));
            let (denied, allowed): (Vec<u8>, Vec<u8>) =
                monitor.states().filter(|state| !monitor.violated(*state)).partition(forbids);
            (letter != 0 && !denied.is_empty()).then_some((number as usize, !allowed.is_empty()))
        });
        let able = Rc::new(able.collect::<Able>());
        self.able.borrow_mut().insert(name, Rc::clone(&able));
        able
    }

    /// The events that a rule speaks of.
    fn pool(&self, at: usize) -> &[Sample] {
        let Some((pool, subject)) = self.pools.get(at).zip(self.subjects.get(at)) else { return &[] };
        pool.get_or_init(|| prescription::pool(subject.rule, subject.directive))
    }

    /// Decides a pair by the joint automaton of both monitors, over the events that both rules speak of.
    fn joint(&self, [at, other]: [usize; 2], prescription: &Prescription, always: bool) -> Option<String> {
        let (first, second) = self.subjects.get(at).zip(self.subjects.get(other))?;
        let ways = prescription.varied(second.directive);
        let pool: Vec<&Sample> = ways.iter().chain(self.pool(at)).chain(self.pool(other)).collect();
        let file = pool.iter().find_map(|sample| path(&sample.facts));
        let joint = Joint::of([first.check, second.check], &pool, file.as_deref(), &self.deciding);
        let (asks, forbids) = (&first.rule.id, &second.rule.id);
        if joint.never_permits(ways.len(), always) {
            return Some(format!("`{asks}` asks for {}, and `{forbids}` forbids it", prescription.asked));
        }
        let steps: Vec<String> =
            joint.trap()?.into_iter().filter_map(|at| pool.get(at)).map(|sample| sample.words()).collect();
        let after =
            if steps.is_empty() { "from the start".to_owned() } else { format!("after {}", steps.join(", then ")) };
        Some(format!("{after}, `{asks}` asks for {}, and `{forbids}` leaves no way there", prescription.asked))
    }
}

/// A path that an event is about, for rules that hold per file.
fn path(facts: &Facts) -> Option<String> {
    facts.files.first().map(|file| &file.path).or(facts.reads.first()).cloned()
}

/// Whether there can be circumstances under which both apply.
fn meet(one: &Reach, other: &Reach) -> bool {
    let may = |one: &[String], other: &[String]| {
        one.is_empty() || other.is_empty() || one.iter().any(|a| other.iter().any(|b| claim::may_meet(a, b)))
    };
    may(&one.branch, &other.branch) && may(&one.host, &other.host) && may(&one.session, &other.session)
}

/// Whether a part of a predicate is of a kind, under `not` or not.
fn mentions(predicate: &Predicate, is: &dyn Fn(&Predicate) -> bool) -> bool {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().any(|part| mentions(part, is)),
        Predicate::Not(part) => mentions(part, is),
        leaf => is(leaf),
    }
}

/// A predicate, compiled; one that cannot be holds of nothing.
fn compiled(predicate: &Predicate) -> Condition {
    Condition::of(predicate).unwrap_or(Condition::Any(Vec::new()))
}
