//! Whole-process time and peak memory of `trace check` and `trace hook` on one event, beside a program that does nothing.
//!
//! `cargo build --release -p cli && cargo build --release -p verification --example empty && cargo bench -p verification --bench process`
//!
//! The programs run in turn, so that a change of the machine's speed meets all of them; compare the ratios.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot run has failed, and prints")]

mod rulebook;

use nix::sys::resource::{UsageWho, getrusage};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const RUNS: usize = 300;
/// Set for the copy of this program that measures one run's memory.
const ALONE: &str = "TRACE_BENCH_ALONE";
const EVENT: &str =
    "{\"event\":\"pre_tool_use\",\"tool\":\"Bash\",\"input\":{\"command\":\"cd web && npm install x\"}}\n";

/// The same as a host sends it, of which `CWD` is the workspace.
const PAYLOAD: &str = "{\"session_id\":\"s\",\"cwd\":\"CWD\",\"hook_event_name\":\"PreToolUse\",\"tool_name\":\"Bash\",\
    \"tool_input\":{\"command\":\"cd web && pnpm install x\"},\"tool_use_id\":\"t\"}";

fn main() {
    if std::env::var_os(ALONE).is_some() {
        return alone();
    }
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let (trace, empty) = (release.join("trace"), release.join("examples/empty"));
    let folder = tempfile::tempdir().unwrap();
    let event = folder.path().join("event.jsonl");
    std::fs::write(&event, EVENT).unwrap();
    let mut programs = vec![("nothing".to_owned(), empty, Vec::new())];
    for count in [1, 100, 1_000, 10_000] {
        let root = folder.path().join(count.to_string());
        std::fs::create_dir(&root).unwrap();
        compile(&trace, &root, count);
        let payload = folder.path().join(format!("{count}.json"));
        std::fs::write(&payload, PAYLOAD.replace("CWD", root.to_str().unwrap())).unwrap();
        let arguments: Vec<PathBuf> = ["--root".into(), root, "check".into(), event.clone()].into();
        programs.push((format!("trace check, {count} rules"), trace.clone(), arguments));
        let arguments: Vec<PathBuf> = ["hook".into(), "claude-code".into(), payload].into();
        programs.push((format!("trace hook, {count} rules"), trace.clone(), arguments));
    }
    let mut laps: Vec<Vec<Duration>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..RUNS {
        for ((_, program, arguments), laps) in programs.iter().zip(&mut laps) {
            laps.push(run(program, arguments));
        }
    }
    println!("| program | p50 ms | p99 ms | ratio of p50 | peak memory MiB |\n|---|---|---|---|---|");
    let mut first = None;
    for ((name, program, arguments), laps) in programs.iter().zip(&mut laps) {
        laps.sort_unstable();
        let at = |share: usize| laps.get((laps.len() - 1) * share / 100).unwrap().as_secs_f64() * 1e3;
        let ratio = at(50) / *first.get_or_insert(at(50));
        println!("| {name} | {:.2} | {:.2} | {ratio:.2} | {:.1} |", at(50), at(99), peak(program, arguments));
    }
}

fn compile(trace: &Path, root: &Path, count: usize) {
    let mut child = Command::new(trace)
        .arg("--root")
        .arg(root)
        .args(["compile", "-"])
        .env("XDG_CONFIG_HOME", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(rulebook::corrections(count).as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    // The first check after a compilation finds the artifact made.
    assert!(root.join(".trace/cache/checks.bin").exists());
}

fn run(program: &Path, arguments: &[PathBuf]) -> Duration {
    let start = Instant::now();
    let status = command(program, arguments).status().unwrap();
    let lap = start.elapsed();
    assert!(status.success(), "{} ended with {status}", program.display());
    lap
}

fn command(program: &Path, arguments: &[PathBuf]) -> Command {
    let mut command = Command::new(program);
    // A hook's last argument is what it reads.
    let (arguments, input) = match arguments {
        [first, rest @ .., input] if first.as_os_str() == "hook" => {
            ([std::slice::from_ref(first), rest].concat(), Stdio::from(File::open(input).unwrap()))
        }
        _ => (arguments.to_vec(), Stdio::null()),
    };
    command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent").stdin(input).stdout(Stdio::null());
    command
}

/// The peak memory of one run, in MiB, as the operating system accounts it for the children of a process: so this program
/// starts itself once more, and that one has this run as its only child.
fn peak(program: &Path, arguments: &[PathBuf]) -> f64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ALONE, "1")
        .arg(program)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap() / 1024.0
}

/// Runs one program and prints its peak memory in KiB.
fn alone() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let program = words.next().unwrap();
    command(&program, &words.collect::<Vec<_>>()).status().unwrap();
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
}
