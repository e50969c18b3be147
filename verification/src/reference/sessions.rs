//! What rules mean over sessions: every rule looks at every event, and at the whole trace each time.
//!
//! A tool call is two instants, the attempt and the completion; anything else is one that is both. A rule keeps the trace of
//! its instants, and a trace is violated when no continuation makes it right, or when the turn ends and it is not. An
//! instant that violates an enforced rule, while it can still be stopped, is denied: it happens for no rule. For a rule that
//! is itself violated it does not happen either.
//!
//! Deliberately absent: an index, monitors, states and memory.

use super::Specification;
use super::predicates::{self, Seen};
use compiler::condition::Outcome;
use compiler::facts::{self, Facts, NoWorkspace};
use compiler::monitor::{Atom, Phase};
use compiler::truth::Truth;
use rules::directive::{Per, Undecided};
use rules::predicate::{CommandTest, FileTest, PathTest};
use rules::{Directive, Event, EventKind, Pattern, Predicate, Rule, RuleId, State, Strength};
use std::collections::{BTreeMap, BTreeSet};

/// How the definition is read. The default is right; tests read it wrongly on purpose.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a clause of the definition")]
pub struct Reading {
    /// Decides a predicate.
    pub truth: fn(&Predicate, &Seen<'_>) -> Truth,
    /// Whether a rule looks at an event at all.
    pub looks: fn(&Rule, &Facts) -> bool,
    /// Whether what is denied does not happen.
    pub denies: bool,
    /// Whether what failed is not done.
    pub failures: bool,
    /// Whether a prompt begins a turn.
    pub turns: bool,
    /// Whether each session is a world of its own.
    pub apart: bool,
}

impl Default for Reading {
    fn default() -> Self {
        let (truth, looks) = (predicates::truth, (|_, _| true) as fn(&Rule, &Facts) -> bool);
        Self { truth, looks, denies: true, failures: true, turns: true, apart: true }
    }
}

/// Sessions under some rules.
#[derive(Debug)]
pub struct Sessions<'a> {
    reading: Reading,
    rules: Vec<(&'a Rule, Directive, Specification)>,
    /// By session, rule and, per file, path.
    traces: BTreeMap<(String, usize, Option<String>), Vec<Vec<bool>>>,
    /// The paths that rules per file are followed on.
    paths: Vec<String>,
    /// By session, the calls that have not ended, where results never come.
    open: BTreeMap<String, Vec<Event>>,
    has_results: bool,
}

/// One instant of an event.
#[derive(Debug, Clone, Copy)]
struct Instant {
    phases: &'static [Phase],
    outcome: Option<Outcome>,
    ends: bool,
}

const ATTEMPT: Instant = Instant { phases: &[Phase::Attempt], outcome: None, ends: false };
const BOTH: Instant = Instant { phases: &[Phase::Attempt, Phase::Completion], ..ATTEMPT };

fn completion(ok: bool, code: Option<i32>) -> Instant {
    Instant { phases: &[Phase::Completion], outcome: Some(Outcome { ok, code }), ends: false }
}

impl<'a> Sessions<'a> {
    /// Sessions in which nothing has happened; `has_results` tells whether the events hold results of calls.
    pub fn of(rules: &'a [Rule], paths: &[&str], has_results: bool, reading: Reading) -> Self {
        let specified = |rule: &'a Rule| {
            let directive = plain(rule.check.as_ref()?, &rule.scope.directory);
            let specification = Specification::of(&directive).ok()?;
            Some((rule, directive, specification))
        };
        let rules = rules.iter().filter_map(specified).collect();
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Self { reading, rules, traces: BTreeMap::new(), paths, open: BTreeMap::new(), has_results }
    }

