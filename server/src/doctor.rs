//! What is well with a workspace, and what to do about what is not: the store, its log and indexes, the embedder, the rules,
//! the keys, and the programs that run agents here.
//!
//! Nothing is repaired, and nothing is made that is not there. Opening a store or an index finishes what a process that ended
//! early had left undone, as any other program that opens it does. Environment and time are arguments.

mod hosts;

use crate::engine::Engine;
use crate::http;
use crate::keys::Keys;
use consistency::Millis;
use consistency::store::sqlite::replay;
use consistency::store::{Store, StoreError, System};
use memory::Memories;
use memory::embed::{self, Embedder, choose};
use memory::index::Index;
use rules::Severity;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A write-ahead log that is larger than this, in bytes, was left behind by a process that ended early.
const LARGE_WAL_BYTES: u64 = 64 << 20;
/// A key that ends within this time, in milliseconds, is told of.
const SOON_MS: Millis = 7 * 24 * 3600 * 1000;

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
    /// The file of shared state and memories.
    Store,
    /// Its log.
    Log,
    /// The indexes over the memories.
    Index,
    /// What makes vectors of texts.
    Embedder,
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
#[derive(Debug)]
pub struct Surroundings<'e> {
    /// The workspace.
    pub engine: &'e Engine,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The user's configuration folder.
    pub config: Option<PathBuf>,
    /// What is known of embedders.
    pub embedding: embed::Settings,
    /// How a server would listen.
    pub server: http::Settings,
    /// The time.
    pub now: Millis,
    /// Leaves out what takes as long as the store is large: deciding its log again, and reading the indexes whole.
    pub quick: bool,
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
    let file = surroundings.engine.state();
    let store = store(&file, tell);
    if store.is_some() && !surroundings.quick {
        tell(log(&file));
    }
    let embedder = embedder(surroundings, tell);
    if let Some(store) = &store {
        index(&file.with_file_name("index"), store, embedder, surroundings.quick, tell);
    }
    rules_of(surroundings.engine, tell);
    let keys = store.as_ref().map(|store| keys(store, surroundings.now, tell));
    tell(server(&surroundings.server, keys.unwrap_or_default()));
    hosts::examine(surroundings, tell);
}

/// An error's text, and the help that comes with it.
fn told(part: Part, error: &dyn std::error::Error, help: &str) -> Finding {
    let text = error.to_string();
    let (what, own) = text.split_once("\nhelp: ").unwrap_or((&text, help));
    Finding::broken(part, what, own)
}

fn store(file: &Path, tell: &mut dyn FnMut(Finding)) -> Option<Store> {
    let shown = file.display();
    match file.try_exists() {
        Ok(true) => {}
        Ok(false) => {
            tell(Finding::well(Part::Store, format!("none yet at `{shown}`: the first write makes it")));
            return None;
        }
        Err(error) => {
            tell(told(Part::Store, &error, "look at the rights of the folder"));
            return None;
        }
    }
    let bytes = |path: PathBuf| fs::metadata(path).map_or(0, |about| about.len());
    let wal = bytes(PathBuf::from(format!("{shown}-wal")));
    let opened = Store::open(file).and_then(|store| Ok((store.clock()?, store)));
    match opened {
        Ok((clock, store)) => {
            let mib = bytes(file.to_owned()).div_ceil(1 << 20);
            tell(Finding::well(Part::Store, format!("`{shown}` opens at version {clock}, at most {mib} MiB")));
            if wal > LARGE_WAL_BYTES {
                let what = format!("its write-ahead log has {} MiB", wal >> 20);
                tell(Finding::look(
                    Part::Store,
                    what,
                    "a process has it open for long, or ended early; close all, then open it once",
                ));
            }
            Some(store)
        }
        Err(error) => {
            tell(told(Part::Store, &error, "keep a copy of the file, then restore a backup"));
            None
        }
    }
}

fn log(file: &Path) -> Finding {
    match replay(file) {
        Ok(replayed) => {
            let entries = replayed.entries;
            Finding::well(Part::Log, format!("all {entries} hashes match, and all rows are what the log comes to"))
        }
        Err(StoreError::Damaged { what, .. }) => {
            Finding::broken(Part::Log, what, "another hand changed the file: keep a copy, then restore a backup")
        }
        Err(error) => told(Part::Log, &error, "try again when the store is not so busy"),
    }
}

fn embedder(surroundings: &Surroundings<'_>, tell: &mut dyn FnMut(Finding)) -> Option<Arc<dyn Embedder>> {
    match choose(&surroundings.embedding) {
        Ok(choice) => {
            tell(Finding::well(Part::Embedder, choice.reason));
            choice.embedder
        }
        Err(error) => {
            tell(told(Part::Embedder, &error, "choose another one, or none"));
            None
        }
    }
}

fn index(
    folder: &Path,
    store: &Store,
    embedder: Option<Arc<dyn Embedder>>,
    quick: bool,
    tell: &mut dyn FnMut(Finding),
) {
    let shown = folder.display();
    if !folder.is_dir() {
        tell(Finding::well(Part::Index, format!("none yet at `{shown}`: the first search makes it")));
        return;
    }
    let help = "delete that folder; it is made again from the store";
    let memories = Memories::new(store.clone(), Arc::new(System));
    let index = match Index::open(folder, &memories, embedder) {
        Ok(index) => index,
        Err(error) => return tell(told(Part::Index, &error, help)),
    };
    let stats = index.stats();
    let by = stats.embedder.unwrap_or_else(|| "words alone".to_owned());
    let what = format!("{} records up to version {}, by {by}", stats.records, stats.followed);
    tell(Finding::well(Part::Index, what));
    if quick {
        return;
    }
    match index.check() {
        Ok(wrong) => wrong.into_iter().for_each(|what| tell(Finding::broken(Part::Index, what, help))),
        Err(error) => tell(told(Part::Index, &error, help)),
    }
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
}

/// Looks at the keys; tells how many open the server.
fn keys(store: &Store, now: Millis, tell: &mut dyn FnMut(Finding)) -> usize {
    let keys = match Keys::of(store).list() {
        Ok(keys) => keys,
        Err(error) => {
            tell(told(Part::Keys, &error, "`trace keys list` names it"));
            return 0;
        }
    };
    let live = keys.iter().filter(|key| key.is_live(now)).count();
    tell(Finding::well(Part::Keys, format!("{live} of {} keys open the server", keys.len())));
    for key in keys.iter().filter(|key| key.revoked_at.is_none()) {
        let help = format!("`trace keys revoke {}`, and create another one where it is needed", key.id);
        match key.expires_at {
            Some(end) if end <= now => {
                tell(Finding::look(
                    Part::Keys,
                    format!("the key `{}` of `{}` has expired", key.name, key.tenant),
                    help,
                ));
            }
            Some(end) if end - now <= SOON_MS => {
                let what = format!("the key `{}` of `{}` expires within a week", key.name, key.tenant);
                tell(Finding::look(Part::Keys, what, help));
            }
            _ => {}
        }
    }
    live
}

fn server(settings: &http::Settings, keys: usize) -> Finding {
    let address = settings.address;
    match (settings.needs_key(), keys) {
        (false, _) => Finding::well(Part::Server, format!("would listen at {address}, and need no key there")),
        (true, 0) => Finding::look(
            Part::Server,
            format!("would listen at {address}, where everybody needs a key, and there is none"),
            "`trace keys create` makes one",
        ),
        (true, _) => Finding::well(Part::Server, format!("would listen at {address}, for {keys} keys")),
    }
}
