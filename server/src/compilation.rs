//! One compilation: what was said goes in line by line; rules, conflicts and a report come out.
//!
//! INVARIANT: memory is bounded by the rule book; the report waits in a file once it is long.

use crate::backtest::{Advice, Backtest, Replay, Replayed};
use crate::engine::{EngineError, cause, place};
use crate::folder::{Folder, Loaded, Transaction};
use crate::lines::Line;
use crate::reader::Reader;
use crate::recorded::Recording;
use crate::report::{self, Compiled, Conflict, Fate, Input, Outcome, Record};
use compiler::trial;
use compiler::{Check, conflict};
use rules::book::{Action, Admission, RuleBook};
use rules::correction::{Correction, Form};
use rules::{Class, Code, Decision, Diagnostic, Rule, RuleId, Span, State, Understanding};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// How much of a report is kept in memory before it goes to a file, in bytes.
const MAX_SPOOLED_BYTES: usize = 4 << 20;
/// How much of a message a report shows, in bytes.
const MAX_SHOWN_BYTES: usize = 200;

/// How a compilation goes about it.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'p> {
    /// What messages are understood by.
    pub reader: &'p Reader,
    /// Whether rules that pass their own tests are armed, or put in shadow.
    pub arm: bool,
    /// Whether anything is written.
    pub keep: bool,
    /// Recorded sessions over which the rules are run; one that fires where nobody minded is not armed.
    pub history: &'p [Recording],
}

/// What a compilation did, kept outside memory where it is long.
#[derive(Debug)]
pub struct Compilation {
    /// The sum.
    pub sum: Compiled,
    /// Rules that cannot both be kept.
    pub conflicts: Vec<Conflict>,
    /// The rules that the inputs made or support, as they are now, in the order of their names.
    pub rules: Vec<Rule>,
    /// How often each of them was said in the inputs, and in which sessions.
    pub heard: BTreeMap<RuleId, Heard>,
    /// What each of them would have done in recorded sessions, where there are some.
    pub backtests: BTreeMap<RuleId, Backtest>,
    /// What is wrong with what was read.
    pub diagnostics: Vec<Diagnostic>,
    spool: SpooledTempFile,
    /// The final state and fate of each rule that the inputs made or support.
    fates: BTreeMap<RuleId, (State, Fate)>,
}

/// How often a rule was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// In how many messages.
    pub times: usize,
    /// In which sessions, as far as messages name one.
    pub sessions: BTreeSet<String>,
}

/// One compilation under way.
pub(crate) struct Run<'a> {
    book: RuleBook,
    /// The rules that were there before it.
    before: BTreeSet<RuleId>,
    /// What was done with each rule that changes, and in which order.
    changed: BTreeMap<RuleId, (report::Admission, usize)>,
    /// Every rule that a message made or supports.
    meant: BTreeSet<RuleId>,
    heard: BTreeMap<RuleId, Heard>,
    /// The rules that this run has brought into force.
    raised: BTreeSet<RuleId>,
    spool: SpooledTempFile,
    sum: Compiled,
    form: Option<Form>,
    name: &'a str,
    folder: &'a Folder,
    reader: &'a Reader,
}

impl<'a> Run<'a> {
    /// A compilation of an input into the rules that are there.
    pub(crate) fn new(name: &'a str, folder: &'a Folder, loaded: &Loaded, reader: &'a Reader) -> Self {
        Self {
            book: loaded.book(),
            before: loaded.rules().map(|rule| rule.id.clone()).collect(),
            changed: BTreeMap::new(),
            meant: BTreeSet::new(),
            heard: BTreeMap::new(),
            raised: BTreeSet::new(),
            spool: SpooledTempFile::new(MAX_SPOOLED_BYTES),
            sum: Compiled::default(),
            form: None,
            name,
            folder,
            reader,
        }
    }

