//! Server-sent events.

use crate::desk::Server;
use consistency::Level;
use consistency::store::{Outcome, Store};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

/// A watcher: its answer, line by line.
struct Watcher(BufReader<TcpStream>);

/// An event: its id, if it has one, and its cell.
type Event = (Option<String>, Value);

impl Watcher {
    fn of(server: &Server, tenant: &str, query: &str, last: Option<&str>) -> Watcher {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let key = server.key_of(tenant).map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let last = last.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        let head = format!("GET /v1/state/watch{query} HTTP/1.1\r\nhost: localhost\r\n{key}{last}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut watcher = Watcher(BufReader::new(stream));
        let first = watcher.line().unwrap();
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        while !watcher.line().unwrap().is_empty() {}
        watcher
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.0.read_line(&mut line).unwrap();
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// The next event; nothing once the stream has ended.
    fn next(&mut self) -> Option<Event> {
        let mut id = None;
        loop {
            let line = self.line()?;
            if let Some(value) = line.strip_prefix("id: ") {
                id = Some(value.to_owned());
            }
            if let Some(data) = line.strip_prefix("data: ") {
                // The id may come on either side of the data; an empty line ends the event.
                let data = serde_json::from_str(data).unwrap();
                loop {
                    let line = self.line()?;
                    if let Some(value) = line.strip_prefix("id: ") {
                        id = Some(value.to_owned());
                    }
                    if line.is_empty() {
                        return Some((id, data));
                    }
                }
            }
        }
    }
}

fn put(store: &Store, cells: &[(&str, i64)]) -> String {
    let mut session = store.begin("elsewhere", Level::L1).unwrap();
    for (key, value) in cells {
        session.write(key, *value).unwrap();
    }
    let outcome = session.commit(None).unwrap();
    assert!(matches!(outcome, Outcome::Committed { .. }), "{outcome:?}");
    store.clock().unwrap().to_string()
}

#[test]
fn commits_of_another_process_are_told_and_who_comes_back_misses_none() {
    let server = Server::start();
    // Another handle on the file, as another process has one.
    let elsewhere = Store::open(server.store()).unwrap();
    let mut watcher = Watcher::of(&server, "local", "?prefix=todo/", None);
    put(&elsewhere, &[("other", 1)]);
    let first = put(&elsewhere, &[("todo/1", 1), ("todo/2", 2)]);
    let (none, one) = watcher.next().unwrap();
    assert_eq!((none, &one["key"], &one["author"]), (None, &json!("todo/1"), &json!("elsewhere")));
    let (id, two) = watcher.next().unwrap();
    assert_eq!((id.as_deref(), &two["key"], &two["value"]), (Some(first.as_str()), &json!("todo/2"), &json!(2)));
    drop(watcher);

    let second = put(&elsewhere, &[("todo/3", 3)]);
    let mut watcher = Watcher::of(&server, "local", "?prefix=todo/", Some(&first));
    let (id, three) = watcher.next().unwrap();
    assert_eq!((id.as_deref(), &three["key"]), (Some(second.as_str()), &json!("todo/3")));
    let mut all = Watcher::of(&server, "local", "?since=0.0", None);
    let keys: Vec<Value> = (0..4).map(|_| all.next().unwrap().1["key"].clone()).collect();
    assert_eq!(keys, ["other", "todo/1", "todo/2", "todo/3"]);
}

#[test]
fn a_watcher_sees_its_own_tenants_cells_only_and_ends_with_the_server() {
    let mut server = Server::start();
    let mut acme = Watcher::of(&server, "acme", "", None);
    let mut local = Watcher::of(&server, "local", "", None);
    server.client().put("/v1/state/cells/plan", json!("local")).is(200);
    server.client_of("acme").put("/v1/state/cells/plan", json!("acme")).is(200);
    server.client().put("/v1/state/cells/plan", json!("local again")).is(200);
    assert_eq!(acme.next().unwrap().1["value"], "acme");
    let mut told = Vec::new();
    while told.last() != Some(&json!("local again")) {
        told.push(local.next().unwrap().1["value"].clone());
    }
    assert!(!told.contains(&json!("acme")), "{told:?}");
    server.stop();
    assert_eq!((acme.next(), local.next()), (None, None));
}

#[test]
fn a_place_to_go_on_from_that_is_none_is_told() {
    let server = Server::start();
    server.client().get("/v1/state/watch?since=yesterday").is(400);
    server.client().with("last-event-id", "x").get("/v1/state/watch").is(400);
}
