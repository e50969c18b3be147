//! Whole-process time and peak memory of `trace check` and `trace hook` on one event, beside a program that does nothing,
//! an interpreter that does nothing, and one process of Python that reads rules and judges by regular expressions.
//!
//! `cargo build --release -p cli && cargo build --release -p verification --example empty && cargo bench -p verification --bench process`
//!
//! The programs run in turn, so that a change of the machine's speed meets all of them; compare the ratios. Where other
//! programs keep the machine busy, the fastest twentieth of the runs tells what a process costs, and the median what it waits.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot run has failed, and prints")]

mod rulebook;

use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
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
/// How hookify, a plugin of Claude Code, judges a call: one process of Python reads every rule file and searches by its
/// pattern. Written anew from its description, with less of everything.
const HOOKIFY: &str = r#"
import glob, json, os, re, sys
call = json.load(sys.stdin)
text = call["tool_input"].get("command", "")
for path in glob.glob(os.path.join(sys.argv[1], "*.md")):
    with open(path, encoding="utf-8") as file:
        head, _, message = file.read().removeprefix("---\n").partition("---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    if fields.get("enabled") == "true" and re.search(fields["pattern"], text):
        print(json.dumps({"hookSpecificOutput": {"permissionDecision": "deny"}, "systemMessage": message}))
        break
"#;
/// A rule that is decided by a syntax tree.
const EVAL: &str = r#"id = "eval"
title = "no eval"
state = "armed"

[check]
pattern = "absence"
never = { file = { language = ["python"], code = { pattern = ["eval($X)"] } } }

[[example]]
violates = true
events = '{"event":"pre_tool_use","tool":"Write","input":{"file_path":"a.py","content":"eval(x)\n"}}'

[[example]]
violates = false
events = '{"event":"pre_tool_use","tool":"Write","input":{"file_path":"a.py","content":"evaluate(x)\n"}}'
"#;

/// One program as it is run.
struct Program {
    name: String,
    binary: PathBuf,
    arguments: Vec<PathBuf>,
    /// What it reads.
    input: Option<PathBuf>,
}

fn main() {
    if std::env::var_os(ALONE).is_some() {
        return alone();
    }
    let folder = tempfile::tempdir().unwrap();
    let programs = programs(folder.path());
    let mut laps: Vec<Vec<Duration>> = programs.iter().map(|_| Vec::new()).collect();
    for _ in 0..RUNS {
        for (program, laps) in programs.iter().zip(&mut laps) {
            laps.push(run(program));
        }
    }
    println!(
        "| program | p5 ms | p50 ms | p99 ms | ratio of p5 | ratio of p50 | peak memory MiB |\n|---|---|---|---|---|---|---|"
    );
    let (mut best, mut first) = (None, None);
    for (program, laps) in programs.iter().zip(&mut laps) {
        laps.sort_unstable();
        let at = |share: usize| laps.get((laps.len() - 1) * share / 100).unwrap().as_secs_f64() * 1e3;
        let ratio = at(50) / *first.get_or_insert(at(50));
        let least = at(5) / *best.get_or_insert(at(5));
        let times = [at(5), at(50), at(99), least, ratio].map(|figure| format!("{figure:.2}")).join(" | ");
        println!("| {} | {times} | {:.1} |", program.name, peak(program));
    }
}

/// Everything that is compared.
fn programs(folder: &Path) -> Vec<Program> {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release");
    let (trace, empty) = (release.join("trace"), release.join("examples/empty"));
    let mut programs = vec![Program { name: "nothing".to_owned(), binary: empty, arguments: Vec::new(), input: None }];
    for count in [1, 100, 1_000, 10_000] {
        let root = folder.join(count.to_string());
        std::fs::create_dir(&root).unwrap();
        compile(&trace, &root, count);
        let event = root.join("event.jsonl");
        std::fs::write(&event, EVENT).unwrap();
        let arguments = ["--root".into(), root.clone(), "check".into(), event].into();
        programs.push(Program {
            name: format!("trace check, {count} rules"),
            binary: trace.clone(),
            arguments,
            input: None,
        });
        let bash = json!({ "command": "cd web && pnpm install x" });
        programs.push(hook(&trace, &root, &format!("a command, {count} rules"), &call("Bash", &bash)));
    }
    let root = folder.join("100");
    let prompt = json!({ "hook_event_name": "UserPromptSubmit", "prompt": "add a page for orders, please" });
    programs.push(hook(&trace, &root, "a prompt, 100 rules", &prompt));
    let correction = json!({ "hook_event_name": "UserPromptSubmit", "prompt": "no, never use yarn here, use pnpm" });
    programs.push(hook(&trace, &root, "a prompt that corrects, 100 rules", &correction));
    let stop = json!({ "hook_event_name": "Stop", "last_assistant_message": "Done.", "stop_hook_active": false });
    programs.push(hook(&trace, &root, "the end of a turn, 100 rules", &stop));
    for megabytes in [1, 17, 50] {
        programs.push(end(&trace, &root, megabytes));
    }
    programs.push(code(&trace, &folder.join("code")));
    programs.extend(pythons(&folder.join("1")));
    programs
}

/// A tool call as Claude Code sends it.
fn call(tool: &str, input: &Value) -> Value {
    json!({ "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input, "tool_use_id": "t" })
}

/// A hook of Claude Code's in a workspace.
fn hook(trace: &Path, root: &Path, name: &str, payload: &Value) -> Program {
    let mut payload = payload.clone();
    let members = payload.as_object_mut().unwrap();
    members.extend([("session_id".to_owned(), json!("s")), ("cwd".to_owned(), json!(root))]);
    let input = root.join(format!("{name}.json"));
    std::fs::write(&input, payload.to_string()).unwrap();
    let arguments = ["hook".into(), "claude-code".into()].into();
    Program { name: format!("trace hook, {name}"), binary: trace.to_owned(), arguments, input: Some(input) }
}

/// The end of a turn on Copilot CLI, where the answer is in a transcript of such a length.
fn end(trace: &Path, root: &Path, megabytes: usize) -> Program {
    let transcript = root.join(format!("{megabytes}.jsonl"));
    let line = |kind: &str, data: Value| json!({ "type": kind, "data": data }).to_string() + "\n";
    let said = line("assistant.message", json!({ "content": "Reading the next file. ".repeat(40) }));
    let mut text = said.repeat((megabytes << 20) / said.len());
    text += &line("user.message", json!({ "content": "go on" }));
    text += &line("assistant.message", json!({ "content": "Done." }));
    text += &line("hook.start", json!({ "hookType": "agentStop", "input": { "timestamp": 1 } }));
    std::fs::write(&transcript, text).unwrap();
    let payload = json!({ "sessionId": "s", "timestamp": 1, "cwd": root, "transcriptPath": transcript });
    let input = root.join(format!("{megabytes}.json"));
    std::fs::write(&input, payload.to_string()).unwrap();
    Program {
        name: format!("trace hook, the end of a turn, a transcript of {megabytes} MiB"),
        binary: trace.to_owned(),
        arguments: ["hook".into(), "copilot".into(), "agentStop".into()].into(),
        input: Some(input),
    }
}

/// An edit of a Python file of 1,500 lines, which a rule about its syntax tree judges.
fn code(trace: &Path, root: &Path) -> Program {
    std::fs::create_dir_all(root.join(".trace/rules")).unwrap();
    std::fs::write(root.join(".trace/rules/eval.toml"), EVAL).unwrap();
    let body: String =
        ["def f(x):", "    y = {'a': [x, 1]}", "    return g(y, x + 1)"].map(|line| format!("{line}\n")).concat();
    let text = body.repeat(500);
    std::fs::write(root.join("a.py"), format!("{text}z = 1\n")).unwrap();
    let edit =
        json!({ "file_path": root.join("a.py"), "old_string": "z = 1", "new_string": "z = evaluate(2) # eval(2)" });
    let program = hook(trace, root, "an edit by a syntax tree of 1,500 lines", &call("Edit", &edit));
    // The first makes the checks.
    assert!(command(&program.binary, &program.arguments, program.input.as_deref()).status().unwrap().success());
    program
}

/// What an interpreter costs.
fn pythons(root: &Path) -> [Program; 2] {
    let find = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let python = PathBuf::from(String::from_utf8(find.stdout).unwrap().trim());
    let rules = root.join("hookify");
    std::fs::create_dir(&rules).unwrap();
    for n in 0..10 {
        let text = format!("---\nname: r{n}\nenabled: true\nevent: bash\npattern: slow{n}\\s\n---\nNo slow{n}.\n");
        std::fs::write(rules.join(format!("{n}.md")), text).unwrap();
    }
    let input = root.join("call.json");
    std::fs::write(&input, call("Bash", &json!({ "command": "cd web && pnpm install x" })).to_string()).unwrap();
    let program = |name: &str, code: &str, rules: &[&Path]| Program {
        name: name.to_owned(),
        binary: python.clone(),
        arguments: ["-c".into(), code.into()].into_iter().chain(rules.iter().map(PathBuf::from)).collect(),
        input: Some(input.clone()),
    };
    [
        program("python3 -c pass", "pass", &[]),
        program("one process of Python, 10 rules, like hookify", HOOKIFY, &[&rules]),
    ]
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

fn run(program: &Program) -> Duration {
    let mut command = command(&program.binary, &program.arguments, program.input.as_deref());
    let start = Instant::now();
    let status = command.status().unwrap();
    let lap = start.elapsed();
    assert!(status.success(), "{} ended with {status}", program.name);
    lap
}

fn command(binary: &Path, arguments: &[PathBuf], input: Option<&Path>) -> Command {
    let mut command = Command::new(binary);
    let input = input.map_or_else(Stdio::null, |input| Stdio::from(File::open(input).unwrap()));
    // Where an answer is late, nothing is enforced, which would be quick.
    command.env("TRACE_HOOK_LIMIT_MS", "10000");
    command.args(arguments).env("XDG_CONFIG_HOME", "/nonexistent").stdin(input).stdout(Stdio::null());
    command
}

/// The peak memory of one run, in MiB, as the operating system accounts it for the children of a process: so this program
/// starts itself once more, and that one has this run as its only child.
fn peak(program: &Program) -> f64 {
    let output = Command::new(std::env::current_exe().unwrap())
        .env(ALONE, program.input.as_deref().unwrap_or(Path::new("/dev/null")))
        .arg(&program.binary)
        .args(&program.arguments)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse::<f64>().unwrap() / 1024.0
}

/// Runs one program and prints its peak memory in KiB.
fn alone() {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let program = words.next().unwrap();
    let input = std::env::var_os(ALONE).map(PathBuf::from);
    command(&program, &words.collect::<Vec<_>>(), input.as_deref()).status().unwrap();
    println!("{}", getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss());
}
