//! What a request asks, read strictly: whatever is wrong with it is a problem that says so, with status 400.

use crate::http::{App, Problem, extract};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

/// A body of JSON. No content type is demanded: some clients name none when they delete.
#[derive(Debug, Clone)]
pub struct Asked<T>(pub T);

impl<T: JsonSchema> OperationInput for Asked<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <axum::Json<T> as OperationInput>::operation_input(ctx, operation);
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Asked<T>, Problem> {
        let body = extract::bytes(request, app).await?;
        // These clients know of no 422 that is about one field.
        let strict = |problem: Problem| bad(format!("the body can't be read: {}", problem.detail));
        extract::parsed(&body, app.settings.max_depth).map(Asked).map_err(strict)
    }
}

/// The parameters of the query.
#[derive(Debug, Clone)]
pub struct Parameters<T>(pub T);

impl<T: JsonSchema> OperationInput for Parameters<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        <Query<T> as OperationInput>::operation_input(ctx, operation);
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Parameters<T>, Problem> {
        let Query(value) =
            Query::from_request_parts(parts, state).await.map_err(|rejection| bad(rejection.body_text()))?;
        Ok(Parameters(value))
    }
}

/// A request that can't be answered, and why.
pub(crate) fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}
