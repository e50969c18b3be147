//! Predicates, compiled, and how they are decided on an event.
//!
//! The meaning is that of [`rules::predicate`]: an event has a predicate when items can be chosen, one of each kind that
//! it mentions positively, so that it is true of that choice; under `not` a kind that is not chosen is looked for in the
//! whole event. Truth has three values: a command that cannot be told, or a file of which only a fragment is known, makes
//! a test *unknown* rather than false.

use crate::code::{self, Grammars};
use crate::command::CommandPattern;
use crate::facts::{Command, Commit, Facts, FileChange, Unknown, Word, Workspace};
use crate::text::{self, Expressions};
use crate::truth::{Answer, Truth};
use fast_glob::glob_match;
use rules::Predicate;
use rules::predicate::{CodeTest, ExitTest, FileAction, FileTest, Moment, PathTest, TextTest, ToolTest, WorkspaceTest};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The most choices of items that are tried for one predicate on one event.
const MAX_CHOICES: usize = 4_096;

/// A compiled predicate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// Every part holds.
    All(Vec<Condition>),
    /// Some part holds.
    Any(Vec<Condition>),
    /// The part does not hold.
    Not(Box<Condition>),
    /// A command runs.
    Command(CommandPattern),
    /// A file changes.
    File(Box<FileCondition>),
    /// A file is read.
    Read(Paths),
    /// A commit is made with such a message.
    Commit(TextTest),
    /// A pull request is opened or edited with such a text.
    PullRequest(TextTest),
    /// The agent says such a thing.
    Reply(TextTest),
    /// The user says such a thing.
    Prompt(TextTest),
    /// A tool is called.
    Tool(ToolCondition),
    /// The call ended in this way.
    Exit(ExitTest),
    /// The workspace is so.
    Workspace(WorkspaceCondition),
    /// The event is of this kind.
    Moment(Moment),
}

/// Globs for paths, in the form that the matcher takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Paths {
    /// One must match; empty for any path.
    pub any: Vec<String>,
    /// None may match.
    pub none: Vec<String>,
}

/// A compiled test on a changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCondition {
    /// Its path.
    pub paths: Paths,
    /// Its language; empty for any.
    pub language: Vec<String>,
    action: Option<FileAction>,
    name: Option<TextTest>,
    /// What it adds.
    pub added: Option<TextTest>,
    removed: Option<TextTest>,
    content: Option<TextTest>,
    /// The code that it introduces.
    pub code: Option<CodeCondition>,
}

/// A test on code, in a form that the artifact can hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCondition {
    /// Patterns, of which one must match.
    pub pattern: Vec<String>,
    kind: Vec<String>,
    text: Option<TextTest>,
    not_inside: Vec<String>,
}

/// A compiled test on a tool call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCondition {
    /// Globs for its name; empty for any.
    pub name: Vec<String>,
    arg: Option<String>,
    value: Option<TextTest>,
}

/// A compiled test on the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceCondition {
    path: String,
    exists: Option<bool>,
    changed: Option<bool>,
    text: Option<TextTest>,
}

/// How a finished tool call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it succeeded.
    pub ok: bool,
    /// The exit status, where there is one.
    pub code: Option<i32>,
}

/// What a condition is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the event holds.
    pub facts: &'a Facts,
    /// How the call ended, once it has.
    pub outcome: Option<Outcome>,
    /// The path that a rule per file is about.
    pub file: Option<&'a str>,
    /// What the event does not tell.
    pub workspace: &'a dyn Workspace,
    /// Compiled expressions.
    pub expressions: &'a Expressions,
    /// Compiled code patterns.
    pub grammars: &'a Grammars,
}

