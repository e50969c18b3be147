//! Whether the server lives, whether it can do its work, and what it is.

use super::docs::named;
use super::{App, Problem, problem};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::State;
use consistency::Version;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The routes, which take no key: what watches a server has none, and nothing of anybody's data is told.
pub(super) fn routes() -> ApiRouter<App> {
    let live = "The process answers. Nothing else is looked at.";
    let ready = "The store can be read and the indexes are as new as it is.";
    ApiRouter::new()
        .api_route(
            "/healthz",
            get_with(lives, |op| named(op, "lives", "Tell whether the server lives", live, "health")),
        )
        .api_route(
            "/readyz",
            get_with(is_ready, |op| named(op, "is_ready", "Tell whether it can work", ready, "health")),
        )
        .api_route(
            "/v1/version",
            get_with(version, |op| named(op, "version", "Tell what the server is", "Its name and version.", "health")),
        )
}

/// That the server lives.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub struct Lives {
    /// Always so.
    pub lives: bool,
}

/// That the server can work, and how far it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// Always so: where it is not, the answer is a problem with status 503.
    pub ready: bool,
    /// The version of the last commit, as `epoch.sequence`.
    pub committed: String,
    /// How far the indexes follow.
    pub indexed: String,
}

/// What the server is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// The program's name.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// The embedder, as `backend/model/dimension`; nothing where texts are found by words alone.
    pub embedder: Option<String>,
}

async fn lives() -> Json<Lives> {
    Json(Lives { lives: true })
}

async fn is_ready(State(app): State<App>) -> Result<Json<Ready>, Problem> {
    let looked = app.blocking(|service| {
        let committed = service.store().clock()?;
        let indexed = service.index().follow()?;
        Ok((committed, indexed))
    });
    let unready = |_| problem::busy("the store or an index can't be used; the log says why");
    let (committed, indexed): (Version, Version) = looked.await.map_err(unready)?;
    Ok(Json(Ready { ready: true, committed: committed.to_string(), indexed: indexed.to_string() }))
}

async fn version(State(app): State<App>) -> Json<About> {
    let embedder = app.service.index().embedder().map(|embedder| embedder.id().to_string());
    Json(About { name: "trace".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned(), embedder })
}
