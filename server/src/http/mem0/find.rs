//! Searching and reading.

use super::asked::{Asked, Parameters, bad};
use super::shown::{Page, Paged, Shown, relevance};
use super::{Named, Narrowed, id};
use crate::http::{App, Caller, Path, Problem};
use axum::Json;
use axum::extract::State;
use memory::MemoryError;
use memory::filter::shown;
use memory::index::{Mode, Query};
use memory::record::{Happening, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// How many are found unless said otherwise.
const DEFAULT_TOP_K: usize = 10;
/// The most that are found.
const MAX_TOP_K: usize = 1000;

/// What is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0Search")]
pub(super) struct Search {
    /// What is looked for.
    query: String,
    /// Among which memories.
    #[serde(flatten)]
    among: Among,
    /// How many are wanted at most: 1 to 1000, 10 unless named.
    top_k: Option<usize>,
    /// The least relevance, from 0 to 1.
    threshold: Option<f32>,
    /// Which fields of a memory are wanted; all unless named.
    fields: Option<Vec<String>>,
    /// What the metadata must be.
    metadata: Option<Map<String, Value>>,
    /// Accepted; results are always ordered by all that is known of them.
    #[serde(rename = "rerank")]
    _rerank: Option<bool>,
    /// Accepted; words are always looked for.
    #[serde(rename = "keyword_search")]
    _words: Option<bool>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "reference_date")]
    _reference_date: Option<Value>,
}

/// Which memories are wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Mem0GetAll")]
pub(super) struct All {
    /// Among which memories.
    #[serde(flatten)]
    among: Among,
    /// Added at or after this time.
    start_date: Option<String>,
    /// Added at or before this time.
    end_date: Option<String>,
}

/// What narrows the memories.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Mem0Among")]
struct Among {
    /// The filter. It names a user, an agent, an app or a run.
    filters: Option<Map<String, Value>>,
    /// The person they belong to.
    user_id: Option<String>,
    /// The agent they belong to.
    agent_id: Option<String>,
    /// The application they belong to.
    app_id: Option<String>,
    /// The run they belong to.
    run_id: Option<String>,
    /// What they are about: one of these.
    categories: Option<Vec<String>>,
    /// Only `false`: what is expired is not recalled.
    show_expired: Option<bool>,
    /// Accepted; a memory that is changed is always the latest of itself.
    #[serde(rename = "latest_only")]
    _latest_only: Option<bool>,
    /// Accepted; the answer has always the newest form.
    #[serde(rename = "output_format")]
    _output_format: Option<String>,
    /// Accepted; the answer has always the newest form.
    #[serde(rename = "version")]
    _version: Option<String>,
    /// Accepted; nothing follows from it.
    #[serde(rename = "source")]
    _source: Option<String>,
}

impl Among {
    fn narrowed(self) -> Result<Narrowed, Problem> {
        if self.show_expired == Some(true) {
            return Err(bad("what is expired is not recalled: leave `show_expired` out"));
        }
        let mut more = Map::new();
        if let Some(categories) = self.categories {
            more.insert("categories".to_owned(), json!({ "in": categories }));
        }
        let Among { user_id, agent_id, app_id, run_id, filters, .. } = self;
        let any = |id: &Option<String>| id.as_deref() == Some("*");
        for (name, id) in [("user_id", &user_id), ("agent_id", &agent_id), ("app_id", &app_id), ("run_id", &run_id)] {
            if any(id) {
                more.insert(name.to_owned(), "*".into());
            }
        }
        let exact = |id: Option<String>| id.filter(|id| id != "*");
        let scope = Scope { user: exact(user_id), agent: exact(agent_id), app: exact(app_id), run: exact(run_id) };
        Ok(Narrowed { scope, filters, more })
    }
}

/// What was found.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Found")]
pub(super) struct Found {
    /// Memories with their `score`, the best first; only the fields that were asked for.
    results: Vec<Map<String, Value>>,
}

