//! The models: the one that makes vectors of texts, and the one that is asked questions.

use super::{Finding, Part, Surroundings, told};
use crate::config::Config;
use crate::model::{Client, Settings};
use crate::service::clock;
use memory::embed::{Embedder, choose};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// What an embedder is tried with.
const WORDS: &str = "a text";

/// The embedder that is configured, tried with a text.
pub(super) fn embedder(
    config: &Config,
    surroundings: &Surroundings<'_>,
    tell: &mut dyn FnMut(Finding),
) -> Option<Arc<dyn Embedder>> {
    let settings = config.embedding.clone().settings(surroundings.data.clone(), NonZeroUsize::MIN);
    let choice = match choose(&settings) {
        Ok(choice) => choice,
        Err(error) => {
            tell(told(Part::Embedder, &error, "choose another one, or none"));
            return None;
        }
    };
    if let Some(Err(error)) = choice.embedder.as_ref().map(|embedder| embedder.embed(&[WORDS])) {
        tell(told(Part::Embedder, &error, "`trace model pull` fetches a model; `backend = \"off\"` does without"));
        return None;
    }
    tell(Finding::well(Part::Embedder, choice.reason));
    choice.embedder
}

/// The language model that is configured; it is not asked anything, as that may cost something.
pub(super) fn language(settings: &Settings, variable: &dyn Fn(&str) -> Option<String>) -> Finding {
    let (provider, model) = (settings.provider.name(), settings.model.clone());
    match Client::new(settings.clone(), variable, clock()) {
        Ok(_) => Finding::well(Part::Model, format!("`{model}` by `{provider}` is set up; it was not asked")),
        Err(error) => told(Part::Model, &error, "correct `[model]`, or leave it out: the other tiers need none"),
    }
}
