//! Who is at work, and commits that are not final: taken back or approved.

use super::Author;
use super::rows::{Row, list};
use crate::End;
use crate::output::{self, PlainFormat, note};
use anyhow::{Result, bail};
use consistency::decide::Refusal;
use consistency::ledger::Open;
use consistency::session::Mode;
use consistency::store::{Live, Store, System, World as _};
use consistency::{Key, Version};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::Write;

impl Row for Live {
    const NOUN: &'static str = "session";
    const HEADER: &'static [&'static str] = &["session", "agent", "level", "mode", "sees", "began", "process", "state"];

    fn columns(&self) -> Vec<String> {
        let mode = match self.begin.mode {
            Mode::ReadWrite => "writes",
            Mode::Snapshot => "snapshot",
            Mode::Fresh => "fresh",
        };
        vec![
            self.begin.id.to_string(),
            self.begin.agent.to_string(),
            self.begin.level.to_string(),
            mode.to_owned(),
            self.snapshot.to_string(),
            ago(System.now().saturating_sub(self.begin.started) / 1000),
            self.process.map_or_else(|| "this".to_owned(), |process| process.to_string()),
            if self.doomed { "doomed" } else { "at work" }.to_owned(),
        ]
    }
}

fn ago(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3600),
    }
}

pub(super) fn sessions(store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
    list(out, format, &store.sessions()?)?;
    Ok(End::Clean)
}

impl Row for Open {
    const NOUN: &'static str = "open commit";
    const HEADER: &'static [&'static str] = &["version", "agent", "waits for", "cells"];

    fn columns(&self) -> Vec<String> {
        let approval = self.held.then(|| "an approval".to_owned());
        let waits: Vec<String> = approval.into_iter().chain(self.rests_on.iter().map(Version::to_string)).collect();
        let keys: Vec<&str> = self.keys.iter().map(Key::as_str).collect();
        vec![self.version.to_string(), self.agent.to_string(), waits.join(", "), keys.join(", ")]
    }
}

pub(super) fn open(store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
    list(out, format, &store.open_commits()?)?;
    Ok(End::Clean)
}

/// Take a commit back, with all that rests on it
///
/// Only what is not final can be taken back. The cells get what they would hold without it, under a new version; effects
/// that have not left never leave. Without `--yes`, what would go is shown and nothing is changed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace state retract 0.17
  trace state retract 0.17 --yes

Exit codes: 0 done, or shown; 2 could not run, as where the commit is final.")]
pub(super) struct Retract {
    /// The commit
    version: Version,
    /// Take it back without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    author: Author,
}

impl Retract {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        if !self.yes {
            let along = along(self.version, store.open_commits()?);
            if along.is_empty() {
                bail!(Refusal::NotOpen(self.version));
            }
            list(out, format, &along)?;
            out.flush()?;
            note("nothing was taken back: add `--yes` to take back all of these");
            return Ok(End::Clean);
        }
        let (version, gone) = store.retract(self.version, self.author.agent())?;
        match format {
            PlainFormat::Json => output::json(out, &json!({ "retracted": gone, "by": version }))?,
            PlainFormat::Table => writeln!(out, "took back {} by {version}", joined(&gone))?,
        }
        Ok(End::Clean)
    }
}

/// A commit and the open ones that rest on it. Commits rest on older ones, so one look at each is enough.
fn along(version: Version, open: Vec<Open>) -> Vec<Open> {
    let mut gone = BTreeSet::from([version]);
    let goes = |open: &Open| {
        let rests = open.rests_on.iter().any(|earlier| gone.contains(earlier));
        if rests {
            gone.insert(open.version);
        }
        rests || open.version == version
    };
    open.into_iter().filter(goes).collect()
}

/// Approve a held commit; it and what waited only for it become final
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: trace state approve 0.17")]
pub(super) struct Approve {
    /// The commit
    version: Version,
}

impl Approve {
    pub(super) fn run(self, store: &Store, out: &mut dyn Write, format: PlainFormat) -> Result<End> {
        let finals = store.approve(self.version)?;
        match format {
            PlainFormat::Json => output::json(out, &json!({ "final": finals }))?,
            PlainFormat::Table if finals.is_empty() => writeln!(
                out,
                "approved {}; it becomes final with the commits that it rests on (`trace state open`)",
                self.version
            )?,
            PlainFormat::Table => writeln!(out, "final: {}", joined(&finals))?,
        }
        Ok(End::Clean)
    }
}

fn joined(versions: &[Version]) -> String {
    versions.iter().map(Version::to_string).collect::<Vec<_>>().join(", ")
}
