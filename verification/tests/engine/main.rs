//! The engine against its definition: predicates on any facts, rules over any sessions, the artifact, all of them broken on
//! purpose, and hostile bytes at every door.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod artifact;
mod broken;
mod fuzz;
mod predicates;
mod sessions;
mod strategy;
