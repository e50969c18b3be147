//! `/v1/search` and `/v1/recall`: what fits a question, bare or as a context within a budget.

use super::docs::{example, named, problems};
use super::memories::{Memory, filter_schema, within};
use super::{App, Body, Caller, Problem, Writer};
use crate::learning::{Feedback, FeedbackError, Learnt, TrialId};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use aide::transform::TransformOperation;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use memory::budget::Limits;
use memory::index::{self, Hit, Mode};
use memory::module::Fact;
use memory::{Filter, Scope, Trust};
use router::decision::Decision;
use router::online::Standing;
use router::recall::{Item, Reply, Request, Routing, Spending, Tiers};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The longest question, in bytes.
const MAX_QUERY_BYTES: usize = 8 << 10;
/// How many records are found unless more or fewer are asked for.
const FOUND: usize = 10;
/// How many records are considered for a context unless more or fewer are asked for.
const CONSIDERED: usize = 50;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .api_route("/v1/search", post_with(search, search_described))
        .api_route("/v1/recall", post_with(recall, recall_described))
        .api_route("/v1/recall/{trial}/feedback", post_with(feedback, feedback_described))
        .api_route("/v1/recall/learning", get_with(learning, learning_described))
}

/// A search.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Searched {
    /// What is looked for: 1 byte to 8 KiB.
    query: String,
    /// Whose records.
    #[serde(default)]
    scope: Scope,
    /// Which of those: fields, `AND`, `OR`, `NOT`, and the operators `eq ne in gt gte lt lte contains icontains`.
    #[serde(default)]
    #[schemars(schema_with = "filter_schema")]
    filter: Option<Value>,
    /// How many at most: 1 to 1000, 10 if not said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// How.
    #[serde(default)]
    mode: Mode,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Answer {
    /// The best first.
    results: Vec<Found>,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Found {
    /// The record.
    #[serde(flatten)]
    memory: Memory,
    /// How well it fits; comparable within one answer only.
    score: f32,
    /// Its score by words (BM25), where it was found by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<f32>,
    /// Its cosine, where it was compared by meaning.
    #[serde(skip_serializing_if = "Option::is_none")]
    dense: Option<f32>,
}

/// A question, and what its answer may cost.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// What is asked: 1 byte to 8 KiB.
    query: String,
    /// Among whose records.
    #[serde(default)]
    scope: Scope,
    /// Among which of those: fields, `AND`, `OR`, `NOT`, and operators, as in a search.
    #[serde(default)]
    #[schemars(schema_with = "filter_schema")]
    filter: Option<Value>,
    /// Hard caps in tokens of context, milliseconds and US dollars; what is not named is not capped.
    #[serde(default)]
    budget: Limits,
    /// How much effort each module may make; one that is not named makes what the policy says, or the least where that is off.
    #[serde(default)]
    tiers: Tiers,
    /// How many records are considered at most: 1 to 1000, 50 if not said.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    limit: Option<usize>,
    /// Whether the scores that led to the order are told.
    #[serde(default)]
    explain: bool,
}

/// What was recalled.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Recalled {
    /// What the context holds, the best first.
    items: Vec<Quoted>,
    /// The context: what is to be put in front of a model, within the token budget. Texts that nobody vouches for are quoted.
    context: String,
    /// What was spent, in all and by module.
    spending: Spending,
    /// Whether there is not enough evidence for an answer.
    abstains: bool,
    /// What each module found out, if asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    facts: Option<BTreeMap<String, Vec<Fact>>>,
    /// Who chose the tiers that were not asked for, and why, if asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<Routing>,
    /// What was chosen from what and why, if asked to explain: `trace router explain ID` shows it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
    /// The name under which feedback on this is given, where feedback is learnt from.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<TrialId>,
}

/// Which recall is meant.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "TrialPath")]
struct Named {
    /// What `trial` of the recall said.
    trial: TrialId,
}

/// An item of a context.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
struct Quoted {
    /// Its number in the context.
    number: usize,
    /// The record, with its provenance.
    memory: Memory,
    /// How far it may be trusted: its provenance's word for it.
    trust: Trust,
    /// How many tokens of the context it has.
    tokens: u64,
    /// What it is worth for the question after all modules; comparable within one answer only.
    value: f64,
    /// How well the search found it to fit; comparable within one answer only.
    score: f32,
    /// Its score by words, if asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    lexical: Option<f32>,
    /// Its cosine, if asked to explain.
    #[serde(skip_serializing_if = "Option::is_none")]
    dense: Option<f32>,
}

impl From<Hit> for Found {
    fn from(Hit { stored, score, lexical, dense }: Hit) -> Found {
        Found { memory: stored.into(), score, lexical, dense }
    }
}

async fn search(State(app): State<App>, caller: Caller, Body(body): Body<Searched>) -> Result<Json<Answer>, Problem> {
    let limit = within(&app, body.limit, FOUND)?;
    let text = asked(body.query)?;
    let filter = meant(&body.scope, body.filter.as_ref())?;
    let query = index::Query { text, filter, limit, mode: body.mode, neighbours: true };
    let hits = app.blocking(move |service| Ok(service.index().search(&caller.tenant, &query)?)).await?;
    Ok(Json(Answer { results: hits.into_iter().map(Found::from).collect() }))
}

