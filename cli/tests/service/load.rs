//! Many clients at once: no error, bounded memory. `TRACE_LOAD=1` runs the long form: 200 clients for 60 seconds.

use crate::process::{Client, Server};
use serde_json::json;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What a server with a few ten thousand short records may hold, in MiB.
const MOST_MIB: u64 = 1024;

/// One round of a client: what it adds it finds, reads, changes and finds again, and half of it it forgets.
fn round(client: &Client, user: &str, number: u64) -> u64 {
    let text = format!("{user} keeps fact number{number} about topic{}", number % 97);
    let id = client.add(&text, user).unwrap();
    let path = format!("/v1/memories/{id}");
    let found = client.search(&format!("number{number}"), user).unwrap();
    assert!(found.contains(&text), "what was added is found at once: {text} in {found:?}");
    let (status, shown) = client.ask("GET", &path, None).unwrap();
    assert_eq!((status, shown["text"].as_str()), (200, Some(text.as_str())), "{shown}");
    let budget =
        json!({"query": format!("topic{}", number % 97), "filter": {"user_id": user}, "budget": {"tokens": 200}});
    let (status, recalled) = client.ask("POST", "/v1/recall", Some(&budget)).unwrap();
    assert_eq!(status, 200, "{recalled}");
    assert!(recalled["spending"]["cost"]["tokens"].as_u64().unwrap() <= 200, "{recalled}");
    let changed = format!("{text}, changed");
    let (status, answer) = client.ask("PATCH", &path, Some(&json!({"text": changed}))).unwrap();
    assert_eq!(status, 200, "{answer}");
    if number.is_multiple_of(2) {
        return 5;
    }
    let (status, answer) = client.ask("DELETE", &path, None).unwrap();
    assert!((200..300).contains(&status), "{status} {answer}");
    let found = client.search(&format!("number{number}"), user).unwrap();
    assert!(!found.contains(&changed), "what was forgotten is not found");
    assert_eq!(client.ask("GET", &path, None).unwrap().0, 404);
    8
}

#[test]
fn many_clients_at_once_meet_no_error_and_find_what_they_added() {
    let long = std::env::var_os("TRACE_LOAD").is_some();
    let (clients, time) = if long { (200, Duration::from_mins(1)) } else { (24, Duration::from_secs(2)) };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_trace")), folder.path(), &[]);
    let (asked, begun) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        for number in 0..clients {
            let (client, asked) = (Client::of(&server), &asked);
            scope.spawn(move || {
                let user = format!("user{number}");
                for number in 0.. {
                    asked.fetch_add(round(&client, &user, number), Ordering::Relaxed);
                    if begun.elapsed() > time {
                        return;
                    }
                }
            });
        }
    });
    let (asked, took) = (asked.load(Ordering::Relaxed), begun.elapsed().as_secs_f64());
    println!("{clients} clients, {asked} requests in {took:.1} s, all answered as they should be");
    if let Some((peak, now)) = server.memory_mib() {
        println!("memory of the server: {now} MiB, at most {peak} MiB");
        assert!(peak < MOST_MIB, "{peak} MiB");
    }
}
