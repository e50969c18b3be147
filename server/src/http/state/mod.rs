//! `/v1/state`: the cells and sessions of one tenant.
//!
//! Reads that carry a session, in the path or in the header [`SESSION`], are tracked here, so that a client that knows
//! nothing of read sets has one. Without a session a read is a look at the newest version, and a write is a session of its
//! own. INVARIANTS: every key is made by the caller's [`Tenant`] and shown by it; a session answers only to who began it.
//! Effects and tools are the whole store's and reach outside it: they are the local tenant's alone.

mod cells;
mod commits;
mod outbox;
mod refused;
mod sessions;
pub mod view;
mod watch;

pub use refused::Refused;

use super::{App, Caller, Problem};
use crate::service::Service;
use crate::sessions::Owner;
use aide::axum::ApiRouter;
use axum::http::{HeaderMap, StatusCode};
use consistency::SessionId;
use memory::Tenant;

/// The header that names the session whose read or write a request is.
pub const SESSION: &str = "trace-session";
/// The header that names the agent that acts.
pub const AGENT: &str = "trace-agent";
/// The header under which a commit is made once.
pub const IDEMPOTENCY: &str = "idempotency-key";
/// The longest name of an agent, and the longest idempotency key, in bytes.
const MAX_NAME_BYTES: usize = 200;
/// How many cells a page has where nothing is said, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    ApiRouter::new()
        .merge(cells::routes())
        .merge(sessions::routes())
        .merge(commits::routes())
        .merge(outbox::routes())
        .merge(watch::routes())
}

/// Does something that may block.
async fn blocking<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Service) -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    app.blocking(move |service| Ok(work(service))).await?
}

/// The caller, where it is this machine's user: effects and tools are one for the whole store.
fn local(caller: Caller) -> Result<Caller, Refused> {
    if caller.tenant.is_local() {
        return Ok(caller);
    }
    Err(Refused::new(StatusCode::FORBIDDEN, "effects and tools are for the local tenant only"))
}

fn owner(caller: &Caller) -> Owner {
    Owner { tenant: caller.tenant.clone(), caller: caller.name.clone() }
}

/// Who is written down as the author: the agent that the request names, behind the name of the key where there is one.
fn author(caller: &Caller, agent: Option<&str>) -> Result<String, Refused> {
    let Some(agent) = agent.filter(|agent| !agent.is_empty()) else { return Ok(caller.name.clone()) };
    if agent.len() > MAX_NAME_BYTES || agent.chars().any(char::is_control) {
        let detail = format!("the name of an agent has at most {MAX_NAME_BYTES} printable bytes");
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    Ok(if caller.tenant.is_local() { agent.to_owned() } else { format!("{}/{agent}", caller.name) })
}

/// The text of a header.
fn text<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, Refused> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.len() <= MAX_NAME_BYTES);
    let bad =
        || Refused::new(StatusCode::BAD_REQUEST, format!("the header `{name}` is not printable ASCII, or too long"));
    text.map(Some).ok_or_else(bad)
}

/// The session that a request names in its header.
fn named(headers: &HeaderMap) -> Result<Option<SessionId>, Refused> {
    text(headers, SESSION)?.map(session).transpose()
}

/// The session of that name, as far as it is a name.
fn session(id: &str) -> Result<SessionId, Refused> {
    id.parse().map_err(|_| Refused::new(StatusCode::NOT_FOUND, format!("there is no session `{}`", id.escape_debug())))
}

/// The idempotency key of a request as the store knows it, where keys of all tenants meet.
fn idempotency(tenant: &Tenant, headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let key = text(headers, IDEMPOTENCY)?;
    if key.is_some_and(|key| key.is_empty() || key.starts_with('@')) {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            "an idempotency key is not empty and does not begin with `@`",
        ));
    }
    Ok(key.map(|key| if tenant.is_local() { key.to_owned() } else { format!("@tenant/{tenant}/{key}") }))
}

/// A problem of a key.
fn bad_key(error: consistency::Malformed) -> Refused {
    Problem::from(consistency::store::StoreError::from(error)).into()
}
