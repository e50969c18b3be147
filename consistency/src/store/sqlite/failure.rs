//! What can go wrong with the file, told apart by what has to follow.
//!
//! A failure can be cloned, because every commit of a failed group gets it.

use crate::store::shell::StoreError;
use rusqlite::ErrorCode;
use std::path::Path;
use std::time::Duration;

/// The newest format that this program knows.
pub(super) const FORMAT: u32 = 1;

const HELP: &str =
    "keep a copy of the file, then restore a backup; replaying the log names the first row that is wrong";

/// Why rows could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// Another process has the lock.
    Busy,
    /// The disk, or the space that the store may take, is used up.
    Full,
    /// The file does not hold what a store holds.
    Damaged(String),
    /// A newer program wrote the file.
    TooNew(u32),
    /// The system failed to read or write.
    Broken(String),
    /// The file can't be used as a store, or the input can't be kept in one.
    Unusable(String),
    /// The writer has stopped.
    Stopped(String),
}

impl Failure {
    /// Tells whether what is on disk is unknown after this, so that nothing more may be written.
    pub(super) fn stops(&self) -> bool {
        matches!(self, Failure::Broken(_) | Failure::Stopped(_))
    }

    /// The failure as a program is told of it.
    pub(super) fn told(self, path: &Path, busy: Duration) -> StoreError {
        let path = path.display().to_string();
        match self {
            Failure::Busy => StoreError::Busy(busy),
            Failure::Full => StoreError::Full,
            Failure::Damaged(what) => StoreError::Damaged { path, what, help: HELP.to_owned() },
            Failure::TooNew(found) => StoreError::TooNew { path, found, known: FORMAT },
            Failure::Broken(cause) | Failure::Unusable(cause) => StoreError::File { path, cause },
            Failure::Stopped(cause) => StoreError::Stopped(cause),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        let said = error.to_string();
        let rusqlite::Error::SqliteFailure(sqlite, _) = error else {
            // All else is a row that is not there or not of its type, as only a foreign hand leaves it.
            return Failure::Damaged(said);
        };
        match sqlite.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Failure::Busy,
            ErrorCode::DiskFull => Failure::Full,
            ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::Unknown => Failure::Damaged(said),
            ErrorCode::SystemIoFailure => Failure::Broken(said),
            _ => Failure::Unusable(said),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::Unusable(error.to_string())
    }
}
