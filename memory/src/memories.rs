//! The memories of all tenants: transactions over cells of the shared-state store.
//!
//! Of one text there is one record in each scope: a cell of its own says which, and two who add it at once meet there.
//! What is forgotten is gone from every cell; the store's own log and superseded versions hold it until the store collects them.

mod derived;
pub mod limits;
mod sweep;

use crate::record::{ContentHash, Draft, Happening, MAX_TEXT_BYTES, Past, Patch, Record, RecordId, RecordIds};
use crate::tenant::Tenant;
use consistency::range::Range;
use consistency::store::{Session, Store, StoreError, Tries, World};
use consistency::{Content, Key, Level, Malformed, Millis, Version};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use sweep::{Due, ONCE_MS};

/// All memories of a store.
#[derive(Debug, Clone)]
pub struct Memories {
    store: Store,
    world: Arc<dyn World>,
    ids: Arc<RecordIds>,
}

/// A record with the version of its cell: what an update can be made to depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// The commit that wrote it.
    pub version: Version,
}

/// What adding came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Added {
    /// The record that holds the text now.
    pub id: RecordId,
    /// Whether it is new, or was there before with this very text in this very scope.
    pub is_new: bool,
}

/// Why memories could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// There is no such record.
    #[error("there is no memory `{0}`")]
    Unknown(RecordId),
    /// The record was changed since the version that the caller knows.
    #[error("the memory `{id}` was changed meanwhile: it is at version {now}, not {expected}")]
    Changed {
        /// The record.
        id: RecordId,
        /// The version that was expected.
        expected: Version,
        /// The version it has.
        now: Version,
    },
    /// Another record has that text in that scope.
    #[error("the memory `{0}` says the same already")]
    Duplicate(RecordId),
    /// The text is empty or too long.
    #[error("the text of a memory has 1 to {MAX_TEXT_BYTES} bytes, this one has {0}")]
    Text(usize),
    /// Something else of it is over its limit.
    #[error(transparent)]
    Excess(#[from] limits::Excess),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request: use a new one")]
    Reused,
    /// The cell of a record does not hold one.
    #[error(
        "the cell `{key}` does not hold what it should: {cause}\nhelp: `trace verify-log` says whether the store is damaged"
    )]
    Unreadable {
        /// The cell.
        key: String,
        /// Why.
        cause: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Malformed> for MemoryError {
    fn from(malformed: Malformed) -> MemoryError {
        MemoryError::Store(malformed.into())
    }
}

/// What an idempotency key stands for: the request it came with, and what that came to.
#[derive(Debug, Serialize, Deserialize)]
struct Done<T> {
    request: String,
    at: Millis,
    answer: T,
}

impl Memories {
    /// The memories of a store.
    pub fn new(store: Store, world: Arc<dyn World>) -> Memories {
        Memories { store, world, ids: Arc::default() }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The time now.
    pub fn now(&self) -> Millis {
        self.world.now()
    }

    /// Does some work in one transaction: all of it is committed, or nothing. Where somebody else was faster it is done again.
    ///
    /// # Errors
    /// What the work fails with, or the store.
    pub fn write<T>(
        &self,
        tenant: &Tenant,
        by: &str,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, MemoryError>,
    ) -> Result<(T, Version), MemoryError> {
        let mut failed = None;
        let done = self.store.run(by, Level::L1, Tries::default(), |session| {
            let now = self.world.now();
            let mut transaction = Transaction { session, tenant, by, now, world: &*self.world, ids: &self.ids };
            work(&mut transaction).map_err(|error| match error {
                MemoryError::Store(error) => error,
                // Any error but `Doomed` ends the run, and the session with it; this one is not seen by anybody.
                other => {
                    failed = Some(other);
                    StoreError::TooOld
                }
            })
        });
        match (done, failed) {
            (Err(_), Some(failed)) => Err(failed),
            (done, _) => Ok(done?),
        }
    }

    /// As [`Memories::write`], once for each idempotency key: asked again with the same request within a day, the first
    /// answer is given.
    /// `request` is what tells requests apart, as a hash of it does.
    ///
    /// # Errors
    /// [`MemoryError::Reused`] for another request under the same key; what the work fails with, or the store.
    pub fn once<T: Serialize + DeserializeOwned>(
        &self,
        tenant: &Tenant,
        by: &str,
        key: &str,
        request: &str,
        mut work: impl FnMut(&mut Transaction<'_>) -> Result<T, MemoryError>,
    ) -> Result<(T, Version), MemoryError> {
        let name = blake3::hash(key.as_bytes()).to_hex();
        let cell = format!("{}once/{name}", tenant.memories());
        self.write(tenant, by, |transaction| {
            // Another request may have had another kind of answer.
            if let Some(done) = transaction.read::<Done<serde_json::Value>>(&cell)? {
                let answer = || T::deserialize(done.answer).map_err(|error| unreadable(&cell, &error));
                return if done.request == request { answer() } else { Err(MemoryError::Reused) };
            }
            let done = Done { request: request.to_owned(), at: transaction.now, answer: work(transaction)? };
            transaction.put(&cell, &done)?;
            let due = transaction.tenant.due(done.at.saturating_add(ONCE_MS), &name);
            transaction.put(&due, &Due::Once(cell.clone()))?;
            Ok(done.answer)
        })
    }

    /// One record.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn get(&self, tenant: &Tenant, id: RecordId) -> Result<Option<Stored>, MemoryError> {
        Ok(self.newest(tenant, &[id])?.pop().flatten())
    }

    /// Some records as they are now, all at one moment; nothing in the place of one that is not there.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn newest(&self, tenant: &Tenant, ids: &[RecordId]) -> Result<Vec<Option<Stored>>, MemoryError> {
        let keys = ids.iter().map(|id| Key::new(&tenant.record(*id))).collect::<Result<Vec<_>, _>>()?;
        let cells = self.store.newest(&keys)?;
        cells
            .into_iter()
            .zip(&keys)
            .map(|(cell, key)| cell.map_or(Ok(None), |cell| stored(key.as_str(), &cell.content, cell.version)))
            .collect()
    }

    /// The records after one, in the order in which they were added, at most `limit`.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn list(&self, tenant: &Tenant, after: Option<RecordId>, limit: usize) -> Result<Vec<Stored>, MemoryError> {
        let mut range = Range::prefix(&tenant.records());
        if let Some(after) = after {
            // Nothing lies between a key and that key with the least character added.
            range.from = format!("{}\0", tenant.record(after));
        }
        let cells = self.store.list(&range, limit)?;
        let records = cells.into_iter().map(|(key, cell)| stored(key.as_str(), &cell.content, cell.version));
        records.filter_map(Result::transpose).collect()
    }

    /// What happened to a record, oldest first, the last hundred things; empty for one that never was.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn history(&self, tenant: &Tenant, id: RecordId) -> Result<Vec<Past>, MemoryError> {
        let key = Key::new(&tenant.past(id))?;
        let cell = self.store.newest(std::slice::from_ref(&key))?.pop().flatten();
        let past = cell.and_then(|cell| decoded(key.as_str(), &cell.content).transpose());
        Ok(past.transpose()?.unwrap_or_default())
    }

    /// Adds one record.
    ///
    /// # Errors
    /// [`MemoryError`] when the text can't be kept or the store not be written.
    pub fn add(&self, tenant: &Tenant, by: &str, draft: &Draft) -> Result<Added, MemoryError> {
        Ok(self.write(tenant, by, |transaction| transaction.add(draft))?.0)
    }

    /// Forgets one record.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`] when it is not there.
    pub fn forget(&self, tenant: &Tenant, by: &str, id: RecordId) -> Result<(), MemoryError> {
        self.write(tenant, by, |transaction| transaction.forget(id)).map(drop)
    }

    /// Changes one record; with a version, only if it still has that one.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`], [`MemoryError::Changed`] or [`MemoryError::Duplicate`].
    pub fn update(
        &self,
        tenant: &Tenant,
        by: &str,
        id: RecordId,
        patch: &Patch,
        version: Option<Version>,
    ) -> Result<Stored, MemoryError> {
        let (record, version) = self.write(tenant, by, |transaction| transaction.update(id, patch, version))?;
        Ok(Stored { record, version })
    }
}

