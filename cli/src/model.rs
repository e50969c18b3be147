//! `trace model`: which embedding model is used, and how one is fetched.

use crate::End;
use crate::configured::{data_folder, threads};
use crate::output::{self, PlainFormat};
use anyhow::{Context, Result};
use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use memory::embed::{Backend, Choice, Form, HUB, Settings, choose, fetch, library, load};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// See which embedding model is used, or fetch one
///
/// With a model, memories are found by what they mean as well as by their words. It runs on this machine: in ONNX Runtime
/// where its library is found (the setting, `ORT_DYLIB_PATH`, the data folder), else in Rust.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace model show                               which one would be used, and why
  trace model show --model-dir all-MiniLM-L6-v2  whether this one can be
  trace model pull                               fetch the default one (90 MB), once

Exit codes: 0 done, 1 there is none, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show which embedder is used, and why
    #[command(after_help = "\
Examples:
  trace model show --embedding local     whether the fetched model runs without ONNX Runtime
  trace model show --format json")]
    Show {
        #[command(flatten)]
        embedding: Embedding,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: PlainFormat,
    },
    /// Fetch the default model into the data folder
    ///
    /// From the Hugging Face hub, or from the mirror that `HF_ENDPOINT` names. What is there already is not fetched again.
    #[command(after_help = "\
Example:
  trace model pull")]
    Pull {
        #[command(flatten)]
        embedding: Embedding,
    },
}

/// Which embedder is wanted.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Embedding {
    /// A folder with `model.safetensors` or `model.onnx`, `tokenizer.json` and `config.json` [default: the fetched model]
    #[arg(long, value_name = "DIR")]
    model_dir: Option<PathBuf>,
    /// How texts are embedded
    #[arg(long, value_enum, default_value_t)]
    embedding: How,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum How {
    /// The best that is there
    #[default]
    Auto,
    /// ONNX Runtime
    Fastembed,
    /// Rust alone
    Local,
    /// Words and pieces of words, without a model
    Hash,
    /// Not at all
    Off,
}

impl Embedding {
    /// The embedder to use, and why.
    pub(crate) fn choose(&self) -> Result<Choice> {
        Ok(choose(&self.settings())?)
    }

    /// The folder that was named.
    pub(crate) fn model_dir(&self) -> Option<&Path> {
        self.model_dir.as_deref()
    }

    fn settings(&self) -> Settings {
        Settings {
            backend: match self.embedding {
                How::Auto => Backend::Auto,
                How::Fastembed => Backend::Fastembed,
                How::Local => Backend::Local,
                How::Hash => Backend::Hash,
                How::Off => Backend::Off,
            },
            model_dir: self.model_dir.clone(),
            library: std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from),
            data: data_folder(),
            threads: threads(),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    match &arguments.action {
        Action::Show { embedding, format } => show(embedding, *format),
        Action::Pull { embedding } => pull(embedding),
    }
}

fn show(embedding: &Embedding, format: PlainFormat) -> Result<End> {
    let Choice { embedder, reason } = embedding.choose()?;
    let mut out = output::out();
    match (format, &embedder) {
        (PlainFormat::Json, _) => {
            let id = embedder.as_ref().map(|embedder| embedder.id());
            let is_semantic = embedder.as_ref().map(|embedder| embedder.is_semantic());
            output::json(&mut out, &json!({"embedder": id, "is_semantic": is_semantic, "reason": reason}))?;
        }
        (PlainFormat::Table, Some(embedder)) => writeln!(out, "{reason}\n{}", embedder.id())?,
        (PlainFormat::Table, None) => writeln!(out, "{reason}")?,
    }
    out.flush()?;
    Ok(if embedder.is_some() { End::Clean } else { End::Findings })
}

fn pull(embedding: &Embedding) -> Result<End> {
    let settings = embedding.settings();
    let data = settings.data.clone().context("there is no data folder: neither XDG_DATA_HOME nor HOME is set")?;
    let (models, hub) = (data.join("models"), std::env::var("HF_ENDPOINT").unwrap_or_else(|_| HUB.to_owned()));
    std::fs::create_dir_all(&models).with_context(|| format!("cannot make `{}`", models.display()))?;
    // A library that can't be used would make the other form useless.
    let form = match library(&settings).and_then(|library| load(&library)) {
        Ok(()) => Form::Onnx,
        Err(_) => Form::Weights,
    };
    let bar = if output::is_watched() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template("{msg} {bar:30} {bytes}/{total_bytes}")?);
    let folder = fetch(&models, form, &hub, &mut |file, done, of| {
        bar.set_message(file.to_owned());
        bar.set_length(of);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let mut out = output::out();
    writeln!(out, "fetched the model into `{}`", folder.display())?;
    out.flush()?;
    show(embedding, PlainFormat::Table)
}