/// What in an event decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject<'a> {
    /// A command.
    Command(&'a Command),
    /// A part of a command text that cannot be told.
    Unknown(&'a Unknown),
    /// A changed file, and the part of its added lines or new text.
    File(&'a FileChange, FilePart),
    /// A file that was read.
    Read(&'a str),
    /// A commit.
    Commit(&'a str),
    /// A pull request.
    PullRequest(&'a str),
    /// The agent's words.
    Reply(&'a str),
    /// The user's words.
    Prompt(&'a str),
    /// The tool call.
    Tool(&'a str),
}

/// Which text of a changed file a span is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePart {
    /// The file as such.
    Path,
    /// The lines that are added.
    Added,
    /// The lines that are removed.
    Removed,
    /// The text after the change.
    After,
}

/// The answer of a condition, with what decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding<'a> {
    /// Whether it holds.
    pub truth: Truth,
    /// What shows it, with a span in that subject's text.
    pub place: Option<(Subject<'a>, Option<Range<usize>>)>,
}

impl<'a> Finding<'a> {
    fn plain(truth: impl Into<Truth>) -> Self {
        Self { truth: truth.into(), place: None }
    }

    fn of(answer: Answer, subject: Subject<'a>) -> Self {
        let place = (answer.truth > Truth::No).then_some((subject, answer.span));
        Self { truth: answer.truth, place }
    }

    /// Of two answers that both count, the higher truth; of two places, the one with a span.
    fn or(self, other: Self) -> Self {
        if other.truth > self.truth { other } else { self }
    }

    fn and(self, other: Self) -> Self {
        let truth = self.truth & other.truth;
        let exact = |place: &Option<(Subject<'a>, Option<Range<usize>>)>| {
            place.as_ref().is_some_and(|(_, span)| span.is_some())
        };
        let place = if exact(&self.place) || !exact(&other.place) { self.place.or(other.place) } else { other.place };
        Self { truth, place }
    }
}

/// One choice of items.
#[derive(Debug, Clone, Copy, Default)]
struct Choice<'a> {
    command: Option<Ran<'a>>,
    file: Option<&'a FileChange>,
    read: Option<&'a str>,
    commit: Option<&'a Commit>,
    chosen: Kinds,
}

/// A command that runs, or may.
#[derive(Debug, Clone, Copy)]
enum Ran<'a> {
    Surely(&'a Command),
    Perhaps(&'a Unknown),
}

/// The kinds of which an event may hold several items.
#[expect(clippy::struct_excessive_bools, reason = "a set of four kinds")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Kinds {
    command: bool,
    file: bool,
    read: bool,
    commit: bool,
}

impl Condition {
    /// Compiles a predicate.
    ///
    /// # Errors
    /// Everything that is wrong with it, in lower case.
    pub fn of(predicate: &Predicate) -> Result<Self, Vec<String>> {
        let parts = |parts: &[Predicate]| {
            let mut errors = Vec::new();
            let good = parts.iter().filter_map(|part| Self::of(part).map_err(|e| errors.extend(e)).ok()).collect();
            if errors.is_empty() { Ok(good) } else { Err(errors) }
        };
        let words = |test: &TextTest| text::validate(test).map(|()| test.clone()).map_err(|error| vec![error]);
        Ok(match predicate {
            Predicate::All(inner) => Self::All(parts(inner)?),
            Predicate::Any(inner) => Self::Any(parts(inner)?),
            Predicate::Not(inner) => Self::Not(Box::new(Self::of(inner)?)),
            Predicate::Command(test) => Self::Command(CommandPattern::of(test).map_err(|error| vec![error])?),
            Predicate::File(test) => Self::File(Box::new(FileCondition::of(test)?)),
            Predicate::Read(test) => Self::Read(Paths::of(test).map_err(|error| vec![error])?),
            Predicate::Commit(test) => Self::Commit(words(test)?),
            Predicate::PullRequest(test) => Self::PullRequest(words(test)?),
            Predicate::Reply(test) => Self::Reply(words(test)?),
            Predicate::Prompt(test) => Self::Prompt(words(test)?),
            Predicate::Tool(test) => Self::Tool(ToolCondition::of(test).map_err(|error| vec![error])?),
            Predicate::Exit(test) => Self::Exit(*test),
            Predicate::Workspace(test) => Self::Workspace(WorkspaceCondition::of(test).map_err(|error| vec![error])?),
            Predicate::Event(moment) => Self::Moment(*moment),
        })
    }

    /// Decides the condition on an event.
    pub fn decide<'a>(&'a self, situation: &Situation<'a>) -> Finding<'a> {
        if let Self::Any(parts) = self {
            // "There is a choice for which one of these holds" is "for one of these there is a choice".
            let mut best = Finding::plain(false);
            for part in parts {
                best = best.or(part.decide(situation));
                if best.truth == Truth::Yes {
                    break;
                }
            }
            return best;
        }
        let mut kinds = Kinds::default();
        self.mention(true, &mut kinds);
        let mut best = Finding::plain(false);
        for (tried, choice) in choices(situation.facts, kinds).enumerate() {
            if tried == MAX_CHOICES {
                return best.or(Finding::plain(Truth::Unknown));
            }
            best = best.or(self.under(situation, &choice));
            if best.truth == Truth::Yes {
                break;
            }
        }
        best
    }

    /// Collects the kinds that are mentioned positively.
    fn mention(&self, positive: bool, kinds: &mut Kinds) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.mention(positive, kinds)),
            Self::Not(part) => part.mention(!positive, kinds),
            Self::Command(_) => kinds.command |= positive,
            Self::File(_) => kinds.file |= positive,
            Self::Read(_) => kinds.read |= positive,
            Self::Commit(_) => kinds.commit |= positive,
            _ => {}
        }
    }

    /// Whether the condition itself asks how the call ended.
    pub fn tests_exit(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::tests_exit),
            Self::Not(part) => part.tests_exit(),
            Self::Exit(_) => true,
            _ => false,
        }
    }

    /// Whether it is about the path of a rule that holds per file, through `$file` in a command.
    pub fn names_file(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::names_file),
            Self::Not(part) => part.names_file(),
            Self::Command(pattern) => pattern.names_file(),
            _ => false,
        }
    }

    /// Whether it asks for what the agent says.
    pub fn tests_reply(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::tests_reply),
            Self::Not(part) => part.tests_reply(),
            Self::Reply(_) => true,
            _ => false,
        }
    }

    fn under<'a>(&'a self, situation: &Situation<'a>, choice: &Choice<'a>) -> Finding<'a> {
        match self {
            Self::All(parts) => parts
                .iter()
                .map(|part| part.under(situation, choice))
                .reduce(Finding::and)
                .unwrap_or_else(|| Finding::plain(true)),
            Self::Any(parts) => parts
                .iter()
                .map(|part| part.under(situation, choice))
                .reduce(Finding::or)
                .unwrap_or_else(|| Finding::plain(false)),
            Self::Not(part) => Finding::plain(!part.under(situation, choice).truth),
            Self::Command(pattern) => Self::command(pattern, situation, choice),
            Self::File(test) => {
                each(choice.chosen.file, choice.file, &situation.facts.files, |file| test.decide(file, situation))
            }
            Self::Read(paths) => each(choice.chosen.read, choice.read, &situation.facts.reads, |path| {
                let wanted = situation.file.is_none_or(|file| file == path.as_str());
                Finding::of(Answer::plain(wanted && paths.contain(path)), Subject::Read(path))
            }),
            Self::Commit(test) => each(choice.chosen.commit, choice.commit, &situation.facts.commits, |commit| {
                message(test, &commit.message, situation, Subject::Commit)
            }),
            Self::PullRequest(test) => (situation.facts.pull_request.as_ref())
                .map_or_else(|| Finding::plain(false), |text| message(test, text, situation, Subject::PullRequest)),
            Self::Reply(test) => words(test, situation.facts.reply.as_deref(), situation, Subject::Reply),
            Self::Prompt(test) => words(test, situation.facts.prompt.as_deref(), situation, Subject::Prompt),
            Self::Tool(test) => test.decide(situation),
            Self::Exit(test) => Finding::plain(situation.outcome.is_some_and(|outcome| match test {
                ExitTest::Ok => outcome.ok,
                ExitTest::Failed => !outcome.ok,
                ExitTest::Code(code) => outcome.code == Some(*code),
            })),
            Self::Workspace(test) => Finding::plain(test.decide(situation)),
            Self::Moment(moment) => Finding::plain(situation.facts.moment == Some(*moment)),
        }
    }

    fn command<'a>(pattern: &CommandPattern, situation: &Situation<'a>, choice: &Choice<'a>) -> Finding<'a> {
        let known = |command: &'a Command| {
            let truth = pattern.matches(command, situation.file).truth;
            Finding::of(Answer { truth, span: Some(command.span.clone()) }, Subject::Command(command))
        };
        let unknown = |part: &'a Unknown| {
            Finding::of(Answer { truth: Truth::Unknown, span: Some(part.span.clone()) }, Subject::Unknown(part))
        };
        match (choice.chosen.command, choice.command) {
            (true, Some(Ran::Surely(command))) => known(command),
            (true, Some(Ran::Perhaps(part))) => unknown(part),
            (true, None) => Finding::plain(false),
            (false, _) => situation
                .facts
                .commands
                .iter()
                .map(known)
                .chain(situation.facts.unknown.iter().map(unknown))
                .reduce(Finding::or)
                .unwrap_or_else(|| Finding::plain(false)),
        }
    }
}

