//! Who calls: the only place where a tenant comes from.
//!
//! INVARIANT: the caller is told by the credential alone. A wrong key is refused wherever it is sent, and without a key there
//! is only this machine's user, on this machine, where keys are not required.

use super::{App, Problem};
use crate::keys::{Access, KeyId};
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use memory::Tenant;

/// What proxies add to what they pass on: whoever called, it was not this machine's user.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

/// Who calls, as the credential tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose cells the request reaches.
    pub tenant: Tenant,
    /// Who is written down as the author.
    pub name: String,
    /// Whether it may write.
    pub writes: bool,
    /// How far it reaches.
    pub access: Access,
    /// The key that it showed; nothing for this machine's user.
    pub key: Option<KeyId>,
}

impl Caller {
    /// This machine's user, who needs no key.
    pub fn local() -> Caller {
        Caller::new(Tenant::local(), "local".to_owned(), Access::Admin, None)
    }

    fn new(tenant: Tenant, name: String, access: Access, key: Option<KeyId>) -> Caller {
        Caller { tenant, name, writes: access >= Access::Write, access, key }
    }

    /// Tells whether the caller reaches so far.
    ///
    /// # Errors
    /// A problem with status 403 says what kind of key it takes.
    pub fn demand(&self, access: Access) -> Result<(), Problem> {
        if self.access >= access {
            return Ok(());
        }
        let detail = format!("this takes a key with access `{access}`, and yours has `{}`", self.access);
        Err(Problem::new(StatusCode::FORBIDDEN, detail))
    }
}

impl OperationInput for Caller {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        demands(operation, Access::Read);
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Caller, Problem> {
        // Found out once for each request, in `admit`.
        match parts.extensions.get::<Caller>() {
            Some(caller) => Ok(caller.clone()),
            None => caller(app, &parts.headers).await,
        }
    }
}

/// A caller who may write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer(pub Caller);

impl OperationInput for Writer {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        demands(operation, Access::Write);
    }
}

impl FromRequestParts<App> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Writer, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.demand(Access::Write).map(|()| Writer(caller))
    }
}

/// A caller who may do what concerns the whole server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin(pub Caller);

impl OperationInput for Admin {
    fn operation_input(_: &mut GenContext, operation: &mut Operation) {
        demands(operation, Access::Admin);
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Admin, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.demand(Access::Admin).map(|()| Admin(caller))
    }
}

/// Lets a request in whose caller is known and keeps to the pace; what runs then finds the [`Caller`] among the extensions.
pub(super) async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let caller = match caller(&app, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    if let Err(problem) = app.pace.check(&caller) {
        return problem.into_response();
    }
    crate::observe::note_tenant(&caller.tenant);
    request.extensions_mut().insert(caller);
    next.run(request).await
}

async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let unauthorized = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, detail);
    if !headers.contains_key(AUTHORIZATION) {
        let is_passed_on = FORWARDED.iter().any(|name| headers.contains_key(*name));
        if app.settings.needs_key() || is_passed_on {
            return Err(unauthorized("a key is needed: `Authorization: Bearer KEY`; `trace keys create` makes one"));
        }
        return Ok(Caller::local());
    }
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (sent.next(), sent.next()) else {
        return Err(unauthorized("one key is needed, not more"));
    };
    let parts = only.to_str().ok().and_then(|text| text.trim().split_once(' '));
    let is_scheme = |scheme: &str| ["bearer", "token"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let Some((_, key)) = parts.filter(|(scheme, _)| is_scheme(scheme)) else {
        return Err(unauthorized("the key is sent as `Authorization: Bearer KEY` or `Authorization: Token KEY`"));
    };
    let (keys, key) = (app.keys.clone(), key.trim().to_owned());
    let found = app.blocking(move |_| Ok(keys.opened_by(&key)?)).await?;
    let found = found.ok_or_else(|| unauthorized("the key is not known, has expired or was revoked"))?;
    let tenant = Tenant::new(&found.tenant).map_err(|_| Problem::internal())?;
    Ok(Caller::new(tenant, found.name, found.access, Some(found.id)))
}

/// Notes how far a caller must reach; the document makes statuses and security of it.
fn demands(operation: &mut Operation, access: Access) {
    operation.extensions.insert("x-access".to_owned(), access.to_string().into());
}
