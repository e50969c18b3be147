//! What concurrent agents may see.
//!
//! An agent reads cells, generates for seconds or minutes, then writes; no database transaction stays open meanwhile.
//! A [`Session`](session::Session) remembers what it read, and a commit validates that in one short critical section.

pub mod cell;
pub mod history;

pub use cell::{Agent, Content, Fingerprint, Key, Lane, Level, Malformed, Millis, SessionId, Tool, Value, Version};
