//! How much to spend on a question: the recall pipeline under a budget.
//!
//! A [`Request`] names what is asked and what may be spent; the [`Reply`] holds ranked items, a ready context block, and what
//! was spent where. Deliberately absent: any storage, and any network.

mod ladder;
pub mod recall;

pub use recall::{Item, Reply, Request, Sources, Spending, Step, Tier, Tiers, recall};