/// What is being read and written, until it is committed as one.
pub struct Transaction<'t> {
    session: &'t mut Session,
    tenant: &'t Tenant,
    by: &'t str,
    now: Millis,
    world: &'t dyn World,
    ids: &'t RecordIds,
}

impl fmt::Debug for Transaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Transaction of {} for {}", self.by, self.tenant)
    }
}

impl Transaction<'_> {
    /// The time of the transaction.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Whose memories are written.
    pub fn tenant(&self) -> &Tenant {
        self.tenant
    }

    /// The session, for cells that are no records.
    pub fn session(&mut self) -> &mut Session {
        self.session
    }

    /// One record, with what this transaction wrote; the commit holds only if it is still the same then.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn get(&mut self, id: RecordId) -> Result<Option<Record>, MemoryError> {
        let key = self.tenant.record(id);
        self.read(&key)
    }

    /// Adds a record, unless one with this text is in this scope. One that rests on others is trusted no further and kept no
    /// longer than they are, and goes when one of them is forgotten.
    ///
    /// # Errors
    /// [`MemoryError::Text`] or [`MemoryError::Excess`] for what can't be kept, [`MemoryError::Unknown`] for an input that is
    /// not there.
    pub fn add(&mut self, draft: &Draft) -> Result<Added, MemoryError> {
        let mut draft = limits::kept(draft)?;
        let scope = draft.scope();
        let hash = ContentHash::of(&scope, draft.turn.as_ref(), &draft.text);
        if let Some(id) = self.read::<RecordId>(&self.tenant.content(&hash))? {
            self.stand_alone(id, &draft)?;
            return Ok(Added { id, is_new: false });
        }
        self.rest(&mut draft)?;
        let id = self.ids.fresh(self.now, self.world);
        let Draft { text, metadata, categories, valid, provenance, turn, expires_at, .. } = draft;
        let (created_at, updated_at) = (self.now, self.now);
        let after = Some(text.clone());
        let record = Record {
            id,
            text,
            scope,
            metadata,
            categories,
            valid,
            provenance,
            turn,
            hash,
            created_at,
            updated_at,
            expires_at,
        };
        self.put(&self.tenant.content(&record.hash), &id)?;
        self.put(&self.tenant.record(id), &record)?;
        self.note_inputs(&record)?;
        self.schedule(None, &record)?;
        let event = self.event(Happening::Added, None, after);
        self.put(&self.tenant.past(id), &[event])?;
        Ok(Added { id, is_new: true })
    }

    /// Changes a record; with a version, only if it still has that one.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`], [`MemoryError::Changed`], or [`MemoryError::Duplicate`] when another record says the same.
    pub fn update(&mut self, id: RecordId, patch: &Patch, version: Option<Version>) -> Result<Record, MemoryError> {
        let mut record = self.get(id)?.ok_or(MemoryError::Unknown(id))?;
        if let Some(expected) = version {
            let key = self.tenant.record(id);
            let cell = self.session.versions(&Range { from: key.clone(), to: Some(format!("{key}\0")) })?;
            let now = cell.first().map_or(Version::ZERO, |(_, cell)| cell.version);
            if now != expected {
                return Err(MemoryError::Changed { id, expected, now });
            }
        }
        let before = record.text.clone();
        if let Some(text) = &patch.text {
            record.text = limits::text(text)?;
            self.rehash(&mut record)?;
        }
        let Patch { metadata, categories, valid, expires_at, .. } = patch.clone();
        if let Some(metadata) = metadata {
            record.metadata = limits::metadata(metadata)?;
        }
        if let Some(categories) = categories {
            record.categories = limits::categories(categories)?;
        }
        record.valid = valid.unwrap_or(record.valid);
        let expired = record.expires_at;
        record.expires_at = expires_at.or(expired);
        self.schedule(expired, &record)?;
        record.updated_at = self.now.max(record.updated_at);
        self.put(&self.tenant.record(id), &record)?;
        let past = self.tenant.past(id);
        let mut events: Vec<Past> = self.read(&past)?.unwrap_or_default();
        events.push(self.event(Happening::Updated, Some(before), Some(record.text.clone())));
        limits::shorten(&mut events);
        self.put(&past, &events)?;
        Ok(record)
    }

    /// Forgets a record: the record, the texts of its history, and what was made of it.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`] when it is not there.
    pub fn forget(&mut self, id: RecordId) -> Result<(), MemoryError> {
        if self.forget_with(&[id])? == 0 {
            return Err(MemoryError::Unknown(id));
        }
        Ok(())
    }

    fn erase(&mut self, record: &Record) -> Result<(), MemoryError> {
        let past = self.tenant.past(record.id);
        let mut events: Vec<Past> = self.read(&past)?.unwrap_or_default();
        for event in &mut events {
            (event.before, event.after) = (None, None);
        }
        events.push(self.event(Happening::Forgotten, None, None));
        self.put(&past, &events)?;
        self.drop_inputs(record)?;
        if let Some(end) = record.expires_at {
            self.session.delete(&self.tenant.due(end, &record.id.to_string()))?;
        }
        self.session.delete(&self.tenant.content(&record.hash))?;
        Ok(self.session.delete(&self.tenant.record(record.id))?)
    }

    fn rehash(&mut self, record: &mut Record) -> Result<(), MemoryError> {
        let hash = ContentHash::of(&record.scope, record.turn.as_ref(), &record.text);
        if hash == record.hash {
            return Ok(());
        }
        if let Some(other) = self.read::<RecordId>(&self.tenant.content(&hash))? {
            return Err(MemoryError::Duplicate(other));
        }
        self.session.delete(&self.tenant.content(&record.hash))?;
        self.put(&self.tenant.content(&hash), &record.id)?;
        record.hash = hash;
        Ok(())
    }

    fn event(&self, what: Happening, before: Option<String>, after: Option<String>) -> Past {
        Past { what, before, after, at: self.now, by: self.by.to_owned() }
    }

    pub(crate) fn read<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>, MemoryError> {
        let content = self.session.read(key)?;
        decoded(key, &content)
    }

    pub(crate) fn put(&mut self, key: &str, value: &impl Serialize) -> Result<(), MemoryError> {
        let value = serde_json::to_value(value).map_err(|error| unreadable(key, &error))?;
        Ok(self.session.write(key, value)?)
    }
}

fn stored(key: &str, content: &Content, version: Version) -> Result<Option<Stored>, MemoryError> {
    Ok(decoded(key, content)?.map(|record| Stored { record, version }))
}

pub(crate) fn decoded<T: DeserializeOwned>(key: &str, content: &Content) -> Result<Option<T>, MemoryError> {
    let value = content.value().map(|value| T::deserialize(value.json()));
    value.transpose().map_err(|error| unreadable(key, &error))
}

fn unreadable(key: &str, cause: &serde_json::Error) -> MemoryError {
    MemoryError::Unreadable { key: key.to_owned(), cause: cause.to_string() }
}
