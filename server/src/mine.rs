//! Rules that were said before anybody wrote them down: found in recorded sessions and in documents of instructions, merged,
//! run over the sessions they come from, and proposed.
//!
//! INVARIANTS: recordings are streams, and what is held grows with the rule book, and by eight bytes a message; what cannot be read is counted and
//! told, and stops nothing; a message that stands in several copies of a session is one message; secrets are taken out
//! before anything is shown or kept. Nothing that is found here is armed: what is kept is in shadow, or proposed where it
//! fails its own tests or conflicts with another rule.

mod document;
mod hookify;
mod sources;

pub use sources::{Source, SourceError, Sources, sources};

use crate::backtest::{Backtest, correction};
use crate::compilation::{Compilation, Heard, Plan, Run};
use crate::engine::{Engine, EngineError};
use crate::folder::Transaction;
use crate::recorded::{Recording, Told};
use crate::report::{Conflict, Mined, Proposal};
use rules::{Class, Code, Correction, Diagnostic, Event, EventKind, Rule, Span, Understanding};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// How many lines that can't be read are listed; all are counted.
const MAX_UNREAD: usize = 20;
/// What to do about one.
const UNREAD_HELP: &str = "nothing, if the program was stopped while it wrote: all other lines are read";
/// The longest document that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The rules, those that were said most often first.
    pub proposals: Vec<Proposal>,
    /// Rules that cannot both be kept.
    pub conflicts: Vec<Conflict>,
    /// What is wrong with what was read.
    pub diagnostics: Vec<Diagnostic>,
    /// The sum.
    pub sum: Mined,
}

/// Looks for rules in recordings and documents; `plan.history` names further recordings over which they are run, besides
/// those they come from. What has been read is told to `progress`, in bytes.
///
/// # Errors
/// A file cannot be read, or our own files not be written.
pub fn mine(
    engine: &Engine,
    sources: &Sources,
    plan: &Plan<'_>,
    progress: &mut dyn FnMut(u64),
) -> Result<Found, EngineError> {
    let mut history: Vec<Recording> = sources.recordings().chain(plan.history).cloned().collect();
    history.sort();
    history.dedup();
    // A rule that comes from a recording is no explicit yes, whatever the plan says.
    let plan = Plan { arm: false, history: &history, ..*plan };
    let mut sum = Mined { passed: sources.passed.clone(), ..Mined::default() };
    let mut unread = Vec::new();
    let (progress, done) = (RefCell::new(progress), Cell::new(0));
    let told = |bytes| {
        done.set(done.get() + bytes);
        (progress.borrow_mut())(done.get());
    };
    let (compilation, replayed) = engine.run("trace mine", &plan, &mut |bytes| told(bytes), |run, transaction| {
        let (sum, unread) = (&mut sum, &mut unread);
        let mut search = Search { engine, plan: &plan, run, transaction, sum, known: HashSet::new(), unread };
        for source in &sources.found {
            told(search.source(source)?);
        }
        Ok(())
    })?;
    sum.replayed = replayed;
    let mut found = found(compilation, sum);
    found.diagnostics.splice(0..0, unread);
    Ok(found)
}

/// The most that is told to the progress of a search: each recording is read twice.
pub fn size(sources: &Sources, history: &[Recording]) -> u64 {
    let twice: BTreeSet<&Recording> = sources.recordings().chain(history).collect();
    let once = sources.recordings().map(Recording::size).sum::<u64>();
    once + twice.into_iter().map(Recording::size).sum::<u64>()
}

fn found(mut compilation: Compilation, mut sum: Mined) -> Found {
    let Compilation { rules, heard, backtests, .. } = &mut compilation;
    let (rules, mut backtests) = (std::mem::take(rules), std::mem::take(backtests));
    let mut proposals: Vec<Proposal> = rules
        .into_iter()
        .map(|rule| {
            let backtest = backtests.remove(&rule.id);
            let heard = heard.remove(&rule.id).unwrap_or_default();
            proposal(rule, &heard, backtest)
        })
        .collect();
    proposals.sort_by_key(|proposal| std::cmp::Reverse((proposal.sessions, proposal.times)));
    sum.proposals = proposals.len();
    sum.written = compilation.sum.written;
    Found { proposals, conflicts: compilation.conflicts, diagnostics: compilation.diagnostics, sum }
}

fn proposal(rule: Rule, heard: &Heard, backtest: Option<Backtest>) -> Proposal {
    Proposal {
        times: heard.times,
        sessions: heard.sessions.len(),
        rule: rule.id,
        title: rule.title,
        state: rule.state,
        decided_by: rule.decided_by,
        check: rule.check,
        confidence: rule.confidence,
        said: rule.said,
        backtest,
    }
}

