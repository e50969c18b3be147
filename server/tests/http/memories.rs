//! `/v1/memories`: each route's good and bad path.

use crate::Desk;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::thread;

#[test]
fn a_memory_lives_from_added_to_forgotten() {
    let desk = Desk::new();
    let client = desk.local();
    let added = client.post("/v1/memories", &json!({"text": "uses npm", "user_id": "alice", "metadata": {"n": 1}}));
    assert_eq!((added.status, &added.json()["is_new"]), (201, &json!(true)));
    let again = client.post("/v1/memories", &json!({"text": "uses npm", "user_id": "alice"}));
    assert_eq!((again.status, again.json()["id"].clone()), (200, added.json()["id"].clone()));
    let id = again.json()["id"].as_str().unwrap().to_owned();
    let one = format!("/v1/memories/{id}");
    let changed = client.patch(&one, &json!({"text": "uses pnpm"}));
    assert_eq!((changed.status, changed.json()["text"].as_str()), (200, Some("uses pnpm")));
    let shown = client.get(&one);
    assert_eq!((shown.json(), shown.header("etag")), (changed.json(), changed.header("etag")));
    assert_eq!(shown.json()["metadata"], json!({"n": 1}), "what is not named stays");
    let deleted = client.delete(&one);
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    client.get(&one).problem(404);
    client.delete(&one).problem(404);
    client.patch(&one, &json!({"text": "x"})).problem(404);
    let history = client.get(&format!("{one}/history")).json();
    let what: Vec<_> = history["history"].as_array().unwrap().iter().map(|past| past["what"].clone()).collect();
    assert_eq!(what, ["added", "updated", "forgotten"]);
    assert!(!history.to_string().contains("npm"), "no text is left: {history}");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let desk = Desk::new();
    let client = desk.local();
    let cases = [
        ("POST", "/v1/memories", json!({"text": ""}), 422, ""),
        ("POST", "/v1/memories", json!({"text": "x", "tenant": "bank"}), 422, "tenant"),
        ("POST", "/v1/memories", json!({"text": 3}), 422, "text"),
        ("POST", "/v1/memories", json!({"memories": []}), 422, "memories"),
        ("POST", "/v1/memories", json!({"memories": [{"text": "x"}, {"txt": "y"}]}), 422, "memories[1]"),
        ("POST", "/v1/memories", json!({"memories": vec![json!({"text": "x"}); 1001]}), 422, "1000"),
        ("POST", "/v1/memories", json!([]), 422, ""),
        ("PATCH", "/v1/memories/not-an-id", json!({}), 422, "id"),
        ("POST", "/v1/memories/list", json!({"filter": {"usr_id": "x"}}), 400, "usr_id"),
        ("POST", "/v1/memories/list", json!({"limit": 0}), 422, "limit"),
        ("POST", "/v1/memories/list", json!({"limit": 1001}), 422, "limit"),
        ("POST", "/v1/memories/list", json!({"limit": -1}), 422, "limit"),
        ("POST", "/v1/memories/forget", json!({}), 422, "ids"),
        ("POST", "/v1/memories/forget", json!({"filter": {}}), 422, "user_id"),
        ("POST", "/v1/memories/forget", json!({"filter": {"NOT": {"user_id": "x"}}}), 422, "user_id"),
        ("POST", "/v1/search", json!({"query": " "}), 422, "query"),
        ("POST", "/v1/search", json!({"query": "x", "mode": "psychic"}), 422, "mode"),
        ("POST", "/v1/recall", json!({"query": "x", "budget": {"tokens": -1}}), 422, "budget.tokens"),
        ("POST", "/v1/recall", json!({"query": "x", "budget": {"usd": -1}}), 422, "budget"),
        ("POST", "/v1/recall", json!({"query": "x", "tiers": {"topic": "highest"}}), 422, "tiers.topic"),
    ];
    for (method, path, body, status, names) in cases {
        let answer = client.send(method, path, Some("application/json"), body.to_string().as_bytes());
        let detail = answer.problem(status);
        assert!(detail.contains(names), "{method} {path} {body}: {detail}");
    }
    for query in ["limit=0", "limit=many", "usr_id=x", "after=x", "limit=1&limit=2"] {
        client.get(&format!("/v1/memories?{query}")).problem(422);
    }
    client.delete("/v1/memories").problem(422);
    assert_eq!(client.get("/v1/memories").json()["total"], 0, "nothing was written");
}

