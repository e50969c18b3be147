//! What an event holds, derived once by real parsers: commands, file changes, files read, commits and words.
//!
//! Everything here is total: a text that cannot be parsed yields an [`Unknown`], never an error and never silence.

mod files;
pub(crate) mod language;
mod patch;
mod paths;
pub mod shell;
mod written;

pub use files::from_unified_diff;
pub use language::language;

use files::{Files, Shape};
pub use written::Written;

use rules::predicate::{FileAction, Moment};
use rules::{Event, EventKind};
use serde_json::Value;
use shell::CommitMessage;
use std::ops::Range;

/// What one event holds. Each list is one kind of item that predicates look at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// Every simple command that the shell text would really run.
    pub commands: Vec<Command>,
    /// Parts of the shell text of which it cannot be told what they run.
    pub unknown: Vec<Unknown>,
    /// Files that are created, changed or deleted.
    pub files: Vec<FileChange>,
    /// Paths of files that are read.
    pub reads: Vec<String>,
    /// Messages of commits that are made.
    pub commits: Vec<Commit>,
    /// The branch on which `git` acts, where the shell text itself switches to it.
    pub branch: Option<String>,
    /// The title, an empty line and the body of the pull request that is opened or edited last.
    pub pull_request: Option<Word>,
    /// The tool call itself.
    pub tool: Option<ToolCall>,
    /// The agent's words to the user.
    pub reply: Option<String>,
    /// The user's words to the agent.
    pub prompt: Option<String>,
    /// The kind of the event.
    pub moment: Option<Moment>,
}

/// A tool call, without its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The tool's name as the host gives it.
    pub name: String,
    /// Its arguments.
    pub input: serde_json::Value,
}

/// One simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program's base name after all quoting and expansion, such as `npm` for `/usr/bin/"npm"`.
    pub program: String,
    /// Its arguments, in order.
    pub args: Vec<Word>,
    /// The assignments in front of it, or given through `env`, in order.
    pub env: Vec<(String, String)>,
    /// The directory it runs in, relative to the repository root, as far as `cd` in the same text and the event tell.
    pub cwd: Option<String>,
    /// Files that its output is redirected to.
    pub writes: Vec<Word>,
    /// The programs that its output is piped into, the nearest first.
    pub into: Vec<String>,
    /// The wrappers that it is run through, outermost first, such as `["sudo", "bash -c"]`.
    pub via: Vec<String>,
    /// Where it stands in the text of the event, in bytes; the whole of the enclosing command for nested texts.
    pub span: Range<usize>,
}

/// A word of a command after quoting and expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its text; what cannot be told (an unset variable, a substitution's output) is left out.
    pub text: String,
    /// Whether all of it is known.
    pub exact: bool,
}

/// A part of a shell text of which it cannot be told what it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The part, or its beginning.
    pub text: String,
    /// Why.
    pub why: &'static str,
    /// Where it stands in the text of the event, in bytes.
    pub span: Range<usize>,
}

/// One changed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path relative to the repository root, with `.` and `..` resolved; absolute where it lies outside.
    pub path: String,
    /// The name of its language, if its name tells.
    pub language: Option<&'static str>,
    /// What is done to it.
    pub action: FileAction,
    /// The lines that the change adds, and only they, each ended by a line feed.
    pub added: String,
    /// The lines that it removes.
    pub removed: String,
    /// The text before the change: the whole file or the fragment that is replaced.
    pub before: String,
    /// The text after it: the whole file or the fragment that takes its place.
    pub after: String,
    /// Whether `after` is the whole file.
    pub whole: bool,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its message; not exact where a part is computed when it runs.
    pub message: Word,
}

/// The state of the workspace, for what an event alone does not tell.
///
/// Three implementations exist: the engine's, over the real files, [`Written`], over what an example wrote, and
/// [`NoWorkspace`].
pub trait Workspace: std::fmt::Debug {
    /// The repository's root, absolute, to make paths relative to.
    fn root(&self) -> Option<&str>;
    /// A file's text, by its path relative to the root; `None` where it does not exist or is not known.
    fn read(&self, path: &str) -> Option<String>;
    /// Whether a file exists; `None` where it is not known.
    fn exists(&self, path: &str) -> Option<bool>;
    /// Whether a file differs from the last commit; `None` where it is not known.
    fn changed(&self, path: &str) -> Option<bool>;
}

/// No workspace at hand: every question about it is open.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWorkspace;

impl Workspace for NoWorkspace {
    fn root(&self) -> Option<&str> {
        None
    }

    fn read(&self, _: &str) -> Option<String> {
        None
    }

    fn exists(&self, _: &str) -> Option<bool> {
        None
    }

