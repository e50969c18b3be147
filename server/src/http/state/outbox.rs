//! What is to happen outside, and the tools that do it: the local tenant's alone, as there is one outbox for the store.

use super::{Refused, blocking, local};
use crate::http::docs::{brief, example};
use crate::http::{App, Body, Caller, Path, Query, Writer};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use consistency::Version;
use consistency::decide::EffectEnd;
use consistency::ledger::{Effect, EffectId, Repeat, Stage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most effects of a page.
const MAX_PAGE: usize = 1000;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let settle_op = post_with(settle, |op| {
        example(brief(op, "settle_effect", "Settle an effect that is in doubt", "state"), &json!({"happened": true}))
            .response::<204, ()>()
    });
    let tool = put_with(register, |op| {
        example(
            brief(op, "register_tool", "Say what a tool is now", "state"),
            &json!({"fingerprint": "send@3", "repeat": "keyed"}),
        )
    })
    .delete_with(remove, |op| brief(op, "remove_tool", "Say that a tool is gone", "state"));
    ApiRouter::new()
        .api_route(
            "/v1/state/effects",
            get_with(list, |op| brief(op, "list_effects", "List effects, in the order of the world", "state")),
        )
        .api_route("/v1/state/effects/{commit}/{index}/settle", settle_op)
        .api_route("/v1/state/tools", get_with(tools, |op| brief(op, "list_tools", "List tools", "state")))
        .api_route("/v1/state/tools/{tool}", tool)
}

/// Which effects are listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Listing {
    /// Only effects after this one: the `next` of the page before, as `version/index`.
    after: Option<String>,
    /// Only those of one lane.
    lane: Option<String>,
    /// How many are looked at, at most 1000.
    limit: Option<usize>,
}

/// An effect.
#[derive(Debug, Serialize, JsonSchema)]
struct EffectView {
    /// Its name: the commit that issued it, and its turn in there.
    id: String,
    /// Where it goes.
    lane: String,
    /// The tool that is called.
    tool: String,
    /// What the tool is told.
    payload: serde_json::Value,
    /// How far it is: `waiting`, `claimed`, `done`, `in_doubt` or `dropped`.
    stage: &'static str,
}

/// A page of effects.
#[derive(Debug, Serialize, JsonSchema)]
struct Effects {
    /// The effects.
    effects: Vec<EffectView>,
    /// Where the next page begins; left out with the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn shown(EffectId { commit, index }: EffectId) -> String {
    format!("{commit}/{index}")
}

fn parsed(commit: &str, index: &str) -> Option<EffectId> {
    Some(EffectId { commit: commit.parse().ok()?, index: index.parse().ok()? })
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Result<Json<Effects>, Refused> {
    let tenant = local(caller)?.tenant;
    let bad = || Refused::new(StatusCode::BAD_REQUEST, "`after` is `version/index`, as in `0.17/0`");
    let after = listing
        .after
        .as_deref()
        .map(|after| after.split_once('/').and_then(|(commit, index)| parsed(commit, index)).ok_or_else(bad));
    let (after, limit) = (after.transpose()?, listing.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE));
    blocking(&app, move |service| {
        let page = service.store().effects(after, limit).map_err(|error| Refused::store(&tenant, error))?;
        let next = page.last().filter(|_| page.len() == limit).map(|last| shown(last.id));
        let fits = |effect: &Effect| listing.lane.as_ref().is_none_or(|lane| lane == effect.lane.as_str());
        let effects = page.into_iter().filter(fits).map(EffectView::from).collect();
        Ok(Json(Effects { effects, next }))
    })
    .await
}

impl From<Effect> for EffectView {
    fn from(Effect { id, lane, tool, payload, stage, .. }: Effect) -> EffectView {
        let stage = match stage {
            Stage::Waiting { .. } => "waiting",
            Stage::Claimed { .. } => "claimed",
            Stage::Done => "done",
            Stage::InDoubt { .. } => "in_doubt",
            Stage::Dropped(_) => "dropped",
        };
        EffectView { id: shown(id), lane: lane.into(), tool: tool.into(), payload: payload.into_json(), stage }
    }
}

