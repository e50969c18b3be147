//! Budgets and contexts under properties, and what the lower tiers of the modules do, by example.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot set its scene has failed"
)]

#[path = "modules/budget.rs"]
mod budget;
#[path = "modules/context.rs"]
mod context;
#[path = "modules/tiers.rs"]
mod tiers;

use memory::record::{ContentHash, Interval, Provenance, Record, RecordId, Scope, Trust, Turn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A clock that goes when it is told to.
#[derive(Debug, Default)]
pub struct Manual(AtomicU64);

impl Manual {
    fn advance(&self, by: Duration) {
        self.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl memory::budget::Clock for Manual {
    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A record that was said in a conversation, on a day, by somebody.
fn said(place: u32, day: &str, speaker: &str, text: &str) -> Record {
    let date: jiff::civil::Date = day.parse().unwrap();
    let moment = u64::try_from(date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond()).unwrap();
    let (conversation, speaker) = ("talk".to_owned(), (!speaker.is_empty()).then(|| speaker.to_owned()));
    let turn = Some(Turn { conversation, place, speaker, said_at: Some(moment) });
    let mut id = [0; 16];
    id[12..].copy_from_slice(&place.to_be_bytes());
    Record {
        id: RecordId::from_bytes(id),
        text: text.to_owned(),
        scope: Scope::default(),
        metadata: serde_json::Map::new(),
        categories: Vec::new(),
        valid: Interval::default(),
        provenance: Provenance { trust: Trust::Agent, ..Provenance::default() },
        hash: ContentHash::of(&Scope::default(), turn.as_ref(), text),
        turn,
        created_at: moment,
        updated_at: moment,
        expires_at: None,
    }
}
