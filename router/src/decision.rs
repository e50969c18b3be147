//! Why a context holds what it holds: everything that the choice was made from, so that it can be made again.
//!
//! INVARIANT: with the same model, [`Decision::replay`] makes the same choice from the record alone.

use crate::pack::{Packed, Parcel, Terms, Verdict, pack};
use crate::weights::Weights;
use memory::RecordId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Names a decision: the first 16 digits of the hash of what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DecisionId(String);

impl DecisionId {
    /// How many digits it has.
    const DIGITS: usize = 16;
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is no decision's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a decision's name has 16 hexadecimal digits\nhelp: `explain` in a reply of recall names it")]
pub struct NoDecision;

impl FromStr for DecisionId {
    type Err = NoDecision;
    fn from_str(text: &str) -> Result<DecisionId, NoDecision> {
        let is = text.len() == DecisionId::DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is { Ok(DecisionId(text.to_lowercase())) } else { Err(NoDecision) }
    }
}

/// A choice, with what it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// Its name.
    pub id: DecisionId,
    /// The name of the weights.
    pub model: String,
    /// Whether candidates were compared by meaning.
    pub has_dense: bool,
    /// What packing kept to.
    pub terms: Terms,
    /// The candidates, in the order in which they were packed.
    pub candidates: Vec<Weighed>,
}

/// A candidate and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Weighed {
    /// The record.
    pub id: RecordId,
    /// What is known of it, in the order of [`GROUPS`](crate::features::GROUPS); `null` is not known.
    pub features: Vec<Option<f32>>,
    /// The probability that the modules' findings added.
    pub by_modules: f32,
    /// What packing saw.
    pub parcel: Parcel,
    /// What it made of it.
    pub packed: Packed,
}

impl Decision {
    /// Decides.
    pub fn new(
        model: &str,
        has_dense: bool,
        terms: Terms,
        candidates: Vec<(RecordId, Vec<f32>, f32, Parcel)>,
    ) -> Decision {
        let (known, parcels): (Vec<_>, Vec<Parcel>) = candidates
            .into_iter()
            .map(|(id, features, by_modules, parcel)| ((id, features, by_modules), parcel))
            .unzip();
        let (packed, _) = pack(&parcels, &terms);
        let weighed =
            known.into_iter().zip(parcels).zip(packed).map(|(((id, features, by_modules), parcel), packed)| {
                let features = features.into_iter().map(|value| value.is_finite().then_some(value)).collect();
                Weighed { id, features, by_modules, parcel, packed }
            });
        let id = DecisionId(String::new());
        let decision = Decision { id, model: model.to_owned(), has_dense, terms, candidates: weighed.collect() };
        Decision { id: decision.name(), ..decision }
    }

    /// The records that are in the context.
    pub fn chosen(&self) -> impl Iterator<Item = RecordId> {
        self.candidates.iter().filter(|one| one.packed.verdict == Verdict::Chosen).map(|one| one.id)
    }

    fn name(&self) -> DecisionId {
        // Numbers are hashed as they are, so that reading the record back changes no name.
        let mut bytes = self.model.as_bytes().to_vec();
        for one in &self.candidates {
            bytes.extend_from_slice(one.id.as_bytes());
            for value in one.features.iter().copied().chain([Some(one.by_modules), Some(one.parcel.probability)]) {
                bytes.extend_from_slice(&value.unwrap_or(f32::NAN).to_le_bytes());
            }
            bytes.extend_from_slice(&one.parcel.tokens.to_le_bytes());
        }
        bytes.extend(self.terms.cap.unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend(self.terms.price.to_le_bytes());
        bytes.extend(self.terms.least.to_le_bytes());
        DecisionId(blake3::hash(&bytes).to_hex().chars().take(DecisionId::DIGITS).collect())
    }

    /// Decides again, from the features: nothing where the weights are others.
    pub fn replay(&self, weights: &Weights) -> Option<Decision> {
        let value = weights.of(self.has_dense).filter(|_| weights.name() == self.model)?;
        let again = self.candidates.iter().map(|one| {
            let row: Vec<f32> = one.features.iter().map(|value| value.unwrap_or(f32::NAN)).collect();
            let probability = (value.probability(&row) + one.by_modules).clamp(0.0, 1.0);
            (one.id, row, one.by_modules, Parcel { probability, ..one.parcel.clone() })
        });
        Some(Decision::new(&self.model, self.has_dense, self.terms, again.collect()))
    }
}
