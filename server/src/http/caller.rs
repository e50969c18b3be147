//! Who calls: the only place where a tenant comes from.

use super::{App, Problem};
use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use memory::Tenant;

/// Who calls, as the credential tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose cells the request reaches.
    pub tenant: Tenant,
    /// Who is written down as the author.
    pub name: String,
    /// Whether it may write.
    pub writes: bool,
}

impl OperationInput for Caller {}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Problem> {
        if let Some(caller) = parts.extensions.get::<Caller>() {
            crate::observe::note_tenant(&caller.tenant);
            return Ok(caller.clone());
        }
        if parts.headers.contains_key(AUTHORIZATION) {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "the key is not known"));
        }
        if !app.settings.address.ip().is_loopback() {
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "a key is needed: `Authorization: Bearer KEY`"));
        }
        crate::observe::note_tenant(&Tenant::local());
        Ok(Caller { tenant: Tenant::local(), name: "local".to_owned(), writes: true })
    }
}
