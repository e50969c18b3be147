//! `trace verify`: the model-checking suite of shared state, and what it found.
//!
//! The models are those that the tests run; nothing is decided here but what is run and how it is shown.

mod page;
mod record;

use crate::End;
use crate::output::{self, PlainFormat};
use anyhow::{Context, Result, bail};
use consistency::Level;
use indicatif::{ProgressBar, ProgressStyle};
use record::{Kind, Record};
use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use verification::model::ladder::Rung;
use verification::model::mutants::{self, Mutant};
use verification::model::run::Search;
use verification::model::suite::{self, Form, Row};

/// Check that shared state keeps its promises, in every order of events
///
/// Explores models of agents that share state, over the very code that decides in a store, and looks for a way to break
/// what the levels promise. Then takes away one guard after the other, and has to find what goes wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace verify                          the short form, as in CI
  trace verify --model l2               one model, and the mutants that it catches
  trace verify --long --threads 2       larger models, too: minutes, and some GiB of memory
  trace verify --explore ladder-l1      walk through a model in a browser

Exit codes: 0 all as expected, 1 something else was found, 2 could not run.")]
pub(crate) struct Arguments {
    /// Check larger models, too
    #[arg(long, conflicts_with_all = ["model", "explore"])]
    long: bool,
    /// Check one model only, by its name, and the mutants that it catches
    #[arg(long, value_name = "MODEL", conflicts_with = "explore")]
    model: Option<String>,
    /// How many threads work [default: as many as there are processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
    /// Serve a model on this machine, to walk through it in a browser
    #[arg(long, value_name = "MODEL")]
    explore: Option<String>,
    /// Where `--explore` listens
    #[arg(long, value_name = "PORT", default_value_t = 3000, requires = "explore")]
    port: u16,
    /// Print the page `docs/verification.md`
    #[arg(long, hide = true, conflicts_with_all = ["format", "explore", "model"])]
    page: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<End> {
    if let Some(name) = &arguments.explore {
        return explore(name, arguments.port);
    }
    let threads = arguments.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let jobs = match &arguments.model {
        Some(name) => jobs_of(name)?,
        None => jobs(arguments.long),
    };
    let records = check(jobs, threads);
    let mut out = output::out();
    match arguments.format {
        _ if arguments.page => page::write(&mut out, &records)?,
        PlainFormat::Table => record::table(&mut out, &records)?,
        PlainFormat::Json => {
            for record in &records {
                output::json(&mut out, &record.json())?;
            }
        }
    }
    out.flush()?;
    let unexpected = records.iter().any(|record| !record.unexpected.is_empty());
    Ok(if unexpected { End::Findings } else { End::Clean })
}

/// One piece of work.
enum Job {
    Row(Box<Row>),
    Rung(Level),
    Mutant(&'static Mutant),
}

fn jobs(long: bool) -> Vec<Job> {
    let rows = |form| suite::rows(form).into_iter().map(|row| Job::Row(Box::new(row)));
    let larger = long.then(|| rows(Form::Long)).into_iter().flatten();
    let rungs = Level::ALL.into_iter().map(Job::Rung);
    rows(Form::Short).chain(larger).chain(rungs).chain(mutants::LEDGER.iter().map(Job::Mutant)).collect()
}

/// The work about one model.
fn jobs_of(name: &str) -> Result<Vec<Job>> {
    if let Some(level) = Level::ALL.into_iter().find(|level| rung(*level) == name) {
        return Ok(vec![Job::Rung(level)]);
    }
    let Some(row) = suite::row(name) else { bail!(unknown(name)) };
    let mutants = mutants::LEDGER.iter().filter(|mutant| mutant.model == name).map(Job::Mutant);
    Ok(std::iter::once(Job::Row(Box::new(row))).chain(mutants).collect())
}

/// The name of the model of a level that all anomalies are asked about in.
fn rung(level: Level) -> String {
    format!("ladder-{level}").to_lowercase()
}

fn unknown(name: &str) -> String {
    let rows = suite::rows(Form::Short).into_iter().chain(suite::rows(Form::Long)).map(|row| row.setup.name.to_owned());
    let names: Vec<String> = rows.chain(Level::ALL.map(rung)).collect();
    format!("no model is called `{name}`; there are: {}", names.join(", "))
}

impl Job {
    fn name(&self) -> String {
        match self {
            Job::Row(row) => row.setup.name.to_owned(),
            Job::Rung(level) => rung(*level),
            Job::Mutant(mutant) => format!("{} without {:?}", mutant.model, mutant.guard),
        }
    }

    /// Tells whether it runs on one thread, as whoever looks for the nearest must.
    fn is_single(&self) -> bool {
        !matches!(self, Job::Row(row) if row.search != Search::Breadth)
    }

    fn run(self, threads: usize, watch: &mut dyn FnMut(usize)) -> Record {
        let start = Instant::now();
        let (unexpected, kind) = match self {
            Job::Row(row) => {
                let checked = row.setup.check(row.search, threads, watch);
                (row.unexpected(&checked), Kind::Model(row, checked))
            }
            Job::Rung(level) => {
                let rung = Rung::check(level);
                (rung.unexpected(), Kind::Rung(Box::new(rung)))
            }
            Job::Mutant(mutant) => {
                let found = mutant.check();
                (mutant.unexpected(found.as_ref()).into_iter().collect(), Kind::Mutant(mutant, found))
            }
        };
        Record { kind, unexpected, seconds: start.elapsed().as_secs_f64() }
    }
}

/// Does the work: what runs on one thread side by side, then the rest one after the other.
fn check(jobs: Vec<Job>, threads: usize) -> Vec<Record> {
    let bar = progress(jobs.len());
    let (single, wide): (Vec<_>, Vec<_>) = jobs.into_iter().enumerate().partition(|(_, job)| job.is_single());
    let single = Mutex::new(VecDeque::from(single));
    let records = Mutex::new(BTreeMap::new());
    let done = |place: usize, job: Job, threads: usize| {
        let name = job.name();
        let record = job.run(threads, &mut |states| bar.set_message(format!("{name}: {states} states")));
        records.lock().unwrap_or_else(PoisonError::into_inner).insert(place, record);
        bar.inc(1);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = single.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some((place, job)) = next else { break };
                    done(place, job, 1);
                }
            });
        }
    });
    for (place, job) in wide {
        done(place, job, threads);
    }
    bar.finish_and_clear();
    records.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

fn progress(jobs: usize) -> ProgressBar {
    if !output::is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:32} {pos} of {len}  {elapsed}  {msg}");
    let bar = ProgressBar::new(u64::try_from(jobs).unwrap_or_default());
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Serves a model until the program is ended.
fn explore(name: &str, port: u16) -> Result<End> {
    let ladder = Level::ALL.into_iter().find(|level| rung(*level) == name).map(verification::model::ladder::setup);
    let Some(setup) = ladder.or_else(|| suite::row(name).map(|row| row.setup)) else { bail!(unknown(name)) };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // The explorer gives up without a word where the port is taken; so that is asked before.
    let free = TcpListener::bind(address).with_context(|| format!("cannot listen at {address}"))?;
    let address = free.local_addr()?;
    drop(free);
    let mut out = output::out();
    writeln!(out, "{name} at http://{address}/ (end with Ctrl-C)")?;
    out.flush()?;
    drop(out);
    setup.explore(address);
    Ok(End::Clean)
}