    /// The rules that an event violates, and whether it is denied.
    pub fn observe(&mut self, event: &Event) -> (BTreeSet<RuleId>, bool) {
        let session = event.session.clone().unwrap_or_default();
        if !self.has_results {
            for call in self.open.remove(&session).unwrap_or_default() {
                self.instant(&call, completion(true, None), event);
            }
        }
        match &event.kind {
            EventKind::PreToolUse { .. } => {
                let (violated, denied) = self.instant(event, ATTEMPT, event);
                if !denied || !self.reading.denies {
                    self.open.entry(session).or_default().push(event.clone());
                }
                (violated, denied)
            }
            EventKind::PostToolUse { ok, exit_code, .. } => {
                let succeeded = ok.unwrap_or(exit_code.is_none_or(|code| code == 0));
                (self.instant(event, completion(succeeded, *exit_code), event).0, false)
            }
            kind => {
                if matches!(kind, EventKind::UserPromptSubmit { .. }) && self.reading.turns {
                    let rules = &self.rules;
                    let lasts = |at: &usize| rules.get(*at).is_none_or(|(_, directive, _)| directive.per != Per::Turn);
                    self.traces.retain(|(of, at, _), _| *of != session || lasts(at));
                }
                let ends = matches!(kind, EventKind::Stop { .. } | EventKind::SubagentStop { .. });
                self.instant(event, Instant { ends, ..BOTH }, event)
            }
        }
    }

    /// One instant of an event for all rules; `now` has the circumstances.
    fn instant(&mut self, event: &Event, instant: Instant, now: &Event) -> (BTreeSet<RuleId>, bool) {
        let facts = facts::facts(event, &NoWorkspace);
        let (mut violated, mut denied) = (BTreeSet::new(), false);
        let mut longer = Vec::new();
        let session = if self.reading.apart { now.session.clone().unwrap_or_default() } else { String::new() };
        for (at, (rule, directive, specification)) in self.rules.iter().enumerate() {
            if !applies(rule, now) || !(self.reading.looks)(rule, &facts) {
                continue;
            }
            let files = match directive.per {
                Per::File => self.paths.iter().cloned().map(Some).collect(),
                _ => vec![None],
            };
            for file in files {
                let key = (session.clone(), at, file);
                let holds = |atom: &Atom| self.holds(atom, directive, &facts, instant, key.2.as_deref());
                let mut trace = self.traces.get(&key).cloned().unwrap_or_default();
                trace.push(specification.atoms().iter().map(holds).collect());
                let is_violated = if instant.ends {
                    !specification.accepts_letters(&trace)
                } else {
                    hopeless(directive, specification, &trace)
                };
                if is_violated {
                    violated.insert(rule.id.clone());
                    let enforced = rule.state == State::Armed && rule.strength == Strength::Must;
                    denied |= enforced && instant.phases.contains(&Phase::Attempt);
                } else {
                    longer.push((key, trace));
                }
            }
        }
        if !denied || !self.reading.denies {
            self.traces.extend(longer);
        }
        (violated, denied)
    }

    /// What is looked for in completions counts only where the call succeeded, unless it asks for that itself.
    fn holds(&self, atom: &Atom, directive: &Directive, facts: &Facts, instant: Instant, file: Option<&str>) -> bool {
        let failed = instant.outcome.is_some_and(|outcome| !outcome.ok) && self.reading.failures;
        if !instant.phases.contains(&atom.phase)
            || atom.phase == Phase::Completion && failed && !atom.predicate.asks_for_exit()
        {
            return false;
        }
        let seen = Seen { facts, outcome: instant.outcome, file, workspace: &NoWorkspace };
        match (self.reading.truth)(&atom.predicate, &seen) {
            Truth::Yes => true,
            Truth::Unknown => atom.phase == Phase::Attempt && directive.undecided == Undecided::Violated,
            Truth::No => false,
        }
    }
}

