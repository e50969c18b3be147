//! The users, agents, apps and runs that memories belong to.

use super::asked::Parameters;
use super::change::forget_all;
use super::shown::{Done, Page, Paged};
use crate::http::{App, Caller, Path, Problem, Writer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use memory::filter::{Filter, shown};
use memory::index::Entity;
use memory::record::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that memories belong to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Entity")]
pub(super) struct Shown {
    /// Its name.
    id: String,
    /// Its name.
    name: String,
    /// `user`, `agent`, `app` or `run`.
    #[serde(rename = "type")]
    kind: String,
    /// How many memories belong to it.
    total_memories: usize,
    /// The tenant.
    owner: String,
    /// When the first of them was added.
    created_at: String,
    /// When the last of them was changed.
    updated_at: String,
}

/// Which entity is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Mem0EntityPath")]
pub(super) struct Named {
    /// `user`, `agent`, `app` or `run`.
    r#type: String,
    /// Its name.
    name: String,
}

pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Parameters(page): Parameters<Page>,
) -> Result<Json<Paged<Shown>>, Problem> {
    let (skip, limit) = page.bounds()?;
    let owner = caller.tenant.name().to_owned();
    let all = app.blocking(move |service| Ok(service.index().entities(&caller.tenant)?)).await?;
    let count = all.len();
    let of = |entity: Entity| Shown {
        id: entity.name.clone(),
        name: entity.name,
        kind: entity.kind,
        total_memories: entity.records,
        owner: owner.clone(),
        created_at: shown(entity.created_at),
        updated_at: shown(entity.updated_at),
    };
    let results = all.into_iter().skip(skip).take(limit).map(of).collect();
    Ok(Json(page.of("/v1/entities/", count, results)))
}

pub(super) async fn delete(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Named { r#type, name }): Path<Named>,
) -> Result<Json<Done>, Problem> {
    let mut scope = Scope::default();
    let part = match r#type.as_str() {
        "user" => &mut scope.user,
        "agent" => &mut scope.agent,
        "app" => &mut scope.app,
        "run" => &mut scope.run,
        other => {
            let why = format!("`{other}` is none of user, agent, app and run");
            return Err(Problem::new(StatusCode::NOT_FOUND, why));
        }
    };
    *part = Some(name.clone());
    let filter = Filter::of_scope(&scope);
    let forgotten = app.blocking(move |service| forget_all(service, &caller, &filter)).await?;
    if forgotten == 0 {
        return Err(Problem::new(StatusCode::NOT_FOUND, format!("there is no {type} `{name}`")));
    }
    Ok(Done::new("Entity deleted successfully!"))
}
