//! `trace install` and `trace uninstall`: our hooks in a host's settings.

use crate::{End, engine, output, user_rules};
use anyhow::{Context, Result};
use server::Engine;
use server::host::HOSTS;
use server::install::{Change, Scope, Setup, plugins};
use std::io::Write;
use std::path::PathBuf;

/// Add our hooks to an agent's settings
///
/// Adds to what is there and changes nothing else; the file as it was is kept in `.trace/installed` or
/// `~/.config/trace/installed`. Doing it twice changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace install claude-code                for all your projects
  trace install codex --project            for this project, with `trace` as the program on everybody's path
  trace install gemini --dry-run           show what would be changed

Exit codes: 0 done, 2 could not run.")]
pub(crate) struct Install {
    #[command(flatten)]
    target: Target,
}

/// Take our hooks out of an agent's settings
///
/// As long as nobody has changed the file since, it is byte for byte what it was before.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace uninstall claude-code
  trace uninstall codex --project --dry-run

Exit codes: 0 done, 2 could not run.")]
pub(crate) struct Uninstall {
    #[command(flatten)]
    target: Target,
}

#[derive(Debug, clap::Args)]
struct Target {
    /// The agent's host
    #[arg(value_name = "HOST", required = true, value_parser = HOSTS.map(|host| host.name))]
    hosts: Vec<String>,
    /// In the user's own settings, for all projects [default]
    #[arg(long, conflicts_with = "project")]
    user: bool,
    /// In this project's settings, which it may share
    #[arg(long)]
    project: bool,
    /// Show the difference, and change nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn install(root: Option<PathBuf>, arguments: &Install) -> Result<End> {
    let target = &arguments.target;
    let engine = engine(root)?;
    if target.project && !target.dry_run {
        engine.create()?;
    }
    each(&engine, target, |setup| Ok(if target.dry_run { setup.plan()? } else { setup.install()? }))
}

pub(crate) fn uninstall(root: Option<PathBuf>, arguments: &Uninstall) -> Result<End> {
    let target = &arguments.target;
    each(&engine(root)?, target, |setup| Ok(if target.dry_run { setup.plan_removal()? } else { setup.uninstall()? }))
}

fn each(engine: &Engine, target: &Target, act: impl Fn(&Setup) -> Result<Change>) -> Result<End> {
    let mut out = output::out();
    for host in &target.hosts {
        let setup = setup(engine, target, host)?;
        let change = act(&setup)?;
        if change.before == change.after {
            writeln!(out, "{}: nothing to change", change.path.display())?;
            continue;
        }
        let [before, after] = [&change.before, &change.after].map(|text| text.as_deref().unwrap_or_default());
        let done = match (target.dry_run, &change.before, &change.after) {
            (true, ..) => "would be changed",
            (false, None, _) => "written",
            (false, _, None) => "removed",
            (false, ..) => "changed",
        };
        writeln!(out, "{}: {done}", change.path.display())?;
        write!(out, "{}", diffy::create_patch(before, after))?;
        let is_added = setup.is_in(after);
        for plugin in plugins(host, &std::env::home_dir().unwrap_or_default(), engine.root(), &folder) {
            if plugin.is_on && is_added {
                let id = &plugin.id;
                writeln!(out, "The plugin `{id}` has the same hooks: take it out, or each event is judged twice.")?;
            }
        }
        if host == "codex" && !target.dry_run && change.after.is_some() {
            writeln!(out, "Codex skips hooks that it was not told to trust: open it once and say yes to these.")?;
        }
    }
    out.flush()?;
    Ok(End::Clean)
}

fn setup(engine: &Engine, target: &Target, host: &str) -> Result<Setup> {
    let setup = if target.project {
        Setup::of(host, Scope::Project, engine.root(), &engine.path("installed"), "trace", &folder)
    } else {
        let home = std::env::home_dir().context("there is no home folder")?;
        let rules = user_rules().context("there is no home folder")?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        Setup::of(host, Scope::User, &home, &rules.with_file_name("installed"), &program.to_string_lossy(), &folder)
    };
    setup.with_context(|| format!("there is no host `{host}`"))
}

/// A folder that a variable of the environment names.
fn folder(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !name.is_empty() && !value.is_empty()).map(PathBuf::from)
}
