//! Steps checks through the events of sessions.
//!
//! A tool call is two instants, the attempt and the completion. Where a session's events hold no results at all, as in a
//! log of attempts, a call counts as completed as soon as the session goes on. An event that violates an armed rule is
//! denied: no monitor moves, and the next attempt is judged as if it had not been made.
//!
//! INVARIANT: memory is bounded per session: one byte for each monitor that has left its start, at most
//! [`MAX_INSTANCES`] of them, and the last [`MAX_OPEN_CALLS`] calls.

mod standing;

pub use standing::Standing;

use crate::artifact::Checks;
use crate::check::Check;
use crate::code::Grammars;
use crate::condition::{self, Situation, Subject};
use crate::facts::{self, Facts, NoWorkspace, Workspace, Written};
use crate::monitor::{Monitor, Phase};
use crate::text::Expressions;
use crate::truth::Truth;
use crate::verdict::{Outcome, Verdict};
use rules::directive::{Per, Undecided};
use rules::{Event, EventKind};
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// The most monitors of a session that are away from their start.
pub const MAX_INSTANCES: usize = 100_000;
/// The most calls of a session whose results are awaited.
pub const MAX_OPEN_CALLS: usize = 256;

/// Stands for every file that no event has named; it is no path, so that no test on a file holds of it.
const OTHER_FILES: &str = "";

/// Judges events against checks.
#[derive(Debug)]
pub struct Checker<'a> {
    checks: &'a Checks,
    sessions: BTreeMap<String, Session>,
    expressions: Expressions,
    grammars: Grammars,
    seen: u64,
    momentary: bool,
}

/// Where a session stands.
#[derive(Debug, Default)]
struct Session {
    /// The state of each monitor that is away from its start, by the check's number and, per file, the path.
    states: BTreeMap<(u32, Option<String>), u8>,
    /// Calls whose results have not come yet, by a hash of the call.
    ///
    /// A call that another process has seen is known by its hash only.
    open: VecDeque<(u64, Option<Facts>)>,
    /// Whether results come at all.
    has_results: bool,
    /// The branch that was switched to, for events that do not name theirs.
    branch: Option<String>,
}

impl Session {
    /// The state of a monitor; a file that has not been named is where the files are that have not been.
    fn state(&self, (number, file): &(u32, Option<String>)) -> u8 {
        let own = self.states.get(&(*number, file.clone()));
        let others = || file.as_ref().and_then(|_| self.states.get(&(*number, Some(OTHER_FILES.to_owned()))));
        own.or_else(others).copied().unwrap_or(Monitor::START)
    }

    /// Brings a monitor into a state; one that is where it would be anyway is forgotten.
    fn enter(&mut self, key: (u32, Option<String>), state: u8) {
        self.states.remove(&key);
        if self.state(&key) != state && self.states.len() < MAX_INSTANCES {
            self.states.insert(key, state);
        }
    }
}

/// One instant of an event.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about an instant")]
struct Instant {
    attempt: bool,
    completion: bool,
    /// Whether the turn ends here.
    end: bool,
    /// Whether it can still be stopped.
    open: bool,
    outcome: Option<condition::Outcome>,
}

impl Instant {
    const ATTEMPT: Self = Self { attempt: true, completion: false, end: false, open: true, outcome: None };
    /// An attempt of which only the result was seen.
    const MADE: Self = Self { open: false, ..Self::ATTEMPT };
    const BOTH: Self = Self { completion: true, ..Self::ATTEMPT };
    const END: Self = Self { end: true, ..Self::BOTH };

    fn completion(ok: bool, code: Option<i32>) -> Self {
        let outcome = Some(condition::Outcome { ok, code });
        Self { attempt: false, completion: true, end: false, open: false, outcome }
    }

    fn has(&self, phase: Phase) -> bool {
        match phase {
            Phase::Attempt => self.attempt,
            Phase::Completion => self.completion,
        }
    }
}

