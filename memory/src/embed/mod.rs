//! Texts as vectors. Vectors of different embedders are never compared: each is stored with the [`EmbedderId`] it is of.

mod bert;
mod choose;
#[cfg(feature = "neural")]
mod fast;
mod hash;
#[cfg(feature = "neural")]
mod hub;
mod local;
mod model_folder;

use serde::{Deserialize, Serialize};
use std::fmt;

#[cfg(feature = "neural")]
pub use choose::library;
pub use choose::{Backend, Choice, Settings, choose};
#[cfg(feature = "neural")]
pub use fast::{Fast, load};
pub use hash::Hash;
#[cfg(feature = "neural")]
pub use hub::{Form, HUB, OnProgress, fetch};
pub use local::Local;
pub use model_folder::token_count;

/// How many texts are embedded between two reports of progress.
const BATCH: usize = 32;

/// Makes vectors of texts.
pub trait Embedder: Send + Sync + fmt::Debug {
    /// Which embedder this is: what is stored with every vector.
    fn id(&self) -> &EmbedderId;

    /// The vectors of some texts, each of [`EmbedderId::dimension`] numbers and of length 1.
    ///
    /// # Errors
    /// [`EmbedError`] when the model can't run.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// Tells whether vectors say more than which words are there.
    fn is_semantic(&self) -> bool;
}

/// Names an embedder: the program that computes, the weights, and how many numbers a vector has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EmbedderId {
    /// The program: `fastembed`, `local` or `hash`.
    pub backend: String,
    /// The name or hash of the weights.
    pub model: String,
    /// How many numbers a vector has.
    pub dimension: usize,
}

impl fmt::Display for EmbedderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.backend, self.model, self.dimension)
    }
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The model or its library can't be used.
    #[error("{what}\nhelp: {help}")]
    Unusable {
        /// What is wrong.
        what: String,
        /// What to do.
        help: String,
    },
    /// The model failed on these texts.
    #[error("the embedding model failed: {0}")]
    Failed(String),
}

/// The vectors of some texts: one for each, of the embedder's dimension, and numbers throughout.
///
/// # Errors
/// [`EmbedError`] when the model can't run, or answers anything else.
pub fn embed(embedder: &dyn Embedder, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
    let (vectors, dimension) = (embedder.embed(texts)?, embedder.id().dimension);
    let is_vector = |vector: &Vec<f32>| vector.len() == dimension && vector.iter().all(|number| number.is_finite());
    if vectors.len() == texts.len() && vectors.iter().all(is_vector) {
        return Ok(vectors);
    }
    let (texts, all) = (texts.len(), vectors.len());
    Err(EmbedError::Failed(format!("{texts} texts became {all} vectors, not all of them of {dimension} numbers")))
}

/// The vectors of many texts, a batch at a time; after each, `progress` is told how many are done.
///
/// # Errors
/// [`EmbedError`] when the model can't run.
pub fn embed_all(
    embedder: &dyn Embedder,
    texts: &[&str],
    progress: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<f32>>, EmbedError> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        vectors.extend(embed(embedder, batch)?);
        progress(vectors.len());
    }
    Ok(vectors)
}

/// How near two vectors of length 1 are: 1 for the same direction, 0 for nothing in common. Vectors of different lengths are
/// of different embedders and have nothing in common.
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 16;
    if one.len() != other.len() {
        return 0.0;
    }
    // A sum for each lane: the compiler may not reorder one sum of floats, and could not use vector instructions.
    let ((ones, one), (others, other)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    let rest: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f32>() + rest
}

/// Brings a vector to the length 1; one without length stays.
fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in vector {
            *number /= length;
        }
    }
}
