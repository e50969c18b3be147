//! What is to happen outside, and the tools that do it.

use super::rows::{Row, list};
use crate::End;
use crate::output::{self, PlainFormat, shown};
use anyhow::Result;
use clap::ValueEnum;
use consistency::decide::EffectEnd;
use consistency::ledger::{DropCause, Effect, EffectId, Registered, Repeat, Stage};
use consistency::store::{Store, System, World as _};
use consistency::{Lane, Level, Millis, Tool, Version};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

/// List what is to happen outside, in the order of the world
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state effects
  trace state effects --lane mail --format json")]
pub(super) struct Effects {
    /// Only those of one lane
    #[arg(long, value_name = "NAME")]
    lane: Option<Lane>,
}

/// An effect, and why it does not leave.
#[derive(Debug, Serialize)]
struct Issued {
    #[serde(flatten)]
    effect: Effect,
    waits: Option<&'static str>,
}

impl Row for Issued {
    const NOUN: &'static str = "effect";
    const HEADER: &'static [&'static str] = &["effect", "lane", "tool", "level", "stage", "why"];

    fn columns(&self) -> Vec<String> {
        let Effect { id, lane, tool, level, stage, .. } = &self.effect;
        let stage = match stage {
            Stage::Waiting { failures: 0, .. } => "waits".to_owned(),
            Stage::Waiting { failures, .. } => format!("waits, failed {failures} times"),
            Stage::Claimed { .. } => "is sent".to_owned(),
            Stage::Done => "done".to_owned(),
            Stage::InDoubt { .. } => "in doubt".to_owned(),
            Stage::Dropped(DropCause::ToolChanged) => "dropped: its tool changed".to_owned(),
            Stage::Dropped(DropCause::Failed) => "dropped: it failed".to_owned(),
            Stage::Dropped(DropCause::Retracted) => "dropped: retracted".to_owned(),
            Stage::Dropped(DropCause::Settled) => "dropped: settled by hand".to_owned(),
        };
        let id = format!("{}/{}", id.commit, id.index);
        let waits = self.waits.unwrap_or_default().to_owned();
        vec![id, lane.to_string(), tool.to_string(), level.to_string(), stage, waits]
    }
}

impl Effects {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let open: BTreeSet<Version> = store.open_commits()?.into_iter().map(|open| open.version).collect();
        let now = System.now();
        let mut ahead: BTreeSet<Lane> = BTreeSet::new();
        let mut issued = Vec::new();
        for effect in store.effects(None, usize::MAX)? {
            let waits = waits(&effect, &open, ahead.contains(&effect.lane), now);
            if effect.level >= Level::L3 && !effect.stage.is_settled() {
                ahead.insert(effect.lane.clone());
            }
            if self.lane.as_ref().is_none_or(|lane| *lane == effect.lane) {
                issued.push(Issued { effect, waits });
            }
        }
        list(out, format, &issued)?;
        Ok(End::Clean)
    }
}

/// Why an effect does not leave now, as the store's own decision has it, in words.
fn waits(effect: &Effect, open: &BTreeSet<Version>, ahead: bool, now: Millis) -> Option<&'static str> {
    match effect.stage {
        Stage::Done | Stage::Dropped(_) => None,
        Stage::Waiting { .. } if effect.level >= Level::L3 && ahead => Some("others of its lane go first"),
        Stage::Waiting { .. } if effect.level >= Level::L2 && open.contains(&effect.id.commit) => {
            Some("its commit is not final")
        }
        Stage::Waiting { after, .. } => (after > now).then_some("to be tried again later"),
        Stage::Claimed { until, .. } if until > now => Some("a dispatcher has it"),
        Stage::Claimed { .. } => Some("its dispatcher was lost"),
        Stage::InDoubt { .. } => Some("nobody knows whether it happened: settle it"),
    }
}

