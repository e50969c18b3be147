//! A small network of fully connected layers with rectified units, its gradients, and the optimiser (Adam, Kingma and Ba 2015).
//!
//! INVARIANT: one seed and the same examples make the same weights: sums run in one order, and no thread takes part.

use crate::random::Random;

/// Numbers that are multiplied in one instruction.
const LANES: usize = 8;

/// Fully connected layers; all but the last one are rectified.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Network {
    /// The layers, from the input on.
    pub layers: Vec<Layer>,
}

/// One layer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    /// How many numbers go in.
    pub inputs: usize,
    /// For each number that comes out, what each input counts.
    pub weights: Vec<f32>,
    /// What is added to each.
    pub bias: Vec<f32>,
}

impl Network {
    /// A network that has learnt nothing: weights by He et al. (2015), the last layer's a tenth of that.
    pub(crate) fn new(sizes: &[usize], random: &mut Random) -> Network {
        let last = sizes.len().saturating_sub(2);
        let layer = |(place, pair): (usize, &[usize])| {
            let [inputs, outputs] = [pair.first(), pair.last()].map(|size| size.copied().unwrap_or_default());
            let spread = (2.0 / real(inputs.max(1))).sqrt() * if place == last { 0.1 } else { 1.0 };
            let weights = (0..inputs * outputs).map(|_| normal(random) * spread).collect();
            Layer { inputs, weights, bias: vec![0.0; outputs] }
        };
        Network { layers: sizes.windows(2).enumerate().map(layer).collect() }
    }

    /// A network of the same form with nothing but zeros.
    pub(crate) fn zeros(&self) -> Network {
        let zeros = |layer: &Layer| Layer {
            inputs: layer.inputs,
            weights: vec![0.0; layer.weights.len()],
            bias: vec![0.0; layer.bias.len()],
        };
        Network { layers: self.layers.iter().map(zeros).collect() }
    }

    /// What comes out.
    pub fn output(&self, input: &[f32]) -> Vec<f32> {
        let last = self.layers.len().saturating_sub(1);
        self.layers.iter().enumerate().fold(input.to_vec(), |values, (place, layer)| layer.apply(&values, place < last))
    }

    /// What comes out of each layer, the input first.
    pub(crate) fn trace(&self, input: &[f32]) -> Vec<Vec<f32>> {
        let last = self.layers.len().saturating_sub(1);
        let mut values = vec![input.to_vec()];
        for (place, layer) in self.layers.iter().enumerate() {
            let next = layer.apply(values.last().map_or(&[], Vec::as_slice), place < last);
            values.push(next);
        }
        values
    }

    /// Adds to `slopes` how a loss falls with each weight, from how it falls with what came out.
    pub(crate) fn descend(&self, trace: &[Vec<f32>], output: Vec<f32>, slopes: &mut Network) {
        let mut slope = output;
        let layers = self.layers.iter().zip(&mut slopes.layers).zip(trace).rev();
        for ((layer, slopes), input) in layers {
            let mut before = vec![0.0_f32; layer.inputs];
            let rows = layer.weights.chunks_exact(layer.inputs.max(1));
            let own = slopes.weights.chunks_exact_mut(layer.inputs.max(1)).zip(&mut slopes.bias);
            for ((row, (own, bias)), slope) in rows.zip(own).zip(&slope) {
                *bias += slope;
                for (((weight, own), input), before) in row.iter().zip(own).zip(input).zip(&mut before) {
                    *own += slope * input;
                    *before += slope * weight;
                }
            }
            // What a rectified unit held back does not depend on what came in.
            for (before, input) in before.iter_mut().zip(input) {
                if *input <= 0.0 {
                    *before = 0.0;
                }
            }
            slope = before;
        }
    }

    fn numbers(&self) -> impl Iterator<Item = &f32> {
        self.layers.iter().flat_map(|layer| layer.weights.iter().chain(&layer.bias))
    }

    fn numbers_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        self.layers.iter_mut().flat_map(|layer| layer.weights.iter_mut().chain(&mut layer.bias))
    }
}

