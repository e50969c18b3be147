//! What the machine enforces.
//!
//! An event is read into [`facts`]; a rule is lowered to a check: a few atomic predicates and a deterministic monitor over
//! their truth values; an index decides which checks an event can concern; evaluation steps those and answers with
//! verdicts. This crate does no I/O, reads no clock and calls no model. Evaluation is pure, total and bounded.

pub mod facts;
pub mod monitor;