    /// Takes a line of the input.
    pub(crate) fn line(&mut self, line: &Line, transaction: Option<&mut Transaction<'_>>) -> Result<(), EngineError> {
        let read = line.text().and_then(|text| {
            if text.trim().is_empty() {
                return Ok(None);
            }
            let form = *self.form.get_or_insert_with(|| Form::detect(text));
            form.read(text).map_err(|error| {
                Diagnostic::of(Code::NotJson, error.message).at(Span::on(self.name, line.number, error.column, 1, text))
            })
        });
        match read {
            Ok(None) => Ok(()),
            Ok(Some(mut correction)) => {
                correction.source.get_or_insert_with(|| format!("{}:{}", self.name, line.number));
                let understood = self.reader.understand(&correction);
                self.said(line.number, &correction, understood, transaction)
            }
            Err(diagnostic) => {
                let place = diagnostic.span.clone().unwrap_or_else(|| Span::on(self.name, line.number, 1, 1, ""));
                let why = diagnostic.message.clone();
                self.keep(&Record::Diagnostic(diagnostic.at(place.clone())))?;
                let text = shown(&place.text);
                self.input(Input { line: line.number, text, fate: Fate::Malformed, why, rules: Vec::new() })
            }
        }
    }

    /// Takes what was said, with what it means.
    pub(crate) fn said(
        &mut self,
        line: usize,
        correction: &Correction,
        understood: Understanding,
        transaction: Option<&mut Transaction<'_>>,
    ) -> Result<(), EngineError> {
        let fate = match understood.class {
            Class::NotACorrection => Fate::NotACorrection,
            Class::OneOff => Fate::OneOff,
            Class::Durable => Fate::Reminder,
        };
        if let Some(transaction) = transaction.filter(|_| understood.class != Class::NotACorrection) {
            transaction.correct(correction)?;
        }
        let (mut made, mut heard) = (Vec::new(), BTreeSet::new());
        for proposal in understood.rules {
            let quote = proposal.said.first().map(|quote| quote.quote.clone()).unwrap_or_default();
            let admitted = self.book.admit(&proposal);
            let admission = match &admitted {
                Admission::New(_) => report::Admission::New,
                Admission::Evidence(_) => report::Admission::Evidence,
                Admission::Known(_) => report::Admission::Known,
                Admission::Update(_) => report::Admission::Update,
                Admission::Supersedes { .. } => report::Admission::Supersedes,
            };
            let id = admitted.id().clone();
            self.meant.insert(id.clone());
            heard.insert(id.clone());
            for rule in admitted.into_rules() {
                // A rule that is made in this run stays new, however often it is said.
                let order = self.changed.len();
                self.changed.entry(rule.id.clone()).or_insert((admission, order));
                self.book.insert(rule);
            }
            if let Some(rule) = self.book.rule(&id) {
                made.push(outcome(rule, admission, quote));
            }
        }
        for id in heard {
            let heard = self.heard.entry(id).or_default();
            heard.times += 1;
            heard.sessions.extend(correction.session.clone());
        }
        self.input(Input { line, text: shown(&correction.text), fate, why: understood.why, rules: made })
    }

    /// Runs every rule that a message made or supports over recorded sessions.
    pub(crate) fn replay(
        &self,
        history: &[Recording],
        progress: &mut dyn FnMut(u64),
    ) -> Result<(BTreeMap<RuleId, Backtest>, Replayed), EngineError> {
        let mut replay = Replay::new(&self.book, &self.meant, self.reader.lexicon());
        for recording in history {
            let name = || recording.path.display().to_string();
            replay.recording(recording).map_err(|source| EngineError::Input { name: name(), source })?;
            progress(recording.size());
        }
        let replayed = replay.replayed;
        Ok((replay.finish(), replayed))
    }

