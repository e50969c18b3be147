//! What the machine enforces.
//!
//! An event is read into [`facts`]; a rule is lowered to a [`Check`]: a few compiled predicates and a deterministic
//! [`Monitor`] over their truth values; an index decides which checks an event can concern; a [`Checker`] steps those
//! through a session's events and answers with [`Verdict`]s. This crate does no I/O, reads no clock and calls no model.
//! Evaluation is pure, total and bounded.

pub mod artifact;
pub mod check;
pub mod checker;
pub mod code;
pub mod command;
pub mod condition;
pub mod conflict;
pub mod facts;
pub mod index;
mod language;
pub mod monitor;
pub mod text;
pub mod trial;
pub mod truth;
pub mod verdict;

pub use artifact::{ArtifactError, Checks};
pub use check::Check;
pub use checker::{Checker, Standing};
pub use conflict::{Conflict, conflicts};
pub use facts::{Facts, NoWorkspace, Workspace};
pub use monitor::Monitor;
pub use verdict::{Outcome, Verdict, Witness};
