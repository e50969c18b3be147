//! What concurrent agents may see.
//!
//! An agent reads cells, generates for seconds or minutes, then writes; no database transaction stays open meanwhile.
//! A [`session::Session`] remembers what it read, and a commit validates that in one short critical section.

pub mod cell;
pub mod decide;
mod effect;
pub mod guard;
pub mod history;
mod lease;
pub mod ledger;
pub mod operation;
pub mod range;
mod retract;
pub mod session;
pub mod state;
pub mod store;

pub use cell::{Agent, Content, Fingerprint, Key, Lane, Level, Malformed, Millis, SessionId, Tool, Value, Version};
