//! The store in memory under every interleaving of its threads: `RUSTFLAGS="--cfg trace_loom" cargo test -p consistency
//! --test loom --target-dir target/loom`. Two threads exhaustively, three up to three preemptions each run.
//!
//! The shells at the end are broken on purpose: loom has to find what goes wrong with them.

#![cfg(trace_loom)]
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use consistency::cell::{Key, Lane, SessionId, Tool, Version};
use consistency::ledger::{Effect, EffectId, Lease, Open, Registered, View, Written};
use consistency::range::Range;
use consistency::session::Session;
use consistency::state::{Input, Output, State};
use consistency::store::{Entry, Live, Memory, Outcome, Sequence, Shell, Store, StoreError};
use consistency::{Content, Level};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const EVER: Duration = Duration::MAX;

/// Runs every interleaving; `preemptions` bounds how often a thread is interrupted, where all would be too many.
fn explore(preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(model);
}

fn over(shell: impl Shell + 'static) -> Store {
    Store::with(Arc::new(shell), Arc::new(Sequence::default()))
}

fn number(content: &Content) -> i64 {
    content.value().and_then(|value| value.json().as_i64()).unwrap_or_default()
}

/// Adds one to a counter by reading and writing it, as often as it takes.
fn increment(store: &Store, key: &str) {
    loop {
        let mut session = store.begin("agent", Level::L1).unwrap();
        let Ok(read) = session.read(key) else { continue };
        session.write(key, number(&read) + 1).unwrap();
        match session.commit(None).unwrap() {
            Outcome::Committed { .. } => return,
            Outcome::Conflict(_) | Outcome::Busy { .. } => thread::yield_now(),
        }
    }
}

fn both_increments_are_there(store: Store) {
    let other = store.clone();
    let thread = thread::spawn(move || increment(&other, "n"));
    increment(&store, "n");
    thread.join().unwrap();
    assert_eq!(number(&store.snapshot("reader").unwrap().read("n").unwrap()), 2, "an update was lost");
}

/// Two agents each read what the other writes; in any serial order, at most one of them finds nothing.
fn no_write_skew(store: Store, threads: usize) {
    let keys = ["a", "b", "c"];
    let work = move |store: &Store, me: usize| {
        let mut session = store.begin("agent", Level::L1).unwrap();
        for key in keys.iter().take(threads) {
            match session.read(key) {
                Ok(Content::Absent) => {}
                _ => return false,
            }
        }
        session.write(keys[me], 1).unwrap();
        matches!(session.commit(None).unwrap(), Outcome::Committed { .. })
    };
    let others: Vec<_> = (1..threads)
        .map(|me| {
            let store = store.clone();
            thread::spawn(move || work(&store, me))
        })
        .collect();
    let mut made = usize::from(work(&store, 0));
    for other in others {
        made += usize::from(other.join().unwrap());
    }
    assert!(made <= 1, "{made} sessions found nothing and wrote");
}

/// A session that waits for its doom is woken by the commit that dooms it: a lost notice would be a deadlock.
fn the_notice_arrives(store: Store) {
    // Where the wait is a deadlock, loom ends the run in the middle of it, and no lock can be taken to clean up.
    let mut session = ManuallyDrop::new(store.begin("waiter", Level::L1).unwrap());
    session.read("k").unwrap();
    let other = store.clone();
    let thread = thread::spawn(move || {
        let mut writer = other.begin("writer", Level::L1).unwrap();
        writer.write("k", 1).unwrap();
        assert!(matches!(writer.commit(None).unwrap(), Outcome::Committed { .. }));
    });
    let doomed = session.wait_doomed(EVER).unwrap();
    assert_eq!(doomed.len(), 1);
    thread.join().unwrap();
    ManuallyDrop::into_inner(session).abort().unwrap();
}

#[test]
fn two_threads_lose_no_update() {
    explore(None, || both_increments_are_there(over(Memory::default())));
}

#[test]
fn two_threads_show_no_write_skew() {
    explore(None, || no_write_skew(over(Memory::default()), 2));
}

#[test]
fn three_threads_show_no_write_skew() {
    explore(Some(3), || no_write_skew(over(Memory::default()), 3));
}

#[test]
fn a_notice_is_never_lost() {
    explore(None, || the_notice_arrives(over(Memory::default())));
}

