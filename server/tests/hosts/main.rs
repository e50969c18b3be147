//! Hosts: payloads as the real programs send them, one event in the spelling of each, and hostile bytes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot be set up shall fail, and says what it skips"
)]

mod captures;
mod conformance;
mod hostile;
mod install;
mod place;
