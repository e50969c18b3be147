//! Recall end to end at 1,000, 10,000 and 100,000 records under a budget of 400 tokens: the search, the pricing, the five modules
//! in their lowest tiers and the packing; how much of it is the router's own; and a policy's choice for all modules.
//!
//! `cargo bench -p verification --bench recall`, or with `-- --quick` for the smaller two. The texts are made up, and there are
//! no vectors. The router's own is what is neither search nor module: features, values, packing and the context. Modules are
//! counted with the reading of what was found, which they look at.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run has failed")]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates")]

mod made_up;

use consistency::store::{Store, System};
use made_up::{draft, hash, percentile, text, timed};
use memory::budget::{Clock, Limits};
use memory::index::Index;
use memory::{Filter, Memories, Tenant};
use router::policy::learn::{Method, Training, learn};
use router::policy::profile::{Profile, Replayed};
use router::policy::{Allowance, available};
use router::weights::shipped;
use router::{Request, Sources, Tiers, recall};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many recalls are timed.
const TIMED: u64 = 400;
/// A policy chooses for all modules so often.
const CHOICES: u64 = 2_000;
const HEADING: &str = "| records | recall p50, ms | p99, ms | search p50, ms | modules p50, ms | router p50, ms | router's share |\n\
    |---|---|---|---|---|---|---|";

#[derive(Debug)]
struct Running(Instant);

impl Clock for Running {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

fn main() {
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    println!("{HEADING}");
    for records in if is_quick { &[1_000, 10_000][..] } else { &[1_000, 10_000, 100_000] } {
        println!("{}", measure(*records));
    }
    println!("\na policy chooses the tiers of all modules in {:.1} µs", choice());
}

fn measure(records: u64) -> String {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let memories = Memories::new(Store::open(folder.path().join("state.db")).unwrap(), Arc::new(System));
    let tenant = Tenant::local();
    for group in (0..records).collect::<Vec<_>>().chunks(500) {
        let add = |transaction: &mut memory::memories::Transaction<'_>| {
            group.iter().try_for_each(|number| transaction.add(&draft(*number)).map(drop))
        };
        memories.write(&tenant, "bench", add).unwrap();
    }
    let index = Index::open(&folder.path().join("index"), &memories, None).unwrap();
    index.commit().unwrap();
    let weights = shipped().unwrap();
    let clock = Arc::new(Running(Instant::now()));
    let sources = Sources { weights: Some(&weights), ..Sources::new(&index, clock) };
    let limits = Limits { tokens: Some(400), ..Limits::default() };
    let ask = |number: u64| {
        let request = Request {
            query: text(number * 7 + 1, 6),
            filter: Filter::everything(),
            limits,
            tiers: Tiers::default(),
            limit: 50,
        };
        let reply = recall(&sources, &tenant, &request).unwrap();
        assert!(!reply.items.is_empty() && reply.decision.is_some() && reply.spending.cost.tokens <= 400);
        let modules = reply.spending.reading_ms + reply.spending.steps.iter().map(|step| step.ms).sum::<f64>();
        let (all, search) = (reply.spending.ms, reply.spending.search_ms);
        [all, search, modules, all - search - modules]
    };
    for number in 0..30 {
        ask(number);
    }
    let all: Vec<[f64; 4]> = (0..TIMED).map(ask).collect();
    let sorted = |part: usize| {
        let mut times: Vec<f64> = all.iter().map(|times| times[part]).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let half = |part: usize| percentile(&sorted(part), 0.5);
    let share = all.iter().map(|times| times[3]).sum::<f64>() / all.iter().map(|times| times[0]).sum::<f64>() * 100.0;
    let (p50, p99) = (half(0), percentile(&sorted(0), 0.99));
    format!("| {records} | {p50:.2} | {p99:.2} | {:.2} | {:.2} | {:.2} | {share:.1} % |", half(1), half(2), half(3))
}

/// How long a policy takes for all modules, in microseconds.
fn choice() -> f64 {
    let state: Vec<f32> = (0..router::features::width()).map(|at| (hash(&at) % 100) as f32 / 100.0).collect();
    let available = available(true, true);
    let replayed = Replayed { conversation: 0, state: state.clone(), got: Vec::new() };
    let profile = Profile { available, questions: vec![replayed] };
    let training = Training { updates: 0, ..Training::of(Method::FullInformation, 7) };
    let policy = learn(&profile, &|_| true, &training);
    let allowance = Allowance { tokens: Some(400.0), ms: Some(50.0), millis_usd: Some(1.0) };
    let (took, chosen) = timed(|| {
        (0..CHOICES).filter(|_| policy.route(std::hint::black_box(&state), allowance, &available).len() == 5).count()
    });
    assert_eq!(chosen as u64, CHOICES);
    took.as_secs_f64() * 1e6 / CHOICES as f64
}
