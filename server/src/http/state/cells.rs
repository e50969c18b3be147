//! Cells: read, listed, written and changed, within a session or each for itself.

use super::view::{Asked, Cell, Cells, Change, Committed, Versions};
use super::{AGENT, MAX_PAGE, PAGE, Refused, author, bad_key, blocking, idempotency, named, owner, session, text};
use crate::http::docs::{brief, example};
use crate::http::{App, Body, Caller, Path, Query, Writer};
use crate::service::Service;
use crate::sessions::Owner;
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use axum::Json;
use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use consistency::operation::Operation;
use consistency::range::Range;
use consistency::store::Outcome;
use consistency::{Key, Level, SessionId};
use memory::Tenant;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// What a session remembers of a cell that a search found, about.
const KEY_BYTES: usize = 64;

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let own = get_with(show, |op| {
        brief(op, "read_cell", "Read a cell", "state")
            .description("With the header `Trace-Session`, the read belongs to that session and is validated when it commits.")
            .response::<200, Json<Cell>>()
    })
    .put_with(put, |op| {
        example(brief(op, "write_cell", "Write a cell", "state"), &json!(["read", "plan"]))
            .description("`If-Match` and `If-None-Match: *` make it depend on what was read. With `Trace-Session` it waits for the session's commit.")
            .response::<200, Json<Committed>>()
            .response::<202, ()>()
    })
    .post_with(change, |op| {
        example(brief(op, "change_cell", "Change a cell: append, add, count, put a field", "state"), &json!({"op": "append", "item": "test"})).response::<200, Json<Committed>>().response::<202, ()>()
    })
    .delete_with(remove, |op| {
        brief(op, "remove_cell", "Remove a cell", "state").response::<200, Json<Committed>>().response::<202, ()>()
    });
    let within = get_with(seen, |op| {
        brief(op, "read_cell_in_session", "Read a cell in a session", "state").response::<200, Json<Cell>>()
    });
    ApiRouter::new()
        .api_route(
            "/v1/state/cells",
            get_with(list, |op| brief(op, "list_cells", "List cells by the beginning of their keys", "state")),
        )
        .api_route("/v1/state/cells/{*key}", own)
        .api_route(
            "/v1/state/history/{*key}",
            get_with(history, |op| brief(op, "cell_history", "List the versions of a cell", "state")),
        )
        .api_route(
            "/v1/state/sessions/{id}/cells",
            get_with(found, |op| brief(op, "search_cells_in_session", "Search cells in a session", "state")),
        )
        .api_route(
            "/v1/state/sessions/{id}/cells/{*key}",
            within
                .merge(put_with(put_in, |op| {
                    example(
                        brief(op, "write_cell_in_session", "Write a cell in a session", "state"),
                        &json!(["read", "plan"]),
                    )
                    .response::<202, ()>()
                }))
                .merge(post_with(change_in, |op| {
                    example(
                        brief(op, "change_cell_in_session", "Change a cell in a session", "state"),
                        &json!({"op": "append", "item": "test"}),
                    )
                    .response::<202, ()>()
                }))
                .delete_with(remove_in, |op| {
                    brief(op, "remove_cell_in_session", "Remove a cell in a session", "state").response::<202, ()>()
                }),
        )
}

/// A cell in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Keyed {
    /// The cell's key; it may hold slashes.
    key: String,
}

/// A cell in a path, in a session.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct KeyedIn {
    /// The session.
    id: String,
    /// The cell's key; it may hold slashes.
    key: String,
}

/// A session in a path.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct In {
    /// The session.
    pub(super) id: String,
}

