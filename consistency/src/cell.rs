//! The smallest words of shared state: keys, values, versions and who is speaking.
//!
//! A cell is *absent* (never written), *deleted* (written, then removed) or holds a value, which may be JSON's `null`;
//! the three are different and no value stands in for another.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 512;

/// Why a text is not a key or a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Keys name something.
    #[error("a key must not be empty")]
    EmptyKey,
    /// Keys are at most [`MAX_KEY_BYTES`] long.
    #[error("a key has at most {MAX_KEY_BYTES} bytes, this one has {0}")]
    LongKey(usize),
    /// Keys are printable, so that a table, a log and a terminal can show them.
    #[error("the key `{0}` holds a control character")]
    ControlInKey(String),
    /// Keys that begin with `@` are kept for what programs store for themselves.
    #[error("the key `{0}` begins with `@`, as only cells of trace itself do")]
    Reserved(String),
    /// Versions are written `epoch.sequence`.
    #[error("`{0}` is not a version: write `epoch.sequence`, as in `0.17`")]
    Version(String),
}

/// The name of a cell: 1 to [`MAX_KEY_BYTES`] bytes of printable text, ordered by bytes, as in `todo/3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

impl Key {
    /// Makes a key of a text.
    ///
    /// # Errors
    /// [`Malformed`] when the text is empty, too long or holds a control character.
    pub fn new(text: &str) -> Result<Key, Malformed> {
        if text.is_empty() {
            return Err(Malformed::EmptyKey);
        }
        if text.len() > MAX_KEY_BYTES {
            return Err(Malformed::LongKey(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(Malformed::ControlInKey(text.escape_debug().to_string()));
        }
        Ok(Key(text.into()))
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Key, Malformed> {
        Key::new(text)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Key, D::Error> {
        Key::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a cell holds: any JSON value, shared instead of copied.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Value(#[serde(with = "shared")] Arc<serde_json::Value>);

impl Value {
    /// The JSON value.
    pub fn json(&self) -> &serde_json::Value {
        &self.0
    }

    /// Takes the JSON value, copying it where others still share it.
    pub fn into_json(self) -> serde_json::Value {
        Arc::unwrap_or_clone(self.0)
    }
}

impl<T: Into<serde_json::Value>> From<T> for Value {
    fn from(value: T) -> Value {
        Value(Arc::new(value.into()))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

mod shared {
    //! A shared JSON value is written as what it is.
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<S: Serializer>(value: &Arc<serde_json::Value>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<serde_json::Value>, D::Error> {
        serde_json::Value::deserialize(deserializer).map(Arc::new)
    }
}

/// What a read finds in a cell.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "snake_case")]
pub enum Content {
    /// Never written, as far as the snapshot reaches.
    Absent,
    /// Written once and removed since.
    Deleted,
    /// Holds this value, which may be `null`.
    Present(Value),
}

impl Content {
    /// The value, if there is one.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Content::Present(value) => Some(value),
            Content::Absent | Content::Deleted => None,
        }
    }
}

/// When something was committed: the epoch of the store, then the place in the order of commits.
///
/// Never reused: every recovery begins a new epoch, so that a version handed out before a crash can't be met again with
/// another content. Written as `epoch.sequence`; ordered by epoch, then sequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version(u64);

impl Version {
    /// Before the first commit; the version of what is absent.
    pub const ZERO: Version = Version(0);
    const SEQUENCE_BITS: u32 = 43;
    /// Epochs and sequences fit a positive 64-bit integer of a database: 20 bits and 43 bits.
    const MAX_EPOCH: u64 = (1 << 20) - 1;

    /// The version of an epoch and a sequence, or nothing where they do not fit 20 and 43 bits.
    pub const fn new(epoch: u64, sequence: u64) -> Option<Version> {
        if epoch > Version::MAX_EPOCH || sequence >> Version::SEQUENCE_BITS != 0 {
            return None;
        }
        Some(Version(epoch << Version::SEQUENCE_BITS | sequence))
    }

    /// How often the store had recovered when this was committed.
    pub const fn epoch(self) -> u64 {
        self.0 >> Version::SEQUENCE_BITS
    }

    /// The place in the order of commits.
    pub const fn sequence(self) -> u64 {
        self.0 & ((1 << Version::SEQUENCE_BITS) - 1)
    }

    /// The next version of this epoch; nothing once the 43 bits are used up.
    pub const fn next(self) -> Option<Version> {
        Version::new(self.epoch(), self.sequence() + 1)
    }

    /// The greatest version below this one; of a first sequence, that is the last that the epoch before could have.
    pub const fn previous(self) -> Option<Version> {
        match self.0.checked_sub(1) {
            Some(bits) => Some(Version(bits)),
            None => None,
        }
    }

    /// The first version of the next epoch, beyond every version of this one.
    pub const fn next_epoch(self) -> Option<Version> {
        Version::new(self.epoch() + 1, self.sequence())
    }

    /// The version as one integer of the same order, for a database's column.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The version of [`Version::to_bits`].
    pub const fn from_bits(bits: u64) -> Version {
        Version(bits)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch(), self.sequence())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Version {
    type Err = Malformed;
    fn from_str(text: &str) -> Result<Version, Malformed> {
        let parts = text
            .split_once('.')
            .and_then(|(epoch, sequence)| Version::new(epoch.parse().ok()?, sequence.parse().ok()?));
        parts.ok_or_else(|| Malformed::Version(text.to_owned()))
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a session is protected from (the paper's section 4); each level includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nothing: commits are atomic, and the last writer wins.
    L0,
    /// Stale generation: a commit holds only if all that the session read and searched still holds.
    L1,
    /// Causal cascade: effects wait until everything they rest on is final, and a retraction takes along what rests on it.
    L2,
    /// Tool-effect reordering: effects leave in the order of commit and issue, lane by lane.
    L3,
    /// Phantom tool: a pinned tool that changed stops the commit, and the effect.
    L4,
}

impl Level {
    /// All levels, weakest first.
    pub const ALL: [Level; 5] = [Level::L0, Level::L1, Level::L2, Level::L3, Level::L4];
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl FromStr for Level {
    type Err = String;
    fn from_str(text: &str) -> Result<Level, String> {
        let found = Level::ALL.into_iter().find(|level| level.to_string().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{text}` is not a level: write one of L0, L1, L2, L3, L4"))
    }
}

/// A name that is compared and shown, never parsed.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> $name {
                $name(text.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// Who acts: the name of an agent, a person or a program.
    Agent
}
name! {
    /// A tool that agents call, as in `bash` or `mail.send`.
    Tool
}
name! {
    /// Where effects go, in order: a mailbox, a repository, a deployment target.
    Lane
}
name! {
    /// What a tool is at one moment: a hash or version of its signature and implementation, chosen by whoever registers it.
    Fingerprint
}

/// One session's identity, unique in its store; chosen by the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl FromStr for SessionId {
    type Err = String;
    fn from_str(text: &str) -> Result<SessionId, String> {
        let id = u64::from_str_radix(text, 16);
        id.map(SessionId).map_err(|_| format!("`{text}` is not a session: sessions are hexadecimal numbers"))
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for SessionId {
    type Error = String;
    fn try_from(text: String) -> Result<SessionId, String> {
        text.parse()
    }
}

/// A moment, in milliseconds since the Unix epoch; always an argument, never read from a clock here.
pub type Millis = u64;
