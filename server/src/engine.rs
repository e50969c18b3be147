//! The engine: from what a user said to checks, over the files of one workspace.

use crate::folder::{Cause, Folder, FolderError, Loaded, RuleFile, Transaction};
use crate::history;
use crate::lines::{self, Line};
use crate::report::{self, Compiled, Conflict, Fate, Input, Outcome, Record};
use crate::workspace::Repository;
use compiler::conflict;
use compiler::trial::{self, Trial};
use compiler::{ArtifactError, Check, Checks};
use rules::book::{Action, Admission, NotAllowed, RuleBook, transition};
use rules::correction::{Correction, Form};
use rules::{Class, Code, Decision, Diagnostic, Lexicon, Rule, RuleId, Severity, Span, State};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::SpooledTempFile;

/// The longest line of a correction file, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;
/// How much of a report is kept in memory before it goes to a file, in bytes.
const MAX_SPOOLED_BYTES: usize = 4 << 20;
/// How much of a message a report shows, in bytes.
const MAX_SHOWN_BYTES: usize = 200;

/// Which workspace is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// This very directory.
    At(PathBuf),
    /// The nearest directory upwards that has a `.trace` folder, or else the root of the repository.
    Near(PathBuf),
}

/// Rules and checks of one workspace.
#[derive(Debug)]
pub struct Engine {
    folder: Folder,
    repository: Repository,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file of ours.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The workspace is not there.
    #[error("cannot use `{path}` as a workspace")]
    Workspace {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is compiled could not be read, or the report not be kept.
    #[error("cannot read `{name}`")]
    Input {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// No such rule.
    #[error("there is no rule `{name}`{}", suggestion(.nearest.as_deref()))]
    UnknownRule {
        /// The name that was asked for.
        name: String,
        /// The name that looks most like it.
        nearest: Option<String>,
    },
    /// The rule cannot be brought into that state.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Nothing to take back.
    #[error("rule `{0}` has no change that could be taken back")]
    NothingToUndo(RuleId),
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// What a compilation did, kept outside memory where it is long.
#[derive(Debug)]
pub struct Compilation {
    /// The sum.
    pub sum: Compiled,
    /// Rules that cannot both be kept.
    pub conflicts: Vec<Conflict>,
    spool: SpooledTempFile,
    diagnostics: Vec<Diagnostic>,
    /// The final state and fate of each rule that the inputs made or support.
    fates: BTreeMap<RuleId, (State, Fate)>,
}

impl Engine {
    /// Opens a workspace; nothing is written before something is compiled.
    ///
    /// # Errors
    /// The directory is not there.
    pub fn open(place: &Place, user: Option<&Path>) -> Result<Self, EngineError> {
        let folder = match place {
            Place::At(root) => Folder::under(root, user),
            Place::Near(start) => Folder::find(start, user).unwrap_or_else(|| Folder::at(start, user)),
        };
        let repository = Repository::at(folder.root())
            .map_err(|source| EngineError::Workspace { path: folder.root().to_owned(), source })?;
        Ok(Self { folder, repository })
    }

    /// The root of the workspace.
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The files of the workspace, for rules that ask for them.
    pub fn workspace(&self) -> &Repository {
        &self.repository
    }

    /// All rule files, and what is wrong with any.
    pub fn rules(&self) -> Loaded {
        self.folder.load()
    }

    /// One rule that applies.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn rule(&self, name: &str) -> Result<RuleFile, EngineError> {
        let mut files = self.folder.load().files;
        files.retain(|file| !file.overridden);
        if let Some(at) = files.iter().position(|file| file.rule.id.as_str() == name) {
            return Ok(files.swap_remove(at));
        }
        let nearest = files.iter().map(|file| file.rule.id.as_str()).max_by_key(|id| likeness(id, name));
        let nearest = nearest.filter(|id| likeness(id, name) * 2 > name.len()).map(str::to_owned);
        Err(EngineError::UnknownRule { name: name.to_owned(), nearest })
    }

    /// The compiled checks: those that are kept, or new ones where the rules have changed since.
    ///
    /// Bad rules are left out, each with its diagnostics, and none disables another.
    pub fn checks(&self) -> (Checks, Vec<Diagnostic>) {
        let fingerprint = self.fingerprint();
        let kept = self.folder.read_cache().map(Checks::read);
        let why = match kept {
            Some(Ok(checks)) if checks.fingerprint() == Some(fingerprint) => return (checks, Vec::new()),
            Some(Err(error @ (ArtifactError::Damaged | ArtifactError::NotAnArtifact))) => Some(error),
            _ => None,
        };
        let loaded = self.folder.load();
        let mut diagnostics = loaded.diagnostics.clone();
        diagnostics.extend(why.map(|why| Diagnostic::of(Code::StaleCache, why.to_string())));
        let mut checks = Vec::new();
        for file in loaded.files.iter().filter(|file| !file.overridden && is_evaluated(&file.rule)) {
            match Check::of(&file.rule) {
                Ok(check) => checks.push(check),
                Err(faults) => diagnostics.extend(faults.into_iter().map(|fault| self.in_file(file, fault))),
            }
        }
        let whole = diagnostics.iter().all(|diagnostic| diagnostic.severity < Severity::Error);
        let checks = Checks::of(&checks, fingerprint);
        // What a bad rule says must be said again next time, so that checks with one missing are not kept.
        if whole && self.folder.path("").is_dir() {
            diagnostics.extend(self.folder.write_cache(checks.bytes()));
        }
        (checks, diagnostics)
    }

    fn fingerprint(&self) -> [u8; 32] {
        let mut whole = [0; 32];
        for (byte, of_files) in whole.iter_mut().zip(self.folder.fingerprint()) {
            *byte = of_files;
        }
        whole
    }

    /// A fault of a rule at the place in its file that the message quotes.
    fn in_file(&self, file: &RuleFile, fault: Diagnostic) -> Diagnostic {
        let name = self.folder.shown(&file.path);
        let quoted = fault.message.split('`').nth(1).unwrap_or_default();
        let found = file.text.find(quoted).map_or(0..0, |start| start..start + quoted.len());
        let place = fault.span.clone().unwrap_or_else(|| Span::within(name, &file.text, found));
        fault.at(place)
    }

    /// Runs a rule on its own examples.
    pub fn test(&self, file: &RuleFile) -> Trial {
        match Check::of(&file.rule) {
            Ok(check) => {
                let name = self.folder.shown(&file.path);
                trial::run(&file.rule, &check, &|example| Some(place(&name, &file.text, example)))
            }
            Err(faults) => {
                let failures = faults.into_iter().map(|fault| self.in_file(file, fault)).collect();
                Trial { failures, ..Trial::default() }
            }
        }
    }

    /// Brings a rule into another state; one that fails its own tests is not armed, and the failures are returned.
    ///
    /// # Errors
    /// There is no such rule, or it cannot be brought there.
    pub fn change(&self, name: &str, action: Action, reason: Option<String>) -> Result<Vec<Diagnostic>, EngineError> {
        let mut transaction = self.folder.transaction()?;
        let found = self.rule(name)?;
        let rule = transition(&found.rule, action)?;
        if action == Action::Arm && rule.decided_by == Decision::Check {
            let failures = self.test(&RuleFile { rule: rule.clone(), ..found.clone() }).failures;
            if !failures.is_empty() {
                return Ok(failures);
            }
        }
        let text = rules::file::update(&found.text, &rule);
        transaction.write(&found.path, Some(&text), cause(&rule.id, action, reason))?;
        transaction.commit()?;
        Ok(Vec::new())
    }

    /// Records that a person has edited a rule's file, and says what is wrong with it now.
    ///
    /// # Errors
    /// The file cannot be read, or the history not be written.
    pub fn edited(&self, before: &RuleFile) -> Result<Vec<Diagnostic>, EngineError> {
        let mut transaction = self.folder.transaction()?;
        let after = transaction.read(&before.path)?;
        let name = self.folder.shown(&before.path);
        let diagnostics = match after.as_deref().map(|text| rules::file::parse(text, &name)) {
            Some(Ok(rule)) if rule.decided_by == Decision::Check => {
                let text = after.clone().unwrap_or_default();
                self.test(&RuleFile { text, rule, ..before.clone() }).failures
            }
            Some(Err(faults)) => faults,
            _ => Vec::new(),
        };
        transaction.edited(&before.path, Some(&before.text), cause(&before.rule.id, Action::Edit, None))?;
        transaction.commit()?;
        Ok(diagnostics)
    }

    /// Takes a rule's last change back.
    ///
    /// # Errors
    /// There is nothing to take back.
    pub fn undo(&self, name: &str) -> Result<(), EngineError> {
        let unknown = || EngineError::UnknownRule { name: name.to_owned(), nearest: None };
        let id = RuleId::try_from(name.to_owned()).map_err(|_| unknown())?;
        match history::undo(&self.folder, &id, &now(), "a person")? {
            Some(_) => Ok(()),
            None if self.rule(name).is_ok() => Err(EngineError::NothingToUndo(id)),
            None => self.rule(name).map(drop),
        }
    }

    /// Compiles what a user said into rules and checks.
    ///
    /// The input is read line by line; memory is bounded by the longest line and the rule book. What is read so far is
    /// told to `progress`, in bytes. Rules that pass their own tests are armed, or put in shadow where `arm` is false.
    ///
    /// # Errors
    /// The input cannot be read, or our own files not be written.
    pub fn compile(
        &self,
        input: impl BufRead,
        name: &str,
        arm: bool,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Compilation, EngineError> {
        let mut transaction = self.folder.transaction()?;
        let loaded = self.folder.load();
        let mut run = Run {
            book: loaded.book(),
            before: loaded.rules().map(|rule| rule.id.clone()).collect(),
            changed: BTreeMap::new(),
            meant: BTreeSet::new(),
            raised: BTreeSet::new(),
            spool: SpooledTempFile::new(MAX_SPOOLED_BYTES),
            sum: Compiled::default(),
            form: None,
            name,
            folder: &self.folder,
        };
        let failed = |source| EngineError::Input { name: name.to_owned(), source };
        for line in lines::bounded(input, MAX_LINE_BYTES) {
            let line = line.map_err(failed)?;
            run.line(&line, &mut transaction)?;
            progress(line.end);
        }
        let mut diagnostics = loaded.diagnostics.clone();
        let conflicts = run.settle(arm, &mut diagnostics);
        let written = run.write(&loaded, &self.folder, &mut transaction)?;
        diagnostics.extend(transaction.commit()?);
        let (checks, faults) = self.checks();
        // What was wrong with the files before is known already.
        diagnostics.extend(faults.into_iter().filter(|fault| !loaded.diagnostics.contains(fault)));
        let mut compilation = run.finish(conflicts, diagnostics)?;
        compilation.sum.written = written;
        compilation.sum.checks = checks.len();
        Ok(compilation)
    }
}

/// One compilation under way.
struct Run<'a> {
    book: RuleBook,
    /// The rules that were there before it.
    before: BTreeSet<RuleId>,
    /// What was done with each rule that changes, and in which order.
    changed: BTreeMap<RuleId, (report::Admission, usize)>,
    /// Every rule that a message made or supports.
    meant: BTreeSet<RuleId>,
    /// The rules that this run has brought into force.
    raised: BTreeSet<RuleId>,
    spool: SpooledTempFile,
    sum: Compiled,
    form: Option<Form>,
    name: &'a str,
    folder: &'a Folder,
}

impl Run<'_> {
    fn line(&mut self, line: &Line, transaction: &mut Transaction<'_>) -> Result<(), EngineError> {
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
            Ok(Some(correction)) => self.correction(line.number, correction, transaction),
            Err(diagnostic) => {
                let place = diagnostic.span.clone().unwrap_or_else(|| Span::on(self.name, line.number, 1, 1, ""));
                let why = diagnostic.message.clone();
                self.keep(&Record::Diagnostic(diagnostic.at(place.clone())))?;
                let text = shown(&place.text);
                self.input(Input { line: line.number, text, fate: Fate::Malformed, why, rules: Vec::new() })
            }
        }
    }

