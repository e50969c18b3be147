//! The detectors against their definitions, and the graph against all serial orders, on thousands of random histories.
//!
//! The definitions are read off the events, not off the assembled history, so that they share nothing with what is tested.

use crate::script::{content, key, version};
use consistency::history::graph::Graph;
use consistency::history::{Compensation, Event, History, How, Reordering, Write};
use consistency::{Agent, Content, Fingerprint, Key, Lane, Level, SessionId, Tool, Version};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const CELLS: [&str; 4] = ["a/1", "a/2", "a/3", "b"];

/// What one transaction did, as the generator knows it.
#[derive(Debug, Clone, Default)]
struct Done {
    commit: Option<Version>,
    reads: Vec<(Key, Version)>,
    /// Searches of the prefix `a/` at a snapshot, with what they found.
    scans: Vec<(Version, BTreeMap<Key, Version>)>,
    /// What these did not find since it had been removed, with the version that removed it.
    gone: Vec<BTreeMap<Key, Version>>,
    acknowledged: Vec<(Key, Version)>,
    merged: BTreeSet<Key>,
    writes: BTreeMap<Key, Content>,
    pins: BTreeMap<Tool, Option<Fingerprint>>,
    retracted: bool,
}

/// A random history with all that went into it.
#[derive(Debug, Clone, Default)]
struct World {
    events: Vec<Event>,
    done: Vec<Done>,
    cells: BTreeMap<Key, BTreeMap<Version, (usize, Content)>>,
    newest: Version,
    effects: Vec<(Version, usize, Lane, Tool, Option<Fingerprint>)>,
}

/// How wild a history is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// One session after the other, each seeing the newest state.
    Serial,
    /// Sessions interleave and see any state; they only read, search, write and commit.
    Plain,
    /// With all that there is.
    Full,
}

fn fingerprint(pick: usize) -> Option<Fingerprint> {
    [None, Some("v1".into()), Some("v2".into())][pick % 3].clone()
}

fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap()
}

impl World {
    fn of(mode: Mode, choices: &[(usize, usize, usize, usize)]) -> World {
        let mut world = World::default();
        for _ in 0..if mode == Mode::Serial { 1 } else { 4 } {
            world.begin();
        }
        for (what, who, pick, value) in choices {
            let open: Vec<usize> = (0..world.done.len()).filter(|id| world.is_open(*id)).collect();
            let Some(id) = open.get(who % open.len().max(1)).copied() else { break };
            let most = if mode == Mode::Full { 12 } else { 7 };
            world.step(mode, what % most, id, *pick, *value);
        }
        world
    }

    fn is_open(&self, id: usize) -> bool {
        let session = SessionId(id as u64);
        let begun = self.events.iter().any(|it| matches!(it, Event::Begin { session: other, .. } if *other == session));
        let ended = |it: &Event| match it {
            Event::Commit { session: other, .. } | Event::Abort { session: other, .. } => *other == session,
            _ => false,
        };
        begun && !self.events.iter().any(ended)
    }

    fn begin(&mut self) {
        let session = SessionId(self.done.len() as u64);
        self.done.push(Done::default());
        self.events.push(Event::Begin { session, agent: Agent::from(format!("s{session}")), level: Level::L0 });
    }

    fn step(&mut self, mode: Mode, what: usize, id: usize, pick: usize, value: usize) {
        let session = SessionId(id as u64);
        let cell = key(CELLS[pick % CELLS.len()]);
        let newest = self.newest.sequence();
        let at = if mode == Mode::Serial || value.is_multiple_of(3) {
            newest
        } else {
            newest.saturating_sub(value as u64 % 4)
        };
        match what {
            0 | 1 => self.read(session, id, cell, version(at)),
            2 => self.scan(session, id, version(at)),
            3 | 4 => {
                self.done[id].writes.insert(cell, content(number(value % 5) - 1));
            }
            5 | 6 => self.commit(session, id, mode == Mode::Full && pick % 5 == 4),
            7 => {
                self.events.push(Event::Abort { session, reason: "why not".to_owned() });
                self.begin();
            }
            8 => {
                self.events.push(Event::Acknowledge { session, key: cell.clone(), version: version(at) });
                self.done[id].acknowledged.push((cell, version(at)));
            }
            9 => {
                let (tool, fingerprint) = (Tool::from("tool"), fingerprint(value));
                self.events.push(Event::Pin { session, tool: tool.clone(), fingerprint: fingerprint.clone() });
                self.done[id].pins.insert(tool, fingerprint);
            }
            10 => self.retract(pick, cell, value),
            _ => self.effect(pick, value),
        }
    }

