//! Every operation of the server's own document, asked with fitting and unfitting arguments: no fault of the server, and no
//! status or kind of content that the document does not name. `TRACE_LOAD=1` asks each a thousand times.

use crate::document::{Chance, Maker, operations};
use crate::process::{Client, Server};
use serde_json::json;
use std::path::Path;

/// Streams that do not end by themselves.
const ENDLESS: &[&str] = &["/v1/state/watch", "/mcp"];

#[test]
fn no_operation_answers_anything_but_what_the_document_says() {
    let times = if std::env::var_os("TRACE_LOAD").is_some() { 1000 } else { 40 };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_trace")), folder.path(), &[]);
    let client = Client::of(&server);
    let (_, document) = client.ask("GET", "/openapi.json", None).unwrap();
    let operations = operations(&document);
    assert!(operations.len() > 20, "the document names the operations");
    let mut known = vec!["ana".to_owned(), "plan".to_owned()];
    known.extend((0..5).map(|number| client.add(&format!("fact {number}"), "ana").unwrap()));
    let (_, session) = client.ask("POST", "/v1/state/sessions", Some(&json!({}))).unwrap();
    known.extend(session["id"].as_str().map(str::to_owned));
    let mut maker = Maker { document: &document, chance: Chance(0x5eed), known };
    let (mut faults, mut asked, mut fine) = (Vec::new(), 0, 0);
    for turn in 0..times {
        for operation in operations.iter().filter(|operation| !ENDLESS.contains(&operation.path.as_str())) {
            let made = maker.request(operation);
            let answer = client.send(&operation.method, &made.path, made.body.as_deref());
            let shown = || format!("{} {} {:?}", operation.method, made.path, made.body.as_deref().map(short));
            let Some(answer) = answer else {
                faults.push(format!("no answer to {} (turn {turn})", shown()));
                continue;
            };
            asked += 1;
            fine += usize::from(answer.status < 300);
            let kind = answer.kind.split(';').next().unwrap_or_default().trim();
            let documented = operation.statuses.contains(&answer.status) || operation.statuses.contains(&0);
            let kind_fits = kind.is_empty() || operation.kinds.is_empty() || operation.kinds.contains(kind);
            if answer.status >= 500 || !documented || !kind_fits {
                faults.push(format!("{} `{kind}` to {}: {}", answer.status, shown(), short(&answer.text)));
            }
        }
    }
    println!("{asked} requests to {} operations, {fine} of them fine", operations.len());
    assert!(faults.is_empty(), "{} faults, the first:\n{}", faults.len(), faults[..faults.len().min(200)].join("\n"));
    assert!(fine * 20 > asked, "of {asked} requests only {fine} were fine: nothing was looked at deeply");
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}
