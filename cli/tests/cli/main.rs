//! The `trace` binary, run as a person or a script would run it.
//!
//! Transcripts lie in `snapshots/`; `INSTA_UPDATE=always cargo test -p cli` writes them anew. Reference pages lie in
//! `docs/`; `TRACE_BLESS=1 cargo test -p cli` writes those.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall fail")]

mod acceptance;
mod anomalies;
mod at_rest;
mod check;
mod compile;
mod desk;
mod diagnostics;
mod doctor;
mod eval;
mod explain;
mod git;
mod hook;
mod hosts;
mod lexicon;
mod mcp;
mod memory;
mod mine;
mod pages;
mod processes;
mod readme;
mod rules_cmd;
mod serve;
mod state;
mod verify;