    /// Tries every rule that was made or changed, and decides its state; says which rules cannot both be kept.
    pub(crate) fn settle(
        &mut self,
        arm: bool,
        backtests: &BTreeMap<RuleId, Backtest>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Conflict> {
        let touched: Vec<RuleId> = self.changed.keys().cloned().collect();
        for id in &touched {
            let Some(mut rule) = self.book.rule(id).cloned() else { continue };
            let is_new = !self.before.contains(id);
            let only_cites = matches!(self.changed.get(id), Some((report::Admission::Evidence, _)));
            if rule.state == State::Retired || only_cites && !is_new {
                continue;
            }
            let misfires = backtests.get(id).is_some_and(|backtest| backtest.advice == Advice::Shadow);
            let ready = if arm && !misfires { State::Armed } else { State::Shadow };
            let before = rule.state;
            if rule.decided_by == Decision::Check {
                rule.examples.extend(trial::mutants(&rule));
                let failures = match Check::of(&rule) {
                    Ok(check) => trial::run(&rule, &check, &|example| Some(self.place(&rule, example))).failures,
                    Err(faults) => faults,
                };
                rule.state = match (failures.is_empty(), is_new || rule.state == State::Proposed) {
                    (false, _) => State::Proposed,
                    (true, true) => ready,
                    (true, false) => rule.state,
                };
                diagnostics.extend(failures);
            } else if is_new {
                rule.state = ready;
            }
            if rule.state != before {
                self.raised.insert(rule.id.clone());
            }
            self.book.insert(rule);
        }
        let mut conflicts = self.conflicts();
        for conflict in &conflicts {
            // Only what this run has brought into force is held back: a person may have armed the others knowingly.
            let held = [&conflict.newer, &conflict.older].into_iter().find(|id| self.raised.contains(*id));
            if let Some(rule) = held.and_then(|id| self.book.rule(id)).cloned() {
                self.book.insert(Rule { state: State::Proposed, ..rule });
            }
        }
        conflicts.retain(|conflict| [&conflict.newer, &conflict.older].into_iter().any(|id| self.meant.contains(id)));
        conflicts
    }

    /// Where an example will stand in the rule's file.
    fn place(&self, rule: &Rule, example: Option<usize>) -> Span {
        let name = self.folder.shown(&self.folder.rule_path(&rule.id));
        place(&name, &rules::file::render(rule), example)
    }

    fn conflicts(&self) -> Vec<Conflict> {
        let live = |rule: &&Rule| rule.state != State::Retired && rule.decided_by == Decision::Check;
        let checks: Vec<(&Rule, Check)> =
            self.book.iter().filter(live).filter_map(|rule| Some((rule, Check::of(rule).ok()?))).collect();
        let pairs: Vec<(&Rule, &Check)> = checks.iter().map(|(rule, check)| (*rule, check)).collect();
        let said = |id: &RuleId| {
            let quote = self.book.rule(id).and_then(|rule| rule.said.first());
            quote.map(|quote| quote.quote.clone()).unwrap_or_default()
        };
        let found = conflict::conflicts(&pairs, |one, other| self.is_newer(one, other));
        let told = found.into_iter().map(|conflict| Conflict {
            newer_said: said(&conflict.newer),
            older_said: said(&conflict.older),
            newer: conflict.newer,
            older: conflict.older,
            why: conflict.why,
        });
        told.collect()
    }

    /// Whether a rule came later than another: in this run, or later in it; of two that were there before, the one that
    /// still waits for a person.
    fn is_newer(&self, one: &RuleId, other: &RuleId) -> bool {
        let order = |id: &RuleId| {
            let made = self.changed.get(id).filter(|_| !self.before.contains(id));
            let waits = self.book.rule(id).is_some_and(|rule| rule.state == State::Proposed);
            (made.map(|(_, order)| *order), waits, id.clone())
        };
        order(one) > order(other)
    }

    /// Writes the rules that have changed, and says how many files that were.
    pub(crate) fn write(
        &self,
        loaded: &Loaded,
        folder: &Folder,
        transaction: &mut Transaction<'_>,
    ) -> Result<usize, EngineError> {
        let mut written = 0;
        for id in self.changed.keys() {
            let Some(rule) = self.book.rule(id) else { continue };
            let (path, text) = match loaded.file(id) {
                Some(file) => (file.path.clone(), rules::file::update(&file.text, rule)),
                None => (folder.rule_path(id), rules::file::render(rule)),
            };
            written += usize::from(transaction.write(&path, Some(&text), cause(id, Action::Compile, None))?);
        }
        Ok(written)
    }

    fn input(&mut self, input: Input) -> Result<(), EngineError> {
        self.sum.inputs += 1;
        self.keep(&Record::Input(input))
    }

    fn keep(&mut self, record: &Record) -> Result<(), EngineError> {
        let kept = serde_json::to_writer(&mut self.spool, record).map_err(io::Error::from);
        kept.and_then(|()| self.spool.write_all(b"\n"))
            .map_err(|source| EngineError::Input { name: self.name.to_owned(), source })
    }

    /// Counts what became of each message, now that every rule's state is known.
    pub(crate) fn finish(
        self,
        conflicts: Vec<Conflict>,
        backtests: BTreeMap<RuleId, Backtest>,
        diagnostics: Vec<Diagnostic>,
    ) -> Result<Compilation, EngineError> {
        let mut sum = self.sum;
        for rule in self.book.iter() {
            *sum.rules.entry(rule.state).or_default() += 1;
        }
        let held: BTreeSet<&RuleId> =
            conflicts.iter().flat_map(|conflict| [&conflict.newer, &conflict.older]).collect();
        let fate = |rule: &Rule| match decided(rule) {
            Some(fate) => fate,
            None if rule.state == State::Proposed && held.contains(&rule.id) => Fate::Conflict,
            None if rule.state == State::Proposed => Fate::Untested,
            None if rule.state == State::Shadow => Fate::Shadow,
            None => Fate::Enforced,
        };
        let fates = self.book.iter().map(|rule| (rule.id.clone(), (rule.state, fate(rule)))).collect();
        let rules = self.meant.iter().filter_map(|id| self.book.rule(id).cloned()).collect();
        let mut compilation =
            Compilation { sum, conflicts, rules, heard: self.heard, backtests, diagnostics, spool: self.spool, fates };
        let mut counts: BTreeMap<Fate, usize> = BTreeMap::new();
        let counted: io::Result<()> = compilation.inputs(&mut |record| {
            if let Record::Input(input) = record {
                *counts.entry(input.fate).or_default() += 1;
            }
            Ok(())
        });
        counted.map_err(|source| EngineError::Input { name: self.name.to_owned(), source })?;
        compilation.sum.fates = counts;
        Ok(compilation)
    }
}

impl Compilation {
    /// Adds what is wrong with the rules as they are now.
    pub(crate) fn add(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        self.diagnostics.extend(diagnostics);
    }