/// What a check says of an instant.
struct Step<'f> {
    next: u8,
    touched: bool,
    place: Option<(Subject<'f>, Option<Range<usize>>)>,
}

impl<'a> Checker<'a> {
    /// A checker that has seen nothing yet.
    pub fn new(checks: &'a Checks) -> Self {
        Self {
            checks,
            sessions: BTreeMap::new(),
            expressions: Expressions::default(),
            grammars: Grammars::default(),
            seen: 0,
            momentary: false,
        }
    }

    /// A checker for events that tell nothing of what was done before or after them, such as the files of a diff: it asks
    /// only the checks that one event decides.
    pub fn of_diff(checks: &'a Checks) -> Self {
        Self { momentary: true, ..Self::new(checks) }
    }

    /// Judges one event, and answers with the rules that it violates.
    ///
    /// A stop with a history is judged as a session of its own.
    pub fn observe(&mut self, event: &Event, workspace: &dyn Workspace) -> Vec<Verdict> {
        self.seen += 1;
        let name = event.session.clone().unwrap_or_default();
        let mut verdicts = match &event.kind {
            EventKind::Stop { history, .. } if !history.is_empty() => {
                let mut session = Session::default();
                let mut verdicts = self.replay(&mut session, history, event);
                verdicts.extend(self.event(&mut session, event, workspace));
                verdicts
            }
            _ => {
                let mut session = self.sessions.remove(&name).unwrap_or_default();
                let verdicts = self.event(&mut session, event, workspace);
                self.sessions.insert(name, session);
                verdicts
            }
        };
        for verdict in &mut verdicts {
            verdict.event = self.seen;
            verdict.session.clone_from(&event.session);
        }
        verdicts
    }

    /// The obligations that are open now, over all sessions.
    pub fn pending(&self) -> Vec<Verdict> {
        let open = self.sessions.iter().flat_map(|(name, session)| {
            session.states.iter().filter_map(move |((number, _), state)| {
                let check = self.checks.check(*number).filter(|check| !check.monitor.accepts(*state))?;
                let verdict = Verdict::of(check, Outcome::Pending, None, &NoWorkspace);
                Some(Verdict {
                    event: self.seen,
                    session: Some(name.clone()).filter(|name| !name.is_empty()),
                    ..verdict
                })
            })
        });
        open.collect()
    }

    /// Judges the events of an example, in a session and a workspace of their own, and says how the last one stands with
    /// one rule.
    pub fn judge(&mut self, events: &[Event], rule: &rules::RuleId) -> Outcome {
        let mut session = Session::default();
        let mut workspace = Written::default();
        let Some((last, before)) = events.split_last() else { return Outcome::NotApplicable };
        for event in before {
            self.event(&mut session, event, &workspace);
            workspace.take(&facts::facts(event, &workspace));
        }
        let mut verdicts = match &last.kind {
            EventKind::Stop { history, .. } => self.replay(&mut session, history, last),
            _ => Vec::new(),
        };
        verdicts.extend(self.event(&mut session, last, &workspace));
        let is_meant = |number: u32| self.checks.check(number).filter(|check| check.id == *rule);
        if verdicts.iter().any(|verdict| verdict.rule == *rule) {
            Outcome::Violated
        } else if session
            .states
            .iter()
            .any(|((number, _), state)| is_meant(*number).is_some_and(|check| !check.monitor.accepts(*state)))
        {
            Outcome::Pending
        } else if self
            .checks
            .index()
            .candidates(&facts::facts(last, &workspace), true)
            .into_iter()
            .any(|n| is_meant(n).is_some())
        {
            Outcome::Pass
        } else {
            Outcome::NotApplicable
        }
    }

