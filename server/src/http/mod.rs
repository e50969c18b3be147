//! The service over HTTP: `/v1`, the routes that clients of other memory services call, and the document that describes them.
//!
//! Whose data a request reaches is decided by its credential alone, in [`caller`]. What a request does runs on threads that
//! may block. Deliberately absent: any decision about records, state or rules.

pub mod caller;
pub mod mem0;
pub mod memories;
pub mod memory_tool;
pub mod problem;
pub mod state;

pub use caller::Caller;
pub use problem::Problem;

use crate::service::Service;
use aide::axum::ApiRouter;
use aide::openapi::OpenApi;
use axum::extract::DefaultBodyLimit;
use axum::{Extension, Json, Router};
use std::net::SocketAddr;
use std::sync::Arc;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens.
    pub address: SocketAddr,
    /// The largest body of a request, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Settings {
    /// Loopback only, port 8787, bodies of at most 4 MiB.
    fn default() -> Settings {
        Settings { address: SocketAddr::from(([127, 0, 0, 1], 8787)), max_body_bytes: 4 << 20 }
    }
}

/// What every request reaches.
#[derive(Debug, Clone)]
pub struct App {
    /// The service.
    pub service: Arc<Service>,
    /// How the server behaves.
    pub settings: Arc<Settings>,
}

impl App {
    /// Does something that may block, on a thread for that.
    ///
    /// # Errors
    /// The problem that the work has, or one of ours when the work was lost.
    pub async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let service = self.service.clone();
        tokio::task::spawn_blocking(move || work(&service)).await.unwrap_or_else(|_| Err(Problem::internal()))
    }
}

/// All routes over a service, with the document that describes them.
pub fn app(service: Arc<Service>, settings: Settings) -> Router {
    let limit = DefaultBodyLimit::max(settings.max_body_bytes);
    let state = App { service, settings: Arc::new(settings) };
    let mut document = OpenApi::default();
    let routes = ApiRouter::new()
        .merge(memories::routes())
        .merge(state::routes())
        .merge(memory_tool::routes())
        .merge(mem0::routes());
    let described = routes.finish_api(&mut document);
    let document = Arc::new(document);
    described
        .route("/openapi.json", axum::routing::get(async |Extension(document): Extension<Arc<OpenApi>>| Json(document)))
        .layer(Extension(document))
        .layer(limit)
        .with_state(state)
}
