//! What happened: recorded histories, the anomalies in them and the level that they reach.
//!
//! A [`History`] is assembled from the [`Event`]s of our own recorder and knows the order of versions, so its
//! serialization [`graph`] is exact. [`Operations`] are records of the runtime of arXiv 2606.17182, which know values and
//! times only. Nothing here judges while agents work: this is the second look, which shares no code with the first.

mod anomaly;
mod assembly;
mod detectors;
mod event;
pub mod graph;
mod operations;
mod read;
mod record;
mod transaction;

pub use anomaly::{
    Anomaly, Cascade, CausalCascade, Departure, Operation, PhantomTool, Reached, Reordering, StaleGeneration,
    ToolChange, When,
};
pub use event::{Compensation, Event, How, Issue, Write};
pub use operations::{Operations, Record};
pub use read::{Fault, HistoryError, Recording};
pub use record::events;
pub use transaction::{Effect, End, History, Install, Scan, Seen, Transaction};
