//! The engine against its definition: predicates on any facts, rules over any sessions, the artifact, all of them broken on
//! purpose, and hostile bytes at every door.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "a test")]

mod artifact;
mod broken;
mod fuzz;
mod narrow;
mod predicates;
#[path = "../../benches/rulebook/mod.rs"]
mod rulebook;
mod sessions;
mod strategy;
