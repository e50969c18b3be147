//! Texts as vectors. Vectors of different embedders are never compared: each is stored with the [`EmbedderId`] it is of.

use serde::{Deserialize, Serialize};
use std::fmt;

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
