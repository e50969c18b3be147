//! Who may do what: keys, tenants, hosts and origins.

use crate::{Client, Desk, free, store};
use memory::Tenant;
use serde_json::json;
use server::http::Settings;
use server::http::serve::{ServeError, Server};
use server::keys::{Access, Keys};
use server::service::{self, Service};
use std::sync::Arc;
use tempfile::TempDir;

#[test]
fn a_wrong_key_is_refused_wherever_it_is_sent() {
    let desk = Desk::new();
    let right = desk.key("shop", Access::Write).secret;
    let (last, mut nearly) = (if right.ends_with('0') { '1' } else { '0' }, right.clone());
    nearly.pop();
    nearly.push(last);
    let without_mark = right.strip_prefix("tr_").unwrap();
    for key in ["", "x", "tr_", "tr__", "tr_0123456789abcdef_", &nearly, without_mark, &right.to_uppercase()] {
        for scheme in ["Bearer", "Token"] {
            let client = desk.local().with("Authorization", &format!("{scheme} {key}"));
            let answer = client.get("/v1/memories");
            answer.problem(401);
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    for header in [format!("Basic {right}"), right.clone(), String::new(), format!("Bearer  {nearly}")] {
        desk.local().with("Authorization", &header).get("/v1/memories").problem(401);
    }
    for scheme in ["Bearer", "Token", "bearer", "TOKEN"] {
        let client = desk.local().with("Authorization", &format!("{scheme} {right}"));
        assert_eq!(client.get("/v1/memories").status, 200, "{scheme}");
    }
    let twice = desk.local().with("Authorization", &format!("Bearer {right}"));
    twice.with("Authorization", &format!("Bearer {right}")).get("/v1/memories").problem(401);
}

#[test]
fn without_a_key_there_is_only_this_machines_user() {
    let desk = Desk::new();
    assert_eq!(desk.local().get("/v1/memories").status, 200);
    for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP"] {
        desk.local().with(name, "203.0.113.9").get("/v1/memories").problem(401);
    }
    let desk = Desk::with(Settings { require_key: true, ..free() });
    desk.local().get("/v1/memories").problem(401);
    assert_eq!(desk.client("local", Access::Read).get("/v1/memories").status, 200);
    for path in ["/healthz", "/readyz", "/v1/version", "/openapi.json", "/docs"] {
        assert_eq!(desk.local().get(path).status, 200, "{path} takes no key");
    }
}

#[test]
fn a_key_reaches_as_far_as_it_says() {
    let desk = Desk::new();
    let (reader, writer) = (desk.client("shop", Access::Read), desk.client("shop", Access::Write));
    let id = writer.add(&json!({"text": "uses pnpm", "user_id": "alice"}));
    let one = format!("/v1/memories/{id}");
    assert_eq!(reader.get(&one).status, 200);
    assert_eq!(reader.post("/v1/search", &json!({"query": "pnpm"})).json()["results"][0]["id"], id);
    reader.post("/v1/memories", &json!({"text": "x"})).problem(403);
    reader.patch(&one, &json!({"text": "x"})).problem(403);
    reader.patch("/v1/memories", &json!({"memories": [{"id": id, "patch": {"text": "x"}}]})).problem(403);
    reader.post("/v1/memories/forget", &json!({"ids": [id]})).problem(403);
    reader.delete("/v1/memories?user_id=alice").problem(403);
    assert!(reader.delete(&one).problem(403).contains("`write`"));
    assert_eq!(writer.get(&one).json()["text"], "uses pnpm", "nothing was done");
}

#[test]
fn a_revoked_or_expired_key_opens_nothing_from_then_on() {
    let desk = Desk::new();
    let key = desk.key("shop", Access::Write);
    let client = desk.local().with("Authorization", &format!("Bearer {}", key.secret));
    assert_eq!(client.get("/v1/memories").status, 200);
    // As another process would: over a store of its own.
    let elsewhere = Keys::of(&consistency::store::Store::open(store(desk.folder.path())).unwrap());
    elsewhere.revoke("terminal", &key.key.id).unwrap();
    client.get("/v1/memories").problem(401);

    let keys = Keys::of(desk.service().store());
    let expired = keys.create("test", &Tenant::new("shop").unwrap(), "old", Access::Write, Some(1)).unwrap();
    desk.local().with("Authorization", &format!("Bearer {}", expired.secret)).get("/v1/memories").problem(401);
    assert!(!keys.any_live().unwrap());
}

#[test]
fn what_is_kept_of_a_key_does_not_open_anything() {
    let desk = Desk::new();
    let key = desk.key("shop", Access::Admin);
    let secret = key.secret.rsplit('_').next().unwrap();
    let kept =
        serde_json::to_string(&desk.service().store().list(&consistency::range::Range::prefix("@keys/"), 9).unwrap());
    let kept = kept.unwrap();
    assert!(kept.contains(&key.key.id.to_string()) && !kept.contains(secret));
    let hash = serde_json::to_value(&key.key).unwrap()["hash"].as_str().unwrap().to_owned();
    let forged = format!("Bearer tr_{}_{hash}", key.key.id);
    desk.local().with("Authorization", &forged).get("/v1/memories").problem(401);
}

#[test]
fn a_tenant_sees_nothing_of_another() {
    let desk = Desk::new();
    let (shop, bank) = (desk.client("shop", Access::Admin), desk.client("bank", Access::Admin));
    let id = shop.add(&json!({"text": "the vault opens at nine", "user_id": "alice"}));
    let one = format!("/v1/memories/{id}");
    let nowhere = "/v1/memories/01890a5d-ac96-774b-bcce-b302099a8057";
    for other in [&bank, &desk.local()] {
        let asked: [fn(&Client, &str) -> crate::Answer; 4] = [
            |client, path| client.get(path),
            |client, path| client.delete(path),
            |client, path| client.patch(path, &json!({"text": "mine"})),
            |client, path| client.get(&format!("{path}/history")),
        ];
        for ask in asked {
            // Word for word what it is for an id that nobody has.
            let (theirs, none) = (ask(other, &one).problem(404), ask(other, nowhere).problem(404));
            assert_eq!(theirs.replace(&id, "ID"), none.replace("01890a5d-ac96-774b-bcce-b302099a8057", "ID"));
        }
        assert_eq!(other.get("/v1/memories?user_id=alice").json(), json!({"total": 0, "memories": []}));
        assert_eq!(other.post("/v1/search", &json!({"query": "vault nine"})).json(), json!({"results": []}));
        assert_eq!(other.post("/v1/recall", &json!({"query": "vault nine"})).json()["items"], json!([]));
        assert_eq!(other.get("/v1/entities").json(), json!({"entities": []}));
        assert_eq!(other.get("/v1/export").text, "{\"trace_memory\":1}\n");
        assert_eq!(other.delete("/v1/memories?user_id=alice").json(), json!({"forgotten": 0}));
        other.post("/v1/memories/forget", &json!({"ids": [id]})).problem(404);
    }
    assert_eq!(shop.get(&one).json()["text"], "the vault opens at nine");
    // The same words are a record of their own elsewhere.
    assert_eq!(bank.post("/v1/memories", &json!({"text": "the vault opens at nine", "user_id": "alice"})).status, 201);
}

#[test]
fn only_the_host_that_it_is_and_its_own_pages_are_answered() {
    let desk = Desk::with(Settings { allow_origins: vec!["https://desk.example".to_owned()], ..free() });
    for path in ["/v1/memories", "/healthz", "/docs", "/nowhere"] {
        desk.local().with("Host", "evil.example").get(path).problem(421);
        desk.local().with("Origin", "https://evil.example").get(path).problem(403);
        desk.local().with("Origin", "null").get(path).problem(403);
    }
    let own = desk.local().with("Origin", &format!("http://{}", desk.address)).get("/v1/memories");
    assert_eq!((own.status, own.header("access-control-allow-origin")), (200, ""));
    let allowed = desk.local().with("Origin", "https://desk.example").get("/v1/memories");
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (200, "https://desk.example"));
}

#[test]
fn nobody_else_is_listened_to_before_there_is_a_key() {
    let folder = TempDir::new().unwrap();
    let service = Arc::new(Service::open(service::Settings::beside(&store(folder.path()))).unwrap());
    let open = || Settings { address: ([0, 0, 0, 0], 0).into(), ..Settings::default() };
    let refused = Server::bind(service.clone(), open());
    assert!(matches!(refused, Err(ServeError::NoKey(_))), "{refused:?}");
    let keys = Keys::of(service.store());
    let key = keys.create("test", &Tenant::local(), "desk", Access::Read, None).unwrap();
    Server::bind(service.clone(), open()).unwrap();
    keys.revoke("test", &key.key.id).unwrap();
    assert!(matches!(Server::bind(service, open()), Err(ServeError::NoKey(_))), "a revoked key is none");
}
