//! From a score to a probability that holds: isotonic regression (Barlow et al. 1972, by pooling adjacent violators), smoothed
//! within its steps, fitted on scores of questions that the model did not learn from.

/// A map from scores to probabilities that never falls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calibration {
    /// Scores, ascending, with the probability at each; between two it is a line.
    pub points: Vec<[f32; 2]>,
}

/// How many rows a step is made of at least: fewer tell nothing of rare evidence.
const LEAST: f32 = 40.0;

/// The least and the greatest probability: nothing that was seen so seldom or so often is certain.
const NEVER: f32 = 2e-4;
const SURE: f32 = 0.995;

impl Calibration {
    /// Fits scores and labels.
    pub fn fit(scored: &[(f32, f32)]) -> Calibration {
        let mut sorted = scored.to_vec();
        sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
        // Each step: sum of scores, of labels, and how many.
        let mut steps: Vec<[f32; 3]> = Vec::new();
        for (score, label) in sorted {
            match steps.last_mut().filter(|step| step[2] < LEAST) {
                Some(step) => *step = [step[0] + score, step[1] + label, step[2] + 1.0],
                None => steps.push([score, label, 1.0]),
            }
        }
        let mut pooled: Vec<[f32; 3]> = Vec::new();
        for step in steps {
            pooled.push(step);
            while let [.., before, last] = pooled.as_slice() {
                if before[1] / before[2] < last[1] / last[2] {
                    break;
                }
                let both = [before[0] + last[0], before[1] + last[1], before[2] + last[2]];
                pooled.truncate(pooled.len() - 2);
                pooled.push(both);
            }
        }
        let point = |step: &[f32; 3]| [step[0] / step[2], (step[1] / step[2]).clamp(NEVER, SURE)];
        Calibration { points: pooled.iter().map(point).collect() }
    }

    /// The probability of a score.
    pub fn probability(&self, score: f32) -> f32 {
        let after = self.points.partition_point(|point| point[0] < score);
        let at = |place: usize| self.points.get(place).copied();
        let value = match (after.checked_sub(1).and_then(at), at(after)) {
            (Some(before), Some(next)) if next[0] > before[0] => {
                before[1] + (next[1] - before[1]) * (score - before[0]) / (next[0] - before[0])
            }
            (Some([_, value]), _) | (None, Some([_, value])) => value,
            (None, None) => 1.0 / (1.0 + (-score).exp()),
        };
        value.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn probabilities_are_those_that_were_seen() {
        // Of a thousand with each score, as many in ten are evidence as the score says.
        let scored: Vec<(f32, f32)> =
            (0..10_000_u16).map(|at| (f32::from(at % 10), if at / 10 % 10 < at % 10 { 1.0 } else { 0.0 })).collect();
        let calibration = Calibration::fit(&scored);
        for tenths in 0..10_u8 {
            let (seen, told) = (f32::from(tenths) / 10.0, calibration.probability(f32::from(tenths)));
            assert!((seen - told).abs() < 0.03, "{tenths}: {told}");
        }
    }

    proptest! {
        #[test]
        fn a_greater_score_is_never_less_probable(
            scored in proptest::collection::vec((-5.0..5.0_f32, prop_oneof![Just(0.0_f32), Just(1.0_f32)]), 0..400),
            one in -9.0..9.0_f32, other in -9.0..9.0_f32)
        {
            let calibration = Calibration::fit(&scored);
            let of = |score: f32| calibration.probability(score);
            prop_assert!((0.0..=1.0).contains(&of(one)));
            prop_assert!(of(one.min(other)) <= of(one.max(other)) + 1e-6);
        }
    }
}
