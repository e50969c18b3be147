//! How much to spend on a question: the recall pipeline under a budget.
//!
//! A [`Request`] names what is asked and what may be spent; the [`Reply`] holds ranked items, a ready context block, and what
//! was spent where. Deliberately absent: any storage, and any network.

pub mod boost;
pub mod calibration;
pub mod decision;
pub mod evaluation;
pub mod features;
pub mod file;
pub mod generated;
mod ladder;
pub mod linear;
pub mod online;
pub mod pack;
pub mod pareto;
pub mod policy;
mod pricing;
mod random;
pub mod recall;
pub mod routing;
pub mod train;
pub mod trees;
pub mod value;
pub mod weights;

pub use recall::{Item, Reply, Request, Routing, Sources, Spending, Step, Tier, Tiers, recall};
