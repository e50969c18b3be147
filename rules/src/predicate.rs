//! The language of what can be true of an event.
//!
//! A predicate is a boolean combination of *tests*. Each kind of test looks at one kind of *item* that an event holds:
//! its commands, file changes, files read, commits, replies, the prompt, the tool call. A predicate holds of an event
//! when items can be chosen, one of each kind that it mentions positively, so that it is true of that choice; a kind
//! that is mentioned only under `not` is looked for in the whole event. The parts of an outermost `any` choose each for
//! themselves. So `file rs and not file in tests` finds the one
//! file that is both, however many files a patch touches.
//!
//! This module is vocabulary only. What a test means on real text is the business of the crate `compiler`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A boolean combination of tests on an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Predicate {
    /// Every part holds; true when there is none.
    All(Vec<Predicate>),
    /// Some part holds; false when there is none.
    Any(Vec<Predicate>),
    /// The part does not hold.
    Not(Box<Predicate>),
    /// A simple command that the shell text would really run.
    Command(CommandTest),
    /// A file that is created, changed or deleted.
    File(Box<FileTest>),
    /// A file that is read.
    Read(PathTest),
    /// The message of a commit.
    Commit(TextTest),
    /// The text of a pull request that is opened or edited: its title, an empty line, its body.
    PullRequest(TextTest),
    /// The agent's words to the user.
    Reply(TextTest),
    /// The user's words to the agent.
    Prompt(TextTest),
    /// The tool call itself.
    Tool(ToolTest),
    /// How a finished tool call ended.
    Exit(ExitTest),
    /// The workspace as it is now.
    Workspace(WorkspaceTest),
    /// The kind of the event.
    Event(Moment),
}

/// A test on one simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(from = "CommandForm", into = "CommandForm")]
pub struct CommandTest {
    /// The command pattern, see [`CommandForm`].
    pub run: String,
    /// Flags or words of which none may be there.
    pub without: Vec<String>,
    /// An environment assignment in front of the command: `NAME` or `NAME=value` (globs allowed in the value).
    pub env: Option<String>,
    /// A glob for the directory it runs in, relative to the repository root.
    pub cwd: Option<String>,
    /// Programs of which its output is piped into one, directly or through others: `head|tail`, or `*` for any.
    pub into: Option<String>,
}

/// How a command test is written: the pattern alone, or a table.
///
/// A pattern is a program and words: `npm`, `npm install|i`, `git push --force|-f`, `cargo test $`. Alternatives are
/// separated by `|`; `*` and `?` are globs; words that begin with `-` are flags and may stand anywhere (`-rf` has both
/// `-r` and `-f`); other words are the leading positional arguments in order, `**` skips any number of them and a final
/// `$` allows no more. `$file` stands for the path of a rule that holds per file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a command is a pattern, or a table of `run`, `without`, `env`, `cwd` and `into`"
)]
pub enum CommandForm {
    /// The pattern alone.
    Pattern(String),
    /// The pattern with conditions.
    Table {
        /// The pattern.
        run: String,
        /// Flags or words of which none may be there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        without: Vec<String>,
        /// An environment assignment in front of the command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        env: Option<String>,
        /// A glob for the directory it runs in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// Programs of which its output is piped into one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
    },
}

impl From<CommandForm> for CommandTest {
    fn from(form: CommandForm) -> Self {
        match form {
            CommandForm::Pattern(run) => Self { run, ..Self::default() },
            CommandForm::Table { run, without, env, cwd, into } => Self { run, without, env, cwd, into },
        }
    }
}

impl From<CommandTest> for CommandForm {
    fn from(test: CommandTest) -> Self {
        let CommandTest { run, without, env, cwd, into } = test;
        if without.is_empty() && env.is_none() && cwd.is_none() && into.is_none() {
            Self::Pattern(run)
        } else {
            Self::Table { run, without, env, cwd, into }
        }
    }
}

impl From<&str> for CommandTest {
    fn from(run: &str) -> Self {
        Self { run: run.to_owned(), ..Self::default() }
    }
}

/// A test on one changed file. Everything that is given must hold of the same file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileTest {
    /// Globs of which one must match, relative to the repository root; a glob without `/` matches the file's name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Globs of which none may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_path: Vec<String>,
    /// Names of languages of which one must be the file's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub language: Vec<String>,
    /// What is done to the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<FileAction>,
    /// A test on the file's name without its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<TextTest>,
    /// A test on the lines that are added, and only on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<TextTest>,
    /// A test on the lines that are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<TextTest>,
    /// A test on the whole text as it will be; *unknown* where only a fragment is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<TextTest>,
    /// Code that the change introduces: it matches after the change more often than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeTest>,
}

