//! `trace anomalies`.

use crate::desk::{Desk, project};
use serde_json::Value;
use std::fs;

/// A workspace with all sample histories.
fn desk() -> Desk {
    let desk = Desk::new();
    for entry in fs::read_dir(project("samples/histories")).unwrap() {
        let path = entry.unwrap().path();
        desk.write(path.file_name().unwrap().to_str().unwrap(), fs::read(&path).unwrap());
    }
    desk
}

#[test]
fn anomalies_are_shown_for_people() {
    insta::assert_snapshot!(desk().session(&[
        "trace anomalies edit-review.jsonl",
        "trace anomalies lost-update.jsonl",
        "trace anomalies phantom.jsonl",
        "trace anomalies write-skew.jsonl",
        "trace anomalies cascade.jsonl",
        "trace anomalies reordering.jsonl",
        "trace anomalies phantom-tool.jsonl",
        "trace anomalies operations.jsonl",
    ]));
}

#[test]
fn anomalies_are_shown_for_scripts() {
    let desk = desk();
    insta::assert_snapshot!(desk.session(&[
        "trace anomalies write-skew.jsonl --format json",
        "trace anomalies cascade.jsonl --format json",
        "trace anomalies operations.jsonl --format json",
        "trace anomalies clean.jsonl --format json",
    ]));
    let records = desk.records("trace anomalies lost-update.jsonl");
    let kinds: Vec<&Value> = records.iter().map(|record| &record["record"]).collect();
    assert_eq!(kinds, ["anomaly", "cycle", "sum"]);
    assert_eq!(records[1]["phenomenon"], "P4");
}

#[test]
fn a_clean_history_is_said_to_be_clean_and_a_torn_end_is_said_too() {
    let desk = desk().with("empty.jsonl", "");
    insta::assert_snapshot!(desk.session(&[
        "trace anomalies clean.jsonl",
        "head -c -40 clean.jsonl | trace anomalies -",
        "trace anomalies empty.jsonl",
    ]));
}

#[test]
fn what_was_acknowledged_is_told_and_is_no_finding() {
    let desk = desk();
    let text = desk.read("edit-review.jsonl");
    let commit = text.lines().find(|line| line.contains("0.3")).unwrap();
    let acknowledge = r#"{"event":"acknowledge","session":"3","key":"doc","version":"0.2"}"#;
    desk.write("acknowledged.jsonl", text.replace(commit, &format!("{acknowledge}\n{commit}")));
    insta::assert_snapshot!(
        desk.session(&["trace anomalies acknowledged.jsonl", "trace anomalies acknowledged.jsonl --format json"])
    );
}

#[test]
fn what_cannot_be_read_is_told_with_its_line() {
    let desk = desk();
    let text = desk.read("clean.jsonl").replace("\"event\":\"scan\"", "\"event\":\"scam\"");
    desk.write("bad.jsonl", text);
    desk.write("other.jsonl", "{\"event_type\":\"x\"}\n");
    insta::assert_snapshot!(desk.session(&[
        "trace anomalies bad.jsonl",
        "trace anomalies other.jsonl",
        "trace anomalies missing.jsonl",
        "trace anomalies .",
    ]));
}

#[test]
fn many_witnesses_are_counted_for_people_and_all_told_to_scripts() {
    let mut lines = vec![r#"{"event":"begin","session":"0","agent":"reader","level":"L0"}"#.to_owned()];
    lines.push(r#"{"event":"read","session":"0","key":"x","version":"0.0","value":{"is":"absent"}}"#.to_owned());
    for number in 1..=80 {
        lines.push(format!(r#"{{"event":"begin","session":"{number:x}","agent":"writer","level":"L0"}}"#));
        let write = r#"{"key":"x","how":"put","content":{"is":"present","value":1}}"#;
        lines.push(format!(r#"{{"event":"commit","session":"{number:x}","version":"0.{number}","writes":[{write}]}}"#));
    }
    lines.push(r#"{"event":"commit","session":"0","version":"0.81","writes":[]}"#.to_owned());
    let desk = Desk::new().with("many.jsonl", lines.join("\n"));
    let shown = desk.run("trace anomalies many.jsonl");
    assert_eq!(shown.code, 1);
    assert!(shown.stdout.contains("… and 30 more: `--format json` tells them all"), "{}", shown.stdout);
    assert_eq!(desk.records("trace anomalies many.jsonl").len(), 81);
}
