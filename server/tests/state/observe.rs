//! Names of requests, and figures.

use crate::desk::Server;
use serde_json::json;

#[test]
fn a_request_has_a_name_of_its_own_or_the_one_it_came_with_where_that_is_fit() {
    let server = Server::start();
    let client = server.client();
    let answer = client.get("/v1/state/cells/none").is(404);
    assert_eq!(answer.header("x-request-id").len(), 36);
    assert_eq!(client.with("x-request-id", "job-17.a").get("/v1/state/cells").header("x-request-id"), "job-17.a");
    assert_eq!(client.with("x-request-id", "two words").get("/v1/state/cells").header("x-request-id").len(), 36);
}

#[test]
fn figures_tell_patterns_of_routes_and_neither_paths_nor_tenants() {
    let server = Server::start();
    let client = server.client();
    client.put("/v1/state/cells/very-private-key", json!(1)).is(200);
    server.client_of("acme-tenant").get("/v1/state/cells?prefix=private-prefix").is(200);
    client.get("/no/such/private-path").is(404);
    client.begin(json!({}));
    let metrics = client.get("/metrics").is(200);
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let has = |line: &str| assert!(metrics.text.lines().any(|one| one.starts_with(line)), "{line}\n{}", metrics.text);
    has("trace_http_requests_total{method=\"PUT\",route=\"/v1/state/cells/{*key}\",status=\"200\"} ");
    has("trace_http_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} ");
    has("trace_http_request_seconds_bucket{method=\"PUT\",route=\"/v1/state/cells/{*key}\",le=\"0.001\"} ");
    has("trace_state_sessions ");
    has("trace_store_commits_total ");
    has(&format!("trace_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")));
    for private in ["private", "acme"] {
        assert!(!metrics.text.contains(private), "{private}\n{}", metrics.text);
    }
}
