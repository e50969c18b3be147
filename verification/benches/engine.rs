//! Events per second and their latency at 10 to 10,000 rules, messages understood per second on one core, and the
//! compilation of 10,000 corrections.
//!
//! `cargo bench -p verification --bench engine`

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot run has failed, and prints")]
#![expect(clippy::cast_precision_loss, reason = "counts become rates")]

mod rulebook;

use compiler::{Check, Checker, Checks, NoWorkspace};
use rules::{Correction, Decision, Event, Lexicon, Rule, RuleId, State, understand};
use server::{Engine, Place};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long each row is measured.
const ROW: Duration = Duration::from_secs(3);

fn main() {
    println!("| rules | checks | artifact KiB | load ms | events/s | p50 µs | p99 µs |\n|---|---|---|---|---|---|---|");
    for count in [10, 100, 1_000, 10_000] {
        evaluate(count);
    }
    println!();
    messages();
    compile(10_000);
}

/// What people say to agents, all classes of it, understood in the low tier.
fn messages() {
    let corpus = include_str!("../corpus/detection.jsonl");
    let said: Vec<Correction> = corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let lexicon = Lexicon::builtin();
    let (start, mut read) = (Instant::now(), 0_usize);
    while start.elapsed() < ROW {
        for correction in &said {
            black_box(understand(black_box(correction), lexicon));
        }
        read += said.len();
    }
    let each = start.elapsed().as_secs_f64() / read as f64;
    println!("understanding: {:.0} messages a second on one core, {:.1} µs each", 1.0 / each, each * 1e6);
}

/// The checks of so many sentences, armed.
fn checks(count: usize) -> Checks {
    let mut rules: BTreeMap<RuleId, Rule> = BTreeMap::new();
    for line in rulebook::corrections(count).lines() {
        for rule in understand(&Correction::of(line), Lexicon::builtin()).rules {
            if rule.decided_by == Decision::Check {
                rules.insert(rule.id.clone(), Rule { state: State::Armed, ..rule });
            }
        }
    }
    let checks: Vec<Check> = rules.values().map(|rule| Check::of(rule).unwrap()).collect();
    Checks::of(&checks, [0; 32])
}

/// What agents mostly do; one event in eight violates a rule.
fn events() -> Vec<Event> {
    let body = "export function add(a: number, b: number) {\n  return a + b;\n}\n".repeat(20);
    vec![
        Event::command("git status && git diff --stat"),
        Event::edit("src/app.ts", "const a = 1;", "const a = 2;\nconst b = legacyCaller(a);"),
        Event::command("cd web && FOO=1 npm run build 2>&1 | tail -n 20"),
        Event::write("src/util/add.ts", body),
        Event::command("tool8 deploy --now"),
        Event::command("grep -rn 'slow9' src | head"),
        Event::edit("lib/core.c", "int x;", "int y = compute(x);"),
        Event::stop("The change is made, and the build is green.", Vec::new()),
    ]
}

fn evaluate(count: usize) {
    let built = checks(count);
    let bytes = built.bytes().to_vec();
    let mut loads: Vec<Duration> = (0..21)
        .map(|_| {
            let bytes = bytes.clone();
            let start = Instant::now();
            black_box(Checks::read(bytes).unwrap());
            start.elapsed()
        })
        .collect();
    let mut checker = Checker::new(&built);
    let events = events();
    let mut laps = Vec::new();
    let start = Instant::now();
    while start.elapsed() < ROW {
        for event in &events {
            let lap = Instant::now();
            black_box(checker.observe(black_box(event), &NoWorkspace));
            laps.push(lap.elapsed());
        }
    }
    let total: Duration = laps.iter().sum();
    let per_second = laps.len() as f64 / total.as_secs_f64();
    let micros = |laps: &mut Vec<Duration>, percent: usize| {
        laps.sort_unstable();
        laps.get((laps.len() - 1) * percent / 100).unwrap().as_secs_f64() * 1e6
    };
    let load = micros(&mut loads, 50) / 1e3;
    println!(
        "| {count} | {} | {} | {load:.2} | {per_second:.0} | {:.1} | {:.1} |",
        built.len(),
        bytes.len() / 1024,
        micros(&mut laps, 50),
        micros(&mut laps, 99),
    );
}

/// The whole of `trace compile`: reading, understanding, tests and mutants, conflicts, files and the artifact.
fn compile(count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&Place::At(folder.path().to_owned()), None).unwrap();
    let text = rulebook::corrections(count);
    for run in ["first", "again"] {
        let start = Instant::now();
        let compilation = engine.compile(text.as_bytes(), "bench", true, &mut |_| {}).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "compile {count} corrections, {run}: {seconds:.2} s, {:.0} a second, {} files written, {} checks",
            count as f64 / seconds,
            compilation.sum.written,
            compilation.sum.checks
        );
    }
}
