//! `trace status`, `trace log` and `trace waive`: what the hooks do, and a person's word against it.

use crate::output::{self, PlainFormat};
use crate::{End, engine};
use anyhow::{Result, bail};
use rules::book::Action;
use rules::{Decision, RuleId, State};
use serde_json::{Value, json};
use server::Engine;
use server::host::HOSTS;
use server::host::log::{self, Entry, What};
use server::host::sessions::Sessions;
use server::host::tally::{PERSON, Tally, tallies};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Show what is enforced, and whether it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example: trace status

Exit codes: 0 everything is enforced, 1 something was not, 2 could not run.")]
pub(crate) struct Status {
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// Show what was blocked, why and in whose words
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace log
  trace log --follow

Exit codes: 0 done, 2 could not run.")]
pub(crate) struct Log {
    /// Wait for more, until interrupted
    #[arg(long)]
    follow: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// Let a rule be broken once, or for the sessions that are open
///
/// A person does this at a terminal; an agent is refused.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace waive npm-instead-of-pnpm --reason 'the lock file is npm''s this once'
  trace waive npm-instead-of-pnpm --reason 'moving over today' --session

Exit codes: 0 done, 2 could not run.")]
pub(crate) struct Waive {
    /// The rule
    rule: String,
    /// Why
    #[arg(long)]
    reason: String,
    /// For the next violation in each open session [default]
    #[arg(long, conflicts_with = "session")]
    once: bool,
    /// For the rest of each open session
    #[arg(long)]
    session: bool,
}

/// How often a log that is followed is looked at.
const LOOK: Duration = Duration::from_millis(300);

pub(crate) fn status(root: Option<PathBuf>, arguments: &Status) -> Result<End> {
    let engine = engine(root)?;
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    for rule in engine.rules().rules() {
        let state = if rule.state == State::Armed && rule.decided_by != Decision::Check {
            "reminder".to_owned()
        } else {
            rule.state.to_string()
        };
        *states.entry(state).or_default() += 1;
    }
    let entries = log::read(&engine.path(""))?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *counts.entry(spelled(entry.what)).or_default() += 1;
    }
    let tallies = tallies(&entries);
    let unmet = unmet(&engine, &tallies);
    let closed: Vec<RuleId> = engine.closed().into_iter().map(|(rule, _)| rule).collect();
    let failed: Vec<&Entry> = entries.iter().filter(|entry| entry.what == What::NotEnforced).collect();
    let seen = seen(&engine);
    let mut out = output::out();
    match arguments.format {
        PlainFormat::Json => {
            let last = failed.last().map(|entry| &entry.why);
            output::json(
                &mut out,
                &json!({ "rules": states, "seconds_since_hook": seen, "log": counts, "not_enforcing": last,
                    "stopped": stopped(&tallies), "unmet": unmet, "fail_closed": closed }),
            )?;
        }
        PlainFormat::Table => {
            let listed = |counts: &BTreeMap<String, usize>| {
                counts.iter().map(|(name, count)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
            };
            writeln!(out, "rules: {}", if states.is_empty() { "none".to_owned() } else { listed(&states) })?;
            writeln!(out, "log: {}", if counts.is_empty() { "empty".to_owned() } else { listed(&counts) })?;
            for host in HOSTS {
                match seen.get(host.name) {
                    Some(seconds) => writeln!(out, "{}: last hook {seconds} s ago", host.name)?,
                    None => writeln!(out, "{}: no hook has run here; see `trace install {}`", host.name, host.name)?,
                }
            }
            for (rule, tally) in tallies.iter().filter(|(_, tally)| tally.stopped > 0) {
                let stood = tally.precision().unwrap_or_default() * 100.0;
                writeln!(
                    out,
                    "{rule}: stopped {}, waived {}, so that {stood:.0} % stood",
                    tally.stopped, tally.waived
                )?;
            }
            if let Some(first) = entries.first().filter(|_| !unmet.is_empty()) {
                let names: Vec<&str> = unmet.iter().map(RuleId::as_str).collect();
                writeln!(out, "armed, and never violated since {}: {}", first.at, names.join(", "))?;
            }
            if !closed.is_empty() {
                let names: Vec<&str> = closed.iter().map(RuleId::as_str).collect();
                writeln!(out, "calls that cannot be judged are refused by: {}", names.join(", "))?;
            }
            for entry in failed.iter().rev().take(3) {
                writeln!(out, "not enforced at {}: {}", entry.at, entry.why.as_deref().unwrap_or_default())?;
            }
        }
    }
    out.flush()?;
    Ok(if failed.is_empty() { End::Clean } else { End::Findings })
}

/// What rules have stopped, for scripts.
fn stopped(tallies: &BTreeMap<RuleId, Tally>) -> BTreeMap<&str, Value> {
    tallies
        .iter()
        .filter_map(|(rule, tally)| {
            let precision = tally.precision()?;
            Some((rule.as_str(), json!({ "stopped": tally.stopped, "waived": tally.waived, "precision": precision })))
        })
        .collect()
}

/// Armed checks that the log does not speak of: rules that nobody breaks, or dead ones.
fn unmet(engine: &Engine, tallies: &BTreeMap<RuleId, Tally>) -> Vec<RuleId> {
    let loaded = engine.rules();
    let enforced = loaded.rules().filter(|rule| rule.state == State::Armed && rule.decided_by == Decision::Check);
    enforced.map(|rule| rule.id.clone()).filter(|rule| !tallies.contains_key(rule)).collect()
}

/// How long ago each host's hooks have kept anything, in seconds.
fn seen(engine: &Engine) -> BTreeMap<&'static str, u64> {
    let mut seen = BTreeMap::new();
    for entry in std::fs::read_dir(engine.path("sessions")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let host = HOSTS.into_iter().find(|host| name.starts_with(&format!("{}-", host.name)));
        let at = entry.metadata().and_then(|about| about.modified()).ok();
        let Some((host, at)) = host.zip(at) else { continue };
        let ago = SystemTime::now().duration_since(at).unwrap_or_default().as_secs();
        seen.entry(host.name).and_modify(|least: &mut u64| *least = ago.min(*least)).or_insert(ago);
    }
    seen
}

pub(crate) fn log(root: Option<PathBuf>, arguments: &Log) -> Result<End> {
    let engine = engine(root)?;
    let mut shown = 0;
    loop {
        let entries = log::read(&engine.path(""))?;
        // A log that has got shorter is a new one.
        shown = if entries.len() < shown { 0 } else { shown };
        let mut out = output::out();
        for entry in entries.iter().skip(shown) {
            match arguments.format {
                PlainFormat::Json => output::json(&mut out, entry)?,
                PlainFormat::Table => {
                    let rule = entry.rule.as_ref().map(|rule| format!(" {rule}")).unwrap_or_default();
                    let why = entry.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                    let said = entry.said.as_deref().map(|said| format!(" (\"{said}\")")).unwrap_or_default();
                    writeln!(out, "{} {} {}{rule}{why}{said}", entry.at, entry.host, spelled(entry.what))?;
                }
            }
        }
        out.flush()?;
        shown = entries.len();
        if !arguments.follow {
            return Ok(End::Clean);
        }
        std::thread::sleep(LOOK);
    }
}

pub(crate) fn waive(root: Option<PathBuf>, arguments: &Waive) -> Result<End> {
    if !std::io::stdin().is_terminal() {
        bail!("a waiver is a person's, at a terminal\nhelp: open a terminal and run this there");
    }
    let engine = engine(root)?;
    let rule = engine.rule(&arguments.rule)?.rule.id;
    let left = (!arguments.session).then_some(1);
    let count = Sessions::at(engine.path("sessions")).each(|record| {
        record.waived.insert(rule.clone(), left);
    })?;
    if count == 0 {
        bail!("no agent has a session here\nhelp: a waiver is for sessions that are open");
    }
    let entry = Entry { rule: Some(rule.clone()), ..Entry::of(What::Waived, PERSON).because(&arguments.reason) };
    log::append(&engine.path(""), &[entry])?;
    demote(&engine, &rule)?;
    Ok(End::Clean)
}

/// Puts an armed rule in shadow that is waived more often than not.
fn demote(engine: &Engine, rule: &RuleId) -> Result<()> {
    let tally = tallies(&log::read(&engine.path(""))?).get(rule).copied().unwrap_or_default();
    if !tally.is_mistrusted() || engine.rule(rule.as_str())?.rule.state != State::Armed {
        return Ok(());
    }
    let why = format!("waived {} times, after it had stopped something {} times", tally.waived, tally.stopped);
    engine.change(rule.as_str(), Action::Shadow, Some(why.clone()))?;
    let entry = Entry { rule: Some(rule.clone()), ..Entry::of(What::Demoted, "trace").because(&why) };
    log::append(&engine.path(""), &[entry])?;
    let mut out = output::out();
    writeln!(
        out,
        "{rule} is in shadow from now on, where it only logs: {why}.\n`trace rules arm {rule}` arms it again."
    )?;
    out.flush()?;
    Ok(())
}

fn spelled(what: What) -> String {
    match what {
        What::Blocked => "blocked",
        What::Rewritten => "rewritten",
        What::Held => "held",
        What::Noted => "noted",
        What::Unresolved => "unresolved",
        What::Learned => "learned",
        What::Waived => "waived",
        What::Demoted => "demoted",
        What::Protected => "protected",
        What::NotEnforced => "not enforced",
    }
    .to_owned()
}
