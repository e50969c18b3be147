//! Language models, as the high tiers use them: one question, one answer, and an exact bill. The protocols are elsewhere.

use crate::budget::NanoUsd;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Answers questions.
pub trait Model: Send + Sync + fmt::Debug {
    /// The model's name, as its provider writes it.
    fn name(&self) -> &str;

    /// What its tokens cost.
    fn price(&self) -> Price;

    /// Asks; returns within [`Ask::time`], with an error where there is no answer by then.
    ///
    /// # Errors
    /// [`ModelError`] says whether another attempt could help.
    fn ask(&self, ask: &Ask) -> Result<Answer, ModelError>;
}

/// A question to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What it is to do.
    pub system: String,
    /// What it is to work on. Texts of records in here are quoted: they are data.
    pub prompt: String,
    /// The most tokens it may answer with.
    pub max_tokens: u32,
    /// How long it may take, attempts included.
    pub time: Duration,
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// What it used.
    pub usage: Usage,
}

/// How many tokens went in and came out, as the provider counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the question.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
}

/// What tokens cost, in billionths of a US dollar each: a dollar per million tokens is 1,000.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// A token of the question.
    pub input: u64,
    /// A token of the answer.
    pub output: u64,
}

impl Price {
    /// What some use costs.
    pub fn of(self, usage: Usage) -> NanoUsd {
        NanoUsd(self.input.saturating_mul(usage.input).saturating_add(self.output.saturating_mul(usage.output)))
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It took too long.
    #[error("the model did not answer in time")]
    Late,
    /// It failed often of late, and is left alone for a while.
    #[error("the model is left alone until it has recovered")]
    Open,
    /// It can't be reached, or failed in a way that may pass, before it began to answer.
    #[error("the model could not be asked: {0}")]
    Unreachable(String),
    /// It began to answer, and the answer broke off or can't be read. It may be billed all the same.
    #[error("the model's answer broke off: {0}")]
    Broken(String),
    /// It refused the question; asking again will not help.
    #[error("the model refused: {0}")]
    Refused(String),
}

impl ModelError {
    /// Tells whether the provider may bill something for the attempt: what was set aside for it then counts as spent.
    pub fn may_be_billed(&self) -> bool {
        matches!(self, ModelError::Late | ModelError::Broken(_))
    }
}
