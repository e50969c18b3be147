//! `trace router train`: a value model of one's own.

use super::data::{Data, Read};
use crate::End;
use crate::output;
use ::router::boost::Settings;
use ::router::evaluation::{Found, Plan, evaluate};
use ::router::train::{Learning, Sample, train};
use ::router::value::Value;
use ::router::weights::Weights;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

/// Learn what a record is worth for a question
///
/// From conversations with questions whose evidence is known. One seed makes one file, byte for byte. The file says on what it
/// was learnt and whether it pays: recall does not use a model that does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router train --data chats.json --out value.safetensors --seed 7
  trace router train --generated 16 --bound --model-dir all-MiniLM-L6-v2 --out router/models/value.safetensors

Exit codes: 0 learnt, 1 learnt and it does not pay, 2 could not run.")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Learn only how much what is known beforehand counts: for conversations of another style than these
    #[arg(long)]
    bound: bool,
    /// Do not measure first whether it pays: the model is then off until it is measured
    #[arg(long)]
    unmeasured: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let Read { cases, reason } = arguments.data.read()?;
    let trees = if arguments.bound { Settings::bound() } else { Settings::default() };
    let learning = Learning { trees, seed: arguments.data.seed, ..Learning::default() };
    let learnt = |of: fn(&::router::evaluation::Case) -> &Found| -> Value {
        let samples: Vec<&Sample> = cases.all.iter().map(|case| &of(case).sample).collect();
        train(&samples, &learning)
    };
    let has_dense = cases.all.iter().any(|case| case.hybrid.sample.has_dense());
    let (dense, words) = (has_dense.then(|| learnt(|case| &case.hybrid)), learnt(|case| &case.words));
    let mut card = BTreeMap::new();
    card.insert("data".to_owned(), arguments.data.name());
    card.insert("seed".to_owned(), arguments.data.seed.to_string());
    card.insert("questions".to_owned(), cases.all.len().to_string());
    let conversations = cases.turns.len();
    let is_on = if arguments.unmeasured || conversations < 2 {
        false
    } else {
        let plan = Plan {
            learning,
            given: None,
            learns: true,
            ablations: false,
            // The last fifth, by a model that did not see it: leaving each out in its turn would take hours.
            measured: (conversations - conversations.div_ceil(5)..conversations).collect(),
            together: true,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        };
        let guard = evaluate(&cases, &plan, &|_, _| {}).guard;
        card.insert("guard".to_owned(), guard.reason);
        guard.is_on
    };
    card.insert("is_on".to_owned(), is_on.to_string());
    let weights = Weights::new(dense, Some(words), card)?;
    let bytes = weights.to_bytes()?;
    std::fs::write(&arguments.out, &bytes).with_context(|| format!("cannot write `{}`", arguments.out.display()))?;
    let mut out = output::out();
    writeln!(out, "wrote `{}`: {} bytes, model {}", arguments.out.display(), bytes.len(), weights.name())?;
    for (name, text) in &weights.card {
        writeln!(out, "  {name}: {text}")?;
    }
    writeln!(out, "{reason}")?;
    out.flush()?;
    Ok(if is_on { End::Clean } else { End::Findings })
}
