//! Sessions: begun, looked at, brought on and committed.

use super::cells::In;
use super::view::{Cell, Changed, Committed, Mode, Protection, SessionView, SessionsView};
use super::{Refused, author, bad_key, blocking, idempotency, local, owner, session};
use crate::http::docs::{brief, example};
use crate::http::{App, Body, Caller, Path, Writer};
use crate::keys::Access;
use crate::service::Service;
use crate::sessions::{Held, Owner, SessionError, Stage};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use consistency::store::{Leased, Outcome, Session, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// The longest lease, in seconds.
const MAX_LEASE_S: u64 = 3600;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let of = |path: &str| format!("/v1/state/sessions/{{id}}{path}");
    let all = post_with(begin, |op| {
        example(brief(op, "begin_session", "Begin a session", "state"), &json!({"agent": "ana", "level": "L1"}))
            .response::<201, Json<SessionView>>()
    })
    .get_with(list, |op| brief(op, "list_sessions", "List the sessions that this server holds", "state"));
    let one = get_with(show, |op| brief(op, "show_session", "Show a session, and what changed under it", "state"))
        .delete_with(end, |op| {
            brief(op, "end_session", "End a session without a commit", "state").response::<204, ()>()
        });
    ApiRouter::new()
        .api_route("/v1/state/sessions", all)
        .api_route("/v1/state/sessions/{id}", one)
        .api_route(
            &of("/commit"),
            post_with(commit, |op| {
                brief(op, "commit_session", "Commit a session", "state")
                    .description("409 tells what changed since it was read, and that nothing was written; 423, that an older session works on a cell.")
            }),
        )
        .api_route(&of("/effects"), post_with(effect, |op| example(brief(op, "issue_effect", "Issue an effect", "state"), &json!({"lane": "mail", "tool": "send", "payload": {"to": "ana"}})).response::<202, ()>()))
        .api_route(&of("/pins"), post_with(pin, |op| example(brief(op, "pin_tool", "Rely on a tool being what it is now", "state"), &json!({"tool": "send"}))))
        .api_route(&of("/steps"), post_with(step, |op| example(brief(op, "begin_step", "Begin a step of the work", "state"), &json!({"after": [0]}))))
        .api_route(&of("/hold"), post_with(hold, |op| brief(op, "hold_session", "Have the commit wait for an approval", "state").response::<204, ()>()))
        .api_route(&of("/acknowledge"), post_with(acknowledge, |op| example(brief(op, "acknowledge_cell", "Accept what a cell holds now", "state"), &json!({"key": "plan"}))))
        .api_route(&of("/rewind"), post_with(rewind, |op| brief(op, "rewind_session", "Forget the steps that saw what no longer holds", "state")))
        .api_route(&of("/restart"), post_with(restart, |op| brief(op, "restart_session", "Begin again, as old as the first attempt", "state")))
        .api_route(&of("/leases"), post_with(lease, |op| example(brief(op, "lease_cell", "Ask for a lease on a cell, or renew it", "state"), &json!({"key": "plan", "seconds": 30}))))
}

/// How a session begins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Begin {
    /// Who acts; the name of the key where nothing is said.
    agent: Option<String>,
    /// What it is protected from.
    level: Protection,
    /// What it is for.
    mode: Mode,
}

async fn begin(
    State(app): State<App>,
    caller: Caller,
    Body(Begin { agent, level, mode }): Body<Begin>,
) -> Result<(StatusCode, Json<SessionView>), Refused> {
    if mode != Mode::Snapshot {
        caller.demand(Access::Write)?;
    }
    let (agent, owner) = (author(&caller, agent.as_deref())?, owner(&caller));
    let begun = blocking(&app, move |service| {
        let (tenant, how) = (owner.tenant.clone(), (agent, level.into(), mode.into()));
        let held = service.sessions().begin(service.store(), owner, how, service.memories().now());
        Ok(view(&*held.map_err(|error| Refused::session(&tenant, error))?, Some(Vec::new())))
    });
    Ok((StatusCode::CREATED, Json(begun.await?)))
}

