//! Memories at 1,000, 10,000 and 100,000 records: what adding and searching cost, in processor time and by the clock, and how
//! much memory and disk that takes.
//!
//! `cargo bench -p verification --bench memory`, or with `-- --quick` for the smaller two. Each row is measured in a process of its
//! own, since the most memory that a process had can't be measured twice. The texts are made up: words of a vocabulary of
//! 5,000, the common ones often, in conversations of 20 turns; the embedder hashes words into 384 numbers, so that what is
//! measured is everything but a model.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run has failed")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates")]

mod made_up;

use consistency::store::{Store, System};
use made_up::{draft, hash, percentile, text, timed};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::index::{Index, Mode, Query};
use memory::{Filter, Memories, Tenant};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const DIMENSION: usize = 384;
/// How many single adds, and how many searches of each kind, are timed.
const TIMED: u64 = 500;
const HEADING: &str = "| records | way | search p50, ms | p99, ms | CPU, ms | add, CPU ms | add, ms | open, ms | peak, MB | \
    index on disk, MB | store, MB |\n|---|---|---|---|---|---|---|---|---|---|---|";

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--one") {
        let way = WAYS.iter().find(|way| way.name == arguments[at + 2]).unwrap();
        return println!("{}", measure(arguments[at + 1].parse().unwrap(), way));
    }
    let is_quick = arguments.iter().any(|argument| argument == "--quick");
    println!("{HEADING}");
    for records in if is_quick { &[1_000, 10_000][..] } else { &[1_000, 10_000, 100_000] } {
        for way in WAYS {
            let mut child = Command::new(std::env::current_exe().unwrap());
            let output = child.args(["--one", &records.to_string(), way.name]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            print!("{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}

/// A way of searching.
struct Way {
    name: &'static str,
    mode: Mode,
    neighbours: bool,
}

const WAYS: [Way; 3] = [
    Way { name: "words", mode: Mode::Lexical, neighbours: false },
    Way { name: "words and neighbours", mode: Mode::Lexical, neighbours: true },
    Way { name: "hybrid and neighbours", mode: Mode::Hybrid, neighbours: true },
];

fn measure(records: u64, way: &Way) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (store, index) = (folder.path().join("state.db"), folder.path().join("index"));
    let memories = Memories::new(Store::open(&store).unwrap(), Arc::new(System));
    let tenant = Tenant::local();
    for group in (0..records).collect::<Vec<_>>().chunks(500) {
        let add = |transaction: &mut memory::memories::Transaction<'_>| {
            group.iter().try_for_each(|number| transaction.add(&draft(*number)).map(drop))
        };
        memories.write(&tenant, "bench", add).unwrap();
    }
    let embedder = || (way.mode == Mode::Hybrid).then(|| Arc::new(Hashing::default()) as Arc<dyn Embedder>);
    let open = || Index::open(&index, &memories, embedder()).unwrap();
    let built = open();
    built.commit().unwrap();
    drop(built);
    let (opened, ()) = timed(|| drop(open()));
    let found = open();
    let add = |number: u64| {
        memories.add(&tenant, "bench", &draft(records + number)).unwrap();
        found.follow().unwrap();
    };
    let (adds, add_cpu) = each(add);
    let search = |number: u64| {
        let (text, filter) = (text(number * 7 + 1, 6), Filter::everything());
        let query = Query { text, filter, limit: 10, mode: way.mode, neighbours: way.neighbours };
        assert!(!found.search(&tenant, &query).unwrap().is_empty());
    };
    (0..50).for_each(search);
    let (searches, search_cpu) = each(search);
    let disk = found.stats().bytes as f64 / 1e6;
    format!(
        "| {records} | {} | {:.2} | {:.2} | {search_cpu:.2} | {add_cpu:.2} | {:.2} | {:.0} | {:.0} | {disk:.1} | {:.1} |",
        way.name,
        percentile(&searches, 0.5),
        percentile(&searches, 0.99),
        percentile(&adds, 0.5),
        opened.as_secs_f64() * 1e3,
        peak(),
        size(&store),
    )
}

/// Does something often; tells how long each took by the clock, in milliseconds, sorted, and the processor time of one.
fn each(mut work: impl FnMut(u64)) -> (Vec<f64>, f64) {
    let before = cpu();
    let mut times: Vec<f64> = (0..TIMED).map(|number| timed(|| work(number)).0.as_secs_f64() * 1e3).collect();
    let spent = cpu().saturating_sub(before).as_secs_f64() * 1e3 / TIMED as f64;
    times.sort_by(f64::total_cmp);
    (times, spent)
}

/// The processor time of all threads of this process.
fn cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    Duration::from_micros((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as u64)
}

/// The most memory that this process had, in megabytes; pages of mapped files included.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) / 1e3
}

fn size(store: &Path) -> f64 {
    let names = ["", "-wal"].map(|suffix| format!("{}{suffix}", store.display()));
    names.iter().filter_map(|name| std::fs::metadata(name).ok()).map(|it| it.len()).sum::<u64>() as f64 / 1e6
}

/// Words hashed into a vector.
#[derive(Debug)]
struct Hashing(EmbedderId);

impl Default for Hashing {
    fn default() -> Hashing {
        Hashing(EmbedderId { backend: "hash".to_owned(), model: "bench".to_owned(), dimension: DIMENSION })
    }
}

impl Embedder for Hashing {
    fn id(&self) -> &EmbedderId {
        &self.0
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let embedded = texts.iter().map(|text| {
            let mut vector = vec![0.0_f32; DIMENSION];
            for word in text.split_whitespace() {
                let hash = hash(&word);
                vector[(hash % DIMENSION as u64) as usize] += if hash >> 63 == 0 { 1.0 } else { -1.0 };
            }
            let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
            vector.iter().map(|number| number / length).collect()
        });
        Ok(embedded.collect())
    }

    fn is_semantic(&self) -> bool {
        false
    }
}
