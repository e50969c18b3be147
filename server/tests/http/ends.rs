//! How a server stops: what it acknowledged is there when it starts again.

use crate::{Desk, free};
use serde_json::json;
use std::collections::BTreeSet;
use std::thread;

#[test]
fn stopping_loses_nothing_that_was_acknowledged() {
    let mut desk = Desk::new();
    let (begun, told) = std::sync::mpsc::channel();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (client, begun) = (desk.local(), begun.clone());
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    let body = json!({"text": format!("note {n} of {writer}")}).to_string();
                    let request = ureq::http::Request::post(format!("{}/v1/memories", client.base));
                    let request = request.header("Content-Type", "application/json").body(body).unwrap();
                    // Once the server is gone nobody answers any more.
                    let Ok(mut response) = client.agent.run(request) else { break };
                    let Ok(text) = response.body_mut().read_to_string() else { break };
                    assert_eq!(response.status(), 201, "{text}");
                    acknowledged.push(serde_json::from_str::<serde_json::Value>(&text).unwrap()["id"].to_string());
                    let _ = begun.send(());
                }
                acknowledged
            })
        })
        .collect();
    (0..20).for_each(|_| told.recv().unwrap());
    desk.stop();
    let acknowledged: BTreeSet<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    assert!(acknowledged.len() >= 20);
    let again = Desk::over(desk.stopped(), free());
    let export = again.local().get("/v1/export").text;
    let there: BTreeSet<String> =
        export.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string()).collect();
    assert!(acknowledged.is_subset(&there), "lost: {:?}", acknowledged.difference(&there).collect::<Vec<_>>());
    let ready = again.local().get("/readyz").json();
    assert_eq!((&ready["ready"], &ready["committed"]), (&json!(true), &ready["indexed"]));
}

#[test]
fn a_stopped_server_is_gone_and_its_store_is_free() {
    let desk = Desk::new();
    let (client, address) = (desk.local(), desk.address);
    assert_eq!(client.get("/healthz").json(), json!({"lives": true}));
    let folder = desk.stopped();
    assert!(std::net::TcpStream::connect(address).is_err());
    let again = Desk::over(folder, free());
    assert_eq!(again.local().get("/healthz").status, 200);
}