fn view(held: &Held, stale: Option<Vec<Changed>>) -> SessionView {
    let started = &held.started;
    SessionView {
        id: held.id.to_string(),
        agent: started.agent.clone(),
        level: started.level.into(),
        mode: started.mode.into(),
        started_at: started.at,
        snapshot: started.snapshot.to_string(),
        has_committed: held.has_committed(),
        stale,
    }
}

async fn list(State(app): State<App>, caller: Caller) -> Json<SessionsView> {
    let sessions = app.service.sessions().of(&caller.tenant).iter().map(|held| view(held, None)).collect();
    Json(SessionsView { sessions })
}

async fn show(State(app): State<App>, caller: Caller, Path(In { id }): Path<In>) -> Result<Json<SessionView>, Refused> {
    let (owner, id) = (owner(&caller), session(&id)?);
    blocking(&app, move |service| {
        let refused = |error| Refused::session(&owner.tenant, error);
        let held = service.sessions().held(&owner, id).map_err(refused)?;
        let stale = held.look(|stage| match stage {
            Stage::Working(session) => session.doomed(),
            Stage::Committed(_) | Stage::Over => Ok(Vec::new()),
        });
        let stale = stale.map_err(refused)?.iter().map(|stale| Changed::of(&owner.tenant, stale)).collect();
        Ok(Json(view(&held, Some(stale))))
    })
    .await
}

async fn end(State(app): State<App>, caller: Caller, Path(In { id }): Path<In>) -> Result<StatusCode, Refused> {
    let (owner, id) = (owner(&caller), session(&id)?);
    blocking(&app, move |service| {
        service.sessions().end(&owner, id).map_err(|error| Refused::session(&owner.tenant, error))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn commit(
    State(app): State<App>,
    caller: Caller,
    Path(In { id }): Path<In>,
    headers: HeaderMap,
) -> Result<Json<Committed>, Refused> {
    let (owner, id, once) = (owner(&caller), session(&id)?, idempotency(&caller.tenant, &headers)?);
    blocking(&app, move |service| {
        let refused = |error| Refused::session(&owner.tenant, error);
        match service.sessions().commit(&owner, id, once.as_deref()).map_err(refused)? {
            Outcome::Committed { version, is_final } => Ok(Json(Committed { version: version.to_string(), is_final })),
            Outcome::Conflict(first) => Err(conflict(service, &owner, id, first)),
            Outcome::Busy { key, until, .. } => {
                Err(Refused::busy(&owner.tenant, &key, until, service.memories().now()))
            }
        }
    })
    .await
}

/// Everything that changed under a session, what stopped its commit first.
fn conflict(
    service: &Service,
    owner: &Owner,
    id: consistency::SessionId,
    first: consistency::session::Stale,
) -> Refused {
    let doomed = service.sessions().work(owner, id, 0, |session| session.doomed());
    let mut stale = doomed.unwrap_or_default();
    stale.retain(|one| *one != first);
    stale.insert(0, first);
    Refused::conflict(&owner.tenant, &stale)
}

/// Does something with the caller's session.
async fn work<T: Send + 'static>(
    app: &App,
    caller: &Caller,
    id: &str,
    bytes: usize,
    work: impl FnOnce(&mut Session) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Refused> {
    let (owner, id) = (owner(caller), session(id)?);
    blocking(app, move |service| {
        let done: Result<T, SessionError> = service.sessions().work(&owner, id, bytes, work);
        done.map_err(|error| Refused::session(&owner.tenant, error))
    })
    .await
}

/// Something that is to happen outside.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Issue {
    /// Where it goes.
    lane: String,
    /// The tool that is called.
    tool: String,
    /// What the tool is told.
    payload: serde_json::Value,
}

async fn effect(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(In { id }): Path<In>,
    Body(Issue { lane, tool, payload }): Body<Issue>,
) -> Result<StatusCode, Refused> {
    let caller = local(caller)?;
    let bytes = lane.len() + tool.len() + payload.to_string().len();
    work(&app, &caller, &id, bytes, move |session| session.effect(lane, tool, payload)).await?;
    Ok(StatusCode::ACCEPTED)
}

/// A tool.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Relied {
    /// Its name.
    tool: String,
}

/// What a tool is.
#[derive(Debug, Serialize, JsonSchema)]
struct Pinned {
    /// What it is now; `null` where it is not registered.
    fingerprint: Option<String>,
}

async fn pin(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(In { id }): Path<In>,
    Body(Relied { tool }): Body<Relied>,
) -> Result<Json<Pinned>, Refused> {
    let caller = local(caller)?;
    let found = work(&app, &caller, &id, tool.len(), move |session| session.pin(tool)).await?;
    Ok(Json(Pinned { fingerprint: found.map(|fingerprint| fingerprint.to_string()) }))
}

/// Which steps a step follows from.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct After {
    /// Their numbers.
    after: Vec<u32>,
}

