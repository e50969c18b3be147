//! What has expired is not there any more, and is forgotten by a server that runs.

use crate::{Desk, store};
use consistency::Millis;
use consistency::store::{System, World};
use memory::{Draft, Tenant};
use serde_json::json;
use server::follower::{Follower, sweep};
use server::service::{Service, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// A clock that a test sets.
#[derive(Debug)]
struct Hand(AtomicU64);

impl World for Hand {
    fn now(&self) -> Millis {
        self.0.load(Ordering::Relaxed)
    }

    fn fresh(&self) -> u64 {
        System.fresh()
    }
}

#[test]
fn an_expired_record_is_not_there_any_more() {
    let desk = Desk::new();
    let client = desk.local();
    let id = client.add(&json!({"text": "short of life", "expires_at": 1}));
    client.get(&format!("/v1/memories/{id}")).problem(404);
    assert_eq!(client.get("/v1/memories").json()["total"], 0);
    let sweep = || sweep(desk.service()).unwrap();
    assert_eq!((sweep(), sweep()), (1, 0));
    let history = client.get(&format!("/v1/memories/{id}/history")).json();
    assert_eq!(history["history"][1], json!({"what": "forgotten", "at": history["history"][1]["at"], "by": "expiry"}));
}

#[test]
fn what_expires_while_a_server_runs_is_forgotten_in_every_tenant_and_nothing_else() {
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(Hand(AtomicU64::new(1_000)));
    let service = Arc::new(Service::open_in(Settings::beside(&store(folder.path())), clock.clone()).unwrap());
    let tenants = [Tenant::local(), Tenant::new("shop").unwrap()];
    let add = |tenant: &Tenant, text: &str, expires_at| {
        service.memories().add(tenant, "test", &Draft { expires_at, ..Draft::new(text) }).unwrap().id
    };
    let soon = tenants.clone().map(|tenant| (add(&tenant, "soon", Some(2_000)), tenant));
    let [late, never] = [Some(3_000), None].map(|end| add(&tenants[0], &format!("until {end:?}"), end));
    let follower = Follower::start(service.clone()).unwrap();
    let text = |tenant: &Tenant, id| service.memories().history(tenant, id).unwrap()[0].after.clone();

    clock.0.store(1_999, Ordering::Relaxed);
    assert_eq!(sweep(&service).unwrap(), 0, "nothing is over yet");
    clock.0.store(2_000, Ordering::Relaxed);
    for (id, tenant) in &soon {
        // The history loses its text with the commit that forgets the record.
        while text(tenant, *id).is_some() {
            let now = service.store().clock().unwrap();
            service.store().wait(now, Duration::from_millis(100)).unwrap();
        }
        assert!(service.memories().get(tenant, *id).unwrap().is_none());
    }
    drop(follower);
    for id in [late, never] {
        assert!(service.memories().get(&tenants[0], id).unwrap().is_some());
    }
    assert_eq!(sweep(&service).unwrap(), 0);
}
