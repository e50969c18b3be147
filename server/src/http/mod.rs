//! The service over HTTP: `/v1`, the routes that clients of other memory services call, and the document that describes them.
//!
//! Whose data a request reaches is decided by its credential alone, in [`caller`]. What a request does runs on threads that
//! may block. Every error is a [`Problem`]. Deliberately absent: any decision about records, state or rules.

pub mod audit;
pub mod caller;
pub mod conditions;
mod connections;
pub mod docs;
mod export;
pub mod extract;
pub mod health;
mod limits;
pub mod mem0;
pub mod memories;
pub mod memory_tool;
pub mod metrics;
mod origin;
pub mod problem;
pub mod recall;
pub mod rules;
pub mod serve;
pub mod state;
mod unread;

pub use caller::{Admin, Caller, Writer};
pub use extract::{Body, Once, Path, Query};
pub use problem::Problem;

use crate::keys::Keys;
use crate::service::Service;
use aide::axum::ApiRouter;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::{Router, middleware};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// Whether everybody needs a key, also on this machine.
    pub require_key: bool,
    /// By which names it is reached, besides this machine's own.
    pub allow_hosts: Vec<String>,
    /// Which pages may ask, besides its own: origins such as `https://desk.example`.
    pub allow_origins: Vec<String>,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// How deep a body may nest.
    pub max_depth: usize,
    /// How many records one request may write.
    pub max_batch: usize,
    /// How many records one answer may have.
    pub max_results: usize,
    /// How many requests a key may make in a second, on average.
    pub requests_per_second: NonZeroU32,
    /// How many requests a key may make at once, when it has made none for a while.
    pub burst: NonZeroU32,
    /// How many requests are worked on at once.
    pub max_requests: usize,
    /// How many connections are open at once.
    pub max_connections: usize,
    /// How long a client may take for the head of a request, and stay silent between two.
    pub header_timeout: Duration,
    /// How long a request may take until its answer begins.
    pub deadline: Duration,
    /// How long requests that run may still take once the server is told to stop.
    pub grace: Duration,
}

impl Default for Settings {
    /// Loopback only, port 8787, and caps that a person's agents do not meet.
    fn default() -> Settings {
        Settings {
            address: SocketAddr::from(([127, 0, 0, 1], 8787)),
            require_key: false,
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            max_body_bytes: 4 << 20,
            max_depth: 64,
            max_batch: 1000,
            max_results: 1000,
            requests_per_second: NonZeroU32::new(1000).unwrap_or(NonZeroU32::MIN),
            burst: NonZeroU32::new(2000).unwrap_or(NonZeroU32::MIN),
            max_requests: 512,
            max_connections: 1024,
            header_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(30),
            grace: Duration::from_secs(10),
        }
    }
}

impl Settings {
    /// Tells whether every request needs a key: where it is asked for, and wherever others than this machine can ask.
    pub fn needs_key(&self) -> bool {
        self.require_key || !self.address.ip().is_loopback()
    }
}

/// What every request reaches.
#[derive(Debug, Clone)]
pub struct App {
    /// The service.
    pub service: Arc<Service>,
    /// How the server behaves.
    pub settings: Arc<Settings>,
    /// The keys that open it.
    pub keys: Keys,
    pace: Arc<limits::Pace>,
    places: Arc<Semaphore>,
}

impl App {
    /// What requests to a service reach.
    pub fn new(service: Arc<Service>, settings: Settings) -> App {
        let keys = Keys::of(service.store());
        let (pace, places) = (Arc::new(limits::Pace::of(&settings)), Arc::new(Semaphore::new(settings.max_requests)));
        App { service, settings: Arc::new(settings), keys, pace, places }
    }

    /// Does something that may block, on a thread for that.
    ///
    /// # Errors
    /// The problem that the work has, or one of ours when the work was lost.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (service, span) = (self.service.clone(), tracing::Span::current());
        let work = tokio::task::spawn_blocking(move || span.in_scope(|| work(&service)));
        work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "the work of a request was lost");
            Err(Problem::internal())
        })
    }
}

/// All routes over a service, with the document that describes them.
pub fn app(service: Arc<Service>, settings: Settings) -> Router {
    router(App::new(service, settings))
}

/// The routes that take a caller.
fn guarded() -> ApiRouter<App> {
    ApiRouter::new()
        .merge(memories::routes())
        .merge(recall::routes())
        .merge(export::routes())
        .merge(state::routes())
        .merge(rules::routes())
        .merge(audit::routes())
        .merge(metrics::routes())
        .merge(memory_tool::routes())
        .merge(mem0::routes())
}

fn router(app: App) -> Router {
    let admit = middleware::from_fn_with_state(app.clone(), caller::admit);
    let tools = crate::mcp::routes().route_layer(admit.clone());
    let (routes, document) = docs::finished(guarded().route_layer(admit).merge(health::routes()));
    let settings = app.settings.clone();
    // The last layer is the first to see a request.
    let routes = routes
        .merge(docs::open(document))
        .merge(tools)
        .layer(RequestBodyLimitLayer::new(settings.max_body_bytes))
        .layer(middleware::from_fn_with_state(app.clone(), limits::deadline))
        .layer(middleware::from_fn_with_state(app.clone(), limits::room))
        .layer(middleware::from_fn_with_state(app.clone(), origin::own));
    let routes = match cors(&settings) {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let routes = routes
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(middleware::from_fn(limits::only_problems))
        .layer(middleware::from_fn(mem0::plain))
        .layer(middleware::from_fn(unread::dropped));
    crate::observe::observed(routes).with_state(app)
}

/// Lets the pages that were allowed read the answers; nobody else's browser is told anything.
fn cors(settings: &Settings) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = settings.allow_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return None;
    }
    let named = ["idempotency-key", "x-request-id", "mcp-session-id", "mcp-protocol-version"];
    let mut headers: Vec<HeaderName> = named.into_iter().map(HeaderName::from_static).collect();
    headers.extend([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH]);
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let exposed = [header::ETAG, header::RETRY_AFTER];
    Some(CorsLayer::new().allow_origin(origins).allow_methods(methods).allow_headers(headers).expose_headers(exposed))
}
