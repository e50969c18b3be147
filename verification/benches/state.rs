//! Shared state under load: commits per second, what policies make of contention, and the score of the workload shapes.
//!
//! `cargo bench -p verification --bench state`, or with `-- --quick` for a look in less than a minute.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run has failed")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts become rates and places")]

mod contention;
mod throughput;

use consistency::Level;
use consistency::store::{Memory, Store};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use throughput::{Commits, fill, keys, rate};
use verification::workload::Policy;
use verification::workload::baseline::{Locking, Scanning};
use verification::workload::judge::Score;
use verification::workload::policy::{Contest, DESIGN, Outcome};
use verification::workload::shapes::SHAPES;

const THREADS: [usize; 4] = [1, 2, 4, 8];

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let length = Duration::from_millis(if quick { 100 } else { 1_000 });
    let heading = "| store | keys | contention | 1 thread | 2 threads | 4 threads | 8 threads | failed at 8, % |";
    println!("Commits per second, two reads and one write each.\n\n{heading}\n|---|---|---|---|---|---|---|---|");
    let sizes: &[usize] = if quick { &[100, 10_000, 100_000] } else { &[100, 10_000, 1_000_000] };
    for count in sizes {
        memory(&keys(*count), length);
    }
    for count in if quick { &sizes[..2] } else { sizes } {
        durable(&keys(*count), length);
    }
    println!("\nThis disk makes {:.0} fsyncs a second, each after an append of 4 KiB.", fsyncs(length));
    let hours = if quick { 1 } else { 10 };
    policies(hours);
    threads(length * 3);
    scores(if quick { 5 } else { 100 });
}

/// In memory: ours at L1 against the reference's two modes, in the same run.
fn memory(keys: &[String], length: Duration) {
    for hot in [false, true] {
        let ours = Store::in_memory();
        fill(&ours, keys);
        row("ours, serializable", &ours, keys, hot, length);
        drop(ours);
        let locking = Locking::default();
        for key in keys {
            locking.fill(key, throughput::VALUE);
        }
        row("exclusive locks", &locking, keys, hot, length);
        drop(locking);
        // A commit goes through all there is: beyond this, it takes longer than the row may.
        if keys.len() <= 10_000 {
            let scanning = Scanning::default();
            for key in keys {
                scanning.fill(key, throughput::VALUE);
            }
            row("validated by scanning", &scanning, keys, hot, length);
        }
    }
}

/// In a file: acknowledged once it is on disk.
fn durable(keys: &[String], length: Duration) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ours = Store::open(folder.path().join("state.db")).unwrap();
    fill(&ours, keys);
    for hot in [false, true] {
        row("ours, serializable, durable", &ours, keys, hot, length);
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

/// How often a second this disk makes sure of an append.
fn fsyncs(length: Duration) -> f64 {
    let mut file = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < length {
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// The contest in virtual time, over the store in memory.
fn policies(hours: u64) {
    for reads in [4, 2] {
        let contest = Contest { reads, ticks: DESIGN.ticks * DESIGN.reads / reads, until: hours * 3_600_000, ..DESIGN };
        let what = "8 agents, 4 hot keys, 12 to 18 s of generation";
        println!("\nPolicies: {what} in {reads} steps that read a key each, {hours} h of virtual time.\n");
        table(Policy::ALL.map(|policy| contest.policy(policy).unwrap()).into_iter().chain(contest.baselines()));
    }
}

/// The contest with real threads.
fn threads(length: Duration) {
    println!(
        "\nPolicies: 8 threads, 4 hot keys, 1 ms of generation in 4 steps that read a key each, {length:?} each.\n"
    );
    let contest = contention::contest(length);
    let ours = Policy::ALL.map(|policy| contention::policy(&contest, policy));
    table(ours.into_iter().chain(contention::baselines(&contest)));
}

fn table(outcomes: impl Iterator<Item = Outcome>) {
    println!(
        "| policy | useful per generated second | an hour | failed, % | commits of the least, median and busiest agent |"
    );
    println!("|---|---|---|---|---|");
    for outcome in outcomes {
        let (least, median, most) = outcome.spread();
        let (generated, hour, failed) = (outcome.per_generated(), outcome.per_hour(), outcome.failed_percent());
        println!("| {} | {generated:.4} | {hour:.0} | {failed:.1} | {least}, {median}, {most} |", outcome.name);
    }
}

/// The workload shapes at every level, in memory.
fn scores(seeds: u64) {
    println!("\nWorkload shapes, {seeds} seeds each, policy: {}.\n", Policy::FULL.name);
    println!("| shape | level | clean % | complete % | attempts | redone | ticks per commit | seen, % of the runs |");
    println!("|---|---|---|---|---|---|---|---|");
    for (name, shape) in SHAPES {
        for level in Level::ALL {
            let memory = &mut || Ok(Arc::new(Memory::default()) as _);
            let score = Score::of(shape, level, Policy::FULL, 0..seeds, memory).unwrap();
            let percent = |part: usize| part * 100 / score.runs;
            let seen = score.anomalies.iter().map(|(kind, runs)| format!("{kind} {}", percent(*runs)));
            println!(
                "| {name} | {level} | {} | {} | {} | {} | {} | {} |",
                percent(score.clean),
                percent(score.complete),
                score.spent.attempts,
                score.spent.aborts + score.spent.rewinds,
                score.spent.generated / score.commits.max(1) as u64,
                seen.collect::<Vec<_>>().join(", "),
            );
        }
    }
}