    /// Hands every record of the report on: inputs in order, conflicts, diagnostics, backtests and the sum.
    ///
    /// # Errors
    /// What is taken fails, or the part of the report that is not in memory cannot be read.
    pub fn each<E: From<io::Error>>(mut self, take: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.inputs(take)?;
        self.conflicts.into_iter().try_for_each(|conflict| take(Record::Conflict(conflict)))?;
        self.diagnostics.into_iter().try_for_each(|diagnostic| take(Record::Diagnostic(diagnostic)))?;
        self.backtests.into_values().try_for_each(|backtest| take(Record::Backtest(backtest)))?;
        take(Record::Compiled(self.sum))
    }

    fn inputs<E: From<io::Error>>(&mut self, take: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.spool.seek(SeekFrom::Start(0))?;
        for line in BufReader::new(&mut self.spool).lines() {
            let mut record: Record = serde_json::from_str(&line?).map_err(io::Error::from)?;
            if let Record::Input(input) = &mut record {
                let mut worst = None;
                for made in &mut input.rules {
                    if let Some((state, fate)) = self.fates.get(&made.rule) {
                        made.state = *state;
                        worst = worst.max(Some(*fate));
                    }
                }
                // Of several rules the one that most needs a look tells the message's fate.
                input.fate = worst.unwrap_or(input.fate);
            }
            take(record)?;
        }
        Ok(())
    }
}

/// The fate that a rule has whatever its tests say.
fn decided(rule: &Rule) -> Option<Fate> {
    match (rule.state, rule.decided_by) {
        (State::Retired, _) => Some(Fate::Retired),
        (_, Decision::Judged) => Some(Fate::Judged),
        (_, Decision::Reminder) => Some(Fate::Reminder),
        (_, Decision::Check) => None,
    }
}

fn outcome(rule: &Rule, admission: report::Admission, quote: String) -> Outcome {
    let pattern = rule.check.as_ref().map(|check| &check.pattern);
    Outcome {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        admission,
        state: rule.state,
        pattern: pattern.map(|pattern| pattern.name().to_owned()),
        bites: pattern.map(|pattern| pattern.bites().to_owned()),
        quote,
    }
}

fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_SHOWN_BYTES);
    text.get(..end).unwrap_or_default().replace('\n', " ")
}
