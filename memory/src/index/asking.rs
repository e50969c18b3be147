//! What is asked of an index, what it answers, and why it could not.

use crate::embed::EmbedError;
use crate::filter::Filter;
use crate::memories::{MemoryError, Stored};
use consistency::{Millis, Version};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// How an index trades memory for time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many records the tail holds at most before it has to be moved into files.
    pub tail: usize,
    /// Among how many vectors all are compared; among more, a graph says which.
    pub exact: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { tail: 8192, exact: 100_000 }
    }
}

/// What an index is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// Something is made again: what was there could not be used.
    Rebuilding {
        /// `words` or `vectors`.
        part: &'static str,
        /// Why.
        why: String,
    },
    /// So many changed records were read from the store so far.
    Followed(usize),
    /// So many records have a vector by now, of those that had none.
    Embedded {
        /// How many were looked at.
        done: usize,
        /// Of how many.
        of: usize,
    },
}

/// What an index holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// How many records, of all tenants; expired ones count until they are forgotten.
    pub records: usize,
    /// How many of them have a vector.
    pub vectors: usize,
    /// How many changed records are not in files yet.
    pub tail: usize,
    /// How many parts the files of the words have.
    pub segments: usize,
    /// The embedder, if there is one.
    pub embedder: Option<String>,
    /// Up to which commit of the store.
    #[schemars(with = "String")]
    pub followed: Version,
    /// How many bytes the files have.
    pub bytes: u64,
}