    /// Runs the events before a stop. They have happened, so nothing of them is denied; a call whose result is not among
    /// them has succeeded.
    fn replay(&self, session: &mut Session, history: &[Event], stop: &Event) -> Vec<Verdict> {
        let mut results: HashMap<u64, usize> = HashMap::new();
        for event in history {
            if let EventKind::PostToolUse { .. } = event.kind {
                *results.entry(call(event)).or_default() += 1;
            }
        }
        session.has_results |= !history.is_empty();
        let mut verdicts = Vec::new();
        for event in history {
            // What the stop says of its circumstances holds of its history too.
            let inherit = |own: &Option<String>, outer: &Option<String>| own.clone().or_else(|| outer.clone());
            let event = Event {
                session: inherit(&event.session, &stop.session),
                host: inherit(&event.host, &stop.host),
                branch: inherit(&event.branch, &stop.branch),
                cwd: inherit(&event.cwd, &stop.cwd),
                ..event.clone()
            };
            let is_attempt = matches!(event.kind, EventKind::PreToolUse { .. });
            let has_result = is_attempt
                && results.get_mut(&call(&event)).is_some_and(|left| {
                    let any = *left > 0;
                    *left = left.saturating_sub(1);
                    any
                });
            // What was attempted and has a result is told by the result.
            if !has_result {
                let event = if is_attempt { event.done(true) } else { event };
                verdicts.extend(self.event(session, &event, &NoWorkspace));
            }
        }
        verdicts
    }

    fn event(&self, session: &mut Session, event: &Event, workspace: &dyn Workspace) -> Vec<Verdict> {
        match &event.kind {
            EventKind::PreToolUse { .. } => {
                self.settle(session, event);
                let facts = facts::facts(event, workspace);
                let verdicts = self.instant(session, event, &facts, Instant::ATTEMPT, workspace);
                if !verdicts.iter().any(|verdict| verdict.blocks) {
                    session.open.push_back((call(event), Some(facts)));
                    if session.open.len() > MAX_OPEN_CALLS {
                        session.open.pop_front();
                    }
                }
                verdicts
            }
            EventKind::PostToolUse { ok, exit_code, .. } => {
                session.has_results = true;
                let succeeded = ok.unwrap_or_else(|| exit_code.is_none_or(|code| code == 0));
                let completion = Instant::completion(succeeded, *exit_code);
                let name = call(event);
                if let Some(at) = session.open.iter().position(|(open, _)| *open == name) {
                    // What the call was about to do is what it did: the workspace has changed since.
                    let known = session.open.remove(at).and_then(|(_, facts)| facts);
                    let facts = known.unwrap_or_else(|| facts::facts(event, workspace));
                    return self.instant(session, event, &facts, completion, workspace);
                }
                let facts = facts::facts(event, workspace);
                let mut verdicts = self.instant(session, event, &facts, Instant::MADE, workspace);
                verdicts.extend(self.instant(session, event, &facts, completion, workspace));
                verdicts
            }
            kind => {
                self.settle(session, event);
                if matches!(kind, EventKind::UserPromptSubmit { .. }) {
                    session.states.retain(|(number, _), _| !self.checks.is_per_turn(*number));
                }
                let facts = facts::facts(event, workspace);
                let ends = matches!(kind, EventKind::Stop { .. } | EventKind::SubagentStop { .. });
                self.instant(session, event, &facts, if ends { Instant::END } else { Instant::BOTH }, workspace)
            }
        }
    }

    /// Completes the calls that are open in a session that never has results.
    fn settle(&self, session: &mut Session, event: &Event) {
        if session.has_results {
            return;
        }
        for facts in std::mem::take(&mut session.open).into_iter().filter_map(|(_, facts)| facts) {
            self.instant(session, event, &facts, Instant::completion(true, None), &NoWorkspace);
        }
    }

