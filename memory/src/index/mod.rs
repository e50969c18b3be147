//! What is found: indexes over the records, derived from the commit log and read from the store before anybody sees it.
//!
//! [`Index`] follows the commits of the store. What it knows of each record is in memory (the *roster*), as are the words of
//! what came last (the *tail*) and the vectors; the words of all else are in files. The files may be deleted at any time.
//!
//! INVARIANT: what an answer holds was read from the store for that answer, and passes its filter. The state of the index
//! decides what is found and how it is ranked, never whether something forgotten is shown.
//!
//! Deliberately absent: threads. Whoever keeps an index open calls [`Index::tend`] now and then.

mod analysed;
mod asking;
mod candidates;
mod embedding;
mod flat;
mod list;
mod roster;
mod search;
mod tail;
mod unit;
mod vectors;
mod words;

pub use analysed::Term;
pub use asking::{Entity, Hit, IndexError, Listed, Mode, Progress, Query, Settings, Stats};
pub use candidates::{Candidates, Said, View};
pub use unit::unit;
pub use vectors::{InFile, in_folder};

use crate::embed::Embedder;
use crate::memories::{Memories, MemoryError};
use crate::tenant::Tenant;
use analysed::Analysed;
use consistency::{Millis, Version};
use parking_lot::{Mutex, RwLock};
use roster::{Roster, Vector};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tantivy::{Searcher, TantivyError};
use unit::Change;
use vectors::Vectors;
use words::{Moved, Words};

/// How many cells are read from the store at once.
const PAGE: usize = 1024;
/// After how many cells the files are brought up to date when there is time for it.
const DUE: usize = 1024;

/// All indexes over the records of a store.
pub struct Index {
    memories: Memories,
    embedder: Option<Arc<dyn Embedder>>,
    settings: Settings,
    folder: PathBuf,
    words: Words,
    vectors: Option<Vectors>,
    state: RwLock<State>,
    /// Each held by whoever does that, since two would do the same work.
    following: Mutex<()>,
    moving: Mutex<()>,
    embedding: Mutex<()>,
    analysed: Analysed,
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("folder", &self.folder).field("embedder", &self.embedder).finish_non_exhaustive()
    }
}

/// What is known, as of one version of the store.
struct State {
    followed: Version,
    /// Up to which version the files reach, as far as it is known here.
    base: Version,
    searcher: Searcher,
    rosters: BTreeMap<Tenant, Roster>,
    /// How many cells were read since the files were brought up to date.
    unmoved: usize,
    /// With how many records in the tail it is tried to move it.
    full: usize,
}

impl State {
    fn tail(&self) -> usize {
        self.rosters.values().map(|roster| roster.tail.len()).sum()
    }
}

impl Index {
    /// Opens the indexes in a folder and brings them up to date; what is missing, damaged or of another embedder is made again.
    ///
    /// # Errors
    /// [`IndexError`] when the folder can't be used.
    pub fn open(folder: &Path, memories: &Memories, embedder: Option<Arc<dyn Embedder>>) -> Result<Index, IndexError> {
        Index::open_with(folder, memories, embedder, Settings::default(), &mut |_| {})
    }

    /// As [`Index::open`], and says what takes its time. A semantic embedder's vectors are not made here: see
    /// [`Index::embed_pending`].
    ///
    /// # Errors
    /// [`IndexError`] when the folder can't be used.
    pub fn open_with(
        folder: &Path,
        memories: &Memories,
        embedder: Option<Arc<dyn Embedder>>,
        settings: Settings,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Index, IndexError> {
        let store = memories.store();
        let (name, clock) = store.identity().and_then(|name| Ok((name, store.clock()?))).map_err(MemoryError::from)?;
        let opened = opened_words(&folder.join("words"), &name, clock, progress);
        let (words, followed, rosters) = opened.map_err(|error| broken(folder, &error))?;
        let (searcher, base) = (words.searcher(), followed);
        let state = State { followed, base, searcher, rosters, unmoved: 0, full: settings.tail };
        let mut index = Index {
            memories: memories.clone(),
            embedder,
            settings,
            folder: folder.to_owned(),
            words,
            vectors: None,
            state: RwLock::new(state),
            following: Mutex::new(()),
            moving: Mutex::new(()),
            embedding: Mutex::new(()),
            analysed: Analysed::default(),
        };
        index.catch_up(progress)?;
        index.load_vectors(&name, progress)?;
        index.embed_at_once()?;
        Ok(index)
    }

    /// The embedder, if there is one.
    pub fn embedder(&self) -> Option<&Arc<dyn Embedder>> {
        self.embedder.as_ref()
    }

    /// The time now, as the records' store tells it.
    pub fn now(&self) -> Millis {
        self.memories.now()
    }

    /// Follows the commit log up to now; tells how far that is. Searching does so by itself.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn follow(&self) -> Result<Version, IndexError> {
        let followed = self.catch_up(&mut |_| {})?;
        self.embed_at_once()?;
        Ok(followed)
    }

    fn catch_up(&self, progress: &mut dyn FnMut(Progress)) -> Result<Version, IndexError> {
        let clock = self.memories.store().clock().map_err(MemoryError::from)?;
        if self.state.read().followed >= clock {
            return Ok(clock);
        }
        let _alone = self.following.lock();
        let (mut since, mut records) = (self.state.read().followed, 0);
        while since < clock {
            let page = self.memories.store().written_since(since, PAGE).map_err(MemoryError::from)?;
            let last = page.last().map_or(clock, |(_, written)| written.version);
            // A page that is not full is the last: nothing is written between it and the clock.
            since = if page.len() < PAGE { last.max(clock) } else { last };
            let changes: Vec<Change> = page.iter().filter_map(|(key, written)| Change::of(key, written)).collect();
            records += changes.len();
            self.apply(changes, page.len(), since)?;
            progress(Progress::Followed(records));
        }
        Ok(since)
    }

