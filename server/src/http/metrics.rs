//! `/metrics`: the figures of the server, for Prometheus.
//!
//! They are of all tenants together, and so for this machine's user, or with a key that reaches the whole server.

use super::{Admin, App, Problem};
use crate::http::docs::brief;
use crate::observe::Figures;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        "/metrics",
        get_with(show, |op| {
            brief(op, "metrics", "The figures of the server, for Prometheus", "health").response::<200, String>()
        }),
    )
}

async fn show(State(app): State<App>, _: Admin) -> Result<Response, Problem> {
    let figures = Figures::keep().map_err(|error| {
        tracing::error!(%error, "no figures");
        Problem::internal()
    })?;
    let text = app.blocking(move |service| Ok(figures.of(service)?)).await?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}
