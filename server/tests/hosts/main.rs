//! Hosts: payloads as the real programs send them, one event in the spelling of each, and hostile bytes.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot be set up shall fail")]

mod captures;
mod conformance;
mod hostile;
mod install;
mod place;
