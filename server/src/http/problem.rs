//! What went wrong, as RFC 9457 problem details: for whoever called, without anything of the inside.

use crate::keys::KeyError;
use aide::OperationOutput;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consistency::store::StoreError;
use memory::MemoryError;
use memory::embed::EmbedError;
use memory::filter::BadFilter;
use memory::index::IndexError;
use schemars::JsonSchema;
use serde::Serialize;

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";
/// How long a client is asked to leave a busy server alone, in seconds.
const PATIENCE_S: u64 = 1;

/// A problem: the status, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// Where in the request it is wrong, as a path such as `memories[2].text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// After how many seconds trying again makes sense; sent as `Retry-After` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with what to do about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("problem").to_owned();
        Problem { status: status.as_u16(), title, detail: detail.into(), at: None, retry_after_s: None }
    }

    /// A fault of ours. What it is goes to the log, not to the caller.
    pub fn internal() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says how")
    }

    /// The same with the place in the request.
    #[must_use]
    pub fn at(self, place: impl Into<String>) -> Problem {
        Problem { at: Some(place.into()), ..self }
    }

    /// The same with the time after which to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Problem {
        Problem { retry_after_s: Some(seconds.max(1)), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after_s.map(HeaderValue::from);
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

// Which problems an operation can have depends on what kind of operation it is; the document says so in one place.
impl OperationOutput for Problem {
    type Inner = Problem;
}

impl From<MemoryError> for Problem {
    fn from(error: MemoryError) -> Problem {
        let status = match &error {
            MemoryError::Unknown(_) => StatusCode::NOT_FOUND,
            MemoryError::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            MemoryError::Duplicate(_) => StatusCode::CONFLICT,
            MemoryError::Text(_) | MemoryError::Excess(_) | MemoryError::Reused => StatusCode::UNPROCESSABLE_ENTITY,
            MemoryError::Store(_) => {
                let MemoryError::Store(error) = error else { return Problem::internal() };
                return error.into();
            }
            MemoryError::Unreadable { .. } => return failed(&error),
        };
        Problem::new(status, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let status = match &error {
            StoreError::Key(_) | StoreError::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            StoreError::Doomed(_) | StoreError::GaveUp { .. } => StatusCode::CONFLICT,
            StoreError::Finished(_) | StoreError::TooOld => StatusCode::GONE,
            // What the message says of other processes is no business of a client.
            StoreError::Busy(_) => return busy("the store is busy: try again"),
            StoreError::Full => StatusCode::INSUFFICIENT_STORAGE,
            _ => return failed(&error),
        };
        Problem::new(status, error.to_string())
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Problem {
        match error {
            IndexError::Memory(error) => error.into(),
            // Only who asks for meaning alone is told so; the others get what is found by words.
            IndexError::Embed(EmbedError::Unusable { what, help }) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{what}: {help}"))
            }
            other => failed(&other),
        }
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Problem {
        match error {
            KeyError::Store(error) => error.into(),
            other => failed(&other),
        }
    }
}

impl From<BadFilter> for Problem {
    fn from(bad: BadFilter) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, bad.to_string()).at(bad.at)
    }
}

/// The server has too much to do just now.
pub(super) fn busy(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(PATIENCE_S)
}

fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::internal()
}
