//! Commits per second: two reads and one write each, by threads, keys, contention and store.

use consistency::Level;
use consistency::store::{Outcome, Store};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use verification::workload::Random;
use verification::workload::baseline::{Locking, Scanning};

/// How many cells are hot where contention is high.
const HOT: usize = 4;
/// What is written: as long as a short note.
pub(crate) const VALUE: &str = "a note that an agent leaves for the others";

/// A store that reads two cells and writes the first of them; tells whether it committed.
pub(crate) trait Commits: Sync {
    /// One attempt.
    fn attempt(&self, first: &str, second: &str) -> bool;
}

impl Commits for Store {
    fn attempt(&self, first: &str, second: &str) -> bool {
        let mut session = self.begin("agent", Level::L1).unwrap();
        let Ok(read) = session.read(first) else { return false };
        let Ok(other) = session.read(second) else { return false };
        black_box((read, other));
        session.write(first, VALUE).unwrap();
        matches!(session.commit(None).unwrap(), Outcome::Committed { .. })
    }
}

impl Commits for Locking {
    fn attempt(&self, first: &str, second: &str) -> bool {
        let Some(holder) = self.begin(&[first, second]) else { return false };
        black_box((holder.read(first), holder.read(second)));
        self.commit(&holder, &[(first, VALUE)]);
        true
    }
}

impl Commits for Scanning {
    fn attempt(&self, first: &str, second: &str) -> bool {
        let mut reader = self.begin();
        black_box((self.read(&mut reader, first), self.read(&mut reader, second)));
        self.commit(&reader, &[(first, VALUE)])
    }
}

/// The names of so many cells.
pub(crate) fn keys(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("cell/{index:07}")).collect()
}

/// Fills a store.
pub(crate) fn fill(store: &Store, keys: &[String]) {
    for some in keys.chunks(10_000) {
        let mut session = store.begin("fill", Level::L0).unwrap();
        for key in some {
            session.write(key, VALUE).unwrap();
        }
        assert!(matches!(session.commit(None).unwrap(), Outcome::Committed { .. }));
    }
}

/// What a row measured.
pub(crate) struct Rate {
    /// Commits per second.
    pub(crate) commits: f64,
    /// Attempts that did not commit, of 100.
    pub(crate) failed: f64,
}

/// Has so many threads commit for a while.
pub(crate) fn rate(store: &dyn Commits, keys: &[String], threads: usize, hot: bool, length: Duration) -> Rate {
    let keys = if hot { &keys[..HOT.min(keys.len())] } else { keys };
    let (stop, start) = (AtomicBool::new(false), Barrier::new(threads + 1));
    let (mut made, mut failed) = (0_u64, 0_u64);
    let mut elapsed = Duration::ZERO;
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads as u64)
            .map(|seed| {
                let (stop, start) = (&stop, &start);
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    let (mut made, mut failed) = (0_u64, 0_u64);
                    start.wait();
                    while !stop.load(Ordering::Relaxed) {
                        let first = random.below(keys.len() as u64) as usize;
                        let second = (first + 1 + random.below(keys.len() as u64 - 1) as usize) % keys.len();
                        if store.attempt(&keys[first], &keys[second]) { made += 1 } else { failed += 1 }
                    }
                    (made, failed)
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        for worker in workers {
            let (some, none) = worker.join().unwrap();
            made += some;
            failed += none;
        }
        elapsed = began.elapsed();
    });
    Rate { commits: made as f64 / elapsed.as_secs_f64(), failed: failed as f64 * 100.0 / (made + failed).max(1) as f64 }
}