    fn apply(&self, changes: Vec<Change>, cells: usize, until: Version) -> Result<(), IndexError> {
        let mut stale = Vec::new();
        let is_full = {
            let mut state = self.state.write();
            for change in changes {
                let (tenant, id) = (change.tenant.clone(), change.id);
                if state.rosters.entry(tenant.clone()).or_default().change(change) == Vector::Stale {
                    stale.push((tenant, id));
                }
            }
            state.followed = until;
            state.unmoved += cells;
            state.tail() >= state.full
        };
        if let Some(vectors) = self.vectors.as_ref().filter(|_| !stale.is_empty()) {
            let gone = stale.iter().map(|(tenant, id)| (tenant.name(), *id));
            vectors.delete(gone).map_err(|error| broken(&self.folder, &error))?;
        }
        // Files that can't be written are told by whoever tends the index; until then there is memory.
        if is_full && self.commit().is_err() {
            let mut state = self.state.write();
            state.full = state.tail() + self.settings.tail;
        }
        Ok(())
    }

    /// Writes what was followed into the files, so that less has to be followed when they are opened again. Does nothing where
    /// another process is writing them.
    ///
    /// # Errors
    /// [`IndexError::Files`] when they can't be written.
    pub fn commit(&self) -> Result<(), IndexError> {
        let _alone = self.moving.lock();
        let (changes, base, until, cells) = {
            let state = self.state.read();
            let changes = state.rosters.values().flat_map(|roster| roster.tail.changes()).cloned();
            (changes.collect::<Vec<_>>(), state.base, state.followed, state.unmoved)
        };
        if cells == 0 {
            return Ok(());
        }
        let moved = self.words.take(&changes, base, until).map_err(|error| broken(&self.folder, &error))?;
        let mut state = self.state.write();
        match moved {
            Moved::Until(version) => {
                (state.searcher, state.base) = (self.words.searcher(), version);
                state.rosters.values_mut().for_each(|roster| roster.tail.forget_until(version));
                state.unmoved -= cells;
                state.full = self.settings.tail;
            }
            Moved::Busy => state.full = state.tail() + self.settings.tail,
        }
        Ok(())
    }

    /// Does what is better not done while somebody waits: follows, embeds, and writes the files when there is enough to write.
    ///
    /// # Errors
    /// [`IndexError`]; what was done until then is done.
    pub fn tend(&self, progress: &mut dyn FnMut(Progress)) -> Result<(), IndexError> {
        self.catch_up(progress)?;
        if self.state.read().unmoved >= DUE {
            self.commit()?;
        }
        self.embed_pending(progress).map(drop)
    }

    /// What the index holds.
    pub fn stats(&self) -> Stats {
        let state = self.state.read();
        Stats {
            records: state.rosters.values().map(Roster::len).sum(),
            vectors: state.rosters.values().map(|roster| roster.vectors.len()).sum(),
            tail: state.tail(),
            segments: state.searcher.segment_readers().len(),
            embedder: self.embedder.as_ref().map(|embedder| embedder.id().to_string()),
            followed: state.followed,
            bytes: bytes(&self.folder),
        }
    }

    /// Compares the index with the store and its files with their checksums; tells what is wrong, for a person.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn check(&self) -> Result<Vec<String>, IndexError> {
        let damaged = self.words.damaged().map_err(|error| broken(&self.folder, &error))?;
        let mut wrong: Vec<String> = damaged.iter().map(|file| format!("the file `{file}` is damaged")).collect();
        if let Some(vectors) = &self.vectors {
            wrong.extend(vectors.damaged().map_err(|error| broken(&self.folder, &error))?);
        }
        let tenants: Vec<Tenant> = self.state.read().rosters.keys().cloned().collect();
        for tenant in tenants {
            self.follow()?;
            let stored = self.memories.list(&tenant, None, usize::MAX)?;
            let state = self.state.read();
            let known: Vec<_> = state.rosters.get(&tenant).into_iter().flat_map(Roster::ids).collect();
            // What is committed between the two looks is no fault.
            if state.followed >= self.memories.store().clock().map_err(MemoryError::from)?
                && !stored.iter().map(|stored| stored.record.id).eq(known.iter().copied())
            {
                wrong.push(format!("`{tenant}` has {} records, and the index {}", stored.len(), known.len()));
            }
        }
        Ok(wrong)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if self.state.get_mut().unmoved >= DUE {
            // What is not written now is followed again when the index is opened.
            drop(self.commit());
        }
    }
}

type Opened = (Words, Version, BTreeMap<Tenant, Roster>);

fn opened_words(
    folder: &Path,
    store: &str,
    clock: Version,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, TantivyError> {
    let open = || {
        let (words, followed) = Words::open(folder, store, clock)?;
        let mut rosters: BTreeMap<Tenant, Roster> = BTreeMap::new();
        words.rows(|row| {
            if let Ok(tenant) = Tenant::new(&row.tenant) {
                rosters.entry(tenant).or_default().put(&row);
            }
        })?;
        Ok((words, followed, rosters))
    };
    open().or_else(|error: TantivyError| {
        progress(Progress::Rebuilding { part: "words", why: error.to_string() });
        std::fs::remove_dir_all(folder)?;
        open()
    })
}

fn broken(folder: &Path, cause: &dyn fmt::Display) -> IndexError {
    IndexError::Files { folder: folder.display().to_string(), cause: cause.to_string() }
}

/// How many bytes the files of a folder have.
fn bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files
        .map(|file| if file.path().is_dir() { bytes(&file.path()) } else { file.metadata().map_or(0, |it| it.len()) })
        .sum()
}
