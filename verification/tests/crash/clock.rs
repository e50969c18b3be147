//! A clock that jumps by hours, back and forth, under leases and claims: what is safe stays so, and nobody waits for ever.

use super::child::file;
use super::{Dice, Place, times};
use consistency::decide::EffectEnd;
use consistency::ledger::{EffectId, Repeat, Stage};
use consistency::store::outbox::{Answer, Call, Dispatcher, Options as Dispatch, Tools, Turn};
use consistency::store::sqlite::{Options, SqliteShell, replay};
use consistency::store::{Leased, Memory, Outcome, Shell, Store, StoreError, System, World};
use consistency::{Level, Millis};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

const HOUR: Millis = 3_600_000;

/// Five hours back, right, or five hours ahead, for a while each.
#[derive(Debug)]
struct Jumping(Mutex<(Dice, u64)>);

impl World for Jumping {
    fn now(&self) -> Millis {
        let mut state = self.0.lock().unwrap();
        if state.0.once_in(25) {
            state.1 = state.0.below(3);
        }
        System.now() - 5 * HOUR + state.1 * 5 * HOUR
    }
    fn fresh(&self) -> u64 {
        self.0.lock().unwrap().0.next()
    }
}

/// Remembers what was done; the tool that takes keys does nothing twice.
#[derive(Default)]
struct Memo {
    store: OnceLock<Store>,
    /// Calls whose claim was found to be lost while they were under way.
    lost: AtomicUsize,
    /// Calls that the tool turned down.
    refused: AtomicUsize,
    calls: Mutex<Vec<Call>>,
    acts: Mutex<Vec<(String, EffectId)>>,
}

impl Tools for Memo {
    fn call(&self, call: &Call) -> Answer {
        let turn = self.calls.lock().unwrap().len();
        self.calls.lock().unwrap().push(call.clone());
        if turn % 7 == 3 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Answer::Retry;
        }
        std::thread::sleep(Duration::from_millis(2));
        let pending = self.store.get().unwrap().pending().unwrap();
        let own = pending.iter().find(|pending| pending.effect.id == call.id);
        if own.is_some_and(|own| matches!(own.effect.stage, Stage::InDoubt { .. })) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        let mut acts = self.acts.lock().unwrap();
        if call.tool.as_str() == "never" || acts.iter().all(|(key, _)| *key != call.key) {
            acts.push((call.key.clone(), call.id));
        }
        Answer::Done
    }
}

/// Adds to a counter that all want, under a lease where one is to be had.
fn work(store: &Store, rounds: u64) {
    for _ in 0..rounds {
        let mut session = store.begin("worker", Level::L3).unwrap();
        loop {
            match attempt(&mut session) {
                Ok(Outcome::Committed { .. }) => break,
                Ok(_) | Err(StoreError::Doomed(_)) => session.restart().unwrap(),
                Err(error) => panic!("{error}"),
            }
            std::thread::yield_now();
        }
    }
}

fn attempt(session: &mut consistency::store::Session) -> Result<Outcome, StoreError> {
    if let Leased::Granted { .. } = session.lease("count", Duration::from_mins(10))? {
        std::thread::yield_now();
    }
    let count = session.read("count")?.value().map_or(0, |count| count.json().as_u64().unwrap());
    session.write("count", count + 1)?;
    session.effect("keyed", "keyed", "x")?;
    session.effect("never", "never", "x")?;
    session.commit(None)
}

/// Four workers and two dispatchers; tells how many calls were made again though nobody had turned them down, and how many
/// effects were in doubt while their call was under way.
fn jumps(shell: Arc<dyn Shell>, world: Arc<dyn World>, rounds: u64) -> (usize, usize) {
    let (store, memo) = (Store::with(shell, world), Arc::new(Memo::default()));
    memo.store.set(store.clone()).unwrap();
    store.register("keyed", "1", Repeat::Keyed).unwrap();
    store.register("never", "1", Repeat::Never).unwrap();
    let options = Dispatch {
        most_failures: u32::MAX,
        first_pause: Duration::from_millis(1),
        look_again: Duration::from_millis(2),
        ..Dispatch::default()
    };
    let dispatchers = [0, 1].map(|_| Dispatcher::run(&store, memo.clone(), options.clone()).unwrap());
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(|| work(&store, rounds)))));
    // Once all calls have returned, a person may judge what is in doubt.
    drop(dispatchers);
    while !store.lanes().unwrap().is_empty() {
        for lane in store.lanes().unwrap() {
            while let Turn::Sent { .. } = store.dispatch_once(&lane, &*memo, &options).unwrap() {}
        }
        for pending in store.pending().unwrap() {
            if let Stage::InDoubt { .. } = pending.effect.stage {
                let did = memo.acts.lock().unwrap().iter().any(|(_, id)| *id == pending.effect.id);
                let end = if did { EffectEnd::Done } else { EffectEnd::Retry { after: 0 } };
                store.settle(pending.effect.id, end).unwrap();
            }
        }
    }
    let commits = usize::try_from(4 * rounds).unwrap();
    let count = store.snapshot("judge").unwrap().read("count").unwrap();
    assert_eq!(count.value().unwrap().json(), &serde_json::json!(commits), "no update is lost");
    let (acts, calls) = (memo.acts.lock().unwrap(), memo.calls.lock().unwrap());
    let mut lanes: BTreeMap<u32, Vec<EffectId>> = BTreeMap::new();
    acts.iter().for_each(|(_, id)| lanes.entry(id.index).or_default().push(*id));
    for ids in lanes.values() {
        assert_eq!(ids.len(), commits, "every effect acted once");
        assert!(ids.is_sorted() && ids.iter().collect::<BTreeSet<_>>().len() == commits, "in the order of commits");
    }
    (calls.len() - memo.refused.load(Ordering::Relaxed) - 2 * commits, memo.lost.load(Ordering::Relaxed))
}

#[test]
fn a_clock_that_jumps_by_hours_breaks_nothing_and_nobody_waits_for_ever() {
    let (mut again, mut doubts) = (0, 0);
    for stream in 0..times(10) {
        let world = Arc::new(Jumping(Mutex::new((Dice::new(1000 + stream), 1))));
        let more = jumps(Arc::new(Memory::default()), world, 10);
        (again, doubts) = (again + more.0, doubts + more.1);
    }
    let place = Place::new();
    let world = Arc::new(Jumping(Mutex::new((Dice::new(999), 1))));
    let now = world.clone();
    let shell = SqliteShell::open(&file(&place.path()), Options::new(Arc::new(move || now.now()))).unwrap();
    let more = jumps(Arc::new(shell), world, 10);
    replay(&file(&place.path())).unwrap();
    println!("clock jumps: {} calls again, {} doubts", again + more.0, doubts + more.1);
    assert!(again > 0 && doubts > 0, "claims were lost to the clock");
}
