//! A server on a port of its own, over a store in a temporary folder, and clients of it.

use memory::Tenant;
use serde_json::Value;
use server::engine::Place;
use server::http;
use server::keys::{Access, Keys};
use server::service::{Service, Settings, Workspace};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use tempfile::TempDir;
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request as Asked};

pub(crate) struct Server {
    pub(crate) service: Arc<Service>,
    pub(crate) address: SocketAddr,
    folder: TempDir,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Server {
        Server::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Server {
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::beside(&folder.path().join("state.db"));
        settings.workspace = Some(Workspace { place: Place::At(folder.path().to_owned()), user: None });
        change(&mut settings);
        let service = Arc::new(Service::open(settings).unwrap());
        let (stop, stopped) = oneshot::channel();
        let (told, address) = std::sync::mpsc::channel();
        let routes = http::app(service.clone(), http::Settings::default());
        let ended = service.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                told.send(listener.local_addr().unwrap()).unwrap();
                let serve = axum::serve(listener, routes).with_graceful_shutdown(async move {
                    let _ = stopped.await;
                    ended.end();
                });
                serve.await.unwrap();
            });
        });
        let address = address.recv().unwrap();
        Server { service, address, folder, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("state.db")
    }

    /// A client of the local tenant.
    pub(crate) fn client(&self) -> Client {
        self.client_of("local")
    }

    /// A client with a key of a tenant, `TENANT` or `TENANT:NAME`; `local` needs none, and a `reader` only reads.
    pub(crate) fn client_of(&self, said: &str) -> Client {
        let agent = Agent::config_builder().http_status_as_error(false).build().into();
        let headers = self.key_of(said).map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect();
        Client { agent, base: format!("http://{}", self.address), headers }
    }

    /// A new key of a tenant.
    pub(crate) fn key_of(&self, said: &str) -> Option<String> {
        if said == "local" {
            return None;
        }
        let (tenant, name) = said.split_once(':').unwrap_or((said, said));
        let (keys, tenant) = (Keys::of(self.service.store()), Tenant::new(tenant).unwrap());
        let access = if name == "reader" { Access::Read } else { Access::Write };
        Some(keys.create("a test", &tenant, name, access, None).unwrap().secret)
    }

    /// Ends the server as a signal does, and waits until the last request is answered.
    pub(crate) fn stop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    headers: Vec<(&'static str, String)>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Client {
    /// The same client with one more header.
    pub(crate) fn with(&self, name: &'static str, value: impl Into<String>) -> Client {
        let mut client = self.clone();
        client.headers.push((name, value.into()));
        client
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(&Method::GET, path, None)
    }

    pub(crate) fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(&Method::PUT, path, Some(body))
    }

    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(&Method::POST, path, Some(body))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask(&Method::DELETE, path, None)
    }

    /// Begins a session, and gives its path.
    pub(crate) fn begin(&self, how: Value) -> String {
        format!("/v1/state/sessions/{}", self.post("/v1/state/sessions", how).is(201).json()["id"].as_str().unwrap())
    }

    /// Asks; again where the connection was closed meanwhile, as a server does that has not read a body.
    fn ask(&self, method: &Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string());
        let once = || self.once(method, path, body.as_deref());
        once().or_else(|_| once()).unwrap()
    }

    fn once(&self, method: &Method, path: &str, body: Option<&str>) -> Result<Answer, ureq::Error> {
        let mut asked = Asked::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in &self.headers {
            asked = asked.header(*name, value);
        }
        let answer = match body {
            Some(body) => self.agent.run(asked.header("content-type", "application/json").body(body).unwrap()),
            None => self.agent.run(asked.body(()).unwrap()),
        };
        let (parts, mut body) = answer?.into_parts();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text: body.read_to_string()? })
    }
}

impl Answer {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
