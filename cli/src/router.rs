//! `trace router`: whether pricing what is recalled pays, how the model of it is learnt, and why a context holds what it holds.

mod cache;
mod data;
mod eval;
mod explain;
mod feedback;
mod frontier;
mod page;
mod train;

use crate::End;
use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;

/// Measure, learn and explain what recall puts into a context
///
/// Recall values each record that a search found, by the probability that it answers the question, and fills the token
/// budget with what is worth most for its tokens.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router eval --data locomo10.json                         against everything simpler, at equal tokens
  trace router train --data chats.json --out value.safetensors   a model of your own
  trace router frontier                                          what the shipped model buys for its tokens
  trace router explain 4f1d0c5be2a97763                          why a context holds what it holds
  trace router feedback                                          what feedback on recalls has taught

Exit codes: 0 done, 1 nothing found or the guard says off, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Eval(eval::Arguments),
    Train(train::Arguments),
    Frontier(frontier::Arguments),
    Explain(explain::Arguments),
    Feedback(feedback::Arguments),
    Page(page::Arguments),
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    match &arguments.action {
        Action::Eval(arguments) => eval::run(arguments),
        Action::Train(arguments) => train::run(arguments),
        Action::Frontier(arguments) => frontier::run(arguments),
        Action::Explain(arguments) => explain::run(root, arguments),
        Action::Feedback(arguments) => feedback::run(root, arguments),
        Action::Page(arguments) => page::run(arguments),
    }
}
