//! Where it meets: the engine over one workspace's files.
//!
//! Libraries below take time, text and files as arguments; this crate holds the clock, the files and git. The
//! [`Engine`] makes rules of what a user said, keeps them with their history, and hands out the compiled checks.

pub mod backtest;
pub mod compilation;
pub mod config;
pub mod decisions;
pub mod doctor;
pub mod engine;
pub mod evaluation;
pub mod feed;
pub mod folder;
pub mod follower;
pub mod git;
pub mod history;
pub mod host;
pub mod http;
pub mod install;
mod jsonl;
pub mod keys;
pub mod learning;
pub mod lexicon;
pub mod lines;
pub mod mcp;
pub mod memory_tool;
pub mod mine;
pub mod model;
pub mod observe;
pub mod proposer;
pub mod reader;
pub mod recorded;
pub mod report;
pub mod service;
pub mod sessions;
pub mod workspace;

pub use compilation::Compilation;
pub use engine::{Engine, EngineError, Place};
