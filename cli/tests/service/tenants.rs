//! Two tenants on one server. For every operation: what one asks about the other's things is answered as if these were not
//! there, to the byte, and what the other does changes no answer.

use crate::document::{Chance, Maker, Operation, encoded, operations};
use crate::process::{Answer, Client, Server};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What only the first tenant may ever read: it is in what it wrote, and in no name that is guessed.
const SECRET: &str = "amaranth-4711";
/// Whom and what it wrote about: what anybody could guess.
const GUESSED: &str = "heliotrope";
/// What is different at each call, whoever asks.
const MOMENTARY: &[&str] = &["/healthz", "/readyz", "/metrics"];
const ENDLESS: &[&str] = &["/v1/state/watch", "/mcp"];

fn key(program: &Path, data: &Path, tenant: &str) -> String {
    let mut command = Command::new(program);
    command.args(["keys", "create", tenant, "--tenant", tenant, "--format", "json", "--data"]).arg(data);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let created: Value = serde_json::from_slice(&output.stdout).unwrap();
    created["key"].as_str().unwrap().to_owned()
}

/// What the first tenant has, as names that somebody else could guess.
fn furnish(client: &Client) -> Vec<String> {
    let mut names = vec![GUESSED.to_owned(), format!("plan-{GUESSED}")];
    for number in 0..3 {
        let text = format!("{SECRET} {number}");
        let body = json!({"text": text, "user_id": GUESSED, "metadata": {"secret": SECRET}, "categories": [SECRET]});
        let (_, added) = client.ask("POST", "/v1/memories", Some(&body)).unwrap();
        names.push(added["id"].as_str().unwrap().to_owned());
    }
    let cell = format!("/v1/state/cells/{}", encoded(&format!("plan-{GUESSED}")));
    let (status, answer) = client.ask("PUT", &cell, Some(&json!({"secret": SECRET}))).unwrap();
    assert!(status < 300, "{status} {answer}");
    let (_, session) = client.ask("POST", "/v1/state/sessions", Some(&json!({}))).unwrap();
    names.push(session["id"].as_str().unwrap().to_owned());
    names
}

/// The answer without what a name in the request puts there, and without moments and names that are made anew. How much all
/// tenants together have committed shows in the versions of cells and the places of the log, as docs/server.md says.
fn bare(answer: &Answer, name: &str) -> (u16, String) {
    let mut text = answer.text.replace(name, "NAME").replace(&encoded(name), "NAME");
    for (field, digits) in [
        ("\"request_id\":\"", false),
        ("\"snapshot\":\"", false),
        ("_at\":", true),
        ("\"at\":", true),
        ("\"next\":", true),
    ] {
        let mut rest = text.as_str();
        let mut without = String::new();
        while let Some((before, after)) = rest.split_once(field) {
            without.push_str(before);
            let end = |letter: char| if digits { !letter.is_ascii_digit() } else { letter == '"' };
            rest = after.trim_start_matches(|letter| !end(letter));
        }
        without.push_str(rest);
        text = without;
    }
    (answer.status, text)
}

/// A name like another one, that nobody has.
fn nobodys(name: &str) -> String {
    let turned = |letter: char| match letter {
        '0'..='8' => char::from_u32(u32::from(letter) + 1).unwrap(),
        '9' => '0',
        'h' => 'k',
        other => other,
    };
    // The version digit of a UUID stays what it is.
    name.char_indices().map(|(place, letter)| if place == 14 { letter } else { turned(letter) }).collect()
}

#[test]
fn no_answer_to_one_tenant_depends_on_another() {
    let (folder, program) = (tempfile::tempdir().unwrap(), Path::new(env!("CARGO_BIN_EXE_trace")));
    // A machine that answers faster than a key may ask would turn some of the requests away, and compare nothing.
    fs::create_dir(folder.path().join(".trace")).unwrap();
    fs::write(folder.path().join(".trace/config.toml"), "[server]\nrequests_per_second = 1000000\nburst = 1000000\n")
        .unwrap();
    let server = Server::start(program, folder.path(), &[]);
    let plain = Client::of(&server);
    let (owner, other) = (key(program, folder.path(), "owner"), key(program, folder.path(), "other"));
    let with = |key| {
        let mut client = plain.clone();
        client.key = Some(key);
        client
    };
    let (owner, other) = (with(owner), with(other));
    let (_, document) = plain.ask("GET", "/openapi.json", None).unwrap();
    let operations: Vec<Operation> = operations(&document)
        .into_iter()
        .filter(|operation| {
            !MOMENTARY.contains(&operation.path.as_str()) && !ENDLESS.contains(&operation.path.as_str())
        })
        .collect();
    // What is asked without the other's names, before the other has anything.
    let lists: Vec<&Operation> =
        operations.iter().filter(|operation| operation.method == "GET" && !operation.path.contains('{')).collect();
    let ask = |operation: &Operation| other.send(&operation.method, &operation.path, None).unwrap();
    let before: Vec<Answer> = lists.iter().map(|operation| ask(operation)).collect();
    let names = furnish(&owner);
    for (operation, before) in lists.iter().zip(&before) {
        let after = ask(operation);
        assert_eq!(bare(&after, "-"), bare(before, "-"), "{} {} changed", operation.method, operation.path);
        assert!(!after.text.contains(SECRET), "{} {}: {}", operation.method, operation.path, after.text);
    }
    let mut asked = 0;
    for (turn, name) in names.iter().cycle().take(names.len() * 6).enumerate() {
        for operation in &operations {
            // The same request twice: with a name of the owner's, and with one that nobody has.
            let request = |name: &str| {
                let known = vec![name.to_owned()];
                let chance = Chance(0xfeed + turn as u64);
                Maker { document: &document, chance, known }.request(operation)
            };
            let (theirs, nobodys) = (request(name), request(&nobodys(name)));
            let theirs_answer = other.send(&operation.method, &theirs.path, theirs.body.as_deref()).unwrap();
            let nobodys_answer = other.send(&operation.method, &nobodys.path, nobodys.body.as_deref()).unwrap();
            asked += 1;
            let shown = format!("{} {} {:?}", operation.method, theirs.path, theirs.body);
            assert!(!theirs_answer.text.contains(SECRET), "{shown}: {}", theirs_answer.text);
            if theirs_answer.status >= 300 || operation.method == "GET" {
                assert_ne!(theirs_answer.status, 429, "{shown}");
                assert_eq!(
                    theirs_answer.status, nobodys_answer.status,
                    "{shown}: {} {}",
                    theirs_answer.text, nobodys_answer.text
                );
            }
        }
    }
    println!("{asked} pairs of requests over {} operations told nothing", operations.len());
    // And nothing of the owner's was changed by any of it.
    for id in names.iter().filter(|name| name.len() == 36) {
        let (status, shown) = owner.ask("GET", &format!("/v1/memories/{id}"), None).unwrap();
        assert_eq!(status, 200, "{shown}");
        assert!(shown["text"].as_str().unwrap().starts_with(SECRET));
    }
}
