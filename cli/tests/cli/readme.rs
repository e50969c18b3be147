//! The sessions that README.md shows are real.
//!
//! A fenced block that begins with `$ trace …` or `$ cargo run …` is a session. All sessions are run in order in one
//! workspace that holds a copy of the files of `samples/`, as wide as where there is no terminal. What follows a command
//! must be in its output in that order, `…` stands for what is left out, and one day for another.

use crate::desk::{Desk, project};
use std::fs;

/// A command and what is shown of its output.
struct Step<'a> {
    command: String,
    shown: Vec<&'a str>,
}

/// The sessions of a document.
fn sessions(document: &str) -> Vec<Vec<Step<'_>>> {
    let blocks = document.split("\n```").skip(1).step_by(2);
    let bodies = blocks.filter_map(|block| Some(block.split_once('\n')?.1));
    bodies.filter(|body| body.starts_with("$ trace ") || body.starts_with("$ cargo run ")).map(steps).collect()
}

fn steps(body: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        if let Some(command) = line.strip_prefix("$ ") {
            let mut command = command.to_owned();
            while command.ends_with('\\') {
                command += &format!("\n{}", lines.next().unwrap_or_default());
            }
            steps.push(Step { command: of_the_binary(&command), shown: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            step.shown.push(line.trim_end());
        }
    }
    steps
}

/// The same command by the binary that is tested.
fn of_the_binary(command: &str) -> String {
    match command.split_once(" -- ") {
        Some((cargo, arguments)) if cargo.starts_with("cargo run ") => format!("trace {arguments}"),
        _ => command.to_owned(),
    }
}

#[test]
fn the_sessions_of_the_readme_are_real() {
    let document = fs::read_to_string(project("README.md")).unwrap();
    let sessions = sessions(&document);
    assert!(!sessions.is_empty(), "README.md shows a session that begins with `$ trace …`");
    let desk = Desk::new();
    for entry in fs::read_dir(project("samples")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        desk.write(&format!("samples/{}", path.file_name().unwrap().to_str().unwrap()), fs::read(&path).unwrap());
    }
    for Step { command, shown } in sessions.into_iter().flatten() {
        let output = desk.run(&format!("unset COLUMNS; {{ {command}\n}} 2>&1")).stdout;
        let mut rest = output.lines();
        for line in shown.into_iter().filter(|line| !line.is_empty() && line.trim() != "…") {
            assert!(
                rest.any(|real| on_some_day(real.trim_end()) == on_some_day(line)),
                "README.md shows under `$ {command}`:\n{line}\nbut that is not there, or not in this order:\n{output}"
            );
        }
    }
}

/// A line with every day in it, as `2026-11-22`, made the same one.
fn on_some_day(line: &str) -> String {
    let is_day = |word: &str| {
        let parts: Vec<&str> = word.split('-').collect();
        parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
    };
    let words = line.split_inclusive(|letter: char| !letter.is_ascii_digit() && letter != '-');
    let same = words.map(|word| {
        let (day, rest) = word.split_at(word.len().min(10));
        if is_day(day) { format!("DAY{rest}") } else { word.to_owned() }
    });
    same.collect()
}

#[test]
fn a_day_is_told_from_other_numbers() {
    assert_eq!(on_some_day("[1 user 2026-11-22] 12-14 of 2026-1-2"), "[1 user DAY] 12-14 of 2026-1-2");
}

#[test]
fn a_session_is_told_from_other_blocks() {
    let document = "# X\n\n```sh\ncargo test\n```\n\n```text\n$ trace check a \\\n  b\nfound\n…\n\n$ trace rules list\n```\n\n\
                    ```console\n$ cargo run -q -- check a\n```\n";
    let sessions = sessions(document);
    let commands: Vec<&str> = sessions.iter().flatten().map(|step| step.command.as_str()).collect();
    assert_eq!(commands, ["trace check a \\\n  b", "trace rules list", "trace check a"]);
    assert_eq!(sessions[0][0].shown, ["found", "…", ""]);
}
