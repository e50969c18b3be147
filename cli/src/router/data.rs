//! Questions to learn from or to measure on: files of public data sets, or conversations that are generated here.

use super::cache::Cached;
use crate::model;
use crate::output;
use ::router::evaluation::Cases;
use ::router::generated::generate;
use ::router::policy::profile::{Metered, Profile, profile};
use ::router::weights::{Weights, shipped};
use anyhow::{Context, Result, bail};
use consistency::store::{Sequence, Store};
use indicatif::{ProgressBar, ProgressStyle};
use memory::Memories;
use memory::embed::{Embedder, token_count};
use memory::evaluation::Indexed;
use memory::import::conversation::Conversation;
use memory::import::{hotpotqa, locomo, longmemeval};
use memory::index::Progress;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// How many questions of `HotpotQA` share their paragraphs.
const POOLED: usize = 50;

/// Which questions, and how texts are compared.
#[derive(Debug, clap::Args)]
pub(super) struct Data {
    /// A file of `LoCoMo`, `LongMemEval` or `HotpotQA`
    #[arg(long = "data", value_name = "PATH", required_unless_present = "generated")]
    path: Option<PathBuf>,
    /// So many conversations that are generated from the seed, instead of a file
    #[arg(long, value_name = "COUNT", conflicts_with = "path")]
    generated: Option<usize>,
    #[command(flatten)]
    embedding: model::Embedding,
    /// A folder that keeps vectors for the next time
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Where random numbers begin
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
}

/// What was read.
pub(super) struct Read {
    pub(super) cases: Cases,
    indexed: Indexed,
    meter: Option<Arc<Metered>>,
    _folder: TempDir,
    /// How texts are compared, for a person.
    pub(super) reason: String,
}

impl Data {
    /// Reads the conversations, indexes them, and asks their questions.
    pub(super) fn read(&self) -> Result<Read> {
        let conversations = match (&self.path, self.generated) {
            (Some(path), _) => conversations(path)?,
            (None, Some(count)) => generate(count, self.seed),
            (None, None) => bail!("neither a file nor a number of generated conversations is named"),
        };
        read(&conversations, &self.embedding, self.cache.as_deref())
    }

    /// What it is, for a card or a page.
    pub(super) fn name(&self) -> String {
        let file = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match (&self.path, self.generated) {
            (Some(path), _) => file(path),
            (None, count) => format!("{} generated conversations, seed {}", count.unwrap_or_default(), self.seed),
        }
    }
}

/// Indexes conversations and asks their questions.
pub(super) fn read(conversations: &[Conversation], embedding: &model::Embedding, cache: Option<&Path>) -> Result<Read> {
    let choice = embedding.choose()?;
    let (embedder, cached) = match (choice.embedder, cache) {
        (Some(embedder), Some(folder)) => {
            let cached = Cached::open(embedder, folder);
            let cached = Arc::new(cached.with_context(|| format!("cannot use `{}`", folder.display()))?);
            (Some(cached.clone() as Arc<dyn Embedder>), Some(cached))
        }
        (embedder, _) => (embedder, None),
    };
    let meter = embedder.map(|embedder| Arc::new(Metered::new(embedder)));
    let metered = meter.clone().map(|meter| meter as Arc<dyn Embedder>);
    let counted = embedding.model_dir().map(token_count).transpose()?;
    let estimated = |text: &str| text.chars().count() / 4 + 1;
    let tokens: &dyn Fn(&str) -> usize = match &counted {
        Some(counted) => counted,
        None => &estimated,
    };
    let folder = tempfile::tempdir()?;
    let memories = Memories::new(Store::in_memory(), Arc::new(Sequence::default()));
    let bar = bar("{msg} {bar:30} {pos}/{len}")?;
    bar.set_message("indexing");
    let indexed = Indexed::new(conversations, &memories, folder.path(), metered, &mut |progress| {
        if let Progress::Embedded { done, of } = progress {
            bar.set_length(of as u64);
            bar.set_position(done as u64);
        }
    })?;
    bar.set_message("asking");
    bar.set_length(conversations.len() as u64);
    let cases = Cases::new(conversations, &indexed, tokens, &mut |done| bar.set_position(done as u64))?;
    bar.finish_and_clear();
    if let Some(cached) = cached {
        cached.save().context("cannot keep the vectors")?;
    }
    if cases.all.is_empty() {
        bail!("nothing to measure: none of the questions names evidence");
    }
    Ok(Read { cases, indexed, meter, _folder: folder, reason: choice.reason })
}

impl Read {
    /// Replays the questions under every choice of tiers that can run.
    pub(super) fn profile(&self) -> Result<Profile> {
        let bar = bar("replaying {bar:30} {pos}/{len}")?;
        let weights = shipped().filter(Weights::is_on);
        let made = profile(
            self.indexed.index(),
            self.meter.as_deref(),
            weights.as_ref(),
            self.cases.asked(),
            &mut |done, of| {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
            },
        );
        bar.finish_and_clear();
        Ok(made)
    }
}

/// A bar on standard error; hidden where nobody watches.
pub(super) fn bar(template: &str) -> Result<ProgressBar> {
    let bar = if output::is_watched() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    bar.set_style(ProgressStyle::with_template(template)?);
    Ok(bar)
}

/// The conversations of a file, in whichever form it has.
fn conversations(path: &Path) -> Result<Vec<Conversation>> {
    let open = || File::open(path).map(BufReader::new).with_context(|| format!("cannot read `{}`", path.display()));
    let mut refused = Vec::new();
    match locomo::parse(open()?) {
        Ok(conversations) => return Ok(conversations),
        Err(error) => refused.push(format!("as LoCoMo: {error}")),
    }
    match longmemeval::parse(open()?) {
        Ok(conversations) => return Ok(conversations),
        Err(error) => refused.push(format!("as LongMemEval: {error}")),
    }
    match hotpotqa::parse(open()?) {
        Ok(conversations) => return Ok(hotpotqa::pooled(conversations, POOLED)),
        Err(error) => refused.push(format!("as HotpotQA: {error}")),
    }
    bail!("`{}` holds no conversations\n{}", path.display(), refused.join("\n"))
}