/// Decides a test on the chosen item, or on any item where none is chosen.
fn each<'a, T: 'a + ?Sized, I: std::borrow::Borrow<T> + 'a>(
    chosen: bool,
    item: Option<&'a T>,
    items: &'a [I],
    decide: impl Fn(&'a I) -> Finding<'a>,
) -> Finding<'a> {
    let is_chosen = |one: &&'a I| !chosen || item.is_some_and(|item| std::ptr::eq(item, (*one).borrow()));
    items.iter().filter(is_chosen).map(decide).reduce(Finding::or).unwrap_or_else(|| Finding::plain(false))
}

/// Decides a test on the text of a commit or a pull request.
fn message<'a>(
    test: &TextTest,
    message: &'a Word,
    situation: &Situation<'a>,
    subject: fn(&'a str) -> Subject<'a>,
) -> Finding<'a> {
    let answer = text::test(test, &message.text, situation.expressions);
    let known = if message.exact { answer } else { Answer::plain(Truth::Unknown) };
    Finding::of(known, subject(&message.text))
}

fn words<'a>(
    test: &TextTest,
    text: Option<&'a str>,
    situation: &Situation<'a>,
    subject: fn(&'a str) -> Subject<'a>,
) -> Finding<'a> {
    text.map_or_else(
        || Finding::plain(false),
        |text| Finding::of(text::test(test, text, situation.expressions), subject(text)),
    )
}