    /// The version of a cell at a snapshot.
    fn at(&self, cell: &Key, snapshot: Version) -> Option<(Version, &(usize, Content))> {
        self.cells.get(cell)?.range(..=snapshot).next_back().map(|(version, install)| (*version, install))
    }

    fn read(&mut self, session: SessionId, id: usize, key: Key, snapshot: Version) {
        let found = self.at(&key, snapshot).map(|(version, (_, content))| (version, content.clone()));
        let (version, value) = found.unwrap_or((Version::ZERO, Content::Absent));
        self.done[id].reads.push((key.clone(), version));
        self.events.push(Event::Read { session, key, version, value: Some(value) });
    }

    fn scan(&mut self, session: SessionId, id: usize, snapshot: Version) {
        let cells = self.cells.keys().filter(|cell| cell.as_str().starts_with("a/"));
        let there = cells.filter_map(|cell| {
            let (version, (_, content)) = self.at(cell, snapshot)?;
            content.value().map(|_| (cell.clone(), version))
        });
        let found: BTreeMap<Key, Version> = there.collect();
        let cells = self.cells.iter().filter(|(cell, _)| cell.as_str().starts_with("a/"));
        let gone = cells.filter_map(|(cell, installs)| {
            let before: Vec<_> = installs.range(..=snapshot).map(|(at, (_, it))| (*at, it.value().is_some())).collect();
            let last = before.iter().rposition(|(_, there)| *there)?;
            Some((cell.clone(), before.get(last + 1)?.0))
        });
        let gone = gone.collect();
        self.done[id].gone.push(gone);
        self.done[id].scans.push((snapshot, found.clone()));
        let (from, to) = ("a/".to_owned(), Some("a0".to_owned()));
        let snapshot = (snapshot != self.newest).then_some(snapshot);
        self.events.push(Event::Scan { session, from, to, found: found.into_iter().collect(), snapshot });
    }

    fn install(&mut self, id: usize, writes: &BTreeMap<Key, Content>) {
        for (key, content) in writes {
            self.cells.entry(key.clone()).or_default().insert(self.newest, (id, content.clone()));
        }
    }

    fn commit(&mut self, session: SessionId, id: usize, merges: bool) {
        let writes = self.done[id].writes.clone();
        if !writes.is_empty() {
            self.newest = self.newest.next().unwrap();
        }
        let how = |key: &Key| if merges && key.as_str() == "b" { How::Merge } else { How::Put };
        self.done[id].merged = writes.keys().filter(|key| how(key) == How::Merge).cloned().collect();
        self.done[id].commit = Some(self.newest);
        self.install(id, &writes);
        let writes = writes.into_iter().map(|(key, content)| Write { how: how(&key), key, content });
        let (version, writes) = (self.newest, writes.collect());
        self.events.push(Event::Commit { session, version, writes, effects: Vec::new() });
        self.begin();
    }

    /// Takes back one commit, as a transaction of its own.
    fn retract(&mut self, pick: usize, cell: Key, value: usize) {
        let writers: Vec<usize> = (0..self.done.len()).filter(|id| self.is_writer(*id)).collect();
        let Some(id) = writers.get(pick % writers.len().max(1)).copied() else { return };
        let retracted = vec![self.done[id].commit.unwrap()];
        self.done[id].retracted = true;
        self.newest = self.newest.next().unwrap();
        let writes = BTreeMap::from([(cell, content(number(value % 3) - 1))]);
        self.install(self.done.len(), &writes);
        self.done.push(Done { commit: Some(self.newest), writes: writes.clone(), ..Done::default() });
        let writes = writes.into_iter().map(|(key, content)| Compensation { key, content }).collect();
        self.events.push(Event::Retract { version: self.newest, retracted, writes });
    }

