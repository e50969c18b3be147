//! A process on loopback that hosts take for their model. It plays an agent that follows a script.
//!
//! A request that offers the agent's shell is a turn of the script; any other (for a title, say) is answered with a word.
//! What is asked for anything else is written down: a host that was told to stay on loopback has tried to leave it.

use super::protocol::{Act, answer, offered};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::response::Response;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The model, for as long as this lives.
pub(crate) struct Model {
    pub(crate) port: u16,
    talk: Arc<Mutex<Talk>>,
    _runtime: Runtime,
}

/// What was said so far.
#[derive(Debug, Default)]
struct Talk {
    /// The tool by which the agent's own requests are known.
    shell: &'static str,
    script: VecDeque<Act>,
    /// The agent's requests, in order.
    requests: Vec<String>,
    strays: BTreeSet<String>,
}

impl Model {
    pub(crate) fn new(shell: &'static str, script: impl IntoIterator<Item = Act>) -> Self {
        let talk = Talk { shell, script: script.into_iter().collect(), ..Talk::default() };
        let talk = Arc::new(Mutex::new(talk));
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = Router::new().fallback(hear).with_state(Arc::clone(&talk));
        runtime.spawn(axum::serve(listener, app).into_future());
        Self { port, talk, _runtime: runtime }
    }

    /// The agent's requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.talk.lock().unwrap().requests.clone()
    }

    /// Whether the script has come to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.talk.lock().unwrap().script.is_empty()
    }

    /// What was asked for that no model answers.
    pub(crate) fn strays(&self) -> Vec<String> {
        self.talk.lock().unwrap().strays.iter().cloned().collect()
    }
}

async fn hear(State(talk): State<Arc<Mutex<Talk>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let asked = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    let mut talk = talk.lock().unwrap();
    let answered = if offered(&asked, talk.shell).is_some() {
        let act = talk.script.pop_front().unwrap_or(Act::Say("That is all."));
        talk.requests.push(asked.to_string());
        answer(head.uri.path(), &asked, &act, talk.requests.len())
    } else {
        answer(head.uri.path(), &asked, &Act::Say("shop"), 0)
    };
    let Some((kind, body)) = answered else {
        talk.strays.insert(format!("{} {}", head.method, head.uri));
        return Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap();
    };
    Response::builder().header(CONTENT_TYPE, kind).body(Body::from(body)).unwrap()
}
