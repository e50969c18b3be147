//! Keys: who may reach which tenant's data, and how far.
//!
//! A key is shown once, when it is made. The store keeps a hash of it, in a cell of its own that no route can name, so every
//! process over the store sees a new or revoked key with the commit that made it so: a cached key is believed only while
//! nothing has been committed since it was read.
//!
//! A key's secret is 256 random bits. Guessing it from its hash is out of reach for any hash function, so a fast one is
//! right; a slow one (argon2, scrypt) protects words that people choose, and would make every request pay for it.
//!
//! Deliberately absent: passwords, sessions, and any way to read a key back.

use consistency::range::Range;
use consistency::store::{Store, StoreError, System, Tries, World};
use consistency::{Content, Key as Cell, Level, Millis, Value, Version};
use memory::Tenant;
use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// What the cells of keys begin with.
const CELLS: &str = "@keys/";
/// What every key begins with, so that people and scanners recognise one.
const MARK: &str = "tr_";
/// What the hash is bound to.
const CONTEXT: &str = "trace 2026-11 the secret of a key";
/// The longest name of a key, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// How far a key reaches; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Reading and searching.
    Read,
    /// Writing too.
    Write,
    /// What concerns the whole server too, such as its audit log.
    Admin,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Access::Read => "read",
            Access::Write => "write",
            Access::Admin => "admin",
        })
    }
}

/// Names a key without giving it away: 16 hexadecimal digits, which the key itself begins with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KeyId {
    type Err = KeyError;
    fn from_str(text: &str) -> Result<KeyId, KeyError> {
        let is_id = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_id { Ok(KeyId(text.to_owned())) } else { Err(KeyError::NoId(text.to_owned())) }
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;
    fn try_from(text: String) -> Result<KeyId, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.0
    }
}

/// What is kept of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its name for the machine.
    pub id: KeyId,
    /// Its name for people; written down as the author of what is done with it.
    pub name: String,
    /// Whose data it reaches.
    pub tenant: String,
    /// How far it reaches.
    pub access: Access,
    /// When it was made, in milliseconds since the Unix epoch.
    pub created_at: Millis,
    /// From when on it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
    /// Since when it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Millis>,
    hash: String,
}

