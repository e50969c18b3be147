//! Vectors by a model on this machine, in Rust alone: a folder with `model.safetensors`, `tokenizer.json` and `config.json`,
//! as sentence-transformers writes it for `MiniLM` and other small BERTs. The vector of a text is the mean over its tokens.

use super::bert::{Bert, Config};
use super::model_folder::{self, WEIGHTS, read, unusable};
use super::{EmbedError, Embedder, EmbedderId, normalize};
use safetensors::SafeTensors;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use tokenizers::Tokenizer;

/// A model whose weights lie in a folder.
#[derive(Debug)]
pub struct Local {
    id: EmbedderId,
    tokenizer: Tokenizer,
    network: Bert,
    threads: NonZeroUsize,
}

impl Local {
    /// Reads a model; batches are computed on so many threads.
    ///
    /// # Errors
    /// [`EmbedError::Unusable`] when a file is missing, damaged, or of a network that is not supported.
    pub fn open(folder: &Path, threads: NonZeroUsize) -> Result<Local, EmbedError> {
        let config = read(folder, model_folder::CONFIG)?;
        let config: Config = serde_json::from_slice(&config)
            .map_err(|error| unusable(folder, &format!("`{}` can't be read: {error}", model_folder::CONFIG)))?;
        if let Some(what) = config.unsupported() {
            return Err(unusable(folder, &format!("not supported is {what}")));
        }
        let weights = read(folder, WEIGHTS)?;
        let tokenizer = model_folder::tokenizer(folder, config.max_position_embeddings)?;
        let tensors = SafeTensors::deserialize(&weights)
            .map_err(|error| unusable(folder, &format!("`{WEIGHTS}` is damaged: {error}")))?;
        let network = Bert::new(&config, &tensors).map_err(|what| unusable(folder, &format!("`{WEIGHTS}`: {what}")))?;
        let model = model_folder::name(&weights, &tokenizer)?;
        let id = EmbedderId { backend: "local".to_owned(), model, dimension: config.hidden_size };
        Ok(Local { id, tokenizer, network, threads })
    }

    fn one(&self, text: &str) -> Result<Vec<f32>, EmbedError> {
        let tokens = self.tokenizer.encode_fast(text, true).map_err(|error| EmbedError::Failed(error.to_string()))?;
        let mut vector = self.network.mean(tokens.get_ids()).map_err(EmbedError::Failed)?;
        normalize(&mut vector);
        Ok(vector)
    }
}

impl Embedder for Local {
    fn id(&self) -> &EmbedderId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let share = texts.len().div_ceil(self.threads.get()).max(1);
        let each = |texts: &[&str]| texts.iter().map(|text| self.one(text)).collect::<Result<Vec<_>, _>>();
        if share >= texts.len() {
            return each(texts);
        }
        thread::scope(|scope| {
            let running: Vec<_> = texts.chunks(share).map(|texts| scope.spawn(move || each(texts))).collect();
            let mut all = Vec::with_capacity(texts.len());
            for thread in running {
                all.extend(thread.join().map_err(|_| EmbedError::Failed("a thread panicked".to_owned()))??);
            }
            Ok(all)
        })
    }

    fn is_semantic(&self) -> bool {
        true
    }
}
