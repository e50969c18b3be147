//! Files that a command has changed by itself, told by git and the times of the files: a script, a formatter, a generator.
//!
//! What a command's text shows is known without it. What differs from the last commit and was written since the command
//! began, the command has written, as far as can be told: whatever else writes meanwhile is taken for its work, too.
//! Deliberately absent: what a command deletes, and files that git ignores or that are as they were committed.
//!
//! INVARIANT: it takes no longer than the caller has patience.

use crate::git;
use compiler::facts::Facts;
use rules::{Event, EventKind};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long git may take.
pub(super) const PATIENCE: Duration = Duration::from_millis(25);
/// The most files of one command that are judged.
const MAX_FILES: usize = 64;
/// The times of files lag behind the clock by a tick of the system's.
const TICK: Duration = Duration::from_millis(10);
/// A tool that stands for the change of a file by whatever means; no host has it.
const TOOL: &str = "afterfileedit";
/// Programs that write nothing but what they print.
const LOOKING: [&str; 18] = [
    "cat", "cd", "date", "df", "du", "echo", "file", "grep", "head", "ls", "printf", "pwd", "rg", "stat", "tail",
    "true", "wc", "which",
];

/// Whether a command can have changed files that its text does not tell.
pub(super) fn is_possible(facts: &Facts) -> bool {
    let looks = |program: &str| LOOKING.contains(&program);
    !facts.unknown.is_empty() || facts.commands.iter().any(|command| !looks(&command.program))
}

/// The changes of files since a command began, each as an event of the command's session; nothing where git has not
/// answered in time.
pub(super) fn changes(root: &Path, since: SystemTime, of: &Event, known: &Facts) -> Option<Vec<Event>> {
    let top = git::top(root)?;
    let since = since.checked_sub(TICK)?;
    let is_new = |path: &&String| {
        let about = fs::symlink_metadata(top.join(path)).ok().filter(fs::Metadata::is_file);
        about.and_then(|about| about.modified().ok()).is_some_and(|at| at >= since)
    };
    let seen = git::changed_within(root, PATIENCE)?;
    let places = seen.iter().filter(is_new).map(|path| top.join(path));
    // Our own files are no work of an agent.
    let inside = places.filter_map(|place| Some(place.strip_prefix(root).ok()?.to_str()?.to_owned()));
    let untold =
        inside.filter(|path| !path.starts_with(".trace/") && !known.files.iter().any(|file| file.path == *path));
    // Only the path is known for sure: what stood there before is not.
    let event = |path: String| {
        let input = json!({ "file_path": root.join(path), "edits": [] });
        let kind = EventKind::PostToolUse {
            tool: TOOL.to_owned(),
            input,
            output: Value::Null,
            ok: Some(true),
            exit_code: None,
            id: None,
        };
        Event { kind, ..of.clone() }
    };
    Some(untold.take(MAX_FILES).map(event).collect())
}