#[test]
fn a_batch_is_done_whole_or_not_at_all() {
    let desk = Desk::new();
    let client = desk.local();
    let drafts = json!({"memories": [{"text": "one"}, {"text": "two"}, {"text": "one"}]});
    let added = client.post("/v1/memories", &drafts).json();
    let ids: Vec<_> = added["memories"].as_array().unwrap().iter().map(|added| added["id"].clone()).collect();
    assert_eq!((ids.len(), ids[0] == ids[2], ids[0] == ids[1]), (3, true, false));
    client.post("/v1/memories", &json!({"memories": [{"text": "three"}, {"text": ""}]})).problem(422);
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    let change = |id: &Value, text: &str| json!({"id": id, "patch": {"text": text}});
    client
        .patch("/v1/memories", &json!({"memories": [change(&ids[0], "1"), change(&json!(nobody), "2")]}))
        .problem(404);
    client.post("/v1/memories/forget", &json!({"ids": [ids[0], nobody]})).problem(404);
    let texts = |client: &crate::Client| -> BTreeSet<String> {
        let page = client.get("/v1/memories").json();
        page["memories"].as_array().unwrap().iter().map(|memory| memory["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&client), BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    let changed = client.patch("/v1/memories", &json!({"memories": [change(&ids[0], "1"), change(&ids[1], "2")]}));
    assert_eq!(changed.json()["memories"][1]["text"], "2");
    let stale = json!({"memories": [{"id": ids[0], "if_version": "0.1", "patch": {"text": "3"}}]});
    client.patch("/v1/memories", &stale).problem(412);
    assert_eq!(client.post("/v1/memories/forget", &json!({"ids": [ids[0], ids[1]]})).json(), json!({"forgotten": 2}));
    assert!(texts(&client).is_empty());
}

#[test]
fn conditions_on_versions_hold() {
    let desk = Desk::new();
    let client = desk.local();
    let one = format!("/v1/memories/{}", client.add(&json!({"text": "one"})));
    let first = client.get(&one).header("etag").to_owned();
    assert!(first.starts_with('"') && first.ends_with('"'));
    let unchanged = client.with("If-None-Match", &format!("\"9.9\", W/{first}")).get(&one);
    assert_eq!((unchanged.status, unchanged.text.as_str(), unchanged.header("etag")), (304, "", first.as_str()));
    let second = client.with("If-Match", &first).patch(&one, &json!({"text": "two"}));
    assert_eq!(second.status, 200);
    client.with("If-Match", &first).patch(&one, &json!({"text": "three"})).problem(412);
    client.with("If-Match", &first).delete(&one).problem(412);
    client.with("If-Match", &format!("W/{}", second.header("etag"))).delete(&one).problem(412);
    client.with("If-Match", "no-tag").delete(&one).problem(400);
    assert_eq!(client.with("If-None-Match", &first).get(&one).json()["text"], "two");
    assert_eq!(client.with("If-Match", second.header("etag")).delete(&one).status, 204);
    client.with("If-Match", "*").patch(&one, &json!({"text": "x"})).problem(404);
}

#[test]
fn the_same_request_under_a_key_is_done_once() {
    let desk = Desk::new();
    let client = desk.local();
    let once = client.with("Idempotency-Key", "k1");
    let first = once.post("/v1/memories", &json!({"text": "one"}));
    let again = once.post("/v1/memories", &json!({"text": "one"}));
    assert_eq!((first.status, first.json()), (again.status, again.json()), "the first answer is given again");
    once.post("/v1/memories", &json!({"text": "two"})).problem(422);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    let one = format!("/v1/memories/{id}");
    once.delete(&one).problem(422);

    let twice = client.with("Idempotency-Key", "k2");
    let changed = twice.patch(&one, &json!({"text": "changed"}));
    client.patch(&one, &json!({"text": "changed since"}));
    assert_eq!(twice.patch(&one, &json!({"text": "changed"})).json()["text"], changed.json()["text"]);
    assert_eq!(client.get(&one).json()["text"], "changed since", "nothing was done again");

    let gone = client.with("Idempotency-Key", "k3");
    assert_eq!([gone.delete(&one).status, gone.delete(&one).status], [204, 204]);
    client.with("Idempotency-Key", &"k".repeat(256)).delete(&one).problem(400);
    client.with("Idempotency-Key", "").delete(&one).problem(400);
}

#[test]
fn under_one_key_the_many_who_ask_at_once_get_one_answer() {
    let desk = Desk::new();
    let answers: BTreeSet<String> = thread::scope(|scope| {
        let ask = || desk.local().with("Idempotency-Key", "k").post("/v1/memories", &json!({"text": "one"}));
        let asking: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        asking
            .into_iter()
            .map(|asked| asked.join().unwrap())
            .map(|answer| format!("{} {}", answer.status, answer.text))
            .collect()
    });
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(desk.service().store().leases().unwrap(), [], "who found the work done has given its leases back");
    assert_eq!(desk.local().get("/v1/memories").json()["total"], 1);
}

#[test]
fn pages_show_each_record_once_while_others_write() {
    let desk = Desk::new();
    let client = desk.local();
    let there: Vec<_> =
        (0..25).map(|n| client.add(&json!({"text": format!("note {n}"), "user_id": "alice"}))).collect();
    let (mut seen, mut after) = (Vec::new(), String::new());
    for page in 0.. {
        let answer = client.get(&format!("/v1/memories?user_id=alice&limit=10{after}")).json();
        assert_eq!(answer["total"], 25 + page, "all of now are counted");
        seen.extend(answer["memories"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        client.add(&json!({"text": format!("meanwhile {page}"), "user_id": "alice"}));
        let Some(next) = answer["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    let expected: Vec<_> = there.into_iter().rev().collect();
    assert_eq!(seen, expected, "the newest first");
}

#[test]
fn a_filter_lists_and_forgets_what_it_means() {
    let desk = Desk::new();
    let client = desk.local();
    for (user, kind) in [("alice", "draft"), ("alice", "fact"), ("bob", "draft")] {
        client.add(&json!({"text": format!("{kind} of {user}"), "user_id": user, "metadata": {"kind": kind}}));
    }
    let filter = json!({"user_id": "alice", "metadata": {"kind": "draft"}});
    let listed = client.post("/v1/memories/list", &json!({"filter": filter})).json();
    assert_eq!((listed["total"].clone(), listed["memories"][0]["text"].clone()), (json!(1), json!("draft of alice")));
    assert_eq!(client.post("/v1/memories/forget", &json!({"filter": filter})).json(), json!({"forgotten": 1}));
    assert_eq!(client.get("/v1/memories").json()["total"], 2);
    assert_eq!(client.get("/v1/entities").json()["entities"][1]["name"], "bob");
    assert_eq!(client.delete("/v1/memories?user_id=bob").json(), json!({"forgotten": 1}));
    assert_eq!(client.get("/v1/memories").json()["memories"][0]["text"], "fact of alice");
}
