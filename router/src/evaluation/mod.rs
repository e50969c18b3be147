//! Whether the router pays: item pricing beside everything simpler, on the same questions, at equal mean tokens.
//!
//! Whatever is learnt here is learnt leaving one conversation out, and measured on that one. The comparators are always there:
//! BM25, the product's own search (z-scores, date, neighbours), each packed by rank under caps; all random mixtures of those
//! (their hull); the best setting for each question (an oracle); a router that chooses a setting for the whole query, as
//! `BudgetMem` does; and the full context. Differences come with paired bootstrap intervals, and where the one over the hull
//! includes zero, the guard says that the router is to be off.
//!
//! Deliberately absent: data, and any choice made on the questions that are measured.

mod cases;
pub mod frontier;
mod methods;
mod report;
mod svg;
mod tiers;

pub use cases::{Case, Cases, Emitted, Found};
pub use methods::{BUDGETS, Plan, evaluate};
pub use report::{At, Difference, Frontier, Guard, Ranking, Report};
pub use svg::svg;
pub use tiers::{TierReport, Way, judged, tiers};
