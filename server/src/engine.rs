//! The engine: from what a user said to checks, over the files of one workspace.

use crate::backtest::Replayed;
use crate::compilation::{Compilation, Plan, Run};
use crate::folder::{Cause, Folder, FolderError, Loaded, RuleFile, Transaction};
use crate::history;
use crate::lines;
use crate::reader::Reader;
use crate::workspace::Repository;
use compiler::trial::{self, Trial};
use compiler::{ArtifactError, Check, Checks};
use rules::book::{Action, NotAllowed, transition};
use rules::directive::Fail;
use rules::{Code, Decision, Diagnostic, Rule, RuleId, Severity, Span, State, Strength};
use std::cell::{Cell, RefCell};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

/// The longest line of a correction file, in bytes.
const MAX_LINE_BYTES: usize = 1 << 20;
/// The most rules of which every file is looked at where an answer cannot wait.
const MOST_LOOKED_AT: usize = 128;

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

    /// The same rules over the files of another directory, such as a linked work tree.
    ///
    /// # Errors
    /// The directory is not there.
    pub fn over(self, root: &Path) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Workspace { path: root.to_owned(), source };
        Ok(Self { repository: Repository::at(root).map_err(failed)?, ..self })
    }

    /// A file of the workspace's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path(name)
    }

    /// Where the agents of the workspace share their state; the file is made by the first who writes.
    pub fn state(&self) -> PathBuf {
        self.folder.path("state.db")
    }

    /// Creates the folder of the workspace where it is not there.
    ///
    /// # Errors
    /// It can't be created.
    pub fn create(&self) -> Result<(), EngineError> {
        Ok(self.folder.create()?)
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
        self.current(self.folder.read_cache().map(Checks::read))
    }

    /// The same, where these are kept.
    fn current(&self, kept: Option<Result<Checks, ArtifactError>>) -> (Checks, Vec<Diagnostic>) {
        // Asked before the files are read, so that what changes meanwhile counts as a change.
        let stamp = self.folder.stamp();
        let fingerprint = self.folder.fingerprint();
        let why = match kept {
            Some(Ok(checks)) if made_from(&checks).0 == fingerprint => {
                if made_from(&checks).1 == stamp {
                    return (checks, Vec::new());
                }
                // Something else has changed in a folder, such as an editor's own file.
                let checks = checks.made_from(joined(fingerprint, stamp));
                let diagnostics = self.folder.write_cache(checks.bytes());
                return (checks, diagnostics.into_iter().collect());
            }
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
        // What a bad rule says must be said again next time: checks with one missing are those of no files.
        let files = if whole { fingerprint } else { [0; 16] };
        let checks = Checks::of(&checks, joined(files, stamp));
        if self.folder.path("").is_dir() {
            diagnostics.extend(self.folder.write_cache(checks.bytes()));
        }
        (checks, diagnostics)
    }

    /// The compiled checks for an answer that cannot wait, and whether they are current as far as was looked.
    ///
    /// A few rule files are all looked at, as [`Engine::checks`] does it. Of more, only their folders are: what is
    /// overwritten in place shows at the next call of [`Engine::checks`], which is with the user's next words. Checks that
    /// are not current are handed out all the same, since making thousands anew would take longer than the answer may.
    pub fn checks_at_hand(&self) -> (Checks, bool) {
        match self.folder.read_cache().map(Checks::read) {
            Some(Ok(checks)) if checks.len() > MOST_LOOKED_AT => {
                let current = made_from(&checks).1 == self.folder.stamp();
                (checks, current)
            }
            kept => (self.current(kept).0, true),
        }
    }

    /// The armed rules that refuse a call which could not be judged, with their titles: by the checks that are kept, however
    /// old, or else by the rule files.
    pub fn closed(&self) -> Vec<(RuleId, String)> {
        if let Some(Ok(checks)) = self.folder.read_cache().map(Checks::read) {
            return checks.closed().map(|check| (check.id.clone(), check.title.clone())).collect();
        }
        let is_closed = |rule: &&Rule| {
            let must = rule.state == State::Armed && rule.strength == Strength::Must && is_evaluated(rule);
            must && rule.check.as_ref().is_some_and(|check| check.fail == Fail::Closed)
        };
        self.folder.load().rules().filter(is_closed).map(|rule| (rule.id.clone(), rule.title.clone())).collect()
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

    /// What messages are understood by: the built-in lexicon with the workspace's own, and what is wrong with that.
    pub fn reader(&self) -> (Reader, Vec<Diagnostic>) {
        Reader::of(&self.folder)
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
        let (reader, faults) = self.reader();
        let plan = Plan { reader: &reader, arm, keep: true, history: &[] };
        let mut compilation = self.compile_by(input, name, &plan, progress)?;
        compilation.diagnostics.extend(faults);
        Ok(compilation)
    }

    /// Compiles what a user said by a plan; `progress` is told the bytes of the input and then of the recordings too.
    ///
    /// # Errors
    /// The input or a recording cannot be read, or our own files not be written.
    pub fn compile_by(
        &self,
        input: impl BufRead,
        name: &str,
        plan: &Plan<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Compilation, EngineError> {
        let failed = |source| EngineError::Input { name: name.to_owned(), source };
        let (progress, done) = (RefCell::new(progress), Cell::new(0));
        let told = |bytes| {
            done.set(done.get() + bytes);
            (progress.borrow_mut())(done.get());
        };
        let (compilation, _) = self.run(name, plan, &mut |bytes| told(bytes), |run, mut transaction| {
            for line in lines::bounded(input, MAX_LINE_BYTES) {
                let line = line.map_err(failed)?;
                run.line(&line, transaction.as_deref_mut())?;
                told(line.end - done.get());
            }
            Ok(())
        })?;
        Ok(compilation)
    }

    /// Runs a compilation; `feed` gives it what was said, and `progress` is told the bytes of each recording that was
    /// replayed.
    pub(crate) fn run<'f>(
        &'f self,
        name: &str,
        plan: &Plan<'_>,
        progress: &mut dyn FnMut(u64),
        feed: impl FnOnce(&mut Run<'_>, Option<&mut Transaction<'f>>) -> Result<(), EngineError>,
    ) -> Result<(Compilation, Replayed), EngineError> {
        let mut transaction = plan.keep.then(|| self.folder.transaction()).transpose()?;
        let loaded = self.folder.load();
        let mut run = Run::new(name, &self.folder, &loaded, plan.reader);
        feed(&mut run, transaction.as_mut())?;
        let (backtests, replayed) = match plan.history {
            [] => Default::default(),
            history => run.replay(history, progress)?,
        };
        let mut diagnostics = loaded.diagnostics.clone();
        let conflicts = run.settle(plan.arm, &backtests, &mut diagnostics);
        let Some(mut transaction) = transaction else {
            return Ok((run.finish(conflicts, backtests, diagnostics)?, replayed));
        };
        let written = run.write(&loaded, &self.folder, &mut transaction)?;
        diagnostics.extend(transaction.commit()?);
        // The rules are read once more for the checks; no other copy of them stays meanwhile.
        let Loaded { files, diagnostics: known } = loaded;
        drop(files);
        let mut compilation = run.finish(conflicts, backtests, diagnostics)?;
        let (checks, faults) = self.checks();
        // What was wrong with the files before is known already.
        compilation.add(faults.into_iter().filter(|fault| !known.contains(fault)));
        compilation.sum.written = written;
        compilation.sum.checks = checks.len();
        Ok((compilation, replayed))
    }
}

/// Where an example stands in the text of a rule file; without one, its beginning.
pub(crate) fn place(name: &str, text: &str, example: Option<usize>) -> Span {
    let header = example.and_then(|number| text.match_indices("[[example]]").nth(number));
    Span::within(name, text, header.map_or(0..0, |(start, header)| start..start + header.len()))
}

/// The fingerprint of the rule files that checks were made from, and the stamp of the folders.
fn made_from(checks: &Checks) -> ([u8; 16], [u8; 16]) {
    let halves = checks.fingerprint().unwrap_or_default();
    let (files, folders) = halves.split_at(16);
    (files.try_into().unwrap_or_default(), folders.try_into().unwrap_or_default())
}

fn joined(files: [u8; 16], folders: [u8; 16]) -> [u8; 32] {
    let mut whole = [0; 32];
    whole.iter_mut().zip(files.into_iter().chain(folders)).for_each(|(byte, part)| *byte = part);
    whole
}

fn is_evaluated(rule: &Rule) -> bool {
    matches!(rule.state, State::Armed | State::Shadow) && rule.decided_by == Decision::Check
}

pub(crate) fn cause(rule: &RuleId, action: Action, reason: Option<String>) -> Cause {
    let by = if action == Action::Compile { "trace compile" } else { "a person" };
    Cause { rule: rule.clone(), action, by: by.to_owned(), reason, at: now() }
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// How many letters in order two names share at their beginning and end.
fn likeness(one: &str, other: &str) -> usize {
    let head = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let tail = one.bytes().rev().zip(other.bytes().rev()).take_while(|(a, b)| a == b).count();
    (head + tail).min(one.len().min(other.len()))
}
