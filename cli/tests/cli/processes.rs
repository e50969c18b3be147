//! The program among others: exit codes, pipes, processes at the same time, memory.

use crate::desk::{Desk, ran, runs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufWriter, Write};
use std::process::Stdio;

#[test]
fn exit_codes_are_the_same_everywhere() {
    let desk = Desk::new()
        .said("never use npm here, use pnpm\nnever force push. ever.")
        .with("clean.jsonl", runs("ls"))
        .with("found.jsonl", runs("npm i"))
        .with("late.jsonl", ran("npm i", 0))
        .with("unread.jsonl", "x")
        .with("both.jsonl", format!("x\n{}", runs("npm i")))
        .with("bad.jsonl", "{\"text\": \"never use docker\"}\n{")
        .in_git();
    let wrong = desk.read(".trace/rules/force-push.toml").replacen("violates = false", "violates = true", 1);
    let broken = Desk::new().with(".trace/rules/force-push.toml", wrong.replace("\"armed\"", "\"shadow\""));
    let table = [
        (&desk, "trace compile said.txt", 0),
        (&desk, "trace compile bad.jsonl", 1),
        (&desk, "trace compile missing.txt", 2),
        (&desk, "trace compile .", 2),
        (&desk, "trace compile", 2),
        (&desk, "trace --root missing/root compile said.txt", 0),
        (&desk, "trace check clean.jsonl", 0),
        (&desk, "trace check found.jsonl", 1),
        (&desk, "trace check late.jsonl", 1),
        (&desk, "trace check both.jsonl", 1),
        (&desk, "trace check unread.jsonl", 2),
        (&desk, "trace check missing.jsonl", 2),
        (&desk, "trace check .", 2),
        (&desk, "trace check clean.jsonl --format xml", 2),
        (&desk, "trace --root nowhere check clean.jsonl", 2),
        (&desk, "trace check --staged", 0),
        (&desk, "trace check --diff HEAD", 0),
        (&desk, "trace check --diff nowhere", 2),
        (&desk, "trace explain npm-instead-of-pnpm", 0),
        (&desk, "trace explain T101", 0),
        (&desk, "trace explain gone", 2),
        (&desk, "trace rules list", 0),
        (&desk, "trace rules show force-push", 0),
        (&desk, "trace rules show gone", 2),
        (&desk, "trace rules shadow force-push", 0),
        (&desk, "trace rules shadow force-push", 2),
        (&desk, "trace rules undo force-push", 0),
        (&desk, "trace rules undo gone", 2),
        (&desk, "EDITOR=true trace rules edit force-push", 0),
        (&desk, "EDITOR=false trace rules edit force-push", 2),
        (&desk, "trace rules test", 0),
        (&broken, "trace rules test", 1),
        (&broken, "trace rules arm force-push", 1),
        (&broken, "EDITOR='sed -i s/title/titel/' trace rules edit force-push", 1),
        (&desk, "trace schema rule", 0),
        (&desk, "trace schema nothing", 2),
        (&desk, "trace --help", 0),
        (&desk, "trace --version", 0),
        (&desk, "trace", 2),
        (&desk, "trace frobnicate", 2),
    ];
    for (desk, line, code) in table {
        let run = desk.run(line);
        assert_eq!(run.code, code, "{line}\n{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_in_peace() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    // More than a pipe holds.
    desk.write("events.jsonl", format!("{}\n", runs("npm i")).repeat(2_000));
    desk.write("thanks.txt", "thanks, exactly what I wanted\n".repeat(2_000));
    for line in [
        "trace check events.jsonl",
        "trace check events.jsonl --all",
        "trace check events.jsonl --format json",
        "trace check events.jsonl --format markdown",
        "trace check events.jsonl --format sarif",
        "trace compile --all --format json thanks.txt",
        "trace compile --all thanks.txt",
        "trace schema rule",
        "trace rules list",
        "trace --help",
    ] {
        let run = desk.run(&format!("{{ {line}; echo \"exit $?\" >&2; }} | head -1"));
        assert_eq!(run.stdout.lines().count(), 1, "{line}");
        // What fits into the pipe was written to the end.
        let done = line.starts_with("trace check") && run.stderr == "exit 1\n";
        assert!(done || run.stderr == "exit 0\n", "{line}: {}", run.stderr);
        let nobody = desk.run(&format!("{{ sleep 0.1; {line}; echo \"exit $?\" >&2; }} | true"));
        assert_eq!(nobody.stderr, "exit 0\n", "{line}");
    }
}

#[test]
fn processes_that_compile_at_the_same_time_lose_nothing() {
    let desk = Desk::new();
    let shared = ["never use npm here, use pnpm", "never force push. ever."];
    let process = |number: usize| {
        let own = format!("never run `tool{number} a`\nnever run `tool{number} b`\n");
        desk.write(&format!("{number}.txt"), format!("{}\n{own}", shared.join("\n")));
        desk.shell(&format!("trace compile {number}.txt")).stdout(Stdio::null()).spawn().unwrap()
    };
    let processes: Vec<_> = (0..8).map(process).collect();
    for mut process in processes {
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
    let rules = desk.run("trace rules list --format json");
    assert_eq!(rules.stderr, "", "every rule file can be read");
    for number in 0..8 {
        for rule in [format!("run-tool{number}-a"), format!("run-tool{number}-b")] {
            assert!(rules.stdout.contains(&format!("\"id\":\"{rule}\"")), "{rule} is there:\n{}", rules.stdout);
        }
    }
    assert_eq!(desk.sure("grep -c '^quote' .trace/rules/force-push.toml"), "1\n");
    let lines = |name: &str| -> Vec<Value> {
        desk.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let corrections = lines(".trace/corrections.jsonl");
    let keys: BTreeSet<String> = corrections.iter().map(|correction| correction["id"].to_string()).collect();
    assert_eq!((corrections.len(), keys.len()), (2 + 8 * 2, 2 + 8 * 2));
    let numbers: Vec<u64> =
        lines(".trace/history.jsonl").iter().map(|change| change["seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let left: Vec<_> =
        desk.files(".trace").into_keys().filter(|path| path.to_string_lossy().contains(".new-")).collect();
    assert!(left.is_empty(), "{left:?}");
    for number in 0..8 {
        let records = desk.records(&format!("trace compile {number}.txt"));
        assert_eq!(records.last().unwrap()["written"], 0, "everything was known");
    }
}

/// The most memory that a process has had, in KiB; `None` where the system does not tell.
fn peak_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_long_stream_is_compiled_in_bounded_memory() {
    /// Enough that a byte kept of each would be seen, and a few seconds' work.
    const LINES: usize = 100_000;
    let desk = Desk::new();
    let mut process = desk.shell("exec trace compile -").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = BufWriter::new(process.stdin.take().unwrap());
    for number in 0..LINES {
        writeln!(input, "thanks, step {number} looks fine, go on with the next one please").unwrap();
    }
    input.flush().unwrap();
    match peak_kib(process.id()) {
        Some(peak) => assert!(peak < 200 << 10, "{peak} KiB"),
        None => eprintln!("the system does not tell how much memory a process has had"),
    }
    drop(input);
    let output = process.wait_with_output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && report.contains("100000 messages: 100000 not a correction"), "{report}");
}