/// Settle an effect that is in doubt: it happened, or it did not
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state settle 0.17/0 done
  trace state settle 0.17/0 failed                it did not happen, and will not")]
pub(super) struct Settle {
    /// The effect, as `trace state effects` shows it
    #[arg(value_parser = effect)]
    effect: EffectId,
    /// What became of it
    end: Known,
}

/// What a person can know of an effect.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Known {
    /// It happened
    Done,
    /// It did not happen, and will not
    Failed,
}

fn effect(text: &str) -> Result<EffectId, String> {
    let parts = text
        .split_once('/')
        .and_then(|(commit, index)| Some(EffectId { commit: commit.parse().ok()?, index: index.parse().ok()? }));
    parts.ok_or_else(|| "write `version/index`, as in `0.17/0`".to_owned())
}

impl Settle {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let (end, word) = match self.end {
            Known::Done => (EffectEnd::Done, "done"),
            Known::Failed => (EffectEnd::Failed, "failed"),
        };
        store.settle(self.effect, end)?;
        match format {
            PlainFormat::Json => output::json(out, &json!({ "effect": self.effect, "settled": word }))?,
            PlainFormat::Table => {
                writeln!(out, "settled {}/{}: {word}", self.effect.commit, self.effect.index)?;
            }
        }
        Ok(End::Clean)
    }
}

/// A tool as it is registered.
#[derive(Debug, Serialize)]
struct Listed {
    tool: Tool,
    #[serde(flatten)]
    registered: Registered,
}

impl Row for Listed {
    const NOUN: &'static str = "tool";
    const HEADER: &'static [&'static str] = &["tool", "fingerprint", "sent again"];

    fn columns(&self) -> Vec<String> {
        let again = match self.registered.repeat {
            Repeat::Keyed => "yes, with its key",
            Repeat::Queryable => "after asking",
            Repeat::Never => "never",
        };
        vec![self.tool.to_string(), self.registered.fingerprint.to_string(), again.to_owned()]
    }
}

pub(super) fn tools(store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
    let tools = store.tools()?.into_iter().map(|(tool, registered)| Listed { tool, registered });
    list(out, format, &tools.collect::<Vec<_>>())?;
    Ok(End::Clean)
}

/// Say what a tool is now, or that it is gone
///
/// Sessions at L4 that rely on its being something else can't commit, and what they have issued does not leave.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state register mail.send sha256:9f2c --repeat keyed
  trace state register mail.send --remove")]
pub(super) struct Register {
    /// The tool
    tool: Tool,
    /// What it is: a hash or a version of its signature and implementation
    #[arg(required_unless_present = "remove")]
    fingerprint: Option<String>,
    /// What may be done when nobody knows whether a call arrived
    #[arg(long, value_enum, default_value = "never")]
    repeat: Again,
    /// The tool is gone
    #[arg(long, conflicts_with_all = ["fingerprint", "repeat"])]
    remove: bool,
}

/// What may be done when nobody knows whether a call arrived.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Again {
    /// Send it again: the tool takes an idempotency key
    Keyed,
    /// Ask the tool first
    Queryable,
    /// Have a person settle it
    Never,
}

impl Register {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let repeat = match self.repeat {
            Again::Keyed => Repeat::Keyed,
            Again::Queryable => Repeat::Queryable,
            Again::Never => Repeat::Never,
        };
        let version = match &self.fingerprint {
            Some(fingerprint) => store.register(self.tool.clone(), fingerprint.as_str(), repeat)?,
            None => store.unregister(self.tool.clone())?,
        };
        match format {
            PlainFormat::Json => output::json(out, &json!({ "tool": self.tool, "registered": version }))?,
            PlainFormat::Table => writeln!(
                out,
                "{} is {} since {version}",
                shown(self.tool.as_str()),
                match &self.fingerprint {
                    Some(fingerprint) => shown(fingerprint),
                    None => "gone".to_owned(),
                }
            )?,
        }
        Ok(End::Clean)
    }
}
