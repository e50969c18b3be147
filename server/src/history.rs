//! The history of the rules: what was done to each, and taking it back.

use crate::folder::{Folder, FolderError};
use crate::jsonl::Lines;
use rules::book::{Action, Change, Trail};
use rules::{Diagnostic, RuleId};
use std::path::PathBuf;

/// The history, oldest change first, one line in memory at a time; a line that is none is a diagnostic.
///
/// # Errors
/// Why it cannot be read.
pub fn read(
    folder: &Folder,
) -> Result<impl Iterator<Item = Result<Result<Change, Diagnostic>, FolderError>>, FolderError> {
    let path = folder.path("history.jsonl");
    let lines = Lines::of(&path, folder.shown(&path)).map_err(FolderError::of("read", &path))?;
    Ok(lines.map(move |line| line.map_err(FolderError::of("read", &path))))
}

/// The changes of one rule that are not taken back.
///
/// # Errors
/// Why the history cannot be read.
pub fn trail(folder: &Folder, rule: &RuleId) -> Result<Trail, FolderError> {
    let mut stopped = None;
    // Lines that are no changes are passed over here: whoever lists the history is told of them.
    let changes = read(folder)?.map_while(|line| line.map_err(|error| stopped = Some(error)).ok()).flatten();
    let trail = Trail::of(rule.clone(), changes);
    stopped.map_or(Ok(trail), Err)
}

/// Takes the last change of a rule back, and returns the change that did; `None` if there is nothing to take back.
///
/// A file that is not as the last change left it was edited by hand: then that edit is the last change, is recorded as
/// such, and is taken back.
///
/// # Errors
/// What could not be read or written.
pub fn undo(folder: &Folder, rule: &RuleId, at: &str, by: &str) -> Result<Option<Change>, FolderError> {
    let mut transaction = folder.transaction()?;
    let path = path(folder, rule);
    let current = transaction.read(&path)?;
    let trail = trail(folder, rule)?;
    let Some(last) = trail.last() else { return Ok(None) };
    let edit = (current != last.after).then(|| Change {
        seq: 0,
        at: at.to_owned(),
        rule: rule.clone(),
        action: Action::Edit,
        by: "an editor".to_owned(),
        reason: Some("found in the file".to_owned()),
        before: last.after.clone(),
        after: current,
    });
    let trail = match edit {
        Some(edit) => {
            transaction.record(&path, edit.clone());
            Trail::of(rule.clone(), [edit])
        }
        None => trail,
    };
    let Some(undo) = trail.undo(at, by) else { return Ok(None) };
    transaction.record(&path, undo.clone());
    transaction.commit()?;
    Ok(Some(undo))
}

/// The file of a rule, also where it is not named after it.
fn path(folder: &Folder, rule: &RuleId) -> PathBuf {
    let path = folder.rule_path(rule);
    if path.exists() {
        return path;
    }
    folder.load().file(rule).map_or(path, |file| file.path.clone())
}
