//! Hot cells with real threads: what each policy, and each baseline, brings for a second of generation.

use consistency::Level;
use consistency::store::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use verification::workload::Policy;
use verification::workload::baseline::{Locking, Scanning};
use verification::workload::policy::{Contest, Outcome, Plan};
use verification::workload::threads::{Working, run};

/// 8 threads, 4 hot keys, a millisecond of generation in four steps, for so long. The ticks are microseconds here.
pub(crate) fn contest(length: Duration) -> Contest {
    let until = u64::try_from(length.as_micros()).unwrap();
    Contest { agents: 8, cells: 4, reads: 4, ticks: 250, until, seed: 1 }
}

/// How a policy does over the store in memory.
pub(crate) fn policy(contest: &Contest, policy: Policy) -> Outcome {
    let (pass, over) = (|ticks| std::thread::sleep(Duration::from_micros(ticks)), deadline(contest));
    let working = Working { level: Level::L1, policy, pass: &pass, over: &over };
    let start = Instant::now();
    let (_, ends) = run(&contest.shape(), &(Arc::new(Memory::default()) as _), working).unwrap();
    let failed = ends.iter().map(|(_, spent)| spent.aborts + spent.rewinds).sum();
    let generated = ends.iter().map(|(_, spent)| spent.generated).sum::<u64>();
    outcome(policy.name, ends.iter().map(|(commits, _)| *commits).collect(), failed, generated, start)
}

/// How the baselines do, each operation with all of its generation in one piece.
pub(crate) fn baselines(contest: &Contest) -> Vec<Outcome> {
    let locking = Locking::default();
    let refused = |plan: &Plan, generate: &dyn Fn()| {
        let Some(holder) = locking.begin(&names(plan)) else { return false };
        generate();
        locking.commit(&holder, &[(plan[0].as_str(), "1")]);
        true
    };
    let unnoticed = |plan: &Plan, generate: &dyn Fn()| {
        let holder = locking.begin(&names(plan));
        generate();
        holder.is_some_and(|holder| {
            locking.commit(&holder, &[(plan[0].as_str(), "1")]);
            true
        })
    };
    let scanning = Scanning::default();
    let scanned = |plan: &Plan, generate: &dyn Fn()| {
        let mut reader = scanning.begin();
        for key in plan {
            scanning.read(&mut reader, key);
        }
        generate();
        scanning.commit(&reader, &[(plan[0].as_str(), "1")])
    };
    vec![
        baseline(contest, "exclusive locks, refused at begin", &refused),
        baseline(contest, "exclusive locks, refusal noticed at commit", &unnoticed),
        baseline(contest, "snapshots, validated by scanning", &scanned),
    ]
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.iter().map(String::as_str).collect()
}

/// Has each agent try its operations one after the other, each until it is done.
fn baseline(contest: &Contest, name: &'static str, attempt: &(dyn Fn(&Plan, &dyn Fn()) -> bool + Sync)) -> Outcome {
    let (failed, generated, over) = (AtomicU64::new(0), AtomicU64::new(0), deadline(contest));
    let start = Instant::now();
    let commits = std::thread::scope(|scope| {
        let work = |agent| {
            let (failed, generated, over) = (&failed, &generated, &over);
            let ticks = contest.ticks * contest.reads;
            scope.spawn(move || {
                let mut commits = 0;
                let generate = || {
                    std::thread::sleep(Duration::from_micros(ticks));
                    generated.fetch_add(ticks, Ordering::Relaxed);
                };
                for plan in contest.plans(agent) {
                    while !over() && !attempt(&plan, &generate) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                    }
                    if over() {
                        break;
                    }
                    commits += 1;
                }
                commits
            })
        };
        let threads: Vec<_> = (0..contest.agents).map(work).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    outcome(name, commits, failed.into_inner(), generated.into_inner(), start)
}

fn deadline(contest: &Contest) -> impl Fn() -> bool + Sync + use<> {
    let end = Instant::now() + Duration::from_micros(contest.until);
    move || Instant::now() >= end
}

fn outcome(name: &'static str, commits: Vec<u64>, failed: u64, generated_micros: u64, start: Instant) -> Outcome {
    let elapsed = u64::try_from(start.elapsed().as_millis()).unwrap();
    Outcome { name, commits, failed, generated: generated_micros / 1_000, elapsed }
}
