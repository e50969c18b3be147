//! Histories of real runs: what every session saw and wrote, in the words of `consistency::history`, for its detectors.

use consistency::history::graph::Graph;
use consistency::history::{Compensation, Event, History, How, Issue, Write};
use consistency::store::Shell;
use consistency::{Content, Key, Version};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

/// The anomalies of some histories, counted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Anomalies {
    /// A1.
    pub(crate) stale: usize,
    /// A3.
    pub(crate) cascades: usize,
    /// A6.
    pub(crate) reorderings: usize,
    /// A2.
    pub(crate) phantoms: usize,
    /// Histories with a cycle in their serialization graph.
    pub(crate) cyclic: usize,
    /// Commits and effects, to see that there was something to go wrong.
    pub(crate) commits: usize,
    pub(crate) effects: usize,
}

impl Anomalies {
    pub(crate) fn plus(self, other: Anomalies) -> Anomalies {
        Anomalies {
            stale: self.stale + other.stale,
            cascades: self.cascades + other.cascades,
            reorderings: self.reorderings + other.reorderings,
            phantoms: self.phantoms + other.phantoms,
            cyclic: self.cyclic + other.cyclic,
            commits: self.commits + other.commits,
            effects: self.effects + other.effects,
        }
    }

    /// A1, A3, A6 and A2, in the order of the levels that exclude them.
    pub(crate) fn by_level(self) -> [usize; 4] {
        [self.stale, self.cascades, self.reorderings, self.phantoms]
    }
}

/// Judges a run, given its events in the order of real time as far as one thread or process knows it; effects are in the
/// order in which they left. Contents are read off the store, which keeps all versions of so short a run.
pub(crate) fn judge(mut events: Vec<Event>, shell: &dyn Shell, keys: &[Key]) -> Anomalies {
    let mut cells = BTreeMap::new();
    for key in keys {
        for written in shell.history(key).unwrap() {
            cells.insert((written.version, key.clone()), written.content);
        }
    }
    let content = |version: Version, key: &Key| cells.get(&(version, key.clone())).cloned();
    for event in &mut events {
        match event {
            Event::Commit { version, writes, .. } => {
                for write in writes {
                    write.content = content(*version, &write.key).unwrap();
                }
            }
            Event::Retract { version, writes, .. } => {
                let found = keys.iter().filter_map(|key| Some((key.clone(), content(*version, key)?)));
                *writes = found.map(|(key, content)| Compensation { key, content }).collect();
            }
            _ => {}
        }
    }
    // A retraction names commits of others, which may have been told later than it: it goes behind them all.
    events.sort_by_key(|event| match event {
        Event::Retract { version, .. } => *version,
        _ => Version::ZERO,
    });
    let count = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    let commits = count(|event| matches!(event, Event::Commit { .. }));
    let effects = count(|event| matches!(event, Event::Effect { .. }));
    let history = History::of(events).unwrap();
    Anomalies {
        stale: history.stale_generations().count(),
        cascades: history.causal_cascades().count(),
        reorderings: history.reorderings().count(),
        phantoms: history.phantom_tools().count(),
        cyclic: usize::from(!Graph::of(&history).verdict().cycles.is_empty()),
        commits,
        effects,
    }
}

/// A commit as it is made; what the cells hold is filled in when the run is over.
pub(crate) fn commit(
    session: consistency::SessionId,
    version: Version,
    writes: &[(Key, How)],
    effects: Vec<Issue>,
) -> Event {
    let write = |(key, how): &(Key, How)| Write { key: key.clone(), how: *how, content: Content::Absent };
    Event::Commit { session, version, writes: writes.iter().map(write).collect(), effects }
}

/// Appends events to a file, each whole or not at all.
pub(crate) fn append(path: &Path, events: &[Event]) {
    let mut file = File::options().append(true).create(true).open(path).unwrap();
    for event in events {
        file.write_all(format!("{}\n", serde_json::to_string(event).unwrap()).as_bytes()).unwrap();
    }
}

/// The events in a file.
pub(crate) fn read(path: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