/// A step of the work.
#[derive(Debug, Serialize, JsonSchema)]
struct Stepped {
    /// Its number; what is read and written from now on belongs to it.
    step: u32,
}

async fn step(
    State(app): State<App>,
    caller: Caller,
    Path(In { id }): Path<In>,
    Body(After { after }): Body<After>,
) -> Result<Json<Stepped>, Refused> {
    let step = work(&app, &caller, &id, after.len() * size_of::<u32>(), move |session| session.step(&after)).await?;
    Ok(Json(Stepped { step }))
}

async fn hold(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(In { id }): Path<In>,
) -> Result<StatusCode, Refused> {
    work(&app, &caller, &id, 0, |session| {
        session.hold();
        Ok(())
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A cell of a session.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OfCell {
    /// Its key.
    key: String,
}

async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Path(In { id }): Path<In>,
    Body(OfCell { key }): Body<OfCell>,
) -> Result<Json<Cell>, Refused> {
    let cell = caller.tenant.state(&key).map_err(bad_key)?;
    let content = work(&app, &caller, &id, key.len(), move |session| session.acknowledge(cell.as_str())).await?;
    Ok(Json(Cell::seen(key, content)))
}

/// The steps that are to be done again.
#[derive(Debug, Serialize, JsonSchema)]
struct Rewound {
    /// Their numbers.
    steps: Vec<u32>,
}

async fn rewind(State(app): State<App>, caller: Caller, Path(In { id }): Path<In>) -> Result<Json<Rewound>, Refused> {
    let steps = work(&app, &caller, &id, 0, Session::rewind).await?;
    Ok(Json(Rewound { steps: steps.into_iter().collect() }))
}

async fn restart(
    State(app): State<App>,
    caller: Caller,
    Path(In { id }): Path<In>,
) -> Result<Json<SessionView>, Refused> {
    let (owner, id) = (owner(&caller), session(&id)?);
    blocking(&app, move |service| {
        let held = service.sessions().restart(service.store(), &owner, id);
        Ok(Json(view(&*held.map_err(|error| Refused::session(&owner.tenant, error))?, Some(Vec::new()))))
    })
    .await
}

/// A lease that is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LeaseAsked {
    /// The cell.
    key: String,
    /// For how long, in seconds: 1 to 3600.
    seconds: u64,
}

/// A lease that was granted.
#[derive(Debug, Serialize, JsonSchema)]
struct Granted {
    /// The fencing token.
    token: u64,
    /// When it ends unless renewed, in milliseconds since 1970.
    until: u64,
}

async fn lease(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(In { id }): Path<In>,
    Body(LeaseAsked { key, seconds }): Body<LeaseAsked>,
) -> Result<Json<Granted>, Refused> {
    let cell = caller.tenant.state(&key).map_err(bad_key)?;
    let (length, asked) = (Duration::from_secs(seconds.clamp(1, MAX_LEASE_S)), cell.clone());
    match work(&app, &caller, &id, key.len(), move |session| session.lease(asked.as_str(), length)).await? {
        Leased::Granted { token, until } => Ok(Json(Granted { token, until })),
        Leased::Busy { until, .. } => Err(Refused::busy(&caller.tenant, &cell, until, app.service.memories().now())),
    }
}
