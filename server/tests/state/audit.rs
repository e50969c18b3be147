//! What was done, as the log tells it.

use crate::desk::Server;
use consistency::store::sqlite::replay;
use serde_json::{Value, json};

#[test]
fn what_was_done_is_listed_without_values_and_the_chain_is_the_stores() {
    let server = Server::start();
    let client = server.client();
    client.with("trace-agent", "ana").put("/v1/state/cells/plan", json!("confidential")).is(200);
    client.post("/v1/state/cells/log", json!({ "op": "append", "item": "confidential" })).is(200);
    let draft = serde_json::from_value(json!({ "text": "confidential", "user_id": "ana" })).unwrap();
    let added = server.service.memories().add(&memory::Tenant::local(), "ben", &draft).unwrap();
    let mut session = server.service.store().begin("admin", consistency::Level::L1).unwrap();
    session.write("@keys/0011", json!({ "hash": "confidential" })).unwrap();
    session.commit(None).unwrap();
    client.delete("/v1/state/cells/plan").is(200);

    let audit = client.get("/v1/audit").is(200);
    assert!(!audit.text.contains("confidential"), "{}", audit.text);
    let audit = audit.json();
    let brief = |entry: &Value| {
        let cell = &entry["cells"][0];
        json!([entry["agent"], entry["what"], cell["kind"], cell["name"], cell["operations"]])
    };
    let entries = audit["entries"].as_array().unwrap();
    assert_eq!(
        entries.iter().map(brief).collect::<Vec<_>>(),
        [
            json!(["ana", "commit", "state", "plan", ["put"]]),
            json!(["local", "commit", "state", "log", ["append"]]),
            json!(["ben", "commit", "memory", added.id, ["put"]]),
            json!(["admin", "commit", "key", "0011", ["put"]]),
            json!(["local", "commit", "state", "plan", ["delete"]]),
        ]
    );
    assert!(entries.iter().all(|entry| entry["at"].as_u64().unwrap() > 0));
    let replayed = replay(&server.store()).unwrap();
    assert_eq!(entries.last().unwrap()["chain"], replayed.chain);
    assert_eq!((&audit["next"], &audit["is_end"]), (&json!(replayed.entries), &json!(true)));
}

#[test]
fn pages_follow_each_other_and_skip_what_others_did() {
    let server = Server::start();
    let (acme, rival) = (server.client_of("acme"), server.client_of("rival"));
    for number in 0..7 {
        acme.put(&format!("/v1/state/cells/a{number}"), json!(number)).is(200);
        rival.put(&format!("/v1/state/cells/r{number}"), json!(number)).is(200);
    }
    let (mut after, mut names) = (json!(0), Vec::new());
    loop {
        let page = acme.get(&format!("/v1/audit?limit=3&after={after}")).is(200).json();
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 3);
        names.extend(entries.iter().map(|entry| entry["cells"][0]["name"].clone()));
        after = page["next"].clone();
        if page["is_end"] == true {
            break;
        }
    }
    assert_eq!(names, ["a0", "a1", "a2", "a3", "a4", "a5", "a6"]);
    acme.get("/v1/audit?after=x").is(422);
}
