//! Files under `/memories`, as agents that work with a memory folder see them: each is a cell of its tenant, never a file of
//! this machine.
//!
//! INVARIANTS: no path leaves `/memories`, because paths with `.` or `..` are refused and every key is made by the tenant; a
//! folder is there while a file is in it; nothing is a file and a folder at once; a change that was made to depend on a
//! hash happens only while the file has that hash.

use consistency::range::Range;
use consistency::store::{Session, StoreError};
use consistency::{Key, Value};
use memory::redact::redacted;
use memory::{Memories, MemoryError, Tenant};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;

/// The folder that everything lies in.
pub const ROOT: &str = "/memories";
/// The longest text of a file, in bytes.
pub const MAX_FILE_BYTES: usize = 102_400;
/// The longest path below the root, in bytes: what a key has room for beside the tenant.
pub const MAX_PATH_BYTES: usize = 400;
/// The deepest path, in parts.
pub const MAX_DEPTH: usize = 20;

/// Why a file can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The path does not begin with [`ROOT`].
    #[error("Path must start with {ROOT}, got: {0}")]
    Outside(String),
    /// The path has a part that would lead elsewhere.
    #[error("Path {0} would escape {ROOT} directory")]
    Escapes(String),
    /// The path is too long, too deep or not printable.
    #[error(
        "Path {0} can't be used: it has at most {MAX_PATH_BYTES} bytes, {MAX_DEPTH} parts and no control characters"
    )]
    Path(String),
    /// Nothing is there.
    #[error("The path {0} does not exist")]
    NotThere(String),
    /// Something is there already.
    #[error("File {0} already exists")]
    There(String),
    /// A file is where a folder would have to be.
    #[error("The path {0} is a file, so nothing can be in it")]
    InFile(String),
    /// A folder is where a file is meant.
    #[error("The path {0} is a directory")]
    Folder(String),
    /// The text is too long.
    #[error("A file has at most {MAX_FILE_BYTES} bytes, this one would have {0}")]
    Large(usize),
    /// The file does not have the hash that the change depends on.
    #[error("The file {path} does not have the expected content: read it again, and decide anew")]
    Changed {
        /// The file.
        path: String,
        /// The hash that it has; nothing where it is not there.
        now: Option<String>,
    },
    /// The store.
    #[error(transparent)]
    Memory(#[from] MemoryError),
}

impl From<StoreError> for FileError {
    fn from(error: StoreError) -> FileError {
        FileError::Memory(error.into())
    }
}

/// A file, or the root, as a path below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(String);

impl Place {
    /// Reads a path such as `/memories/notes.txt`.
    ///
    /// # Errors
    /// [`FileError`] says why it is none.
    pub fn of(path: &str) -> Result<Place, FileError> {
        let below = path.strip_prefix(ROOT).filter(|below| below.is_empty() || below.starts_with('/'));
        let below = below.ok_or_else(|| FileError::Outside(path.to_owned()))?;
        let parts: Vec<&str> = below.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err(FileError::Escapes(path.to_owned()));
        }
        let place = parts.join("/");
        if parts.len() > MAX_DEPTH || place.len() > MAX_PATH_BYTES || place.chars().any(char::is_control) {
            return Err(FileError::Path(path.escape_debug().to_string()));
        }
        Ok(Place(place))
    }

    /// Tells whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The folders above it, the root aside.
    fn above(&self) -> impl Iterator<Item = Place> {
        self.0.match_indices('/').filter_map(|(end, _)| self.0.get(..end)).map(|part| Place(part.to_owned()))
    }

    fn key(&self, tenant: &Tenant) -> Result<Key, FileError> {
        tenant.file(&self.0).map_err(|_| FileError::Path(self.to_string()))
    }

    /// What is in it, if it is a folder.
    fn inside(&self, tenant: &Tenant) -> Result<Range, FileError> {
        let folder = if self.is_root() { String::new() } else { format!("{}/", self.0) };
        let key = tenant.file(&folder).map_err(|_| FileError::Path(self.to_string()))?;
        Ok(Range::prefix(key.as_str()))
    }

    /// The place of a key of its tenant.
    fn shown(tenant: &Tenant, key: &Key) -> Option<Place> {
        let root = Place(String::new()).key(tenant).ok()?;
        key.as_str().strip_prefix(root.as_str()).map(|place| Place(place.to_owned()))
    }

    /// The parts of the path below a folder; nothing where it is not in there.
    pub(super) fn below(&self, folder: &Place) -> Option<Vec<&str>> {
        let rest = if folder.is_root() { &self.0 } else { self.0.strip_prefix(&folder.0)?.strip_prefix('/')? };
        Some(rest.split('/').collect())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() { f.write_str(ROOT) } else { write!(f, "{ROOT}/{}", self.0) }
    }
}

/// A file as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct File {
    /// Its path.
    pub path: String,
    /// SHA-256 of the bytes of its content, in hexadecimal: what a change can be made to depend on.
    pub content_sha256: String,
    /// How long its content is, in bytes.
    pub content_size_bytes: usize,
    /// Its content, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
}