/// What is wrong with a [`Broken`] shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// A commit is validated under the lock, and written under the lock, but the lock is given back in between.
    ValidatesOutside,
    /// A waiter looks at the clock under the lock, gives the lock back, and then waits.
    WaitsLate,
    /// A commit wakes nobody.
    WakesNobody,
}

/// A store in memory with one fault.
#[derive(Debug)]
struct Broken {
    fault: Fault,
    state: Mutex<State>,
    changed: Condvar,
}

impl Broken {
    fn with(fault: Fault) -> Broken {
        Broken { fault, state: Mutex::default(), changed: Condvar::new() }
    }
}

impl Shell for Broken {
    fn submit(&self, input: Input) -> Result<Output, StoreError> {
        let commits = matches!(input, Input::Commit { .. });
        let output = if commits && self.fault == Fault::ValidatesOutside {
            let mut next = self.state.lock().unwrap().clone();
            let output = next.step(input);
            *self.state.lock().unwrap() = next;
            output
        } else {
            self.state.lock().unwrap().step(input)
        };
        if commits && self.fault != Fault::WakesNobody {
            self.changed.notify_all();
        }
        Ok(output)
    }

    fn wait(&self, since: Version, _: Duration) -> Result<Version, StoreError> {
        let mut state = self.state.lock().unwrap();
        if self.fault == Fault::WaitsLate {
            let late = state.ledger.clock().unwrap() <= since;
            drop(state);
            state = self.state.lock().unwrap();
            if late {
                state = self.changed.wait(state).unwrap();
            }
        }
        while state.ledger.clock().unwrap() <= since {
            state = self.changed.wait(state).unwrap();
        }
        Ok(state.ledger.clock().unwrap())
    }

    fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.state.lock().unwrap().sessions.get(&id).cloned())
    }

    fn clock(&self) -> Result<Version, StoreError> {
        Ok(self.state.lock().unwrap().ledger.clock().unwrap())
    }

    fn identity(&self) -> Result<String, StoreError> {
        Ok("broken".to_owned())
    }
    fn sessions(&self) -> Result<Vec<Live>, StoreError> {
        Ok(Vec::new())
    }
    fn history(&self, _: &Key) -> Result<Vec<Written>, StoreError> {
        Ok(Vec::new())
    }
    fn newest(&self, keys: &[Key]) -> Result<Vec<Option<Written>>, StoreError> {
        Ok(vec![None; keys.len()])
    }
    fn list(&self, _: &Range, _: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        Ok(Vec::new())
    }
    fn log_since(&self, _: u64, _: usize) -> Result<Vec<Entry>, StoreError> {
        Ok(Vec::new())
    }
    fn written_since(&self, _: Version, _: usize) -> Result<Vec<(Key, Written)>, StoreError> {
        Ok(Vec::new())
    }
    fn effects(&self, _: Option<EffectId>, _: usize) -> Result<Vec<Effect>, StoreError> {
        Ok(Vec::new())
    }
    fn lanes(&self) -> Result<Vec<Lane>, StoreError> {
        Ok(Vec::new())
    }
    fn open_commits(&self) -> Result<Vec<Open>, StoreError> {
        Ok(Vec::new())
    }
    fn tools(&self) -> Result<Vec<(Tool, Registered)>, StoreError> {
        Ok(Vec::new())
    }
    fn leases(&self) -> Result<Vec<(Key, Lease)>, StoreError> {
        Ok(Vec::new())
    }
}

/// Explores a model that has to fail, and gives back how it did.
fn caught(model: impl Fn() + Send + Sync + 'static) -> String {
    let failure = catch_unwind(AssertUnwindSafe(|| explore(None, model))).unwrap_err();
    let text = failure.downcast_ref::<String>().cloned();
    text.or_else(|| failure.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn a_store_that_validates_outside_the_lock_is_caught() {
    let how = caught(|| both_increments_are_there(over(Broken::with(Fault::ValidatesOutside))));
    assert!(how.contains("an update was lost"), "{how}");
    let how = caught(|| no_write_skew(over(Broken::with(Fault::ValidatesOutside)), 2));
    assert!(how.contains("found nothing"), "{how}");
}

#[test]
fn a_store_that_loses_a_notice_is_caught() {
    for fault in [Fault::WaitsLate, Fault::WakesNobody] {
        let how = caught(move || the_notice_arrives(over(Broken::with(fault))));
        assert!(how.contains("deadlock"), "{fault:?}: {how}");
    }
}