    fn effect(&mut self, pick: usize, value: usize) {
        let writers: Vec<usize> = (0..self.done.len()).filter(|id| self.is_writer(*id)).collect();
        let Some(id) = writers.get(pick % writers.len().max(1)) else { return };
        let (version, index, lane) = (self.done[*id].commit.unwrap(), value % 2, Lane::from(["l", "m"][pick % 2]));
        let (tool, fingerprint) = (Tool::from("tool"), fingerprint(value));
        self.effects.push((version, index, lane.clone(), tool.clone(), fingerprint.clone()));
        self.events.push(Event::Effect { version, index, lane, tool, fingerprint });
    }

    fn is_writer(&self, id: usize) -> bool {
        self.done[id].commit.is_some() && !self.done[id].writes.is_empty()
    }

    fn history(&self) -> History {
        History::of(self.events.clone()).unwrap()
    }

    /// A1 by its definition: who committed at which version, the cell, the version written, and whether it was accepted.
    fn stale(&self) -> Vec<(Version, String, Version, bool)> {
        let mut found = Vec::new();
        for (id, done) in self.done.iter().enumerate() {
            let Some(commit) = done.commit else { continue };
            for (cell, installs) in &self.cells {
                for (at, (writer, _)) in installs.iter().filter(|(at, (writer, _))| *writer != id && **at <= commit) {
                    assert_ne!(*writer, id);
                    let acknowledged = done.acknowledged.iter().any(|(other, up_to)| other == cell && at <= up_to);
                    let accepted = acknowledged || done.merged.contains(cell);
                    let reads: BTreeSet<_> =
                        done.reads.iter().filter(|(other, read)| other == cell && read < at).collect();
                    let scans = done.scans.iter().filter(|(snapshot, found)| {
                        let enters =
                            || installs.range(..=at).any(|(other, (_, it))| other > snapshot && it.value().is_some());
                        cell.as_str().starts_with("a/") && at > snapshot && (found.contains_key(cell) || enters())
                    });
                    let times = reads.len() + scans.count();
                    found.extend(std::iter::repeat_n((commit, cell.to_string(), *at, accepted), times));
                }
            }
        }
        found.sort();
        found
    }

    /// The transactions that one read from, by name.
    fn sources(&self, id: usize) -> BTreeSet<usize> {
        let done = &self.done[id];
        let writer = |(cell, at): (&Key, Version)| Some(self.cells.get(cell)?.get(&at)?.0);
        let reads = done.reads.iter().chain(&done.acknowledged).map(|(cell, at)| (cell, *at));
        let found = done.scans.iter().flat_map(|(_, found)| found.iter().map(|(cell, at)| (cell, *at)));
        let mut sources: BTreeSet<usize> = reads.chain(found).filter_map(writer).collect();
        for (cell, installs) in &self.cells {
            // Who took away what a search then missed: the first one since the last that was taken back, if several did.
            for (snapshot, _) in done.scans.iter().filter(|_| cell.as_str().starts_with("a/")) {
                let before: Vec<_> =
                    installs.range(..=snapshot).map(|(_, (writer, it))| (*writer, it.value())).collect();
                let gone = before.iter().rev().take_while(|(_, value)| value.is_none()).count();
                if let Some((newest, earlier)) =
                    before[before.len() - gone..].split_last().filter(|_| gone < before.len())
                {
                    let since =
                        earlier.iter().rposition(|(writer, _)| self.done[*writer].retracted).map_or(0, |at| at + 1);
                    sources.insert(earlier.get(since).unwrap_or(newest).0);
                }
            }
            if let Some(commit) = done.commit.filter(|_| done.merged.contains(cell)) {
                sources.extend(installs.range(..commit).next_back().map(|(_, (writer, _))| *writer));
            }
        }
        sources
    }

    fn rests_on_retracted(&self, id: usize, seen: &mut BTreeSet<usize>) -> bool {
        let mut sources = self.sources(id).into_iter();
        sources
            .any(|source| seen.insert(source) && (self.done[source].retracted || self.rests_on_retracted(source, seen)))
    }

