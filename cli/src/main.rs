//! The `trace` binary: arguments, clock, environment, files, exit codes and what is printed.
//!
//! Exit codes: 0 done and nothing found, 1 done and something found, 2 could not run. A reader that closes the pipe ends
//! the program with 0.

mod anomalies;
mod check;
mod compile;
mod eval;
mod explain;
mod memory;
mod output;
mod render;
mod rules_cmd;
mod schema;
mod state;
mod verify;
mod verify_log;

use clap::{Parser, Subcommand};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Say it once, and it holds: compiles what you tell a coding agent into checks that its actions must pass.
#[derive(Debug, Parser)]
#[command(
    name = "trace",
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  trace compile corrections.jsonl       make rules and checks of what you said
  trace check events.jsonl              judge an agent's events by them
  trace check --staged                  judge a commit before it is made
  trace explain npm-instead-of-pnpm     what a rule means, and where it came from
  trace rules list                      all rules, their states and where they bite
  trace state scan                      what agents share, with versions and authors
  trace memory search tea               what is remembered
  trace anomalies history.jsonl         what went wrong between agents that share state
  trace eval corrections.jsonl          how well labelled messages are understood

Exit codes: 0 nothing found, 1 something found, 2 could not run."
)]
struct Arguments {
    /// The directory whose `.trace` folder is used [default: the nearest one upwards, or the repository's root]
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Compile(compile::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Rules(rules_cmd::Arguments),
    Schema(schema::Arguments),
    Anomalies(anomalies::Arguments),
    Eval(eval::Arguments),
    State(state::Arguments),
    Memory(Box<memory::Arguments>),
    VerifyLog(verify_log::Arguments),
    Verify(verify::Arguments),
}

/// How a command ended that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Findings,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let root = arguments.root;
    let end = match arguments.command {
        Command::Compile(arguments) => compile::run(root, &arguments),
        Command::Check(arguments) => check::run(root, arguments),
        Command::Explain(arguments) => explain::run(root, &arguments),
        Command::Rules(arguments) => rules_cmd::run(root, arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Anomalies(arguments) => anomalies::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::State(arguments) => state::run(root, arguments),
        Command::Memory(arguments) => memory::run(root, *arguments),
        Command::VerifyLog(arguments) => verify_log::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    };
    match end {
        Ok(End::Clean) => ExitCode::SUCCESS,
        Ok(End::Findings) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&error);
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = |cause: &(dyn std::error::Error + 'static)| {
        let kind = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        kind.or_else(|| cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind))
    };
    error.chain().any(|cause| io(cause) == Some(ErrorKind::BrokenPipe))
}

/// Opens the engine at the given root, or at the nearest one.
fn engine(root: Option<PathBuf>) -> anyhow::Result<server::Engine> {
    let here = std::env::current_dir()?;
    let user = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")))
        .map(|config| config.join("trace").join("rules"));
    let place = root.map_or(server::Place::Near(here.clone()), |root| server::Place::At(here.join(root)));
    Ok(server::Engine::open(&place, user.as_deref())?)
}
