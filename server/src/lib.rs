//! Where it meets: the engine over one workspace's files.
//!
//! Libraries below take time, text and files as arguments; this crate holds the clock, the files and git. The
//! [`Engine`] makes rules of what a user said, keeps them with their history, and hands out the compiled checks.

pub mod compilation;
pub mod engine;
pub mod evaluation;
pub mod folder;
pub mod git;
pub mod history;
mod jsonl;
pub mod lines;
pub mod model;
pub mod report;
pub mod workspace;

pub use compilation::Compilation;
pub use engine::{Engine, EngineError, Place};