    /// A3 by its definition: the versions of those that survive.
    fn cascades(&self) -> BTreeSet<Version> {
        let sent = self.effects.iter().map(|(version, ..)| *version);
        let sent = sent.map(|version| {
            (version, self.done.iter().position(|it| it.commit == Some(version) && !it.writes.is_empty()))
        });
        let survives = |id: usize| !self.done[id].retracted && self.rests_on_retracted(id, &mut BTreeSet::new());
        sent.filter(|(_, id)| survives(id.unwrap())).map(|(version, _)| version).collect()
    }

    /// A6 by its definition, as places in the order of leaving.
    fn late(&self) -> usize {
        let late =
            |(place, (version, index, lane, ..)): (usize, &(Version, usize, Lane, Tool, Option<Fingerprint>))| {
                self.effects[..place].iter().any(|other| other.2 == *lane && (other.0, other.1) > (*version, *index))
            };
        self.effects.iter().enumerate().filter(|effect| late(*effect)).count()
    }

    fn phantom_tools(&self) -> usize {
        let changed = |(version, _, _, tool, live): &&(Version, usize, Lane, Tool, Option<Fingerprint>)| {
            let of = self.done.iter().find(|done| done.commit == Some(*version) && !done.writes.is_empty());
            of.and_then(|done| done.pins.get(tool)).is_some_and(|pinned| pinned != live)
        };
        self.effects.iter().filter(changed).count()
    }

    /// Whether some order of the committed transactions, run one after the other, shows each what it saw.
    fn has_serial_order(&self) -> bool {
        let committed: Vec<&Done> = self.done.iter().filter(|done| done.commit.is_some()).collect();
        extends(&BTreeMap::new(), &committed)
    }
}

/// A cell while transactions run one after the other: its version, whether it is there, and who removed it if it was.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    version: Version,
    there: bool,
    removed: Option<Version>,
}

/// Whether the transactions that remain can run in some order from a state on.
///
/// A search must miss a cell for the same reason: to a conflict, never there and no longer there are two states.
fn extends(state: &BTreeMap<Key, Cell>, remaining: &[&Done]) -> bool {
    let at = |cell: &Key| state.get(cell).copied().unwrap_or_default();
    remaining.is_empty()
        || remaining.iter().enumerate().any(|(place, next)| {
            let searched = || state.iter().filter(|(cell, _)| cell.as_str().starts_with("a/"));
            let there: BTreeMap<Key, Version> =
                searched().filter(|(_, it)| it.there).map(|(cell, it)| (cell.clone(), it.version)).collect();
            let gone: BTreeMap<Key, Version> =
                searched().filter_map(|(cell, it)| Some((cell.clone(), it.removed?))).collect();
            let commit = next.commit.unwrap();
            let reads = next.reads.iter().all(|(cell, version)| at(cell).version == *version);
            let scans = next.scans.iter().all(|(_, found)| *found == there) && next.gone.iter().all(|it| *it == gone);
            if !reads || !scans || next.writes.keys().any(|cell| at(cell).version > commit) {
                return false;
            }
            let mut after = state.clone();
            for (cell, content) in &next.writes {
                let (before, there) = (at(cell), content.value().is_some());
                let removed = if there { None } else { before.removed.or(before.there.then_some(commit)) };
                after.insert(cell.clone(), Cell { version: commit, there, removed });
            }
            extends(&after, &[&remaining[..place], &remaining[place + 1..]].concat())
        })
}

