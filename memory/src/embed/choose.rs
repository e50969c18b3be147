//! Which embedder is used, and why: what a person configured, or the best that is there.
//!
//! INVARIANT: choosing fetches nothing. What is missing is named with the command that gets it.

use super::model_folder::{ONNX, WEIGHTS};
use super::{EmbedError, Embedder, Hash, Local};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "neural")]
use super::{fast, hub};

/// Which embedder is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backend {
    /// The best that is there; none where there is no model.
    #[default]
    Auto,
    /// ONNX Runtime, by fastembed.
    Fastembed,
    /// Rust alone.
    Local,
    /// Words and pieces of words: no model, and no meaning.
    Hash,
    /// None.
    Off,
}

/// What is known about embedders on this machine. Libraries read no environment: whoever starts the program fills this in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which one is wanted.
    pub backend: Backend,
    /// A folder with a model; else the default model is used, if it was fetched.
    pub model_dir: Option<PathBuf>,
    /// The library of ONNX Runtime: what is configured, else the value of `ORT_DYLIB_PATH`; else `data` is looked into.
    pub library: Option<PathBuf>,
    /// The data folder: `models/` holds what was fetched, and a library of ONNX Runtime may lie beside it.
    pub data: Option<PathBuf>,
    /// How many threads a batch is computed on.
    pub threads: NonZeroUsize,
}

/// The embedder to use, and why it is this one.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The embedder; none where texts are searched by words alone.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// Why, in a sentence for a person, to be shown once.
    pub reason: String,
}

/// Chooses an embedder.
///
/// # Errors
/// [`EmbedError::Unusable`] when what is asked for by name, a backend or a folder, can't be used. [`Backend::Auto`] without a
/// folder never fails.
pub fn choose(settings: &Settings) -> Result<Choice, EmbedError> {
    let choice = |embedder: Arc<dyn Embedder>, reason: String| Choice { embedder: Some(embedder), reason };
    match settings.backend {
        Backend::Auto => auto(settings),
        Backend::Fastembed => {
            let (embedder, place) = fastembed(settings)?;
            Ok(choice(embedder, format!("embedding by fastembed with the model in `{}`", place.display())))
        }
        Backend::Local => {
            let (embedder, place) = local(settings)?;
            Ok(choice(embedder, format!("embedding with the model in `{}`", place.display())))
        }
        Backend::Hash => Ok(choice(
            Arc::new(Hash::default()),
            "embedding by words and pieces of words, which say nothing about meaning".to_owned(),
        )),
        Backend::Off => Ok(Choice { embedder: None, reason: "embedding is off: searching by words".to_owned() }),
    }
}

fn auto(settings: &Settings) -> Result<Choice, EmbedError> {
    let found = |embedder: Arc<dyn Embedder>, how: &str, place: &Path| Choice {
        embedder: Some(embedder),
        reason: format!("embedding {how} with the model in `{}`", place.display()),
    };
    let fast = match fastembed(settings) {
        Ok((embedder, place)) => return Ok(found(embedder, "by fastembed", &place)),
        Err(error) => error,
    };
    match local(settings) {
        Ok((embedder, place)) => Ok(found(embedder, "in Rust", &place)),
        Err(error) => match &settings.model_dir {
            // The folder says which backend it is for: its error is the one that helps.
            Some(folder) => {
                Err(if folder.join(ONNX).is_file() && !folder.join(WEIGHTS).is_file() { fast } else { error })
            }
            None => Ok(Choice {
                embedder: None,
                reason: "no embedding model: searching by words; `trace model pull` fetches one".to_owned(),
            }),
        },
    }
}

fn local(settings: &Settings) -> Result<(Arc<dyn Embedder>, PathBuf), EmbedError> {
    let folder = folder(settings, Which::Weights)?;
    Ok((Arc::new(Local::open(&folder, settings.threads)?), folder))
}

#[cfg(feature = "neural")]
fn fastembed(settings: &Settings) -> Result<(Arc<dyn Embedder>, PathBuf), EmbedError> {
    let folder = folder(settings, Which::Onnx)?;
    if !folder.join(ONNX).is_file() {
        return Err(super::model_folder::unusable(&folder, &format!("there is no `{ONNX}`")));
    }
    let library = library(settings)?;
    Ok((Arc::new(fast::Fast::open(&library, &folder, settings.threads)?), folder))
}

#[cfg(not(feature = "neural"))]
fn fastembed(_: &Settings) -> Result<(Arc<dyn Embedder>, PathBuf), EmbedError> {
    Err(EmbedError::Unusable {
        what: "this program was built without fastembed".to_owned(),
        help: format!("use a folder with `{WEIGHTS}`, or build with the feature `neural`"),
    })
}

/// Which form of the default model a backend reads.
#[derive(Debug, Clone, Copy)]
enum Which {
    #[cfg(feature = "neural")]
    Onnx,
    Weights,
}