/// A test on a path alone.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PathTest {
    /// Globs of which one must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Globs of which none may match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_path: Vec<String>,
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// It did not exist before, as far as the event tells.
    Create,
    /// A part of it is replaced.
    Modify,
    /// It is removed.
    Delete,
}

/// A boolean combination of tests on a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextTest {
    /// Every part holds.
    All(Vec<TextTest>),
    /// Some part holds.
    Any(Vec<TextTest>),
    /// The part does not hold.
    Not(Box<TextTest>),
    /// These very characters occur.
    Contains(String),
    /// This word or phrase occurs, whole, in any case.
    Mentions(String),
    /// A regular expression matches somewhere; linear time, no look-around.
    Matches(String),
    /// The text begins with these characters, white space aside.
    StartsWith(String),
    /// The text ends with these characters, white space aside.
    EndsWith(String),
    /// The text has no character but white space.
    Empty(bool),
    /// An emoji occurs.
    Emoji(bool),
    /// The text is written in this language (ISO 639-1, such as `de`); *unknown* for very short texts.
    Language(String),
    /// At most so many characters.
    MaxChars(u32),
    /// At most so many words.
    MaxWords(u32),
    /// At most so many sentences.
    MaxSentences(u32),
    /// At most so many lines.
    MaxLines(u32),
    /// No line is longer than so many characters.
    MaxLineChars(u32),
    /// At most so many questions.
    MaxQuestions(u32),
    /// At least so many Markdown headings.
    MinHeadings(u32),
    /// The first word is a verb in the imperative, as far as its form tells.
    Imperative(bool),
    /// Lines are indented in this way.
    Indent(Indent),
    /// A test on the first line.
    FirstLine(Box<TextTest>),
    /// A test on the first sentence.
    FirstSentence(Box<TextTest>),
    /// A test on all that follows the first line.
    Body(Box<TextTest>),
    /// A test that some line passes.
    SomeLine(Box<TextTest>),
}

/// How lines are indented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Indent {
    /// With tabs.
    Tabs,
    /// With spaces, any number.
    Spaces,
    /// With a multiple of two spaces.
    TwoSpaces,
    /// With a multiple of four spaces.
    FourSpaces,
}

/// A pattern on a syntax tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeTest {
    /// Patterns in the code's own syntax of which one must match; `$NAME` stands for one node, `$$$` for any number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pattern: Vec<String>,
    /// Kinds of syntax nodes of which one must occur, as the grammar names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kind: Vec<String>,
    /// A test on the text of the matching node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTest>,
    /// Kinds of nodes that may not enclose the matching node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_inside: Vec<String>,
}

/// A test on a tool call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolTest {
    /// Globs for the tool's name, of which one must match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub name: Vec<String>,
    /// A JSON pointer (RFC 6901) into the arguments; alone, it must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arg: Option<String>,
    /// A test on the text of that argument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<TextTest>,
}

/// How a finished tool call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitTest {
    /// It succeeded.
    Ok,
    /// It failed.
    Failed,
    /// A command ended with this status.
    Code(i32),
}

/// A test on the workspace as it is when the event happens; *unknown* where no workspace is at hand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceTest {
    /// The file, relative to the repository root.
    pub path: String,
    /// Whether it must exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// Whether it must differ from the last commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<bool>,
    /// A test on its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextTest>,
}

/// The kind of an event, as a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// A session began.
    SessionStart,
    /// The user spoke.
    Prompt,
    /// A tool was called.
    Tool,
    /// The agent spoke.
    Reply,
    /// The agent wants to end its turn.
    Stop,
    /// A subagent began.
    SubagentStart,
    /// A subagent wants to end.
    SubagentStop,
    /// The context is about to be shortened.
    PreCompact,
}

impl Predicate {
    /// A test for a command pattern.
    pub fn command(pattern: &str) -> Self {
        Self::Command(pattern.into())
    }

    /// A test for a changed file under any of these globs.
    pub fn path<S: Into<String>>(globs: impl IntoIterator<Item = S>) -> Self {
        Self::File(Box::new(FileTest { path: globs.into_iter().map(Into::into).collect(), ..FileTest::default() }))
    }

    /// This predicate together with another one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut parts), Self::All(more)) => {
                parts.extend(more);
                Self::All(parts)
            }
            (Self::All(mut parts), other) => {
                parts.push(other);
                Self::All(parts)
            }
            (first, second) => Self::All(vec![first, second]),
        }
    }

    /// Whether it asks how a call ended, which only its completion tells.
    pub fn asks_for_exit(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::asks_for_exit),
            Self::Not(part) => part.asks_for_exit(),
            Self::Exit(_) => true,
            _ => false,
        }
    }

    /// Whether it is about what the agent says, and not about what it does.
    pub fn is_about_words(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_about_words),
            Self::Reply(_) => true,
            _ => false,
        }
    }

    /// The opposite of this predicate.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }
}
