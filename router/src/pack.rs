//! Packing: which candidates are worth their tokens, under a hard cap.
//!
//! The knapsack is filled by value per token (Dantzig 1957), where the value is the probability of being evidence, less what is
//! said already by what was taken: for a question with several pieces of evidence the second one counts in full, and its
//! repetition hardly. It ends where nothing left is worth its price, or fits. Evidence is a sum over items, so that for the
//! same λ no other choice has more of it, but for what the last gap in the cap is too small for.
//!
//! INVARIANT: what is taken never costs more than the cap. Equal input is packed equally.

use memory::rank::common;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What repeating something costs, as a share of what is repeated.
const REPETITION: f32 = 0.8;
/// Below this likeness two texts say different things.
const ALIKE: f32 = 0.4;

/// A candidate as packing sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parcel {
    /// The probability that it is evidence.
    pub probability: f32,
    /// What it costs, in tokens.
    pub tokens: u32,
    /// Its terms by number, ascending, each once.
    pub terms: Vec<u32>,
}

/// What packing keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// The most tokens in all; nothing where they are not capped.
    pub cap: Option<u64>,
    /// The most items.
    pub items: usize,
    /// What a token is worth, in probability of evidence: an item whose gain is less for its tokens is not taken.
    pub price: f32,
    /// The least gain that an item is taken for.
    pub least: f32,
}

/// Why an item is in the context or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the context.
    Chosen,
    /// It was worth its price, and did not fit any more.
    NoRoom,
    /// It says what a chosen one says.
    Repeats,
    /// Its gain is less than what its tokens are worth.
    NotWorth,
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Packed {
    /// What taking it gains: its probability, less what is said already.
    pub gain: f32,
    /// In or out, and why.
    pub verdict: Verdict,
}

/// Packs; gives back what became of each, and the places of those that are in, in the order in which they were taken.
pub fn pack(parcels: &[Parcel], terms: &Terms) -> (Vec<Packed>, Vec<usize>) {
    let mut packed: Vec<Packed> =
        parcels.iter().map(|parcel| Packed { gain: parcel.probability, verdict: Verdict::NotWorth }).collect();
    let mut open: Vec<usize> = (0..parcels.len()).collect();
    let (mut chosen, mut left) = (Vec::new(), terms.cap);
    while chosen.len() < terms.items {
        let Some((at, place)) = best(parcels, &packed, &open, terms, left) else { break };
        open.swap_remove(at);
        let Some(taken) = parcels.get(place) else { break };
        left = left.map(|left| left.saturating_sub(taken.tokens.into()));
        chosen.push(place);
        for place in &open {
            let (Some(one), Some(packed)) = (parcels.get(*place), packed.get_mut(*place)) else { continue };
            if !is_worth(one, packed.gain, terms) {
                continue; // It is out, and nothing that is taken brings it in.
            }
            let alike = likeness(&one.terms, &taken.terms);
            if alike > ALIKE {
                packed.gain = packed.gain.min(one.probability * (1.0 - REPETITION * alike));
            }
        }
        if let Some(packed) = packed.get_mut(place) {
            packed.verdict = Verdict::Chosen;
        }
    }
    for place in open {
        if let (Some(parcel), Some(packed)) = (parcels.get(place), packed.get_mut(place)) {
            packed.verdict = if is_worth(parcel, packed.gain, terms) {
                Verdict::NoRoom
            } else if is_worth(parcel, parcel.probability, terms) {
                Verdict::Repeats
            } else {
                Verdict::NotWorth
            };
        }
    }
    (packed, chosen)
}

