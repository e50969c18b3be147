//! `trace router frontier`: what the shipped model buys for its tokens, on conversations that it has not seen.

use super::data::{Read, read};
use super::eval::{Printed, print};
use crate::End;
use crate::model;
use ::router::evaluation::{Plan, evaluate};
use ::router::generated::generate;
use ::router::train::Learning;
use ::router::weights::shipped;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;

/// The seed of the conversations that are measured: another one than the model was learnt from.
const SEED: u64 = 1_000_003;

/// Show what tokens buy
///
/// Measures the shipped model on generated conversations that it has not seen: how much of the evidence it finds for how many
/// tokens, beside everything simpler. Time and money do not depend on the choice: a search costs the same, and no model is
/// asked. `trace router eval` does the same on conversations of your own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router frontier
  trace router frontier --format svg > frontier.svg

Exit codes: 0 the router pays, 1 the guard says that it is to be off, 2 could not run.")]
pub(super) struct Arguments {
    /// How many conversations are generated
    #[arg(long, default_value_t = 4)]
    conversations: usize,
    #[command(flatten)]
    embedding: model::Embedding,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Printed,
}

pub(super) fn run(arguments: &Arguments) -> Result<End> {
    let Read { cases, reason, .. } = read(&generate(arguments.conversations, SEED), &arguments.embedding, None)?;
    let given = shipped().context("this program was made without a model")?;
    let plan = Plan {
        learning: Learning::default(),
        given: Some(&given),
        learns: false,
        ablations: false,
        measured: BTreeSet::new(),
        together: false,
        threads: NonZeroUsize::MIN,
    };
    let report = evaluate(&cases, &plan, &|_, _| {});
    print(&report, arguments.format, &["generated conversations, which are easier than those of people", &reason])
}
