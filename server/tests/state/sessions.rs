//! Read – generate – write over HTTP.

use crate::desk::{Client, Server};
use serde_json::{Value, json};
use server::sessions::Limits;
use std::time::Instant;

/// Reads a number in a session and writes the next one there.
fn next(client: &Client, session: &str) {
    let read = client.get(&format!("{session}/cells/tickets/last")).is(200).json();
    let last = read["value"].as_i64().unwrap_or(0);
    client.put(&format!("{session}/cells/tickets/last"), json!(last + 1)).is(202);
}

#[test]
fn of_two_clients_that_count_at_the_same_time_the_second_is_refused_told_why_and_goes_on() {
    let server = Server::start();
    let (ana, ben) = (server.client(), server.client());
    let (first, second) = (ana.begin(json!({ "agent": "ana" })), ben.begin(json!({ "agent": "ben" })));
    next(&ana, &first);
    next(&ben, &second);
    assert_eq!(ana.post(&format!("{first}/commit"), json!({})).is(200).json()["is_final"], true);

    // Nobody had to ask: the session knows it before the commit.
    let shown = ben.get(&second).is(200).json();
    assert_eq!((&shown["stale"][0]["key"], &shown["stale"][0]["writer"]), (&json!("tickets/last"), &json!("ana")));
    let refused = ben.post(&format!("{second}/commit"), json!({})).is(409);
    assert_eq!(refused.header("content-type"), "application/problem+json");
    let problem = refused.json();
    let stale = json!([{
        "what": "cell", "key": "tickets/last", "read": "0.0", "now": "0.1", "writer": "ana", "is": "present", "value": 1,
        "step": 0,
    }]);
    assert_eq!(problem["stale"], stale);
    assert!(problem["detail"].as_str().unwrap().contains("rewind"), "{problem}");

    assert_eq!(ben.post(&format!("{second}/rewind"), json!({})).is(200).json(), json!({ "steps": [0] }));
    next(&ben, &second);
    ben.post(&format!("{second}/commit"), json!({})).is(200);
    assert_eq!(ana.get("/v1/state/cells/tickets/last").is(200).json()["value"], 2);
}

#[test]
fn reads_of_a_client_that_knows_only_a_header_are_tracked() {
    let server = Server::start();
    let (client, other) = (server.client(), server.client());
    client.put("/v1/state/cells/plan", json!("sail")).is(200);
    let session = client.begin(json!({}));
    let tracked = client.with("trace-session", session.rsplit('/').next().unwrap());
    assert_eq!(
        tracked.get("/v1/state/cells/plan").is(200).json(),
        json!({ "key": "plan", "is": "present", "value": "sail" })
    );
    tracked.get("/v1/state/cells/nothing").is(404);
    assert_eq!(tracked.get("/v1/state/cells?prefix=todo/").is(200).json(), json!({ "cells": [] }));
    tracked.put("/v1/state/cells/result", json!("sailed")).is(202);
    client.get("/v1/state/cells/result").is(404);

    // What a search did not find counts as well as what it did.
    other.put("/v1/state/cells/todo/1", json!("rig")).is(200);
    let problem = client.post(&format!("{session}/commit"), json!({})).is(409).json();
    assert_eq!(problem["stale"][0]["key"], "todo/1");
    client.post(&format!("{session}/acknowledge"), json!({ "key": "todo/1" })).is(200);
    client.post(&format!("{session}/commit"), json!({})).is(200);
    assert_eq!(client.get("/v1/state/cells/result").is(200).json()["value"], "sailed");
}

#[test]
fn a_commit_asked_for_again_has_the_same_outcome_and_so_has_its_idempotency_key_in_another_session() {
    let server = Server::start();
    let client = server.client();
    let once = client.with("idempotency-key", "order-17");
    let append = |session: &str| {
        client.post(&format!("{session}/cells/orders"), json!({ "op": "append", "item": 17 })).is(202);
    };
    let session = client.begin(json!({}));
    append(&session);
    let first = once.post(&format!("{session}/commit"), json!({})).is(200).json();
    assert_eq!(client.post(&format!("{session}/commit"), json!({})).is(200).json(), first);
    let again = client.begin(json!({}));
    append(&again);
    assert_eq!(once.post(&format!("{again}/commit"), json!({})).is(200).json(), first);
    assert_eq!(client.get("/v1/state/cells/orders").is(200).json()["value"], json!([17]));
    let other = client.begin(json!({}));
    client.put(&format!("{other}/cells/orders"), json!([])).is(202);
    let status = once.post(&format!("{other}/commit"), json!({})).status;
    assert!((400..500).contains(&status), "{status}");
}