impl File {
    /// The file with this text.
    pub fn of(place: &Place, text: &str) -> File {
        File {
            path: place.to_string(),
            content_sha256: sha256(text),
            content_size_bytes: text.len(),
            content: Some(text.to_owned()),
        }
    }
}

/// SHA-256 of a text, in lower-case hexadecimal.
pub fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// The text of a file; nothing where there is none.
///
/// # Errors
/// [`FileError`] when the store can't be read.
pub fn read(memories: &Memories, tenant: &Tenant, place: &Place) -> Result<Option<String>, FileError> {
    let cell = memories.store().newest(&[place.key(tenant)?])?.pop().flatten();
    Ok(cell.and_then(|cell| text(cell.content.value()?)))
}

/// The files in a folder and below, with their texts, in the order of their names.
///
/// # Errors
/// [`FileError`] when the store can't be read.
pub fn list(memories: &Memories, tenant: &Tenant, folder: &Place) -> Result<Vec<(Place, String)>, FileError> {
    let cells = memories.store().list(&folder.inside(tenant)?, usize::MAX)?;
    let file = |(key, cell): (Key, consistency::ledger::Written)| {
        Some((Place::shown(tenant, &key)?, text(cell.content.value()?)?))
    };
    Ok(cells.into_iter().filter_map(file).collect())
}

/// Writes a file, there or not. With a hash, only if the file has that one; what the file says already is written in any
/// case. Tells whether it is new.
///
/// # Errors
/// [`FileError::Changed`] for another hash.
pub fn put(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    (place, content): (&Place, &str),
    expected: Option<&str>,
) -> Result<(File, bool), FileError> {
    let content = redacted(content);
    change(memories, tenant, by, |files| {
        let before = files.read(place)?;
        let is_same = before.as_deref() == Some(&*content);
        if !is_same {
            depends(place, before.as_deref(), expected)?;
            files.write(place, &content)?;
        }
        Ok((File::of(place, &content), before.is_none()))
    })
}

/// Deletes a file. With a hash, only if the file has that one.
///
/// # Errors
/// [`FileError::NotThere`], or [`FileError::Changed`] for another hash.
pub fn delete(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    place: &Place,
    expected: Option<&str>,
) -> Result<(), FileError> {
    change(memories, tenant, by, |files| {
        let before = files.read(place)?.ok_or_else(|| FileError::NotThere(place.to_string()))?;
        depends(place, Some(&before), expected)?;
        files.delete(place)
    })
}

fn depends(place: &Place, before: Option<&str>, expected: Option<&str>) -> Result<(), FileError> {
    let now = before.map(sha256);
    match expected {
        Some(expected) if now.as_deref() != Some(expected) => Err(FileError::Changed { path: place.to_string(), now }),
        _ => Ok(()),
    }
}

/// Does some work on files in one transaction: all of it, or nothing.
pub(super) fn change<T>(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    mut work: impl FnMut(&mut Files<'_>) -> Result<T, FileError>,
) -> Result<T, FileError> {
    let (done, _) = memories.write(tenant, by, |transaction| {
        // Only the store's own errors end the transaction, so that it can tell a conflict and begin anew.
        match work(&mut Files { session: transaction.session(), tenant }) {
            Err(FileError::Memory(error)) => Err(error),
            done => Ok(done),
        }
    })?;
    done
}

/// The files within a transaction.
pub(super) struct Files<'t> {
    session: &'t mut Session,
    tenant: &'t Tenant,
}

impl Files<'_> {
    pub(super) fn read(&mut self, place: &Place) -> Result<Option<String>, FileError> {
        if place.is_root() {
            return Ok(None);
        }
        let content = self.session.read(place.key(self.tenant)?.as_str())?;
        Ok(content.value().and_then(text))
    }

    /// The files in a folder and below.
    pub(super) fn inside(&mut self, folder: &Place) -> Result<Vec<(Place, String)>, FileError> {
        let cells = self.session.search(&folder.inside(self.tenant)?)?;
        let file = |(key, value): (Key, Value)| Some((Place::shown(self.tenant, &key)?, text(&value)?));
        Ok(cells.into_iter().filter_map(file).collect())
    }

    pub(super) fn write(&mut self, place: &Place, content: &str) -> Result<(), FileError> {
        if content.len() > MAX_FILE_BYTES {
            return Err(FileError::Large(content.len()));
        }
        if place.is_root() || !self.inside(place)?.is_empty() {
            return Err(FileError::Folder(place.to_string()));
        }
        for folder in place.above() {
            if self.read(&folder)?.is_some() {
                return Err(FileError::InFile(folder.to_string()));
            }
        }
        Ok(self.session.write(place.key(self.tenant)?.as_str(), content)?)
    }

    pub(super) fn delete(&mut self, place: &Place) -> Result<(), FileError> {
        Ok(self.session.delete(place.key(self.tenant)?.as_str())?)
    }
}

fn text(value: &Value) -> Option<String> {
    value.json().as_str().map(str::to_owned)
}
