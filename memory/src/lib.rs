//! What agents remember.
//!
//! A [`Record`] lives in a cell of the shared-state store, so that every write is a transaction: [`Memories`] adds, updates
//! and forgets. The indexes of [`index`] are derived from the commit log and may be deleted at any time; what they find is
//! read from the store before anybody sees it, so that nothing forgotten is ever recalled. What recall does costs from a
//! [`Budget`].
//!
//! Deliberately absent: how much to spend (that is `router`), clocks, and any listening.

pub mod budget;
pub mod context;
pub mod embed;
pub mod evaluation;
pub mod export;
pub mod filter;
pub mod import;
pub mod index;
pub mod memories;
pub mod model;
pub mod module;
pub mod rank;
pub mod record;
pub mod redact;
pub mod tenant;
pub mod text;
pub mod tokens;

pub use budget::{Budget, Cost};
pub use embed::{Embedder, EmbedderId};
pub use filter::Filter;
pub use memories::{Memories, MemoryError};
pub use record::{Draft, Interval, Patch, Provenance, Record, RecordId, Scope, Trust, Turn};
pub use tenant::Tenant;

/// What memories are kept in, and what tells it the time.
pub use consistency::store::{Store, World};
