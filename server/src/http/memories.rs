//! `/v1/memories`: adding, reading, changing and forgetting records.

use super::{App, Body, Caller, Path, Problem, Writer};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use memory::memories::Added;
use memory::{Draft, Record, RecordId};
use schemars::JsonSchema;
use serde::Deserialize;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/v1/memories", post_with(add, |op| op.summary("Add a memory")))
        .api_route("/v1/memories/{id}", get_with(show, |op| op.summary("Show a memory")))
}

/// The name of a record in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct Named {
    /// The record.
    pub id: RecordId,
}

async fn add(
    State(app): State<App>,
    Writer(caller): Writer,
    Body(draft): Body<Draft>,
) -> Result<(StatusCode, Json<Added>), Problem> {
    let added = app.blocking(move |service| Ok(service.memories().add(&caller.tenant, &caller.name, &draft)?)).await?;
    Ok((if added.is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(added)))
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(Named { id }): Path<Named>,
) -> Result<Json<Record>, Problem> {
    let found = app.blocking(move |service| Ok(service.memories().get(&caller.tenant, id)?)).await?;
    let unknown = || Problem::from(memory::MemoryError::Unknown(id));
    found.map(|stored| Json(stored.record)).ok_or_else(unknown)
}
