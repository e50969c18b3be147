//! Learning the value model from questions whose evidence is known.
//!
//! INVARIANT: the calibration is fitted on scores of conversations that the trees behind them had not seen.

use crate::boost::{Rows, Settings, boost};
use crate::calibration::Calibration;
use crate::features::Scene;
use crate::trees::Trees;
use crate::value::Value;
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
    /// The features of each candidate.
    pub rows: Vec<Vec<f32>>,
}

impl Sample {
    /// Whether its candidates were compared by meaning.
    pub fn has_dense(&self) -> bool {
        Scene::new(&self.question, &self.found).has_dense()
    }
}

/// How a model is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learning {
    /// How trees are grown.
    pub trees: Settings,
    /// Into how many parts conversations are split for scores out of fold.
    pub folds: usize,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Default for Learning {
    fn default() -> Learning {
        Learning { trees: Settings::default(), folds: 3, seed: 7 }
    }
}

/// Learns a model.
pub fn train(samples: &[&Sample], learning: &Learning) -> Value {
    let folds = learning.folds.max(2);
    let mut scored: Vec<(f32, f32)> = Vec::new();
    for held in 0..folds {
        let is_held = |sample: &Sample| sample.conversation % folds == held;
        let trees = learnt(samples.iter().copied().filter(|sample| !is_held(sample)), learning);
        for sample in samples.iter().filter(|sample| is_held(sample)) {
            scored.extend(sample.rows.iter().map(|row| trees.value(row)).zip(sample.labels.iter().copied()));
        }
    }
    Value { trees: learnt(samples.iter().copied(), learning), calibration: Calibration::fit(&scored) }
}

fn learnt<'s>(samples: impl Iterator<Item = &'s Sample>, learning: &Learning) -> Trees {
    let mut rows = Rows::default();
    for sample in samples {
        rows.push(sample.rows.iter().cloned(), sample.labels.iter().copied());
    }
    boost(&rows, &learning.trees, learning.seed)
}
