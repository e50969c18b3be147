//! The pool: the question, and the records that were found for it, ranked.

use super::fact::Fact;
use super::reading::{Reader, Reading};
use super::{Halt, pace};
use crate::budget::Budget;
use crate::embed::{Embedder, embed};
use crate::index::Hit;
use crate::record::RecordId;
use consistency::Millis;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// How many texts are embedded between two looks at the clock.
const BATCH: usize = 8;

/// What a recall works on. Candidates are ranked at any moment, the best first.
#[derive(Debug)]
pub struct Pool {
    question: Reading,
    question_vector: OnceCell<Vec<f32>>,
    asked_at: Millis,
    candidates: Vec<Candidate>,
    statements: Vec<Statement>,
    is_insufficient: bool,
}

/// A record that was found, and what is known of it.
#[derive(Debug)]
pub struct Candidate {
    hit: Hit,
    value: f64,
    reading: Reading,
    vector: OnceCell<Vec<f32>>,
    sentences: Option<BTreeSet<usize>>,
    is_left_out: bool,
}

/// A sentence that a model wrote, and the items that it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The sentence.
    pub text: String,
    /// The items.
    pub items: Vec<RecordId>,
}

/// What a tier proposes. Candidates are meant by their places in the pool as it is.
#[derive(Debug, Default)]
pub struct Change {
    /// What is added to the candidates' values.
    pub gains: BTreeMap<usize, f64>,
    /// The candidates that do not go on.
    pub dropped: BTreeSet<usize>,
    /// The sentences of each candidate that are to be shown; of those not named, the whole text. No sentence: not the item.
    pub shown: BTreeMap<usize, BTreeSet<usize>>,
    /// What was found out.
    pub facts: Vec<Fact>,
    /// A summary.
    pub statements: Vec<Statement>,
    /// Whether a model judged that what was found does not answer the question.
    pub insufficient: bool,
}

impl Pool {
    /// The pool of a question, asked at some time, from what a search found. Texts that the time does not suffice to read are
    /// ranked as the search ranked them.
    pub fn new(question: &str, asked_at: Millis, hits: Vec<Hit>, budget: &Budget) -> Pool {
        let mut reader = Reader::new();
        let (least, most) = hits
            .iter()
            .map(|hit| f64::from(hit.score))
            .filter(|score| score.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), score| (least.min(score), most.max(score)));
        // Scores compare within one answer only: the best counts 1, the last a tenth.
        let value = |score: f64| if most > least { 0.1 + 0.9 * (score - least) / (most - least) } else { 1.0 };
        let candidate = |hit: Hit| {
            let score = f64::from(hit.score);
            let value = if score.is_finite() { value(score) } else { 0.1 };
            let reading = pace(budget).map(|()| reader.record(&hit.stored.record)).unwrap_or_default();
            Candidate { hit, value, reading, vector: OnceCell::new(), sentences: None, is_left_out: false }
        };
        let candidates = hits.into_iter().map(candidate).collect();
        let question = reader.question(question);
        let mut pool = Pool {
            question,
            question_vector: OnceCell::new(),
            asked_at,
            candidates,
            statements: Vec::new(),
            is_insufficient: false,
        };
        pool.rank();
        pool
    }

    /// The question.
    pub fn question(&self) -> &Reading {
        &self.question
    }

    /// When it was asked.
    pub fn asked_at(&self) -> Millis {
        self.asked_at
    }

    /// The candidates, best first.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// The summary, where a model wrote one.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Tells whether a model judged that what was found does not answer the question.
    pub fn is_insufficient(&self) -> bool {
        self.is_insufficient
    }

    /// Sets what candidates are worth, where that is said, and ranks anew.
    pub fn value(&mut self, of: impl Fn(&Candidate) -> Option<f64>) {
        for candidate in &mut self.candidates {
            candidate.value = of(candidate).filter(|value| value.is_finite()).unwrap_or(candidate.value);
        }
        self.rank();
    }

    /// Applies what a tier proposes, and ranks anew; gives back what was found out.
    pub fn apply(&mut self, change: Change) -> Vec<Fact> {
        let Change { gains, dropped, mut shown, facts, statements, insufficient } = change;
        for (place, candidate) in self.candidates.iter_mut().enumerate() {
            if let Some(gain) = gains.get(&place).filter(|gain| gain.is_finite()) {
                candidate.value += gain;
            }
            if let Some(sentences) = shown.remove(&place) {
                candidate.is_left_out = sentences.is_empty();
                candidate.sentences = Some(sentences);
            }
        }
        let mut place = 0..;
        self.candidates.retain(|_| place.next().is_some_and(|place| !dropped.contains(&place)));
        self.statements.extend(statements);
        self.is_insufficient |= insufficient;
        self.rank();
        facts
    }

    /// The vectors of the question and of the candidates, each computed once.
    ///
    /// # Errors
    /// [`Halt`] when there is no embedder, it fails, or the time is up.
    pub fn vectors(&self, embedder: Option<&dyn Embedder>, budget: &Budget) -> Result<(&[f32], Vec<&[f32]>), Halt> {
        let embedder = embedder.ok_or(Halt::NoEmbedder)?;
        let question = (self.question.text.as_str(), &self.question_vector);
        let candidates = self.candidates.iter().map(|candidate| (candidate.text(), &candidate.vector));
        let missing: Vec<_> =
            std::iter::once(question).chain(candidates).filter(|(_, of)| of.get().is_none()).collect();
        for batch in missing.chunks(BATCH) {
            pace(budget)?;
            let texts: Vec<&str> = batch.iter().map(|(text, _)| *text).collect();
            for ((_, place), vector) in batch.iter().zip(embed(embedder, &texts)?) {
                place.get_or_init(|| vector);
            }
        }
        pace(budget)?;
        let candidates = self.candidates.iter().map(|candidate| computed(&candidate.vector)).collect();
        Ok((computed(&self.question_vector), candidates))
    }

    fn rank(&mut self) {
        self.candidates.sort_by(|one, other| other.value.total_cmp(&one.value));
    }
}

impl Candidate {
    /// The record and its scores.
    pub fn hit(&self) -> &Hit {
        &self.hit
    }

    /// The record's name.
    pub fn id(&self) -> RecordId {
        self.hit.stored.record.id
    }

    /// The record's text.
    pub fn text(&self) -> &str {
        &self.hit.stored.record.text
    }

    /// How much it is worth for the question; comparable within one pool only.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// What its text holds.
    pub fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Tells whether the summary found no place for it.
    pub fn is_left_out(&self) -> bool {
        self.is_left_out
    }

    /// What of its text is to be shown.
    pub fn excerpt(&self) -> String {
        self.sentences.as_ref().map_or_else(|| self.text().to_owned(), |chosen| self.reading.excerpt(chosen))
    }
}

fn computed(vector: &OnceCell<Vec<f32>>) -> &[f32] {
    vector.get().map(Vec::as_slice).unwrap_or_default()
}

/// The cosine of two vectors of length 1; 0 where one is missing.
pub(super) fn cosine(one: &[f32], other: &[f32]) -> f64 {
    let sum: f64 = one.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
    if sum.is_finite() { sum.clamp(-1.0, 1.0) } else { 0.0 }
}