/// Every choice of one item of each of these kinds; a kind without items is chosen as *none*.
fn choices(facts: &Facts, kinds: Kinds) -> impl Iterator<Item = Choice<'_>> {
    fn of<'a, T: Clone + 'a>(
        wanted: bool,
        items: impl Iterator<Item = T> + Clone + 'a,
    ) -> impl Iterator<Item = Option<T>> + Clone + 'a {
        let none = !wanted || items.clone().next().is_none();
        items.filter(move |_| wanted).map(Some).chain(none.then_some(None))
    }
    let commands = facts.commands.iter().map(Ran::Surely).chain(facts.unknown.iter().map(Ran::Perhaps));
    let commands = of(kinds.command, commands);
    let files = of(kinds.file, facts.files.iter());
    let reads = of(kinds.read, facts.reads.iter().map(String::as_str));
    let commits = of(kinds.commit, facts.commits.iter());
    commands.flat_map(move |command| {
        let (reads, commits) = (reads.clone(), commits.clone());
        files.clone().flat_map(move |file| {
            let commits = commits.clone();
            reads.clone().flat_map(move |read| {
                commits.clone().map(move |commit| Choice { command, file, read, commit, chosen: kinds })
            })
        })
    })
}

impl Paths {
    fn of(test: &PathTest) -> Result<Self, String> {
        let globs = |globs: &[String]| -> Result<Vec<String>, String> {
            globs.iter().map(|glob| path_glob(glob)).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
        };
        Ok(Self { any: globs(&test.path)?, none: globs(&test.not_path)? })
    }

    /// Whether a path is meant.
    pub fn contain(&self, path: &str) -> bool {
        let hit = |globs: &[String]| globs.iter().any(|glob| glob_match(glob, path));
        (self.any.is_empty() || hit(&self.any)) && !hit(&self.none)
    }
}

/// The globs that a path pattern stands for, nearly as in `.gitignore`: without a `/` inside it matches at any depth, and a
/// plain name that is a folder's means all that is in it.
fn path_glob(glob: &str) -> Result<Vec<String>, String> {
    let plain = glob.strip_prefix("./").unwrap_or(glob);
    let folder = plain.trim_end_matches('/');
    if folder.is_empty() {
        return Err(format!("`{glob}` is not a path"));
    }
    fast_glob::validate(folder).map_err(|error| format!("`{glob}` is not a glob: {error}"))?;
    let rooted = if folder.contains('/') { folder.to_owned() } else { format!("**/{folder}") };
    let inside = format!("{rooted}/**");
    Ok(if plain.ends_with('/') {
        vec![inside]
    } else if folder.rsplit('/').next().is_some_and(|last| last.contains(['*', '?', '[', '{'])) {
        vec![rooted]
    } else {
        vec![rooted, inside]
    })
}

