//! What a shell text would really run, and what that does to files.
//!
//! The text is read into a syntax tree ([`parser`]), and the tree is run in the abstract ([`run`]): every way through it
//! is taken once, words are expanded as far as values are known, and texts that are handed to a shell (`bash -c`, `eval`,
//! here-documents, pipes, scripts written before) are read in their turn. Nothing is executed and no file is looked at.
//!
//! Three answers are possible: a command runs ([`Command`]), it cannot be told what runs ([`Unknown`]), or neither, where
//! a word is only data. Invariants: total, and bounded by the limits below; what lies beyond them is an [`Unknown`].

mod branch;
mod builtins;
mod call;
mod code;
mod compound;
mod effects;
mod expand;
mod make;
mod output;
mod parser;
mod run;
mod syntax;
mod words;
mod wrappers;

use super::{Command, Unknown, Word};
use rules::predicate::FileAction;
use syntax::HOLE;

/// The longest text that is read, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// How deep texts may nest in texts.
const MAX_TEXTS: usize = 8;
/// How deep commands may nest, over all texts.
const MAX_DEPTH: usize = 64;
/// The most commands that one text may run.
const MAX_COMMANDS: usize = 4096;
/// The work that one text may cause, in steps and bytes of expanded text.
const MAX_WORK: usize = 1 << 21;

/// What a shell text holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellFacts {
    /// The simple commands that would run, in order.
    pub commands: Vec<Command>,
    /// The parts of which it cannot be told what they run.
    pub unknown: Vec<Unknown>,
    /// What happens to files, in order.
    pub effects: Vec<FileEffect>,
    /// Paths of files that are read.
    pub reads: Vec<String>,
    /// Messages of commits.
    pub commits: Vec<CommitMessage>,
    /// The title and the body of the pull request that is opened or edited last.
    pub pull_request: Option<Word>,
    /// The branch on which something is done last, or that is switched to, where the text itself switches.
    pub branch: Option<String>,
    /// Texts handed to `apply_patch`, `patch` or `git apply`.
    pub patches: Vec<String>,
}

/// What a command does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEffect {
    /// Its path, seen from where the text starts.
    pub path: String,
    /// What is done to it.
    pub action: FileAction,
    /// What is written, if all of it is known.
    pub content: Option<String>,
    /// Whether that comes after what the file holds already.
    pub append: bool,
    /// Whether, where it is a folder, the same is done to what lies in it.
    pub below: bool,
}

/// Where a commit's message comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitMessage {
    /// The text itself.
    Text(Word),
    /// A file that the text does not write.
    File(String),
}

/// Derives what a shell text would run, starting in a directory.
pub fn commands(text: &str, cwd: Option<&str>) -> ShellFacts {
    run::facts(text, cwd)
}

/// A word as it must be written to stand for itself.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// A text as predicates see it: without what is not known of it.
fn known(text: &str) -> Word {
    Word { text: text.replace(HOLE, ""), exact: !text.contains(HOLE) }
}
