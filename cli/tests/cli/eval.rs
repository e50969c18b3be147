//! `trace eval`: what is printed of each sort of record, and what of inputs that are not as they should be.

use crate::desk::Desk;
use serde_json::Value;

const SENTENCES: &str = r#"
{"id":"d-1","text":"Never run `npm`; use `pnpm`.","source_repo":"one/shop","context":{"heading":"Tools"},"kind":"command_prefer","deterministic":true,"expected_check":"npm","positive_example":{"event":"pre_tool_use","tool":"Bash","input":{"command":"npm install"}},"negative_example":{"event":"pre_tool_use","tool":"Bash","input":{"command":"pnpm install"}}}
{"id":"d-2","text":"Prefer clear names over clever ones.","source_repo":"two/shop","kind":"workflow_semantic","deterministic":false}
{"id":"n-1","text":"The shop is a monorepo.","source_repo":"two/shop","kind":"none","deterministic":false}
"#;
const MESSAGES: &str = r#"
{"id":"c-1","text":"never use npm here, use pnpm","source":"a","is_correction":true,"durable":true,"kind":"command_prefer"}
{"id":"c-2","text":"no, revert that","source":"a","is_correction":true,"durable":false,"kind":"one_off_fix"}
{"id":"c-3","text":"add a button to the page","source":"b","is_correction":false,"durable":false,"kind":"task","synthetic":true}
"#;
const EXAMPLES: &str = r#"
{"id":"h-1","text":"never use npm here, use pnpm","action":{"event":"pre_tool_use","tool":"Bash","input":{"command":"npx -y npm ci; npm ci"}},"official_violates":true,"rule":"npm"}
{"id":"e-1","source":"said","action":{"event":"pre_tool_use","tool":"Bash","input":{"command":"git push --force"}},"official_violates":true,"single_rule":true}
{"id":"e-2","source":"nowhere","action":{"event":"pre_tool_use","tool":"Bash","input":{"command":"ls"}},"official_violates":false,"single_rule":false}
{"id":"r-1","scenario":"x","action":{"event":"pre_tool_use","tool":"Bash","input":{"command":"git push"}},"official":{"P1":{"violates":false},"P2":{"violates":true}}}
"#;
const TEXTS: &str = r#"
{"id":"said","type":"correction","text":"never force push"}
{"id":"ca-rule-x-P1","type":"preference","text":"Never force push.","text_derivable":"yes"}
{"id":"ca-rule-x-P2","type":"preference","text":"Be kind.","text_derivable":"no"}
"#;

fn desk() -> Desk {
    let desk = Desk::new().with("sentences.jsonl", SENTENCES).with("messages.jsonl", MESSAGES);
    desk.with("examples.jsonl", EXAMPLES).with("preferences.jsonl", TEXTS)
}

#[test]
fn each_record_is_answered_on_a_line_of_its_own() {
    let desk = desk();
    let sentences = desk.records("trace eval sentences.jsonl");
    assert_eq!(sentences[0]["verdicts"], serde_json::json!({"positive": "violate", "negative": "ok"}));
    assert_eq!(sentences[0]["rules"][0]["kind"], "command_prefer");
    assert_eq!(sentences[0]["rules"][0]["deterministic"], true);
    assert_eq!((&sentences[0]["detected"], &sentences[2]["detected"]), (&Value::Bool(true), &Value::Bool(false)));
    assert!(sentences[1]["rules"].as_array().unwrap().iter().all(|rule| rule["deterministic"] == false));
    let messages = desk.records("trace eval messages.jsonl");
    let labels = messages.iter().map(|line| (line["is_correction"] == true, line["durable"] == true));
    assert_eq!(labels.collect::<Vec<_>>(), [(true, true), (true, false), (false, false)]);
    let examples = desk.records("trace eval examples.jsonl");
    let verdicts: Vec<_> = examples.iter().map(|line| format!("{} {}", line["id"], line["verdict"])).collect();
    let expected = ["h-1 violate", "e-1 violate", "e-2 unknown", "r-1#P1 ok", "r-1#P2 unknown"];
    assert_eq!(verdicts, expected.map(|line| format!("\"{}\"", line.replace(' ', "\" \""))));
}

#[test]
fn figures_are_shown_for_people() {
    insta::assert_snapshot!(desk().session(&[
        "trace eval sentences.jsonl",
        "trace eval messages.jsonl",
        "trace eval examples.jsonl",
    ]));
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_the_rest_is_measured() {
    let desk = Desk::new()
        .with("broken.jsonl", "{\"id\":\"c-1\",\"text\":\"ok\",\"durable\":false}\n{\"id\":\n{\"id\":\"c-2\",\"text\":\"x\"}\n{\"text\":\"x\"}\n")
        .with("empty.jsonl", "\n");
    insta::assert_snapshot!(desk.session(&[
        "trace eval broken.jsonl --format json",
        "trace eval empty.jsonl",
        "trace eval missing.jsonl",
        "trace eval .",
    ]));
}

#[test]
fn the_evidence_of_questions_is_looked_for() {
    let conversation = r#"[{"sample_id": "small", "conversation": {"session_1_date_time": "9:00 am on 3 March, 2024", "session_1": [
        {"speaker": "Ann", "dia_id": "D1:1", "text": "My kayak leaks."}, {"speaker": "Bob", "dia_id": "D1:2", "text": "Patch it."}]},
        "qa": [{"question": "Whose kayak leaks?", "answer": "hers", "evidence": ["D1:1"], "category": 1}]}]"#;
    let desk = Desk::new().with("talk.json", conversation).with("none.json", "[]");
    let rows = desk.records("trace eval retrieval talk.json --embedding hash");
    let (sum, rows) = rows.split_last().unwrap();
    assert_eq!((rows.len(), &sum["questions"]), (10, &Value::from(1)));
    assert!(rows.iter().all(|row| row["measures"]["MRR"] == 1.0), "{rows:?}");
    let by_words = desk.records("trace eval retrieval talk.json --embedding off");
    assert_eq!(by_words.len(), 6, "{by_words:?}");
}
