//! What is read of a request: body, path, query and the idempotency key, each refused with a [`Problem`] that names the place.
//!
//! Nothing is read beyond the caps: the size of a body, and how deep it nests, which is counted before anything is parsed.

use super::{App, Problem};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::Json;
use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest idempotency key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// A body of JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Body<T>(pub T);

impl<T: JsonSchema> OperationInput for Body<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <Json<T> as OperationInput>::operation_input(ctx, operation);
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Body<T>, Problem> {
        if !is_json(request.headers()) {
            let detail = "the body must be JSON: send `Content-Type: application/json`";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
        }
        parsed(&bytes(request, app).await?, app.settings.max_depth).map(Body)
    }
}

/// The body of a request, within the cap.
pub(super) async fn bytes(request: Request, app: &App) -> Result<Bytes, Problem> {
    let most = app.settings.max_body_bytes;
    axum::body::to_bytes(request.into_body(), most).await.map_err(|error| unread(&error, most))
}

/// The parts of a path that are named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <axum::extract::Path<T> as OperationInput>::operation_input(ctx, operation);
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Path<T>, Problem> {
        let found = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        found.map(|axum::extract::Path(value)| Path(value)).map_err(|rejection| {
            let refused = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
            let PathRejection::FailedToDeserializePathParams(failed) = rejection else { return Problem::internal() };
            match failed.into_kind() {
                ErrorKind::ParseErrorAtKey { key, .. } => refused(format!("`{key}` in the path can't be read")).at(key),
                ErrorKind::DeserializeError { key, message, .. } => {
                    refused(format!("`{key}` in the path: {message}")).at(key)
                }
                ErrorKind::InvalidUtf8InPathParam { key } => {
                    refused(format!("`{key}` in the path is not UTF-8")).at(key)
                }
                other => refused(other.to_string()),
            }
        })
    }
}

/// The query of an address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <axum::extract::Query<T> as OperationInput>::operation_input(ctx, operation);
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Query<T>, Problem> {
        let found = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        found.map(|axum::extract::Query(value)| Query(value)).map_err(|rejection| {
            let text = rejection.body_text();
            let cause = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("the query can't be read: {cause}")).at("query")
        })
    }
}

/// The idempotency key of a write, if it has one: the same request under the same key is done once, and answered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// The key, as the client chose it.
    pub key: Option<String>,
    method: Method,
    uri: Uri,
}

impl Once {
    /// What tells this request from others: a hash of the method, the address and the body.
    pub fn request(&self, body: &impl Serialize) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.method.as_str().as_bytes()).update(b" ");
        hasher.update(self.uri.to_string().as_bytes()).update(b"\n");
        // What could be read can be written; a hash without it would only be refused more often.
        hasher.update(&serde_json::to_vec(body).unwrap_or_default());
        hasher.finalize().to_hex().to_string()
    }
}

impl OperationInput for Once {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        super::docs::header(
            ctx,
            operation,
            "Idempotency-Key",
            "A name for this write, 1 to 255 printable characters. Sent again with the same request it is not done again; \
             with another request it is refused.",
        );
    }
}

impl FromRequestParts<App> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Once, Problem> {
        let key = parts.headers.get("idempotency-key").map(|key| key.to_str().unwrap_or_default().to_owned());
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > MAX_KEY_BYTES) {
            let detail = "the idempotency key has 1 to 255 printable ASCII characters";
            return Err(Problem::new(StatusCode::BAD_REQUEST, detail).at("Idempotency-Key"));
        }
        Ok(Once { key, method: parts.method.clone(), uri: parts.uri.clone() })
    }
}

/// A value from JSON, within a depth.
pub(super) fn parsed<T: DeserializeOwned>(bytes: &[u8], max_depth: usize) -> Result<T, Problem> {
    if depth(bytes) > max_depth {
        let detail = format!("the body nests deeper than {max_depth} levels");
        return Err(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let place = error.path().to_string();
        let cause = error.into_inner();
        let status = if cause.is_data() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST };
        let at_root = place == ".";
        let detail = if at_root { cause.to_string() } else { format!("`{place}`: {cause}") };
        let problem = Problem::new(status, detail);
        if at_root { problem } else { problem.at(place) }
    })?;
    json.end().map_err(|error| Problem::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(value)
}

/// How deep a text nests that is JSON; of a text that is not, some number.
fn depth(json: &[u8]) -> usize {
    let (mut now, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// The kind of content that a body is, without its parameters.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = media_type(headers);
    kind == "application/json" || kind.strip_prefix("application/").is_some_and(|kind| kind.ends_with("+json"))
}

fn unread(error: &axum::Error, most: usize) -> Problem {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return too_large(most);
        }
        cause = error.source();
    }
    Problem::new(StatusCode::BAD_REQUEST, "the body ended early")
}

/// A body is larger than what is read.
pub(super) fn too_large(most: usize) -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body has more than {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        #[serde(rename = "items")]
        _items: Vec<u8>,
    }

    #[test]
    fn a_problem_names_the_place() {
        let cases = [
            (r#"{"items": [1, "two"]}"#, 422, Some("items[1]")),
            (r#"{"items": [], "itmes": []}"#, 422, Some("itmes")),
            (r#"{"items": 3}"#, 422, Some("items")),
            ("{}", 422, None),
            (r#"{"items": ["#, 400, Some("items")),
            (r#"{"items": []} x"#, 400, None),
            ("", 400, None),
        ];
        for (json, status, at) in cases {
            let problem = parsed::<Example>(json.as_bytes(), 64).err().unwrap();
            assert_eq!((problem.status, problem.at.as_deref()), (status, at), "{json}: {}", problem.detail);
        }
    }

    #[test]
    fn depth_is_counted_outside_of_texts() {
        for (json, levels) in [("1", 0), ("[[{}]]", 3), (r#"["[[[\"[["]"#, 1), ("[],[]", 1), ("]][", 1)] {
            assert_eq!(depth(json.as_bytes()), levels, "{json}");
        }
        let deep = "[".repeat(65) + &"]".repeat(65);
        assert_eq!(parsed::<serde_json::Value>(deep.as_bytes(), 64).err().unwrap().status, 400);
        let deep = "[".repeat(64) + &"]".repeat(64);
        assert!(parsed::<serde_json::Value>(deep.as_bytes(), 64).is_ok());
    }
}
