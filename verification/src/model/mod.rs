//! The models: the core that production runs, explored in all orders of what agents and the world may do.
//!
//! A state of a model is the core's own [`consistency::state::State`] beside an [`oracle`] that keeps a naive log of what
//! happened. An action gives the core one input, and the oracle judges the answer; no decision of the core is copied here.
//! [`suite`] says which models there are and what is expected of each, [`run`] checks it.

pub mod action;
pub mod ladder;
pub mod mutants;
pub mod oracle;
pub mod promise;
pub mod run;
pub mod setup;
pub mod suite;
mod turn;

pub use setup::{Setup, Situation};