/// Which cells are listed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Listing {
    /// What the keys begin with.
    prefix: String,
    /// Only cells beyond this key: the `next` of the page before.
    after: Option<String>,
    /// How many at most: 1 to 1000, 100 where nothing is said.
    limit: Option<usize>,
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(Keyed { key }): Path<Keyed>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let absent = |what: &str| Refused::new(StatusCode::NOT_FOUND, format!("the cell is {what}"));
    if let Some(id) = named(&headers)? {
        let cell = read(&app, &caller, id, key).await?;
        return if cell.holds.is_present() { Ok(Json(cell).into_response()) } else { Err(absent("absent or deleted")) };
    }
    let Caller { tenant, .. } = caller;
    let cell = tenant.state(&key).map_err(bad_key)?;
    let newest = blocking(&app, move |service| {
        let newest = service.store().newest(std::slice::from_ref(&cell));
        let written = newest.map_err(|error| Refused::store(&tenant, error))?.into_iter().next().flatten();
        Ok(written.and_then(|written| Cell::of(&tenant, &cell, written)))
    });
    let cell = newest.await?.ok_or_else(|| absent("absent"))?;
    if !cell.holds.is_present() {
        return Err(absent("deleted"));
    }
    let tag = tag(cell.version.as_deref().unwrap_or_default());
    let known =
        headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok()).is_some_and(|known| lists(known, &tag));
    let shown = if known { StatusCode::NOT_MODIFIED.into_response() } else { Json(cell).into_response() };
    Ok(tagged(shown, &tag))
}

/// Reads a cell in a session, which is validated when it commits.
async fn read(app: &App, caller: &Caller, id: SessionId, key: String) -> Result<Cell, Refused> {
    let (owner, tenant) = (owner(caller), caller.tenant.clone());
    let cell = tenant.state(&key).map_err(bad_key)?;
    blocking(app, move |service| {
        let content = service.sessions().work(&owner, id, key.len(), |session| session.read(cell.as_str()));
        Ok(Cell::seen(key, content.map_err(|error| Refused::session(&tenant, error))?))
    })
    .await
}

async fn seen(
    State(app): State<App>,
    caller: Caller,
    Path(KeyedIn { id, key }): Path<KeyedIn>,
) -> Result<Json<Cell>, Refused> {
    Ok(Json(read(&app, &caller, session(&id)?, key).await?))
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(listing): Query<Listing>,
    headers: HeaderMap,
) -> Result<Json<Cells>, Refused> {
    let owner = owner(&caller);
    match named(&headers)? {
        Some(id) => blocking(&app, move |service| searched(service, &owner, id, &listing)).await,
        None => blocking(&app, move |service| listed(service, &owner.tenant, &listing)).await,
    }
    .map(Json)
}

async fn found(
    State(app): State<App>,
    caller: Caller,
    Path(In { id }): Path<In>,
    Query(listing): Query<Listing>,
) -> Result<Json<Cells>, Refused> {
    let (owner, id) = (owner(&caller), session(&id)?);
    blocking(&app, move |service| searched(service, &owner, id, &listing)).await.map(Json)
}

/// The intervals of keys that a page begins in.
fn intervals(tenant: &Tenant, listing: &Listing) -> Result<Vec<Range>, Refused> {
    let mut ranges = tenant.states(&listing.prefix);
    if let Some(after) = &listing.after {
        // Keys hold no control characters, so that nothing lies between a key and this.
        let from = format!("{}\0", tenant.state(after).map_err(bad_key)?);
        ranges.retain(|range| range.to.as_ref().is_none_or(|to| *to > from));
        for range in &mut ranges {
            if range.from < from {
                range.from.clone_from(&from);
            }
        }
    }
    Ok(ranges)
}

impl Listing {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE)
    }
}

fn listed(service: &Service, tenant: &Tenant, listing: &Listing) -> Result<Cells, Refused> {
    let (limit, mut cells) = (listing.limit(), Vec::new());
    for range in intervals(tenant, listing)? {
        let found =
            service.store().list(&range, limit + 1 - cells.len()).map_err(|error| Refused::store(tenant, error))?;
        cells.extend(found.into_iter().filter_map(|(key, written)| Cell::of(tenant, &key, written)));
        if cells.len() > limit {
            break;
        }
    }
    let more = cells.len() > limit;
    cells.truncate(limit);
    let next = cells.last().filter(|_| more).map(|cell| cell.key.clone());
    Ok(Cells { cells, next })
}

