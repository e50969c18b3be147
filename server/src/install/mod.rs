//! Setting our hooks up in a host's settings, and taking them out again.
//!
//! INVARIANTS: what else is in a file stays byte for byte, comments and layout included; the file as it was is kept before
//! it is changed; as long as nobody has changed the file since, taking out brings those very bytes back, and a file that
//! was not there is gone; permissions stay; a file that is read-only, or that cannot be read as the host reads it, is
//! left alone.

mod plugin;
mod setup;
mod text;

pub use plugin::{Plugin, plugins};
pub use setup::{Scope, Setup};

use crate::folder;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What would be changed, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The host's file, links resolved.
    pub path: PathBuf,
    /// Its text; nothing where there is no file.
    pub before: Option<String>,
    /// Its text afterwards; nothing where the file goes.
    pub after: Option<String>,
}

/// Why a host's settings are not changed. None of them has been touched then.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The file is not writable.
    #[error("`{0}` is read-only; help: make it writable, or add what `--dry-run` shows by hand")]
    ReadOnly(PathBuf),
    /// The file is nothing that the host could read.
    #[error("`{0}` is not the JSON that its host reads; help: mend it first")]
    Unreadable(PathBuf),
    /// The file system.
    #[error("cannot change `{path}`")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What is kept of an installation, beside the file as it was.
#[derive(Debug, Serialize, Deserialize)]
struct Receipt {
    path: PathBuf,
    existed: bool,
    /// A hash of the file as we left it.
    after: String,
    /// The folders that were made for it, innermost first.
    folders: Vec<PathBuf>,
}

impl Setup {
    /// What installing would change; equal texts where everything is there already.
    ///
    /// # Errors
    /// The file cannot be read or is none that could be added to.
    pub fn plan(&self) -> Result<Change, InstallError> {
        let (path, before) = self.file()?;
        if let Some(text) = before.as_ref().filter(|text| self.is_complete_in(text)) {
            return Ok(Change { path, after: Some(text.clone()), before });
        }
        let bare = match &before {
            Some(text) => self.without(text).ok_or_else(|| InstallError::Unreadable(path.clone()))?,
            None => String::new(),
        };
        let after = Some(self.with(&bare).ok_or_else(|| InstallError::Unreadable(path.clone()))?);
        Ok(Change { path, before, after })
    }

    /// Adds our hooks to the host's settings.
    ///
    /// # Errors
    /// The file could not be changed.
    pub fn install(&self) -> Result<Change, InstallError> {
        let change = self.plan()?;
        let (Some(after), false) = (&change.after, change.before == change.after) else { return Ok(change) };
        let failed = |source| InstallError::File { path: change.path.clone(), source };
        let folders = missing(&change.path);
        let known =
            self.receipt().filter(|known| change.before.as_deref().is_some_and(|text| hash(text) == known.after));
        fs::create_dir_all(&self.kept).map_err(failed)?;
        // An earlier installation's original is the file without us.
        if known.is_none() {
            let original = change.before.as_deref().unwrap_or_default();
            folder::replace(&self.kept_file("original"), original.as_bytes(), true).map_err(failed)?;
        }
        let (existed, folders) =
            known.map_or((change.before.is_some(), folders), |known| (known.existed, known.folders));
        let receipt = Receipt { path: change.path.clone(), existed, after: hash(after), folders };
        let receipt = serde_json::to_vec(&receipt).map_err(io::Error::from).map_err(failed)?;
        folder::replace(&self.kept_file("json"), &receipt, true).map_err(failed)?;
        change.path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        folder::replace(&change.path, after.as_bytes(), true).map_err(failed)?;
        Ok(change)
    }

    /// What uninstalling would change; equal texts where there is nothing of ours.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn plan_removal(&self) -> Result<Change, InstallError> {
        let (path, before) = self.file()?;
        let Some(text) = before.clone().filter(|text| self.is_in(text)) else {
            return Ok(Change { path, after: before.clone(), before });
        };
        let receipt = self.receipt().filter(|receipt| receipt.after == hash(&text));
        let after = match receipt {
            Some(receipt) if !receipt.existed => None,
            Some(_) => {
                let original = self.kept_file("original");
                Some(fs::read_to_string(&original).map_err(|source| InstallError::File { path: original, source })?)
            }
            None => Some(self.without(&text).ok_or_else(|| InstallError::Unreadable(path.clone()))?),
        };
        let after = after.filter(|text| !self.is_whole_file() || !text.is_empty());
        Ok(Change { path, before, after })
    }

    /// Takes our hooks out of the host's settings.
    ///
    /// # Errors
    /// The file could not be changed.
    pub fn uninstall(&self) -> Result<Change, InstallError> {
        let change = self.plan_removal()?;
        let failed = |source| InstallError::File { path: change.path.clone(), source };
        match &change.after {
            after if *after == change.before => {}
            Some(after) => folder::replace(&change.path, after.as_bytes(), true).map_err(failed)?,
            None => {
                fs::remove_file(&change.path).map_err(failed)?;
                for folder in self.receipt().map(|receipt| receipt.folders).unwrap_or_default() {
                    // One that has got other files stays.
                    drop(fs::remove_dir(folder));
                }
            }
        }
        for ending in ["json", "original"] {
            drop(fs::remove_file(self.kept_file(ending)));
        }
        Ok(change)
    }

    /// The host's file, links resolved, and its text.
    fn file(&self) -> Result<(PathBuf, Option<String>), InstallError> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        match fs::read(&path) {
            Ok(bytes) => {
                let writable = fs::metadata(&path).is_ok_and(|about| !about.permissions().readonly());
                if !writable {
                    return Err(InstallError::ReadOnly(path));
                }
                let text = String::from_utf8(bytes).map_err(|_| InstallError::Unreadable(path.clone()))?;
                Ok((path, Some(text)))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path, None)),
            Err(source) => Err(InstallError::File { path, source }),
        }
    }

    fn receipt(&self) -> Option<Receipt> {
        serde_json::from_slice(&fs::read(self.kept_file("json")).ok()?).ok()
    }

    fn kept_file(&self, ending: &str) -> PathBuf {
        self.kept.join(format!("{}.{ending}", self.host))
    }
}

/// The folders above a file that are not there, innermost first.
fn missing(path: &Path) -> Vec<PathBuf> {
    path.ancestors().skip(1).take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
