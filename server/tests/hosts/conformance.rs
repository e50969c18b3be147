//! One event in the spelling of every host, and the same verdict: `spellings.jsonl`.
//!
//! A line is a session: a rule as a user would say it, the payloads of one host with the event's name where the command
//! line tells it, and what the last one is answered: `deny`, `rewrite` (`deny` where a host takes no other arguments),
//! `hold` or `pass`. Cursor's are written after its documentation.

use crate::place::{Place, is_valid};
use rules::EventKind;
use serde::Deserialize;
use serde_json::{Value, json};
use server::host::{named, payload};
use std::collections::{BTreeMap, BTreeSet};

const CORPUS: &str = include_str!("spellings.jsonl");

#[derive(Deserialize)]
struct Case {
    #[serde(rename = "case")]
    name: String,
    host: String,
    said: String,
    events: Vec<(Option<String>, Value)>,
    verdict: String,
}

fn cases() -> Vec<Case> {
    CORPUS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn an_event_has_the_same_verdict_on_every_host() {
    let mut hosts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in cases() {
        let name = format!("{} on {}", case.name, case.host);
        let host = named(&case.host).unwrap();
        let place = Place::with(&[&case.said]);
        let mut answers = Vec::new();
        for (event, payload) in &case.events {
            let answer = place.hears(host, event.as_deref(), place.placed(&payload.to_string()).as_bytes());
            assert!(is_valid(host, &answer), "{name}: {answer:?}");
            answers.push(answer);
        }
        let last = answers.pop().unwrap();
        assert!(
            answers.iter().all(|answer| answer.output.is_empty()),
            "{name}: only the last is answered: {answers:?}"
        );
        let says = |signs: &[&str]| signs.iter().any(|sign| last.output.contains(sign));
        let stops = says(&["\"deny\"", "\"block\"", "followup_message", "\"hold\""]);
        let rewrites = says(&["\"cd web && pnpm install left-pad\""]);
        let takes_none = case.host == "cursor";
        assert_eq!(rewrites, case.verdict == "rewrite" && !takes_none, "{name}: {last:?}");
        assert_eq!(stops, case.verdict != "pass" && !rewrites, "{name}: {last:?}");
        assert!(!stops || last.output.contains("[trace]"), "{name}: our words are marked: {last:?}");
        hosts.entry(case.name).or_default().insert(case.host);
    }
    assert!(hosts.values().all(|hosts| hosts.len() == 6), "every case is spelled for every host: {hosts:?}");
}

#[test]
fn answers_are_spelled_as_each_host_wants_them() {
    let mut spelled = BTreeMap::new();
    for case in cases().into_iter().filter(|case| case.verdict != "pass") {
        let host = named(&case.host).unwrap();
        let place = Place::with(&[&case.said]);
        let hears = |(name, event): &(Option<String>, Value)| {
            place.hears(host, name.as_deref(), place.placed(&event.to_string()).as_bytes())
        };
        let answers: Vec<_> = case.events.iter().map(hears).collect();
        let last = answers.last().unwrap();
        let mut shape: Value = serde_json::from_str(&last.output).unwrap();
        mask(&mut shape);
        spelled.entry((case.host, case.verdict)).or_insert_with(BTreeSet::new).insert(format!("{shape} {}", last.exit));
    }
    let lines = spelled
        .iter()
        .flat_map(|((host, verdict), shapes)| shapes.iter().map(move |shape| format!("{host} {verdict}: {shape}")));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}

/// Leaves of our own words only their mark.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("[trace]") => "[trace] …".clone_into(text),
        Value::Object(inner) => inner.values_mut().for_each(mask),
        _ => {}
    }
}

#[test]
fn what_a_host_adds_to_a_prompt_is_not_the_users() {
    let gemini = |prompt: &str| json!({ "hook_event_name": "BeforeAgent", "prompt": prompt });
    let opencode = |prompt: &str| json!({ "output": { "parts": [{ "type": "text", "text": prompt }] } });
    let said = "no, use pnpm";
    for (host, event, payload, expected) in [
        ("gemini", None, gemini("<hook_context>[trace] never use x</hook_context>\n\nno, use pnpm"), Some(said)),
        ("gemini", None, gemini("<hook_context>[trace] never use x</hook_context>\n\n"), None),
        ("gemini", None, gemini("<hook_context>never closed, use pnpm"), Some("<hook_context>never closed, use pnpm")),
        ("opencode", Some("chat.message"), opencode("\"no, use pnpm\""), Some(said)),
        ("opencode", Some("chat.message"), opencode("\"say \\\"hi\\\" now\""), Some("say \"hi\" now")),
        ("opencode", Some("chat.message"), opencode("\"a\" is no \"b\""), Some("\"a\" is no \"b\"")),
        ("claude-code", Some("UserPromptSubmit"), json!({ "prompt": "\"no, use pnpm\"" }), Some("\"no, use pnpm\"")),
    ] {
        let heard = payload::read(named(host).unwrap(), event, payload.to_string().as_bytes()).unwrap().unwrap();
        let heard = heard.event.map(|event| event.kind);
        let expected = expected.map(|text| EventKind::UserPromptSubmit { text: text.to_owned() });
        assert_eq!(heard, expected, "{host}: {payload}");
    }
}
