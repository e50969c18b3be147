//! Files that a command has changed by itself, told by git and the times of the files: a script, a formatter, a generator.
//!
//! What a command's text shows is known without it. What differs from the last commit, or is ignored, and was written since
//! the command began, the command has written, as far as can be told: whatever else writes meanwhile is taken for its work,
//! too. A file that is gone has no time of its own: its folder has changed since, and nothing told of it before.
//! Deliberately absent: what is in folders that git ignores whole, and files that are as they were committed.
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
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The most files of one command that are judged.
const MAX_FILES: usize = 64;
/// The times of files lag behind the clock by a tick of the system's.
const TICK: Duration = Duration::from_millis(10);
/// Tools that stand for the change and the deletion of a file by whatever means; no host has them.
const CHANGE: &str = "afterfileedit";
const DELETION: &str = "delete_file";
/// The most files of which it is remembered that they are gone.
const MAX_GONE: usize = 1024;
/// Programs that write nothing but what they print.
const LOOKING: [&str; 18] = [
    "cat", "cd", "date", "df", "du", "echo", "file", "grep", "head", "ls", "printf", "pwd", "rg", "stat", "tail",
    "true", "wc", "which",
];

/// The shell, in the words of rules.
const SHELL: &str = "Bash";
/// The most commands that are known to be running.
const MAX_RUNNING: usize = 64;

/// A change of one file.
pub(super) struct Found {
    pub event: Event,
    /// Whether git ignores the file: what builds and tests leave behind is nobody's work.
    pub is_ignored: bool,
}

impl Visit<'_> {
    /// What a command that has ended has changed by itself, as events.
    pub(super) fn found(
        &mut self,
        record: &mut Record,
        event: &Event,
        checks: &Checks,
        patience: Duration,
    ) -> Vec<Found> {
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
        let found = changes(&root, since, patience, event, &known, &mut record.gone);
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
/// answered in time. `gone` holds what is known to be gone.
fn changes(
    root: &Path,
    since: SystemTime,
    patience: Duration,
    of: &Event,
    known: &Facts,
    gone: &mut Vec<u64>,
) -> Option<Vec<Found>> {
    let top = git::top(root)?;
    let since = since.checked_sub(TICK)?;
    let is_new = |about: &Metadata| about.modified().is_ok_and(|at| at >= since);
    let told = std::mem::take(gone);
    let mut what = |place: &Path, path: &str| {
        if let Ok(about) = fs::symlink_metadata(place) {
            return (about.is_file() && is_new(&about)).then_some(CHANGE);
        }
        let name = hash(path);
        gone.push(name);
        let folder = place.ancestors().skip(1).find_map(|folder| fs::metadata(folder).ok())?;
        (is_new(&folder) && !told.contains(&name)).then_some(DELETION)
    };
    let [changed, ignored] = git::changed_within(root, patience)?;
    let seen = changed.iter().map(|path| (path, false)).chain(ignored.iter().map(|path| (path, true)));
    let found = seen.filter_map(|(path, is_ignored)| {
        let place = top.join(path);
        let tool = what(&place, path)?;
        // Our own files are no work of an agent.
        let inside = place.strip_prefix(root).ok()?.to_str().filter(|path| !path.starts_with(".trace/"))?;
        let is_known = known.files.iter().any(|file| file.path == inside);
        // Only the path is known for sure: what stood there before is not.
        let input = json!({ "file_path": place.to_str()?, "edits": [] });
        let (tool, output) = (tool.to_owned(), Value::Null);
        let kind = EventKind::PostToolUse { tool, input, output, ok: Some(true), exit_code: None, id: None };
        (!is_known).then(|| Found { event: Event { kind, ..of.clone() }, is_ignored })
    });
    let mut found: Vec<_> = found.collect();
    found.truncate(MAX_FILES);
    gone.truncate(MAX_GONE);
    Some(found)
}
