//! What happens at a hook, on any host: an event comes in, a reaction goes out.
//!
//! INVARIANTS: a session is held from before its event is judged until its record is written; a call is refused only by an
//! armed rule that must be kept, or to protect our own files, and unjudged only by one that says so; what a shadow rule would refuse is logged, and nothing more;
//! a call that is changed has passed all rules as it is made.

use super::answer::{Answer, Reaction};
use super::description::{Description, Hook, Moment};
use super::gate::{Cause, Passage};
use super::log::{self, Entry, What};
use super::payload::Heard;
use super::sessions::{Record, Sessions};
use super::{learn, protect, words};
use crate::engine::{Engine, EngineError, Place};
use crate::folder::Folder;
use crate::git;
use compiler::check::Reach;
use compiler::verdict::WitnessKind;
use compiler::{Check, Checker, Checks, Verdict};
use rules::{Decision, Event, EventKind, Rule, RuleId, State, Strength};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much of the agent's context the rules take when they are put in front of it.
const REMINDER_TOKENS: usize = 1_500;
/// How long a transcript is waited for that its host has not written to the end: three times what was seen at most.
pub const MAX_WAIT: Duration = Duration::from_millis(300);
/// The longest call that is kept to link a correction to, in bytes.
const MAX_ACTION_BYTES: usize = 4 << 10;
/// Tools that only look: they change nothing, so nothing is told anew after them.
const LOOKING: [&str; 10] =
    ["Read", "Grep", "Glob", "LS", "WebFetch", "WebSearch", "list", "glob", "grep", "read_many_files"];

/// Where a hook's process finds itself.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Its working directory.
    pub cwd: PathBuf,
    /// The folder of the user's own rules.
    pub user: Option<PathBuf>,
    /// What the host says is the project's folder, in the environment.
    pub project: Option<PathBuf>,
    /// How long git may take to tell what a command has changed.
    pub patience: Duration,
}

/// Why an event could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The session's files.
    #[error("cannot keep the session")]
    Session(#[from] io::Error),
}

impl Surroundings {
    /// The engine whose rules an agent in a directory is held to: of the nearest folder `.trace` upwards from there, from
    /// the main work tree of a linked one, from the project's folder, or else of the place itself.
    ///
    /// # Errors
    /// There is no such directory.
    pub fn engine(&self, cwd: Option<&str>) -> Result<Engine, EngineError> {
        let user = self.user.as_deref();
        let told = cwd.map(|cwd| self.cwd.join(cwd));
        let starts: Vec<PathBuf> = [told, self.project.clone(), Some(self.cwd.clone())].into_iter().flatten().collect();
        for start in &starts {
            if let Some(folder) = Folder::find(start, user) {
                return Engine::open(&Place::At(folder.root().to_owned()), user);
            }
            let main = git::main_tree(start).and_then(|main| Folder::find(&main, user));
            if let Some((folder, top)) = main.zip(git::top(start)) {
                return Engine::open(&Place::At(folder.root().to_owned()), user)?.over(&top);
            }
        }
        let there = starts.iter().find(|start| start.is_dir()).unwrap_or(&self.cwd);
        Engine::open(&Place::Near(there.clone()), user)
    }
}

/// Reacts to what a host says.
///
/// # Errors
/// The event could not be judged; the caller lets it pass and logs why.
pub fn hook(host: &'static Description, heard: Heard, around: &Surroundings) -> Result<Answer, HookError> {
    let hook = heard.hook;
    if hook.moment == Moment::Other {
        return Ok(Answer::default());
    }
    let engine = around.engine(heard.cwd.as_deref())?;
    let mut visit = Visit { host, heard, engine, around, log: Vec::new(), outdated: false };
    let reaction = visit.reaction()?;
    // A log that cannot be written is no reason to let a violation pass.
    drop(log::append(&visit.engine.path(""), &visit.log));
    Ok(Answer { outdated: visit.outdated, ..reaction.answer(host, hook) })
}

/// The answer to an event that could not be judged: none, or a refusal where an armed rule wants that for a call.
///
/// It is logged that nothing was enforced, or what refuses.
pub fn unjudged(
    host: &'static Description,
    hook: Option<&'static Hook>,
    cwd: Option<&str>,
    why: &str,
    around: &Surroundings,
) -> Answer {
    let Ok(engine) = around.engine(cwd) else { return Answer::default() };
    let hook = hook.filter(|hook| hook.moment == Moment::BeforeTool);
    let closed = hook.map(|_| engine.closed()).unwrap_or_default();
    let mut log = vec![Entry::of(What::NotEnforced, host.name).because(why)];
    let refused = |(rule, _): &(RuleId, String)| {
        let why = format!("a call that could not be judged: {why}");
        Entry { rule: Some(rule.clone()), ..Entry::of(What::Blocked, host.name).because(&why) }
    };
    log.extend(closed.iter().map(refused));
    // A log that cannot be written changes no answer.
    drop(log::append(&engine.path(""), &log));
    let deny = (!closed.is_empty()).then(|| words::unjudged(&closed));
    hook.map(|hook| Reaction { deny, ..Reaction::default() }.answer(host, hook)).unwrap_or_default()
}

