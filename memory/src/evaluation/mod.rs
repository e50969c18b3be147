//! How well what is asked for is found, measured on conversations with questions whose answers are known.
//!
//! INVARIANT: what is measured is what runs: the analysis of [`text`](crate::text), tantivy's BM25, the fusion of
//! [`rank`](crate::rank), and the [`Index`](crate::index::Index) itself. Equal input has equal figures.
//!
//! Deliberately absent: data. Sets of others are read from a path and never copied.

mod bm25;
mod indexed;
mod measures;
mod retrieval;
mod units;

pub use indexed::{DEPTH, Indexed};
pub use measures::{Interval, Measures, NAMES, paired_bootstrap};
pub use retrieval::{EvaluationError, Method, Report, Row, Tools, evaluate};
pub use units::Unit;
