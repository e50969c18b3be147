//! Everything out and back again, over HTTP.

use crate::{Client, Desk};
use serde_json::{Value, json};
use server::keys::Access;
use std::collections::BTreeSet;

const LINES: Option<&str> = Some("application/x-ndjson");

fn import(client: &Client, lines: &str) -> Value {
    let answer = client.send("POST", "/v1/import", LINES, lines.as_bytes());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn an_export_has_every_record_on_a_line_of_its_own() {
    let desk = Desk::new();
    let client = desk.local();
    let drafts: Vec<_> = (0..1200).map(|n| json!({"text": format!("note {n}\nand more")})).collect();
    for part in drafts.chunks(600) {
        assert_eq!(client.post("/v1/memories", &json!({"memories": part})).status, 201);
    }
    let export = client.get("/v1/export");
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = export.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let texts: BTreeSet<String> = lines[1..].iter().map(|line| line["record"]["text"].to_string()).collect();
    assert_eq!((lines[0].clone(), texts.len(), lines.len()), (json!({"trace_memory": 1}), 1200, 1201));
}

#[test]
fn what_was_exported_comes_back_without_loss() {
    let (desk, other) = (Desk::new(), Desk::new());
    let (client, elsewhere) = (desk.local(), other.client("shop", Access::Write));
    let kept =
        client.add(&json!({"text": "uses npm", "user_id": "ann", "metadata": {"n": 1}, "categories": ["tools"]}));
    assert_eq!(client.patch(&format!("/v1/memories/{kept}"), &json!({"text": "uses pnpm"})).status, 200);
    let gone = client.add(&json!({"text": "the vault opens at nine"}));
    assert_eq!(client.delete(&format!("/v1/memories/{gone}")).status, 204);
    client.add(&json!({"text": "for a while", "expires_at": 9_000_000_000_000_u64}));

    let export = client.get("/v1/export").text;
    assert!(!export.contains("vault"), "what was forgotten is in no export");
    assert_eq!(import(&elsewhere, &export), json!({"added": 3, "known": 0, "problems": []}));
    assert_eq!(elsewhere.get("/v1/export").text, export, "the same bytes");
    let history = |client: &Client, id: &str| client.get(&format!("/v1/memories/{id}/history")).json();
    for id in [&kept, &gone] {
        assert_eq!(history(&elsewhere, id), history(&client, id));
    }
    assert_eq!(elsewhere.post("/v1/search", &json!({"query": "pnpm"})).json()["results"][0]["id"], kept);
    assert_eq!(import(&elsewhere, &export), json!({"added": 0, "known": 3, "problems": []}), "again is nothing new");
    assert_eq!(other.local().get("/v1/memories").json()["total"], 0, "and nothing in another tenant");
}

#[test]
fn an_import_takes_what_is_good_and_tells_the_rest() {
    let (desk, other) = (Desk::new(), Desk::new());
    desk.local().add(&json!({"text": "one"}));
    let line = desk.local().get("/v1/export").text.lines().nth(1).unwrap().to_owned();
    let told = import(&other.local(), &format!("nonsense\n{line}\n{{\"id\": 3}}\n"));
    assert_eq!((&told["added"], told["problems"].as_array().unwrap().len()), (&json!(1), 2));
    assert_eq!((&told["problems"][0]["line"], &told["problems"][1]["line"]), (&json!(1), &json!(3)));
    other.local().send("POST", "/v1/import", Some("application/json"), b"{}").problem(415);
    let reader = other.client("shop", Access::Read);
    reader.send("POST", "/v1/import", LINES, line.as_bytes()).problem(403);
    assert_eq!(reader.get("/v1/export").status, 200);
}