pub(super) async fn search(
    State(app): State<App>,
    caller: Caller,
    Asked(search): Asked<Search>,
) -> Result<Json<Found>, Problem> {
    let limit = search.top_k.unwrap_or(DEFAULT_TOP_K);
    if !(1..=MAX_TOP_K).contains(&limit) {
        return Err(bad(format!("`top_k` is 1 to {MAX_TOP_K}")));
    }
    if search.query.trim().is_empty() {
        return Err(bad("`query` is empty"));
    }
    let mut narrowed = search.among.narrowed()?;
    if let Some(metadata) = search.metadata {
        narrowed.more.insert("metadata".to_owned(), metadata.into());
    }
    let query = Query { text: search.query, filter: narrowed.filter()?, limit, mode: Mode::Hybrid, neighbours: true };
    let hits = app.blocking(move |service| Ok(service.index().search(&caller.tenant, &query)?)).await?;
    let mut results = Vec::new();
    for hit in hits {
        let score = relevance(&hit);
        if search.threshold.is_some_and(|least| score < least) {
            continue;
        }
        let shown = serde_json::to_value(Shown::from(hit.stored.record)).map_err(|_| Problem::internal())?;
        let Value::Object(mut fields) = shown else { return Err(Problem::internal()) };
        fields.insert("score".to_owned(), score.into());
        if let Some(wanted) = &search.fields {
            fields.retain(|name, _| name == "id" || wanted.iter().any(|field| field == name));
        }
        results.push(fields);
    }
    Ok(Json(Found { results }))
}

pub(super) async fn all(
    State(app): State<App>,
    caller: Caller,
    Parameters(page): Parameters<Page>,
    Asked(all): Asked<All>,
) -> Result<Json<Paged<Shown>>, Problem> {
    let (skip, limit) = page.bounds()?;
    let mut narrowed = all.among.narrowed()?;
    let mut created = Map::new();
    for (name, bound) in [("gte", all.start_date), ("lte", all.end_date)] {
        created.extend(bound.map(|bound| (name.to_owned(), bound.into())));
    }
    if !created.is_empty() {
        narrowed.more.insert("created_at".to_owned(), created.into());
    }
    let filter = narrowed.filter()?;
    let listed = app.blocking(move |service| Ok(service.index().list(&caller.tenant, &filter, skip, limit)?)).await?;
    let results = listed.page.into_iter().map(|stored| Shown::from(stored.record)).collect();
    Ok(Json(page.of("/v3/memories/", listed.total, results)))
}

pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path(Named { id: text }): Path<Named>,
) -> Result<Json<Shown>, Problem> {
    let id = id(&text)?;
    let found = app.blocking(move |service| Ok(service.memories().get(&caller.tenant, id)?)).await?;
    let stored = found.ok_or(MemoryError::Unknown(id))?;
    Ok(Json(stored.record.into()))
}

/// Something that happened to a memory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Mem0Past")]
pub(super) struct Past {
    /// Its name.
    id: String,
    /// The memory.
    memory_id: String,
    /// Nothing: what was said is not kept beside what is remembered.
    input: Vec<Value>,
    /// The text before.
    old_memory: Option<String>,
    /// The text after.
    new_memory: Option<String>,
    /// Who did it.
    actor_id: String,
    /// The person that the memory belongs to; nothing once it is forgotten.
    user_id: Option<String>,
    /// `ADD`, `UPDATE` or `DELETE`.
    event: &'static str,
    /// When.
    created_at: String,
    /// When.
    updated_at: String,
}

pub(super) async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(Named { id: text }): Path<Named>,
) -> Result<Json<Vec<Past>>, Problem> {
    let id = id(&text)?;
    let (past, now) = app
        .blocking(move |service| {
            let memories = service.memories();
            Ok((memories.history(&caller.tenant, id)?, memories.get(&caller.tenant, id)?))
        })
        .await?;
    if past.is_empty() {
        return Err(MemoryError::Unknown(id).into());
    }
    let user_id = now.and_then(|stored| stored.record.scope.user);
    let entry = |(number, past): (usize, memory::record::Past)| Past {
        id: format!("{id}/{number}"),
        memory_id: id.to_string(),
        input: Vec::new(),
        old_memory: past.before,
        new_memory: past.after,
        actor_id: past.by,
        user_id: user_id.clone(),
        event: match past.what {
            Happening::Added => "ADD",
            Happening::Updated => "UPDATE",
            Happening::Forgotten => "DELETE",
        },
        created_at: shown(past.at),
        updated_at: shown(past.at),
    };
    Ok(Json(past.into_iter().enumerate().map(entry).collect()))
}
