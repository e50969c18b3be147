//! Conditions on versions (RFC 9110, section 13): what is there is changed only if it is still what the client knows, and is
//! not sent again if it is.

use super::docs;
use super::{App, Problem};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use consistency::Version;

/// The entity tag of a version.
pub fn etag(version: Version) -> HeaderValue {
    // A version is digits and a point.
    HeaderValue::try_from(format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// Some entity tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// Whatever is there.
    Any,
    /// One of these versions.
    These(Vec<Version>),
}

impl Tags {
    /// Tells whether a version is among them.
    pub fn has(&self, version: Version) -> bool {
        match self {
            Tags::Any => true,
            Tags::These(versions) => versions.contains(&version),
        }
    }
}

/// The versions that a change is made upon, if the client says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(pub Option<Tags>);

impl OperationInput for IfMatch {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let about = "The `ETag` that what is changed must still have; else nothing is changed, and the answer is 412.";
        docs::header(ctx, operation, "If-Match", about);
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IfMatch, Problem> {
        tags(&parts.headers, &header::IF_MATCH, false).map(IfMatch)
    }
}

/// The versions that the client has already, if it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfNoneMatch(pub Option<Tags>);

impl OperationInput for IfNoneMatch {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let about = "The `ETag` of what the client has: if nothing has changed since, the answer is 304 and empty.";
        docs::header(ctx, operation, "If-None-Match", about);
    }
}

impl FromRequestParts<App> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<IfNoneMatch, Problem> {
        tags(&parts.headers, &header::IF_NONE_MATCH, true).map(IfNoneMatch)
    }
}

/// The tags of a header. Tags that this server did not give stand for no version; a weak one never matches where a strong
/// one is needed.
fn tags(headers: &HeaderMap, name: &HeaderName, weak: bool) -> Result<Option<Tags>, Problem> {
    let (mut versions, mut is_there) = (Vec::new(), false);
    for value in headers.get_all(name) {
        is_there = true;
        let bad =
            || Problem::new(StatusCode::BAD_REQUEST, "a list of tags in quotation marks, or `*`").at(name.as_str());
        for tag in value.to_str().map_err(|_| bad())?.split(',').map(str::trim) {
            if tag == "*" {
                return Ok(Some(Tags::Any));
            }
            let strong = tag.strip_prefix("W/");
            let text = strong.unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or_else(bad)?;
            versions.extend(text.parse::<Version>().ok().filter(|_| weak || strong.is_none()));
        }
    }
    Ok(is_there.then_some(Tags::These(versions)))
}
