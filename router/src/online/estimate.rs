//! What a way would be worth if it were always taken, from trials in which it mostly was not: off-policy estimates.

use schemars::JsonSchema;
use serde::Serialize;

/// The normal quantile of a 95 % interval.
const NORMAL: f64 = 1.96;

/// Three estimates of a way's mean reward, from 0 to 1 where trials are many.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Estimate {
    /// In how many trials it could have been taken.
    pub trials: u64,
    /// In how many it was.
    pub taken: u64,
    /// By inverse propensity (Horvitz and Thompson 1952): unbiased, and wide.
    pub inverse_propensity: f64,
    /// The same by the sum of the weights (Hájek 1971): narrower, nearly unbiased.
    pub self_normalised: f64,
    /// With what the models expect (Dudík et al. 2011): unbiased, and narrow where they are right.
    pub doubly_robust: f64,
    /// The 95 % interval of `doubly_robust`, by the normal distribution.
    pub interval: [f64; 2],
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Sums {
    trials: u64,
    taken: u64,
    weights: f64,
    rewards: f64,
    robust: f64,
    squares: f64,
}

impl Sums {
    /// Adds a trial: the inverse propensity where the way was taken, else 0; the reward; what it is worth, doubly robust.
    pub(super) fn add(&mut self, weight: f64, reward: f64, robust: f64) {
        self.trials += 1;
        self.taken += u64::from(weight > 0.0);
        self.weights += weight;
        self.rewards += weight * reward;
        self.robust += robust;
        self.squares += robust * robust;
    }

    pub(super) fn trials(&self) -> u64 {
        self.trials
    }

    pub(super) fn estimate(&self) -> Estimate {
        #[expect(clippy::cast_precision_loss, reason = "nobody tells 2^53 trials from one more")]
        let count = self.trials.max(1) as f64;
        let mean = self.robust / count;
        let deviation = (self.squares / count - mean * mean).max(0.0).sqrt();
        let half = NORMAL * deviation / count.sqrt();
        Estimate {
            trials: self.trials,
            taken: self.taken,
            inverse_propensity: self.rewards / count,
            self_normalised: if self.weights > 0.0 { self.rewards / self.weights } else { 0.0 },
            doubly_robust: mean,
            interval: [mean - half, mean + half],
        }
    }
}
