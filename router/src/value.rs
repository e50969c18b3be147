//! The value of a candidate: the probability that it is evidence for the question.
//!
//! Boosted trees over the features of [`GROUPS`](crate::features::GROUPS), learnt by the order that they bring about, and a
//! calibration that makes probabilities of their scores. With and without vectors there are two models, since what words tell
//! counts differently beside meaning.
//!
//! Deliberately absent: a second stage over the first one's values of neighbours, session and likeness to the best. It was
//! measured and found nothing more, leaving one conversation out.

use crate::calibration::Calibration;
use crate::features::Scene;
use crate::trees::Trees;

/// A model of one kind: with vectors, or without.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Value {
    /// Makes scores of features.
    pub trees: Trees,
    /// Makes probabilities of scores.
    pub calibration: Calibration,
}

impl Value {
    /// The probability that each candidate is evidence.
    pub fn probabilities(&self, scene: &Scene<'_>) -> Vec<f32> {
        self.of_rows(&scene.rows())
    }

    /// The probability that each of the candidates with such features is evidence.
    pub fn of_rows(&self, rows: &[Vec<f32>]) -> Vec<f32> {
        let scores = self.trees.values(rows);
        scores.into_iter().map(|score| self.calibration.probability(score)).collect()
    }

    /// The probability that a candidate with such features is evidence.
    pub fn probability(&self, row: &[f32]) -> f32 {
        self.calibration.probability(self.trees.value(row))
    }
}
