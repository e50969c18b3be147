//! `/v1/state/watch`: what is committed, told as server-sent events.
//!
//! Of a cell that changes twice between two looks the newest version is told. The last cell of each commit carries the
//! commit's version as the event's id, so that who comes back with `Last-Event-ID` misses nothing, and may see cells of a
//! commit that was cut off once more. Memory is one page of cells and a short queue for each watcher.

use super::view::Cell;
use super::{Refused, blocking};
use crate::http::docs::brief;
use crate::http::{App, Caller, Problem, Query};
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as Described, StatusCode as Code};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use consistency::range::Range;
use consistency::{Key, Version};
use memory::Tenant;
use schemars::JsonSchema;
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

/// The most watchers of a server.
const MAX_WATCHERS: usize = 256;
/// How many events wait for a slow watcher before the store is no longer read for it.
const QUEUE: usize = 16;
/// How many cells are read at a time.
const PAGE: usize = 256;
/// How often a watcher is told that the connection lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The routes.
pub(super) fn routes() -> ApiRouter<App> {
    let told = get_with(follow, |op| {
        brief(op, "watch_cells", "Watch cells, as server-sent events", "state")
            .description("Events `change` hold a cell each. Send `Last-Event-ID` to go on where a connection was lost.")
    });
    ApiRouter::new().api_route("/v1/state/watch", told)
}

/// What is watched.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Watched {
    /// What the keys begin with.
    prefix: String,
    /// Only what was committed after this version, as `epoch.sequence`; `0.0` tells what is there first. The present where
    /// nothing is said.
    since: Option<String>,
}

/// A watcher of a tenant's cells.
struct Watcher {
    app: App,
    tenant: Tenant,
    ranges: Vec<Range>,
    since: Version,
    queue: mpsc::Sender<Result<Event, Infallible>>,
}

/// A stream of events.
struct Told(ReceiverStream<Result<Event, Infallible>>);

impl IntoResponse for Told {
    fn into_response(self) -> Response {
        Sse::new(self.0).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
    }
}

impl OperationOutput for Told {
    type Inner = String;

    fn inferred_responses(_: &mut GenContext, _: &mut Operation) -> Vec<(Option<Code>, Described)> {
        let mut described = Described { description: "server-sent events".to_owned(), ..Described::default() };
        described.content.insert("text/event-stream".to_owned(), MediaType::default());
        vec![(Some(Code::Code(200)), described)]
    }
}

async fn follow(
    State(app): State<App>,
    caller: Caller,
    Query(Watched { prefix, since }): Query<Watched>,
    headers: HeaderMap,
) -> Result<Told, Refused> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let bad = |_| Refused::new(StatusCode::BAD_REQUEST, "`since` and `Last-Event-ID` are versions, as in `0.17`");
    let since = last.or(since.as_deref()).map(|since| since.parse::<Version>().map_err(bad)).transpose()?;
    if app.service.feed().waiting() >= MAX_WATCHERS {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "there are enough watchers: try again later"));
    }
    let tenant = caller.tenant;
    let waits = app.service.feed().wait().map_err(|error| Refused::store(&tenant, error))?;
    let since = match since {
        Some(since) => since,
        None => blocking(&app, |service| Ok(service.store().clock().map_err(Problem::from)?)).await?,
    };
    let (queue, told) = mpsc::channel(QUEUE);
    let watcher = Watcher { ranges: tenant.states(&prefix), app, tenant, since, queue };
    tokio::spawn(watcher.run(waits));
    Ok(Told(ReceiverStream::new(told)))
}

impl Watcher {
    /// Tells what is committed, until nobody listens or the server ends.
    async fn run(mut self, mut waits: watch::Receiver<Option<Version>>) {
        loop {
            // Marked as seen before the store is read, so that no commit in between goes unnoticed.
            if waits.borrow_and_update().is_none() || self.catch_up().await.is_none() {
                return;
            }
            let queue = self.queue.clone();
            tokio::select! {
                changed = waits.changed() => if changed.is_err() { return },
                () = queue.closed() => return,
            }
        }
    }

    /// Tells everything up to the present; nothing where that came to an end.
    async fn catch_up(&mut self) -> Option<()> {
        loop {
            let since = self.since;
            let read = blocking(&self.app, move |service| {
                Ok(service.store().written_since(since, PAGE).map_err(Problem::from)?)
            });
            let page = read.await.ok()?;
            let Some((_, last)) = page.last() else { return Some(()) };
            self.since = last.version;
            let own: Vec<(Key, _)> = page.into_iter().filter(|(key, _)| self.watches(key)).collect();
            let mut own = own.into_iter().peekable();
            while let Some((key, written)) = own.next() {
                let version = written.version;
                let Some(cell) = Cell::of(&self.tenant, &key, written) else { continue };
                let event = Event::default().event("change").json_data(cell).ok()?;
                let ends = own.peek().is_none_or(|(_, next)| next.version != version);
                let event = if ends { event.id(version.to_string()) } else { event };
                self.queue.send(Ok(event)).await.ok()?;
            }
        }
    }

    fn watches(&self, key: &Key) -> bool {
        self.ranges.iter().any(|range| range.contains(key))
    }
}
