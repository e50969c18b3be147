//! `/v1/export`: everything that the tenant's records are and were, as lines of JSON; `/v1/import` takes them back.
//!
//! The lines are those of `trace memory export` ([`memory::export`]): what one writes, the other reads without loss. A client
//! that reads slowly holds no thread: the next part is read once the last one is on its way.

use super::docs::{named, of_kind};
use super::extract::{bytes, media_type};
use super::{App, Caller, Problem, Writer};
use aide::OperationInput;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::generate::GenContext;
use aide::openapi::{Operation, ReferenceOr, RequestBody};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use memory::export::Part;
use memory::{RecordId, Tenant};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::io;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;

/// The kind of content of lines of JSON.
const LINES: &str = "application/x-ndjson";
/// How many parts wait for a client.
const QUEUE: usize = 2;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let out = "As `trace memory export` writes it: a first line with the version, then one line for each memory, with what happened \
        to it; of a forgotten one there is that, and no text. What is added meanwhile comes too; a line is whole or not there, \
        and the answer is cut off where something fails.";
    let back = "Takes the lines of an export back, with ids, times and histories; the lines of a long one may be sent in parts, \
        in any order. What is there already is passed over, so that sending lines again does nothing.";
    ApiRouter::new()
        .api_route(
            "/v1/export",
            get_with(export, |op| {
                let op = named(op, "export_memories", "Export all memories", out, "memories");
                let op = op.response_with::<200, String, _>(|answer| answer.description("Lines of JSON."));
                of_kind(op, LINES)
            }),
        )
        .api_route(
            "/v1/import",
            post_with(import, |op| named(op, "import_memories", "Import what was exported", back, "memories")),
        )
}

/// A body of lines of JSON.
struct Lines(Bytes);

impl OperationInput for Lines {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        let example = "{\"trace_memory\":1}\n";
        let content = json!({LINES: {"schema": {"type": "string"}, "example": example}});
        let body = json!({"description": "Lines of an export.", "required": true, "content": content});
        operation.request_body = serde_json::from_value::<RequestBody>(body).ok().map(ReferenceOr::Item);
    }
}

impl FromRequest<App> for Lines {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Lines, Problem> {
        if media_type(request.headers()) != LINES {
            let detail = format!("the body is lines of JSON: send `Content-Type: {LINES}`");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        bytes(request, app).await.map(Lines)
    }
}

/// What an import came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Imported {
    /// How many memories and histories were added.
    added: usize,
    /// How many were there before: the same id, or the same text in the same scope.
    known: usize,
    /// The lines that could not be taken.
    problems: Vec<BadLine>,
}

/// A line that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct BadLine {
    /// Its number in the body, from 1.
    line: usize,
    /// What is wrong with it.
    what: String,
}

async fn import(
    State(app): State<App>,
    Writer(caller): Writer,
    Lines(lines): Lines,
) -> Result<Json<Imported>, Problem> {
    let restored =
        app.blocking(move |service| Ok(service.memories().restore(&caller.tenant, &caller.name, &*lines)?));
    let (restored, bad) = restored.await?;
    let problems = bad.into_iter().map(|(line, what)| BadLine { line, what }).collect();
    Ok(Json(Imported { added: restored.added, known: restored.known, problems }))
}

async fn export(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    // What can't be read at all is a problem; what fails later can only cut the answer off.
    let first = part(&app, &caller.tenant, None).await?;
    let (sender, parts) = channel(QUEUE);
    tokio::spawn(send(app, caller.tenant, first, sender));
    let body = Body::from_stream(ReceiverStream::new(parts));
    Ok(([(header::CONTENT_TYPE, LINES)], body).into_response())
}

/// Sends all parts until nobody takes them any more.
async fn send(app: App, tenant: Tenant, first: Part, to: Sender<Result<String, io::Error>>) {
    let mut next = first.next;
    let mut sent = to.send(Ok(first.lines)).await;
    while let (Some(after), true) = (next, sent.is_ok()) {
        match part(&app, &tenant, Some(after)).await {
            Ok(part) => {
                next = part.next;
                sent = to.send(Ok(part.lines)).await;
            }
            // Not an orderly end: the client is to see that something is missing.
            Err(problem) => {
                let _ = to.send(Err(io::Error::other(problem.detail))).await;
                return;
            }
        }
    }
}

async fn part(app: &App, tenant: &Tenant, after: Option<RecordId>) -> Result<Part, Problem> {
    let tenant = tenant.clone();
    app.blocking(move |service| Ok(service.memories().export_part(&tenant, after)?)).await
}
