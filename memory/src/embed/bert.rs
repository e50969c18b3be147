//! The network of BERT (Devlin et al. 2019, arXiv 1810.04805) as sentence embedders use it: the encoder alone, forwards only,
//! one text after the other.
//!
//! INVARIANT: what a text comes to does not depend on the texts beside it, to the bit.
//!
//! Deliberately absent: padding, masks, dropout, training, other architectures.

use ndarray::{Array1, Array2, ArrayView2, Axis, Slice, Zip};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use serde::Deserialize;

/// What `config.json` says about the network.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    model_type: String,
    pub(super) hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    pub(super) max_position_embeddings: usize,
    layer_norm_eps: f32,
    hidden_act: String,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

impl Config {
    /// What about the network is not supported here.
    pub(super) fn unsupported(&self) -> Option<String> {
        let absolute = self.position_embedding_type.as_deref().is_none_or(|kind| kind == "absolute");
        let heads = self.num_attention_heads;
        if self.model_type != "bert" || !absolute {
            return Some(format!("a network of type `{}`; only `bert` with absolute positions is", self.model_type));
        }
        if self.hidden_act != "gelu" {
            return Some(format!("the activation `{}`; only `gelu` is", self.hidden_act));
        }
        (heads == 0 || !self.hidden_size.is_multiple_of(heads))
            .then(|| format!("{} numbers over {heads} heads", self.hidden_size))
    }
}

/// The weights, ready to run.
#[derive(Debug)]
pub(super) struct Bert {
    words: Array2<f32>,
    positions: Array2<f32>,
    kind: Array1<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
}

#[derive(Debug)]
struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: Norm,
    up: Linear,
    down: Linear,
    down_norm: Norm,
}

#[derive(Debug)]
struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

#[derive(Debug)]
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Bert {
    /// Takes the weights out of a file's tensors.
    ///
    /// # Errors
    /// Which tensor is missing, or has another shape than the configuration says.
    pub(super) fn new(config: &Config, tensors: &SafeTensors<'_>) -> Result<Bert, String> {
        let file = File { tensors, prefix: if tensors.tensor(WORDS).is_ok() { "" } else { "bert." }, config };
        let wide = config.hidden_size;
        let kinds = file.matrix("embeddings.token_type_embeddings.weight", None, wide)?;
        Ok(Bert {
            words: file.matrix(WORDS, None, wide)?,
            positions: file.matrix(
                "embeddings.position_embeddings.weight",
                Some(config.max_position_embeddings),
                wide,
            )?,
            kind: kinds.outer_iter().next().ok_or("no kinds of token")?.to_owned(),
            norm: file.norm("embeddings.LayerNorm")?,
            layers: (0..config.num_hidden_layers).map(|layer| file.layer(layer)).collect::<Result<_, _>>()?,
            heads: config.num_attention_heads,
        })
    }

    /// The mean of what the network makes of each token: the vector of the text, of any length.
    ///
    /// # Errors
    /// A token or a place that the network does not know.
    pub(super) fn mean(&self, tokens: &[u32]) -> Result<Vec<f32>, String> {
        if tokens.len() > self.positions.nrows() {
            return Err(format!("{} tokens, and at most {} can be placed", tokens.len(), self.positions.nrows()));
        }
        let mut states = Array2::zeros((tokens.len(), self.kind.len()));
        for ((mut state, place), token) in states.outer_iter_mut().zip(self.positions.outer_iter()).zip(tokens) {
            let word = usize::try_from(*token).ok().filter(|token| *token < self.words.nrows());
            let word = word.ok_or_else(|| format!("the network does not know token {token}"))?;
            state.assign(&self.words.index_axis(Axis(0), word));
            state += &place;
            state += &self.kind;
        }
        self.norm.apply(&mut states);
        for layer in &self.layers {
            states = layer.forward(&states, self.heads);
        }
        let mean = states.mean_axis(Axis(0)).ok_or("no tokens")?;
        Ok(mean.to_vec())
    }
}

const WORDS: &str = "embeddings.word_embeddings.weight";

impl Layer {
    fn forward(&self, states: &Array2<f32>, heads: usize) -> Array2<f32> {
        let mut attended = self.attended.apply(&self.attention(states, heads));
        attended += states;
        self.attended_norm.apply(&mut attended);
        let mut inner = self.up.apply(&attended);
        inner.mapv_inplace(gelu);
        let mut out = self.down.apply(&inner);
        out += &attended;
        self.down_norm.apply(&mut out);
        out
    }

    /// What each token takes from every token, head by head.
    fn attention(&self, states: &Array2<f32>, heads: usize) -> Array2<f32> {
        let (queries, keys, values) = (self.query.apply(states), self.key.apply(states), self.value.apply(states));
        let mut context = Array2::zeros(states.raw_dim());
        let wide = states.ncols() / heads;
        let scale = 1.0 / to_f32(wide).sqrt();
        for head in 0..heads {
            let part = Slice::from(head * wide..(head + 1) * wide);
            let mut weights = queries.slice_axis(Axis(1), part).dot(&keys.slice_axis(Axis(1), part).t());
            weights.outer_iter_mut().for_each(|mut row| {
                let most = row.fold(f32::NEG_INFINITY, |most, weight| most.max(*weight));
                row.mapv_inplace(|weight| ((weight - most) * scale).exp());
                let sum = row.sum();
                row /= sum;
            });
            context.slice_axis_mut(Axis(1), part).assign(&weights.dot(&values.slice_axis(Axis(1), part)));
        }
        context
    }
}

