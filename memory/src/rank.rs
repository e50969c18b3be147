//! Ranking: what several lists of scores say together. Pure functions; ties are broken by the key, so that equal input has
//! equal output.
//!
//! Deliberately absent: where scores come from, and learned weights.

use std::collections::{BTreeMap, BTreeSet};

/// How much a place in a list weighs less than the one before: the constant of reciprocal rank fusion (Cormack, Clarke and
/// Büttcher 2009).
pub const RRF_K: f64 = 60.0;

/// How much the score of the better neighbour counts.
pub const NEIGHBOUR_WEIGHT: f64 = 0.5;

/// The scores that one way of searching gave; what it did not find has the score `absent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores<K> {
    /// What was found. A key that is there twice counts with its last score.
    pub found: Vec<(K, f64)>,
    /// The score of all else: 0 for a search by words that listed every match, the least found score for one that was cut off.
    pub absent: f64,
}

impl<K> Scores<K> {
    /// A list whose search would have given 0 to all else.
    pub fn all(found: Vec<(K, f64)>) -> Scores<K> {
        Scores { found, absent: 0.0 }
    }

    /// The best part of a list: what is not in it scored at most as high as its last.
    pub fn best(found: Vec<(K, f64)>) -> Scores<K> {
        let absent = found.iter().map(|(_, score)| *score).reduce(f64::min).unwrap_or_default();
        Scores { found, absent }
    }
}

/// How many numbers two ascending lists have in common.
pub fn common(one: &[u32], other: &[u32]) -> usize {
    let (mut one, mut other, mut common) = (one, other, 0);
    while let ([first, one_rest @ ..], [second, other_rest @ ..]) = (one, other) {
        // Without a branch on which is less: the lists are short, and nobody can foresee it.
        common += usize::from(first == second);
        (one, other) = (if first <= second { one_rest } else { one }, if second <= first { other_rest } else { other });
    }
    common
}

/// Sums the z-scores that every candidate has in each list, best first: how many standard deviations it lies above the mean
/// of all candidates. A list in which all candidates are equal says nothing.
pub fn z_score_sum<K: Ord + Clone>(lists: &[Scores<K>]) -> Vec<(K, f64)> {
    let candidates: BTreeSet<&K> = lists.iter().flat_map(|list| list.found.iter().map(|(key, _)| key)).collect();
    let mut sums = vec![0.0; candidates.len()];
    for list in lists {
        let found: BTreeMap<&K, f64> = list.found.iter().map(|(key, score)| (key, *score)).collect();
        let scores: Vec<f64> = candidates.iter().map(|key| found.get(*key).copied().unwrap_or(list.absent)).collect();
        let (mean, deviation) = mean_and_deviation(&scores);
        if deviation > 0.0 {
            for (sum, score) in sums.iter_mut().zip(&scores) {
                *sum += (score - mean) / deviation;
            }
        }
    }
    sorted(candidates.into_iter().cloned().zip(sums).collect())
}

/// Reciprocal rank fusion, best first: the sum of 1 / ([`RRF_K`] + rank) over the lists that found a candidate.
pub fn reciprocal_rank_fusion<K: Ord + Clone>(lists: &[Scores<K>]) -> Vec<(K, f64)> {
    let mut sums: BTreeMap<K, f64> = BTreeMap::new();
    for list in lists {
        let mut rank = RRF_K;
        for (key, _) in sorted(list.found.clone()) {
            rank += 1.0;
            *sums.entry(key).or_default() += 1.0 / rank;
        }
    }
    sorted(sums.into_iter().collect())
}

/// Adds to every score that of its better neighbour at [`NEIGHBOUR_WEIGHT`], best first: a question and its answer are found
/// by each other's words. `place` tells in which conversation a candidate was said and where; neighbours are the ones before
/// and after it there, as far as they are candidates. Both together find less.
pub fn with_neighbours<K: Ord + Clone, C: Ord>(
    scores: &[(K, f64)],
    place: impl Fn(&K) -> Option<(C, u32)>,
) -> Vec<(K, f64)> {
    let places: Vec<Option<(C, u32)>> = scores.iter().map(|(key, _)| place(key)).collect();
    let mut conversations: BTreeMap<&C, BTreeMap<u32, f64>> = BTreeMap::new();
    for ((_, score), place) in scores.iter().zip(&places) {
        if let Some((conversation, at)) = place {
            conversations.entry(conversation).or_default().insert(*at, *score);
        }
    }
    let near = |place: &Option<(C, u32)>| -> f64 {
        let Some((conversation, at)) = place else { return 0.0 };
        let Some(turns) = conversations.get(conversation) else { return 0.0 };
        let neighbours = [at.checked_sub(1), at.checked_add(1)];
        neighbours.into_iter().flatten().filter_map(|at| turns.get(&at).copied()).reduce(f64::max).unwrap_or_default()
    };
    let smoothed =
        scores.iter().zip(&places).map(|((key, score), place)| (key.clone(), score + NEIGHBOUR_WEIGHT * near(place)));
    sorted(smoothed.collect())
}

