//! What differs between the protocols of providers.

use super::settings::Settings;
use super::stream::{Framing, Partial};
use memory::model::{Ask, ModelError};
use serde_json::Value;
use std::fmt;

/// A protocol: how a question is put, and how the pieces of an answer are read.
pub(super) trait Protocol: fmt::Debug + Send + Sync {
    /// Where questions go, after the base address.
    fn path(&self) -> &'static str;

    /// The headers that carry the key, where there is one, and what else the protocol wants.
    fn headers(&self, key: &str) -> Vec<(&'static str, String)>;

    /// How the events of an answer are told apart.
    fn framing(&self) -> Framing;

    /// The question.
    fn body(&self, settings: &Settings, ask: &Ask) -> Value;

    /// Takes one event of an answer.
    fn take(&self, event: &Value, partial: &mut Partial) -> Result<(), ModelError>;
}