    fn instant(
        &self,
        session: &mut Session,
        event: &Event,
        facts: &Facts,
        instant: Instant,
        workspace: &dyn Workspace,
    ) -> Vec<Verdict> {
        // The branch that the event's own text switches to, the one that is checked out, or the one switched to before.
        let branch = facts.branch.as_ref().or(event.branch.as_ref()).or(session.branch.as_ref()).cloned();
        let mut numbers = self.checks.index().candidates(facts, instant.completion);
        numbers.extend(session.states.keys().map(|(number, _)| *number));
        let mut verdicts = Vec::new();
        let mut moves = Vec::new();
        for number in numbers {
            let applies = |check: &&Check| {
                check.reach.covers(event, branch.as_deref()) && (!self.momentary || check.is_momentary())
            };
            let Some(check) = self.checks.check(number).filter(applies) else { continue };
            for file in instances(check, number, session, facts) {
                let situation = Situation {
                    facts,
                    outcome: instant.outcome,
                    file: file.as_deref(),
                    workspace,
                    expressions: &self.expressions,
                    grammars: &self.grammars,
                };
                let key = (number, file.clone());
                let state = session.state(&key);
                let step = step(check, state, &situation, instant);
                let owes = instant.end && !check.monitor.accepts(step.next);
                if check.monitor.violated(step.next) || owes {
                    let place = step.place.filter(|_| step.touched);
                    let verdict = Verdict::of(check, Outcome::Violated, place.as_ref(), workspace);
                    verdicts.push(Verdict { blocks: verdict.blocks && instant.open, ..verdict });
                } else if step.next != state || file.is_some() {
                    moves.push((key, step.next));
                }
            }
        }
        if !verdicts.iter().any(|verdict| verdict.blocks) {
            // In order, so that what holds of other files comes before what holds of one.
            for (key, state) in moves {
                session.enter(key, state);
            }
            if facts.branch.is_some() {
                session.branch.clone_from(&facts.branch);
            }
        }
        verdicts
    }
}

/// Evaluates a check's atoms and steps its monitor.
fn step<'f>(check: &'f Check, state: u8, situation: &Situation<'f>, instant: Instant) -> Step<'f> {
    let failed = situation.outcome.is_some_and(|outcome| !outcome.ok);
    let mut letter = 0_u8;
    let mut place: Option<(Subject<'f>, Option<Range<usize>>)> = None;
    for (bit, part) in check.parts.iter().enumerate() {
        if !instant.has(part.phase) || part.phase == Phase::Completion && failed && !part.tests_exit {
            continue;
        }
        let finding = part.condition.decide(situation);
        let counts = match finding.truth {
            Truth::Yes => true,
            Truth::Unknown => part.phase == Phase::Attempt && check.undecided == Undecided::Violated,
            Truth::No => false,
        };
        if counts {
            letter |= 1 << bit;
            if part.phase == Phase::Attempt {
                place = place.or(finding.place);
            }
        }
    }
    Step { next: check.monitor.step(state, letter), touched: letter != 0, place }
}

/// The instances of a check that an event concerns: one, or for a rule per file one for each path that it or an earlier
/// event names, and one for all other files.
fn instances(check: &Check, number: u32, session: &Session, facts: &Facts) -> Vec<Option<String>> {
    if check.per != Per::File {
        return vec![None];
    }
    let mut paths = BTreeSet::from([OTHER_FILES.to_owned()]);
    paths.extend(facts.files.iter().map(|file| file.path.clone()));
    paths.extend(facts.reads.iter().cloned());
    if check.names_file() {
        let words = facts.commands.iter().flat_map(|command| &command.args).filter(|word| word.exact);
        paths.extend(words.map(|word| word.text.trim_start_matches("./").to_owned()));
    }
    let known = session.states.range((number, None)..).take_while(|((other, _), _)| *other == number);
    paths.extend(known.filter_map(|((_, path), _)| path.clone()));
    paths.into_iter().map(Some).collect()
}

/// A hash that a call and its result share: the host's name for the call, or the tool and its arguments.
fn call(event: &Event) -> u64 {
    let mut hasher = DefaultHasher::new();
    match &event.kind {
        EventKind::PreToolUse { id: Some(id), .. } | EventKind::PostToolUse { id: Some(id), .. } => {
            id.hash(&mut hasher);
        }
        EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } => {
            tool.hash(&mut hasher);
            input.to_string().hash(&mut hasher);
        }
        _ => {}
    }
    hasher.finish()
}