/// Sorts by score, best first; equal scores by the key.
pub fn sorted<K: Ord>(mut scores: Vec<(K, f64)>) -> Vec<(K, f64)> {
    scores.sort_by(|(one, of_one), (other, of_other)| of_other.total_cmp(of_one).then_with(|| one.cmp(other)));
    scores
}

fn mean_and_deviation(scores: &[f64]) -> (f64, f64) {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 candidates")]
    let count = scores.len().max(1) as f64;
    let mean = scores.iter().sum::<f64>() / count;
    let variance = scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn order<K: Clone>(ranked: &[(K, f64)]) -> Vec<K> {
        ranked.iter().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn z_scores_are_summed_over_the_union() {
        // Words: 4, 0, 2 with mean 2 and deviation √(8/3). Meaning: 0.9, 0.3, absent 0.3 with mean 0.5 and deviation √0.08.
        let words = Scores::all(vec![("a", 4.0), ("c", 2.0)]);
        let meaning = Scores::best(vec![("a", 0.9), ("b", 0.3)]);
        let ranked = z_score_sum(&[words, meaning]);
        assert_eq!(order(&ranked), ["a", "c", "b"]);
        let a = 2.0 / (8.0_f64 / 3.0).sqrt() + 0.4 / 0.08_f64.sqrt();
        assert!((ranked[0].1 - a).abs() < 1e-12, "{ranked:?}");
    }

    #[test]
    fn a_list_that_says_nothing_changes_nothing() {
        let words = Scores::all(vec![(1, 3.0), (2, 1.0)]);
        let flat = Scores::all(vec![(1, 0.5), (2, 0.5)]);
        assert_eq!(z_score_sum(&[words.clone(), flat]), z_score_sum(&[words]));
        assert!(z_score_sum::<u8>(&[]).is_empty());
    }

    #[test]
    fn ranks_are_fused() {
        let one = Scores::all(vec![("a", 9.0), ("b", 8.0)]);
        let other = Scores::all(vec![("b", 0.2), ("c", 0.1)]);
        let ranked = reciprocal_rank_fusion(&[one, other]);
        assert_eq!(order(&ranked), ["b", "a", "c"]);
        assert!((ranked[0].1 - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-15);
    }

    #[test]
    fn neighbours_count_half_and_only_within_their_conversation() {
        let scores = [(("x", 0), 4.0), (("x", 1), 1.0), (("x", 2), 3.0), (("x", 4), 2.0), (("y", 3), 1.5)];
        let ranked = with_neighbours(&scores, |key| Some(*key));
        assert_eq!(ranked, [(("x", 0), 4.5), (("x", 2), 3.5), (("x", 1), 3.0), (("x", 4), 2.0), (("y", 3), 1.5)]);
        let alone = with_neighbours(&scores, |_| None::<(u8, u32)>);
        assert_eq!(alone, sorted(scores.to_vec()));
    }

    proptest! {
        #[test]
        fn what_any_list_found_is_ranked_once(lists in proptest::collection::vec(
            proptest::collection::vec((0_u8..20, -5.0..5.0_f64), 0..20), 0..4))
        {
            let lists: Vec<_> = lists.into_iter().map(Scores::best).collect();
            let union: BTreeSet<u8> = lists.iter().flat_map(|list| list.found.iter().map(|(key, _)| *key)).collect();
            for ranked in [z_score_sum(&lists), reciprocal_rank_fusion(&lists)] {
                let keys: BTreeSet<u8> = ranked.iter().map(|(key, _)| *key).collect();
                prop_assert_eq!(&keys, &union);
                prop_assert!(ranked.is_sorted_by(|one, other| one.1 >= other.1));
            }
        }

        #[test]
        fn the_scale_of_a_list_does_not_matter_to_z_scores(
            found in proptest::collection::vec((0_u8..20, -5.0..5.0_f64), 2..20), by in 0.5..4.0_f64)
        {
            let scaled = found.iter().map(|(key, score)| (*key, score * by + 1.0)).collect();
            let (one, other) = (z_score_sum(&[Scores::best(found)]), z_score_sum(&[Scores::best(scaled)]));
            for (one, other) in one.iter().zip(&other) {
                prop_assert!((one.1 - other.1).abs() < 1e-6);
            }
        }
    }
}
