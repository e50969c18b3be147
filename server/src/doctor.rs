//! What is well with a workspace, and what to do about what is not: the configuration, the store, its log and indexes, the
//! models, the rules, the keys, how a server listens, and the programs that run agents here.
//!
//! Nothing is made that is not there. Opening a store or an index finishes what a process that ended early had left undone,
//! and makes an index again that can't be used, as any other program that opens it does; both are said. What is configured
//! is judged, not what would hold without it. Environment, time and folders are arguments.

mod hosts;
mod kept;
mod models;
mod reach;
mod serving;

use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::install::{Plugin, plugins};
use consistency::Millis;
use rules::Severity;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// How well something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Well,
    /// It works, and something could be done.
    Look,
    /// It does not work.
    Broken,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What is configured.
    Config,
    /// The file of shared state and memories.
    Store,
    /// Its log.
    Log,
    /// The indexes over the memories.
    Index,
    /// What makes vectors of texts.
    Embedder,
    /// The language model of the high tiers.
    Model,
    /// The rules and their checks.
    Rules,
    /// The keys that open the server.
    Keys,
    /// How the server listens.
    Server,
    /// A program that runs agents.
    Host,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where.
    pub part: Part,
    /// How well it is.
    pub health: Health,
    /// What was found.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Where a doctor looks.
pub struct Surroundings<'e> {
    /// The workspace.
    pub engine: &'e Engine,
    /// The file of the store; the indexes lie beside it.
    pub store: PathBuf,
    /// What is configured there, the environment on top.
    pub config: Result<Config, ConfigError>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The user's folder of settings.
    pub settings: Option<PathBuf>,
    /// The user's data folder, where fetched models are.
    pub data: Option<PathBuf>,
    /// A variable of the environment.
    pub variable: &'e dyn Fn(&str) -> Option<String>,
    /// The time.
    pub now: Millis,
    /// Leaves out what takes as long as the store is large: deciding its log again, and reading the indexes whole.
    pub quick: bool,
}

impl Surroundings<'_> {
    /// A folder that a variable of the environment names.
    fn folder(&self, variable: &str) -> Option<PathBuf> {
        (self.variable)(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// What a host has installed of our plugin.
    fn plugins(&self, host: &str) -> Vec<Plugin> {
        let home = self.home.as_deref();
        home.map(|home| plugins(host, home, self.engine.root(), &|name| self.folder(name))).unwrap_or_default()
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("engine", &self.engine)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Finding {
    fn well(part: Part, what: impl Into<String>) -> Finding {
        Finding { part, health: Health::Well, what: what.into(), help: None }
    }

    fn look(part: Part, what: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding { part, health: Health::Look, what: what.into(), help: Some(help.into()) }
    }

    fn broken(part: Part, what: impl Into<String>, help: impl Into<String>) -> Finding {
        Finding { part, health: Health::Broken, what: what.into(), help: Some(help.into()) }
    }
}

/// Looks at everything, and tells each finding as soon as it is known.
pub fn examine(surroundings: &Surroundings<'_>, tell: &mut dyn FnMut(Finding)) {
    tell(configured(surroundings));
    let file = &surroundings.store;
    let store = kept::store(file, tell);
    if store.is_some() && !surroundings.quick {
        tell(kept::log(file));
    }
    let embedder = surroundings.config.as_ref().ok().map(|config| models::embedder(config, surroundings, tell));
    if let Some(model) = surroundings.config.as_ref().ok().and_then(|config| config.model.as_ref()) {
        tell(models::language(model, surroundings.variable));
    }
    if let Some(store) = &store {
        let embedder = embedder.as_ref().and_then(|embedder| embedder.as_deref());
        kept::index(&file.with_file_name("index"), store, embedder, surroundings.quick, tell);
    }
    rules_of(surroundings.engine, tell);
    let keys = store.as_ref().map(|store| serving::keys(store, surroundings.now, tell)).unwrap_or_default();
    if let Ok(config) = &surroundings.config {
        tell(serving::server(&config.server.clone().settings(), keys));
    }
    hosts::examine(surroundings, tell);
}

fn configured(surroundings: &Surroundings<'_>) -> Finding {
    let file = surroundings.engine.state().with_file_name("config.toml");
    match &surroundings.config {
        Ok(_) if file.exists() => Finding::well(Part::Config, format!("`{}` is read", file.display())),
        Ok(_) => Finding::well(Part::Config, format!("none at `{}`: what is usual holds", file.display())),
        Err(error) => told(Part::Config, error, "docs/server.md says what may be said; `trace serve` does not start"),
    }
}

/// An error's text, and the help that comes with it.
fn told(part: Part, error: &dyn std::error::Error, help: &str) -> Finding {
    let text = error.to_string();
    let (what, own) = text.split_once("\nhelp: ").unwrap_or((&text, help));
    Finding::broken(part, what, own)
}

fn rules_of(engine: &Engine, tell: &mut dyn FnMut(Finding)) {
    // Checks that are not current are made again by asking for them, and said so.
    let (checks, diagnostics) = engine.checks();
    let faults = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
    let mut count = 0;
    for fault in faults {
        count += 1;
        let place = fault.span.as_ref().map(|span| format!("{}:{}: ", span.file, span.line)).unwrap_or_default();
        let help = format!("`trace explain {}` says more; the other rules apply without it", fault.code);
        tell(Finding::broken(Part::Rules, format!("{place}{}", fault.message), help));
    }
    if count == 0 {
        tell(Finding::well(Part::Rules, format!("{} checks compile, and are current", checks.len())));
    }
    let closed: Vec<String> = checks.closed().map(|check| format!("`{}`", check.id)).collect();
    if !closed.is_empty() {
        let what = format!(
            "a call that cannot be judged is refused by {}; without a rule that says so, it passes",
            closed.join(", ")
        );
        tell(Finding::well(Part::Rules, what));
    }
}
