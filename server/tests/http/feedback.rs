//! `/v1/recall/{trial}/feedback`: what is said of a recalled context, and what it teaches.

use crate::{Client, Desk, free};
use serde_json::{Value, json};
use server::keys::Access;
use server::service::Router;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

fn learning(folder: TempDir) -> Desk {
    Desk::of(folder, free(), Router { explore: Some(0.5), ..Router::default() })
}

fn furnish(client: &Client) {
    for n in 0..6 {
        client.add(&json!({"text": format!("deploys go out on day {n} of the month")}));
    }
}

fn recalled(client: &Client) -> Value {
    client.post("/v1/recall", &json!({"query": "when do deploys go out", "budget": {"tokens": 60}})).json()
}

fn path(recalled: &Value) -> String {
    format!("/v1/recall/{}/feedback", recalled["trial"].as_str().unwrap())
}

fn first(recalled: &Value) -> &Value {
    &recalled["items"][0]["memory"]["id"]
}

fn log(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("feedback/local.jsonl")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn nothing_is_tried_noted_or_learnt_unless_it_is_turned_on() {
    let desk = Desk::new();
    let client = desk.local();
    furnish(&client);
    let reply = recalled(&client);
    assert!(reply.get("trial").is_none(), "{reply}");
    let nobodys = "/v1/recall/01890a5d-ac96-774b-bcce-b302099a8057/feedback";
    assert!(client.post(nobodys, &json!({"used": []})).problem(409).contains("online = true"));
    assert!(client.get("/v1/recall/learning").problem(409).contains("online = true"));
    assert!(!desk.folder.path().join("feedback").exists());
}

#[test]
fn feedback_is_given_once_on_what_was_shown() {
    let desk = learning(TempDir::new().unwrap());
    let client = desk.local();
    furnish(&client);
    let reply = recalled(&client);
    let path = path(&reply);
    let stranger = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(client.post(&path, &json!({"used": [stranger]})).problem(422).contains(stranger));
    assert!(client.post(&path, &json!({})).problem(422).contains("at least one"));
    assert!(client.post(&path, &json!({"liked": []})).problem(422).contains("liked"));
    let learnt = client.post(&path, &json!({"used": [first(&reply)], "useless": [first(&reply)]})).json();
    assert_eq!((learnt["reward"].as_f64(), learnt["trials"].as_u64()), (Some(1.0), Some(1)), "{learnt}");
    assert_eq!(learnt["is_adopted"], false);
    client.post(&path, &json!({"used": [first(&reply)]})).problem(404);
    let another = recalled(&client);
    let learnt = client.post(&self::path(&another), &json!({"useless": [first(&another)]})).json();
    assert!(learnt["reward"].as_f64().unwrap() < 0.11 && learnt["trials"] == 2, "{learnt}");
    let standing = client.get("/v1/recall/learning").json();
    assert_eq!(standing["trials"], 2);
    assert_eq!(standing["ways"][0]["name"], "usual");
}

#[test]
fn propensities_are_noted_and_no_texts_are() {
    let desk = learning(TempDir::new().unwrap());
    let client = desk.local();
    furnish(&client);
    let mut others = 0;
    for _ in 0..60 {
        others += u32::from(path(&recalled(&client)).is_empty());
    }
    assert_eq!(others, 0, "each recall has a name");
    let lines = log(desk.folder.path());
    assert_eq!(lines.len(), 60);
    let mut tried = 0;
    for line in &lines {
        assert!(!line.contains("deploys"), "{line}");
        let noted: Value = serde_json::from_str(line).unwrap();
        let trial = &noted["trial"][1];
        let is_usual = trial["arm"] == "usual";
        tried += u32::from(!is_usual);
        // Without a value model for such records and without a language model there are two ways: usual, and mid.
        assert_eq!(trial["available"], json!(["usual", "mid"]), "{line}");
        assert_eq!(trial["propensity"], if is_usual { 0.75 } else { 0.25 }, "{line}");
    }
    // A quarter of 60, by chance: beyond these bounds once in ten million times.
    assert!((1..=36).contains(&tried), "{tried}");
}

#[test]
fn what_was_learnt_is_the_log_after_a_restart_a_crash_and_another_process() {
    let desk = learning(TempDir::new().unwrap());
    let client = desk.local();
    furnish(&client);
    let (waiting, taught) = (recalled(&client), recalled(&client));
    client.post(&path(&taught), &json!({"cited": [first(&taught)]})).json();
    let before = client.get("/v1/recall/learning").json();
    // A crash tears the last line; another process writes a line of its own.
    let file = desk.folder.path().join("feedback/local.jsonl");
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("{\"trial\":[\"0189");
    fs::write(&file, &text).unwrap();
    assert_eq!(client.get("/v1/recall/learning").json(), before);
    let folder = desk.stopped();
    let desk = learning(folder);
    let client = desk.local();
    assert_eq!(client.get("/v1/recall/learning").json(), before);
    let learnt = client.post(&path(&waiting), &json!({"used": [first(&waiting)]})).json();
    assert_eq!(learnt["trials"], 2, "what waited before still does");
    let lines = log(desk.folder.path());
    assert_eq!(lines.iter().filter(|line| serde_json::from_str::<Value>(line).is_err()).count(), 1);
    // A log that somebody deleted teaches nothing any more.
    fs::remove_file(&file).unwrap();
    recalled(&client);
    assert_eq!(client.get("/v1/recall/learning").json()["trials"], 0);
}

#[test]
fn tenants_learn_apart_and_readers_do_not_teach() {
    let desk = learning(TempDir::new().unwrap());
    let (one, two) = (desk.client("one", Access::Write), desk.client("two", Access::Write));
    furnish(&one);
    let reply = recalled(&one);
    two.post(&path(&reply), &json!({"used": [first(&reply)]})).problem(404);
    desk.client("one", Access::Read).post(&path(&reply), &json!({"used": [first(&reply)]})).problem(403);
    one.post(&path(&reply), &json!({"used": [first(&reply)]})).json();
    assert_eq!(one.get("/v1/recall/learning").json()["trials"], 1);
    assert_eq!(two.get("/v1/recall/learning").json()["trials"], 0);
}
