//! Histories written by hand, a line an event; sessions are named by their agents, versions by their sequence.

use consistency::history::graph::{Graph, Verdict};
use consistency::history::{Compensation, Event, History, How, Issue, Write};
use consistency::{Agent, Content, Key, Level, SessionId, Tool, Value, Version};
use std::collections::BTreeMap;

/// Events in the making.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) events: Vec<Event>,
    sessions: BTreeMap<String, SessionId>,
}

pub(crate) fn version(sequence: u64) -> Version {
    Version::new(0, sequence).unwrap()
}

pub(crate) fn key(text: &str) -> Key {
    Key::new(text).unwrap()
}

/// A number is a value, a negative one stands for a deleted cell.
pub(crate) fn content(value: i64) -> Content {
    if value < 0 { Content::Deleted } else { Content::Present(Value::from(value)) }
}

impl Script {
    /// Begins a session for each of these agents.
    pub(crate) fn of(agents: &[&str]) -> Script {
        agents.iter().fold(Script::default(), |script, agent| script.begin(agent))
    }

    pub(crate) fn begin(mut self, agent: &str) -> Script {
        let session = SessionId(self.sessions.len() as u64 + 1);
        self.sessions.insert(agent.to_owned(), session);
        self.push(Event::Begin { session, agent: Agent::from(agent), level: Level::L1 })
    }

    fn push(mut self, event: Event) -> Script {
        self.events.push(event);
        self
    }

    fn session(&self, agent: &str) -> SessionId {
        self.sessions[agent]
    }

    /// Reads a version; 0 is a cell that was never written, and then the value counts for nothing.
    pub(crate) fn read(self, agent: &str, cell: &str, sequence: u64, value: i64) -> Script {
        let session = self.session(agent);
        let value = if sequence == 0 { Content::Absent } else { content(value) };
        self.push(Event::Read { session, key: key(cell), version: version(sequence), value })
    }

    /// Searches a prefix.
    pub(crate) fn scan(self, agent: &str, prefix: &str, found: &[(&str, u64)]) -> Script {
        let session = self.session(agent);
        let mut end = prefix.to_owned();
        let last = end.pop().unwrap();
        end.push((last as u8 + 1) as char);
        let found = found.iter().map(|(cell, sequence)| (key(cell), version(*sequence))).collect();
        self.push(Event::Scan { session, from: prefix.to_owned(), to: Some(end), found, snapshot: None })
    }

    pub(crate) fn pin(self, agent: &str, tool: &str, fingerprint: Option<&str>) -> Script {
        let session = self.session(agent);
        self.push(Event::Pin { session, tool: Tool::from(tool), fingerprint: fingerprint.map(Into::into) })
    }

    pub(crate) fn acknowledge(self, agent: &str, cell: &str, sequence: u64) -> Script {
        let session = self.session(agent);
        self.push(Event::Acknowledge { session, key: key(cell), version: version(sequence) })
    }

    /// Installs a version before the commit.
    pub(crate) fn dirty(self, agent: &str, cell: &str, sequence: u64, value: i64) -> Script {
        let session = self.session(agent);
        self.push(Event::Write { session, key: key(cell), version: version(sequence), content: content(value) })
    }

    pub(crate) fn commit(self, agent: &str, sequence: u64, writes: &[(&str, i64)]) -> Script {
        let writes: Vec<_> = writes.iter().map(|(cell, value)| (*cell, How::Put, *value)).collect();
        self.commit_with(agent, sequence, &writes, &[])
    }

    /// Commits writes that came about in several ways, with effects as lane and tool.
    pub(crate) fn commit_with(
        self,
        agent: &str,
        sequence: u64,
        writes: &[(&str, How, i64)],
        effects: &[(&str, &str)],
    ) -> Script {
        let session = self.session(agent);
        let writes = writes.iter().map(|(cell, how, value)| {
            let how = if *value < 0 { How::Delete } else { *how };
            Write { key: key(cell), how, content: content(*value) }
        });
        let effects = effects.iter().map(|(lane, tool)| Issue { lane: (*lane).into(), tool: Tool::from(*tool) });
        let (writes, effects) = (writes.collect(), effects.collect());
        self.push(Event::Commit { session, version: version(sequence), writes, effects })
    }

    pub(crate) fn abort(self, agent: &str) -> Script {
        let session = self.session(agent);
        self.push(Event::Abort { session, reason: "conflict".to_owned() })
    }

    pub(crate) fn retract(self, sequence: u64, retracted: &[u64], writes: &[(&str, i64)]) -> Script {
        let retracted = retracted.iter().map(|sequence| version(*sequence)).collect();
        let writes = writes.iter().map(|(cell, value)| Compensation { key: key(cell), content: content(*value) });
        self.push(Event::Retract { version: version(sequence), retracted, writes: writes.collect() })
    }

    /// An effect leaves.
    pub(crate) fn effect(self, sequence: u64, index: usize, lane: &str, tool: &str, live: Option<&str>) -> Script {
        let (lane, tool, fingerprint) = (lane.into(), Tool::from(tool), live.map(Into::into));
        self.push(Event::Effect { version: version(sequence), index, lane, tool, fingerprint })
    }

    pub(crate) fn history(&self) -> History {
        History::of(self.events.clone()).unwrap()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        Graph::of(&self.history()).verdict()
    }

    /// The names of all phenomena that the graph shows.
    pub(crate) fn phenomena(&self) -> Vec<String> {
        let verdict = self.verdict();
        let dirty = verdict.dirty.iter().map(|dirty| dirty.phenomenon.to_string());
        dirty.chain(verdict.cycles.iter().map(|cycle| cycle.phenomenon.to_string())).collect()
    }

    /// The anomalies of the catalogue, as sentences.
    pub(crate) fn sentences(&self) -> Vec<String> {
        self.history().anomalies().map(|anomaly| format!("{}: {anomaly}", anomaly.name())).collect()
    }
}
