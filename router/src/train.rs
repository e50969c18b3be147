//! Learning the value model from questions whose evidence is known.
//!
//! INVARIANT: what a later step learns from was made by models that had not seen the conversation: the second stage learns from
//! the first one's values out of fold, and the calibration from the second one's.

use crate::boost::{Rows, Settings, boost, sigmoid};
use crate::calibration::Calibration;
use crate::features::Scene;
use crate::trees::Trees;
use crate::value::{Value, stacked};
use memory::index::Candidates;

/// A question with what a search found for it.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Which conversation it is about: folds are made of whole conversations.
    pub conversation: usize,
    /// The question.
    pub question: String,
    /// What was found.
    pub found: Candidates,
    /// Whether each candidate is evidence: 0 or 1.
    pub labels: Vec<f32>,
    /// The features of the first stage.
    pub first: Vec<Vec<f32>>,
}

/// How a model is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learning {
    /// The first stage.
    pub first: Settings,
    /// The second stage.
    pub second: Settings,
    /// Whether there is a second stage.
    pub stacks: bool,
    /// Into how many parts conversations are split for values out of fold.
    pub folds: usize,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Default for Learning {
    fn default() -> Learning {
        let settings = Settings::default();
        Learning { first: settings, second: Settings { order: 1.0, ..settings }, stacks: true, folds: 3, seed: 7 }
    }
}

/// Learns a model.
pub fn train(samples: &[&Sample], learning: &Learning) -> Value {
    let first: Vec<Vec<Vec<f32>>> = samples.iter().map(|sample| sample.first.clone()).collect();
    let values = out_of_fold(samples, &first, &learning.first, learning);
    let all = |_: usize| true;
    let trees = learnt(samples, &first, all, &learning.first, learning.seed);
    if !learning.stacks {
        return Value { first: trees, second: None, calibration: calibrated(samples, values) };
    }
    let second: Vec<Vec<Vec<f32>>> = samples
        .iter()
        .zip(&first)
        .zip(&values)
        .map(|((sample, first), values)| {
            let values: Vec<f32> = values.iter().map(|value| sigmoid(*value)).collect();
            stacked(first, &Scene::new(&sample.question, &sample.found), &values)
        })
        .collect();
    let scores = out_of_fold(samples, &second, &learning.second, learning);
    let other = learnt(samples, &second, all, &learning.second, learning.seed + 1);
    Value { first: trees, second: Some(other), calibration: calibrated(samples, scores) }
}

fn calibrated(samples: &[&Sample], scores: Vec<Vec<f32>>) -> Calibration {
    let labels = samples.iter().flat_map(|sample| sample.labels.iter().copied());
    let scored: Vec<(f32, f32)> = scores.into_iter().flatten().zip(labels).collect();
    Calibration::fit(&scored)
}

/// The scores of each question's candidates, by trees that did not see its conversation.
fn out_of_fold(samples: &[&Sample], rows: &[Vec<Vec<f32>>], settings: &Settings, learning: &Learning) -> Vec<Vec<f32>> {
    let fold = |conversation: usize| conversation % learning.folds.max(2);
    let trees: Vec<Trees> = (0..learning.folds.max(2))
        .map(|held| learnt(samples, rows, |conversation| fold(conversation) != held, settings, learning.seed + 10))
        .collect();
    let scored = samples.iter().zip(rows).map(|(sample, rows)| {
        let trees = trees.get(fold(sample.conversation));
        rows.iter().map(|row| trees.map_or(0.0, |trees| trees.value(row))).collect()
    });
    scored.collect()
}

fn learnt(samples: &[&Sample], rows: &[Vec<Vec<f32>>], seen: impl Fn(usize) -> bool, settings: &Settings, seed: u64) -> Trees {
    let mut all = Rows::default();
    for (sample, rows) in samples.iter().zip(rows).filter(|(sample, _)| seen(sample.conversation)) {
        all.push(rows.iter().cloned(), sample.labels.iter().copied());
    }
    boost(&all, settings, seed)
}