/// A search under way.
struct Search<'s, 'r, 'p, 'f> {
    engine: &'s Engine,
    plan: &'s Plan<'p>,
    run: &'s mut Run<'r>,
    transaction: Option<&'s mut Transaction<'f>>,
    sum: &'s mut Mined,
    /// Hashes of the names of messages that were read already, maybe in another copy of their session.
    known: HashSet<u64>,
    /// What could not be read, as far as it is listed.
    unread: &'s mut Vec<Diagnostic>,
}

impl Search<'_, '_, '_, '_> {
    /// Reads a source, and tells how many bytes of recordings that were.
    fn source(&mut self, source: &Source) -> Result<u64, EngineError> {
        match source {
            Source::Recording(recording) => {
                self.sum.recordings += 1;
                self.recording(recording)?;
                Ok(recording.size())
            }
            Source::Document(path) => {
                self.sum.documents += 1;
                let (name, text) = text(path)?;
                let statements = document::statements(&text, &name, self.directory(path).as_deref());
                self.pass("of a table or a listing", statements.passed);
                for (line, correction) in statements.found {
                    let understood = self.plan.reader.understand(&correction);
                    self.said(line, &correction, understood)?;
                }
                Ok(0)
            }
            Source::Hookify(path) => {
                self.sum.documents += 1;
                let (name, text) = text(path)?;
                match hookify::rule(&text, &name) {
                    Ok((correction, understood)) => self.said(1, &correction, understood)?,
                    Err(why) => self.pass(why, 1),
                }
                Ok(0)
            }
        }
    }

    fn recording(&mut self, recording: &Recording) -> Result<(), EngineError> {
        let source = recording.path.display().to_string();
        let (mut last, mut session, mut failed): (Option<Event>, String, _) = (None, String::new(), None);
        let read = recording.read(&mut |told| {
            let happened = match told {
                Told::Happened(happened) => *happened,
                Told::Passed(why) => {
                    self.pass(&why, 1);
                    return ControlFlow::Continue(());
                }
                Told::Unread(line, why) => {
                    self.sum.unread += 1;
                    if self.unread.len() < MAX_UNREAD {
                        let fault = Diagnostic::of(Code::NotJson, why).help(UNREAD_HELP);
                        self.unread.push(fault.at(Span::on(source.as_str(), line, 1, 1, "")));
                    }
                    return ControlFlow::Continue(());
                }
            };
            if happened.session != session {
                happened.session.clone_into(&mut session);
                last = None;
            }
            let EventKind::UserPromptSubmit { text } = &happened.event.kind else {
                if matches!(happened.event.kind, EventKind::PreToolUse { .. }) {
                    last = Some(happened.event);
                }
                return ControlFlow::Continue(());
            };
            let is_known = |id: &String| !self.known.insert(hash(id));
            if happened.id.as_ref().is_some_and(is_known) {
                self.pass("of a copy of a session", 1);
                return ControlFlow::Continue(());
            }
            let correction = correction(&happened, text, &source, last.take());
            let understood = self.plan.reader.understand(&correction);
            match self.said(happened.line, &correction, understood) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        });
        read.map_err(|source_error| EngineError::Input { name: source, source: source_error })?;
        failed.map_or(Ok(()), Err)
    }

    /// Takes what was said, if a rule follows from it: what was meant once is no evidence of anything here.
    fn said(&mut self, line: usize, correction: &Correction, understood: Understanding) -> Result<(), EngineError> {
        self.sum.messages += 1;
        if understood.class != Class::Durable {
            return Ok(());
        }
        self.sum.durable += 1;
        self.run.said(line, correction, understood, self.transaction.as_deref_mut())
    }

    fn pass(&mut self, why: &str, count: usize) {
        if count > 0 {
            *self.sum.passed.entry(why.to_owned()).or_default() += count;
        }
    }

    /// The directory that a document is about: where it lies, or where the hidden folder lies that it is in; nothing for the
    /// root, and for what lies outside.
    fn directory(&self, path: &Path) -> Option<String> {
        let path = fs::canonicalize(path).ok()?;
        let folder = path.strip_prefix(self.engine.root()).ok()?.parent()?;
        let parts = folder.iter().map(|part| part.to_string_lossy()).take_while(|part| !part.starts_with('.'));
        Some(parts.collect::<Vec<_>>().join("/")).filter(|folder| !folder.is_empty())
    }
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// The name of a document, and its text.
fn text(path: &Path) -> Result<(String, String), EngineError> {
    let name = path.display().to_string();
    let failed = |source| EngineError::Input { name: name.clone(), source };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MOST_BYTES {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let bytes = fs::read(path).map_err(failed)?;
    Ok((name.clone(), String::from_utf8_lossy(&bytes).into_owned()))
}
