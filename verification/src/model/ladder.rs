//! Strict separation: each level admits the anomalies that it is said to admit, and excludes the others.
//!
//! One small model is run at every level, with every anomaly asked about at every level. What a level excludes is not
//! found in all its states; what it admits is found, with the shortest way there.

use super::action::Deed;
use super::promise::Promise;
use super::run::{Checked, Counterexample, Search};
use super::setup::Setup;
use consistency::Level;
use consistency::ledger::Repeat;

/// The anomalies, each by the promise that excludes it, in the order of the levels that do.
pub const ANOMALIES: [Promise; 4] =
    [Promise::StaleGeneration, Promise::CausalCascade, Promise::EffectOrder, Promise::PhantomTool];

/// How many actions it takes at least to reach each anomaly where a level admits it, and how many states each level has.
pub const EXPECTED: [(Level, usize, [Option<usize>; 4]); 5] = [
    (Level::L0, 33_330, [Some(5), Some(7), Some(6), Some(4)]),
    (Level::L1, 27_902, [None, Some(7), Some(6), Some(4)]),
    (Level::L2, 26_338, [None, None, Some(6), Some(4)]),
    (Level::L3, 14_782, [None, None, None, Some(4)]),
    (Level::L4, 5_363, [None, None, None, None]),
];

/// What one level does about the anomalies.
#[derive(Debug, Clone)]
pub struct Rung {
    /// The level.
    pub level: Level,
    /// All its states.
    pub checked: Checked,
    /// The shortest way to each anomaly, where there is one.
    pub found: [Option<Counterexample>; 4],
}

impl Rung {
    /// Climbs to a level.
    pub fn check(level: Level) -> Rung {
        let setup = setup(level);
        let checked = setup.check(Search::Breadth, 1, &mut |_| ());
        let found = ANOMALIES.map(|promise| {
            let admitted = checked.broken.iter().any(|found| found.promise == promise);
            admitted.then(|| setup.refute(promise)).flatten()
        });
        Rung { level, checked, found }
    }

    /// What is not as expected, in words; nothing where all is well.
    pub fn unexpected(&self) -> Vec<String> {
        let mut all = Vec::new();
        let Some((_, states, depths)) = EXPECTED.iter().find(|(level, ..)| *level == self.level) else { return all };
        if !self.checked.complete || self.checked.states != *states {
            all.push(format!("{} states, where {states} are expected", self.checked.states));
        }
        for ((promise, found), depth) in ANOMALIES.iter().zip(&self.found).zip(depths) {
            let depth_found = found.as_ref().map(Counterexample::depth);
            if depth_found != *depth {
                let story = found.as_ref().map(|found| found.story.join("\n  ")).unwrap_or_default();
                all.push(format!("“{promise}”: found at {depth_found:?}, expected at {depth:?}\n  {story}"));
            }
            if !self.checked.judged.contains(promise) {
                all.push(format!("“{promise}” was never put to the test"));
            }
        }
        let others = self.checked.broken.iter().filter(|found| !ANOMALIES.contains(&found.promise));
        all.extend(others.map(|found| format!("“{}” does not hold:\n  {}", found.promise, found.story.join("\n  "))));
        all
    }
}

/// The model of a level.
pub fn setup(level: Level) -> Setup {
    let levels: &'static [Level] = match level {
        Level::L0 => &[Level::L0],
        Level::L1 => &[Level::L1],
        Level::L2 => &[Level::L2],
        Level::L3 => &[Level::L3],
        Level::L4 => &[Level::L4],
    };
    Setup {
        keys: 1,
        transactions: 2,
        deeds: vec![Deed::HOLD, Deed::ISSUE.with_effects(2)],
        tool: Some(Repeat::Keyed),
        pins: true,
        claims: 2,
        registrations: 1,
        retractions: 1,
        strict: true,
        ..Setup::new("ladder", "every anomaly at every level", levels)
    }
}
