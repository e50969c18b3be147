//! `/v1/export`: everything that the tenant's records are, as lines of JSON.

use super::docs::{named, of_kind};
use super::{App, Caller, Problem};
use crate::service::Service;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use memory::Tenant;
use std::convert::Infallible;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

/// How many records are read at a time.
const PAGE: usize = 500;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let about = "One record to a line, the oldest first (`application/x-ndjson`). What is added meanwhile comes too; a line \
        is whole or not there.";
    ApiRouter::new().api_route(
        "/v1/export",
        get_with(export, |op| {
            let op = named(op, "export_memories", "Export all memories", about, "memories");
            let op = op.response_with::<200, String, _>(|answer| answer.description("Lines of JSON."));
            of_kind(op, "application/x-ndjson")
        }),
    )
}

async fn export(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    // What can't be read at all is a problem; what fails later can only end the lines early.
    app.blocking({
        let tenant = caller.tenant.clone();
        move |service| Ok(service.memories().list(&tenant, None, 1).map(drop)?)
    })
    .await?;
    let (sender, pages) = channel::<String>(2);
    let service = app.service.clone();
    tokio::task::spawn_blocking(move || send(&service, &caller.tenant, &sender));
    let lines = ReceiverStream::new(pages).map(Ok::<_, Infallible>);
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// Sends all records until nobody takes them any more.
fn send(service: &Service, tenant: &Tenant, to: &Sender<String>) {
    let mut last = None;
    loop {
        let page = match service.memories().list(tenant, last, PAGE) {
            Ok(page) => page,
            Err(error) => return tracing::error!(%error, "an export ended early"),
        };
        let Some(end) = page.last() else { return };
        last = Some(end.record.id);
        let lines = page.iter().filter_map(|stored| serde_json::to_string(&stored.record).ok());
        let lines = lines.fold(String::new(), |text, line| text + &line + "\n");
        if to.blocking_send(lines).is_err() {
            return;
        }
    }
}
