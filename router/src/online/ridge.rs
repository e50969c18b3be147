//! Ridge regression that learns one example at a time.
//!
//! INVARIANT: `inverse` is the inverse of the identity and the outer products of all contexts, up to rounding: it is kept by
//! the formula of Sherman and Morrison, in the square of the width for each example.

/// The estimate of a reward from a context.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ridge {
    width: usize,
    inverse: Vec<f64>,
    /// The contexts, each times its reward.
    products: Vec<f64>,
    weights: Vec<f64>,
    count: u64,
}

impl Ridge {
    pub(super) fn new(width: usize) -> Ridge {
        let inverse = (0..width * width).map(|at| if at % (width + 1) == 0 { 1.0 } else { 0.0 }).collect();
        Ridge { width, inverse, products: vec![0.0; width], weights: vec![0.0; width], count: 0 }
    }

    /// How many examples were learnt from.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The reward that is expected, and the standard width of that.
    pub(super) fn expected(&self, context: &[f32]) -> (f64, f64) {
        let spread = self.spread(context);
        (dot(&self.weights, context), dot(&spread, context).max(0.0).sqrt())
    }

    pub(super) fn learn(&mut self, context: &[f32], reward: f64) {
        let spread = self.spread(context);
        let by = 1.0 + dot(&spread, context);
        for (row, one) in self.inverse.chunks_mut(self.width.max(1)).zip(&spread) {
            for (value, other) in row.iter_mut().zip(&spread) {
                *value -= one * other / by;
            }
        }
        for (product, value) in self.products.iter_mut().zip(context) {
            *product += f64::from(*value) * reward;
        }
        let row = |row: &[f64]| row.iter().zip(&self.products).map(|(one, other)| one * other).sum();
        self.weights = self.inverse.chunks(self.width.max(1)).map(row).collect();
        self.count += 1;
    }

    /// The inverse times a context.
    fn spread(&self, context: &[f32]) -> Vec<f64> {
        self.inverse.chunks(self.width.max(1)).map(|row| dot(row, context)).collect()
    }
}

fn dot(one: &[f64], other: &[f32]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * f64::from(*other)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn what_is_linear_is_learnt_and_surer_with_examples() {
        let (mut ridge, mut random) = (Ridge::new(3), Random::new(7));
        let mut unsure = ridge.expected(&[0.5, -0.5, 1.0]).1;
        for count in 1..=400 {
            let quarter = |random: &mut Random| [0.0_f32, 0.25, 0.5, 0.75][random.below(4)];
            let context = [quarter(&mut random), quarter(&mut random), 1.0];
            let reward = 0.2 + 0.5 * f64::from(context[0]) - 0.3 * f64::from(context[1]);
            ridge.learn(&context, reward);
            if count % 100 == 0 {
                let width = ridge.expected(&[0.5, 0.5, 1.0]).1;
                assert!(width < unsure, "{width} {unsure}");
                unsure = width;
            }
        }
        let (value, width) = ridge.expected(&[0.5, 0.5, 1.0]);
        assert!((value - 0.3).abs() < 0.02 && width < 0.1, "{value} {width}");
        assert_eq!(ridge.count(), 400);
    }
}
