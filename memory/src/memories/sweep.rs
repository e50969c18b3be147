//! What goes when its time has come, and forgetting many: in transactions of a bounded size.
//!
//! A cell for each thing that ends names the moment in its key, so that a sweep reads what is due and nothing else.

use super::{Memories, MemoryError, Stored, Transaction};
use crate::filter::Filter;
use crate::record::{Record, RecordId};
use crate::tenant::Tenant;
use consistency::range::Range;
use consistency::{Key, Millis};
use serde::{Deserialize, Serialize};

/// How many records one transaction forgets.
const BATCH: usize = 100;
/// How long an idempotency key is remembered, in milliseconds.
pub(super) const ONCE_MS: Millis = 24 * 60 * 60 * 1000;

/// What ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Due {
    /// A record expires.
    Record(RecordId),
    /// An idempotency key may be used again; the key of its cell.
    Once(String),
}

impl Memories {
    /// Forgets the records that have expired and the idempotency keys that are a day old, of one tenant or all, at most
    /// `limit` in all; tells how many went. What was made of an expired record goes with it.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be written.
    pub fn expire(&self, tenant: Option<&Tenant>, by: &str, limit: usize) -> Result<usize, MemoryError> {
        let tenants = tenant.map_or_else(|| self.tenants(), |tenant| Ok(vec![tenant.clone()]))?;
        let mut gone = 0;
        for tenant in tenants {
            while gone < limit {
                let most = BATCH.min(limit - gone);
                let due = self.due(&tenant, most)?;
                if due.is_empty() {
                    break;
                }
                self.write(&tenant, by, |transaction| due.iter().try_for_each(|(key, due)| transaction.end(key, due)))?;
                gone += due.len();
            }
        }
        Ok(gone)
    }

    /// The tenants that have memories.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read.
    pub fn tenants(&self) -> Result<Vec<Tenant>, MemoryError> {
        const ALL: &str = "@memory/";
        let mut range = Range::prefix(ALL);
        let mut tenants = Vec::new();
        while let Some((key, _)) = self.store.list(&range, 1)?.pop() {
            let name = key.as_str().strip_prefix(ALL).and_then(|rest| rest.split('/').next()).unwrap_or_default();
            // `0` follows `/`: the next key that is not this tenant's.
            range.from = format!("{ALL}{name}0");
            tenants.extend(Tenant::new(name).ok());
        }
        Ok(tenants)
    }

    /// Forgets all records that a filter means, a hundred in a transaction; tells how many went. One that is added or changed
    /// meanwhile may stay.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read or written; what was forgotten before stays forgotten.
    pub fn forget_all(&self, tenant: &Tenant, by: &str, filter: &Filter) -> Result<usize, MemoryError> {
        let mut after = None;
        let mut gone = 0;
        loop {
            let page = self.list(tenant, after, BATCH)?;
            let Some(last) = page.last() else { return Ok(gone) };
            after = Some(last.record.id);
            let meant = page.into_iter().filter(|stored| filter.matches(&stored.record));
            let ids: Vec<RecordId> = meant.map(|Stored { record, .. }| record.id).collect();
            if !ids.is_empty() {
                gone += self.forget_ids(tenant, by, &ids)?;
            }
        }
    }

    /// Forgets some records, a hundred in a transaction; tells how many went, with what was made of them. One that is not
    /// there is passed over.
    ///
    /// # Errors
    /// As [`Memories::forget_all`].
    pub fn forget_ids(&self, tenant: &Tenant, by: &str, ids: &[RecordId]) -> Result<usize, MemoryError> {
        let mut gone = 0;
        for ids in ids.chunks(BATCH) {
            gone += self.write(tenant, by, |transaction| transaction.forget_with(ids))?.0;
        }
        Ok(gone)
    }

    fn due(&self, tenant: &Tenant, most: usize) -> Result<Vec<(Key, Due)>, MemoryError> {
        let from = tenant.due(0, "");
        let range = Range { from, to: Some(tenant.due(self.now().saturating_add(1), "")) };
        let cells = self.store.list(&range, most)?;
        let due = cells.into_iter().map(|(key, cell)| {
            let due = super::decoded(key.as_str(), &cell.content)?;
            Ok(due.map(|due| (key, due)))
        });
        due.filter_map(Result::transpose).collect()
    }
}

impl Transaction<'_> {
    /// Sees to it that a record goes when it expires, and not before.
    pub(crate) fn schedule(&mut self, before: Option<Millis>, record: &Record) -> Result<(), MemoryError> {
        let id = record.id;
        if before == record.expires_at {
            return Ok(());
        }
        if let Some(before) = before {
            self.session.delete(&self.tenant.due(before, &id.to_string()))?;
        }
        match record.expires_at {
            Some(end) => self.put(&self.tenant.due(end, &id.to_string()), &Due::Record(id)),
            None => Ok(()),
        }
    }

    /// Ends what is due, if it still is.
    fn end(&mut self, key: &Key, due: &Due) -> Result<(), MemoryError> {
        match due {
            Due::Record(id) => {
                let record = self.get(*id)?;
                if record.is_some_and(|record| !record.is_live(self.now)) {
                    self.forget_with(&[*id])?;
                }
            }
            Due::Once(cell) => self.session.delete(cell)?,
        }
        Ok(self.session.delete(key.as_str())?)
    }
}
