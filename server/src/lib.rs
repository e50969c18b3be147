//! x

pub mod folder;
pub mod git;
pub mod history;
mod jsonl;
pub mod workspace;
