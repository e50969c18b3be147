//! The document that describes the routes, pinned in `docs/openapi.json`; `TRACE_BLESS=1` writes it anew.

use crate::Desk;
use serde_json::Value;
use server::keys::Access;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// All operations: method, path, and what is said of them.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| {
        let methods = methods.as_object().unwrap().clone();
        let path = path.clone();
        methods.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(of).collect()
}

#[test]
fn the_document_is_the_one_that_is_pinned() {
    let desk = Desk::new();
    let document = desk.local().get("/openapi.json").text;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("TRACE_BLESS").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let pinned = fs::read_to_string(&path).unwrap_or_default();
    assert!(document == pinned, "docs/openapi.json is stale: run `TRACE_BLESS=1 cargo test -p server --test http`");
}

#[test]
fn every_operation_says_what_it_is_and_what_it_answers() {
    let desk = Desk::new();
    let document = desk.local().get("/openapi.json").json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let named = format!("{method} {path}");
        for part in ["operationId", "summary", "description"] {
            assert!(operation[part].as_str().is_some_and(|text| !text.is_empty()), "{named} has no {part}");
        }
        assert!(ids.insert(operation["operationId"].to_string()), "{named}: the id is not its own");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{named} never succeeds");
        assert!(!responses.contains_key("default"), "{named}: every status is named");
        for status in ["400", "403", "421", "500", "503"] {
            assert!(responses.contains_key(status), "{named} does not name {status}");
        }
        let takes_key = operation.get("x-access").is_some();
        assert_eq!(responses.contains_key("401"), takes_key, "{named}");
        assert!(operation["tags"][0].is_string(), "{named} has no tag");
        let id = operation["operationId"].as_str().unwrap();
        assert!(!id.starts_with(&format!("{}_v", method.to_lowercase())), "{named} is called by its address alone");
        if let Some(content) = operation.pointer("/requestBody/content") {
            let has_example = content.as_object().unwrap().values().all(|kind| kind.get("example").is_some());
            assert!(has_example, "{named}: the body has an example");
        }
    }
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    let desk = Desk::new();
    let document = desk.local().get("/openapi.json").json();
    let (mut left, mut seen) = (vec![&document], 0);
    while let Some(value) = left.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference} leads nowhere");
            seen += 1;
        }
        left.extend(value.as_object().into_iter().flat_map(|fields| fields.values()));
        left.extend(value.as_array().into_iter().flatten());
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn what_takes_a_key_is_closed_to_strangers_route_by_route() {
    let desk = Desk::with(server::http::Settings { require_key: true, ..crate::free() });
    let document = desk.local().get("/openapi.json").json();
    let (mut open, mut closed) = (BTreeSet::new(), 0);
    for (method, path, operation) in operations(&document) {
        let path = path.replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057");
        let kind = operation.get("requestBody").map(|_| "application/json");
        let answer = desk.local().send(&method, &path, kind, b"{}");
        if operation.get("x-access").is_some() {
            // What clients of another service call ends in a slash and answers plain JSON, which is all that they read.
            assert_eq!((answer.status, &answer.json()["status"]), (401, &Value::from(401)), "{method} {path}");
            closed += 1;
        } else {
            assert_eq!(answer.status, 200, "{method} {path}");
            open.insert(path);
        }
    }
    assert_eq!(open, BTreeSet::from(["/healthz".to_owned(), "/readyz".to_owned(), "/v1/version".to_owned()]));
    assert!(closed >= 10, "{closed}");
}

#[test]
fn every_body_is_read_within_the_same_depth_and_every_write_asks_for_a_key_that_writes() {
    let desk = Desk::new();
    let document = desk.local().get("/openapi.json").json();
    let reader = desk.client("local", Access::Read);
    let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
    let (mut bodies, mut writes) = (0, 0);
    for (method, path, operation) in operations(&document) {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let path =
            path.split('/').map(|part| if part.starts_with('{') { id } else { part }).collect::<Vec<_>>().join("/");
        let content = operation.pointer("/requestBody/content").and_then(Value::as_object);
        let kind = content.and_then(|kinds| kinds.keys().next()).map(String::as_str);
        if kind == Some("application/json") {
            let answer = desk.local().send(&method, &path, kind, deep.as_bytes());
            assert_eq!(answer.status, 400, "{method} {path}: {answer:?}");
            assert!(answer.text.contains("nests deeper"), "{method} {path}: {answer:?}");
            bodies += 1;
        }
        if operation["x-access"] == "write" {
            let body = operation.pointer("/requestBody/content/application~1json/example").unwrap_or(&Value::Null);
            let answer = reader.send(&method, &path, kind, body.to_string().as_bytes());
            assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
            writes += 1;
        } else if method != "GET" && kind.is_none() {
            // What changes nothing of the store: sessions and their ends.
            assert!(path.contains("/sessions/"), "{method} {path} takes a key that only reads");
        }
    }
    assert!(bodies >= 25 && writes >= 30, "{bodies} bodies, {writes} writes");
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let desk = Desk::new();
    let page = desk.local().get("/docs");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; style-src 'self'"));
    assert!(
        !page.text.contains("<script") && !page.text.contains("src=") && !page.text.contains("//"),
        "{}",
        page.text
    );
    assert!(page.text.contains("Recall a context for a question"));
    assert_eq!(desk.local().get("/docs/page.css").header("content-type"), "text/css; charset=utf-8");
}
