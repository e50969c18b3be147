//! `trace serve` as a process: under load, killed, and asked for what its own document promises.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed, and says what it did"
)]

#[path = "service/answers.rs"]
mod answers;
#[path = "service/document.rs"]
mod document;
#[path = "service/kill.rs"]
mod kill;
#[path = "service/load.rs"]
mod load;
#[path = "service/process.rs"]
mod process;
#[path = "service/tenants.rs"]
mod tenants;
