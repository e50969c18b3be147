//! What one tenant does, another neither sees nor reaches: every route, and every name that one can guess.

use crate::desk::{Client, Server};
use serde_json::json;

/// What `acme` does, in every way: gives the names of the sessions and commits that come of it.
fn busy(acme: &Client) -> (String, String) {
    acme.put("/v1/state/cells/plan/secret", json!("acme's own")).is(200);
    let held = acme.begin(json!({ "agent": "spy", "level": "L2" }));
    acme.put(&format!("{held}/cells/plan/held"), json!("acme's own")).is(202);
    acme.post(&format!("{held}/hold"), json!({})).is(204);
    let version =
        acme.post(&format!("{held}/commit"), json!({})).is(200).json()["version"].as_str().unwrap().to_owned();
    let session = acme.begin(json!({ "agent": "spy" }));
    acme.get(&format!("{session}/cells/plan/secret")).is(200);
    acme.post(&format!("{session}/leases"), json!({ "key": "plan/secret", "seconds": 60 })).is(200);
    (session, version)
}

#[test]
fn no_route_shows_or_reaches_another_tenants_state() {
    let server = Server::start();
    let acme = server.client_of("acme");
    let (session, version) = busy(&acme);
    for other in ["local", "rival", "acm", "acme2"].map(|tenant| server.client_of(tenant)) {
        let unseen = [
            "/v1/state/cells/plan/secret".to_owned(),
            "/v1/state/history/plan/secret".to_owned(),
            "/v1/state/cells/@tenant/acme/state/plan/secret".to_owned(),
            "/v1/state/history/@tenant/acme/state/plan/secret".to_owned(),
            session.clone(),
            format!("{session}/cells/plan/secret"),
            format!("{session}/cells"),
        ];
        for path in unseen {
            let answer = other.get(&path);
            assert!(matches!(answer.status, 404 | 422), "{path}: {} {}", answer.status, answer.text);
            assert!(!answer.text.contains("own") && !answer.text.contains("spy"), "{path}: {}", answer.text);
        }
        for (path, empty) in [
            ("/v1/state/cells", json!({ "cells": [] })),
            ("/v1/state/cells?prefix=plan", json!({ "cells": [] })),
            ("/v1/state/cells?prefix=@tenant/acme", json!({ "cells": [] })),
            ("/v1/state/sessions", json!({ "sessions": [] })),
            ("/v1/state/open", json!({ "open": [] })),
        ] {
            assert_eq!(other.get(path).is(200).json(), empty, "{path}");
        }
        // The local tenant is told of keys, and of nothing that is done with them.
        let audit = other.get("/v1/audit").is(200).json();
        let kinds = audit["entries"].as_array().unwrap().iter().map(|entry| &entry["cells"][0]["kind"]);
        assert_eq!(kinds.filter(|kind| *kind != "key").count(), 0, "{audit}");
        for step in ["commit", "hold", "rewind", "restart"] {
            other.post(&format!("{session}/{step}"), json!({})).is(404);
        }
        other.post(&format!("{session}/acknowledge"), json!({ "key": "plan/secret" })).is(404);
        other.put(&format!("{session}/cells/plan/secret"), json!("theirs")).is(404);
        other.with("trace-session", session.rsplit('/').next().unwrap()).get("/v1/state/cells/plan/secret").is(404);
        other.delete(&session).is(404);
        other.post(&format!("/v1/state/open/{version}/approve"), json!({})).is(404);
        other.post(&format!("/v1/state/open/{version}/retract"), json!({})).is(404);
    }
    // A cell of the same name is another cell; a lease on it is another lease.
    let rival = server.client_of("rival");
    rival.put("/v1/state/cells/plan/secret", json!("rival's")).is(200);
    let theirs = rival.begin(json!({}));
    rival.post(&format!("{theirs}/leases"), json!({ "key": "plan/secret", "seconds": 60 })).is(200);
    assert_eq!(acme.get("/v1/state/cells/plan/secret").is(200).json()["value"], "acme's own");
    assert_eq!(acme.get(&session).is(200).json()["stale"], json!([]));
    acme.post(&format!("/v1/state/open/{version}/approve"), json!({})).is(200);
}