impl Layer {
    fn apply(&self, input: &[f32], is_rectified: bool) -> Vec<f32> {
        let rows = self.weights.chunks_exact(self.inputs.max(1)).zip(&self.bias);
        let value = |(row, bias): (&[f32], &f32)| {
            let value = bias + dot(row, input);
            if is_rectified { value.max(0.0) } else { value }
        };
        rows.map(value).collect()
    }
}

/// Makes steps against slopes, each weight's as long as its slopes allow.
#[derive(Debug)]
pub(crate) struct Adam {
    rate: f32,
    step: i32,
    mean: Network,
    square: Network,
}

impl Adam {
    pub(crate) fn new(network: &Network, rate: f32) -> Adam {
        Adam { rate, step: 0, mean: network.zeros(), square: network.zeros() }
    }

    /// One step; `scale` is what the slopes are multiplied with.
    pub(crate) fn step(&mut self, network: &mut Network, slopes: &Network, scale: f32) {
        const MEMORY: [f32; 2] = [0.9, 0.999];
        self.step = self.step.saturating_add(1);
        let unbiased = MEMORY.map(|memory| 1.0 - memory.powi(self.step));
        let moments = self.mean.numbers_mut().zip(self.square.numbers_mut());
        for ((number, slope), (mean, square)) in network.numbers_mut().zip(slopes.numbers()).zip(moments) {
            let slope = slope * scale;
            *mean = MEMORY[0] * *mean + (1.0 - MEMORY[0]) * slope;
            *square = MEMORY[1] * *square + (1.0 - MEMORY[1]) * slope * slope;
            *number -= self.rate * (*mean / unbiased[0]) / ((*square / unbiased[1]).sqrt() + 1e-8);
        }
    }
}

fn dot(one: &[f32], other: &[f32]) -> f32 {
    let ((ones, one), (others, other)) = (one.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut sums = [0.0_f32; LANES];
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    sums.iter().sum::<f32>() + one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>()
}

/// A number of a normal distribution (Box and Muller 1958).
fn normal(random: &mut Random) -> f32 {
    let (radius, angle) = ((-2.0 * (1.0 - random.share()).ln()).sqrt(), std::f64::consts::TAU * random.share());
    #[expect(clippy::cast_possible_truncation, reason = "a weight has no more digits")]
    {
        (radius * angle.cos()) as f32
    }
}

fn real(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "no layer has 2^24 units")]
    {
        count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_that_small_steps_show() {
        let mut random = Random::new(3);
        let network = Network::new(&[5, 7, 4, 3], &mut random);
        let input: Vec<f32> = (0..5).map(|_| normal(&mut random)).collect();
        // The loss is what the outputs come to, each counted by its place.
        let loss = |network: &Network| -> f32 {
            network.output(&input).iter().zip([1.0, -2.0, 3.0]).map(|(value, by)| value * by).sum()
        };
        let mut slopes = network.zeros();
        network.descend(&network.trace(&input), vec![1.0, -2.0, 3.0], &mut slopes);
        let mut seen = 0;
        for at in (0..network.numbers().count()).step_by(3) {
            let moved = |by: f32| {
                let mut network = network.clone();
                *network.numbers_mut().nth(at).unwrap() += by;
                loss(&network)
            };
            let (told, shown) = (*slopes.numbers().nth(at).unwrap(), (moved(1e-2) - moved(-1e-2)) / 2e-2);
            assert!((told - shown).abs() < 1e-2 * (1.0 + shown.abs()), "{at}: {told} {shown}");
            seen += usize::from(shown.abs() > 1e-3);
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn steps_go_downhill() {
        let mut network = Network::new(&[2, 16, 1], &mut Random::new(5));
        let mut adam = Adam::new(&network, 1e-2);
        let points = [([0.0, 0.0], 0.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], 0.0)];
        for _ in 0..600 {
            let mut slopes = network.zeros();
            for (input, wanted) in points {
                let trace = network.trace(&input);
                let error = trace.last().unwrap()[0] - wanted;
                network.descend(&trace, vec![error], &mut slopes);
            }
            adam.step(&mut network, &slopes, 0.25);
        }
        assert!(points.iter().all(|(input, wanted)| (network.output(input)[0] - wanted).abs() < 0.2));
    }
}
