//! Listing records a page at a time, and the entities that records belong to.
//!
//! A page begins after the last record of the page before it, not at a number: what others add or forget meanwhile neither
//! shows a record twice nor passes one over that was there all the time.

use super::Memory;
use crate::http::docs::{example, named};
use crate::http::{App, Body, Caller, Problem, Query};
use aide::axum::routing::ApiMethodRouter;
use aide::transform::TransformOperation;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use memory::filter::{Field, Test};
use memory::index::Entity;
use memory::{Filter, RecordId, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cmp::Ordering;

/// How many records a page has unless more or fewer are asked for.
const PAGE: usize = 50;

/// Which page of which records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scoped {
    /// Only memories of this person.
    pub(super) user_id: Option<String>,
    /// Only memories of this agent.
    pub(super) agent_id: Option<String>,
    /// Only memories of this application.
    pub(super) app_id: Option<String>,
    /// Only memories of this run or session.
    pub(super) run_id: Option<String>,
    /// How many at most: 1 to 1000, 50 if not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<RecordId>,
}

/// Which page of which records, by a filter.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filtered {
    /// Which records: fields, `AND`, `OR`, `NOT`, and the operators `eq ne in gt gte lt lte contains icontains`.
    #[serde(default)]
    #[schemars(schema_with = "filter_schema")]
    filter: Option<Value>,
    /// How many at most: 1 to 1000, 50 if not said.
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// The `next` of the page before.
    after: Option<RecordId>,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Page {
    /// How many there are in all.
    total: usize,
    /// Those of the page, the newest first.
    memories: Vec<Memory>,
    /// What to send as `after` for the next page; nothing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<RecordId>,
}

/// The parts of scopes that records have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Entities {
    /// In the order of kind and name.
    entities: Vec<Entity>,
}

/// What a filter looks like, for the document.
pub(in crate::http) fn filter_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": ["object", "null"], "additionalProperties": true})
}

/// How many records may be asked for.
pub(in crate::http) fn within(app: &App, limit: Option<usize>, usual: usize) -> Result<usize, Problem> {
    let (limit, most) = (limit.unwrap_or(usual), app.settings.max_results);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`limit` is 1 to {most}")).at("limit"))
}

impl Scoped {
    pub(super) fn scope(self) -> Scope {
        Scope { user: self.user_id, agent: self.agent_id, app: self.app_id, run: self.run_id }
    }
}

/// `GET` on a path.
pub(super) fn all(routes: ApiMethodRouter<App>) -> ApiMethodRouter<App> {
    routes.get_with(scoped, |op| {
        let about =
            "The memories of a scope, the newest first, a page at a time. `POST /v1/memories/list` takes a filter.";
        named(op, "list_memories", "List memories", about, "memories")
    })
}

async fn scoped(State(app): State<App>, caller: Caller, Query(query): Query<Scoped>) -> Result<Json<Page>, Problem> {
    let (limit, after) = (query.limit, query.after);
    page(app, caller, Filter::of_scope(&query.scope()), limit, after).await
}

pub(super) async fn filtered(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<Filtered>,
) -> Result<Json<Page>, Problem> {
    let filter = body.filter.map_or_else(|| Ok(Filter::everything()), |filter| Filter::parse(&filter))?;
    page(app, caller, filter, body.limit, body.after).await
}

pub(super) fn filtered_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "The memories that a filter means, the newest first, a page at a time.";
    let filter = json!({"user_id": "alice", "metadata": {"project": "shop"}, "NOT": {"categories": {"in": ["draft"]}}});
    let op = named(op, "filter_memories", "List memories by a filter", about, "memories");
    example(op, &json!({"filter": filter, "limit": 20}))
}

async fn page(
    app: App,
    caller: Caller,
    filter: Filter,
    limit: Option<usize>,
    after: Option<RecordId>,
) -> Result<Json<Page>, Problem> {
    let limit = within(&app, limit, PAGE)?;
    let listed = app.blocking(move |service| {
        let list = |filter: &Filter, limit| service.index().list(&caller.tenant, filter, 0, limit);
        let Some(after) = after else { return Ok(list(&filter, limit + 1)?) };
        let total = list(&filter, 1)?.total;
        let mut listed = list(&filter.and(older(after)), limit + 1)?;
        listed.total = total;
        Ok(listed)
    });
    let mut listed = listed.await?;
    let is_last = listed.page.len() <= limit;
    listed.page.truncate(limit);
    let next = listed.page.last().filter(|_| !is_last).map(|last| last.record.id);
    Ok(Json(Page { total: listed.total, memories: listed.page.into_iter().map(Memory::from).collect(), next }))
}

/// The records that were added before one. Ids are in the order in which records were added, as texts too.
pub(super) fn older(id: RecordId) -> Filter {
    Filter::Is(Field::Id, Test::Ordered(vec![Ordering::Less], id.to_string().into()))
}

pub(super) async fn entities(State(app): State<App>, caller: Caller) -> Result<Json<Entities>, Problem> {
    let entities = app.blocking(move |service| Ok(service.index().entities(&caller.tenant)?)).await?;
    Ok(Json(Entities { entities }))
}

pub(super) fn entities_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "Which persons, agents, applications and runs have memories, and how many each.";
    named(op, "list_entities", "List users, agents, apps and runs", about, "memories")
}
