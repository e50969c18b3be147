//! The words of memory: records, where they belong, how long they hold and whom they are from.

use consistency::Millis;
use consistency::store::World;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

/// The longest text of a record, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Names one record for ever: a UUID of version 7 (RFC 9562). The order of the ids that one [`RecordIds`] gives is that of
/// creation; between processes, which share no counter, it is that of their clocks to the millisecond, and chance within one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordId(Uuid);

impl RecordId {
    /// The id as 16 bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id of [`RecordId::as_bytes`].
    pub fn from_bytes(bytes: [u8; 16]) -> RecordId {
        RecordId(Uuid::from_bytes(bytes))
    }
}

/// Gives ids in order: within a millisecond they count up in the 12 bits after it (RFC 9562, section 6.2, method 1), and when those
/// run out, or the clock is set back, they go on from the last one.
#[derive(Debug, Default)]
pub struct RecordIds {
    /// Milliseconds and counter of the last id, as one number of 60 bits.
    last: AtomicU64,
}

impl RecordIds {
    const COUNTER_BITS: u32 = 12;

    /// An id that nobody has, behind all that were given before.
    pub fn fresh(&self, now: Millis, world: &dyn World) -> RecordId {
        let after = |last: u64| (now << Self::COUNTER_BITS).max(last + 1);
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        let next = after(last.unwrap_or_default());
        // The builder keeps 12 bits of the first two bytes, and 62 of the other eight.
        let [.., high, low] = next.to_be_bytes();
        let mut rest = [0; 10];
        for (place, byte) in rest.iter_mut().zip([high, low].into_iter().chain(world.fresh().to_be_bytes())) {
            *place = byte;
        }
        RecordId(uuid::Builder::from_unix_timestamp_millis(next >> Self::COUNTER_BITS, &rest).into_uuid())
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for RecordId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<RecordId, uuid::Error> {
        Uuid::parse_str(text).map(RecordId)
    }
}

impl JsonSchema for RecordId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RecordId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "uuid"})
    }
}

/// Where a record belongs within its tenant. What is not named is not narrowed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The person.
    #[serde(default, rename = "user_id", skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The agent.
    #[serde(default, rename = "agent_id", skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The application.
    #[serde(default, rename = "app_id", skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// One run or session.
    #[serde(default, rename = "run_id", skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Scope {
    /// The four parts with their names in requests, in their order.
    pub fn parts(&self) -> [(&'static str, Option<&str>); 4] {
        [
            ("user_id", self.user.as_deref()),
            ("agent_id", self.agent.as_deref()),
            ("app_id", self.app.as_deref()),
            ("run_id", self.run.as_deref()),
        ]
    }

    /// Tells whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.parts().iter().all(|(_, part)| part.is_none())
    }
}

/// How far a text may be trusted. Untrusted text is shown to an agent as a quotation and never as an instruction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// From a tool, a web page or another outside text.
    Outside,
    /// Written by an agent.
    #[default]
    Agent,
    /// The user's own words.
    User,
}

/// Whom a record is from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// How far it may be trusted.
    #[serde(default)]
    pub trust: Trust,
    /// How it came here: `api`, `import/locomo`, `consolidation`, a file's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The records that it was made of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rests_on: Vec<RecordId>,
}

/// When a statement holds in the world it speaks of, `until` excluded, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Millis>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Millis>,
}

impl Interval {
    /// Tells whether a moment lies in it.
    pub fn contains(&self, moment: Millis) -> bool {
        self.from.is_none_or(|from| from <= moment) && self.until.is_none_or(|until| moment < until)
    }

    /// Tells whether nothing is said.
    pub fn is_open(&self) -> bool {
        *self == Interval::default()
    }
}

/// Where in a conversation a text was said: what tells its neighbours, and what is indexed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// The conversation.
    pub conversation: String,
    /// Its place there, counted from 0.
    pub place: u32,
    /// Who said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said_at: Option<Millis>,
}

/// The hash of a text within a scope: what makes a record unique. Hexadecimal, 128 bits of BLAKE3.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ContentHash(String);

