//! `trace router train`: a value model of one's own.

use super::data::{Data, Read};
use crate::End;
use crate::output;
use ::router::boost::Settings;
use ::router::evaluation::{Found, Guard, Plan, evaluate, judged};
use ::router::pareto::Compiled;
use ::router::policy::learn::{Method, Training, learn};
use ::router::train::{Learning, Sample, train};
use ::router::value::Value;
use ::router::weights::Weights;
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

/// Learn what a record is worth for a question, or which tiers to run
///
/// From conversations with questions whose evidence is known. One seed makes one file, byte for byte. The file says on what it
/// was learnt and whether it pays: recall does not use a model that does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router train --data chats.json --out value.safetensors --seed 7
  trace router train --generated 16 --bound --model-dir all-MiniLM-L6-v2 --out router/models/value.safetensors
  trace router train --data chats.json --method ppo --out policy.safetensors
  trace router train --data chats.json --method pareto --out choices.json

Exit codes: 0 learnt, 1 learnt and it does not pay, 2 could not run.")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: Data,
    /// The file that is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// What is learnt
    #[arg(long, value_enum, default_value_t)]
    method: Learnt,
    /// Learn only how much what is known beforehand counts: for conversations of another style than these
    #[arg(long)]
    bound: bool,
    /// Do not measure first whether it pays: the model is then off until it is measured
    #[arg(long)]
    unmeasured: bool,
}

/// What is learnt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Learnt {
    /// What a record is worth for a question
    #[default]
    Value,
    /// Which tier each module runs in, by proximal policy optimisation
    Ppo,
    /// The same from every choice, replayed
    FullInformation,
    /// The fixed choices of tiers that no other one beats, as JSON
    Pareto,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let read = arguments.data.read()?;
    match arguments.method {
        Learnt::Value => value(arguments, &read),
        Learnt::Ppo => policy(arguments, &read, Method::Ppo),
        Learnt::FullInformation => policy(arguments, &read, Method::FullInformation),
        Learnt::Pareto => pareto(arguments, &read),
    }
}

/// Learns a policy of the tiers, and judges one that was learnt without the last fifth of the conversations on those.
fn policy(arguments: &Arguments, read: &Read, method: Method) -> Result<End> {
    let (profile, training) = (read.profile()?, Training::of(method, arguments.data.seed));
    let conversations = read.cases.turns.len();
    let first = conversations - conversations.div_ceil(5);
    let guard = if arguments.unmeasured || conversations < 2 {
        Guard { is_on: false, reason: "it was not measured: fixed tiers serve".to_owned() }
    } else {
        let judge = learn(&profile, &|conversation| conversation < first, &training);
        judged(&judge, &profile, &|conversation| conversation >= first)
    };
    let told = [
        ("data", arguments.data.name()),
        ("seed", arguments.data.seed.to_string()),
        ("method", format!("{method:?}")),
        ("questions", profile.questions.len().to_string()),
        ("guard", guard.reason.clone()),
        ("is_on", guard.is_on.to_string()),
    ];
    let card = told.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    let learnt = learn(&profile, &|_| true, &training).with_card(card)?;
    write(arguments, &learnt.to_bytes()?, learnt.name(), &learnt.card, &read.reason)?;
    Ok(if guard.is_on { End::Clean } else { End::Findings })
}

fn pareto(arguments: &Arguments, read: &Read) -> Result<End> {
    let compiled = Compiled::new(&read.profile()?, &|_| true);
    let card = BTreeMap::from([("choices".to_owned(), compiled.configurations.len().to_string())]);
    write(arguments, &serde_json::to_vec_pretty(&compiled)?, "of choices", &card, &read.reason)?;
    Ok(End::Clean)
}

fn write(arguments: &Arguments, bytes: &[u8], name: &str, card: &BTreeMap<String, String>, reason: &str) -> Result<()> {
    std::fs::write(&arguments.out, bytes).with_context(|| format!("cannot write `{}`", arguments.out.display()))?;
    let mut out = output::out();
    writeln!(out, "wrote `{}`: {} bytes, model {name}", arguments.out.display(), bytes.len())?;
    for (name, text) in card {
        writeln!(out, "  {name}: {text}")?;
    }
    writeln!(out, "{reason}")?;
    out.flush()?;
    Ok(())
}

fn value(arguments: &Arguments, read: &Read) -> Result<End> {
    let Read { cases, reason, .. } = read;
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
        let guard = evaluate(cases, &plan, &|_, _| {}).guard;
        card.insert("guard".to_owned(), guard.reason);
        guard.is_on
    };
    card.insert("is_on".to_owned(), is_on.to_string());
    let weights = Weights::new(dense, Some(words), card)?;
    write(arguments, &weights.to_bytes()?, weights.name(), &weights.card, reason)?;
    Ok(if is_on { End::Clean } else { End::Findings })
}
