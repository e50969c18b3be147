//! What a request may take: size, time, its share of the server, and the pace of its key.
//!
//! What is over a limit is refused at once with the status for it, and never waits in a queue: 413, 429, 503.

use super::problem::{MEDIA_TYPE, busy};
use super::{App, Caller, Problem, Settings, extract};
use crate::keys::KeyId;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::any::Any;
use std::fmt;

/// How fast each key may ask. This machine's user, who needs none, may ask as fast as the machine answers.
pub(super) struct Pace(DefaultKeyedRateLimiter<KeyId>);

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pace").finish()
    }
}

impl Pace {
    pub(super) fn of(settings: &Settings) -> Pace {
        let quota = Quota::per_second(settings.requests_per_second).allow_burst(settings.burst);
        Pace(RateLimiter::keyed(quota))
    }

    /// Counts a request.
    pub(super) fn check(&self, caller: &Caller) -> Result<(), Problem> {
        let Some(key) = &caller.key else { return Ok(()) };
        self.0.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let detail = "too many requests with this key: slow down";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(wait.as_secs() + 1)
        })
    }
}

/// Refuses what the server has no room for now, and what says that it is too large.
pub(super) async fn room(State(app): State<App>, request: Request, next: Next) -> Response {
    let most = app.settings.max_body_bytes;
    if request.body().size_hint().lower() > most as u64 {
        return extract::too_large(most).into_response();
    }
    let Ok(place) = app.places.clone().try_acquire_owned() else {
        return busy("the server has as much to do as it takes on at once: try again").into_response();
    };
    let response = next.run(request).await;
    drop(place);
    response
}

/// Gives up a request that takes too long; an answer that has begun may go on.
pub(super) async fn deadline(State(app): State<App>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(app.settings.deadline, next.run(request)).await {
        Ok(response) => response,
        Err(_) => busy("the request took too long and was given up; a write may still have been made").into_response(),
    }
}

/// Makes problems of errors that were answered without JSON: by the router, or a library.
pub(super) async fn only_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_json = kind.starts_with(b"application/json") || kind.starts_with(MEDIA_TYPE.as_bytes());
    if !(status.is_client_error() || status.is_server_error()) || is_json {
        return response;
    }
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this address: `/openapi.json` says what there is",
        StatusCode::METHOD_NOT_ALLOWED => "this address is not asked like that: `Allow` says which methods it knows",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large",
        _ => status.canonical_reason().unwrap_or("the request failed"),
    };
    let (mut parts, _) = response.into_parts();
    let (own, body) = Problem::new(status, detail).into_response().into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.extend(own.headers);
    Response::from_parts(parts, Body::new(body))
}

/// What a request answers whose work panicked: nothing of the inside.
#[expect(clippy::needless_pass_by_value, reason = "the layer hands the cause over")]
pub(super) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("no message");
    tracing::error!(cause = text, "a request panicked");
    Problem::internal().into_response()
}