impl ContentHash {
    /// The hash of a text in a scope. A turn of a conversation is told from the same words said elsewhere.
    pub fn of(scope: &Scope, turn: Option<&Turn>, text: &str) -> ContentHash {
        let mut hasher = blake3::Hasher::new();
        let mut part = |text: Option<&str>| {
            // The length keeps two parts from running into each other; all ones stands for none.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hasher.update(&length.to_le_bytes()).update(text.unwrap_or_default().as_bytes());
        };
        scope.parts().into_iter().for_each(|(_, name)| part(name));
        part(turn.map(|turn| turn.conversation.as_str()));
        part(turn.map(|turn| turn.place.to_string()).as_deref());
        part(Some(text));
        ContentHash(hasher.finalize().to_hex().chars().take(32).collect())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One thing that is remembered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Its name.
    pub id: RecordId,
    /// What is remembered.
    pub text: String,
    /// Where it belongs.
    #[serde(flatten)]
    pub scope: Scope,
    /// What the caller keeps with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it holds.
    #[serde(default, skip_serializing_if = "Interval::is_open")]
    pub valid: Interval,
    /// Whom it is from.
    #[serde(default)]
    pub provenance: Provenance,
    /// Where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// The hash of its text in its scope.
    pub hash: ContentHash,
    /// When it was added, in milliseconds since the Unix epoch.
    pub created_at: Millis,
    /// When it was last changed.
    pub updated_at: Millis,
    /// From when on it is not recalled any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}

impl Record {
    /// Tells whether it may still be recalled.
    pub fn is_live(&self, now: Millis) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What somebody wants remembered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    /// What is to be remembered: 1 byte to 64 KiB.
    pub text: String,
    /// The person it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The agent it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// The application it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// The run or session it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// What the caller keeps with it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// When it holds.
    #[serde(default, skip_serializing_if = "Interval::is_open")]
    pub valid: Interval,
    /// Whom it is from.
    #[serde(default)]
    pub provenance: Provenance,
    /// Where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// From when on it is not to be recalled any more, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}

impl Draft {
    /// A text, belonging nowhere in particular.
    pub fn new(text: impl Into<String>) -> Draft {
        Draft { text: text.into(), ..Draft::default() }
    }

    /// The draft in a scope.
    #[must_use]
    pub fn within(self, scope: Scope) -> Draft {
        Draft { user_id: scope.user, agent_id: scope.agent, app_id: scope.app, run_id: scope.run, ..self }
    }

    /// Where it belongs.
    pub fn scope(&self) -> Scope {
        let Draft { user_id, agent_id, app_id, run_id, .. } = self.clone();
        Scope { user: user_id, agent: agent_id, app: app_id, run: run_id }
    }
}

/// What is to change in a record; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The new text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The new metadata, in place of the old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The new categories, in place of the old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// When it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid: Option<Interval>,
    /// From when on it is not to be recalled any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// It was added.
    Added,
    /// It was changed.
    Updated,
    /// It was forgotten.
    Forgotten,
}

/// One entry of a record's history. Once the record is forgotten, no entry holds a text any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Past {
    /// What happened.
    pub what: Happening,
    /// The text before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The text after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    pub at: Millis,
    /// Who did it.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world whose numbers only fall.
    #[derive(Debug, Default)]
    struct Falling(AtomicU64);

    impl World for Falling {
        fn now(&self) -> Millis {
            0
        }
        fn fresh(&self) -> u64 {
            u64::MAX - self.0.fetch_add(1, Ordering::Relaxed)
        }
    }

    #[test]
    fn ids_ascend_within_a_millisecond_past_the_counter_and_when_the_clock_is_set_back() {
        let (ids, world) = (RecordIds::default(), Falling::default());
        let times = std::iter::repeat_n(1_000, 5_000).chain([2_000, 1_500, 1_500, 3_000]);
        let given: Vec<_> = times.map(|now| ids.fresh(now, &world)).collect();
        assert!(given.is_sorted_by(|one, next| one < next));
        for id in &given {
            assert_eq!((id.0.get_version_num(), id.0.get_variant()), (7, uuid::Variant::RFC4122), "{id}");
        }
        let seconds = |id: &RecordId| id.0.get_timestamp().unwrap().to_unix();
        assert_eq!(given.first().map(seconds), Some((1, 0)));
        assert_eq!(given.last().map(seconds), Some((3, 0)));
    }
}