impl Linear {
    fn apply(&self, states: &Array2<f32>) -> Array2<f32> {
        let mut out = states.dot(&self.weight.t());
        out += &self.bias;
        out
    }
}

impl Norm {
    fn apply(&self, states: &mut Array2<f32>) {
        for mut state in states.outer_iter_mut() {
            let wide = to_f32(state.len());
            let mean = state.sum() / wide;
            let variance = state.fold(0.0, |sum, number| sum + (number - mean) * (number - mean)) / wide;
            let by = 1.0 / (variance + self.epsilon).sqrt();
            Zip::from(&mut state).and(&self.weight).and(&self.bias).for_each(|number, weight, bias| {
                *number = (*number - mean) * by * weight + bias;
            });
        }
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// The error function, as the rational approximation that Eigen and XLA use for single precision: exact to a few units in
/// the last place, and without branches.
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142_3e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] = [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let polynomial = |coefficients: &[f32]| coefficients.iter().fold(0.0, |sum, next| sum * square + next);
    x * polynomial(&ABOVE) / polynomial(&BELOW)
}

fn to_f32(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "widths of networks are small")]
    {
        count as f32
    }
}

/// The tensors of a file, by their names in it.
struct File<'t> {
    tensors: &'t SafeTensors<'t>,
    prefix: &'static str,
    config: &'t Config,
}

impl File<'_> {
    fn layer(&self, number: usize) -> Result<Layer, String> {
        let (wide, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        Ok(Layer {
            query: self.linear(&name("attention.self.query"), wide, wide)?,
            key: self.linear(&name("attention.self.key"), wide, wide)?,
            value: self.linear(&name("attention.self.value"), wide, wide)?,
            attended: self.linear(&name("attention.output.dense"), wide, wide)?,
            attended_norm: self.norm(&name("attention.output.LayerNorm"))?,
            up: self.linear(&name("intermediate.dense"), inner, wide)?,
            down: self.linear(&name("output.dense"), wide, inner)?,
            down_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }

    fn linear(&self, name: &str, out: usize, wide: usize) -> Result<Linear, String> {
        Ok(Linear {
            weight: self.matrix(&format!("{name}.weight"), Some(out), wide)?,
            bias: self.row(&format!("{name}.bias"), out)?,
        })
    }

    fn norm(&self, name: &str) -> Result<Norm, String> {
        let wide = self.config.hidden_size;
        let (weight, bias) = (self.row(&format!("{name}.weight"), wide)?, self.row(&format!("{name}.bias"), wide)?);
        Ok(Norm { weight, bias, epsilon: self.config.layer_norm_eps })
    }

    fn row(&self, name: &str, wide: usize) -> Result<Array1<f32>, String> {
        let numbers = self.numbers(name)?;
        if numbers.len() == wide { Ok(Array1::from_vec(numbers)) } else { Err(shape(name)) }
    }

    /// A matrix with as many rows as it has, or as are expected.
    fn matrix(&self, name: &str, rows: Option<usize>, wide: usize) -> Result<Array2<f32>, String> {
        let numbers = self.numbers(name)?;
        let there = numbers.len().checked_div(wide).unwrap_or_default();
        if rows.is_some_and(|rows| rows != there) {
            return Err(shape(name));
        }
        ArrayView2::from_shape((there, wide), &numbers).map(|view| view.to_owned()).map_err(|_| shape(name))
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.tensors.tensor(&name).map_err(|_| format!("there is no tensor `{name}`"))?;
        if tensor.dtype() != Dtype::F32 {
            return Err(format!("`{name}` has numbers of type {:?}; only F32 is supported", tensor.dtype()));
        }
        let (numbers, _) = tensor.data().as_chunks::<4>();
        Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

fn shape(name: &str) -> String {
    format!("`{name}` has another shape than the configuration says")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_is_what_tables_say() {
        // Abramowitz and Stegun, table 7.1.
        let table =
            [(0.0, 0.0), (0.1, 0.112_462_916), (0.5, 0.520_499_878), (1.0, 0.842_700_793), (2.0, 0.995_322_265)];
        for (x, value) in table {
            assert!((f64::from(erf(x)) - value).abs() < 2e-7, "{x}: {}", erf(x));
            assert!((f64::from(erf(-x)) + value).abs() < 2e-7, "{x}");
        }
        assert!((erf(9.0) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_norm_makes_the_mean_0_and_the_deviation_1() {
        let norm = Norm { weight: Array1::ones(4), bias: Array1::zeros(4), epsilon: 0.0 };
        let mut states = Array2::from_shape_vec((1, 4), vec![1.0, 2.0, 3.0, 6.0]).unwrap();
        norm.apply(&mut states);
        let by = 3.5_f32.sqrt();
        let expected = [-2.0 / by, -1.0 / by, 0.0, 3.0 / by];
        assert!(states.iter().zip(expected).all(|(one, other)| (one - other).abs() < 1e-6), "{states}");
    }
}
