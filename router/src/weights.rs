//! The value models in a file: safetensors, with what they were learnt from in the metadata.

use crate::calibration::Calibration;
use crate::features::width;
use crate::file::{Card, Read, Tensors};
use crate::trees::{Node, Trees};
use crate::value::Value;

pub use crate::file::WeightsError;

/// The version of the format; it changes with what is in the file, and the features' names with the features.
const FORMAT: &str = "trace-value-1";

/// The value models: with vectors, and without.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// For candidates that were compared by meaning.
    pub dense: Option<Value>,
    /// For candidates that were not.
    pub words: Option<Value>,
    /// What they were learnt from, with which command and seed, and how well they did.
    pub card: Card,
    /// The hash of the file that they were read from: equal weights have equal names.
    name: String,
}

/// The model that ships with the program: learnt from conversations that are generated here. See `docs/router.md`.
pub fn shipped() -> Option<Weights> {
    Weights::from_bytes(include_bytes!("../models/value.safetensors")).ok()
}

impl Weights {
    /// Whether it was measured to pay.
    pub fn is_on(&self) -> bool {
        self.card.get("is_on").is_some_and(|is_on| is_on == "true")
    }

    /// The model for what was found: nothing where none was learnt.
    pub fn of(&self, has_dense: bool) -> Option<&Value> {
        if has_dense { self.dense.as_ref() } else { self.words.as_ref() }
    }

    /// Weights that were learnt.
    ///
    /// # Errors
    /// [`WeightsError`] when they can't be written.
    pub fn new(dense: Option<Value>, words: Option<Value>, card: Card) -> Result<Weights, WeightsError> {
        Weights::from_bytes(&Weights { dense, words, card, name: String::new() }.to_bytes()?)
    }

    /// The name of these weights.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file.
    ///
    /// # Errors
    /// [`WeightsError`] when they can't be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let mut tensors = Tensors::default();
        for (kind, value) in [("dense", &self.dense), ("words", &self.words)] {
            let Some(value) = value else { continue };
            let mut put = |name: &str, width: usize, numbers: Vec<f32>| {
                tensors.put(format!("{kind}.{name}"), width, &numbers);
            };
            put("base", 1, vec![value.trees.base]);
            put("nodes", 5, nodes(&value.trees));
            put("roots", 1, roots(&value.trees));
            put("calibration", 2, value.calibration.points.iter().flatten().copied().collect());
        }
        tensors.file(FORMAT, &self.card)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`WeightsError`] when it is none, or of other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Weights, WeightsError> {
        let file = Read::new(FORMAT, bytes)?;
        let read = |kind: &str| if file.has(kind) { value(&file, kind).map(Some) } else { Ok(None) };
        Ok(Weights { dense: read("dense")?, words: read("words")?, card: file.card.clone(), name: file.name.clone() })
    }
}

fn nodes(trees: &Trees) -> Vec<f32> {
    let row = |node: &Node| [f32::from(node.feature), node.threshold, exact(node.left), exact(node.right), node.value];
    trees.nodes.iter().flat_map(row).collect()
}

fn roots(trees: &Trees) -> Vec<f32> {
    trees.roots.iter().copied().map(exact).collect()
}

/// A place among the nodes as a number that says it exactly: below 2^24.
fn exact(at: u32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "no model has 2^24 nodes")]
    {
        at as f32
    }
}

fn place(number: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
    {
        number as u32
    }
}

fn value(file: &Read<'_>, kind: &str) -> Result<Value, WeightsError> {
    let numbers = |name: &str, width: usize| file.numbers(&format!("{kind}.{name}"), width);
    let base = numbers("base", 1)?.first().copied().unwrap_or_default();
    let node = |[feature, threshold, left, right, value]: &[f32; 5]| Node {
        feature: u16::try_from(place(*feature)).unwrap_or(u16::MAX),
        threshold: *threshold,
        left: place(*left),
        right: place(*right),
        value: *value,
    };
    let nodes: Vec<Node> = numbers("nodes", 5)?.as_chunks::<5>().0.iter().map(node).collect();
    if nodes.iter().any(|node| usize::from(node.feature) >= width() || !node.value.is_finite()) {
        return Err(WeightsError::Tensor(format!("{kind}.nodes")));
    }
    let roots = numbers("roots", 1)?.into_iter().map(place).collect();
    let points = numbers("calibration", 2)?.as_chunks::<2>().0.to_vec();
    Ok(Value { trees: Trees { base, nodes, roots }, calibration: Calibration { points } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn some() -> Weights {
        let split = Node { feature: 1, threshold: 0.5, left: 1, right: 2, value: 0.0 };
        let trees = Trees { base: -1.0, nodes: vec![split, Node::end(-0.5), Node::end(0.5)], roots: vec![0] };
        let value = Value { trees, calibration: Calibration { points: vec![[-1.5, 0.1], [-0.5, 0.9]] } };
        let card = BTreeMap::from([("data".to_owned(), "none".to_owned()), ("is_on".to_owned(), "true".to_owned())]);
        Weights::new(None, Some(value), card).unwrap()
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let weights = some();
        let bytes = weights.to_bytes().unwrap();
        let read = Weights::from_bytes(&bytes).unwrap();
        assert_eq!((read.to_bytes().unwrap(), &read), (bytes, &weights));
        assert!(read.is_on() && read.dense.is_none());
        assert!(read.of(true).is_none(), "what words tell counts differently beside meaning");
        assert!((read.of(false).unwrap().probability(&[0.0, 0.7]) - 0.9).abs() < 1e-6);
    }

    #[test]
    fn the_shipped_model_pays_and_is_for_words_alone() {
        let weights = shipped().unwrap();
        assert!(weights.is_on() && weights.dense.is_none() && weights.words.is_some());
    }

    proptest! {
        #[test]
        fn damaged_files_are_refused_or_harmless(at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = some().to_bytes().unwrap();
            let place = at.index(bytes.len());
            bytes[place] = with;
            for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
                if let Some(value) = Weights::from_bytes(bytes).ok().as_ref().and_then(|weights| weights.of(false)) {
                    let probability = value.probability(&[0.0; 80]);
                    prop_assert!(probability.is_nan() || (0.0..=1.0).contains(&probability));
                }
            }
        }
    }
}
