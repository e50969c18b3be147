//! Files that a command has changed by itself, told by git and the times of the files: a script, a formatter, a generator.
//!
//! What a command's text shows is known without it. What differs from the last commit and was written since the command
//! began, the command has written, as far as can be told: whatever else writes meanwhile is taken for its work, too.
//! Deliberately absent: what a command deletes, and files that git ignores or that are as they were committed.
//!
//! INVARIANT: it takes no longer than the caller has patience.

use super::hook::{Visit, hash};
use super::log::What;
use super::sessions::Record;
use crate::git;
use compiler::Checks;
use compiler::facts::{Facts, Workspace, facts};
use rules::{Event, EventKind};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

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

/// The shell, in the words of rules.
const SHELL: &str = "Bash";
/// The most commands that are known to be running.
const MAX_RUNNING: usize = 64;
impl Visit<'_> {
    /// What a command that has ended has changed by itself, as events.
    pub(super) fn found(
        &mut self,
        record: &mut Record,
        event: &Event,
        checks: &Checks,
        patience: Duration,
    ) -> Vec<Event> {
        let EventKind::PostToolUse { tool, input, id, .. } = &event.kind else { return Vec::new() };
        let name = run_name(id.as_deref(), input);
        let at = record.running.iter().position(|(running, _)| *running == name);
        let Some((_, began)) = at.map(|at| record.running.remove(at)) else { return Vec::new() };
        if tool != SHELL || record.is_blind || !checks.index().concerns_files() {
            return Vec::new();
        }
        let workspace = self.engine.workspace();
        let known = facts(event, workspace);
        let root = workspace.root().map(PathBuf::from).filter(|_| is_possible(&known));
        let Some(root) = root else { return Vec::new() };
        let since = UNIX_EPOCH + Duration::from_millis(began);
        let found = changes(&root, since, patience, event, &known);
        if found.is_none() && git::top(&root).is_some() {
            record.is_blind = true;
            let within = patience.as_millis();
            let why = format!("git did not tell within {within} ms which files a command has changed; not asked again");
            self.log.push(self.entry(What::NotEnforced).because(&why));
        }
        found.unwrap_or_default()
    }

    /// Notes that a command begins.
    pub(super) fn begun(record: &mut Record, event: &Event) {
        let EventKind::PreToolUse { tool, input, id } = &event.kind else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|now| u64::try_from(now.as_millis()).ok());
        if let Some(now) = now.filter(|_| tool == SHELL) {
            record.running.push((run_name(id.as_deref(), input), now));
            let over = record.running.len().saturating_sub(MAX_RUNNING);
            record.running.drain(..over);
        }
    }
}

/// What a command and its result share: the host's name for the call, or the command's text.
fn run_name(id: Option<&str>, input: &Value) -> u64 {
    hash(id.or_else(|| input.get("command")?.as_str()).unwrap_or_default())
}

/// Whether a command can have changed files that its text does not tell.
fn is_possible(facts: &Facts) -> bool {
    let looks = |program: &str| LOOKING.contains(&program);
    !facts.unknown.is_empty() || facts.commands.iter().any(|command| !looks(&command.program))
}

/// The changes of files since a command began, each as an event of the command's session; nothing where git has not
/// answered in time.
fn changes(root: &Path, since: SystemTime, patience: Duration, of: &Event, known: &Facts) -> Option<Vec<Event>> {
    let top = git::top(root)?;
    let since = since.checked_sub(TICK)?;
    let is_new = |path: &&String| {
        let about = fs::symlink_metadata(top.join(path)).ok().filter(fs::Metadata::is_file);
        about.and_then(|about| about.modified().ok()).is_some_and(|at| at >= since)
    };
    let seen = git::changed_within(root, patience)?;
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