/// An effect in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct Named {
    /// The commit that issued it.
    commit: String,
    /// Its turn in there.
    index: String,
}

/// What became of an effect.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settled {
    /// Whether it happened.
    happened: bool,
}

async fn settle(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Named { commit, index }): Path<Named>,
    Body(Settled { happened }): Body<Settled>,
) -> Result<StatusCode, Refused> {
    let tenant = local(caller)?.tenant;
    let id = parsed(&commit, &index).ok_or_else(|| Refused::new(StatusCode::NOT_FOUND, "there is no such effect"))?;
    let end = if happened { EffectEnd::Done } else { EffectEnd::Failed };
    blocking(&app, move |service| service.store().settle(id, end).map_err(|error| Refused::store(&tenant, error)))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What may be done when nobody knows whether a call arrived.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Again {
    /// Send it again: the tool takes an idempotency key.
    Keyed,
    /// Ask the tool first.
    Queryable,
    /// Have a person settle it.
    #[default]
    Never,
}

/// What a tool is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Registration {
    /// A hash or a version of its signature and implementation.
    fingerprint: String,
    /// What may be done when nobody knows whether a call arrived.
    #[serde(default)]
    repeat: Again,
}

/// A tool.
#[derive(Debug, Serialize, JsonSchema)]
struct ToolView {
    /// Its name.
    tool: String,
    /// What it is.
    #[serde(flatten)]
    is: Registration,
}

/// All tools.
#[derive(Debug, Serialize, JsonSchema)]
struct ToolsView {
    /// The tools.
    tools: Vec<ToolView>,
}

async fn tools(State(app): State<App>, caller: Caller) -> Result<Json<ToolsView>, Refused> {
    let tenant = local(caller)?.tenant;
    blocking(&app, move |service| {
        let tools = service.store().tools().map_err(|error| Refused::store(&tenant, error))?;
        let tools = tools.into_iter().map(|(tool, registered)| {
            let repeat = match registered.repeat {
                Repeat::Keyed => Again::Keyed,
                Repeat::Queryable => Again::Queryable,
                Repeat::Never => Again::Never,
            };
            let is = Registration { fingerprint: registered.fingerprint.to_string(), repeat };
            ToolView { tool: tool.into(), is }
        });
        Ok(Json(ToolsView { tools: tools.collect() }))
    })
    .await
}

/// A tool in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct OfTool {
    /// Its name.
    tool: String,
}

/// Since when a tool is what it is.
#[derive(Debug, Serialize, JsonSchema)]
struct Since {
    /// The version.
    version: String,
}

async fn register(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(OfTool { tool }): Path<OfTool>,
    Body(Registration { fingerprint, repeat }): Body<Registration>,
) -> Result<Json<Since>, Refused> {
    let tenant = local(caller)?.tenant;
    let repeat = match repeat {
        Again::Keyed => Repeat::Keyed,
        Again::Queryable => Repeat::Queryable,
        Again::Never => Repeat::Never,
    };
    blocking(&app, move |service| {
        since(service.store().register(tool, fingerprint, repeat).map_err(|error| Refused::store(&tenant, error))?)
    })
    .await
}

async fn remove(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(OfTool { tool }): Path<OfTool>,
) -> Result<Json<Since>, Refused> {
    let tenant = local(caller)?.tenant;
    blocking(&app, move |service| {
        since(service.store().unregister(tool).map_err(|error| Refused::store(&tenant, error))?)
    })
    .await
}

#[expect(clippy::unnecessary_wraps, reason = "what the closures above come to")]
fn since(version: Version) -> Result<Json<Since>, Refused> {
    Ok(Json(Since { version: version.to_string() }))
}
