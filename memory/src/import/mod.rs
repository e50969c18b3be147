//! What other programs remember, and conversations of data sets, taken over as records.

pub mod conversation;
mod json;
pub mod locomo;
pub mod longmemeval;
mod split;

use consistency::Millis;
use jiff::tz::TimeZone;

/// Why a file could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no JSON.
    #[error("this is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An element of the file is not what it should be.
    #[error("item {item}: {what}")]
    Item {
        /// Which, counted from 1.
        item: usize,
        /// What is wrong.
        what: String,
    },
}

/// A date in a form of `strptime`, taken as UTC; nothing where it is none, or before 1970.
fn moment(form: &str, date: &str) -> Option<Millis> {
    let date = jiff::civil::DateTime::strptime(form, date.trim()).ok()?;
    Millis::try_from(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()).ok()
}
