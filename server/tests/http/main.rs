//! The server over a real listener, asked by a client that knows nothing but HTTP.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up shall fail"
)]

mod access;
mod documents;
mod ends;
mod expiry;
mod feedback;
mod limits;
mod memories;
mod recall;
mod transfer;

use memory::Tenant;
use serde_json::Value;
use server::http::Settings;
use server::http::serve::{ServeError, Server};
use server::keys::{Access, Keys, NewKey};
use server::service::{self, Service};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use tempfile::TempDir;
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// A service in a folder of its own, that is served until this is dropped.
struct Desk {
    folder: TempDir,
    service: Option<Arc<Service>>,
    address: SocketAddr,
    agent: Agent,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

/// Whoever asks: with some headers, always the same.
#[derive(Clone)]
struct Client {
    base: String,
    agent: Agent,
    headers: Vec<(String, String)>,
}

fn free() -> Settings {
    Settings { address: ([127, 0, 0, 1], 0).into(), ..Settings::default() }
}

/// Asks over a new connection each time: one whose request was refused before its body was read is closed.
fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).proxy(None).max_idle_connections(0).build().into()
}

impl Desk {
    fn new() -> Desk {
        Desk::with(free())
    }

    fn with(settings: Settings) -> Desk {
        Desk::over(TempDir::new().unwrap(), settings)
    }

    fn over(folder: TempDir, settings: Settings) -> Desk {
        Desk::of(folder, settings, service::Router::default())
    }

    /// One where what chooses how a context is made is told.
    fn of(folder: TempDir, settings: Settings, router: service::Router) -> Desk {
        let beside = service::Settings::beside(&store(folder.path()));
        let service = Arc::new(Service::open(service::Settings { router, ..beside }).unwrap());
        let server = Server::bind(service.clone(), settings).unwrap();
        let address = server.address();
        let (stop, told) = oneshot::channel();
        let thread = thread::spawn(move || {
            server.run_until(async {
                let _ = told.await;
            })
        });
        let (service, stop, thread) = (Some(service), Some(stop), Some(thread));
        Desk { folder, service, address, agent: agent(), stop, thread }
    }

    fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// This machine's user.
    fn local(&self) -> Client {
        let headers = Vec::new();
        Client { base: format!("http://{}", self.address), agent: self.agent.clone(), headers }
    }

    fn key(&self, tenant: &str, access: Access) -> NewKey {
        let keys = Keys::of(self.service().store());
        keys.create("test", &Tenant::new(tenant).unwrap(), "desk", access, None).unwrap()
    }

    /// Somebody with a new key.
    fn client(&self, tenant: &str, access: Access) -> Client {
        self.local().with("Authorization", &format!("Bearer {}", self.key(tenant, access).secret))
    }

    /// Stops in order, and hands the folder over.
    fn stopped(mut self) -> TempDir {
        self.stop();
        std::mem::replace(&mut self.folder, TempDir::new().unwrap())
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
        self.service = None;
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

impl Client {
    fn with(&self, name: &str, value: &str) -> Client {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    fn send(&self, method: &str, path: &str, kind: Option<&str>, body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let response = if kind.is_some() {
            self.agent.run(request.body(body).unwrap())
        } else {
            self.agent.run(request.body(()).unwrap())
        };
        let mut response = response.unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, b"")
    }

    fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, b"")
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, Some("application/json"), body.to_string().as_bytes())
    }

    fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, Some("application/json"), body.to_string().as_bytes())
    }

    /// Adds a record; its id.
    fn add(&self, body: &Value) -> String {
        let added = self.post("/v1/memories", body);
        assert_eq!(added.status, 201, "{added:?}");
        added.json()["id"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// That it is a problem of this status, and says so; its text.
    fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], status, "{self:?}");
        json["detail"].as_str().unwrap().to_owned()
    }
}

fn store(folder: &Path) -> PathBuf {
    folder.join("state.db")
}