#[test]
fn leases_make_younger_sessions_wait_and_holds_wait_for_approval() {
    let server = Server::start();
    let client = server.client();
    let older = client.begin(json!({}));
    // Age is told in milliseconds; of two sessions of the same one, their random numbers decide.
    std::thread::sleep(std::time::Duration::from_millis(5));
    let younger = client.begin(json!({}));
    let lease = json!({ "key": "desk", "seconds": 60 });
    let granted = client.post(&format!("{older}/leases"), lease.clone()).is(200).json();
    assert!(granted["token"].as_u64().is_some(), "{granted}");
    let busy = client.post(&format!("{younger}/leases"), lease).is(423);
    assert!((1..=60).contains(&busy.header("retry-after").parse::<u64>().unwrap()));
    client.put(&format!("{younger}/cells/desk"), json!("taken")).is(202);
    client.post(&format!("{younger}/commit"), json!({})).is(423);
    client.delete(&older).is(204);
    client.post(&format!("{younger}/hold"), json!({})).is(204);
    let held = client.post(&format!("{younger}/commit"), json!({})).is(200).json();
    assert_eq!(held["is_final"], false);

    let open = client.get("/v1/state/open").is(200).json();
    assert_eq!((&open["open"][0]["version"], &open["open"][0]["keys"]), (&held["version"], &json!(["desk"])));
    let version = held["version"].as_str().unwrap();
    let taken_back = client.post(&format!("/v1/state/open/{version}/retract"), json!({})).is(200).json();
    assert_eq!(taken_back["commits"], json!([version]));
    client.post(&format!("/v1/state/open/{version}/approve"), json!({})).is(404);
    client.get("/v1/state/cells/desk").is(404);
}

#[test]
fn steps_merges_and_a_restart_do_what_they_do_in_the_library() {
    let server = Server::start();
    let client = server.client();
    client.put("/v1/state/cells/card", json!({ "name": "Ana" })).is(200);
    let session = client.begin(json!({ "level": "L2" }));
    assert_eq!(client.post(&format!("{session}/steps"), json!({ "after": [0] })).is(200).json(), json!({ "step": 1 }));
    let merge = json!({ "op": "merge", "ours": { "name": "Ana", "city": "Ulm" }, "by": "fields" });
    client.post(&format!("{session}/cells/card"), merge).is(202);
    client.post("/v1/state/cells/card", json!({ "op": "put_field", "field": "age", "value": 30 })).is(200);
    client.post(&format!("{session}/commit"), json!({})).is(200);
    let card = client.get("/v1/state/cells/card").is(200).json();
    assert_eq!(card["value"], json!({ "name": "Ana", "age": 30, "city": "Ulm" }));

    let old = client.begin(json!({}));
    client.put(&format!("{old}/cells/card"), json!(1)).is(202);
    let new = client.post(&format!("{old}/restart"), json!({})).is(200).json();
    client.get(&old).is(404);
    let new = format!("/v1/state/sessions/{}", new["id"].as_str().unwrap());
    client.post(&format!("{new}/commit"), json!({})).is(200);
    assert_eq!(client.get("/v1/state/cells/card").json(), card, "what was written before the restart is gone");
}

#[test]
fn effects_wait_in_the_session_and_are_listed_once_committed() {
    let server = Server::start();
    let client = server.client();
    client.put("/v1/state/tools/mail.send", json!({ "fingerprint": "v1", "repeat": "keyed" })).is(200);
    let session = client.begin(json!({ "level": "L4" }));
    assert_eq!(
        client.post(&format!("{session}/pins"), json!({ "tool": "mail.send" })).is(200).json(),
        json!({ "fingerprint": "v1" })
    );
    let effect = json!({ "lane": "mail", "tool": "mail.send", "payload": { "to": "ben" } });
    client.post(&format!("{session}/effects"), effect).is(202);
    assert_eq!(client.get("/v1/state/effects").is(200).json()["effects"], json!([]));
    client.post(&format!("{session}/commit"), json!({})).is(200);
    let effects = client.get("/v1/state/effects").is(200).json();
    assert_eq!((&effects["effects"][0]["stage"], &effects["effects"][0]["lane"]), (&json!("waiting"), &json!("mail")));
    let tools = client.get("/v1/state/tools").is(200).json();
    assert_eq!(tools["tools"], json!([{ "tool": "mail.send", "fingerprint": "v1", "repeat": "keyed" }]));
}

#[test]
fn what_nobody_asks_for_is_aborted_and_one_caller_has_so_many_sessions() {
    let server = Server::with(|settings| settings.limits = Limits { per_caller: 2, bytes: 4096, ..Limits::default() });
    let client = server.client();
    let (first, second) = (client.begin(json!({})), client.begin(json!({})));
    let enough = client.post("/v1/state/sessions", json!({})).is(429);
    assert!(!enough.header("retry-after").is_empty());
    server.client_of("local:ben").begin(json!({}));
    client.post(&format!("{first}/commit"), json!({})).is(200);
    let third = client.begin(json!({}));
    client.put(&format!("{third}/cells/long"), Value::from("x".repeat(5000))).is(413);

    assert_eq!(server.service.sessions().sweep(Instant::now()), 4);
    for session in [first, second, third] {
        client.get(&session).is(404);
    }
    assert_eq!(server.service.store().sessions().unwrap(), [], "the store knows that they have ended");
}
