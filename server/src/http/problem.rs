//! What went wrong, as RFC 9457 problem details: for whoever called, without anything of the inside.

use aide::OperationOutput;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use consistency::store::StoreError;
use memory::MemoryError;
use memory::index::IndexError;
use schemars::JsonSchema;
use serde::Serialize;

/// A problem: the status, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The status in words.
    pub title: String,
    /// What is wrong here, and what to do.
    pub detail: String,
}

impl Problem {
    /// A problem with what to do about it.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("problem").to_owned();
        Problem { status: status.as_u16(), title, detail: detail.into() }
    }

    /// A fault of ours. What it is goes to the log, not to the caller.
    pub fn internal() -> Problem {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed; its log says how")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        let problem = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, problem);
        response
    }
}

impl OperationOutput for Problem {
    type Inner = Problem;
}

impl From<MemoryError> for Problem {
    fn from(error: MemoryError) -> Problem {
        let status = match &error {
            MemoryError::Unknown(_) => StatusCode::NOT_FOUND,
            MemoryError::Changed { .. } => StatusCode::PRECONDITION_FAILED,
            MemoryError::Duplicate(_) | MemoryError::Reused => StatusCode::CONFLICT,
            MemoryError::Text(_) => StatusCode::UNPROCESSABLE_ENTITY,
            MemoryError::Unreadable { .. } => return failed(&error),
            MemoryError::Store(_) => {
                let MemoryError::Store(error) = error else { return Problem::internal() };
                return error.into();
            }
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
            StoreError::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
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
            other => failed(&other),
        }
    }
}

fn failed(error: &dyn std::error::Error) -> Problem {
    tracing::error!(%error, "a request failed");
    Problem::internal()
}
