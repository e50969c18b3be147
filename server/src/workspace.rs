//! The real files of a repository, for rules that ask for them.
//!
//! INVARIANT: nothing outside the root is read or told of, whatever symbolic links lie in it. What git says is asked once,
//! when it is first wanted; a repository that lives longer than an event is made anew for the next.

use crate::git;
use compiler::facts::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// The largest file that is read, in bytes.
const MOST_BYTES: u64 = 4 << 20;

/// The files under a root.
#[derive(Debug)]
pub struct Repository {
    root: PathBuf,
    name: Option<String>,
    changed: OnceLock<Option<BTreeSet<String>>>,
}

/// The same files as they were before a diff: what its patches fit.
#[derive(Debug)]
pub struct Before<'r> {
    now: &'r Repository,
    blobs: BTreeMap<String, String>,
}

/// Where a path leads.
enum Place {
    /// To something under the root.
    There(PathBuf),
    /// To nothing, under the root.
    Nowhere(PathBuf),
}

impl Repository {
    /// The files under a root.
    ///
    /// # Errors
    /// Why the root cannot be found.
    pub fn at(root: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(root)?;
        let name = root.to_str().map(str::to_owned);
        Ok(Self { root, name, changed: OnceLock::new() })
    }

    /// Where a path leads, links resolved; `None` if out of the root.
    fn place(&self, path: &str) -> Option<Place> {
        let path = self.root.join(path);
        match fs::canonicalize(&path) {
            Ok(real) => real.starts_with(&self.root).then_some(Place::There(real)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A link that leads nowhere may lead out of the root tomorrow.
                let dangling = path.ancestors().any(|place| place.is_symlink() && !place.exists());
                let real = path.ancestors().find_map(|place| fs::canonicalize(place).ok())?;
                let climbs = path.components().any(|part| part == Component::ParentDir);
                (real.starts_with(&self.root) && !dangling && !climbs).then_some(Place::Nowhere(path))
            }
            Err(_) => None,
        }
    }
}

impl Workspace for Repository {
    fn root(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn read(&self, path: &str) -> Option<String> {
        let Some(Place::There(path)) = self.place(path) else { return None };
        // Anything but a file could block or never end.
        let metadata = fs::metadata(&path).ok()?;
        if !metadata.is_file() || metadata.len() > MOST_BYTES {
            return None;
        }
        let mut bytes = Vec::new();
        let size = File::open(&path).ok()?.take(MOST_BYTES + 1).read_to_end(&mut bytes).ok()?;
        String::from_utf8(bytes).ok().filter(|_| size as u64 <= MOST_BYTES)
    }

    fn exists(&self, path: &str) -> Option<bool> {
        self.place(path).map(|place| matches!(place, Place::There(_)))
    }

    fn changed(&self, path: &str) -> Option<bool> {
        let (Place::There(path) | Place::Nowhere(path)) = self.place(path)?;
        let top = git::top(&self.root)?;
        let path = path.strip_prefix(&top).ok()?.to_str()?.to_owned();
        let changed = self.changed.get_or_init(|| git::changed(&self.root).ok()).as_ref()?;
        let inside = format!("{}/", path.trim_end_matches('/'));
        let below = changed.range(inside.clone()..).next().is_some_and(|first| first.starts_with(&inside));
        Some(below || changed.contains(path.trim_end_matches('/')))
    }
}

impl<'r> Before<'r> {
    /// The files before a diff that `git` made of them.
    pub fn of(now: &'r Repository, diff: &str) -> Self {
        Self { now, blobs: git::blobs(diff) }
    }
}

impl Workspace for Before<'_> {
    fn root(&self) -> Option<&str> {
        self.now.root()
    }

    fn read(&self, path: &str) -> Option<String> {
        match self.blobs.get(path) {
            None => self.now.read(path),
            Some(id) if id.is_empty() => None,
            Some(id) => String::from_utf8(git::blob(&self.now.root, id).ok()?).ok(),
        }
    }

    fn exists(&self, path: &str) -> Option<bool> {
        self.blobs.get(path).map_or_else(|| self.now.exists(path), |id| Some(!id.is_empty()))
    }

    fn changed(&self, path: &str) -> Option<bool> {
        self.now.changed(path)
    }
}
