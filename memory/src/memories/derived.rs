//! Records that are made of others: consolidations, summaries, conclusions.
//!
//! INVARIANTS: a record is trusted no further and kept no longer than the least of what it rests on. When one of its inputs is
//! forgotten, it is forgotten too, with what rests on it in turn: whoever has something forgotten must not find it again
//! in a summary. An input that is merely changed leaves what was made of it as it is.

use super::{Added, Memories, MemoryError, Transaction};
use crate::record::{Draft, Record, RecordId};
use crate::tenant::Tenant;
use consistency::Version;

impl Memories {
    /// Makes a record of others. The work may take minutes: where an input was changed or forgotten meanwhile, the newer
    /// write stands and the work is done again.
    ///
    /// # Errors
    /// [`MemoryError::Unknown`] when an input is not there; [`MemoryError::Store`] when others were faster too often.
    pub fn consolidate(
        &self,
        tenant: &Tenant,
        by: &str,
        inputs: &[RecordId],
        mut work: impl FnMut(&[Record]) -> Draft,
    ) -> Result<(Added, Version), MemoryError> {
        self.write(tenant, by, |transaction| {
            let records = inputs.iter().map(|id| transaction.get(*id)?.ok_or(MemoryError::Unknown(*id)));
            let records = records.collect::<Result<Vec<_>, _>>()?;
            let mut draft = work(&records);
            draft.provenance.rests_on = inputs.to_vec();
            draft.provenance.source.get_or_insert_with(|| "consolidation".to_owned());
            transaction.add(&draft)
        })
    }
}

impl Transaction<'_> {
    /// Holds a draft to what it rests on: its inputs are there, and the commit holds only if they are the same then.
    pub(super) fn rest(&mut self, draft: &mut Draft) -> Result<(), MemoryError> {
        draft.provenance.rests_on.sort_unstable();
        draft.provenance.rests_on.dedup();
        for id in draft.provenance.rests_on.clone() {
            let input = self.get(id)?.ok_or(MemoryError::Unknown(id))?;
            draft.provenance.trust = draft.provenance.trust.min(input.provenance.trust);
            draft.expires_at = [draft.expires_at, input.expires_at].into_iter().flatten().min();
        }
        Ok(())
    }

    /// Notes with each input what rests on it.
    pub(crate) fn note_inputs(&mut self, record: &Record) -> Result<(), MemoryError> {
        let inputs = &record.provenance.rests_on;
        inputs.iter().try_for_each(|input| self.put(&self.tenant.rests(*input, record.id), &record.id))
    }

    /// Takes those notes back.
    pub(super) fn drop_inputs(&mut self, record: &Record) -> Result<(), MemoryError> {
        for input in &record.provenance.rests_on {
            self.session.delete(&self.tenant.rests(*input, record.id))?;
        }
        Ok(())
    }

    /// A text that was concluded is now said by somebody: it stands on its own.
    pub(super) fn stand_alone(&mut self, id: RecordId, draft: &Draft) -> Result<(), MemoryError> {
        let Some(mut record) = self.get(id)? else { return Ok(()) };
        if !draft.provenance.rests_on.is_empty() || record.provenance.rests_on.is_empty() {
            return Ok(());
        }
        self.drop_inputs(&record)?;
        let before = record.expires_at;
        record.provenance = draft.provenance.clone();
        record.expires_at = draft.expires_at;
        record.updated_at = self.now.max(record.updated_at);
        self.schedule(before, &record)?;
        self.put(&self.tenant.record(id), &record)
    }

    /// Forgets records and all that rests on them; tells how many went. One that is not there is passed over.
    pub(super) fn forget_with(&mut self, ids: &[RecordId]) -> Result<usize, MemoryError> {
        let mut left = ids.to_vec();
        let mut gone = 0;
        while let Some(id) = left.pop() {
            let Some(record) = self.get(id)? else { continue };
            // The search is part of what the commit depends on: what is made of the record meanwhile isn't missed.
            let resting = self.session.scan(&self.tenant.resting(id))?;
            left.extend(resting.iter().filter_map(|(_, value)| value.json().as_str()?.parse::<RecordId>().ok()));
            self.erase(&record)?;
            gone += 1;
        }
        Ok(gone)
    }
}
