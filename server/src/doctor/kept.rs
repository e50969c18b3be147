//! What is at rest: the store, its log and its indexes.

use super::{Finding, Part, told};
use consistency::store::sqlite::replay;
use consistency::store::{Store, StoreError, System};
use memory::Memories;
use memory::embed::Embedder;
use memory::index::{InFile, Index, IndexError, Progress, Settings, in_folder};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A write-ahead log that is larger than this, in bytes, was left behind by a process that ended early.
const LARGE_WAL_BYTES: u64 = 64 << 20;
/// What to do about an index that is not as it should be.
const MADE_AGAIN: &str = "end what uses it, and delete that folder: it is made again from the store";

pub(super) fn store(file: &Path, tell: &mut dyn FnMut(Finding)) -> Option<Store> {
    let shown = file.display();
    match file.try_exists() {
        Ok(true) => {}
        Ok(false) => {
            tell(Finding::well(Part::Store, format!("none yet at `{shown}`: the first write makes it")));
            return None;
        }
        Err(error) => {
            tell(told(Part::Store, &error, "look at the rights of the folder"));
            return None;
        }
    }
    let bytes = |path: PathBuf| fs::metadata(path).map_or(0, |about| about.len());
    let wal = bytes(PathBuf::from(format!("{shown}-wal")));
    let opened = Store::open(file).and_then(|store| Ok((store.clock()?, store)));
    match opened {
        Ok((clock, store)) => {
            let mib = bytes(file.to_owned()).div_ceil(1 << 20);
            tell(Finding::well(Part::Store, format!("`{shown}` opens at version {clock}, at most {mib} MiB")));
            if wal > LARGE_WAL_BYTES {
                let what = format!("its write-ahead log has {} MiB", wal >> 20);
                tell(Finding::look(
                    Part::Store,
                    what,
                    "a process has it open for long, or ended early; close all, then open it once",
                ));
            }
            Some(store)
        }
        Err(error) => {
            tell(told(Part::Store, &error, "keep a copy of the file, then restore a backup"));
            None
        }
    }
}

pub(super) fn log(file: &Path) -> Finding {
    match replay(file) {
        Ok(replayed) => {
            let entries = replayed.entries;
            Finding::well(Part::Log, format!("all {entries} hashes match, and all rows are what the log comes to"))
        }
        Err(StoreError::Damaged { what, .. }) => {
            Finding::broken(Part::Log, what, "another hand changed the file: keep a copy, then restore a backup")
        }
        Err(error) => told(Part::Log, &error, "try again when the store is not so busy"),
    }
}

pub(super) fn index(
    folder: &Path,
    store: &Store,
    embedder: Option<&dyn Embedder>,
    quick: bool,
    tell: &mut dyn FnMut(Finding),
) {
    let shown = folder.display();
    if folder.exists() && !folder.is_dir() {
        let what = format!("`{shown}` is no folder");
        tell(Finding::broken(Part::Index, what, "move that file away: the indexes are to be there"));
        return;
    }
    if !folder.exists() {
        tell(Finding::well(Part::Index, format!("none yet at `{shown}`: the first search makes it")));
        return;
    }
    let vectors = in_folder(folder);
    if let Err(cause) = &vectors {
        let what = format!("the vectors in `{shown}` can't be read: {cause}");
        tell(Finding::look(Part::Index, what, "nothing: they are made again from the store"));
    }
    let index = match open(folder, store, tell) {
        Ok(index) => index,
        Err(error) => return tell(told(Part::Index, &error, MADE_AGAIN)),
    };
    let stats = index.stats();
    tell(Finding::well(Part::Index, format!("{} records up to version {}", stats.records, stats.followed)));
    if let Some(finding) = embedder.and_then(|embedder| missing(embedder, vectors.ok().flatten(), stats.records)) {
        tell(finding);
    }
    if quick {
        return;
    }
    match index.check() {
        Ok(wrong) => wrong.into_iter().for_each(|what| {
            tell(Finding::broken(Part::Index, format!("{what} in `{shown}`"), MADE_AGAIN));
        }),
        Err(error) => tell(told(Part::Index, &error, MADE_AGAIN)),
    }
}

/// Opens an index without an embedder: with another one than its vectors are of, these would go.
fn open(folder: &Path, store: &Store, tell: &mut dyn FnMut(Finding)) -> Result<Index, IndexError> {
    let memories = Memories::new(store.clone(), Arc::new(System));
    Index::open_with(folder, &memories, None, Settings::default(), &mut |progress| {
        if let Progress::Rebuilding { part, why } = progress {
            let what = format!("the {part} in `{}` could not be used: {why}", folder.display());
            tell(Finding::look(Part::Index, what, "nothing more: they were made again from the store"));
        }
    })
}

/// That some records are not found by what they mean yet.
fn missing(embedder: &dyn Embedder, vectors: Option<InFile>, records: usize) -> Option<Finding> {
    let (by, help) = (embedder.id().to_string(), "`trace serve` makes them; so does the next `trace memory search`");
    match vectors {
        Some(InFile { by: other, count }) if other != by => {
            let what =
                format!("{count} vectors are by `{other}`, and the embedder is `{by}`: they are to be made again");
            Some(Finding::look(Part::Index, what, help))
        }
        vectors => {
            let count = vectors.map_or(0, |vectors| vectors.count as usize);
            let what = format!("{count} of {records} records have a vector by `{by}`");
            (count < records).then(|| Finding::look(Part::Index, what, help))
        }
    }
}
