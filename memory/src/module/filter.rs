//! The filter: of what was found, what is about the question.
//!
//! Low counts words and leaves out what another item says already; mid compares by meaning; high has a model grade each item.
//! Only a model's verdict takes out an item that is no duplicate: a search may have found what shares no word.

use super::answer::{PREAMBLE, place, prompt, read, room};
use super::fact::Fact;
use super::pool::{Change, Pool, cosine};
use super::reading::weights;
use super::{Halt, Module, Question, pace};
use crate::budget::Budget;
use crate::embed::Embedder;
use serde::Deserialize;

/// From this likeness on two texts say the same.
const SAME: f64 = 0.9;
/// What a full cover of the question's words is worth, next to the search's own order.
const COVER_GAIN: f64 = 0.3;
/// What the best cosine is worth.
const COSINE_GAIN: f64 = 0.4;
/// The highest grade.
const FULL_GRADE: u8 = 3;

/// The filter.
#[derive(Debug, Clone, Copy)]
pub struct Filter;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Graded {
    grades: Vec<Grade>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grade {
    item: usize,
    grade: u8,
}

impl Module for Filter {
    fn name(&self) -> &'static str {
        "filter"
    }

    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
        let mut change = duplicates(pool, budget)?;
        let weights = weights(pool.candidates().iter().map(super::Candidate::reading));
        for (place, candidate) in pool.candidates().iter().enumerate() {
            pace(budget)?;
            change.gains.insert(place, COVER_GAIN * candidate.reading().covers(pool.question(), &weights));
        }
        Ok(change)
    }

    fn mid(&self, pool: &Pool, embedder: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt> {
        let mut change = self.low(pool, budget)?;
        let (question, vectors) = pool.vectors(embedder, budget)?;
        let cosines: Vec<f64> = vectors.iter().map(|vector| cosine(question, vector)).collect();
        let (least, most) =
            cosines.iter().fold((1.0_f64, -1.0_f64), |(low, high), one| (low.min(*one), high.max(*one)));
        for (place, one) in cosines.iter().enumerate().filter(|_| most > least) {
            *change.gains.entry(place).or_default() += COSINE_GAIN * (one - least) / (most - least);
        }
        Ok(change)
    }

    fn question(&self, pool: &Pool, _: &Budget) -> Question {
        let system = format!(
            "{PREAMBLE} Grade how well each item helps to answer the question: 0 not at all, 1 related, 2 in part, 3 fully. The form \
             is {{\"grades\":[{{\"item\":1,\"grade\":3}}]}}; leave out the items of grade 0."
        );
        Question { system, prompt: prompt(pool), least_tokens: room(pool, 4, 16), most_tokens: room(pool, 16, 64) }
    }

    fn read(&self, pool: &Pool, answer: &str, budget: &Budget) -> Result<Change, Halt> {
        let Graded { grades } = read(answer)?;
        let mut change = duplicates(pool, budget)?;
        let mut of = vec![0; pool.candidates().len()];
        for Grade { item, grade } in grades {
            if grade > FULL_GRADE {
                return Err(Halt::Unreadable(format!("a grade is 0 to 3, not {grade}")));
            }
            let place = place(item, pool)?;
            if let Some(known) = of.get_mut(place) {
                *known = grade;
            }
        }
        change.insufficient = of.iter().all(|grade| *grade == 0);
        for (place, (grade, candidate)) in of.into_iter().zip(pool.candidates()).enumerate() {
            change.facts.push(Fact::Grade { item: candidate.id(), grade });
            change.gains.insert(place, f64::from(grade));
            if grade == 0 {
                change.dropped.insert(place);
            }
        }
        Ok(change)
    }
}

/// Leaves out what an item before it says too; of two such items the more trusted one stays.
fn duplicates(pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
    let mut change = Change::default();
    let mut kept: Vec<usize> = Vec::new();
    let trust = |place: &usize| pool.candidates().get(*place).map(|one| one.hit().stored.record.provenance.trust);
    for (place, candidate) in pool.candidates().iter().enumerate() {
        pace(budget)?;
        let same = |other: &&mut usize| {
            let other = pool.candidates().get(**other);
            // What was said twice, on two days or by two people, was said twice.
            other.is_some_and(|other| {
                let (one, other) = (candidate.reading(), other.reading());
                let is_said_alike = (&one.speaker, one.day) == (&other.speaker, other.day);
                is_said_alike && !one.terms.is_empty() && other.likeness(one) >= SAME
            })
        };
        let Some(other) = kept.iter_mut().find(same) else {
            kept.push(place);
            continue;
        };
        let (mut out, mut stays) = (place, *other);
        if trust(&place) > trust(other) {
            (out, stays) = (*other, place);
            *other = place;
        }
        change.dropped.insert(out);
        if let (Some(item), Some(of)) = (pool.candidates().get(out), pool.candidates().get(stays)) {
            change.facts.push(Fact::Duplicate { item: item.id(), of: of.id() });
        }
    }
    Ok(change)
}
