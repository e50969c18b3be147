//! `/v1/memories`: adding, listing, reading, changing and forgetting records, one by one.

mod batch;
mod list;

pub(super) use list::{filter_schema, within};

use super::conditions::{IfMatch, IfNoneMatch, Tags, etag};
use super::docs::{example, named, problems};
use super::{App, Body, Caller, Once, Path, Problem, Writer};
use crate::service::Service;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::transform::TransformOperation;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, NoContent, Response};
use consistency::Version;
use consistency::range::Range;
use memory::memories::{Stored, Transaction};
use memory::record::Past;
use memory::{MemoryError, Patch, Record, RecordId};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/v1/memories", batch::many(list::all(post_with(batch::add, batch::add_described))))
        .api_route("/v1/memories/list", post_with(list::filtered, list::filtered_described))
        .api_route("/v1/memories/forget", post_with(batch::forget, batch::forget_described))
        .api_route(
            "/v1/memories/{id}",
            get_with(show, show_described).patch_with(change, change_described).delete_with(forget, forget_described),
        )
        .api_route("/v1/memories/{id}/history", get_with(history, history_described))
        .api_route("/v1/entities", get_with(list::entities, list::entities_described))
}

/// The name of a record in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct Named {
    /// The memory.
    id: RecordId,
}

/// A record, with the version that its entity tag is made of.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Memory {
    /// The record.
    #[serde(flatten)]
    pub record: Record,
    /// The commit that wrote it, as `epoch.sequence`: what `If-Match` takes, in quotation marks.
    pub version: String,
}

impl From<Stored> for Memory {
    fn from(Stored { record, version }: Stored) -> Memory {
        Memory { record, version: version.to_string() }
    }
}

/// What happened to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct History {
    /// The oldest first. Once the memory is forgotten, no entry holds a text.
    history: Vec<Past>,
}

fn tagged(stored: Stored) -> Response {
    ([(header::ETAG, etag(stored.version))], Json(Memory::from(stored))).into_response()
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    IfNoneMatch(known): IfNoneMatch,
    Path(Named { id }): Path<Named>,
) -> Result<Response, Problem> {
    let stored = app.blocking(move |service| found(service, &caller, id)).await?;
    if known.is_some_and(|known| known.has(stored.version)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag(stored.version))]).into_response());
    }
    Ok(tagged(stored))
}

fn show_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "The record as it is now. The `ETag` says at which version that is.";
    let op = named(op, "show_memory", "Show a memory", about, "memories").response::<200, Json<Memory>>();
    op.response_with::<304, (), _>(|response| response.description("It is still what the client has."))
}

async fn change(
    State(app): State<App>,
    Writer(caller): Writer,
    once: Once,
    IfMatch(tags): IfMatch,
    Path(Named { id }): Path<Named>,
    Body(patch): Body<Patch>,
) -> Result<Response, Problem> {
    let changed = app.blocking(move |service| {
        let (record, version) = write(service, &caller, &once, &patch, |transaction| {
            demand(transaction, id, tags.as_ref())?;
            transaction.update(id, &patch, None)
        })?;
        if once.key.is_none() {
            return Ok(Stored { record, version });
        }
        // Asked again, the commit was another one: the version is that of the record, if it still is what was answered.
        let now = service.memories().get(&caller.tenant, id)?.filter(|now| now.record == record);
        Ok(now.unwrap_or(Stored { record, version: Version::ZERO }))
    });
    Ok(tagged(changed.await?))
}

fn change_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "What the body does not name stays. A text that another memory of the scope has is refused with 409.";
    let op = named(op, "change_memory", "Change a memory", about, "memories").response::<200, Json<Memory>>();
    example(problems(op, &[412]), &json!({"text": "prefers tabs", "categories": ["style"]}))
}

async fn forget(
    State(app): State<App>,
    Writer(caller): Writer,
    once: Once,
    IfMatch(tags): IfMatch,
    Path(Named { id }): Path<Named>,
) -> Result<NoContent, Problem> {
    let forgotten = app.blocking(move |service| {
        let forgotten = write(service, &caller, &once, &(), |transaction| {
            demand(transaction, id, tags.as_ref())?;
            transaction.forget(id)
        });
        Ok(forgotten.map(drop)?)
    });
    forgotten.await.map(|()| NoContent)
}

fn forget_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "Its text is gone from the record, from its history and from every index with this commit.";
    problems(named(op, "forget_memory", "Forget a memory", about, "memories"), &[412])
}

async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(Named { id }): Path<Named>,
) -> Result<Json<History>, Problem> {
    let history = app.blocking(move |service| Ok(service.memories().history(&caller.tenant, id)?)).await?;
    if history.is_empty() {
        return Err(MemoryError::Unknown(id).into());
    }
    Ok(Json(History { history }))
}

fn history_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    named(op, "memory_history", "Tell what happened to a memory", "Who changed what, and when.", "memories")
}

/// A record that may still be recalled.
fn found(service: &Service, caller: &Caller, id: RecordId) -> Result<Stored, Problem> {
    let now = service.memories().now();
    let stored = service.memories().get(&caller.tenant, id)?.filter(|stored| stored.record.is_live(now));
    stored.ok_or_else(|| MemoryError::Unknown(id).into())
}

/// Writes in one transaction; under an idempotency key, once.
pub(super) fn write<T: Serialize + DeserializeOwned>(
    service: &Service,
    caller: &Caller,
    once: &Once,
    body: &impl Serialize,
    work: impl FnMut(&mut Transaction<'_>) -> Result<T, MemoryError>,
) -> Result<(T, Version), MemoryError> {
    let (memories, tenant, by) = (service.memories(), &caller.tenant, &caller.name);
    match &once.key {
        Some(key) => memories.once(tenant, by, key, &once.request(body), work),
        None => memories.write(tenant, by, work),
    }
}

/// Goes on only if a record has one of these versions.
fn demand(transaction: &mut Transaction<'_>, id: RecordId, tags: Option<&Tags>) -> Result<(), MemoryError> {
    let Some(tags) = tags else { return Ok(()) };
    let key = transaction.tenant().record(id);
    let only = Range { from: key.clone(), to: Some(format!("{key}\0")) };
    let cells = transaction.session().versions(&only)?;
    let now = cells.first().map(|(_, cell)| cell.version).ok_or(MemoryError::Unknown(id))?;
    if tags.has(now) {
        return Ok(());
    }
    let expected = match tags {
        Tags::These(versions) => versions.first().copied().unwrap_or_default(),
        Tags::Any => now,
    };
    Err(MemoryError::Changed { id, expected, now })
}
