//! What must hold of a store after its processes died: nothing acknowledged is lost, nothing is half there, the log comes to
//! the rows, and no effect acted twice.

use super::child::{dispatch, file};
use super::tools::{Files, TOOLS, acts, lane};
use consistency::decide::EffectEnd;
use consistency::ledger::{EffectId, Stage};
use consistency::store::Store;
use consistency::store::outbox::Turn;
use consistency::store::sqlite::replay;
use consistency::{Content, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What the processes of a store reported so far.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    by_version: BTreeMap<Version, String>,
    names: BTreeSet<String>,
}

/// What a store's tools did, in figures.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) acknowledged: usize,
    pub(crate) commits: usize,
    pub(crate) acts: usize,
    pub(crate) repeated_calls: usize,
    pub(crate) doubts: usize,
}

impl Figures {
    pub(crate) fn plus(self, other: Figures) -> Figures {
        Figures {
            acknowledged: self.acknowledged + other.acknowledged,
            commits: self.commits + other.commits,
            acts: self.acts + other.acts,
            repeated_calls: self.repeated_calls + other.repeated_calls,
            doubts: self.doubts + other.doubts,
        }
    }
}

impl Acknowledged {
    /// Takes in what a process reported before it died. Its first commit comes after all that was acknowledged before it
    /// began.
    pub(crate) fn add(&mut self, name: &str, lines: &[String], alone: bool) {
        let before = self.by_version.keys().next_back().copied().unwrap_or_default();
        self.names.insert(name.to_owned());
        for line in lines {
            let Some((version, item)) = line.split_once(' ') else { continue };
            let version: Version = version.parse().unwrap();
            assert!(!alone || version > before, "{version} of {item} was handed out before {before}");
            let other = self.by_version.insert(version, item.to_owned());
            assert_eq!(other, None, "{version} was acknowledged twice");
        }
    }

    /// Opens the store, as the next process would, and looks.
    pub(crate) fn hold(&self, folder: &Path) {
        let store = Store::open(file(folder)).unwrap();
        let (clock, effects) = (store.clock().unwrap(), store.effects(None, usize::MAX).unwrap());
        self.commits_hold(&store);
        drop(store);
        let once = replay(&file(folder)).unwrap();
        assert_eq!(once.clock, clock);
        let store = Store::open(file(folder)).unwrap();
        assert_eq!(store.effects(None, usize::MAX).unwrap(), effects, "recovering again changes nothing");
        drop(store);
        assert_eq!(replay(&file(folder)).unwrap(), once);
    }

    /// Each acknowledged commit is there, whole, under its version; and so is every other one, or not at all.
    fn commits_hold(&self, store: &Store) -> usize {
        let mut reader = store.snapshot("judge").unwrap();
        let own = reader.scan("own/").unwrap();
        let mut versions = BTreeSet::new();
        let mut logged = 0;
        for name in &self.names {
            let log = match reader.read(&format!("log/{name}")).unwrap() {
                Content::Present(list) => list.json().as_array().unwrap().clone(),
                _ => Vec::new(),
            };
            let mut last = Version::ZERO;
            logged += log.len();
            for item in &log {
                let kept = store.history(&format!("own/{}", item.as_str().unwrap())).unwrap();
                let [written] = &kept[..] else { panic!("{item} was written {} times", kept.len()) };
                assert!(written.version > last && versions.insert(written.version), "{item}: versions ascend");
                last = written.version;
            }
        }
        assert_eq!(logged, own.len(), "a commit is there whole or not at all");
        let count = reader.read("count").unwrap().value().map_or(0, |count| count.json().as_u64().unwrap());
        assert_eq!(count, logged as u64);
        for (version, item) in &self.by_version {
            let kept = store.history(&format!("own/{item}")).unwrap();
            assert!(kept.iter().any(|written| written.version == *version), "{item} at {version} is lost: {kept:?}");
        }
        logged
    }

    /// Sends what is left, settles doubts as a person who looks what the tools did, and compares that with the commits.
    pub(crate) fn close(&self, folder: &Path) -> Figures {
        let store = Store::open(file(folder)).unwrap();
        let commits = self.commits_hold(&store);
        let doubts = drain(&store, folder);
        let mut figures = Figures { acknowledged: self.by_version.len(), commits, doubts, ..Figures::default() };
        let effects = store.effects(None, usize::MAX).unwrap();
        assert_eq!(effects.len(), commits * TOOLS.len());
        assert!(effects.iter().all(|effect| effect.stage == Stage::Done), "all left at last");
        for (tool, _) in TOOLS {
            let acts = acts(folder, tool);
            let keys: BTreeMap<&str, EffectId> = acts.iter().map(|act| (act.payload.as_str(), act.id)).collect();
            assert_eq!(acts.len(), commits, "{tool}: every effect happened, and none twice");
            assert_eq!(keys.len(), commits, "{tool}: under one key each");
            assert!(acts.is_sorted_by_key(|act| act.id), "{tool}: in the order of commits");
            figures.acts += acts.len();
        }
        let calls = acts(folder, "calls");
        let different: BTreeSet<&str> = calls.iter().map(|call| call.key.as_str()).collect();
        figures.repeated_calls = calls.len() - different.len();
        drop(store);
        replay(&file(folder)).unwrap();
        figures
    }
}

/// Dispatches until every effect is settled; tells how many were in doubt.
fn drain(store: &Store, folder: &Path) -> usize {
    let tools = Files { folder: folder.to_owned(), at: |_: &str| {} };
    let mut doubts = 0;
    while !store.lanes().unwrap().is_empty() {
        std::thread::scope(|scope| {
            for (tool, _) in TOOLS {
                let (store, tools) = (&store, &tools);
                scope.spawn(move || {
                    while let Turn::Sent { .. } = store.dispatch_once(&lane(tool), tools, &dispatch()).unwrap() {}
                });
            }
        });
        for pending in store.pending().unwrap() {
            if let Stage::InDoubt { .. } = pending.effect.stage {
                let did = acts(folder, pending.effect.tool.as_str()).iter().any(|act| act.id == pending.effect.id);
                assert_eq!(pending.effect.tool.as_str(), "never", "only such a tool leaves a doubt");
                let end = if did { EffectEnd::Done } else { EffectEnd::Retry { after: 0 } };
                store.settle(pending.effect.id, end).unwrap();
                doubts += 1;
            }
        }
    }
    doubts
}
