//! What the tests of the indexes stand on: a world whose clock they set, an embedder without a model, and what the answers
//! should be, computed from all records.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that can't be set up has failed")]

use consistency::Millis;
use consistency::store::{Store, World};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::index::{Entity, Index, Mode, Progress, Query, Settings, unit};
use memory::memories::Stored;
use memory::{Draft, Filter, Memories, RecordId, Scope, Tenant, text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// A clock that is set by hand, and numbers in order.
#[derive(Debug)]
pub(crate) struct Hands {
    pub(crate) now: AtomicU64,
    last: AtomicU64,
}

impl World for Hands {
    fn now(&self) -> Millis {
        self.now.load(Ordering::Relaxed)
    }

    fn fresh(&self) -> u64 {
        self.last.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed)
    }
}

/// Words hashed into a vector, or, as another model would, otherwise into another.
#[derive(Debug)]
pub(crate) struct Hashed {
    id: EmbedderId,
    is_semantic: bool,
}

impl Hashed {
    pub(crate) fn new(model: &str, dimension: usize, is_semantic: bool) -> Arc<Hashed> {
        Arc::new(Hashed { id: EmbedderId { backend: "hash".into(), model: model.into(), dimension }, is_semantic })
    }

    pub(crate) fn vector(&self, text: &str) -> Vec<f32> {
        let mut vector = vec![0.0; self.id.dimension];
        for term in text::terms(text) {
            let hash = blake3_of(&format!("{}/{term}", self.id.model));
            let place = usize::from(hash[0]) | usize::from(hash[1]) << 8;
            let length = vector.len();
            vector[place % length] += if hash[2] & 1 == 0 { 1.0_f32 } else { -1.0 };
        }
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt().max(1e-9);
        vector.iter().map(|number| number / length).collect()
    }
}

fn blake3_of(text: &str) -> [u8; 3] {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let [one, two, three, ..] = hasher.finish().to_le_bytes();
    [one, two, three]
}

impl Embedder for Hashed {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }

    fn is_semantic(&self) -> bool {
        self.is_semantic
    }
}

/// A store in memory, and a folder for its indexes.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) memories: Memories,
    pub(crate) hands: Arc<Hands>,
    pub(crate) folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        let hands = Arc::new(Hands { now: AtomicU64::new(1_700_000_000_000), last: AtomicU64::new(1) });
        let memories = Memories::new(Store::in_memory(), hands.clone());
        Place { memories, hands, folder: TempDir::new().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn open(&self, embedder: Option<Arc<Hashed>>) -> Index {
        self.open_telling(embedder, Settings::default()).0
    }

    /// Opens, and tells what had to be made again.
    pub(crate) fn open_telling(&self, embedder: Option<Arc<Hashed>>, settings: Settings) -> (Index, Vec<String>) {
        let embedder = embedder.map(|embedder| embedder as Arc<dyn Embedder>);
        let mut rebuilt = Vec::new();
        let mut progress = |progress| {
            if let Progress::Rebuilding { part, why } = progress {
                rebuilt.push(format!("{part}: {why}"));
            }
        };
        let index = Index::open_with(self.folder.path(), &self.memories, embedder, settings, &mut progress);
        (index.unwrap(), rebuilt)
    }

    /// Adds, a millisecond after what was added before: so ids are in the order of the adds.
    pub(crate) fn add(&self, tenant: &Tenant, draft: &Draft) -> RecordId {
        self.hands.now.fetch_add(1, Ordering::Relaxed);
        self.memories.add(tenant, "test", draft).unwrap().id
    }

    /// What passes a filter, oldest first.
    pub(crate) fn live(&self, tenant: &Tenant, filter: &Filter) -> Vec<Stored> {
        let now = self.memories.now();
        let mut all = self.memories.list(tenant, None, usize::MAX).unwrap();
        all.retain(|stored| stored.record.is_live(now) && filter.matches(&stored.record));
        all
    }

    /// The records that have one of the words of a text.
    pub(crate) fn with_words(&self, tenant: &Tenant, filter: &Filter, text: &str) -> Vec<RecordId> {
        let wanted = text::terms(text);
        let mut all = self.live(tenant, filter);
        all.retain(|stored| text::terms(&unit(&stored.record)).iter().any(|term| wanted.contains(term)));
        all.iter().map(|stored| stored.record.id).collect()
    }

    pub(crate) fn entities(&self, tenant: &Tenant) -> Vec<Entity> {
        let mut found: BTreeMap<(&str, String), Entity> = BTreeMap::new();
        for Stored { record, .. } in self.live(tenant, &Filter::everything()) {
            for (part, name) in record.scope.parts() {
                let Some(name) = name else { continue };
                let (kind, name) = (part.trim_end_matches("_id").to_owned(), name.to_owned());
                let entity = found.entry((part, name.clone())).or_insert(Entity {
                    kind,
                    name,
                    records: 0,
                    created_at: Millis::MAX,
                    updated_at: 0,
                });
                entity.records += 1;
                entity.created_at = entity.created_at.min(record.created_at);
                entity.updated_at = entity.updated_at.max(record.updated_at);
            }
        }
        found.into_values().collect()
    }
}

pub(crate) fn tenant(name: &str) -> Tenant {
    Tenant::new(name).unwrap()
}

pub(crate) fn user(name: &str) -> Scope {
    Scope { user: Some(name.into()), ..Scope::default() }
}

/// A search that finds all there is to find.
pub(crate) fn all(text: &str, mode: Mode, filter: &Filter) -> Query {
    Query { text: text.into(), filter: filter.clone(), limit: usize::MAX, mode, neighbours: false }
}

pub(crate) fn ids(index: &Index, tenant: &Tenant, query: &Query) -> Vec<RecordId> {
    let mut ids: Vec<RecordId> = index.search(tenant, query).unwrap().iter().map(|hit| hit.stored.record.id).collect();
    ids.sort_unstable();
    ids
}

/// The files of a folder, in an order that is the same in each run: the names that segments have are random.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort_by_key(|path| (path.extension().map(ToOwned::to_owned), path.metadata().map_or(0, |it| it.len())));
    files
}

/// Puts copies of the files of a folder in the place of another.
pub(crate) fn copied(from: &Path, to: &Path) {
    drop(std::fs::remove_dir_all(to));
    std::fs::create_dir_all(to).unwrap();
    for file in files(from) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}