/// The folder of the model: what is configured, else what was fetched.
fn folder(settings: &Settings, default: Which) -> Result<PathBuf, EmbedError> {
    let fetched = || fetched(&settings.data.as_ref()?.join("models"), default);
    settings.model_dir.clone().or_else(fetched).ok_or_else(|| EmbedError::Unusable {
        what: "there is no embedding model".to_owned(),
        help: "`trace model pull` fetches one; `--model-dir` names a folder that has one".to_owned(),
    })
}

#[cfg(feature = "neural")]
fn fetched(models: &Path, default: Which) -> Option<PathBuf> {
    let form = match default {
        Which::Onnx => hub::Form::Onnx,
        Which::Weights => hub::Form::Weights,
    };
    hub::fetched(models, form)
}

#[cfg(not(feature = "neural"))]
fn fetched(_: &Path, _: Which) -> Option<PathBuf> {
    None
}

/// The library of ONNX Runtime: what is configured, else what lies in the data folder.
///
/// # Errors
/// [`EmbedError::Unusable`] when there is none; whether it can be loaded is not tried.
#[cfg(feature = "neural")]
pub fn library(settings: &Settings) -> Result<PathBuf, EmbedError> {
    let in_data = || -> Option<PathBuf> {
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(settings.data.as_ref()?).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        names.sort();
        names.into_iter().find(|path| path.file_name().is_some_and(|name| is_library(&name.to_string_lossy())))
    };
    settings.library.clone().or_else(in_data).ok_or_else(|| EmbedError::Unusable {
        what: "the library of ONNX Runtime was not found".to_owned(),
        help: format!("put `{}` into the data folder, or name it in ORT_DYLIB_PATH", fast::library_name()),
    })
}

/// Whether a file is the library, perhaps with its version behind; `libonnxruntime_providers_shared` is another one.
#[cfg(feature = "neural")]
fn is_library(name: &str) -> bool {
    use std::env::consts::{DLL_EXTENSION, DLL_PREFIX};
    let rest = name.strip_prefix(DLL_PREFIX).and_then(|name| name.strip_prefix("onnxruntime"));
    rest.is_some_and(|rest| rest.starts_with('.') && rest.split('.').any(|part| part == DLL_EXTENSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(backend: Backend, model_dir: Option<&Path>, data: Option<&Path>) -> Settings {
        let threads = NonZeroUsize::MIN;
        let (model_dir, data) = (model_dir.map(Path::to_owned), data.map(Path::to_owned));
        Settings { backend, model_dir, library: None, data, threads }
    }

    #[test]
    fn without_a_model_texts_are_searched_by_words_and_that_is_said() {
        let folder = tempfile::tempdir().unwrap();
        for data in [None, Some(folder.path())] {
            let choice = choose(&settings(Backend::Auto, None, data)).unwrap();
            assert!(choice.embedder.is_none());
            assert_eq!(choice.reason, "no embedding model: searching by words; `trace model pull` fetches one");
        }
        assert!(choose(&settings(Backend::Off, None, None)).unwrap().embedder.is_none());
    }

    #[test]
    fn the_lexical_embedder_says_that_it_is_one() {
        let choice = choose(&settings(Backend::Hash, None, None)).unwrap();
        assert!(!choice.embedder.unwrap().is_semantic());
        assert!(choice.reason.contains("nothing about meaning"), "{}", choice.reason);
    }

    #[test]
    fn what_is_asked_for_by_name_and_is_not_there_is_an_error() {
        for backend in [Backend::Fastembed, Backend::Local] {
            let error = choose(&settings(backend, None, None)).unwrap_err().to_string();
            assert!(error.contains("help: "), "{error}");
        }
        let empty = tempfile::tempdir().unwrap();
        let error = choose(&settings(Backend::Auto, Some(empty.path()), None)).unwrap_err().to_string();
        assert!(error.contains("`config.json` can't be read") && error.contains("help: a model is"), "{error}");
    }

    #[test]
    fn a_damaged_model_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let config = |text: &str| std::fs::write(folder.path().join("config.json"), text).unwrap();
        let error = || choose(&settings(Backend::Local, Some(folder.path()), None)).unwrap_err().to_string();
        config("{}");
        assert!(error().contains("`config.json` can't be read: missing field"), "{}", error());
        config(
            r#"{"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 3,
                "intermediate_size": 8, "max_position_embeddings": 8, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}"#,
        );
        assert!(error().contains("not supported is 8 numbers over 3 heads"), "{}", error());
    }

    #[cfg(feature = "neural")]
    #[test]
    fn the_library_is_found_by_its_name_and_no_other_is_taken_for_it() {
        use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
        for (stem, found) in [("onnxruntime", true), ("onnxruntime_providers_shared", false), ("onnx", false)] {
            assert_eq!(is_library(&format!("{DLL_PREFIX}{stem}{DLL_SUFFIX}")), found, "{stem}");
        }
        assert_eq!(is_library("libonnxruntime.so.1.31.1"), DLL_SUFFIX == ".so");
        assert!(!is_library("onnxruntime.zip"));
    }
}
