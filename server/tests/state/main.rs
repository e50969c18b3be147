//! Shared state, rules, the audit log and figures over HTTP: a real listener, and clients as anybody would write them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up shall fail")]

mod audit;
mod cells;
mod desk;
mod observe;
mod rules;
mod sessions;
mod tenants;
mod watch;
