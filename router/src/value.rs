//! The value of a candidate: the probability that it is evidence for the question.
//!
//! Two stages of boosted trees: the first looks at each candidate by [`FIRST`], the second also at what the first made of all
//! of them, by [`SECOND`]; then a calibration. With and without vectors there are two models, since what words tell counts
//! differently beside meaning.

use crate::boost::sigmoid;
use crate::calibration::Calibration;
use crate::features::{FIRST, SECOND, Scene, second};
use crate::trees::Trees;

/// How many features the stages have.
pub fn widths() -> [usize; 2] {
    let count = |groups: &[crate::features::Group]| groups.iter().map(|(_, names)| names.len()).sum::<usize>();
    [count(&FIRST), count(&FIRST) + count(&SECOND)]
}

/// A model of one kind: with vectors, or without.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Value {
    /// Looks at each candidate by itself.
    pub first: Trees,
    /// Looks at what the first stage made of all, where there is such a stage.
    pub second: Option<Trees>,
    /// Makes probabilities.
    pub calibration: Calibration,
}

impl Value {
    /// The probability that each candidate is evidence.
    pub fn probabilities(&self, scene: &Scene<'_>) -> Vec<f32> {
        self.scores(&scene.first(), scene).into_iter().map(|score| self.calibration.probability(score)).collect()
    }

    /// The scores before calibration.
    pub fn scores(&self, first: &[Vec<f32>], scene: &Scene<'_>) -> Vec<f32> {
        let scores: Vec<f32> = first.iter().map(|row| self.first.value(row)).collect();
        let Some(second) = &self.second else { return scores };
        let values: Vec<f32> = scores.into_iter().map(sigmoid).collect();
        stacked(first, scene, &values).iter().map(|row| second.value(row)).collect()
    }
}

/// The rows of the second stage.
pub(crate) fn stacked(first: &[Vec<f32>], scene: &Scene<'_>, values: &[f32]) -> Vec<Vec<f32>> {
    first.iter().zip(second(scene, values)).map(|(first, second)| [first.as_slice(), &second].concat()).collect()
}