/// One event at one hook.
pub(super) struct Visit<'a> {
    pub(super) host: &'static Description,
    pub(super) heard: Heard,
    pub(super) engine: Engine,
    around: &'a Surroundings,
    pub(super) log: Vec<Entry>,
    /// Whether the checks it judged by are not those of the rules any more.
    outdated: bool,
}

impl Visit<'_> {
    fn reaction(&mut self) -> Result<Reaction, HookError> {
        let mut event = self.heard.event.take();
        if let Some(event) = &mut event {
            event.branch = git::branch(self.engine.root());
        }
        if let Some(why) = event
            .as_ref()
            .and_then(|event| protect::refusal(event, self.engine.workspace(), self.around.user.as_deref()))
        {
            self.log.push(self.entry(What::Protected).because(&why));
            return Ok(Reaction { deny: Some(why), ..Reaction::default() });
        }
        let checks = self.checks();
        if let Some(EventKind::Stop { reply: reply @ None, .. }) = event.as_mut().map(|event| &mut event.kind) {
            *reply = self.last_words(&checks);
        }
        let sessions = Sessions::at(self.engine.path("sessions"));
        if !self.engine.path("").is_dir() {
            // Nothing is kept, so a turn's end is not held: it could be held for ever.
            let reminded = self.heard.hook.moment != Moment::SessionStart;
            let mut record = Record { reminded, ..Record::default() };
            let reaction = self.judged(&mut record, event, &checks, &sessions)?;
            return Ok(Reaction { hold: None, ..reaction });
        }
        let mut held = sessions.hold(self.host.name, &self.heard.session)?;
        let reaction = self.judged(&mut held.record, event, &checks, &sessions)?;
        held.keep()?;
        Ok(reaction)
    }

    /// The compiled checks: what was changed in any way counts from the user's next words on.
    fn checks(&mut self) -> Checks {
        if self.heard.hook.moment.may_read() {
            return self.engine.checks().0;
        }
        let (checks, current) = self.engine.checks_at_hand();
        self.outdated = !current;
        checks
    }

    fn judged(
        &mut self,
        record: &mut Record,
        event: Option<Event>,
        checks: &Checks,
        sessions: &Sessions,
    ) -> Result<Reaction, HookError> {
        record.is_child |= self.heard.is_child;
        let Some(mut event) = event else { return Ok(Reaction::default()) };
        self.cut_judged(record, &mut event);
        if record.is_child && matches!(event.kind, EventKind::UserPromptSubmit { .. }) {
            return Ok(Reaction::default());
        }
        let waived = record.waived.clone();
        let mut verdicts = Vec::new();
        // Before the command itself: one that formats and then tests has tested what it formatted.
        for change in self.found(record, &event, checks, self.around.patience) {
            let standing = change.is_ignored.then(|| record.standing.clone());
            verdicts.extend(self.observed(record, &change.event, checks));
            // A file that is ignored can break a rule, and makes nothing due: tests that write a report owe no tests.
            if let Some(standing) = standing {
                record.standing = standing;
            }
        }
        verdicts.extend(self.observed(record, &event, checks));
        let rewritten = self.rewritten(record, &waived, &event, &verdicts, checks);
        let mut reaction = Reaction::default();
        match self.heard.hook.moment {
            Moment::SessionStart => {
                sessions.forget_old(SystemTime::now());
                record.reminded = false;
                reaction.context = self.reminder(record, &event);
            }
            Moment::Prompt => {
                record.gate.turn();
                record.said = None;
                let text = if let EventKind::UserPromptSubmit { text } = &event.kind { text.as_str() } else { "" };
                let learned = self.learned(text, record.last_action.as_deref())?;
                reaction.context = joined(self.reminder(record, &event), learned);
            }
            Moment::BeforeTool => {
                let (rewrite, told) = match rewritten {
                    None => (None, None),
                    Some(new) => {
                        (event, verdicts) = (new.event, new.verdicts);
                        (Some(new.input), Some(new.told))
                    }
                };
                reaction = self.before(record, &event, &verdicts);
                if self.heard.hook.answers.context.is_some() {
                    reaction.context = joined(told, reaction.context);
                } else {
                    record.untold = told;
                }
                reaction.rewrite = rewrite;
                if reaction.deny.is_none() {
                    Self::begun(record, &event);
                }
            }
            Moment::AfterTool | Moment::AfterFailure => {
                self.listened(record, &event);
                let looks =
                    matches!(&event.kind, EventKind::PostToolUse { tool, .. } if LOOKING.contains(&tool.as_str()));
                record.deeds += u64::from(!looks);
                let told: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.state == State::Armed).collect();
                self.note(What::Noted, &verdicts);
                let found = (!told.is_empty()).then(|| words::afterwards(&told));
                reaction.context = joined(record.untold.take(), found);
            }
            Moment::Stop | Moment::SubagentStop => reaction = self.end(record, &event, &verdicts),
            Moment::SubagentStart => {
                reaction.context = self.heard.hook.answers.context.as_ref().and_then(|_| self.rules_in_words(&event));
            }
            Moment::Compact => record.reminded = false,
            Moment::Other => {}
        }
        Ok(reaction)
    }

    /// Steps the session's monitors, and answers with the violations that no person has waived.
    pub(super) fn observed(&mut self, record: &mut Record, event: &Event, checks: &Checks) -> Vec<Verdict> {
        let name = self.heard.session.as_str();
        let mut checker = Checker::new(checks);
        let before = std::mem::take(&mut record.standing);
        checker.resume(name, before.clone());
        let mut verdicts = checker.observe(event, self.engine.workspace());
        record.standing = checker.standing(name);
        let mover = event.agent.clone().unwrap_or_default();
        for rule in record.standing.moved_since(&before) {
            record.movers.insert(rule.clone(), mover.clone());
        }
        record.movers.retain(|moved, _| record.standing.rules().any(|rule| rule == moved));
        if matches!(event.kind, EventKind::SubagentStop { .. }) {
            // What the others owe is asked of them.
            verdicts.retain(|verdict| verdict.witness.is_some() || record.movers.get(&verdict.rule) == Some(&mover));
        }
        let is_result = matches!(event.kind, EventKind::PostToolUse { .. });
        if !is_result {
            // A waiver that is used up still covered the result of the call that used it.
            record.waived.retain(|_, left| *left != Some(0));
        }
        let waived: Vec<RuleId> = verdicts
            .iter()
            .filter(|verdict| record.waived.contains_key(&verdict.rule))
            .map(|verdict| verdict.rule.clone())
            .collect();
        for rule in &waived {
            self.log.push(Entry { rule: Some(rule.clone()), ..self.entry(What::Waived) });
        }
        verdicts.retain(|verdict| !waived.contains(&verdict.rule));
        for (_, left) in record.waived.iter_mut().filter(|(rule, _)| !is_result && waived.contains(rule)) {
            *left = left.map(|left| left.saturating_sub(1));
        }
        verdicts
    }

    fn before(&mut self, record: &mut Record, event: &Event, verdicts: &[Verdict]) -> Reaction {
        let blocking: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.blocks).collect();
        let soft = |verdict: &&Verdict| verdict.state == State::Armed && verdict.strength == Strength::Should;
        let soft: Vec<&Verdict> = verdicts.iter().filter(soft).collect();
        let action = serde_json::to_string(event).ok().filter(|action| action.len() <= MAX_ACTION_BYTES);
        record.last_action = action.map(|action| memory::redact::redacted(&action).into_owned());
        self.note(What::Blocked, verdicts.iter().filter(|verdict| verdict.blocks));
        self.note(What::Noted, verdicts.iter().filter(|verdict| !verdict.blocks));
        Reaction {
            deny: (!blocking.is_empty()).then(|| words::denial(&blocking)),
            context: (!soft.is_empty()).then(|| words::afterwards(&soft)),
            ..Reaction::default()
        }
    }

    /// The agent's last words, where the host only says in which file they are.
    fn last_words(&self, checks: &Checks) -> Option<String> {
        let (transcript, path) = (self.host.transcript.as_ref()?, self.heard.transcript.as_deref()?);
        // Waiting for a file is for those who want to know.
        let wanted = checks.iter().any(Check::tests_reply);
        wanted.then(|| transcript.last_words(Path::new(path), &self.heard.stamp, MAX_WAIT))?
    }

    /// Cuts off what the agent had said before it was last held: it has been judged, and can't be unsaid.
    fn cut_judged(&self, record: &mut Record, event: &mut Event) {
        let EventKind::Stop { reply: Some(reply), .. } = &mut event.kind else { return };
        if !self.host.replies_grow {
            return;
        }
        let known = record.said.replace((reply.len(), hash(reply)));
        let parts = known.and_then(|(length, known)| Some((reply.split_at_checked(length)?, known)));
        if let Some(((before, rest), known)) = parts
            && hash(before) == known
        {
            *reply = rest.trim_start().to_owned();
        }
    }

    /// The stop gate.
    fn end(&mut self, record: &mut Record, event: &Event, verdicts: &[Verdict]) -> Reaction {
        if self.heard.held == Some(false) {
            record.gate.turn();
        }
        let reply = match &event.kind {
            EventKind::Stop { reply, .. } | EventKind::SubagentStop { reply } => reply.as_deref().unwrap_or_default(),
            _ => "",
        };
        let reply = hash(reply);
        let open: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.blocks).collect();
        let cause = |verdict: &&Verdict| {
            let in_reply = verdict.witness.as_ref().is_some_and(|witness| witness.kind == WitnessKind::Reply);
            (verdict.rule.clone(), Cause { deeds: record.deeds, reply: in_reply.then_some(reply) })
        };
        let causes: BTreeMap<RuleId, Cause> = open.iter().map(cause).collect();
        self.note(What::Noted, verdicts.iter().filter(|verdict| !verdict.blocks));
        match record.gate.pass(&causes, self.host.holds) {
            Passage::Free => Reaction::default(),
            Passage::Held => {
                self.note(What::Held, open.iter().copied());
                Reaction { hold: Some(words::hold(&open)), ..Reaction::default() }
            }
            Passage::Unresolved(new) => {
                let new: Vec<&Verdict> = open.into_iter().filter(|verdict| new.contains(&verdict.rule)).collect();
                self.note(What::Unresolved, new.iter().copied());
                Reaction { notice: (!new.is_empty()).then(|| words::unresolved(&new)), ..Reaction::default() }
            }
        }
    }

    fn learned(&mut self, text: &str, action: Option<&str>) -> Result<Option<String>, HookError> {
        let said = learn::Said { text, host: self.host.name, session: &self.heard.session, action };
        let made = learn::learn(&self.engine, &said)?;
        for rule in &made {
            let entry =
                Entry { rule: Some(rule.rule.clone()), said: Some(rule.quote.clone()), ..self.entry(What::Learned) };
            self.log.push(entry);
        }
        Ok(words::understood(&made))
    }

    /// The rules for the agent, once after each beginning and each loss of its memory, where they can be said.
    fn reminder(&self, record: &mut Record, event: &Event) -> Option<String> {
        if record.reminded || self.heard.hook.answers.context.is_none() {
            return None;
        }
        record.reminded = true;
        self.rules_in_words(event)
    }

    fn rules_in_words(&self, event: &Event) -> Option<String> {
        let loaded = self.engine.rules();
        let applies = |rule: &&Rule| {
            let scope = rule.scope.clone();
            rule.state == State::Armed
                && Reach { branch: scope.branch, host: scope.host, session: scope.session }
                    .covers(event, event.branch.as_deref())
        };
        let mut rules: Vec<&Rule> = loaded.rules().filter(applies).collect();
        // What must be kept first, then what was said most often, then what only the agent can keep.
        let rank = |rule: &Rule| {
            let checked = rule.decided_by == Decision::Check;
            (rule.strength != Strength::Must, usize::MAX - rule.said.len(), checked, rule.id.clone())
        };
        rules.sort_by_key(|rule| rank(rule));
        words::reminder(&rules, REMINDER_TOKENS, self.host.context_chars)
    }

    pub(super) fn entry(&self, what: What) -> Entry {
        let session = Some(self.heard.session.clone()).filter(|session| !session.is_empty());
        Entry { session, ..Entry::of(what, self.host.name) }
    }

    pub(super) fn note<'v>(&mut self, what: What, verdicts: impl IntoIterator<Item = &'v Verdict>) {
        for verdict in verdicts {
            let why = verdict.witness.as_ref().map_or_else(|| verdict.title.clone(), |witness| witness.text.clone());
            let (rule, said, why) = (Some(verdict.rule.clone()), verdict.said.clone(), Some(why));
            self.log.push(Entry { rule, said, why, ..self.entry(what) });
        }
    }
}

/// One text after the other.
fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    one.into_iter().chain(other).reduce(|one, other| format!("{one}\n\n{other}"))
}

/// The first eight bytes of a text's hash.
pub(super) fn hash(text: &str) -> u64 {
    let hash = blake3::hash(text.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}