#[test]
fn another_caller_of_the_same_tenant_has_sessions_of_its_own() {
    let server = Server::start();
    let (ana, ben) = (server.client_of("acme:ana"), server.client_of("acme:ben"));
    let session = ana.begin(json!({}));
    ben.post(&format!("{session}/commit"), json!({})).is(404);
    assert_eq!(ben.get("/v1/state/sessions").is(200).json()["sessions"].as_array().unwrap().len(), 1);
    let reader = server.client_of("acme:reader");
    reader.post("/v1/state/sessions", json!({})).is(403);
    reader.put("/v1/state/cells/plan", json!(1)).is(403);
    let snapshot = reader.begin(json!({ "mode": "snapshot" }));
    reader.put(&format!("{snapshot}/cells/plan"), json!(1)).is(403);
}

#[test]
fn an_idempotency_key_is_the_tenants_own() {
    let server = Server::start();
    for tenant in ["local", "acme", "rival"] {
        let client = server.client_of(tenant).with("idempotency-key", "first");
        let committed = client.put("/v1/state/cells/plan", json!(tenant)).is(200).json();
        assert_eq!(client.put("/v1/state/cells/plan", json!(tenant)).is(200).json(), committed);
        assert_eq!(client.get("/v1/state/cells/plan").json()["value"], tenant);
    }
    server.client().with("idempotency-key", "@tenant/acme/first").put("/v1/state/cells/plan", json!(1)).is(400);
}

#[test]
fn what_is_the_whole_stores_is_refused_to_tenants() {
    let server = Server::start();
    let acme = server.client_of("acme");
    let session = acme.begin(json!({}));
    acme.post(&format!("{session}/effects"), json!({ "lane": "mail", "tool": "mail", "payload": 1 })).is(403);
    acme.post(&format!("{session}/pins"), json!({ "tool": "mail" })).is(403);
    acme.put("/v1/state/tools/mail", json!({ "fingerprint": "v2" })).is(403);
    acme.delete("/v1/state/tools/mail").is(403);
    acme.post("/v1/state/effects/0.1/0/settle", json!({ "happened": true })).is(403);
    acme.post("/v1/rules/compile", json!({ "text": "never use npm here" })).is(403);
    acme.post("/v1/rules/check", json!({ "events": [] })).is(403);
    for path in ["/v1/state/effects", "/v1/state/tools", "/v1/rules", "/v1/rules/x", "/metrics"] {
        acme.get(path).is(403);
    }
}

#[test]
fn an_author_is_behind_the_name_of_the_key_and_a_misfit_names_the_tenants_own_key() {
    let server = Server::start();
    let acme = server.client_of("acme:ci").with("trace-agent", "planner");
    acme.put("/v1/state/cells/plan", json!("text")).is(200);
    assert_eq!(acme.get("/v1/state/cells/plan").json()["author"], "ci/planner");
    let misfit = acme.post("/v1/state/cells/plan", json!({ "op": "count", "by": 1 })).is(422);
    assert!(misfit.text.contains("`plan`: ") && !misfit.text.contains("@tenant"), "{}", misfit.text);
    let (one, two) = (acme.begin(json!({})), acme.begin(json!({})));
    for session in [&one, &two] {
        acme.get(&format!("{session}/cells/plan")).is(200);
        acme.put(&format!("{session}/cells/plan"), json!(session)).is(202);
    }
    acme.post(&format!("{one}/commit"), json!({})).is(200);
    let conflict = acme.post(&format!("{two}/commit"), json!({})).is(409);
    assert!(conflict.text.contains("`plan`") && !conflict.text.contains("@tenant"), "{}", conflict.text);
}
