//! The document that describes the routes (OpenAPI 3.1), and a page to read it offline.
//!
//! Both are made from the types of the handlers when the server starts. Which problems an operation can answer follows from
//! its kind, and is said here, once: what it takes, how far its caller must reach, whether its path names something.
//!
//! The page is plain HTML without any script: it loads nothing, from here or elsewhere, but its own style sheet.

mod page;

use super::{App, Problem};
use aide::axum::ApiRouter;
use aide::generate::{GenContext, in_context};
use aide::openapi::{OpenApi, Operation, Parameter, ReferenceOr};
use aide::transform::TransformOperation;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What an operation notes for [`finished`]: how far its caller must reach.
const ACCESS: &str = "x-access";
/// What an operation notes for [`finished`]: statuses of problems that its kind does not tell.
const PROBLEMS: &str = "x-problems";
/// What problems are called in the document, and those that are plain JSON: on the routes of clients that read nothing else.
const PROBLEM: &str = "Problem";
const PLAIN: &str = "PlainProblem";
/// What the page may do: show itself with its style.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The statuses of problems, with what each says.
const STATUSES: [(u16, &str); 18] = [
    (400, "The request can't be read: its JSON, its filter, a header, or its host."),
    (401, "A key is needed, or the one that was sent opens nothing."),
    (403, "The key does not reach so far, or a page of another origin asks."),
    (404, "There is nothing of this name for this caller."),
    (409, "It contradicts what is there, or others were faster each time it was tried."),
    (410, "What the request rests on is over."),
    (412, "What is there is not at the version that `If-Match` names."),
    (413, "The body is larger than what is read."),
    (415, "The body is not of a kind that is read here."),
    (421, "The request was meant for another host."),
    (422, "The request can be read and makes no sense; `at` says where."),
    (423, "An older session works on it; `Retry-After` says how long to wait."),
    (428, "A condition is needed."),
    (429, "Too many requests with this key; `Retry-After` says how long to wait."),
    (500, "The server failed; its log says how."),
    (502, "A model that was asked failed."),
    (503, "The server is busy, or the request took too long; `Retry-After` says how long to wait."),
    (507, "The disk is full; nothing of the write was made."),
];

/// The document and its page, as they are sent.
#[derive(Debug, Clone)]
pub(super) struct Document {
    json: Arc<str>,
    page: Arc<str>,
}

/// Says of an operation what it is called, in one line and at length.
pub fn named<'t>(
    operation: TransformOperation<'t>,
    id: &str,
    summary: &str,
    description: &str,
    tag: &str,
) -> TransformOperation<'t> {
    operation.id(id).summary(summary).description(description).tag(tag)
}

/// Says of an operation what it is called, where one line says all.
pub fn brief<'t>(operation: TransformOperation<'t>, id: &str, summary: &str, tag: &str) -> TransformOperation<'t> {
    named(operation, id, summary, summary, tag)
}

/// Says of an operation that it can answer problems with these statuses too, which its kind does not tell.
pub fn problems<'t>(mut operation: TransformOperation<'t>, statuses: &[u16]) -> TransformOperation<'t> {
    operation.inner_mut().extensions.insert(PROBLEMS.to_owned(), json!(statuses));
    operation
}

/// Says of an operation what kind of content it answers with.
pub fn of_kind<'t>(mut operation: TransformOperation<'t>, kind: &str) -> TransformOperation<'t> {
    let responses = operation.inner_mut().responses.iter_mut().flat_map(|all| all.responses.values_mut());
    for response in responses {
        if let ReferenceOr::Item(answer) = response {
            answer.content =
                std::mem::take(&mut answer.content).into_values().map(|of| (kind.to_owned(), of)).collect();
        }
    }
    operation
}

/// Gives an operation an example of the body that it takes.
pub fn example<'t>(mut operation: TransformOperation<'t>, body: &Value) -> TransformOperation<'t> {
    if let Some(ReferenceOr::Item(taken)) = &mut operation.inner_mut().request_body {
        taken.content.values_mut().for_each(|kind| kind.example = Some(body.clone()));
    }
    operation
}

/// Says of an operation that it looks at a header, which need not be there.
pub fn header(ctx: &mut GenContext, operation: &mut Operation, name: &str, description: &str) {
    let schema = ctx.schema.subschema_for::<String>();
    let parameter = json!({"in": "header", "name": name, "description": description, "schema": schema});
    // The types of the document can't all be named without their library's map; its JSON can.
    if let Ok(parameter) = serde_json::from_value::<Parameter>(parameter) {
        operation.parameters.push(ReferenceOr::Item(parameter));
    }
}

/// The routes without their descriptions, and the document made of those.
pub(super) fn finished(routes: ApiRouter<App>) -> (Router<App>, Document) {
    let mut document = OpenApi::default();
    in_context(|ctx| drop(ctx.schema.subschema_for::<Problem>()));
    let routes = routes.finish_api_with(&mut document, |api| {
        api.title("trace").version(env!("CARGO_PKG_VERSION")).description(
            "Memories, rules and shared state of coding agents. Times are milliseconds since the Unix epoch. Errors are \
             problems (RFC 9457). Whose data a request reaches is decided by its key alone.",
        )
    });
    let mut json = serde_json::to_value(&document).unwrap_or_default();
    complete(&mut json);
    let text = serde_json::to_string_pretty(&json).unwrap_or_default() + "\n";
    (routes, Document { json: text.into(), page: page::html(&json).into() })
}

