//! `trace memory`: what agents remember, from a terminal.
//!
//! It works on the store of the workspace, as `trace state` does, with the indexes beside it. What only reads asks for a
//! store that is there; what adds makes one.

mod change;
mod find;
mod recall;
mod transfer;

use crate::configured::Configured;
use crate::state::Author;
use crate::state::rows::Row;
use crate::{End, output, output::PlainFormat};
use ::memory::embed::Choice;
use ::memory::filter::shown;
use ::memory::index::Progress;
use ::memory::memories::Stored;
use ::memory::{Filter, Memories, Scope, Tenant, Trust};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use indicatif::ProgressBar;
use serde::Serialize;
use server::service::{Service, Settings};
use std::io::Write;
use std::path::PathBuf;

/// The most columns that a text takes in a table.
const TEXT_COLUMNS: usize = 60;

/// Add, find and forget what agents remember
///
/// A memory is a text that belongs to a person, an agent, an application or a run, or to none of them. Secrets are taken out
/// before anything is written. What is forgotten goes from the history too, and so does what was made of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory add 'Ann likes green tea' --user ann
  trace memory search 'what does ann drink'
  trace memory recall 'what does ann drink' --tokens 400
  trace memory import notes/ ~/.claude/projects
  trace memory list --user ann
  trace memory forget 01a203e1-ea85-7428-b421-13d51bcb0df8
  trace memory export memories.jsonl

Exit codes: 0 done, 1 not there, or not all was taken, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The file that holds the state [default: `.trace/state.db`]
    #[arg(long, global = true, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Whose memories are meant: for looking into the store of a server
    #[arg(long, global = true, value_name = "NAME", default_value = Tenant::LOCAL)]
    tenant: String,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t)]
    format: PlainFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    Add(change::Add),
    Search(find::Search),
    Recall(recall::Recall),
    List(find::List),
    Show(find::Show),
    Update(change::Update),
    Forget(change::Forget),
    Import(transfer::Import),
    Export(transfer::Export),
    /// Count what is remembered, and whose it is
    #[command(after_help = "Example: trace memory stats")]
    Stats,
}

/// Where memories belong.
#[derive(Debug, Clone, clap::Args)]
struct Belonging {
    /// The person
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The agent that it is about
    #[arg(long, value_name = "NAME")]
    of_agent: Option<String>,
    /// The application
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// The run or session
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
}

impl Belonging {
    fn scope(&self) -> Scope {
        let Belonging { user, of_agent: agent, app, run } = self.clone();
        Scope { user, agent, app, run }
    }
}

/// Which memories are meant.
#[derive(Debug, clap::Args)]
struct Narrowing {
    #[command(flatten)]
    belonging: Belonging,
    /// A filter as JSON, as `{"categories": {"in": ["food"]}}`
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
}

impl Narrowing {
    fn filter(&self) -> Result<Filter> {
        let scope = Filter::of_scope(&self.belonging.scope());
        let Some(json) = &self.filter else { return Ok(scope) };
        let json = serde_json::from_str(json).context("the filter is no JSON")?;
        Ok(scope.and(Filter::parse(&json)?))
    }

    fn is_everything(&self) -> bool {
        self.filter.is_none() && self.belonging.scope().is_empty()
    }
}

/// What a command works with.
struct Work<'w> {
    service: Service,
    tenant: Tenant,
    format: PlainFormat,
    out: &'w mut dyn Write,
}

impl Work<'_> {
    fn memories(&self) -> &Memories {
        self.service.memories()
    }

    /// Makes the vectors that are missing, where there is an embedder.
    fn embed(&self) -> Result<()> {
        let bar = if output::is_watched() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        self.service.index().embed_pending(&mut |progress| {
            if let Progress::Embedded { done, of } = progress {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
            }
        })?;
        bar.finish_and_clear();
        Ok(())
    }

    /// Prints one thing: an object for scripts, a text for people.
    fn tell(&mut self, json: &impl Serialize, text: &str) -> Result<()> {
        match self.format {
            PlainFormat::Json => output::json(self.out, json),
            PlainFormat::Table => Ok(writeln!(self.out, "{}", output::shown(text))?),
        }
    }
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let Arguments { command, store, tenant, format } = arguments;
    let tenant = Tenant::new(&tenant)?;
    let makes = matches!(command, Command::Add(_) | Command::Import(_));
    let searches = matches!(command, Command::Search(_));
    // Only these look at what texts mean; the others needn't wait for a model.
    let service = open(root, store, makes, makes || searches)?;
    let mut out = output::out();
    let mut work = Work { service, tenant, format, out: &mut out };
    if searches {
        work.embed()?;
    }
    let end = match command {
        Command::Add(add) => add.run(&mut work),
        Command::Search(search) => search.run(&mut work),
        Command::Recall(recall) => recall.run(&mut work),
        Command::List(list) => list.run(&mut work),
        Command::Show(show) => show.run(&mut work),
        Command::Update(update) => update.run(&mut work),
        Command::Forget(forget) => forget.run(&mut work),
        Command::Import(import) => import.run(&mut work),
        Command::Export(export) => export.run(&mut work),
        Command::Stats => find::stats(&mut work),
    }?;
    if makes {
        work.embed()?;
    }
    out.flush()?;
    Ok(end)
}

/// Opens the service over the store of the workspace, or the one that is named; with the embedder that is configured, which is
/// told once, or without any.
fn open(root: Option<PathBuf>, file: Option<PathBuf>, make: bool, embed: bool) -> Result<Service> {
    let configured = Configured::read(root)?;
    let path = if let Some(file) = file {
        file
    } else {
        if make {
            configured.engine.create()?;
        }
        configured.engine.state()
    };
    let is_there = path.try_exists().with_context(|| format!("cannot read `{}`", path.display()))?;
    if !make && !is_there {
        bail!(
            "there is no store at `{}`\nhelp: the first `trace memory add` makes one; `--store FILE` names another",
            path.display()
        );
    }
    let mut settings = Settings::beside(&path);
    if embed {
        let Choice { embedder, reason } = configured.embedder()?;
        settings.embedder = embedder;
        // A person may wonder why something was not found; a script did not ask.
        if output::is_watched() {
            output::note(&reason);
        }
    }
    Ok(Service::open(settings)?)
}

/// A memory as it is listed.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    record: ::memory::Record,
    version: consistency::Version,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

impl Listed {
    fn new(Stored { record, version }: Stored, score: Option<f32>) -> Listed {
        Listed { record, version, score }
    }
}

impl Row for Listed {
    const NOUN: &'static str = "record";
    const HEADER: &'static [&'static str] = &["id", "memory", "belongs to", "from", "added"];

    fn columns(&self) -> Vec<String> {
        let record = &self.record;
        let scope = record.scope.parts().into_iter();
        let scope: Vec<String> =
            scope.filter_map(|(part, name)| Some(format!("{}={}", part.trim_end_matches("_id"), name?))).collect();
        vec![
            record.id.to_string(),
            output::shortened(&record.text, TEXT_COLUMNS),
            scope.join(" "),
            trust(record.provenance.trust).to_owned(),
            shown(record.created_at),
        ]
    }
}

fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::User => "the user",
        Trust::Agent => "an agent",
        Trust::Outside => "outside",
    }
}
