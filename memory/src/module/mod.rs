//! The modules of recall: what is made of the records that a search found, each in three tiers.
//!
//! A tier looks at the [`Pool`] and proposes a [`Change`]; nothing is applied until it has finished. So the pool is ranked and
//! whole at any moment, also when a tier fails or runs out of time half way. The order of the modules and what each does for
//! an answer follow `BudgetMem` (arXiv 2602.06025), the section on modules; *low* is rules and counting, *mid* is computed on
//! this machine, *high* asks a language model one question and reads its answer strictly.
//!
//! Deliberately absent: which tier runs, and what happens when one can't. That is the router's.

pub mod answer;
pub mod entity;
pub mod fact;
pub mod filter;
pub mod pool;
pub mod reading;
pub mod summary;
pub mod temporal;
pub mod time;
pub mod topic;

pub use fact::Fact;
pub use pool::{Candidate, Change, Pool};

use crate::budget::{Budget, Cost, Overdrawn};
use crate::embed::{EmbedError, Embedder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much effort a module makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Rules and counting: no model.
    #[default]
    Low,
    /// Models on this machine.
    Mid,
    /// A language model.
    High,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Tier::Low => "low",
            Tier::Mid => "mid",
            Tier::High => "high",
        })
    }
}

/// A module of recall.
pub trait Module: fmt::Debug + Send + Sync {
    /// Its name in requests and replies.
    fn name(&self) -> &'static str;

    /// Rules and counting.
    ///
    /// # Errors
    /// [`Halt::Overdrawn`] when the time is up.
    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt>;

    /// Tells whether the middle tier compares by meaning.
    fn needs_embedder(&self) -> bool {
        true
    }

    /// Computed on this machine, with the embedder where there is one.
    ///
    /// # Errors
    /// [`Halt`] says why it did not come to an end.
    fn mid(&self, pool: &Pool, embedder: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt>;

    /// What a language model is asked.
    fn question(&self, pool: &Pool, budget: &Budget) -> Question;

    /// What the model's answer comes to.
    ///
    /// # Errors
    /// [`Halt::Unreadable`] when the answer is not what was asked for.
    fn read(&self, pool: &Pool, answer: &str, budget: &Budget) -> Result<Change, Halt>;
}

/// A question of a module to a language model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What the model is to do.
    pub system: String,
    /// What it is to work on.
    pub prompt: String,
    /// The least number of tokens that an answer is worth asking for with.
    pub least_tokens: u32,
    /// The most tokens that an answer should have.
    pub most_tokens: u32,
}

/// Why a tier did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The budget does not afford it.
    #[error(transparent)]
    Overdrawn(#[from] Overdrawn),
    /// It needs an embedder, and there is none.
    #[error("there is no embedder")]
    NoEmbedder,
    /// The embedder.
    #[error(transparent)]
    Embed(#[from] EmbedError),
    /// A model answered something else than what it was asked for.
    #[error("the model's answer can't be read: {0}")]
    Unreadable(String),
}

/// All modules, in the order in which they run.
pub const ALL: [&dyn Module; 5] =
    [&filter::Filter, &entity::Entity, &temporal::Temporal, &topic::Topic, &summary::Summary];

/// Goes on only where there is time left.
fn pace(budget: &Budget) -> Result<(), Overdrawn> {
    budget.affords(Cost::default())
}
