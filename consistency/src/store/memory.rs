//! The store in memory: the core's `step` under one lock.
//!
//! Nothing is decided outside the lock and nothing waits inside it. What was committed is gone with the process.

use super::shell::{Entry, Live, Shell, StoreError};
use super::sync::{Condvar, Mutex, wait_for};
use super::world::{System, World};
use crate::cell::{Key, Lane, SessionId, Tool, Version};
use crate::decide::Order;
use crate::history::Event;
use crate::ledger::{Effect, EffectId, Lease, Open, Registered, View, Written};
use crate::range::Range;
use crate::session::Session;
use crate::state::{Input, Output, State};
use std::sync::OnceLock;
use std::time::Duration;

/// After so many commits, versions that nobody can see are forgotten.
const COLLECT_EVERY: u32 = 4096;
/// With more superseded versions than this, the oldest snapshots are given up.
const MOST_SUPERSEDED: usize = 100_000;

/// Keeps the state in memory.
#[derive(Debug, Default)]
pub struct Memory {
    shared: Mutex<Shared>,
    changed: Condvar,
    identity: OnceLock<String>,
}

#[derive(Debug, Default)]
struct Shared {
    state: State,
    /// Who waits for a commit; without them, nobody is woken.
    waiting: usize,
    since_collection: u32,
}

impl Memory {
    /// An empty store that records what happens.
    pub fn recording() -> Memory {
        let shared = Shared { state: State::recording(), ..Shared::default() };
        Memory { shared: Mutex::new(shared), ..Memory::default() }
    }

    /// What has happened so far, where it is recorded.
    pub fn history(&self) -> Vec<Event> {
        self.shared.lock().state.history.clone().unwrap_or_default()
    }
}

impl Shared {
    fn clock(&self) -> Version {
        let Ok(clock) = self.state.ledger.clock();
        clock
    }

    fn collect(&mut self) {
        self.since_collection += 1;
        if self.since_collection < COLLECT_EVERY {
            return;
        }
        self.since_collection = 0;
        for horizon in [self.state.oldest_snapshot(), self.clock()] {
            self.state.step(Input::Order(Order::Collect { horizon }));
            if self.state.ledger.superseded() <= MOST_SUPERSEDED {
                return;
            }
        }
    }
}

impl Shell for Memory {
    fn submit(&self, input: Input) -> Result<Output, StoreError> {
        let mut shared = self.shared.lock();
        let before = shared.clock();
        let output = shared.state.step(input);
        if shared.clock() != before {
            shared.collect();
            if shared.waiting > 0 {
                self.changed.notify_all();
            }
        }
        Ok(output)
    }

    fn wait(&self, since: Version, timeout: Duration) -> Result<Version, StoreError> {
        let mut shared = self.shared.lock();
        if shared.clock() <= since {
            shared.waiting += 1;
            shared = wait_for(&self.changed, shared, timeout);
            shared.waiting -= 1;
        }
        Ok(shared.clock())
    }

    fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.shared.lock().state.sessions.get(&id).cloned())
    }

    fn sessions(&self) -> Result<Vec<Live>, StoreError> {
        let shared = self.shared.lock();
        let live = shared.state.sessions.values().map(|session| Live {
            begin: session.begin.clone(),
            snapshot: session.snapshot,
            process: None,
            seen: session.begin.started,
            doomed: !session.doomed.is_empty(),
        });
        Ok(live.collect())
    }

    fn identity(&self) -> Result<String, StoreError> {
        Ok(self.identity.get_or_init(|| format!("{:x}", System.fresh())).clone())
    }

    fn clock(&self) -> Result<Version, StoreError> {
        Ok(self.shared.lock().clock())
    }

    fn history(&self, key: &Key) -> Result<Vec<Written>, StoreError> {
        Ok(self.shared.lock().state.ledger.history(key).cloned().collect())
    }

    fn written_since(&self, since: Version, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        let Ok(mut found) = self.shared.lock().state.ledger.changed(&Range::all(), since);
        found.sort_by_key(|(_, written)| written.version);
        let last = limit.checked_sub(1).and_then(|last| found.get(last)).map(|(_, written)| written.version);
        found.retain(|(_, written)| limit > 0 && last.is_none_or(|last| written.version <= last));
        Ok(found)
    }

    fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError> {
        let shared = self.shared.lock();
        let newest = |key| {
            let Ok(newest) = shared.state.ledger.newest(key);
            newest
        };
        Ok(keys.iter().map(newest).collect())
    }

    fn list(&self, range: &Range, limit: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        let Ok(mut found) = self.shared.lock().state.ledger.changed(range, Version::ZERO);
        found.retain(|(_, written)| written.content.value().is_some());
        found.truncate(limit);
        Ok(found)
    }

    fn log_since(&self, _: u64, _: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }

    fn effects(&self, after: Option<EffectId>, limit: usize) -> Result<Vec<Effect>, StoreError> {
        let shared = self.shared.lock();
        let later = shared.state.ledger.effects().filter(|effect| after.is_none_or(|after| effect.id > after));
        Ok(later.take(limit).cloned().collect())
    }

    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        let shared = self.shared.lock();
        let open = shared.state.ledger.effects().filter(|effect| !effect.stage.is_settled());
        let lanes: std::collections::BTreeSet<Lane> = open.map(|effect| effect.lane.clone()).collect();
        Ok(lanes.into_iter().collect())
    }

    fn open_commits(&self) -> Result<Vec<Open>, StoreError> {
        Ok(self.shared.lock().state.ledger.open_commits().cloned().collect())
    }

    fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError> {
        let shared = self.shared.lock();
        Ok(shared.state.ledger.tools().map(|(tool, registered)| (tool.clone(), registered.clone())).collect())
    }

    fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError> {
        let shared = self.shared.lock();
        Ok(shared.state.ledger.leases().map(|(key, lease)| (key.clone(), lease.clone())).collect())
    }
}
