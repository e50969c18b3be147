//! Why something about shared state was not done: a problem, with what changed and when to try again.

use super::view::{Changed, shown};
use crate::http::Problem;
use crate::sessions::SessionError;
use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as Described, StatusCode as Code};
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use consistency::decide::Refusal;
use consistency::session::Stale;
use consistency::store::StoreError;
use consistency::{Key, Millis};
use memory::Tenant;
use schemars::JsonSchema;
use serde::Serialize;

/// A problem, and where a session could not go on, what changed under it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Refused {
    /// The problem.
    #[serde(flatten)]
    problem: Problem,
    /// What the session relied on and no longer holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stale: Vec<Changed>,
}

impl Refused {
    /// Something that a caller may not do, or can't.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Refused {
        Problem::new(status, detail).into()
    }

    /// A session that can't commit, and how to go on.
    pub fn conflict(tenant: &Tenant, stale: &[Stale]) -> Refused {
        let first = stale.first().map(|stale| match stale {
            Stale::Cell { key, .. } => format!("`{}` changed since it was read; ", shown(tenant, key)),
            Stale::Lease { key, .. } => format!("the lease on `{}` was lost; ", shown(tenant, key)),
            Stale::Tool { tool, .. } => format!("the tool `{tool}` changed; "),
            Stale::Retracted { version, .. } => format!("the commit {version} was taken back; "),
        });
        let detail = format!(
            "{}nothing was written. `acknowledge` a change that does not matter, `rewind` the steps that saw it, or `restart`",
            first.unwrap_or_default()
        );
        let problem = Problem::new(StatusCode::CONFLICT, detail);
        Refused { problem, stale: stale.iter().map(|stale| Changed::of(tenant, stale)).collect() }
    }

    /// A cell that an older session works on.
    pub fn busy(tenant: &Tenant, key: &Key, until: Millis, now: Millis) -> Refused {
        let detail = format!("an older session works on `{}`: try again later", shown(tenant, key));
        let seconds = until.saturating_sub(now).div_ceil(1000).max(1);
        Problem::new(StatusCode::LOCKED, detail).retry_after(seconds).into()
    }

    /// What the store could not do, in the tenant's words.
    pub fn store(tenant: &Tenant, error: StoreError) -> Refused {
        match error {
            StoreError::Doomed(stale) => Refused::conflict(tenant, &stale),
            StoreError::Refused(Refusal::Misfit { key, misfit }) => {
                Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("`{}`: {misfit}", shown(tenant, &key)))
            }
            other => Problem::from(other).into(),
        }
    }

    /// Why a session could not be had.
    pub fn session(tenant: &Tenant, error: SessionError) -> Refused {
        let (status, seconds) = match error {
            SessionError::Store(error) => return Refused::store(tenant, error),
            SessionError::Unknown(_) => (StatusCode::NOT_FOUND, None),
            SessionError::Taken(_) => (StatusCode::CONFLICT, Some(1)),
            SessionError::TooMany => (StatusCode::TOO_MANY_REQUESTS, Some(10)),
            SessionError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, None),
        };
        let problem = Problem::new(status, error.to_string());
        seconds.map_or(problem.clone(), |seconds| problem.retry_after(seconds)).into()
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        Refused { problem, stale: Vec::new() }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = self.problem.into_response();
        // The problem's own length is not that of the body with what changed.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(body);
        response
    }
}

impl OperationOutput for Refused {
    type Inner = Refused;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<Described> {
        let mut described = axum::Json::<Refused>::operation_response(ctx, operation)?;
        let content = described.content.shift_remove("application/json")?;
        described.content.insert("application/problem+json".to_owned(), content);
        Some(described)
    }

    fn inferred_responses(ctx: &mut GenContext, operation: &mut Operation) -> Vec<(Option<Code>, Described)> {
        let described = |ctx: &mut GenContext, operation: &mut Operation| Refused::operation_response(ctx, operation);
        described(ctx, operation).map(|response| (None, response)).into_iter().collect()
    }
}