impl FileCondition {
    fn of(test: &FileTest) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let paths = Paths::of(&PathTest { path: test.path.clone(), not_path: test.not_path.clone() })
            .map_err(|error| errors.push(error))
            .unwrap_or_default();
        for text in [&test.name, &test.added, &test.removed, &test.content].into_iter().flatten() {
            errors.extend(text::validate(text).err());
        }
        errors.extend(test.code.as_ref().and_then(|code| code::validate(code, &test.language).err()));
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            paths,
            language: test.language.clone(),
            action: test.action,
            name: test.name.clone(),
            added: test.added.clone(),
            removed: test.removed.clone(),
            content: test.content.clone(),
            code: test.code.as_ref().map(CodeCondition::of),
        })
    }

    fn decide<'a>(&self, file: &'a FileChange, situation: &Situation<'a>) -> Finding<'a> {
        let language = || file.language.is_some_and(|name| self.language.iter().any(|wanted| wanted == name));
        let fits = situation.file.is_none_or(|path| path == file.path)
            && self.paths.contain(&file.path)
            && (self.language.is_empty() || language())
            && self.action.is_none_or(|action| action == file.action);
        if !fits {
            return Finding::plain(false);
        }
        let expressions = situation.expressions;
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let mut finding = Finding::of(Answer::plain(true), Subject::File(file, FilePart::Path));
        let mut also = |answer: Answer, part: FilePart| {
            let found = Finding::of(answer, Subject::File(file, part));
            finding = std::mem::replace(&mut finding, Finding::plain(false)).and(found);
        };
        if let Some(test) = &self.name {
            also(Answer { span: None, ..text::test(test, name, expressions) }, FilePart::Path);
        }
        if let Some(test) = &self.added {
            also(text::test(test, &file.added, expressions), FilePart::Added);
        }
        if let Some(test) = &self.removed {
            also(text::test(test, &file.removed, expressions), FilePart::Removed);
        }
        if let Some(test) = &self.content {
            let whole = file.whole.then(|| text::test(test, &file.after, expressions));
            also(whole.unwrap_or(Answer::plain(Truth::Unknown)), FilePart::After);
        }
        if let Some(code) = &self.code {
            let test = code.test();
            let (before, after) = (&file.before, &file.after);
            also(
                code::introduced(&test, file.language, before, after, situation.grammars, expressions),
                FilePart::After,
            );
        }
        finding
    }
}

impl CodeCondition {
    fn of(test: &CodeTest) -> Self {
        let CodeTest { pattern, kind, text, not_inside } = test.clone();
        Self { pattern, kind, text, not_inside }
    }

    /// Whether it looks for kinds of nodes, which no text tells.
    pub fn has_kinds(&self) -> bool {
        !self.kind.is_empty()
    }

    fn test(&self) -> CodeTest {
        let Self { pattern, kind, text, not_inside } = self.clone();
        CodeTest { pattern, kind, text, not_inside }
    }
}

impl ToolCondition {
    fn of(test: &ToolTest) -> Result<Self, String> {
        if let Some(pointer) = test.arg.as_ref().filter(|arg| !arg.is_empty() && !arg.starts_with('/')) {
            return Err(format!("`{pointer}` is not a JSON pointer (RFC 6901): begin it with `/`"));
        }
        if let Some(value) = &test.value {
            text::validate(value)?;
        }
        for glob in &test.name {
            fast_glob::validate(glob).map_err(|error| format!("`{glob}` is not a glob: {error}"))?;
        }
        Ok(Self { name: test.name.clone(), arg: test.arg.clone(), value: test.value.clone() })
    }

    fn decide<'a>(&self, situation: &Situation<'a>) -> Finding<'a> {
        let Some(call) = &situation.facts.tool else { return Finding::plain(false) };
        if !self.name.is_empty() && !self.name.iter().any(|glob| glob_match(glob, &call.name)) {
            return Finding::plain(false);
        }
        let Some(pointer) = &self.arg else {
            return Finding::of(Answer::plain(true), Subject::Tool(&call.name));
        };
        let Some(value) = call.input.pointer(pointer) else { return Finding::plain(false) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let answer = self.value.as_ref().map_or(Answer::plain(true), |test| Answer {
            span: None,
            ..text::test(test, &text, situation.expressions)
        });
        Finding::of(answer, Subject::Tool(&call.name))
    }
}

impl WorkspaceCondition {
    fn of(test: &WorkspaceTest) -> Result<Self, String> {
        if let Some(inner) = &test.text {
            text::validate(inner)?;
        }
        if test.path.is_empty() || test.path.starts_with('/') || test.path.split('/').any(|part| part == "..") {
            return Err(format!("`{}` is not a path inside the repository", test.path));
        }
        let WorkspaceTest { path, exists, changed, text } = test.clone();
        Ok(Self { path, exists, changed, text })
    }

    fn decide(&self, situation: &Situation<'_>) -> Truth {
        let workspace = situation.workspace;
        let agrees = |wanted: Option<bool>, is: fn(&dyn Workspace, &str) -> Option<bool>| match wanted {
            None => Truth::Yes,
            Some(wanted) => is(workspace, &self.path).map_or(Truth::Unknown, |found| (found == wanted).into()),
        };
        let exists = agrees(self.exists, |workspace, path| workspace.exists(path));
        let changed = agrees(self.changed, |workspace, path| workspace.changed(path));
        let text = self.text.as_ref().map_or(Truth::Yes, |test| {
            workspace
                .read(&self.path)
                .map_or(Truth::Unknown, |text| text::test(test, &text, situation.expressions).truth)
        });
        exists & changed & text
    }
}
