//! A server that is killed while it works has lost nothing that it acknowledged, and brings back nothing that was forgotten.

use crate::process::{Client, Server};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the clients know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Kept,
    /// Asked to be forgotten; nobody knows whether that arrived.
    Doubtful,
    Forgotten,
}

#[test]
fn a_killed_server_lost_nothing_that_it_acknowledged() {
    let rounds = if std::env::var_os("TRACE_LOAD").is_some() { 25 } else { 3 };
    let (folder, program) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_BIN_EXE_trace")));
    let known: Mutex<BTreeMap<String, (String, Known)>> = Mutex::default();
    for round in 0..rounds {
        let server = Server::start(program, folder.path(), &[]);
        all_is_as_known(&Client::of(&server), &known.lock().unwrap());
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for worker in 0..8 {
                let (client, known, over) = (Client::of(&server), &known, &over);
                scope.spawn(move || work(&client, &format!("{round} {worker}"), known, over));
            }
            std::thread::sleep(Duration::from_millis(300 + 137 * round));
            over.store(true, Ordering::Relaxed);
            drop(server);
        });
    }
    let server = Server::start(program, folder.path(), &[]);
    let known = known.into_inner().unwrap();
    all_is_as_known(&Client::of(&server), &known);
    let of = |wanted| known.values().filter(|(_, known)| *known == wanted).count();
    println!(
        "{rounds} kills: {} kept, {} forgotten, {} in doubt",
        of(Known::Kept),
        of(Known::Forgotten),
        of(Known::Doubtful)
    );
    assert!(of(Known::Kept) > 0 && of(Known::Forgotten) > 0, "the server was killed before it did anything");
}

/// Adds, and forgets every third, until the server is gone.
fn work(client: &Client, name: &str, known: &Mutex<BTreeMap<String, (String, Known)>>, over: &AtomicBool) {
    for number in 0.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let text = format!("fact {name} {number}");
        let Some(id) = client.add(&text, "ana") else { return };
        known.lock().unwrap().insert(id.clone(), (text.clone(), Known::Kept));
        if number % 3 > 0 {
            continue;
        }
        known.lock().unwrap().insert(id.clone(), (text.clone(), Known::Doubtful));
        let Some((status, answer)) = client.ask("DELETE", &format!("/v1/memories/{id}"), None) else { return };
        assert!((200..300).contains(&status), "{status} {answer}");
        known.lock().unwrap().insert(id, (text, Known::Forgotten));
    }
}

fn all_is_as_known(client: &Client, known: &BTreeMap<String, (String, Known)>) {
    for (id, (text, known)) in known {
        let (status, shown) = client.ask("GET", &format!("/v1/memories/{id}"), None).unwrap();
        match known {
            Known::Kept => assert_eq!((status, shown["text"].as_str()), (200, Some(text.as_str()))),
            Known::Forgotten => {
                assert_eq!(status, 404, "{shown}");
                assert!(!client.search(text, "ana").unwrap().contains(text), "a forgotten fact is recalled: {text}");
            }
            Known::Doubtful => assert!(status == 200 || status == 404, "{status} {shown}"),
        }
    }
}
