//! A linear value model: logistic regression over standardised features, the yardstick for what trees add.

use crate::boost::sigmoid;
use crate::train::Sample;

/// How often all rows are looked at.
const STEPS: usize = 300;
/// How far a step goes.
const RATE: f32 = 0.5;
/// The penalty on the square of a weight.
const RIDGE: f32 = 1e-3;

/// Weights of features, each first brought to mean 0 and deviation 1; what is not a number counts as the mean.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Linear {
    bias: f32,
    /// Mean, deviation and weight of each feature.
    features: Vec<[f32; 3]>,
}

impl Linear {
    /// Learns from labelled candidates by gradient descent with momentum: no random number, and one result.
    pub fn learn(samples: &[&Sample]) -> Linear {
        let rows: Vec<&Vec<f32>> = samples.iter().flat_map(|sample| &sample.rows).collect();
        let labels: Vec<f32> = samples.iter().flat_map(|sample| sample.labels.iter().copied()).collect();
        let width = rows.first().map_or(0, |row| row.len());
        let features =
            (0..width).map(|feature| scale(rows.iter().filter_map(|row| row.get(feature)).copied())).collect();
        let mut linear = Linear { bias: 0.0, features };
        let standard: Vec<Vec<f32>> = rows.iter().map(|row| linear.standard(row).collect()).collect();
        let count = real(rows.len().max(1));
        let mut speed = vec![0.0_f32; width + 1];
        for _ in 0..STEPS {
            let mut slope = vec![0.0_f32; width + 1];
            for (row, label) in standard.iter().zip(&labels) {
                let error = sigmoid(linear.score(row)) - label;
                for (slope, value) in slope.iter_mut().zip(row.iter().chain(&[1.0])) {
                    *slope += error * value;
                }
            }
            for (speed, slope) in speed.iter_mut().zip(&slope) {
                *speed = 0.9 * *speed - RATE * slope / count;
            }
            for ([_, _, weight], speed) in linear.features.iter_mut().zip(&speed) {
                *weight += speed - RATE * RIDGE * *weight;
            }
            linear.bias += speed.last().copied().unwrap_or_default();
        }
        linear
    }

    /// The probability that a candidate is evidence.
    pub fn probability(&self, row: &[f32]) -> f32 {
        sigmoid(self.score(&self.standard(row).collect::<Vec<_>>()))
    }

    fn standard<'r>(&'r self, row: &'r [f32]) -> impl Iterator<Item = f32> + 'r {
        let one = |(value, [mean, deviation, _]): (&f32, &[f32; 3])| {
            if value.is_nan() { 0.0 } else { ((value - mean) / deviation.max(1e-6)).clamp(-5.0, 5.0) }
        };
        row.iter().zip(&self.features).map(one)
    }

    fn score(&self, standard: &[f32]) -> f32 {
        self.bias + standard.iter().zip(&self.features).map(|(value, [_, _, weight])| value * weight).sum::<f32>()
    }
}

/// Mean and deviation of what is a number, and no weight yet.
fn scale(values: impl Iterator<Item = f32>) -> [f32; 3] {
    let (mut count, mut sum, mut squares) = (0.0_f64, 0.0_f64, 0.0_f64);
    for value in values.filter(|value| value.is_finite()).map(f64::from) {
        (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
    }
    let mean = sum / count.max(1.0);
    let deviation = (squares / count.max(1.0) - mean * mean).max(0.0).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "features have no more digits")]
    [mean as f32, deviation as f32, 0.0]
}

fn real(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^24 candidates")]
    {
        count as f32
    }
}
