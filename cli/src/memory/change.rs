//! Adding, changing and forgetting.

use super::{Author, Belonging, Narrowing, Work};
use crate::End;
use crate::output::note;
use ::memory::{Draft, MemoryError, Patch, Provenance, RecordId, Trust};
use anyhow::{Context, Result, bail};
use consistency::Version;
use serde_json::{Map, Value, json};
use std::io::Read;

/// Add a memory
///
/// A text that is there already in the same scope is not added twice.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory add 'Ann likes green tea' --user ann --category food
  git log -1 --format=%B | trace memory add - --meta kind=commit")]
pub(super) struct Add {
    /// The text; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    belonging: Belonging,
    /// A field to keep with it; a value that is JSON is kept as such
    #[arg(long = "meta", value_name = "NAME=VALUE", value_parser = field)]
    metadata: Vec<(String, Value)>,
    /// What it is about
    #[arg(long = "category", value_name = "NAME")]
    categories: Vec<String>,
    #[command(flatten)]
    author: Author,
}

fn field(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write `NAME=VALUE`")?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

fn fields(fields: &[(String, Value)]) -> Map<String, Value> {
    fields.iter().cloned().collect()
}

impl Add {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let mut text = self.text.clone();
        if text == "-" {
            text.clear();
            std::io::stdin().read_to_string(&mut text).context("standard input is no text")?;
        }
        let provenance =
            Provenance { trust: Trust::User, source: Some("terminal".to_owned()), ..Provenance::default() };
        let draft = Draft {
            metadata: fields(&self.metadata),
            categories: self.categories.clone(),
            provenance,
            ..Draft::new(text.trim())
        };
        let draft = draft.within(self.belonging.scope());
        let added = work.memories().add(&work.tenant, self.author.agent().as_str(), &draft)?;
        let said = if added.is_new { "added" } else { "known already:" };
        work.tell(&added, &format!("{said} {}", added.id))?;
        Ok(End::Clean)
    }
}

/// Change a memory
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory update 01a203e1-ea85-7428-b421-13d51bcb0df8 --text 'Ann likes black tea'
  trace memory update 01a203e1-ea85-7428-b421-13d51bcb0df8 --category food --version 0.17

Exit codes: 0 done, 1 not there, or changed meanwhile, 2 could not run.")]
pub(super) struct Update {
    /// The memory
    id: RecordId,
    /// The new text
    #[arg(long, required_unless_present_any = ["metadata", "categories"])]
    text: Option<String>,
    /// A field, in place of all that it has
    #[arg(long = "meta", value_name = "NAME=VALUE", value_parser = field)]
    metadata: Vec<(String, Value)>,
    /// What it is about, in place of what it has
    #[arg(long = "category", value_name = "NAME")]
    categories: Vec<String>,
    /// Only if it still has this version
    #[arg(long)]
    version: Option<Version>,
    #[command(flatten)]
    author: Author,
}

impl Update {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let patch = Patch {
            text: self.text.clone(),
            metadata: (!self.metadata.is_empty()).then(|| fields(&self.metadata)),
            categories: (!self.categories.is_empty()).then(|| self.categories.clone()),
            ..Patch::default()
        };
        let by = self.author.agent();
        match work.memories().update(&work.tenant, by.as_str(), self.id, &patch, self.version) {
            Ok(stored) => work.tell(
                &json!({"id": self.id, "version": stored.version}),
                &format!("changed {}, now at version {}", self.id, stored.version),
            )?,
            Err(error @ (MemoryError::Unknown(_) | MemoryError::Changed { .. } | MemoryError::Duplicate(_))) => {
                note(&error.to_string());
                return Ok(End::Findings);
            }
            Err(other) => return Err(other.into()),
        }
        Ok(End::Clean)
    }
}

/// Forget memories, with the texts of their histories and what was made of them
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory forget 01a203e1-ea85-7428-b421-13d51bcb0df8
  trace memory forget --user ann --yes
  trace memory forget --all --yes

Exit codes: 0 done, 1 not there, 2 could not run.")]
pub(super) struct Forget {
    /// The memories
    ids: Vec<RecordId>,
    #[command(flatten)]
    narrowing: Narrowing,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Forget many without asking again
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    author: Author,
}

impl Forget {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        let by = self.author.agent();
        let gone = if !self.ids.is_empty() {
            if self.all || !self.narrowing.is_everything() {
                bail!("name memories, or what they have in common, but not both");
            }
            work.memories().forget_ids(&work.tenant, by.as_str(), &self.ids)?
        } else if self.narrowing.is_everything() && !self.all {
            bail!(
                "name what is to be forgotten\nhelp: `trace memory forget ID`, or `--user NAME --yes`, or `--all --yes`"
            );
        } else if self.yes {
            work.memories().forget_all(&work.tenant, by.as_str(), &self.narrowing.filter()?)?
        } else {
            bail!("this may forget many memories, and cannot be undone\nhelp: say `--yes`");
        };
        work.tell(&json!({"forgotten": gone}), &format!("{gone} forgotten"))?;
        Ok(if gone == 0 { End::Findings } else { End::Clean })
    }
}