/// The one that gains most for its tokens, of those that fit and are worth it: its place among the open ones, and its own.
fn best(
    parcels: &[Parcel],
    packed: &[Packed],
    open: &[usize],
    terms: &Terms,
    left: Option<u64>,
) -> Option<(usize, usize)> {
    let mut best: Option<(f32, usize, usize)> = None;
    for (at, place) in open.iter().enumerate() {
        let (Some(parcel), Some(packed)) = (parcels.get(*place), packed.get(*place)) else { continue };
        let fits = left.is_none_or(|left| u64::from(parcel.tokens) <= left);
        let rate = rate(parcel, packed.gain);
        let is_better = best.is_none_or(|(most, _, other)| rate > most || (rate >= most && *place < other));
        if fits && is_worth(parcel, packed.gain, terms) && is_better {
            best = Some((rate, at, *place));
        }
    }
    best.map(|(_, at, place)| (at, place))
}

fn is_worth(parcel: &Parcel, gain: f32, terms: &Terms) -> bool {
    gain >= terms.least && rate(parcel, gain) >= terms.price
}

fn rate(parcel: &Parcel, gain: f32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "a price of 2^24 tokens is none")]
    {
        gain / parcel.tokens.max(1) as f32
    }
}

/// How alike two texts are in their terms (Jaccard).
fn likeness(one: &[u32], other: &[u32]) -> f32 {
    let common = common(one, other);
    let all = one.len() + other.len() - common;
    #[expect(clippy::cast_precision_loss, reason = "texts have fewer than 2^24 terms")]
    if all == 0 { 0.0 } else { common as f32 / all as f32 }
}

/// The probability that none of the candidates is evidence, as if they were independent.
pub fn nothing(probabilities: impl Iterator<Item = f32>) -> f32 {
    probabilities.map(|probability| 1.0 - probability).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parcel(probability: f32, tokens: u32, terms: &[u32]) -> Parcel {
        Parcel { probability, tokens, terms: terms.to_vec() }
    }

    const FREE: Terms = Terms { cap: None, items: usize::MAX, price: 0.0, least: 0.0 };

    #[test]
    fn what_gains_most_for_its_tokens_is_taken_first() {
        let parcels = [parcel(0.9, 90, &[1]), parcel(0.5, 10, &[2]), parcel(0.1, 100, &[3])];
        let (packed, chosen) = pack(&parcels, &Terms { cap: Some(100), ..FREE });
        assert_eq!(chosen, [1, 0]);
        assert_eq!(
            packed.iter().map(|one| one.verdict).collect::<Vec<_>>(),
            [Verdict::Chosen, Verdict::Chosen, Verdict::NoRoom]
        );
        assert_eq!(pack(&parcels, &Terms { price: 0.02, ..FREE }).1, [1], "0.9 for 90 tokens is a hundredth each");
    }

    #[test]
    fn a_repetition_is_worth_little_and_another_piece_of_evidence_all() {
        let parcels = [parcel(0.9, 10, &[1, 2, 3]), parcel(0.8, 10, &[1, 2, 3]), parcel(0.5, 10, &[7, 8])];
        let (packed, chosen) = pack(&parcels, &Terms { least: 0.3, ..FREE });
        assert_eq!(chosen, [0, 2]);
        assert_eq!(packed[1].verdict, Verdict::Repeats);
    }

    proptest! {
        #[test]
        fn the_cap_holds_and_packing_ends(
            parcels in proptest::collection::vec((0.0..1.0_f32, 0..200_u32, proptest::collection::btree_set(0..20_u32, 0..6)), 0..40),
            cap in 0..1000_u64, items in 0..20_usize, price in 0.0..0.02_f32)
        {
            let parcels: Vec<Parcel> =
                parcels.into_iter().map(|(p, tokens, terms)| Parcel { probability: p, tokens, terms: terms.into_iter().collect() }).collect();
            let terms = Terms { cap: Some(cap), items, price, least: 0.01 };
            let (packed, chosen) = pack(&parcels, &terms);
            prop_assert!(chosen.len() <= items);
            prop_assert!(chosen.iter().map(|at| u64::from(parcels[*at].tokens)).sum::<u64>() <= cap);
            prop_assert_eq!(chosen.len(), packed.iter().filter(|one| one.verdict == Verdict::Chosen).count());
            prop_assert_eq!(pack(&parcels, &terms), (packed, chosen));
        }
    }
}
