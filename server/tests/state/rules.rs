//! Rules over HTTP.

use crate::desk::Server;
use serde_json::{Value, json};

fn of<'r>(report: &'r Value, record: &str) -> Vec<&'r Value> {
    report["records"].as_array().unwrap().iter().filter(|one| one["record"] == record).collect()
}

#[test]
fn what_is_said_becomes_a_rule_that_events_are_judged_by() {
    let server = Server::start();
    let client = server.client();
    let said = json!({ "text": "never use npm here, use pnpm", "corrections": [{ "text": "thanks", "session": "s" }] });
    let report = client.post("/v1/rules/compile", said).is(200).json();
    assert_eq!(of(&report, "compiled")[0]["inputs"], 2);
    let rules = client.get("/v1/rules").is(200).json();
    let name = rules["rules"][0]["name"].as_str().unwrap();
    assert_eq!(rules["rules"][0]["state"], "armed");
    let explained = client.get(&format!("/v1/rules/{name}")).is(200).json();
    assert!(explained["means"].as_str().unwrap().contains("npm"), "{explained}");
    let unknown = client.get(&format!("/v1/rules/{name}x")).is(404);
    assert!(unknown.text.contains(name), "{}", unknown.text);

    let runs = |command: &str| json!({ "event": "pre_tool_use", "tool": "Bash", "input": { "command": command } });
    let report =
        client.post("/v1/rules/check", json!({ "event": runs("npm install"), "session": "s1" })).is(200).json();
    let verdicts = of(&report, "verdict");
    assert_eq!(
        (&verdicts[0]["rule"], &verdicts[0]["blocks"], &verdicts[0]["session"]),
        (&json!(name), &json!(true), &json!("s1"))
    );
    let report = client.post("/v1/rules/check", json!({ "events": [runs("pnpm install"), runs("ls")] })).is(200).json();
    assert_eq!((of(&report, "verdict").len(), &of(&report, "checked")[0]["events"]), (0, &json!(2)));

    client.post("/v1/rules/compile", json!({})).is(422);
    client.post("/v1/rules/check", json!({ "events": [{ "event": "lunch" }] })).is(422);
}

#[test]
fn without_a_workspace_there_are_no_rules() {
    let server = Server::with(|settings| settings.workspace = None);
    server.client().get("/v1/rules").is(404);
}
