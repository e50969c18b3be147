//! The default model, fetched once into the data folder: all-MiniLM-L6-v2 (Apache-2.0) from the Hugging Face hub, in the
//! layout that the hub's other clients use, so that a folder filled by one of them serves as well.

use super::EmbedError;
use hf_hub::api::Progress;
use hf_hub::api::sync::ApiBuilder;
use hf_hub::{Cache, Repo, RepoType};
use std::path::{Path, PathBuf};

/// Where models are fetched from, unless somebody names a mirror.
pub const HUB: &str = "https://huggingface.co";

/// Which form of the default model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For ONNX Runtime.
    Onnx,
    /// For [`Local`](super::Local).
    Weights,
}

impl Form {
    fn repo(self) -> Repo {
        let name = match self {
            Form::Onnx => "Qdrant/all-MiniLM-L6-v2-onnx",
            Form::Weights => "sentence-transformers/all-MiniLM-L6-v2",
        };
        Repo::new(name.to_owned(), RepoType::Model)
    }

    /// The files that are needed, the greatest last: while it is missing the model is not there.
    fn files(self) -> [&'static str; 5] {
        let weights = match self {
            Form::Onnx => super::model_folder::ONNX,
            Form::Weights => super::model_folder::WEIGHTS,
        };
        ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", weights]
    }
}

/// The folder of a form of the default model, if it was fetched whole.
pub(super) fn fetched(models: &Path, form: Form) -> Option<PathBuf> {
    let cache = Cache::new(models.to_owned()).repo(form.repo());
    let files: Vec<PathBuf> = form.files().iter().map(|file| cache.get(file)).collect::<Option<_>>()?;
    files.first()?.parent().map(Path::to_owned)
}

/// What is told while a file is fetched: its name, and how many of how many bytes are there.
pub type OnProgress<'p> = &'p mut dyn FnMut(&str, u64, u64);

/// Fetches a form of the default model, and tells its folder. What is there already is not fetched again.
///
/// # Errors
/// [`EmbedError::Unusable`] where the hub can't be reached, or the folder can't be written.
pub fn fetch(models: &Path, form: Form, hub: &str, progress: OnProgress<'_>) -> Result<PathBuf, EmbedError> {
    let failed = |error: &dyn std::fmt::Display| EmbedError::Unusable {
        what: format!("the model can't be fetched from `{hub}` into `{}`: {error}", models.display()),
        help: "without a network, copy a folder with a model here and name it with `--model-dir`".to_owned(),
    };
    let api = ApiBuilder::from_cache(Cache::new(models.to_owned()))
        .with_endpoint(hub.to_owned())
        .with_token(None)
        .with_progress(false)
        .build()
        .map_err(|error| failed(&error))?
        .repo(form.repo());
    let cache = Cache::new(models.to_owned()).repo(form.repo());
    for file in form.files() {
        if cache.get(file).is_none() {
            let told = Told { file: file.to_owned(), done: 0, of: 0, progress: &mut *progress };
            api.download_with_progress(file, told).map_err(|error| failed(&error))?;
        }
    }
    fetched(models, form).ok_or_else(|| failed(&"a file is missing after it was fetched"))
}

struct Told<'p> {
    file: String,
    done: u64,
    of: u64,
    progress: OnProgress<'p>,
}

impl Progress for Told<'_> {
    fn init(&mut self, size: usize, _: &str) {
        self.of = size as u64;
        (self.progress)(&self.file, 0, self.of);
    }

    fn update(&mut self, size: usize) {
        self.done += size as u64;
        (self.progress)(&self.file, self.done, self.of);
    }

    fn finish(&mut self) {
        (self.progress)(&self.file, self.of, self.of);
    }
}
