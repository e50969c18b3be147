//! `/metrics`: the figures of the server, for Prometheus.
//!
//! They are of all tenants together, and so for the local one only: for this machine's user, or with a key of the local
//! tenant.

use super::{App, Caller, Problem};
use crate::observe::Figures;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// The text format of Prometheus.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new().api_route(
        "/metrics",
        get_with(show, |op| op.summary("The figures of the server, for Prometheus").response::<200, String>()),
    )
}

async fn show(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    if !caller.tenant.is_local() {
        return Err(Problem::new(StatusCode::FORBIDDEN, "the figures are of the whole server, and for its user only"));
    }
    let figures = Figures::keep().map_err(|error| {
        tracing::error!(%error, "no figures");
        Problem::internal()
    })?;
    let text = app.blocking(move |service| Ok(figures.of(service)?)).await?;
    Ok(([(header::CONTENT_TYPE, TEXT)], text).into_response())
}
