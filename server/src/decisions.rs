//! Decisions of recall that somebody asked to have explained, each in a file of its own beside the index: derived, and deleted
//! from the oldest on.

use router::decision::{Decision, DecisionId};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

/// How many are kept.
const KEPT: usize = 1000;

/// Keeps a decision.
///
/// # Errors
/// Why the file can't be written.
pub fn keep(index: &Path, decision: &Decision) -> io::Result<()> {
    let folder = folder(index);
    fs::create_dir_all(&folder)?;
    let text = serde_json::to_vec(decision)?;
    // Two who decide the same write the same.
    fs::write(folder.join(format!("{}.json", decision.id)), text)?;
    forget_oldest(&folder)
}

/// A decision that was kept.
///
/// # Errors
/// [`io::ErrorKind::NotFound`] where it was not, or not so long.
pub fn kept(index: &Path, id: &DecisionId) -> io::Result<Decision> {
    Ok(serde_json::from_slice(&fs::read(folder(index).join(format!("{id}.json")))?)?)
}

fn folder(index: &Path) -> PathBuf {
    index.join("decisions")
}

fn forget_oldest(folder: &Path) -> io::Result<()> {
    let entries = fs::read_dir(folder)?.flatten();
    let written =
        |entry: &fs::DirEntry| entry.metadata().and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut files: Vec<(SystemTime, PathBuf)> = entries.map(|entry| (written(&entry), entry.path())).collect();
    files.sort();
    let excess = files.len().saturating_sub(KEPT);
    // What another process deleted meanwhile is gone all the same.
    files.iter().take(excess).for_each(|(_, path)| drop(fs::remove_file(path)));
    Ok(())
}