    fn correction(
        &mut self,
        line: usize,
        mut correction: Correction,
        transaction: &mut Transaction<'_>,
    ) -> Result<(), EngineError> {
        correction.source.get_or_insert_with(|| format!("{}:{line}", self.name));
        let understood = rules::understand(&correction, Lexicon::builtin());
        let fate = match understood.class {
            Class::NotACorrection => Fate::NotACorrection,
            Class::OneOff => Fate::OneOff,
            Class::Durable => Fate::Reminder,
        };
        if understood.class != Class::NotACorrection {
            transaction.correct(&correction)?;
        }
        let mut made = Vec::new();
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
        self.input(Input { line, text: shown(&correction.text), fate, why: understood.why, rules: made })
    }

    /// Tries every rule that was made or changed, and decides its state; says which rules cannot both be kept.
    fn settle(&mut self, arm: bool, diagnostics: &mut Vec<Diagnostic>) -> Vec<Conflict> {
        let touched: Vec<RuleId> = self.changed.keys().cloned().collect();
        for id in &touched {
            let Some(mut rule) = self.book.rule(id).cloned() else { continue };
            let is_new = !self.before.contains(id);
            let only_cites = matches!(self.changed.get(id), Some((report::Admission::Evidence, _)));
            if rule.state == State::Retired || only_cites && !is_new {
                continue;
            }
            let ready = if arm { State::Armed } else { State::Shadow };
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
    fn write(&self, loaded: &Loaded, folder: &Folder, transaction: &mut Transaction<'_>) -> Result<usize, EngineError> {
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
    fn finish(self, conflicts: Vec<Conflict>, diagnostics: Vec<Diagnostic>) -> Result<Compilation, EngineError> {
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
        let mut compilation = Compilation { sum, conflicts, spool: self.spool, diagnostics, fates };
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
    /// Hands every record of the report on: inputs in order, conflicts, diagnostics and the sum.
    ///
    /// # Errors
    /// What is taken fails, or the part of the report that is not in memory cannot be read.
    pub fn each<E: From<io::Error>>(mut self, take: &mut dyn FnMut(Record) -> Result<(), E>) -> Result<(), E> {
        self.inputs(take)?;
        self.conflicts.into_iter().try_for_each(|conflict| take(Record::Conflict(conflict)))?;
        self.diagnostics.into_iter().try_for_each(|diagnostic| take(Record::Diagnostic(diagnostic)))?;
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

/// Where an example stands in the text of a rule file; without one, its beginning.
fn place(name: &str, text: &str, example: Option<usize>) -> Span {
    let header = example.and_then(|number| text.match_indices("[[example]]").nth(number));
    Span::within(name, text, header.map_or(0..0, |(start, header)| start..start + header.len()))
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

fn is_evaluated(rule: &Rule) -> bool {
    matches!(rule.state, State::Armed | State::Shadow) && rule.decided_by == Decision::Check
}

fn cause(rule: &RuleId, action: Action, reason: Option<String>) -> Cause {
    let by = if action == Action::Compile { "trace compile" } else { "a person" };
    Cause { rule: rule.clone(), action, by: by.to_owned(), reason, at: now() }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn shown(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_SHOWN_BYTES);
    text.get(..end).unwrap_or_default().replace('\n', " ")
}

/// How many letters in order two names share at their beginning and end.
fn likeness(one: &str, other: &str) -> usize {
    let head = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let tail = one.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    (head + tail).min(one.len().min(other.len()))
}
