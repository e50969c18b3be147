//! Whom a request was meant for, and which page sent it.
//!
//! A page of a stranger can have a browser ask a server on the user's own machine, either openly (`Origin` tells) or under a
//! name of the stranger's own that leads there (DNS rebinding: `Host` tells). Both are refused before anything is done.

use super::{App, Problem, Settings};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// Refuses what was meant for another host or comes from a page of another origin.
pub(super) async fn own(State(app): State<App>, request: Request, next: Next) -> Response {
    match check(&app.settings, request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn check(settings: &Settings, uri: &Uri, headers: &HeaderMap) -> Result<(), Problem> {
    let mut sent = headers.get_all(header::HOST).iter();
    let only = sent.next().filter(|_| sent.next().is_none()).and_then(authority);
    let Some(host) = only.or_else(|| uri.authority().cloned()) else {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the request names no host, or more than one"));
    };
    if !settings.knows(host.host()) {
        let detail = format!("this server is not `{}`: `trace serve --allow-host` says what else it is", host.host());
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    for origin in headers.get_all(header::ORIGIN) {
        let is_own =
            origin.to_str().ok().and_then(|origin| origin.split_once("://")).is_some_and(|(scheme, own)| {
                matches!(scheme, "http" | "https") && own.eq_ignore_ascii_case(host.as_str())
            });
        let is_allowed = settings.allow_origins.iter().any(|allowed| origin.as_bytes() == allowed.as_bytes());
        if !is_own && !is_allowed {
            let detail = "pages of this origin may not ask this server: `trace serve --allow-origin` allows one";
            return Err(Problem::new(StatusCode::FORBIDDEN, detail));
        }
    }
    Ok(())
}

fn authority(host: &HeaderValue) -> Option<Authority> {
    host.to_str().ok()?.parse().ok()
}

impl Settings {
    /// Tells whether a host is this server.
    fn knows(&self, host: &str) -> bool {
        let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let is_here = match address {
            // Whoever listens beyond this machine may be reached at any of its addresses, and no name leads astray.
            Some(address) => address.is_loopback() || !self.address.ip().is_loopback(),
            None => host.eq_ignore_ascii_case("localhost"),
        };
        is_here || self.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(settings: &Settings, host: &str, origin: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        origin.map(|origin| headers.insert(header::ORIGIN, origin.parse().unwrap()));
        check(settings, &Uri::from_static("/"), &headers).map_or_else(|problem| problem.status, |()| 200)
    }

    #[test]
    fn only_this_machine_is_meant_unless_more_is_allowed() {
        let settings = Settings { allow_hosts: vec!["memory.example".to_owned()], ..Settings::default() };
        for host in ["localhost", "LOCALHOST:8787", "127.0.0.1:1", "127.9.9.9", "[::1]:8787", "memory.example:443"] {
            assert_eq!(status(&settings, host, None), 200, "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "192.168.1.5", "localhost.", "0"]
        {
            assert_eq!(status(&settings, host, None), 421, "{host}");
        }
        let beyond = Settings { address: ([0, 0, 0, 0], 80).into(), ..Settings::default() };
        assert_eq!((status(&beyond, "192.168.1.5", None), status(&beyond, "evil.example", None)), (200, 421));
    }

    #[test]
    fn only_own_pages_may_ask_unless_more_are_allowed() {
        let settings = Settings { allow_origins: vec!["https://desk.example".to_owned()], ..Settings::default() };
        for origin in ["http://localhost:8787", "https://desk.example"] {
            assert_eq!(status(&settings, "localhost:8787", Some(origin)), 200, "{origin}");
        }
        let strangers =
            ["null", "http://localhost:3000", "http://evil.example", "https://desk.example.evil", "file://x", ""];
        for origin in strangers {
            assert_eq!(status(&settings, "localhost:8787", Some(origin)), 403, "{origin}");
        }
    }
}
