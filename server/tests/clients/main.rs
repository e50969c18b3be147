//! The routes that clients of other services call: as their own programs call them, where those can be installed, and as
//! they were recorded to, everywhere.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that can't go on has failed")]

mod environment;
mod installed;
mod mem0;
mod memory_tool;
mod server;
mod tools;
