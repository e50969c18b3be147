//! `trace check` over events.

use crate::desk::{Desk, edited, runs, stops, writes};
use serde_json::Value;

/// Rules that block, warn, owe and only log, and events for each.
fn desk() -> Desk {
    let desk = Desk::new().said(
        "never use npm here, use pnpm\n\
         run cargo test after changing .rs files before you say done\n\
         no console.log in src/ please, we have a logger for that\n\
         never force push. ever.\n\
         never run docker",
    );
    desk.sure("trace rules shadow run-docker");
    let rule = desk.read(".trace/rules/force-push.toml");
    desk.write(
        ".trace/rules/force-push.toml",
        rule.replace("state = \"armed\"\n", "state = \"armed\"\nstrength = \"should\"\n"),
    );
    let events = [
        runs("cd web && npm install zod"),
        writes("src/app.ts", "const a = 1;\nconsole.log(a);\n"),
        runs("git push --force"),
        runs("docker ps"),
        runs("ls"),
        edited("src/app.rs"),
        stops("Done."),
    ];
    desk.with("events.jsonl", events.join("\n"))
}

#[test]
fn findings_are_shown_for_people() {
    insta::assert_snapshot!(desk().session(&["trace check events.jsonl", "trace check --all events.jsonl"]));
}

#[test]
fn findings_are_shown_for_scripts_and_pages() {
    insta::assert_snapshot!(
        desk().session(&["trace check events.jsonl --format json", "trace check events.jsonl --format markdown",])
    );
}

#[test]
fn findings_are_shown_for_code_scanning() {
    let desk = desk().with(
        "an event é.jsonl",
        [writes("src/a b.ts", "console.log(1)"), "{\"é\":1}".to_owned(), "x".to_owned()].join("\n"),
    );
    let whole: Value = serde_json::from_str(&desk.run("trace check events.jsonl --format sarif").stdout).unwrap();
    let odd: Value = serde_json::from_str(&desk.run("trace check 'an event é.jsonl' --format sarif").stdout).unwrap();
    insta::assert_snapshot!(desk.masked(format!("{whole:#}\n\n{odd:#}").as_bytes()));
}

#[test]
fn nothing_found_is_said_too() {
    let desk = Desk::new().with("events.jsonl", runs("npm i")).with("none.jsonl", "");
    insta::assert_snapshot!(desk.session(&[
        "trace check events.jsonl",
        "trace check none.jsonl",
        "trace check none.jsonl --format json",
        "trace check none.jsonl --format markdown",
    ]));
}

#[test]
fn what_is_still_owed_when_the_stream_ends_is_shown_and_is_no_finding() {
    let desk = Desk::new().said("run cargo test after changing .rs files before you say done");
    let desk = desk.with("events.jsonl", edited("src/app.rs"));
    insta::assert_snapshot!(desk.session(&["trace check - < events.jsonl", "trace check events.jsonl --format json"]));
}