/// The routes of the document itself, which take no key.
pub(super) fn open(document: Document) -> Router<App> {
    let Document { json, page } = document;
    let style = include_str!("docs/page.css");
    Router::new()
        .route("/openapi.json", get(async move || sent("application/json", json.to_string())))
        .route("/docs", get(async move || sent("text/html; charset=utf-8", page.to_string())))
        .route("/docs/page.css", get(async move || sent("text/css; charset=utf-8", style.to_owned())))
}

fn sent(kind: &'static str, text: String) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, text)
}

/// Adds what is the same for all operations of a kind, and brings all into an order that does not depend on the code's.
fn complete(document: &mut Value) {
    let Some(root) = document.as_object_mut() else { return };
    if let Some(paths) = root.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, operations) in paths.iter_mut() {
            let operations = operations.as_object_mut().into_iter().flat_map(Map::iter_mut);
            for (method, operation) in operations {
                if let Some(operation) = operation.as_object_mut() {
                    complete_one(method, path, operation);
                }
            }
        }
        // The rest of a path, which the router writes with a star, is a parameter like any other here.
        let plain = std::mem::take(paths).into_iter().map(|(path, item)| (path.replace("{*", "{"), item));
        paths.extend(plain);
        paths.sort_keys();
    }
    let components = root.entry("components").or_insert_with(|| json!({}));
    if let Some(schemas) = components.get_mut("schemas").and_then(Value::as_object_mut) {
        schemas.sort_keys();
    }
    let forms = [(PROBLEM, super::problem::MEDIA_TYPE), (PLAIN, "application/json")];
    let of = |(form, kind)| STATUSES.iter().map(move |(status, text)| response(form, kind, *status, text));
    let responses: Map<String, Value> = forms.into_iter().flat_map(of).collect();
    let schemes = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`"},
        "token": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "`Authorization: Token KEY`"},
    });
    if let Some(components) = components.as_object_mut() {
        components.insert("responses".to_owned(), responses.into());
        components.insert("securitySchemes".to_owned(), schemes);
    }
}

fn complete_one(method: &str, path: &str, operation: &mut Map<String, Value>) {
    // What has no name of its own is called by its address.
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let id = words.fold(method.to_owned(), |id, word| id + "_" + word);
    operation.entry("operationId").or_insert_with(|| id.into());
    let summary = operation.get("summary").cloned();
    operation.entry("description").or_insert_with(|| summary.unwrap_or_default());
    let access = operation.get(ACCESS).and_then(Value::as_str).map(str::to_owned);
    let takes = |place: &str, operation: &Map<String, Value>| {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        parameters.is_some_and(|all| all.iter().any(|one| one.get("in").and_then(Value::as_str) == Some(place)))
    };
    let mut statuses = vec![400, 403, 421, 500, 503];
    if access.is_some() {
        statuses.extend([401, 429]);
    }
    if access.as_deref() == Some("write") {
        statuses.extend([409, 422, 507]);
    }
    if path.contains('{') {
        statuses.extend([404, 422]);
    }
    if takes("query", operation) {
        statuses.push(422);
    }
    if operation.contains_key("requestBody") {
        statuses.extend([413, 415, 422]);
    }
    let more = operation.remove(PROBLEMS);
    let more = more.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_u64);
    statuses.extend(more.filter_map(|status| u16::try_from(status).ok()));
    // Without a key there is this machine's user, where keys are not required: hence the empty requirement.
    let security = if access.is_some() { json!([{"bearer": []}, {"token": []}, {}]) } else { json!([]) };
    operation.insert("security".to_owned(), security);
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    if !responses.keys().any(|status| status.starts_with('2')) {
        responses.insert("200".to_owned(), json!({"description": "Done."}));
    }
    // A form of its own for all problems is a form for those that come of what the operation does.
    if let Some(own) = responses.remove("default") {
        for status in [404, 409, 410, 412, 413, 422, 423] {
            responses.entry(status.to_string()).or_insert_with(|| own.clone());
        }
    }
    let form = if path.ends_with('/') { PLAIN } else { PROBLEM };
    for status in statuses {
        let reference = json!({"$ref": format!("#/components/responses/{form}{status}")});
        responses.entry(status.to_string()).or_insert(reference);
    }
    responses.sort_keys();
}

fn response(form: &str, kind: &str, status: u16, description: &str) -> (String, Value) {
    let code = axum::http::StatusCode::from_u16(status).unwrap_or_default();
    let example = json!(Problem::new(code, description));
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    let wait = json!({"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}});
    let headers = if matches!(status, 423 | 429 | 503) { wait } else { json!({}) };
    let content = json!({kind: {"schema": schema, "example": example}});
    let response = json!({"description": description, "headers": headers, "content": content});
    (format!("{form}{status}"), response)
}
