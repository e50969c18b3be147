//! The workload shapes over the real store: clean and complete at every level that promises it, and not below.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use consistency::Level;
use consistency::store::sqlite::{Options, SqliteShell};
use consistency::store::{Memory, Shell};
use std::collections::BTreeMap;
use std::sync::Arc;
use verification::workload::judge::{Score, judge};
use verification::workload::policy::{Contest, DESIGN, Outcome};
use verification::workload::shapes::{self, SHAPES};
use verification::workload::threads::Working;
use verification::workload::{Policy, Setting, run, threads};

/// How many seeds each shape runs with.
const SEEDS: u64 = 20;

fn memory() -> Arc<dyn Shell> {
    Arc::new(Memory::default())
}

/// The score of a shape over new stores in memory.
fn score(shape: shapes::Make, level: Level, policy: Policy, seeds: u64) -> Score {
    Score::of(&shape, level, policy, 0..seeds, &mut || Ok(memory())).unwrap()
}

#[test]
fn every_shape_is_clean_and_complete_from_l1_on_and_each_level_admits_what_the_next_excludes() {
    let mut shown: BTreeMap<(Level, &str), usize> = BTreeMap::new();
    for (name, shape) in SHAPES {
        for level in Level::ALL {
            let score = score(*shape, level, Policy::FULL, SEEDS);
            assert_eq!(score.clean, score.runs, "{name}: {:?}", score.first);
            assert!(score.complete == score.runs || level == Level::L0, "{name}: {:?}", score.first);
            for (kind, runs) in score.anomalies {
                *shown.entry((level, kind)).or_default() += runs;
            }
        }
    }
    let witnessed = |level, kind| shown.get(&(level, kind)).copied().unwrap_or_default();
    for kind in ["A1", "phantom", "write skew", "sum"] {
        assert!(witnessed(Level::L0, kind) > 0 && witnessed(Level::L1, kind) == 0, "{kind}: {shown:?}");
    }
    for (below, kind) in [(Level::L1, "A3"), (Level::L2, "A6"), (Level::L3, "A2")] {
        assert!(witnessed(below, kind) > 0, "{below} does not admit {kind}: {shown:?}");
    }
}

#[test]
fn without_a_level_updates_are_lost() {
    let shapes: [(shapes::Make, &str); 4] = [
        (|_| shapes::fan_in(4), "fan-in"),
        (shapes::append_by_rewriting, "append"),
        (shapes::shared_workspace, "workspace"),
        (shapes::edit_review, "edit-review"),
    ];
    for (shape, name) in shapes {
        let score = score(shape, Level::L0, Policy::FULL, SEEDS);
        assert!(score.complete < score.runs, "{name}: nothing was lost at L0");
    }
    let score = score(shapes::append, Level::L0, Policy::FULL, SEEDS);
    assert_eq!(score.complete, score.runs, "deltas need no level: {:?}", score.first);
}

#[test]
fn every_policy_is_clean_and_complete() {
    for policy in Policy::ALL {
        for (name, shape) in SHAPES {
            let score = score(*shape, Level::L4, policy, 3);
            assert_eq!((score.clean, score.complete), (3, 3), "{name}, {}: {:?}", policy.name, score.first);
        }
    }
}

#[test]
fn a_store_in_a_file_is_clean_and_complete() {
    let folder = tempfile::tempdir().unwrap();
    let mut stores = 0;
    let mut file = || {
        stores += 1;
        let options = Options::new(Arc::new(|| 0));
        let shell = SqliteShell::open(&folder.path().join(format!("{stores}.db")), options)?;
        Ok(Arc::new(shell) as Arc<dyn Shell>)
    };
    for (name, shape) in SHAPES {
        for level in [Level::L1, Level::L4] {
            let score = Score::of(shape, level, Policy::FULL, 0..1, &mut file).unwrap();
            assert_eq!((score.clean, score.complete), (1, 1), "{name}: {:?}", score.first);
        }
    }
}

#[test]
fn a_store_that_does_nothing_is_clean_and_not_complete() {
    for (name, shape) in SHAPES {
        let (shape, shell) = (shape(0), memory());
        let setting = Setting { level: Level::L4, policy: Policy::FULL, seed: 0, until: 0 };
        let (trace, end) = run(&shape, &shell, setting).unwrap();
        let judged = judge(&shape, &shell, &trace, &end).unwrap();
        assert!(judged.missing.len() > trace.unfinished.len(), "{name}: its own judge misses nothing");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let once = |seed| {
        let setting = Setting { level: Level::L3, policy: Policy::FULL, seed, until: 100_000 };
        run(&shapes::plan_execute(0), &memory(), setting).unwrap().0
    };
    assert_eq!(once(1), once(1));
    assert_ne!(once(1).delivered, once(2).delivered);
}

#[test]
fn threads_are_clean_and_complete_too() {
    let shapes: [shapes::Make; 5] = [
        |_| shapes::fan_in(16),
        shapes::append,
        shapes::append_by_rewriting,
        shapes::transfers,
        shapes::scan_then_insert,
    ];
    for (seed, policy) in (0..SEEDS).zip(Policy::ALL.into_iter().cycle()) {
        for shape in shapes {
            let shape = shape(seed);
            let (pass, over) = (|_| std::thread::yield_now(), || false);
            let working = Working { level: Level::L1, policy, pass: &pass, over: &over };
            let (judged, _) = threads::run(&shape, &memory(), working).unwrap();
            assert!(judged.anomalies.is_empty() && judged.missing.is_empty(), "{shape:?}: {judged:?}");
        }
    }
}

#[test]
fn partial_generation_and_leases_bring_the_most_and_nobody_starves() {
    let contest = Contest { until: 3_600_000, ..DESIGN };
    let results: Vec<_> = Policy::ALL.iter().map(|policy| contest.policy(*policy).unwrap()).collect();
    let baselines = contest.baselines();
    let [at_commit, _, partial, leases, .., at_once] = results.as_slice() else { panic!("the table has its rows") };
    assert!(partial.per_hour() > 1.5 * at_commit.per_hour(), "partial re-generation brings the most an hour");
    let best = |result: &&Outcome| at_once.per_generated() >= result.per_generated();
    assert_eq!(results.iter().filter(best).count(), results.len(), "leases at once bring the most a generation");
    for result in [partial, leases, at_once] {
        let (least, _, most) = result.spread();
        assert!(2 * least >= most, "somebody starves under {}: {:?}", result.name, result.commits);
    }
    let [_, late, scanning] = baselines.as_slice() else { panic!("the table has its rows") };
    assert_eq!(late.spread().0, 0, "locks without an order starve somebody: {:?}", late.commits);
    assert!(at_once.per_generated() > 3.0 * late.per_generated().max(scanning.per_generated()));
}
