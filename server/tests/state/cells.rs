//! Cells without a session.

use crate::desk::Server;
use serde_json::{Value, json};

#[test]
fn a_version_is_a_tag_that_reads_and_writes_can_depend_on() {
    let server = Server::start();
    let client = server.client();
    let vacant = client.with("if-none-match", "*");
    let written = vacant.put("/v1/state/cells/plan", json!("sail")).is(200);
    assert_eq!((written.header("etag"), &written.json()["version"]), ("\"0.1\"", &json!("0.1")));
    vacant.put("/v1/state/cells/plan", json!("row")).is(412);
    let read = client.get("/v1/state/cells/plan").is(200);
    assert_eq!(read.header("etag"), "\"0.1\"");
    assert_eq!(
        read.json(),
        json!({ "key": "plan", "version": "0.1", "author": "local", "is": "present", "value": "sail" })
    );
    let known = client.with("if-none-match", "W/\"0.1\"");
    assert_eq!(known.get("/v1/state/cells/plan").is(304).text, "");
    client.with("trace-agent", "ben").with("if-match", "\"0.1\"").put("/v1/state/cells/plan", json!("row")).is(200);
    client.with("if-match", "\"0.1\"").put("/v1/state/cells/plan", json!("swim")).is(412);
    assert_eq!(known.get("/v1/state/cells/plan").is(200).json()["author"], "ben");
    client.with("if-match", "\"0.2\"").delete("/v1/state/cells/plan").is(200);
    assert!(client.get("/v1/state/cells/plan").is(404).json()["detail"].as_str().unwrap().contains("deleted"));
    vacant.put("/v1/state/cells/plan", json!(null)).is(200);
    assert_eq!(client.get("/v1/state/cells/plan").is(200).json()["value"], Value::Null);
    client.with("if-match", "*").with("idempotency-key", "k").put("/v1/state/cells/plan", json!(1)).is(400);

    let history = client.get("/v1/state/history/plan").is(200).json();
    let kinds: Vec<&str> =
        history["versions"].as_array().unwrap().iter().map(|cell| cell["is"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["present", "present", "deleted", "present"]);
    client.get("/v1/state/history/never").is(404);
}

#[test]
fn changes_that_depend_on_nothing_all_arrive_and_one_that_does_not_fit_is_told() {
    let server = Server::start();
    let client = server.client();
    std::thread::scope(|scope| {
        for item in 0..8 {
            let client = server.client();
            scope.spawn(move || client.post("/v1/state/cells/log", json!({ "op": "append", "item": item })).is(200));
        }
    });
    assert_eq!(client.get("/v1/state/cells/log").json()["value"].as_array().unwrap().len(), 8);
    let misfit = client.post("/v1/state/cells/log", json!({ "op": "count", "by": 1 })).is(422).json();
    assert!(misfit["detail"].as_str().unwrap().starts_with("`log`: "), "{misfit}");
    client.post("/v1/state/cells/log", json!({ "op": "merge", "ours": [], "by": "set" })).is(422);
    client.post("/v1/state/cells/log", json!({ "op": "shout" })).is(422);
    client.put("/v1/state/cells/@memory/local/record/1", json!(1)).is(422);
    client.get("/v1/state/cells/@keys/1").is(422);
}

#[test]
fn a_list_comes_in_pages_that_hold_every_cell_once_whatever_its_key() {
    let server = Server::start();
    let client = server.client();
    let keys = ["!", "?x", "a", "a/b c", "a/ä", "a%2F", "a//b", "b", "Ω"];
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    for key in keys {
        let escaped = escaped(key);
        client.put(&format!("/v1/state/cells/{escaped}"), json!(key)).is(200);
        assert_eq!(client.get(&format!("/v1/state/cells/{escaped}")).is(200).json()["key"], key);
    }
    // A memory's cells lie between, and are not of the state.
    server.service.memories().add(&memory::Tenant::local(), "ana", &draft()).unwrap();
    let session = client.begin(json!({ "mode": "fresh" }));
    for listing in ["/v1/state/cells".to_owned(), format!("{session}/cells")] {
        for limit in 1..=keys.len() + 1 {
            let (mut found, mut after) = (Vec::new(), String::new());
            loop {
                let page = client.get(&format!("{listing}?limit={limit}{after}")).is(200).json();
                let cells = page["cells"].as_array().unwrap();
                assert!(cells.len() <= limit);
                found.extend(cells.iter().map(|cell| cell["key"].as_str().unwrap().to_owned()));
                let Some(next) = page["next"].as_str() else { break };
                after = format!("&after={}", escaped(next));
            }
            assert_eq!(found, sorted, "{listing} by {limit}");
        }
    }
    assert_eq!(client.get("/v1/state/cells?prefix=a/").json()["cells"].as_array().unwrap().len(), 3);
    assert_eq!(client.get("/v1/state/cells?prefix=@").json()["cells"], json!([]));
}

fn draft() -> memory::Draft {
    serde_json::from_value(json!({ "text": "Ana sails", "user_id": "ana" })).unwrap()
}

/// A key as it is sent in an address.
fn escaped(key: &str) -> String {
    key.bytes().flat_map(|byte| ['%'].into_iter().chain(format!("{byte:02X}").chars().collect::<Vec<_>>())).collect()
}
