//! Commits that are not final: listed, approved and taken back, each by the tenant whose cells they wrote.

use super::view::{OpenCommit, OpenCommits};
use super::{AGENT, Refused, author, blocking, text};
use crate::http::docs::brief;
use crate::http::{App, Caller, Path, Writer};
use crate::service::Service;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use consistency::Version;
use memory::Tenant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let retract_op =
        post_with(retract, |op| brief(op, "retract_commit", "Take a commit back, with all that rests on it", "state"));
    ApiRouter::new()
        .api_route(
            "/v1/state/open",
            get_with(list, |op| brief(op, "list_open_commits", "List the commits that are not final", "state")),
        )
        .api_route(
            "/v1/state/open/{version}/approve",
            post_with(approve, |op| brief(op, "approve_commit", "Approve a held commit", "state")),
        )
        .api_route("/v1/state/open/{version}/retract", retract_op)
}

/// A commit in a path.
#[derive(Debug, Deserialize, JsonSchema)]
struct At {
    /// Its version, as `epoch.sequence`.
    version: String,
}

/// What became of some commits.
#[derive(Debug, Serialize, JsonSchema)]
struct Done {
    /// The commits: those that became final, or that were taken back.
    commits: Vec<String>,
    /// The commit that took them back.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

fn open(service: &Service, tenant: &Tenant) -> Result<Vec<(Version, OpenCommit)>, Refused> {
    let open = service.store().open_commits().map_err(|error| Refused::store(tenant, error))?;
    Ok(open.iter().filter_map(|open| Some((open.version, OpenCommit::of(tenant, open)?))).collect())
}

/// The version that a path names, where it is an open commit of the tenant.
fn own(service: &Service, tenant: &Tenant, version: &str) -> Result<Version, Refused> {
    let found = open(service, tenant)?.into_iter().find(|(own, _)| own.to_string() == version);
    let unknown = || {
        Refused::new(StatusCode::NOT_FOUND, "there is no such open commit: it is final, was taken back, or never was")
    };
    found.map(|(version, _)| version).ok_or_else(unknown)
}

async fn list(State(app): State<App>, caller: Caller) -> Result<Json<OpenCommits>, Refused> {
    blocking(&app, move |service| {
        let open = open(service, &caller.tenant)?.into_iter().map(|(_, open)| open).collect();
        Ok(Json(OpenCommits { open }))
    })
    .await
}

async fn approve(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(At { version }): Path<At>,
) -> Result<Json<Done>, Refused> {
    let tenant = caller.tenant;
    blocking(&app, move |service| {
        let version = own(service, &tenant, &version)?;
        let finals = service.store().approve(version).map_err(|error| Refused::store(&tenant, error))?;
        Ok(Json(Done { commits: finals.iter().map(Version::to_string).collect(), by: None }))
    })
    .await
}

async fn retract(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(At { version }): Path<At>,
    headers: HeaderMap,
) -> Result<Json<Done>, Refused> {
    let (agent, tenant) = (author(&caller, text(&headers, AGENT)?)?, caller.tenant);
    blocking(&app, move |service| {
        let version = own(service, &tenant, &version)?;
        let (by, gone) = service.store().retract(version, agent).map_err(|error| Refused::store(&tenant, error))?;
        Ok(Json(Done { commits: gone.iter().map(Version::to_string).collect(), by: Some(by.to_string()) }))
    })
    .await
}
