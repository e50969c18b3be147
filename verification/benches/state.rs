//! Shared state under load: commits per second, and what policies make of contention.
//!
//! `cargo bench -p verification --bench state`, or with `-- --quick` for a look in less than a minute.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench that cannot run has failed, and prints"
)]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts become rates and places")]

mod throughput;

use consistency::store::Store;
use std::time::Duration;
use throughput::{Commits, fill, keys, rate};
use verification::workload::baseline::{Locking, Scanning};

const THREADS: [usize; 4] = [1, 2, 4, 8];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let length = Duration::from_millis(if quick { 100 } else { 1_000 });
    memory(length);
}

/// In memory: ours at L1 against the reference's two modes, in the same run.
fn memory(length: Duration) {
    println!(
        "| store | keys | contention | 1 thread | 2 threads | 4 threads | 8 threads | failed at 8, % |\n|---|---|---|---|---|---|---|---|"
    );
    for count in [100, 10_000, 1_000_000] {
        let keys = keys(count);
        for hot in [false, true] {
            let ours = Store::in_memory();
            fill(&ours, &keys);
            row("serializable, ours", &ours, &keys, hot, length);
            drop(ours);
            let locking = Locking::default();
            keys.iter().for_each(|key| locking.fill(key, "a note"));
            row("exclusive locks", &locking, &keys, hot, length);
            drop(locking);
            let scanning = Scanning::default();
            keys.iter().for_each(|key| scanning.fill(key, "a note"));
            row("serializable, scanning", &scanning, &keys, hot, length);
        }
    }
}

fn row(name: &str, store: &dyn Commits, keys: &[String], hot: bool, length: Duration) {
    let contention = if hot { "high" } else { "low" };
    print!("| {name} | {} | {contention} |", keys.len());
    let mut failed = 0.0;
    for threads in THREADS {
        let rate = rate(store, keys, threads, hot, length);
        print!(" {:.0} |", rate.commits);
        failed = rate.failed;
    }
    println!(" {failed:.1} |");
}