/// Searches in a session, as far as about a page reaches; only that is validated when the session commits.
fn searched(service: &Service, owner: &Owner, id: SessionId, listing: &Listing) -> Result<Cells, Refused> {
    let tenant = &owner.tenant;
    let refused = |error| Refused::store(tenant, error);
    let (mut left, mut cells, mut next) = (listing.limit(), Vec::new(), None);
    for mut range in intervals(tenant, listing)? {
        if left == 0 {
            next = cells.last().map(|cell: &Cell| cell.key.clone());
            break;
        }
        let page = service.store().list(&range, left + 1).map_err(refused)?;
        let more = page.len() > left;
        let last = page.into_iter().take(left).next_back().filter(|_| more).map(|(key, _)| key);
        if let Some(last) = &last {
            range.to = Some(format!("{last}\0"));
        }
        let found = service.sessions().work(owner, id, left * KEY_BYTES, |session| session.search(&range));
        let found = found.map_err(|error| Refused::session(tenant, error))?;
        left = left.saturating_sub(found.len());
        let shown =
            |(key, value): (Key, _)| Some(Cell::seen(tenant.shown(&key)?, consistency::Content::Present(value)));
        cells.extend(found.into_iter().filter_map(shown));
        next = last.and_then(|last| tenant.shown(&last).map(str::to_owned));
        if next.is_some() {
            break;
        }
    }
    Ok(Cells { cells, next })
}

async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(Keyed { key }): Path<Keyed>,
) -> Result<Json<Versions>, Refused> {
    let tenant = caller.tenant;
    let key = tenant.state(&key).map_err(bad_key)?;
    let versions = blocking(&app, move |service| {
        let kept = service.store().history(key.as_str()).map_err(|error| Refused::store(&tenant, error))?;
        Ok(kept.into_iter().filter_map(|written| Cell::of(&tenant, &key, written)).collect::<Vec<_>>())
    });
    match versions.await? {
        versions if versions.is_empty() => Err(Refused::new(StatusCode::NOT_FOUND, "the cell was never written")),
        versions => Ok(Json(Versions { versions })),
    }
}

async fn put(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Keyed { key }): Path<Keyed>,
    headers: HeaderMap,
    Body(value): Body<Value>,
) -> Result<Response, Refused> {
    write(&app, caller, &key, &headers, Change::Write { value }).await
}

async fn change(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Keyed { key }): Path<Keyed>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Refused> {
    write(&app, caller, &key, &headers, change).await
}

async fn remove(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(Keyed { key }): Path<Keyed>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    write(&app, caller, &key, &headers, Change::Delete).await
}

async fn put_in(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(KeyedIn { id, key }): Path<KeyedIn>,
    Body(value): Body<Value>,
) -> Result<StatusCode, Refused> {
    buffer(&app, caller, session(&id)?, &key, Change::Write { value }).await
}

async fn change_in(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(KeyedIn { id, key }): Path<KeyedIn>,
    Body(change): Body<Change>,
) -> Result<StatusCode, Refused> {
    buffer(&app, caller, session(&id)?, &key, change).await
}

async fn remove_in(
    State(app): State<App>,
    Writer(caller): Writer,
    Path(KeyedIn { id, key }): Path<KeyedIn>,
) -> Result<StatusCode, Refused> {
    buffer(&app, caller, session(&id)?, &key, Change::Delete).await
}

/// Keeps a change in a session until that commits.
async fn buffer(app: &App, caller: Caller, id: SessionId, key: &str, change: Change) -> Result<StatusCode, Refused> {
    let owner = owner(&caller);
    let cell = caller.tenant.state(key).map_err(bad_key)?;
    let asked = change.asked();
    blocking(app, move |service| {
        let bytes = cell.as_str().len() + asked.bytes();
        let done = service.sessions().work(&owner, id, bytes, |session| match asked {
            Asked::Operation(operation) => session.operate(cell.as_str(), operation),
            Asked::Merge(ours, by) => session.merge(cell.as_str(), ours, by),
        });
        done.map_err(|error| Refused::session(&owner.tenant, error))
    })
    .await?;
    Ok(StatusCode::ACCEPTED)
}

