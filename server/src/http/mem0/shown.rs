//! A record in the shape that the clients know, and the dates in it.

use super::asked::bad;
use crate::http::Problem;
use consistency::Millis;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use memory::filter::shown;
use memory::index::Hit;
use memory::{Record, RecordId, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The field of the metadata that keeps a memory from being changed.
pub(super) const IMMUTABLE: &str = "immutable";
/// The end of time: what expires then does not expire. The last millisecond of the year 9999.
pub(super) const NEVER: Millis = 253_402_300_799_999;
/// The BM25 score that counts as a relevance of one half.
const HALF_RELEVANT: f32 = 4.0;

/// A memory.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Shown {
    /// Its name.
    pub(super) id: RecordId,
    /// What is remembered.
    pub(super) memory: String,
    /// The person it belongs to.
    pub(super) user_id: Option<String>,
    /// The agent it belongs to.
    pub(super) agent_id: Option<String>,
    /// The application it belongs to.
    pub(super) app_id: Option<String>,
    /// The run it belongs to.
    pub(super) run_id: Option<String>,
    /// The hash of its text in its scope.
    pub(super) hash: String,
    /// What the caller keeps with it.
    pub(super) metadata: Option<Map<String, Value>>,
    /// What it is about.
    pub(super) categories: Vec<String>,
    /// When it was added.
    pub(super) created_at: String,
    /// When it was last changed.
    pub(super) updated_at: String,
    /// The last day on which it is recalled.
    pub(super) expiration_date: Option<String>,
    /// How far it may be trusted: whose words it holds.
    pub(super) trust: Trust,
}

impl From<Record> for Shown {
    fn from(record: Record) -> Shown {
        Shown {
            id: record.id,
            memory: record.text,
            user_id: record.scope.user,
            agent_id: record.scope.agent,
            app_id: record.scope.app,
            run_id: record.scope.run,
            hash: record.hash.to_string(),
            metadata: Some(record.metadata).filter(|metadata| !metadata.is_empty()),
            categories: record.categories,
            created_at: shown(record.created_at),
            updated_at: shown(record.updated_at),
            expiration_date: record.expires_at.and_then(last_day),
            trust: record.provenance.trust,
        }
    }
}

/// How relevant a hit is, from 0 to 1: its cosine, or what its BM25 score comes to on that scale, whichever is more.
pub(super) fn relevance(hit: &Hit) -> f32 {
    let lexical = hit.lexical.map_or(0.0, |score| score.max(0.0) / (score.max(0.0) + HALF_RELEVANT));
    hit.dense.unwrap_or(0.0).max(lexical).clamp(0.0, 1.0)
}

/// A time as clients write it: seconds since the Unix epoch, or a text of RFC 3339.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Moment {
    /// Seconds.
    Seconds(f64),
    /// A text.
    Text(String),
}

impl Moment {
    /// The time in milliseconds since the Unix epoch.
    pub(super) fn millis(&self) -> Result<Millis, Problem> {
        let time = match self {
            Moment::Seconds(seconds) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the cast saturates, and the range is looked at next"
                )]
                let millis = (seconds * 1e3) as i64;
                Timestamp::from_millisecond(millis)
            }
            Moment::Text(text) => text.parse(),
        };
        let millis = time.ok().and_then(|time| Millis::try_from(time.as_millisecond()).ok());
        millis.ok_or_else(|| bad("`timestamp` is seconds since 1970, or a time as in 2026-11-22T10:00:00Z"))
    }
}

/// When a memory expires that is recalled through a day in UTC.
pub(super) fn end_of_day(date: &str) -> Result<Millis, Problem> {
    let end = || {
        let next = date.parse::<Date>().ok()?.checked_add(1.day()).ok()?;
        Millis::try_from(next.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()).ok()
    };
    end().ok_or_else(|| bad(format!("`expiration_date` is a date as in 2027-01-31, not `{date}`")))
}

/// The last day on which something is recalled that expires then.
fn last_day(expires_at: Millis) -> Option<String> {
    let last = i64::try_from(expires_at.checked_sub(1)?).ok()?;
    let day = Timestamp::from_millisecond(last).ok()?.to_zoned(TimeZone::UTC).date();
    (expires_at < NEVER).then(|| day.to_string())
}

/// A page of something, as the clients expect it.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Paged<T> {
    /// How many there are in all.
    pub(super) count: usize,
    /// Where the next page is.
    pub(super) next: Option<String>,
    /// Where the page before is.
    pub(super) previous: Option<String>,
    /// Those of the page.
    pub(super) results: Vec<T>,
}

/// Which page is wanted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(super) struct Page {
    /// The page, from 1.
    page: Option<usize>,
    /// How many are on a page: 1 to 1000, 100 unless named.
    page_size: Option<usize>,
}

impl Page {
    /// How many to leave out, and how many are wanted at most.
    pub(super) fn bounds(&self) -> Result<(usize, usize), Problem> {
        let (page, size) = (self.page.unwrap_or(1), self.page_size.unwrap_or(100));
        if page == 0 || !(1..=1000).contains(&size) {
            return Err(bad("`page` is counted from 1, and `page_size` is 1 to 1000"));
        }
        Ok(((page - 1).saturating_mul(size), size))
    }

    /// The page of a route, with where its neighbours are.
    pub(super) fn of<T>(&self, route: &str, count: usize, results: Vec<T>) -> Paged<T> {
        let (page, size) = (self.page.unwrap_or(1), self.page_size.unwrap_or(100));
        let at = |page: usize| format!("{route}?page={page}&page_size={size}");
        let next = (page.saturating_mul(size) < count).then(|| at(page + 1));
        let previous = (page > 1).then(|| at(page - 1));
        Paged { count, next, previous, results }
    }
}

/// What was done, in words.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Done {
    /// What was done.
    pub(super) message: String,
}

impl Done {
    pub(super) fn new(message: impl Into<String>) -> axum::Json<Done> {
        axum::Json(Done { message: message.into() })
    }
}
