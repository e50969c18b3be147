//! Vectors by fastembed and ONNX Runtime, whose library is loaded while the program runs: a folder with `model.onnx` and the
//! files of its tokenizer.
//!
//! INVARIANT: fastembed is called only after [`load`] has succeeded, since it panics where the library is missing. A process
//! has one such library: the first that could be loaded stays, whatever is asked for afterwards.

use super::model_folder::{self, MAX_TOKENS, ONNX, read, unusable};
use super::{EmbedError, Embedder, EmbedderId};
use fastembed::{InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use parking_lot::Mutex;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::Path;

/// What the files say about a tokenizer whose folder does not.
const PADDING: &[u8] = br#"{"model_max_length": 256, "pad_token": "[PAD]"}"#;

/// A model that ONNX Runtime runs.
pub struct Fast {
    id: EmbedderId,
    // One text at a time: fastembed takes its model mutably, and ONNX Runtime uses the threads by itself.
    model: Mutex<TextEmbedding>,
}

impl Fast {
    /// Loads the library and reads a model; batches are computed on so many threads.
    ///
    /// # Errors
    /// [`EmbedError::Unusable`] when the library or a file is missing, damaged or of another kind.
    pub fn open(library: &Path, folder: &Path, threads: NonZeroUsize) -> Result<Fast, EmbedError> {
        load(library)?;
        let weights = read(folder, ONNX)?;
        let name = model_folder::name(&weights, &model_folder::tokenizer(folder, MAX_TOKENS)?)?;
        let optional = |file: &str, else_: &[u8]| read(folder, file).unwrap_or_else(|_| else_.to_vec());
        let files = TokenizerFiles {
            tokenizer_file: read(folder, model_folder::TOKENIZER)?,
            config_file: read(folder, model_folder::CONFIG)?,
            special_tokens_map_file: optional("special_tokens_map.json", b"{}"),
            tokenizer_config_file: optional("tokenizer_config.json", PADDING),
        };
        let options = InitOptionsUserDefined::new().with_max_length(MAX_TOKENS).with_intra_threads(threads.get());
        let model = UserDefinedEmbeddingModel::new(weights, files).with_pooling(Pooling::Mean);
        let damaged = |error: fastembed::Error| unusable(folder, &error.to_string());
        let mut model = TextEmbedding::try_new_from_user_defined(model, options).map_err(damaged)?;
        // The file does not say how many numbers come out; a text tells, and shows that the model runs at all.
        let dimension = model.embed(["text"], None).map_err(damaged)?.first().map_or(0, Vec::len);
        let id = EmbedderId { backend: "fastembed".to_owned(), model: name, dimension };
        Ok(Fast { id, model: Mutex::new(model) })
    }
}

impl fmt::Debug for Fast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fast").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Embedder for Fast {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        self.model.lock().embed(texts, None).map_err(|error| EmbedError::Failed(error.to_string()))
    }

    fn is_semantic(&self) -> bool {
        true
    }
}

/// Loads ONNX Runtime, unless the process has it already.
///
/// # Errors
/// [`EmbedError::Unusable`] when the file is missing, too old, or another one.
pub fn load(library: &Path) -> Result<(), EmbedError> {
    ort::init_from(library).map(drop).map_err(|error| EmbedError::Unusable {
        what: format!("ONNX Runtime can't be used: {error}"),
        help: format!("name the file `{}` of ONNX Runtime 1.{} or newer", library_name(), ort::MINOR_VERSION),
    })
}

/// What the library of ONNX Runtime is called on this system.
pub(super) fn library_name() -> String {
    format!("{}onnxruntime{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX)
}

// Only failures are tested here: once a library could be loaded the process keeps it.
#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(library: &Path) -> String {
        load(library).expect_err("it is no library of ONNX Runtime that can be used").to_string()
    }

    #[test]
    fn a_library_that_is_missing_or_none_is_told_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = refusal(&folder.path().join("nowhere.so"));
        assert!(missing.contains("nowhere.so") && missing.contains("help: name the file"), "{missing}");
        let text = folder.path().join(library_name());
        std::fs::write(&text, "not a library").unwrap();
        assert!(refusal(&text).contains(&library_name()), "{}", refusal(&text));
    }

    #[test]
    fn a_library_that_is_another_one_or_too_old_is_told() {
        let Some(folder) = std::env::var_os("TRACE_TEST_LIBRARIES") else {
            println!("skipped: TRACE_TEST_LIBRARIES names no folder with unusable libraries; see .ci/neural");
            return;
        };
        let folder = std::path::PathBuf::from(folder);
        let other = refusal(&folder.join("libonnxruntime_providers_shared.so"));
        assert!(other.contains("does not export"), "{other}");
        let old = refusal(&folder.join("old.so"));
        assert!(old.contains("1.20.0") && old.contains("or newer"), "{old}");
    }
}