/// What a write depends on besides itself.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// The cell holds a value.
    Present,
    /// The cell holds no value.
    Vacant,
    /// The cell is at one of these versions, as tags.
    At(String),
}

impl Condition {
    /// What the headers of a request ask for.
    fn of(headers: &HeaderMap) -> Result<Option<Condition>, Refused> {
        match (text(headers, IF_MATCH.as_str())?, text(headers, IF_NONE_MATCH.as_str())?) {
            (None, None) => Ok(None),
            (Some("*"), None) => Ok(Some(Condition::Present)),
            (Some(tags), None) => Ok(Some(Condition::At(tags.to_owned()))),
            (None, Some("*")) => Ok(Some(Condition::Vacant)),
            _ => Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "a write takes `If-Match`, or `If-None-Match: *`, and not both",
            )),
        }
    }

    fn holds(&self, newest: Option<&consistency::ledger::Written>) -> bool {
        let value = newest.filter(|written| written.content.value().is_some());
        match self {
            Condition::Present => value.is_some(),
            Condition::Vacant => value.is_none(),
            Condition::At(tags) => value.is_some_and(|written| lists(tags, &tag(&written.version.to_string()))),
        }
    }
}

/// Writes in a session that the headers name, or else in one of its own.
async fn write(app: &App, caller: Caller, key: &str, headers: &HeaderMap, change: Change) -> Result<Response, Refused> {
    if let Some(id) = named(headers)? {
        return Ok(buffer(app, caller, id, key, change).await?.into_response());
    }
    let (agent, condition) = (author(&caller, text(headers, AGENT)?)?, Condition::of(headers)?);
    let tenant = caller.tenant;
    let once = idempotency(&tenant, headers)?;
    if once.is_some() && condition.is_some() {
        let detail =
            "a condition and an idempotency key exclude each other: once committed, the condition no longer holds";
        return Err(Refused::new(StatusCode::BAD_REQUEST, detail));
    }
    let Asked::Operation(operation) = change.asked() else {
        return Err(Refused::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a merge combines with what a session has read: begin one",
        ));
    };
    let own = Single { agent, cell: tenant.state(key).map_err(bad_key)?, operation, condition, once };
    let committed = blocking(app, move |service| own.commit(service, &tenant)).await?;
    let tag = tag(&committed.version);
    Ok(tagged(Json(committed).into_response(), &tag))
}

/// A write that is a session of its own.
struct Single {
    agent: String,
    cell: Key,
    operation: Operation,
    condition: Option<Condition>,
    once: Option<String>,
}

impl Single {
    fn commit(self, service: &Service, tenant: &Tenant) -> Result<Committed, Refused> {
        let store = service.store();
        let refused = |error| Refused::store(tenant, error);
        let failed =
            || Refused::new(StatusCode::PRECONDITION_FAILED, "the cell is not what the condition says: read it again");
        let mut session = store.begin(self.agent, Level::L1).map_err(refused)?;
        if let Some(condition) = &self.condition {
            // The commit validates this read, so that what is found to hold here holds there.
            session.read(self.cell.as_str()).map_err(refused)?;
            let newest = store.newest(std::slice::from_ref(&self.cell)).map_err(refused)?.into_iter().next().flatten();
            if !condition.holds(newest.as_ref()) {
                return Err(failed());
            }
        }
        session.operate(self.cell.as_str(), self.operation).map_err(refused)?;
        match session.commit(self.once.as_deref()).map_err(refused)? {
            Outcome::Committed { version, is_final } => Ok(Committed { version: version.to_string(), is_final }),
            Outcome::Conflict(_) => Err(failed()),
            Outcome::Busy { key, until, .. } => Err(Refused::busy(tenant, &key, until, service.memories().now())),
        }
    }
}

/// The tag of a version.
fn tag(version: &str) -> String {
    format!("\"{version}\"")
}

/// Tells whether a list of tags, or `*`, has one of them.
fn lists(tags: &str, tag: &str) -> bool {
    tags.split(',').map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
