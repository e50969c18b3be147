//! Where sessions of agents stand between two hooks: a small file for each, read and replaced under its own lock.
//!
//! INVARIANTS: whoever reads a record to change it holds the session's lock until it is written, so that hooks that run
//! side by side lose nothing; a file is replaced whole, so that a process that dies leaves the old record or the new one;
//! a file that is damaged counts as a session that begins. Other sessions' locks are never taken.

use super::gate::Gate;
use compiler::Standing;
use rules::RuleId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Grows with every change of the record.
const FORMAT: &[u8; 8] = b"TRACESE4";
/// A session that was silent for so long is forgotten.
const KEPT: Duration = Duration::from_hours(24 * 30);

/// What is kept of a session.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about a session")]
pub struct Record {
    /// The monitors.
    pub standing: Standing,
    /// The subagent that has moved a rule's monitor last; without one, the agent itself.
    pub movers: BTreeMap<RuleId, String>,
    /// What was told at the ends of turns.
    pub gate: Gate,
    /// What the agent had said at the last stop since the prompt: its length in bytes, and a hash.
    pub said: Option<(usize, u64)>,
    /// How much the agent has done, in calls that may have changed something.
    pub deeds: u64,
    /// The last call, as an event in JSON: what a correction is likely to be about.
    pub last_action: Option<String>,
    /// Commands that are running, with the time at which each was let go, in milliseconds since 1970.
    pub running: Vec<(u64, u64)>,
    /// Files that are known to be gone, by the hashes of their paths.
    pub gone: Vec<u64>,
    /// Whether it is known that git tells too late which files a command has changed.
    pub is_blind: bool,
    /// The command that was last changed, as it was asked for and as the host was told to run it.
    pub changed: Option<(String, String)>,
    /// Whether the host was seen to run a command as it was asked for all the same.
    pub is_deaf: bool,
    /// What the agent is told after its next call, where it cannot be told before.
    pub untold: Option<String>,
    /// Whether the rules were put in front of the agent since the session began or was compacted.
    pub reminded: bool,
    /// Whether it is a subagent's, so that its prompts are written by an agent.
    pub is_child: bool,
    /// Rules that a person has waived, with how often the waiver still holds; absent for the rest of the session.
    pub waived: BTreeMap<RuleId, Option<u32>>,
}

/// The sessions of a workspace.
#[derive(Debug, Clone)]
pub struct Sessions {
    folder: PathBuf,
}

/// A session that nobody else changes until this is dropped.
#[derive(Debug)]
pub struct Held {
    /// What is kept of it.
    pub record: Record,
    before: Vec<u8>,
    path: PathBuf,
    _lock: File,
}

impl Sessions {
    /// The sessions in a folder, which is made by the first that is kept.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Waits until nobody else holds the session, and holds it.
    ///
    /// # Errors
    /// Its files cannot be used.
    pub fn hold(&self, host: &str, session: &str) -> io::Result<Held> {
        let name = format!("{host}-{}", blake3::hash(session.as_bytes()).to_hex());
        let path = self.folder.join(&name);
        let open = || File::options().write(true).create(true).truncate(false).open(path.with_extension("lock"));
        let lock = match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                open()?
            }
            other => other?,
        };
        lock.lock()?;
        let before = fs::read(&path).unwrap_or_default();
        let record = decoded(&before).unwrap_or_default();
        Ok(Held { record, before, path, _lock: lock })
    }

    /// The records of all sessions, by the names of their files; for listings, so nothing is locked.
    pub fn records(&self) -> Vec<(String, Record)> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Vec::new() };
        let read = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), decoded(&fs::read(&path).ok()?)?));
        let mut records: Vec<_> = entries.flatten().filter_map(|entry| read(entry.path())).collect();
        records.sort_by(|(name, _), (other, _)| name.cmp(other));
        records
    }

    /// Changes every session's record.
    ///
    /// # Errors
    /// One of them cannot be written.
    pub fn each(&self, mut change: impl FnMut(&mut Record)) -> io::Result<usize> {
        let names = self.records();
        for (name, _) in &names {
            let path = self.folder.join(name);
            let lock = File::options().write(true).open(path.with_extension("lock"))?;
            lock.lock()?;
            let before = fs::read(&path).unwrap_or_default();
            let record = decoded(&before).unwrap_or_default();
            let mut held = Held { record, before, path, _lock: lock };
            change(&mut held.record);
            held.keep()?;
        }
        Ok(names.len())
    }

    /// Forgets sessions that have been silent for a month. That this fails is worth nothing.
    pub fn forget_old(&self, now: SystemTime) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let silent = entry.metadata().and_then(|about| about.modified()).ok().map(|at| now.duration_since(at));
            if silent.is_some_and(|silent| silent.is_ok_and(|silent| silent > KEPT)) {
                drop(fs::remove_file(entry.path()));
            }
        }
    }
}

impl Held {
    /// Writes the record, if it has changed.
    ///
    /// # Errors
    /// It cannot be written; the old one stays.
    pub fn keep(self) -> io::Result<()> {
        let bytes = encoded(&self.record);
        if bytes == self.before {
            return Ok(());
        }
        replace(&self.path, &bytes)
    }
}

fn encoded(record: &Record) -> Vec<u8> {
    let content = postcard::to_stdvec(record).unwrap_or_default();
    let mut bytes = FORMAT.to_vec();
    bytes.extend(blake3::hash(&content).as_bytes());
    bytes.extend(content);
    bytes
}

fn decoded(bytes: &[u8]) -> Option<Record> {
    let (hash, content) = bytes.strip_prefix(FORMAT)?.split_at_checked(32)?;
    (blake3::hash(content).as_bytes() == hash).then(|| postcard::from_bytes(content).ok())?
}

/// Replaces a file as one step. Only its owner may read it: a command may hold a secret. The lock makes the name beside it
/// our own.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(bytes)?;
    fs::rename(&new, path)
}
