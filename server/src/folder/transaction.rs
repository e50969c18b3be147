//! Changing the folder: evidence, rule files and history, in this order.
//!
//! A crash between two steps loses nothing: evidence without a rule is compiled again, and a rule file without an entry
//! in the history is a rule file that was edited by hand. Evidence and history are on the disk when `commit` returns. A
//! rule file that takes the place of another is brought to the disk before it does; a new one is not, since its text
//! stands in the history too, and a thousand of them would take seconds.

use super::{Folder, FolderError, Lock};
use crate::jsonl::{Appender, Lines};
use rules::book::{Action, Change};
use rules::{Correction, Diagnostic, RuleId};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a rule's file is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The rule.
    pub rule: RuleId,
    /// What is done to it.
    pub action: Action,
    /// Who does it, such as `compile` or a person's name.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When (RFC 3339).
    pub at: String,
}

/// A change of the folder in the making. Rule files and history change when it is committed; corrections are appended at
/// once, since they are true whatever follows from them.
#[derive(Debug)]
pub struct Transaction<'f> {
    folder: &'f Folder,
    _lock: Lock,
    evidence: Option<Evidence>,
    texts: BTreeMap<PathBuf, Option<String>>,
    changes: Vec<Change>,
    diagnostics: Vec<Diagnostic>,
}

/// The file of corrections, with the keys of all that are in it.
#[derive(Debug)]
struct Evidence {
    file: Appender,
    known: HashSet<String>,
}

/// What is read of a line of corrections.
#[derive(Deserialize)]
struct Named {
    id: String,
}

/// What is read of a line of history.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl<'f> Transaction<'f> {
    pub(super) fn of(folder: &'f Folder, lock: Lock) -> Self {
        let (texts, changes, diagnostics) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { folder, _lock: lock, evidence: None, texts, changes, diagnostics }
    }

    /// Appends a correction under its key, and tells whether it was not there yet.
    ///
    /// # Errors
    /// What could not be read or written.
    pub fn correct(&mut self, correction: &Correction) -> Result<bool, FolderError> {
        let path = self.folder.path("corrections.jsonl");
        let evidence = match self.evidence.take() {
            Some(evidence) => evidence,
            None => self.evidence(&path)?,
        };
        let evidence = self.evidence.insert(evidence);
        let key = correction.key();
        if !evidence.known.insert(key.clone()) {
            return Ok(false);
        }
        let correction = Correction { id: Some(key), ..correction.clone() };
        evidence.file.append(&correction).map_err(FolderError::of("write", &path))?;
        Ok(true)
    }

    /// Opens the file of corrections.
    fn evidence(&mut self, path: &Path) -> Result<Evidence, FolderError> {
        let name = self.folder.shown(path);
        let (file, torn) = Appender::open(path, &name).map_err(FolderError::of("open", path))?;
        self.diagnostics.extend(torn);
        let known = self.known(path).map_err(FolderError::of("read", path))?;
        Ok(Evidence { file, known })
    }

    /// The keys of all corrections that are there.
    fn known(&mut self, path: &Path) -> io::Result<HashSet<String>> {
        let mut known = HashSet::new();
        for line in Lines::<Named>::of(path, self.folder.shown(path))? {
            match line? {
                Ok(named) => drop(known.insert(named.id)),
                Err(fault) => self.diagnostics.push(fault),
            }
        }
        Ok(known)
    }

    /// Gives a rule file a text, or removes it, and tells whether that changes it.
    ///
    /// # Errors
    /// What could not be read; a file that is not UTF-8 is never replaced, because its text could not be kept.
    pub fn write(&mut self, path: &Path, text: Option<&str>, cause: Cause) -> Result<bool, FolderError> {
        let before = self.read(path)?;
        if before.as_deref() == text {
            return Ok(false);
        }
        let Cause { rule, action, by, reason, at } = cause;
        let after = text.map(str::to_owned);
        self.record(path, Change { seq: 0, at, rule, action, by, reason, before, after });
        Ok(true)
    }

    /// Records that a rule file was changed by hand from a text to what it is now, and tells whether it was.
    ///
    /// # Errors
    /// What could not be read.
    pub fn edited(&mut self, path: &Path, before: Option<&str>, cause: Cause) -> Result<bool, FolderError> {
        let after = self.read(path)?;
        if after.as_deref() == before {
            return Ok(false);
        }
        let Cause { rule, action, by, reason, at } = cause;
        let before = before.map(str::to_owned);
        self.record(path, Change { seq: 0, at, rule, action, by, reason, before, after });
        Ok(true)
    }

    /// The text of a rule file as it will be.
    ///
    /// # Errors
    /// What could not be read.
    pub fn read(&self, path: &Path) -> Result<Option<String>, FolderError> {
        if let Some(text) = self.texts.get(path) {
            return Ok(text.clone());
        }
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(FolderError::of("read", path)(error)),
        }
    }

    /// Takes a change of a file in, whose number is given when it is committed.
    pub(crate) fn record(&mut self, path: &Path, change: Change) {
        self.texts.insert(path.to_owned(), change.after.clone());
        self.changes.push(change);
    }

    /// Makes the changes, and tells what was mended on the way.
    ///
    /// # Errors
    /// What could not be written; what was written before that stays.
    pub fn commit(mut self) -> Result<Vec<Diagnostic>, FolderError> {
        if let Some(evidence) = self.evidence.take() {
            let path = self.folder.path("corrections.jsonl");
            evidence.file.finish().map_err(FolderError::of("write", &path))?;
        }
        for (path, text) in &self.texts {
            put(path, text.as_deref()).map_err(FolderError::of("write", path))?;
        }
        if !self.changes.is_empty() {
            let path = self.folder.path("history.jsonl");
            self.log(&path).map_err(FolderError::of("write", &path))?;
        }
        Ok(self.diagnostics)
    }

    /// Appends the changes to the history.
    fn log(&mut self, path: &Path) -> io::Result<()> {
        let name = self.folder.shown(path);
        let (mut file, torn) = Appender::open(path, &name)?;
        self.diagnostics.extend(torn);
        let last = match file.last::<Numbered>()? {
            Some(last) => last.seq,
            // The last line is damaged or there is none: the highest number of all then.
            None => Lines::<Numbered>::of(path, name)?.flatten().flatten().map(|line| line.seq).max().unwrap_or(0),
        };
        for (change, seq) in std::mem::take(&mut self.changes).into_iter().zip(last + 1..) {
            file.append(&Change { seq, ..change })?;
        }
        file.finish()
    }
}

/// Gives a file a text, or removes it.
fn put(path: &Path, text: Option<&str>) -> io::Result<()> {
    match text {
        Some(text) => {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            replace(path, text.as_bytes(), path.exists())
        }
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        },
    }
}

/// Replaces a file as one step, with the permissions of the old one. A symbolic link is replaced, never followed: a
/// repository must not lead a write out of itself.
pub(crate) fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|file| file.permissions().mode());
        builder.permissions(fs::Permissions::from_mode(mode.unwrap_or(0o666)));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = builder.prefix(".new-").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(bytes)?;
    if durable {
        file.as_file().sync_data()?;
    }
    file.persist(path)?;
    Ok(())
}
