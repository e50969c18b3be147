//! The `trace` binary: arguments, clock, environment, files, exit codes and what is printed.
//!
//! Exit codes: 0 done and nothing found, 1 done and something found, 2 could not run. A reader that closes the pipe ends
//! the program with 0.

mod anomalies;
mod check;
mod compile;
mod configured;
mod doctor;
mod eval;
mod explain;
mod hook;
mod install;
mod keys;
mod lexicon;
mod mcp;
mod memory;
mod mine;
mod model;
mod output;
mod render;
mod router;
mod rules_cmd;
mod schema;
mod serve;
mod state;
mod status;
mod verify;
mod verify_log;

use clap::{Parser, Subcommand};
use server::service::Workspace;
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
  trace mine ~/.claude/projects         find what you have said already, and try it on what agents did
  trace check events.jsonl              judge an agent's events by them
  trace check --staged                  judge a commit before it is made
  trace explain npm-instead-of-pnpm     what a rule means, and where it came from
  trace rules list                      all rules, their states and where they bite
  trace state scan                      what agents share, with versions and authors
  trace serve                           memories, rules and shared state over HTTP
  trace memory search tea               what is remembered
  trace router explain 4f1d0c5be2a97763 why a context holds what it holds
  trace anomalies history.jsonl         what went wrong between agents that share state
  trace doctor                          what is well here, and what to do about what is not
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
    Mine(mine::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Rules(rules_cmd::Arguments),
    Schema(schema::Arguments),
    Anomalies(anomalies::Arguments),
    Eval(eval::Arguments),
    Lexicon(lexicon::Arguments),
    Model(model::Arguments),
    Mcp(mcp::Arguments),
    State(state::Arguments),
    Serve(Box<serve::Arguments>),
    Keys(keys::Arguments),
    Doctor(doctor::Arguments),
    Memory(Box<memory::Arguments>),
    Router(Box<router::Arguments>),
    VerifyLog(verify_log::Arguments),
    Verify(verify::Arguments),
    Hook(hook::Arguments),
    Install(install::Install),
    Uninstall(install::Uninstall),
    Status(status::Status),
    Log(status::Log),
    Waive(status::Waive),
}

/// How a command ended that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Clean,
    Findings,
}

fn main() -> ExitCode {
    // Hooks run at every step of an agent.
    if let Some(code) = hook::quick() {
        return code;
    }
    let arguments = Arguments::parse();
    let root = arguments.root;
    let end = match arguments.command {
        Command::Compile(arguments) => compile::run(root, &arguments),
        Command::Mine(arguments) => mine::run(root, &arguments),
        Command::Check(arguments) => check::run(root, arguments),
        Command::Explain(arguments) => explain::run(root, &arguments),
        Command::Rules(arguments) => rules_cmd::run(root, arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Anomalies(arguments) => anomalies::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Lexicon(arguments) => lexicon::run(root, &arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Mcp(arguments) => mcp::run(root, arguments),
        Command::State(arguments) => state::run(root, arguments),
        Command::Serve(arguments) => serve::run(root, *arguments),
        Command::Keys(arguments) => keys::run(root, arguments),
        Command::Doctor(arguments) => doctor::run(root, &arguments),
        Command::Memory(arguments) => memory::run(root, *arguments),
        Command::Router(arguments) => router::run(root, &arguments),
        Command::VerifyLog(arguments) => verify_log::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Hook(arguments) => hook::run(root, &arguments),
        Command::Install(arguments) => install::install(root, &arguments),
        Command::Uninstall(arguments) => install::uninstall(root, &arguments),
        Command::Status(arguments) => status::status(root, &arguments),
        Command::Log(arguments) => status::log(root, &arguments),
        Command::Waive(arguments) => status::waive(root, &arguments),
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
    let Workspace { place, user } = workspace(root)?;
    Ok(server::Engine::open(&place, user.as_deref())?)
}

/// The folder of the user's own rules.
fn user_rules() -> Option<PathBuf> {
    let config = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".config")));
    config.map(|config| config.join("trace").join("rules"))
}

/// The workspace at the given root, or the nearest one, with the user's own rules.
fn workspace(root: Option<PathBuf>) -> anyhow::Result<Workspace> {
    let here = std::env::current_dir()?;
    let user = user_rules();
    let place = root.map_or(server::Place::Near(here.clone()), |root| server::Place::At(here.join(root)));
    Ok(Workspace { place, user })
}
