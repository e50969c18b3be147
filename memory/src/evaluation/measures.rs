//! Measures of a ranking against what should have been found, and how sure a difference of two methods is.

use std::collections::BTreeSet;

/// The measures, in the order of [`Measures`].
pub const NAMES: [&str; 8] = ["R@1", "R@3", "R@5", "R@10", "R@20", "all@10", "nDCG@10", "MRR"];

/// How far down the ranking most measures look.
const DEPTH: usize = 10;

/// How good a ranking is, each from 0 to 1: the fraction of the evidence among the first 1, 3, 5, 10 and 20; whether all of
/// it is among the first 10; the normalised discounted cumulative gain there (Järvelin and Kekäläinen 2002); and 1 over the
/// place of the first that is evidence.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measures(pub [f64; 8]);

impl Measures {
    /// Measures one ranking, best first; what is not in it was not found. Without evidence everything is 0.
    pub fn of<K: Ord>(ranked: &[K], evidence: &BTreeSet<K>) -> Measures {
        let places: Vec<usize> =
            ranked.iter().enumerate().filter_map(|(place, key)| evidence.contains(key).then_some(place)).collect();
        let Some(first) = places.first() else { return Measures::default() };
        let within = |depth: usize| places.iter().take_while(|place| **place < depth).count();
        let recall = |depth: usize| real(within(depth)) / real(evidence.len());
        let gain = |place: usize| 1.0 / (real(place) + 2.0).log2();
        let gained: f64 = places.iter().take(within(DEPTH)).map(|place| gain(*place)).sum();
        let possible: f64 = (0..evidence.len().min(DEPTH)).map(gain).sum();
        let all = if within(DEPTH) == evidence.len() { 1.0 } else { 0.0 };
        let reciprocal = 1.0 / (real(*first) + 1.0);
        Measures([recall(1), recall(3), recall(5), recall(DEPTH), recall(20), all, gained / possible, reciprocal])
    }

    /// The mean over questions.
    pub fn mean(all: &[Measures]) -> Measures {
        let mut sums = [0.0; NAMES.len()];
        for measures in all {
            for (sum, value) in sums.iter_mut().zip(measures.0) {
                *sum += value;
            }
        }
        Measures(sums.map(|sum| sum / real(all.len().max(1))))
    }
}

/// A mean difference with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The mean difference.
    pub mean: f64,
    /// The least that it may well be.
    pub low: f64,
    /// The greatest that it may well be.
    pub high: f64,
}

/// How sure a difference is that two methods show on the same questions: the percentile bootstrap over them (Efron and
/// Tibshirani 1993, chapter 13). One seed has one answer; nothing where there is no question.
pub fn paired_bootstrap(differences: &[f64], rounds: usize, seed: u64) -> Option<Interval> {
    let count = u64::try_from(differences.len()).ok().filter(|count| *count > 0)?;
    let mut state = seed;
    let mut means: Vec<f64> = (0..rounds.max(1))
        .map(|_| {
            let drawn = (0..count).filter_map(|_| differences.get(usize::try_from(next(&mut state) % count).ok()?));
            drawn.sum::<f64>() / real(differences.len())
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |thousandth: usize| means.get((means.len() - 1) * thousandth / 1000).copied();
    let mean = differences.iter().sum::<f64>() / real(differences.len());
    Some(Interval { mean, low: at(25)?, high: at(975)? })
}

/// The next number of `SplitMix64` (Steele, Lea and Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn real(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nobody asks 2^53 questions")]
    {
        count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_what_a_hand_computes() {
        // Two pieces of evidence, found at places 2 and 12 of 12.
        let ranked: Vec<u32> = (1..=12).collect();
        let Measures(found) = Measures::of(&ranked, &BTreeSet::from([2, 12]));
        let ndcg = (1.0 / 3.0_f64.log2()) / (1.0 + 1.0 / 3.0_f64.log2());
        assert_eq!(Measures(found), Measures([0.0, 0.5, 0.5, 0.5, 1.0, 0.0, ndcg, 0.5]));
        let early = Measures::of(&ranked, &BTreeSet::from([1, 2]));
        assert_eq!(early, Measures([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]));
        assert_eq!(Measures::of(&ranked, &BTreeSet::from([99])), Measures::default());
        assert_eq!(Measures::of(&[], &BTreeSet::<u32>::new()), Measures::default());
    }

    #[test]
    fn a_mean_is_over_questions() {
        let (all, none) = (Measures([1.0; 8]), Measures::default());
        assert_eq!(Measures::mean(&[all, none, none, all]), Measures([0.5; 8]));
        assert_eq!(Measures::mean(&[]), none);
    }

    #[test]
    fn a_bootstrap_tells_a_difference_from_chance() {
        let clear = [0.2, 0.3, 0.25, 0.1, 0.3, 0.2, 0.15, 0.25];
        let clear = paired_bootstrap(&clear, 1000, 7).unwrap();
        assert!(clear.low > 0.1 && clear.high < 0.31 && (clear.mean - 0.21875).abs() < 1e-12, "{clear:?}");
        let chance = [0.5, -0.5, 0.4, -0.4, 0.3, -0.3];
        let chance = paired_bootstrap(&chance, 1000, 7).unwrap();
        assert!(chance.low < 0.0 && chance.high > 0.0, "{chance:?}");
        assert_eq!(paired_bootstrap(&[0.5; 3], 10, 1), Some(Interval { mean: 0.5, low: 0.5, high: 0.5 }));
        assert_eq!(paired_bootstrap(&[], 10, 1), None);
    }
}