impl Key {
    /// Tells whether it opens anything at a moment.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// A key that was just made: the only time that it can be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What is kept of it.
    pub key: Key,
    /// What the client sends.
    pub secret: String,
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a key can't be made, found or read.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name is empty, too long, or not one line.
    #[error("`{0}` is not the name of a key: write 1 to {MAX_NAME_BYTES} bytes without control characters")]
    Name(String),
    /// A text is not a key's id.
    #[error("`{0}` is not the id of a key\nhelp: `trace keys list` shows the ids, 16 hexadecimal digits each")]
    NoId(String),
    /// There is no key of this id.
    #[error("there is no key `{0}`\nhelp: `trace keys list` shows all keys")]
    Unknown(KeyId),
    /// The system has no randomness to give.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The cell of a key does not hold one.
    #[error(
        "the cell `{cell}` does not hold a key: {cause}\nhelp: `trace verify-log` says whether the store is damaged"
    )]
    Unreadable {
        /// The cell.
        cell: String,
        /// Why.
        cause: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All keys of a store.
#[derive(Debug, Clone)]
pub struct Keys {
    store: Store,
    world: Arc<dyn World>,
    // Only keys that exist get in, so that nobody can make it grow by asking.
    known: Arc<Mutex<HashMap<KeyId, (Version, Key)>>>,
}

impl Keys {
    /// The keys of a store.
    pub fn of(store: &Store) -> Keys {
        Keys::with(store, Arc::new(System))
    }

    /// The keys of a store, with a clock.
    pub fn with(store: &Store, world: Arc<dyn World>) -> Keys {
        Keys { store: store.clone(), world, known: Arc::default() }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError`] says what is wrong with the name or the store.
    pub fn create(
        &self,
        by: &str,
        tenant: &Tenant,
        name: &str,
        access: Access,
        expires_at: Option<Millis>,
    ) -> Result<NewKey, KeyError> {
        if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
            return Err(KeyError::Name(name.to_owned()));
        }
        let id = KeyId(format!("{:016x}", getrandom::u64().map_err(KeyError::Random)?));
        let mut random = [0; blake3::OUT_LEN];
        getrandom::fill(&mut random).map_err(KeyError::Random)?;
        let random = blake3::Hash::from_bytes(random).to_hex();
        let hash = hash_of(&id, &random).to_hex().to_string();
        let (tenant, name, created_at) = (tenant.name().to_owned(), name.to_owned(), self.world.now());
        let secret = format!("{MARK}{id}_{random}");
        let key = Key { id, name, tenant, access, created_at, expires_at, revoked_at: None, hash };
        self.put(by, &key)?;
        Ok(NewKey { key, secret })
    }

    /// All keys, revoked ones included, the oldest first.
    ///
    /// # Errors
    /// [`KeyError`] when the store can't be read.
    pub fn list(&self) -> Result<Vec<Key>, KeyError> {
        let cells = self.store.list(&Range::prefix(CELLS), usize::MAX)?;
        let keys = cells.iter().filter_map(|(cell, written)| read(cell, &written.content).transpose());
        let mut keys = keys.collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
        Ok(keys)
    }

    /// Tells whether a key exists that opens anything now.
    ///
    /// # Errors
    /// [`KeyError`] when the store can't be read.
    pub fn any_live(&self) -> Result<bool, KeyError> {
        let now = self.world.now();
        Ok(self.list()?.iter().any(|key| key.is_live(now)))
    }

    /// Revokes a key: from the commit on it opens nothing, in any process. A key that is revoked stays so.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] when it is not there.
    pub fn revoke(&self, by: &str, id: &KeyId) -> Result<Key, KeyError> {
        let mut key = self.read(id)?.ok_or_else(|| KeyError::Unknown(id.clone()))?;
        // Nothing but this ever changes a key, and to do it twice comes to the same.
        if key.revoked_at.is_none() {
            key.revoked_at = Some(self.world.now());
            self.put(by, &key)?;
        }
        Ok(key)
    }

    /// The key that a text is, if it opens anything now. How long this takes tells nothing of the secret.
    ///
    /// # Errors
    /// [`KeyError`] when the store can't be read.
    pub fn opened_by(&self, text: &str) -> Result<Option<Key>, KeyError> {
        let parts = text.strip_prefix(MARK).and_then(|rest| rest.split_once('_'));
        let Some((Ok(id), secret)) = parts.map(|(id, secret)| (id.parse(), secret)) else { return Ok(None) };
        let Some(key) = self.current(&id)? else { return Ok(None) };
        let is_it = hash_of(&id, secret).to_hex().as_bytes().ct_eq(key.hash.as_bytes());
        Ok((bool::from(is_it) && key.is_live(self.world.now())).then_some(key))
    }

    /// The key of an id as of the last commit.
    fn current(&self, id: &KeyId) -> Result<Option<Key>, KeyError> {
        let clock = self.store.clock()?;
        if let Some((_, key)) = self.known.lock().get(id).filter(|(seen, _)| *seen == clock) {
            return Ok(Some(key.clone()));
        }
        // Read after the clock was: what is cached is at least as new as it says.
        let key = self.read(id)?;
        match &key {
            Some(key) => drop(self.known.lock().insert(id.clone(), (clock, key.clone()))),
            None => drop(self.known.lock().remove(id)),
        }
        Ok(key)
    }

    fn read(&self, id: &KeyId) -> Result<Option<Key>, KeyError> {
        let cell = Cell::new(&format!("{CELLS}{id}")).map_err(StoreError::from)?;
        let newest = self.store.newest(std::slice::from_ref(&cell))?.pop().flatten();
        newest.map_or(Ok(None), |written| read(&cell, &written.content))
    }

    fn put(&self, by: &str, key: &Key) -> Result<(), KeyError> {
        let cell = format!("{CELLS}{}", key.id);
        let value = serde_json::to_value(key).map_err(|error| unreadable(&cell, &error))?;
        let value = Value::from(value);
        self.store.run(by, Level::L1, Tries::default(), |session| session.write(&cell, value.clone()))?;
        Ok(())
    }
}

/// The hash that is kept of a secret, bound to its id so that one key's hash says nothing of another's.
fn hash_of(id: &KeyId, secret: &str) -> blake3::Hash {
    blake3::Hasher::new_derive_key(CONTEXT).update(id.0.as_bytes()).update(secret.as_bytes()).finalize()
}

fn read(cell: &Cell, content: &Content) -> Result<Option<Key>, KeyError> {
    let key = content.value().map(|value| Key::deserialize(value.json()));
    key.transpose().map_err(|error| unreadable(cell.as_str(), &error))
}

fn unreadable(cell: &str, cause: &serde_json::Error) -> KeyError {
    KeyError::Unreadable { cell: cell.to_owned(), cause: cause.to_string() }
}
