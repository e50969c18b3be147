//! What is found: indexes over the records, derived from the commit log and read from the store before anybody sees it.

use crate::embed::{EmbedError, Embedder};
use crate::filter::Filter;
use crate::memories::{Memories, MemoryError, Stored};
use crate::tenant::Tenant;
use consistency::{Millis, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// How records are looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// By words and by meaning, where there is an embedder; else by words.
    #[default]
    Hybrid,
    /// By words (BM25).
    Lexical,
    /// By meaning (cosine).
    Dense,
}

/// A search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What is looked for.
    pub text: String,
    /// Among which records.
    pub filter: Filter,
    /// How many are wanted at most.
    pub limit: usize,
    /// How.
    pub mode: Mode,
    /// Whether what was said next to a turn counts for it too.
    pub neighbours: bool,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The record, as the store holds it at the moment of the answer.
    pub stored: Stored,
    /// How well it fits; the greater the better, comparable within one answer only.
    pub score: f32,
    /// Its BM25 score, where it was found by words.
    pub lexical: Option<f32>,
    /// Its cosine, where it was compared by meaning.
    pub dense: Option<f32>,
}

/// A page of records, the newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// How many there are in all.
    pub total: usize,
    /// Those of the page.
    pub page: Vec<Stored>,
}

/// A part of a scope that some records have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entity {
    /// Which part: `user`, `agent`, `app` or `run`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// How many records have it.
    pub records: usize,
    /// When the first of them was added.
    pub created_at: Millis,
    /// When the last of them was changed.
    pub updated_at: Millis,
}

/// Why an index could not answer.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The records.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The embedder.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// The files of the index. Deleting them is safe: they are made again.
    #[error(
        "the index at `{folder}` can't be used: {cause}\nhelp: delete that folder; it is made again from the store"
    )]
    Files {
        /// The folder.
        folder: String,
        /// Why.
        cause: String,
    },
}

/// All indexes over the records of a store.
#[derive(Debug)]
pub struct Index {
    memories: Memories,
    embedder: Option<Arc<dyn Embedder>>,
}

impl Index {
    /// Opens the indexes in a folder and brings them up to date; what is missing, damaged or of another embedder is made again.
    ///
    /// # Errors
    /// [`IndexError`] when the folder can't be used.
    pub fn open(_: &Path, memories: &Memories, embedder: Option<Arc<dyn Embedder>>) -> Result<Index, IndexError> {
        Ok(Index { memories: memories.clone(), embedder })
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
        Ok(self.memories.store().clock().map_err(MemoryError::from)?)
    }

    /// The records that fit best, best first.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn search(&self, tenant: &Tenant, query: &Query) -> Result<Vec<Hit>, IndexError> {
        let words: Vec<String> = query.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut hits = Vec::new();
        for stored in self.all(tenant, &query.filter)? {
            let text = stored.record.text.to_lowercase();
            let found = words.iter().filter(|word| text.contains(*word)).count();
            if found > 0 {
                let score = u16::try_from(found).map_or(f32::MAX, f32::from);
                hits.push(Hit { stored, score, lexical: Some(score), dense: None });
            }
        }
        hits.sort_by(|one, other| other.score.total_cmp(&one.score));
        hits.truncate(query.limit);
        Ok(hits)
    }

    /// The records that pass a filter, the newest first; `skip` of them left out, and at most `limit`.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn list(&self, tenant: &Tenant, filter: &Filter, skip: usize, limit: usize) -> Result<Listed, IndexError> {
        let mut all = self.all(tenant, filter)?;
        all.reverse();
        Ok(Listed { total: all.len(), page: all.into_iter().skip(skip).take(limit).collect() })
    }

    /// The parts of scopes that records have.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read.
    pub fn entities(&self, tenant: &Tenant) -> Result<Vec<Entity>, IndexError> {
        let mut found: BTreeMap<(&'static str, String), Entity> = BTreeMap::new();
        for Stored { record, .. } in self.all(tenant, &Filter::everything())? {
            for (part, name) in record.scope.parts() {
                let (Some(name), kind) = (name, part.trim_end_matches("_id")) else { continue };
                let (created_at, updated_at) = (record.created_at, record.updated_at);
                let new =
                    || Entity { kind: kind.to_owned(), name: name.to_owned(), records: 0, created_at, updated_at };
                let entity = found.entry((part, name.to_owned())).or_insert_with(new);
                entity.records += 1;
                entity.created_at = entity.created_at.min(created_at);
                entity.updated_at = entity.updated_at.max(updated_at);
            }
        }
        Ok(found.into_values().collect())
    }

    fn all(&self, tenant: &Tenant, filter: &Filter) -> Result<Vec<Stored>, IndexError> {
        let mut all = self.memories.list(tenant, None, usize::MAX)?;
        let now = self.memories.now();
        all.retain(|stored| stored.record.is_live(now) && filter.matches(&stored.record));
        Ok(all)
    }
}
