//! The store that programs use.

pub mod shell;
pub mod sqlite;
