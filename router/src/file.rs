//! Models in files: safetensors, with what they were learnt from in the metadata.
//!
//! INVARIANT: equal models make equal files, and a file of another format, or for other features, is refused.

use crate::features::names;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, SafeTensorError, TensorView, serialize};
use std::collections::{BTreeMap, HashMap};

/// What is told of a model: the data, the command, the seed, how well it did.
pub type Card = BTreeMap<String, String>;

/// Why a file holds no model.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// It is no safetensors file, or a tensor is missing.
    #[error("the file is no model: {0}")]
    Format(#[from] SafeTensorError),
    /// It is of another version, or was learnt from other features.
    #[error("the model was made for other features\nhelp: train it again with `trace router train`")]
    Other,
    /// A tensor has another type or shape than it should.
    #[error("the tensor `{0}` is not what it should be")]
    Tensor(String),
}

/// Numbers by the tensors that they stand in, in rows of some width.
#[derive(Debug, Default)]
pub(crate) struct Tensors(BTreeMap<String, (Vec<usize>, Vec<u8>)>);

impl Tensors {
    pub(crate) fn put(&mut self, name: String, width: usize, numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.0.insert(name, (vec![numbers.len() / width.max(1), width], bytes));
    }

    /// The file.
    pub(crate) fn file(&self, format: &str, card: &Card) -> Result<Vec<u8>, WeightsError> {
        let views =
            self.0.iter().map(|(name, (shape, bytes))| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
        let views: Vec<_> = views.collect::<Result<_, SafeTensorError>>()?;
        // One entry, whose own order is that of a sorted map: a file is the same for the same weights.
        let about = serde_json::json!({"format": format, "features": features(), "card": card});
        let metadata = HashMap::from([("trace".to_owned(), about.to_string())]);
        Ok(serialize(views, Some(metadata))?)
    }
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Read<'b> {
    tensors: SafeTensors<'b>,
    pub(crate) card: Card,
    /// The hash of the file: equal models have equal names.
    pub(crate) name: String,
}

impl<'b> Read<'b> {
    pub(crate) fn new(format: &str, bytes: &'b [u8]) -> Result<Read<'b>, WeightsError> {
        let (_, metadata) = SafeTensors::read_metadata(bytes)?;
        let about = metadata.metadata().as_ref().and_then(|all| all.get("trace")).ok_or(WeightsError::Other)?;
        let about: serde_json::Value = serde_json::from_str(about).map_err(|_| WeightsError::Other)?;
        let is = |name: &str, expected: &str| about.get(name).and_then(serde_json::Value::as_str) == Some(expected);
        if !is("format", format) || !is("features", &features()) {
            return Err(WeightsError::Other);
        }
        let card = about.get("card").and_then(serde_json::Value::as_object).into_iter().flatten();
        let card = card.filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned()))).collect();
        let name = blake3::hash(bytes).to_hex().chars().take(16).collect();
        Ok(Read { tensors: SafeTensors::deserialize(bytes)?, card, name })
    }

    /// Whether there is a tensor whose name begins so.
    pub(crate) fn has(&self, beginning: &str) -> bool {
        self.tensors.names().iter().any(|name| name.starts_with(beginning))
    }

    /// The numbers of a tensor in rows of some width.
    pub(crate) fn numbers(&self, name: &str, width: usize) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensors.tensor(name)?;
        if tensor.dtype() != Dtype::F32 || tensor.shape().last() != Some(&width) {
            return Err(WeightsError::Tensor(name.to_owned()));
        }
        Ok(tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

/// What a model of this program looks at: a hash of the features' names, so that no other model is taken for one.
fn features() -> String {
    let names: Vec<&str> = names().collect();
    blake3::hash(names.join("\n").as_bytes()).to_hex().chars().take(16).collect()
}
