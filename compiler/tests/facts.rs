//! Facts against the corpus: every case is data, in `corpus/shell.toml` and `corpus/files.toml`.

use compiler::facts::shell::commands;
use serde_json::Value;
use std::path::PathBuf;

/// Data that is not part of the project, if it is at hand.
fn shared(path: &str) -> Option<PathBuf> {
    let data = std::env::var("TRACE_DATA").map_or_else(|_| PathBuf::from("../../shared/data"), PathBuf::from);
    let path = data.join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there", path.display());
    None
}

#[test]
fn recorded_evasions_are_seen_through() {
    let Some(path) = shared("shell/cases.jsonl") else { return };
    let (mut wrong, mut unsure) = (Vec::new(), 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["command"].as_str().unwrap();
        let facts = commands(text, None);
        let runs = facts.commands.iter().any(|command| command.program == "touch");
        unsure += usize::from(!runs && !facts.unknown.is_empty());
        if case["touch_runs"].as_bool().unwrap() != (runs || !facts.unknown.is_empty()) {
            wrong.push(format!("{}: {text:?} {facts:#?}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(unsure <= 2, "{unsure} cases are only unknown");
}
