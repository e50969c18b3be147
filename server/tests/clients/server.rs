//! A server for a test, on a port of its own and over a folder of its own.

use memory::Tenant;
use serde_json::Value;
use server::Place;
use server::http::{self, Settings};
use server::keys::{Access, Keys};
use server::service::{self, Service, Workspace};
use std::sync::Arc;
use std::thread;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A new key.
pub(crate) fn key(service: &Service, tenant: &str, access: Access) -> String {
    let tenant = Tenant::new(tenant).unwrap();
    Keys::of(service.store()).create("tests", &tenant, "tests", access, None).unwrap().secret
}

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    /// What the clients send as their key.
    pub(crate) key: String,
    pub(crate) service: Arc<Service>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

/// The status and the body of an answer, and its content type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) kind: String,
}

impl Server {
    pub(crate) fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = service::Settings::beside(&folder.path().join("state.db"));
        settings.workspace = Some(Workspace { place: Place::At(folder.path().to_owned()), user: None });
        let service = Arc::new(Service::open(settings).unwrap());
        let app = http::app(service.clone(), Settings::default());
        let key = key(&service, "local", Access::Write);
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                let stopped = async { drop(stopped.await) };
                axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
            });
        });
        let url = format!("http://{}", told.recv().unwrap());
        Server { url, key, service, stop: Some(stop), thread: Some(thread), _folder: folder }
    }

    /// Asks as the clients do: with a key, and a body of JSON where there is one.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_as(&self.key, method, path, body)
    }

    pub(crate) fn ask_as(&self, key: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("authorization", format!("Token {key}"))
            .header("accept", "application/json, text/event-stream");
        let mut response = match body {
            Some(body) => {
                let request = request.header("content-type", "application/json").body(body.to_string()).unwrap();
                agent.run(agent.configure_request(request).allow_non_standard_methods(true).build()).unwrap()
            }
            None => agent.run(request.body(()).unwrap()).unwrap(),
        };
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let text = response.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Answer { status, body, kind: kind.unwrap_or_default() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that failed has failed its test already.
            let _ = thread.join();
        }
    }
}