fn choices(most: usize) -> impl Strategy<Value = Vec<(usize, usize, usize, usize)>> {
    prop::collection::vec((0..1000_usize, 0..1000_usize, 0..1000_usize, 0..1000_usize), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn one_after_the_other_is_clean(choices in choices(60)) {
        let history = World::of(Mode::Serial, &choices).history();
        prop_assert_eq!(history.anomalies().next(), None);
        prop_assert_eq!(history.accepted().next(), None);
        let verdict = Graph::of(&history).verdict();
        prop_assert!(verdict.strictly, "{:#?}", verdict);
    }

    #[test]
    fn the_detectors_find_what_the_definitions_say(choices in choices(60)) {
        let world = World::of(Mode::Full, &choices);
        let history = world.history();
        let told = |it: consistency::history::StaleGeneration, accepted| {
            let consistency::history::When::Version(commit) = it.reader.at else { unreachable!("a store has versions") };
            let consistency::history::When::Version(at) = it.written_at else { unreachable!("a store has versions") };
            (commit, it.cell, at, accepted)
        };
        let stale = history.stale_generations().map(|it| told(it, false));
        let mut stale: Vec<_> = stale.chain(history.accepted().map(|it| told(it, true))).collect();
        stale.sort();
        prop_assert_eq!(stale, world.stale());
        let cascades: Vec<_> = history.causal_cascades().map(|it| it.survivor.at).collect();
        let distinct: BTreeSet<_> = cascades.iter().copied().collect();
        prop_assert_eq!(distinct.len(), cascades.len());
        let expected: BTreeSet<_> = world.cascades().into_iter().map(consistency::history::When::Version).collect();
        prop_assert_eq!(distinct, expected);
        prop_assert_eq!(history.reorderings().count(), world.late());
        for late in history.reorderings() {
            let Reordering::Overtaken { late, by, .. } = late else { unreachable!("a store has lanes") };
            prop_assert!((late.version, late.index) < (by.version, by.index));
        }
        prop_assert_eq!(history.phantom_tools().count(), world.phantom_tools());
    }

    #[test]
    fn a_history_is_serializable_exactly_if_some_serial_order_explains_it(choices in choices(40)) {
        let world = World::of(Mode::Plain, &choices);
        prop_assume!(world.done.iter().filter(|done| done.commit.is_some()).count() <= 7);
        let verdict = Graph::of(&world.history()).verdict();
        prop_assert_eq!(verdict.serializable, world.has_serial_order(), "{:#?}", verdict);
    }
}

/// A cell that one deleted who was taken back, and then another, before it was ever there: no search missed anything.
#[test]
fn a_cell_that_was_never_there_is_missed_by_nobody() {
    let choices = [
        (843, 808, 85, 250),
        (809, 12, 0, 0),
        (574, 0, 357, 78),
        (663, 399, 0, 0),
        (183, 398, 0, 0),
        (818, 638, 0, 20),
        (5, 0, 0, 0),
        (303, 44, 0, 0),
        (161, 312, 0, 0),
        (161, 368, 0, 0),
        (275, 0, 786, 0),
        (610, 0, 391, 0),
    ];
    let world = World::of(Mode::Full, &choices);
    assert_eq!(world.cascades(), BTreeSet::new());
    assert_eq!(world.history().causal_cascades().next(), None);
}

/// The properties above hold of something: random histories show every anomaly, and none of them often enough.
#[test]
fn random_histories_are_of_every_kind() {
    let mut seen = BTreeMap::new();
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize
    };
    for round in 0..600 {
        let mode = [Mode::Serial, Mode::Plain, Mode::Full][round % 3];
        let length = if mode == Mode::Full { 80 } else { 30 };
        let choices: Vec<_> = (0..length).map(|_| (next(), next(), next(), next())).collect();
        let history = World::of(mode, &choices).history();
        let graph = Graph::of(&history);
        let verdict = graph.verdict();
        let names = verdict.cycles.iter().map(|it| it.phenomenon.to_string());
        let names = names.chain(history.anomalies().map(|it| it.name().to_owned()));
        let names = names.chain(history.accepted().map(|_| "accepted".to_owned()));
        let names = names.chain(history.stale_generations().filter(|it| it.phantom).map(|_| "phantom".to_owned()));
        let verdicts =
            [(verdict.serializable, "serializable"), (verdict.strictly, "strictly"), (!graph.is_empty(), "edges")];
        let verdicts = verdicts.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| format!("{name} {mode:?}"));
        for name in names.chain(verdicts).collect::<BTreeSet<_>>() {
            *seen.entry(name).or_insert(0) += 1;
        }
    }
    for name in ["A1", "A2", "A3", "A6", "accepted", "phantom", "P4", "OTV", "PMP", "G-single", "G2-item", "G2"] {
        assert!(seen.get(name).is_some_and(|times| *times >= 3), "{name}: {seen:?}");
    }
    assert_eq!(seen["strictly Serial"], 200);
    assert!(seen["edges Serial"] >= 150, "{seen:?}");
    assert!((20..180).contains(&seen["serializable Plain"]), "{seen:?}");
    assert!(seen["strictly Plain"] < seen["serializable Plain"], "{seen:?}");
}