    fn changed(&self, _: &str) -> Option<bool> {
        None
    }
}

/// Derives what an event holds.
///
/// Paths are seen from the workspace's root, or, where none is known, from the event's directory.
///
/// ```
/// use compiler::facts::{NoWorkspace, facts};
/// use rules::Event;
///
/// let facts = facts(&Event::command("cd web && sudo npm install left-pad"), &NoWorkspace);
/// let programs: Vec<&str> = facts.commands.iter().map(|command| command.program.as_str()).collect();
/// assert_eq!(programs, ["cd", "sudo", "npm"]);
/// assert_eq!(facts.commands[2].cwd.as_deref(), Some("web"));
/// ```
pub fn facts(event: &Event, workspace: &dyn Workspace) -> Facts {
    let mut facts = Facts { moment: Some(moment(&event.kind)), ..Facts::default() };
    match &event.kind {
        EventKind::UserPromptSubmit { text } => facts.prompt = Some(text.clone()),
        EventKind::Reply { text } => facts.reply = Some(text.clone()),
        EventKind::Stop { reply, .. } | EventKind::SubagentStop { reply } => facts.reply.clone_from(reply),
        EventKind::PreToolUse { tool, input, .. } => {
            tool_facts(&mut facts, (tool, input), Files::new(workspace, event.cwd.as_deref(), false), &Value::Null);
        }
        EventKind::PostToolUse { tool, input, output, .. } => {
            tool_facts(&mut facts, (tool, input), Files::new(workspace, event.cwd.as_deref(), true), output);
        }
        EventKind::SessionStart | EventKind::SubagentStart | EventKind::PreCompact => {}
    }
    facts
}

fn moment(kind: &EventKind) -> Moment {
    match kind {
        EventKind::SessionStart => Moment::SessionStart,
        EventKind::UserPromptSubmit { .. } => Moment::Prompt,
        EventKind::PreToolUse { .. } | EventKind::PostToolUse { .. } => Moment::Tool,
        EventKind::Reply { .. } => Moment::Reply,
        EventKind::Stop { .. } => Moment::Stop,
        EventKind::SubagentStart => Moment::SubagentStart,
        EventKind::SubagentStop { .. } => Moment::SubagentStop,
        EventKind::PreCompact => Moment::PreCompact,
    }
}

fn tool_facts(facts: &mut Facts, (tool, input): (&str, &Value), mut files: Files<'_>, output: &Value) {
    facts.tool = Some(ToolCall { name: tool.to_owned(), input: input.clone() });
    match files::shape(tool, input) {
        Some(Shape::Shell) => shell_facts(facts, input, &mut files),
        Some(shape) => files.tool(shape, input, output),
        None => {}
    }
    facts.files = files.changes;
    facts.reads = files.reads;
}

/// The facts of a tool that runs a shell text, or a program with its arguments.
fn shell_facts(facts: &mut Facts, input: &Value, files: &mut Files<'_>) {
    const DIRECTORY_KEYS: [&str; 6] =
        ["cwd", "workdir", "working_directory", "workingDirectory", "dir_path", "directory"];
    let words = ["command", "cmd"].iter().find_map(|key| input.get(key)?.as_array());
    let text = match (files::text(input, &["command", "cmd", "script"]).or(input.as_str()), words) {
        (Some(text), _) => text.to_owned(),
        (None, Some(words)) => words.iter().filter_map(Value::as_str).map(shell::quoted).collect::<Vec<_>>().join(" "),
        (None, None) => return,
    };
    let directory = files::text(input, &DIRECTORY_KEYS).map(|path| files.place(path));
    let found = shell::commands(&text, directory.as_deref().or(files.directory()));
    facts.commands = found.commands;
    for command in &mut facts.commands {
        command.cwd = command.cwd.as_ref().map(|cwd| files.place_from_root(cwd));
    }
    facts.unknown = found.unknown;
    for path in found.reads {
        files.reads.push(files.place_from_root(&path));
    }
    for effect in found.effects {
        files.effect(effect);
    }
    for patch in found.patches {
        files.patch(&patch);
    }
    facts.pull_request = found.pull_request;
    // `git checkout Makefile` switches to nothing.
    facts.branch = found.branch.filter(|name| !files.is_there(name));
    facts.commits = found.commits.into_iter().map(|message| Commit { message: message_text(message, files) }).collect();
}

fn message_text(message: CommitMessage, files: &Files<'_>) -> Word {
    match message {
        CommitMessage::Text(word) => word,
        CommitMessage::File(path) => {
            let text = files.now(&files.place_from_root(&path));
            Word { exact: text.is_some(), text: text.unwrap_or_default().trim_end().to_owned() }
        }
    }
}

#[cfg(test)]
mod tests;
