//! `/v1/audit`: who did what to which of the caller's cells, when; as the store's log tells, in which every write stands.
//!
//! Told are the cells and what was done to them, never what they hold. Each entry carries the hash over the log up to it, so
//! that what was told once can't be told otherwise later; `trace doctor` decides the whole log again and compares.
//! INVARIANT: of an entry only the caller's own cells are told, and an entry without any is not told at all. What is done to
//! the store as a whole (tools, settlements, approvals and retractions) is told to the local tenant only.

use super::{App, Caller, Problem, Query};
use crate::http::docs::brief;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::Json;
use axum::extract::State;
use consistency::decide::{Order, Proposal};
use consistency::operation::{Delta, Operation};
use consistency::store::{Entry, Store, StoreError};
use consistency::{Key, Millis};
use memory::Tenant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many entries a page tells where nothing is said, and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;
/// How many entries of the log are looked at for a page at most; those of other tenants are skipped.
const MAX_SCANNED: usize = 4096;
/// How many are read at a time: an entry holds all that was written.
const STEP: usize = 64;

/// The routes.
pub fn routes() -> ApiRouter<App> {
    let told = get_with(list, |op| {
        brief(op, "list_audit", "List what was done, oldest first", "audit")
            .description("Entries of the store's hash-chained log that concern the caller's cells: who, when, which cells, how; no values.")
    });
    ApiRouter::new().api_route("/v1/audit", told)
}

/// Which entries are told.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Listing {
    /// Only entries after this one: the `next` of the page before.
    after: u64,
    /// How many at most: 1 to 1000, 100 where nothing is said.
    limit: Option<usize>,
}

/// A page of what was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Audit {
    /// The entries, oldest first.
    pub entries: Vec<Told>,
    /// Where the next page begins. A page may be short, or empty, before the end.
    pub next: u64,
    /// Whether this was the end of the log.
    pub is_end: bool,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// Its place in the log of the store, from 1.
    pub seq: u64,
    /// What: `commit`, `retract`, `approve`, `register`, `settle`, `recover`.
    pub what: &'static str,
    /// Who did it, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When, in milliseconds since 1970, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Millis>,
    /// Where the store's clock stood after it, as `epoch.sequence`.
    pub version: String,
    /// What it was done to.
    pub cells: Vec<Touched>,
    /// The hash over the log up to here, in hexadecimal digits.
    pub chain: String,
}

/// Something that was done to a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Touched {
    /// What the cell is for.
    pub kind: Kind,
    /// Its name: the key, the memory, the path, or the key's id.
    pub name: String,
    /// What was done, in order: `put`, `delete`, `append`, `add`, `count`, `field`, `merge`.
    pub operations: Vec<&'static str>,
}

/// What cells are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// State that agents share.
    State,
    /// A memory.
    Memory,
    /// A file of a memory folder.
    File,
    /// A key that opens the server.
    Key,
    /// A tool, an effect or a commit.
    Store,
}

async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(Listing { after, limit }): Query<Listing>,
) -> Result<Json<Audit>, Problem> {
    let limit = limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    app.blocking(move |service| Ok(Json(page(service.store(), &caller.tenant, after, limit)?))).await
}

/// What was done to a tenant's cells after an entry, at most `limit` entries, within a bounded part of the log.
///
/// # Errors
/// [`StoreError`] when the log can't be read.
pub fn page(store: &Store, tenant: &Tenant, after: u64, limit: usize) -> Result<Audit, StoreError> {
    let (mut entries, mut next, mut scanned) = (Vec::new(), after, 0);
    while scanned < MAX_SCANNED {
        let read = store.log_since(next, STEP)?;
        let is_end = read.len() < STEP;
        for entry in read {
            if entries.len() == limit {
                return Ok(Audit { entries, next, is_end: false });
            }
            next = entry.seq;
            scanned += 1;
            entries.extend(told(tenant, &entry));
        }
        if is_end {
            return Ok(Audit { entries, next, is_end: true });
        }
    }
    Ok(Audit { entries, next, is_end: false })
}

/// What a tenant is told of an entry; nothing where it does not concern the tenant.
fn told(tenant: &Tenant, entry: &Entry) -> Option<Told> {
    let whole =
        |what, name: String| (what, None, None, vec![Touched { kind: Kind::Store, name, operations: Vec::new() }]);
    let (what, agent, at, cells) = match &entry.order {
        Order::Commit(proposal) => {
            let Proposal { session, work, now } = &**proposal;
            let cells = work.writes.iter().filter_map(|(key, operations)| touched(tenant, key, operations));
            let cells: Vec<Touched> = cells.collect();
            // A commit without a cell that is told of concerns the local tenant where it has effects.
            let concerns = !cells.is_empty() || tenant.is_local() && !work.effects.is_empty();
            if !concerns {
                return None;
            }
            ("commit", Some(session.begin.agent.to_string()), Some(*now), cells)
        }
        _ if !tenant.is_local() => return None,
        Order::Retract { version, agent } => {
            let (what, _, at, cells) = whole("retract", version.to_string());
            (what, Some(agent.to_string()), at, cells)
        }
        Order::Approve { version } => whole("approve", version.to_string()),
        Order::Register { tool, .. } => whole("register", tool.to_string()),
        Order::Settle { id, token: None, .. } => whole("settle", format!("{}/{}", id.commit, id.index)),
        Order::Recover => ("recover", None, None, Vec::new()),
        Order::Settle { .. }
        | Order::Lease { .. }
        | Order::Release { .. }
        | Order::Claim { .. }
        | Order::Collect { .. } => {
            return None;
        }
    };
    let (seq, version) = (entry.seq, entry.version.to_string());
    let chain = blake3::Hash::from_bytes(entry.chain).to_hex().to_string();
    Some(Told { seq, what, agent, at, version, cells, chain })
}

/// What was done to a cell; nothing where the tenant is not told of it.
fn touched(tenant: &Tenant, key: &Key, operations: &[Operation]) -> Option<Touched> {
    let (kind, name) = named(tenant, key)?;
    Some(Touched { kind, name: name.to_owned(), operations: operations.iter().map(word).collect() })
}

/// What a cell is for and how it is called there. Cells that only keep order among others are not told of: there is none
/// without one that is.
fn named<'k>(tenant: &Tenant, key: &'k Key) -> Option<(Kind, &'k str)> {
    if let Some(name) = tenant.shown(key) {
        return Some((Kind::State, name));
    }
    let text = key.as_str();
    if let Some(id) = text.strip_prefix(&tenant.records()) {
        return Some((Kind::Memory, id));
    }
    if let Some(path) =
        text.strip_prefix("@tenant/").and_then(|rest| rest.strip_prefix(tenant.name())?.strip_prefix("/file/"))
    {
        return Some((Kind::File, path));
    }
    text.strip_prefix("@keys/").filter(|_| tenant.is_local()).map(|id| (Kind::Key, id))
}

fn word(operation: &Operation) -> &'static str {
    match operation {
        Operation::Put(_) => "put",
        Operation::Delete => "delete",
        Operation::Delta(Delta::Append(_)) => "append",
        Operation::Delta(Delta::Add(_)) => "add",
        Operation::Delta(Delta::Count(_)) => "count",
        Operation::Delta(Delta::Field(..)) => "field",
        Operation::Merge { .. } => "merge",
    }
}
