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
use std::path::PathBuf;
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

/// What people say to agents, all classes of it, understood in the low tier: our own corpus, and real messages where they
/// are at hand.
fn messages() {
    let data = std::env::var_os("TRACE_DATA").map_or_else(|| PathBuf::from("../../shared/data"), PathBuf::from);
    let real = |names: &[&str]| {
        let texts = names.iter().map(|name| std::fs::read_to_string(data.join("corpora").join(name)));
        texts.collect::<Result<Vec<_>, _>>().ok().map(|texts| texts.concat())
    };
    let mixes = [
        ("our corpus", Some(include_str!("../corpus/detection.jsonl").to_owned())),
        ("real chats", real(&["corrections_dev.jsonl"])),
        ("real documents", real(&["directives_dev.jsonl", "nonrules_dev.jsonl"])),
    ];
    println!(
        "| messages | bytes each | messages/s on one core | µs each | p50 µs | p99 µs |\n|---|---|---|---|---|---|"
    );
    for (name, text) in mixes {
        let Some(text) = text else {
            println!("not measured: {name}, which are not in {}", data.display());
            continue;
        };
        // The fields of labels are passed over: only what was said counts.
        let said: Vec<Correction> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        understanding(name, &said);
    }
    println!();
}

fn understanding(name: &str, said: &[Correction]) {
    let lexicon = Lexicon::builtin();
    let mut laps = Vec::new();
    let start = Instant::now();
    while start.elapsed() < ROW {
        for correction in said {
            let lap = Instant::now();
            black_box(understand(black_box(correction), lexicon));
            laps.push(lap.elapsed());
        }
    }
    let each = start.elapsed().as_secs_f64() / laps.len() as f64;
    let bytes = said.iter().map(|correction| correction.text.len()).sum::<usize>() / said.len();
    laps.sort_unstable();
    let micros = |percent: usize| laps.get((laps.len() - 1) * percent / 100).unwrap().as_secs_f64() * 1e6;
    let (rate, p50, p99) = (1.0 / each, micros(50), micros(99));
    println!("| {name} ({}) | {bytes} | {rate:.0} | {:.1} | {p50:.1} | {p99:.1} |", said.len(), each * 1e6);
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
