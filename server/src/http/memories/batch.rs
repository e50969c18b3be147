//! Writing several records at once. A batch is one transaction: all of it is done, or nothing.

use super::list::{Scoped, filter_schema, older};
use super::{demand, write};
use crate::http::conditions::Tags;
use crate::http::docs::{example, named, problems};
use crate::http::{App, Body, Once, Problem, Query, Writer};
use crate::service::Service;
use aide::axum::routing::ApiMethodRouter;
use aide::transform::TransformOperation;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use memory::memories::Added;
use memory::{Draft, Filter, MemoryError, Patch, Record, RecordId, Tenant};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

/// One draft, or several.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Additions {
    /// One.
    One(Box<Draft>),
    /// Several, in one transaction.
    Many(Drafts),
}

/// Several drafts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Drafts {
    /// The drafts: 1 to 1000.
    #[schemars(length(min = 1, max = 1000))]
    memories: Vec<Draft>,
}

impl<'de> Deserialize<'de> for Additions {
    /// By the one field that tells them apart, so that what is wrong within is told of what was meant.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Additions, D::Error> {
        let json = Value::deserialize(deserializer)?;
        let is_many = json.get("memories").is_some();
        let read = if is_many {
            serde_path_to_error::deserialize(json).map(Additions::Many)
        } else {
            serde_path_to_error::deserialize(json).map(Additions::One)
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// What adding several came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct AddedAll {
    /// In the order of the drafts.
    memories: Vec<Added>,
}

/// Changes of several records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Changes {
    /// The changes: 1 to 1000.
    #[schemars(length(min = 1, max = 1000))]
    memories: Vec<Change>,
}

/// A change of one record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The memory.
    id: RecordId,
    /// The version that it must still have, as `epoch.sequence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    if_version: Option<String>,
    /// What is to change.
    patch: Patch,
}

/// The records as they were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Changed {
    /// In the order of the changes.
    memories: Vec<Record>,
}

/// Which records are to be forgotten: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Forgetting {
    /// These: 1 to 1000, all of which must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    ids: Option<Vec<RecordId>>,
    /// Those that a filter means, which names a user, an agent, an app or a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "filter_schema")]
    filter: Option<Value>,
}

/// How many were forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Forgotten {
    /// How many.
    forgotten: usize,
}

/// `PATCH` and `DELETE` on the path of all records.
pub(super) fn many(routes: ApiMethodRouter<App>) -> ApiMethodRouter<App> {
    let routes = routes.patch_with(change, |op| {
        let about = "One transaction: all are changed, or none.";
        let op = named(op, "change_memories", "Change several memories at once", about, "memories");
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        example(problems(op, &[404, 412]), &json!({"memories": [{"id": id, "patch": {"categories": ["style"]}}]}))
    });
    routes.delete_with(forget_scope, |op| {
        let about = "A user, an agent, an app or a run must be named. One transaction: all are forgotten, or none.";
        named(op, "forget_scope", "Forget the memories of a scope", about, "memories")
    })
}

pub(super) async fn add(
    State(app): State<App>,
    Writer(caller): Writer,
    once: Once,
    Body(additions): Body<Additions>,
) -> Result<Response, Problem> {
    if let Additions::Many(drafts) = &additions {
        fits(&app, drafts.memories.len(), "memories")?;
    }
    let added = app.blocking(move |service| {
        let added = write(service, &caller, &once, &additions, |transaction| match &additions {
            Additions::One(draft) => Ok(vec![transaction.add(draft)?]),
            Additions::Many(drafts) => drafts.memories.iter().map(|draft| transaction.add(draft)).collect(),
        });
        Ok((added?.0, matches!(additions, Additions::Many(_))))
    });
    let (added, is_many): (Vec<Added>, bool) = added.await?;
    let is_new = added.iter().any(|added| added.is_new);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    match added.first() {
        Some(only) if !is_many => Ok((status, Json(only)).into_response()),
        _ => Ok((status, Json(AddedAll { memories: added })).into_response()),
    }
}

pub(super) fn add_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "One memory, or several in one transaction. A text that is there in the same scope is not added again: the \
        answer names the memory that holds it. Secrets are taken out before anything is written. What it rests on must be there.";
    let op = named(op, "add_memories", "Add memories", about, "memories");
    let op = op.response_with::<201, Json<AdditionsDone>, _>(|answer| answer.description("At least one is new."));
    let op = op.response_with::<200, Json<AdditionsDone>, _>(|answer| answer.description("All were there before."));
    example(
        problems(op, &[404]),
        &json!({"text": "prefers pnpm over npm", "user_id": "alice", "provenance": {"trust": "user"}}),
    )
}