/// Whether no continuation makes the trace right. The steps of a chain need an instant each; all else can be had in one.
fn hopeless(directive: &Directive, specification: &Specification, trace: &[Vec<bool>]) -> bool {
    let needed = match &directive.pattern {
        Pattern::ResponseChain { require, .. } => require.len(),
        _ => 1,
    };
    let atoms = specification.atoms();
    // Roles that are one predicate are true together.
    let together = |letter: &usize| {
        (0..atoms.len()).all(|i| (0..i).all(|j| atoms.get(i) != atoms.get(j) || letter >> i & 1 == letter >> j & 1))
    };
    let letter = |letter: usize| (0..atoms.len()).map(|bit| letter >> bit & 1 == 1).collect();
    let letters: Vec<Vec<bool>> = (0..1_usize << atoms.len()).filter(together).map(letter).collect();
    let mut continued = vec![trace.to_vec()];
    for _ in 0..needed {
        if continued.iter().any(|trace| specification.accepts_letters(trace)) {
            return false;
        }
        let longer = |trace: &Vec<Vec<bool>>| {
            letters.iter().map(|now| [trace.as_slice(), std::slice::from_ref(now)].concat()).collect::<Vec<_>>()
        };
        continued = continued.iter().flat_map(longer).collect();
    }
    !continued.iter().any(|trace| specification.accepts_letters(trace))
}

/// Whether the circumstances are those of a rule.
fn applies(rule: &Rule, event: &Event) -> bool {
    let among = |names: &[String], name: &Option<String>| {
        names.is_empty() || name.as_ref().is_some_and(|name| names.contains(name))
    };
    let scope = &rule.scope;
    among(&scope.branch, &event.branch) && among(&scope.host, &event.host) && among(&scope.session, &event.session)
}

/// The directive without what is said in other words: guards are about the same items as what they guard, and so is how
/// something must be; a directory limits what the pattern bites on or is triggered by.
fn plain(directive: &Directive, directories: &[String]) -> Directive {
    let Directive { pattern, when, unless, .. } = directive.clone();
    let within =
        |predicate: Predicate| if directories.is_empty() { predicate } else { inside(&predicate, directories) };
    let guarded = |predicate: Predicate| {
        let unless = unless.clone().map(Predicate::negated);
        when.clone().into_iter().chain(unless).fold(within(predicate), Predicate::and)
    };
    let pattern = match pattern {
        Pattern::Existence { require } => {
            let touched = || Predicate::path(directories.iter().map(|directory| format!("{directory}/")));
            let when = if directories.is_empty() { when } else { Some(when.map_or_else(touched, within)) };
            return Directive { pattern: Pattern::Existence { require }, when, ..directive.clone() };
        }
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => Pattern::Absence { never: guarded(never) },
        Pattern::Universality { every, must } => Pattern::Absence { never: guarded(every).and(must.negated()) },
        Pattern::Precedence { first, then, again_after } => {
            Pattern::Precedence { first, then: guarded(then), again_after: again_after.map(within) }
        }
        Pattern::Response { trigger, require } => Pattern::Response { trigger: guarded(trigger), require },
        Pattern::BoundedExistence { of, at_most } => Pattern::BoundedExistence { of: guarded(of), at_most },
        Pattern::ResponseChain { trigger, require } => Pattern::ResponseChain { trigger: guarded(trigger), require },
        Pattern::PrecedenceChain { first, then } => Pattern::PrecedenceChain { first, then: guarded(then) },
    };
    Directive { pattern, when: None, unless: None, ..directive.clone() }
}

fn inside(predicate: &Predicate, directories: &[String]) -> Predicate {
    let each = |parts: &[Predicate]| parts.iter().map(|part| inside(part, directories)).collect();
    let globs = || directories.iter().map(|directory| format!("{directory}/")).collect::<Vec<_>>();
    match predicate {
        Predicate::All(parts) => Predicate::All(each(parts)),
        Predicate::Any(parts) => Predicate::Any(each(parts)),
        Predicate::Command(test) if test.cwd.is_none() => {
            let run = |directory: &String| CommandTest { cwd: Some(directory.clone()), ..test.clone() };
            Predicate::Any(directories.iter().map(|directory| Predicate::Command(run(directory))).collect())
        }
        Predicate::File(_) => {
            let file = FileTest { path: globs(), ..FileTest::default() };
            predicate.clone().and(Predicate::File(Box::new(file)))
        }
        Predicate::Read(_) => predicate.clone().and(Predicate::Read(PathTest { path: globs(), not_path: Vec::new() })),
        other => other.clone(),
    }
}
