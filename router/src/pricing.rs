//! Pricing the candidates of a recall: what each is worth by the value model, and what it costs in the context.

use crate::decision::Decision;
use crate::features::Scene;
use crate::pack::{Parcel, Terms, nothing};
use crate::value::Value;
use crate::weights::Weights;
use memory::RecordId;
use memory::context::{Block, Entry};
use memory::index::Candidates;
use memory::module::Pool;
use rustc_hash::FxHashMap;

/// The least probability of being evidence that an item is shown for: below it, it is more likely to mislead than to help.
const LEAST: f32 = 0.002;
/// From this probability on that none of the candidates is evidence, there is not enough of it.
const NOTHING: f32 = 0.5;

/// What the value model says of the candidates of one question.
#[derive(Debug)]
pub(crate) struct Prices {
    model: String,
    has_dense: bool,
    of: FxHashMap<RecordId, Priced>,
}

#[derive(Debug)]
struct Priced {
    features: Vec<f32>,
    probability: f32,
    terms: Vec<u32>,
}

/// Values candidates by what is known of them.
pub(crate) fn price(weights: &Weights, found: &Candidates, scene: Scene<'_>, rows: Vec<Vec<f32>>) -> Option<Prices> {
    let has_dense = scene.has_dense();
    let (value, model): (&Value, _) = (weights.of(has_dense)?, weights.name().to_owned());
    let probabilities = value.of_rows(&rows);
    let rows = rows.into_iter().zip(probabilities).zip(scene.into_terms()).zip(&found.hits);
    let of = rows
        .map(|(((features, probability), terms), hit)| (hit.stored.record.id, Priced { features, probability, terms }));
    Some(Prices { model, has_dense, of: of.collect() })
}

/// Whether what was found is what the models were learnt from: turns of conversations, mostly. Of other records they know nothing,
/// and would be sure of it.
pub(crate) fn is_talk(found: &Candidates) -> bool {
    let turns = found.hits.iter().filter(|hit| hit.stored.record.turn.is_some()).count();
    !found.hits.is_empty() && 2 * turns >= found.hits.len()
}

impl Prices {
    /// Makes the probabilities the values of the pool.
    pub(crate) fn apply(&self, pool: &mut Pool) {
        pool.value(|one| Some(f64::from(self.of.get(&one.id())?.probability)));
    }

    /// Whether most likely none of them is evidence.
    pub(crate) fn say_nothing(&self) -> bool {
        nothing(self.of.values().map(|one| one.probability)) > NOTHING
    }

    /// Decides what is shown: by what the candidates are worth after the modules, and what their lines cost.
    pub(crate) fn decide(mut self, pool: &Pool, limit: usize, cap: Option<u64>) -> Decision {
        let mut frame = Block::default();
        // Delimiters are paid for once, with one empty line of each kind; and a summary comes first.
        for statement in pool.statements() {
            frame.push(Entry::statement(&statement.text, &[limit]));
        }
        for candidate in pool.candidates() {
            let record = &candidate.hit().stored.record;
            if frame.is_without(record.provenance.trust) {
                frame.push(Entry::item(1, record, ""));
            }
        }
        let terms =
            Terms { cap: cap.map(|cap| cap.saturating_sub(frame.tokens())), items: limit, price: 0.0, least: LEAST };
        let wanted = pool.candidates().iter().enumerate().filter(|(_, candidate)| !candidate.is_left_out());
        let weighed = wanted.filter_map(|(place, candidate)| {
            let Priced { features, probability: priced, terms } = self.of.remove(&candidate.id())?;
            let entry = Entry::item(place + 1, &candidate.hit().stored.record, &candidate.excerpt());
            #[expect(clippy::cast_possible_truncation, reason = "a probability has no more digits")]
            let probability = candidate.value().clamp(0.0, 1.0) as f32;
            let by_modules = if (probability - priced).abs() < 1e-6 { 0.0 } else { probability - priced };
            let probability = (priced + by_modules).clamp(0.0, 1.0);
            let tokens = u32::try_from(frame.price(&entry)).unwrap_or(u32::MAX);
            Some((candidate.id(), features, by_modules, Parcel { probability, tokens, terms }))
        });
        let weighed = weighed.collect();
        Decision::new(&self.model, self.has_dense, terms, weighed)
    }
}
