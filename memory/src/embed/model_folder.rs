//! The folder of a model: which files it has, and how they are read.

use super::EmbedError;
use std::path::Path;
use tokenizers::{Tokenizer, TruncationParams};

/// The weights, for [`Local`](super::Local).
pub(super) const WEIGHTS: &str = "model.safetensors";
/// The network with its weights, for ONNX Runtime.
pub(super) const ONNX: &str = "model.onnx";
/// How texts become tokens.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// What the network looks like.
pub(super) const CONFIG: &str = "config.json";

/// The most tokens of a text that count: what `MiniLM` and its kin were trained on.
pub(super) const MAX_TOKENS: usize = 256;

/// A file of a model.
///
/// # Errors
/// [`EmbedError::Unusable`] when it is missing or can't be read.
pub(super) fn read(folder: &Path, file: &str) -> Result<Vec<u8>, EmbedError> {
    std::fs::read(folder.join(file)).map_err(|error| unusable(folder, &format!("`{file}` can't be read: {error}")))
}

/// The tokenizer of a model. What its file says about cutting and padding is overridden: files cut where their author's
/// hardware ended, and pad to that length.
///
/// # Errors
/// [`EmbedError::Unusable`] when the file is missing or damaged.
pub(super) fn tokenizer(folder: &Path, positions: usize) -> Result<Tokenizer, EmbedError> {
    let damaged = |error: tokenizers::Error| unusable(folder, &format!("`{TOKENIZER}` can't be used: {error}"));
    let mut tokenizer = Tokenizer::from_bytes(read(folder, TOKENIZER)?).map_err(damaged)?;
    let cut = TruncationParams { max_length: MAX_TOKENS.min(positions), ..TruncationParams::default() };
    tokenizer.with_truncation(Some(cut)).map_err(damaged)?.with_padding(None);
    Ok(tokenizer)
}

/// How many tokens a text has for the model in a folder, however many, the marks at both ends included.
///
/// # Errors
/// [`EmbedError::Unusable`] when the tokenizer is missing or damaged.
pub fn token_count(folder: &Path) -> Result<impl Fn(&str) -> usize + use<>, EmbedError> {
    let mut tokenizer = tokenizer(folder, MAX_TOKENS)?;
    tokenizer.with_truncation(None).map_err(|error| unusable(folder, &error.to_string()))?;
    Ok(move |text: &str| tokenizer.encode_fast(text, true).map_or(0, |tokens| tokens.len()))
}

/// What names a model: the hash of its weights and of how texts become tokens. 128 bits of BLAKE3, hexadecimal.
///
/// # Errors
/// [`EmbedError::Failed`] when the tokenizer can't be written down.
pub(super) fn name(weights: &[u8], tokenizer: &Tokenizer) -> Result<String, EmbedError> {
    let tokenizer = tokenizer.to_string(false).map_err(|error| EmbedError::Failed(error.to_string()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(weights.len() as u64).to_le_bytes()).update(weights).update(tokenizer.as_bytes());
    Ok(hasher.finalize().to_hex().chars().take(32).collect())
}

pub(super) fn unusable(folder: &Path, what: &str) -> EmbedError {
    EmbedError::Unusable {
        what: format!("the model in `{}` can't be used: {what}", folder.display()),
        help: format!("a model is a folder with `{WEIGHTS}` or `{ONNX}`, `{TOKENIZER}` and `{CONFIG}`"),
    }
}
