//! The routes that the official clients of mem0's hosted platform call (Python `mem0ai` 2.2, JavaScript `mem0ai` 3.3 and
//! `@mem0/cli` 0.2), over the records that every other route sees.
//!
//! What the platform does later, in the background, is done here before the answer. A parameter that only asks for more
//! effort or that holds anyway is accepted; one that would change the answer and can't be honoured is refused. Where
//! nothing is behind a route, it answers 501. Errors put their text in `detail`, as JSON, which is where those clients look.

mod add;
pub mod asked;
mod change;
mod entities;
mod extract;
mod find;
mod shown;

pub(crate) use change::forget_all;

use super::docs::{brief, example, problems};
use super::{App, Caller, Problem};
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, get_with, post_with, put_with};
use asked::bad;
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::any;
use memory::filter::Filter;
use memory::{RecordId, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The routes.
pub fn routes() -> ApiRouter<App> {
    let nothing = "No language model is asked unless one is configured: then what a user says is kept as it was said.";
    let router = ApiRouter::new()
        .api_route("/v1/ping/", get_with(ping, |op| brief(op, "mem0_ping", "Tell who calls", "mem0")))
        .api_route(
            "/v3/memories/add/",
            post_with(add::add, |op| example(brief(op, "mem0_add", "Add what was said in messages", "mem0"), &json!({"messages": [{"role": "user", "content": "I prefer pnpm"}], "user_id": "alice"})).description(nothing)),
        )
        .api_route("/v3/memories/search/", post_with(find::search, |op| example(brief(op, "mem0_search", "Search memories", "mem0"), &json!({"query": "package manager", "filters": {"user_id": "alice"}}))))
        .api_route("/v3/memories/", post_with(find::all, |op| example(brief(op, "mem0_get_all", "List memories, the newest first", "mem0"), &json!({"filters": {"user_id": "alice"}}))))
        .api_route(
            "/v1/memories/{id}/",
            get_with(find::one, |op| brief(op, "mem0_get", "Show a memory", "mem0"))
                .put_with(change::update, |op| example(brief(op, "mem0_update", "Change a memory", "mem0"), &json!({"text": "prefers pnpm"})))
                .delete_with(change::delete, |op| brief(op, "mem0_delete", "Forget a memory", "mem0")),
        )
        .api_route("/v1/memories/{id}/history/", get_with(find::history, |op| brief(op, "mem0_history", "What happened to a memory", "mem0")))
        .api_route("/v1/memories/", delete_with(change::delete_all, |op| brief(op, "mem0_delete_all", "Forget the memories of a scope", "mem0")))
        .api_route(
            "/v1/batch/",
            put_with(change::update_batch, |op| problems(example(brief(op, "mem0_batch_update", "Change several memories at once", "mem0"), &json!({"memories": [{"memory_id": "01890a5d-ac96-774b-bcce-b302099a8057", "text": "prefers pnpm"}]})), &[404, 409]))
                .delete_with(change::delete_batch, |op| {
                    problems(example(brief(op, "mem0_batch_delete", "Forget several memories at once", "mem0"), &json!({"memories": [{"memory_id": "01890a5d-ac96-774b-bcce-b302099a8057"}]})), &[404])
                }),
        )
        .api_route("/v1/entities/", get_with(entities::list, |op| brief(op, "mem0_users", "List users, agents, apps and runs", "mem0")))
        .api_route(
            "/v1/entities/{type}/{name}/",
            delete_with(entities::delete, |op| brief(op, "mem0_delete_entity", "Forget the memories of an entity", "mem0")),
        )
        .api_route(
            "/v2/entities/{type}/{name}/",
            delete_with(entities::delete, |op| brief(op, "mem0_delete_users", "Forget the memories of an entity", "mem0")),
        )
        .api_route("/v1/event/{id}/", get_with(add::event, |op| brief(op, "mem0_event", "Show what an addition came to", "mem0")));
    absent(router)
}

/// Routes behind which there is nothing: each answers 501, for whoever may call at all.
fn absent(router: ApiRouter<App>) -> ApiRouter<App> {
    let paths = [
        "/v1/events/",
        "/v1/feedback/",
        "/v1/exports/",
        "/v1/exports/get/",
        "/v1/summary/",
        "/v2/entities/{type}/{name}/profile/",
        "/v2/profiles/{*rest}",
        "/api/v1/{*rest}",
    ];
    let answer = async |_: Caller| {
        let help =
            "this server has nothing behind that call; docs/clients.md lists what differs from the hosted service";
        Problem::new(StatusCode::NOT_IMPLEMENTED, help)
    };
    paths.into_iter().fold(router, |router, path| router.route(path, any(answer)))
}

/// Sends a problem as plain JSON where one of these clients asked: they read `detail` of nothing else. All their routes end
/// with a slash, and none of ours does.
pub(super) async fn plain(request: Request, next: Next) -> Response {
    let is_theirs = request.uri().path().ends_with('/');
    let mut response = next.run(request).await;
    if !is_theirs {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json")) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// Who calls.
#[derive(Debug, Serialize, JsonSchema)]
struct Ping {
    /// Always `ok`.
    status: &'static str,
    /// The tenant.
    org_id: String,
    /// The tenant.
    project_id: String,
    /// Nothing: this server keeps no addresses, and the clients would report one to their makers.
    user_email: Option<String>,
}

async fn ping(caller: Caller) -> Json<Ping> {
    let tenant = caller.tenant.name().to_owned();
    Json(Ping { status: "ok", org_id: tenant.clone(), project_id: tenant, user_email: None })
}

/// What a request tells beside its filters and that narrows the records too: all of it has to hold.
#[derive(Debug, Default)]
struct Narrowed {
    scope: Scope,
    filters: Option<Map<String, Value>>,
    more: Map<String, Value>,
}

impl Narrowed {
    /// The filter, which must name a user, an agent, an app or a run.
    fn filter(self) -> Result<Filter, Problem> {
        let parse =
            |json: Map<String, Value>| Filter::parse(&Value::Object(json)).map_err(|error| bad(error.to_string()));
        let filter = Filter::of_scope(&self.scope).and(parse(self.filters.unwrap_or_default())?).and(parse(self.more)?);
        if filter.names_a_scope() {
            return Ok(filter);
        }
        Err(bad("one of user_id, agent_id, app_id and run_id has to be in `filters`; `\"*\"` stands for any"))
    }
}

/// What a path names.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "Mem0Named")]
struct Named {
    /// The id of a memory, or of an event.
    id: String,
}

/// The id of a memory in a path. A text that can be no id names nothing that is there.
fn id(text: &str) -> Result<RecordId, Problem> {
    text.parse().map_err(|_| Problem::new(StatusCode::NOT_FOUND, format!("there is no memory `{text}`")))
}