/// What adding came to, of one or of several.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum AdditionsDone {
    One(Added),
    Many(AddedAll),
}

async fn change(
    State(app): State<App>,
    Writer(caller): Writer,
    once: Once,
    Body(changes): Body<Changes>,
) -> Result<Json<Changed>, Problem> {
    fits(&app, changes.memories.len(), "memories")?;
    let versions = changes.memories.iter().enumerate().map(|(place, change)| {
        let version = change.if_version.as_ref().map(|text| text.parse()).transpose();
        let version = version.map_err(|error: consistency::Malformed| {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
                .at(format!("memories[{place}].if_version"))
        });
        version.map(|version| version.map(|version| Tags::These(vec![version])))
    });
    let versions = versions.collect::<Result<Vec<_>, Problem>>()?;
    let changed = app.blocking(move |service| {
        let changed = write(service, &caller, &once, &changes, |transaction| {
            let changes = changes.memories.iter().zip(&versions);
            let changed = changes.map(|(Change { id, patch, .. }, version)| {
                demand(transaction, *id, version.as_ref())?;
                transaction.update(*id, patch, None)
            });
            changed.collect()
        });
        Ok(changed?.0)
    });
    Ok(Json(Changed { memories: changed.await? }))
}

pub(super) async fn forget(
    State(app): State<App>,
    Writer(caller): Writer,
    once: Once,
    Body(forgetting): Body<Forgetting>,
) -> Result<Json<Forgotten>, Problem> {
    match (&forgetting.ids, &forgetting.filter) {
        (Some(ids), None) => {
            fits(&app, ids.len(), "ids")?;
            let ids = ids.clone();
            let forgotten = app.blocking(move |service| {
                let forgotten = write(service, &caller, &once, &forgetting, |transaction| {
                    ids.iter().try_for_each(|id| transaction.forget(*id))?;
                    Ok(Forgotten { forgotten: ids.len() })
                });
                Ok(forgotten?.0)
            });
            forgotten.await.map(Json)
        }
        (None, Some(filter)) => {
            let filter = Filter::parse(filter)?;
            forget_all(app, Writer(caller), once, filter, forgetting).await
        }
        _ => {
            let detail = "either `ids` or `filter` is needed, and not both";
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
        }
    }
}

pub(super) fn forget_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about =
        "By their ids, or by a filter that names a user, an agent, an app or a run. One transaction: all, or none.";
    let op = named(op, "forget_memories", "Forget several memories at once", about, "memories");
    example(problems(op, &[404]), &json!({"filter": {"user_id": "alice", "categories": {"in": ["draft"]}}}))
}

async fn forget_scope(
    State(app): State<App>,
    writer: Writer,
    once: Once,
    Query(query): Query<Scoped>,
) -> Result<Json<Forgotten>, Problem> {
    forget_all(app, writer, once, Filter::of_scope(&query.scope()), ()).await
}

async fn forget_all(
    app: App,
    Writer(caller): Writer,
    once: Once,
    filter: Filter,
    body: impl Serialize + Send + 'static,
) -> Result<Json<Forgotten>, Problem> {
    // What every record that is meant has in common: that nothing is named but in `NOT` or `OR` is not enough.
    if filter.scope().is_empty() {
        let detail = "name whose memories: `user_id`, `agent_id`, `app_id` or `run_id`";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let forgotten = app.blocking(move |service| {
        let ids = meant(service, &caller.tenant, &filter)?;
        let forgotten = write(service, &caller, &once, &body, |transaction| {
            let mut forgotten = 0;
            for id in &ids {
                match transaction.forget(*id) {
                    Ok(()) => forgotten += 1,
                    // Somebody else was faster, which is what was wanted.
                    Err(MemoryError::Unknown(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(Forgotten { forgotten })
        });
        Ok(forgotten?.0)
    });
    forgotten.await.map(Json)
}

/// All records that a filter means.
fn meant(service: &Service, tenant: &Tenant, filter: &Filter) -> Result<Vec<RecordId>, Problem> {
    const PAGE: usize = 1000;
    let mut ids = Vec::new();
    loop {
        let rest = ids.last().map_or_else(|| filter.clone(), |last| filter.clone().and(older(*last)));
        let page = service.index().list(tenant, &rest, 0, PAGE)?.page;
        let is_last = page.len() < PAGE;
        ids.extend(page.into_iter().map(|stored| stored.record.id));
        if is_last {
            return Ok(ids);
        }
    }
}

fn fits(app: &App, count: usize, at: &str) -> Result<(), Problem> {
    let most = app.settings.max_batch;
    if (1..=most).contains(&count) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`{at}` has 1 to {most} entries")).at(at))
}