fn search_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "By words and by meaning, where there is an embedder. What the caller has just written is found.";
    let op = named(op, "search_memories", "Search memories", about, "recall");
    example(op, &json!({"query": "package manager", "scope": {"user_id": "alice"}, "limit": 5, "mode": "hybrid"}))
}

async fn recall(State(app): State<App>, caller: Caller, Body(body): Body<Asked>) -> Result<Json<Recalled>, Problem> {
    let limit = within(&app, body.limit, CONSIDERED)?;
    let (query, filter) = (asked(body.query)?, meant(&body.scope, body.filter.as_ref())?);
    if body.budget.usd.is_some_and(|usd| usd < 0.0) {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "a budget is not negative").at("budget.usd"));
    }
    let request = Request { query, filter, limits: body.budget, tiers: body.tiers, limit };
    let (reply, trial) = app
        .blocking(move |service| {
            let (reply, trial) = service.recall_and_learn(&caller.tenant, &request)?;
            if let Some(decision) = reply.decision.as_ref().filter(|_| body.explain) {
                // The reply holds it in any case.
                drop(service.keep(decision));
            }
            Ok((reply, trial))
        })
        .await?;
    let quoted = |Item { number, hit, value, tokens, .. }: Item| {
        let Hit { stored, score, lexical, dense } = hit;
        let (lexical, dense) = (lexical.filter(|_| body.explain), dense.filter(|_| body.explain));
        let trust = stored.record.provenance.trust;
        Quoted { number, memory: stored.into(), trust, tokens, value, score, lexical, dense }
    };
    let Reply { items, context, spending, abstains, facts, routing, decision, .. } = reply;
    let items = items.into_iter().map(quoted).collect();
    let (facts, decision) = (body.explain.then_some(facts), decision.filter(|_| body.explain));
    let routing = body.explain.then_some(routing);
    Ok(Json(Recalled { items, context, spending, abstains, facts, routing, decision, trial }))
}

fn recall_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "A context for a model, within a hard budget. What could not be done within it is left out, and `spending` \
        says so.";
    let op = named(op, "recall", "Recall a context for a question", about, "recall");
    let budget = json!({"tokens": 400, "ms": 500, "usd": 0.001});
    let tiers = json!({"filter": "mid", "summary": "high"});
    let query = "Which package manager does Alice want?";
    example(
        op,
        &json!({"query": query, "scope": {"user_id": "alice"}, "budget": budget, "tiers": tiers, "explain": true}),
    )
}

async fn feedback(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Named { trial }): Path<Named>,
    Body(body): Body<Feedback>,
) -> Result<Json<Learnt>, Problem> {
    Ok(Json(
        app.blocking(move |service| {
            Ok(service.learning().ok_or(FeedbackError::Off)?.learn(&caller.tenant, trial, &body)?)
        })
        .await?,
    ))
}

fn feedback_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "What became of the items of a context, once for each recall. It is learnt from where the configuration says so \
        (`[router] online = true`), for this tenant alone.";
    let op = named(op, "give_feedback", "Say what a recalled context was good for", about, "recall");
    let (used, useless) = ("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058");
    example(problems(op, &[404, 409, 422]), &json!({"used": [used], "useless": [useless]}))
}

async fn learning(State(app): State<App>, caller: Caller) -> Result<Json<Standing>, Problem> {
    Ok(Json(
        app.blocking(move |service| Ok(service.learning().ok_or(FeedbackError::Off)?.standing(&caller.tenant)?))
            .await?,
    ))
}

fn learning_described(op: TransformOperation<'_>) -> TransformOperation<'_> {
    let about = "What each way to make a context is worth by the feedback so far, with what was not done estimated from what \
        was, and whether the ways that feedback speaks for are taken.";
    problems(named(op, "show_learning", "Show what feedback has taught", about, "recall"), &[409])
}

impl From<FeedbackError> for Problem {
    fn from(error: FeedbackError) -> Problem {
        let status = match &error {
            FeedbackError::Off => StatusCode::CONFLICT,
            FeedbackError::Unknown => StatusCode::NOT_FOUND,
            FeedbackError::NotShown(_) | FeedbackError::Nothing => StatusCode::UNPROCESSABLE_ENTITY,
            FeedbackError::Log { .. } => {
                tracing::error!(%error, "feedback was lost");
                return Problem::internal();
            }
        };
        Problem::new(status, error.to_string())
    }
}

fn asked(query: String) -> Result<String, Problem> {
    if query.trim().is_empty() || query.len() > MAX_QUERY_BYTES {
        let detail = format!("`query` has 1 to {MAX_QUERY_BYTES} bytes");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at("query"));
    }
    Ok(query)
}

/// What a scope and a filter mean together.
fn meant(scope: &Scope, filter: Option<&Value>) -> Result<Filter, Problem> {
    let scoped = Filter::of_scope(scope);
    Ok(match filter.filter(|filter| !filter.is_null()) {
        Some(filter) => scoped.and(Filter::parse(filter)?),
        None => scoped,
    })
}
