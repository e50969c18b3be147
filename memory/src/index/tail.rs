//! The words of what was committed since the text index was last written: looked through in memory, so that no search waits
//! for a file.
//!
//! INVARIANT: what the tail knows of a record is newer than what the text index knows; there it is hidden.

use super::unit::{Change, Document};
use crate::record::RecordId;
use consistency::Version;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::query::Bm25Weight;

/// The changes of one tenant's records, the newest of each, and where their words are.
#[derive(Debug, Default)]
pub(super) struct Tail {
    changes: HashMap<RecordId, Arc<Change>>,
    postings: HashMap<String, Vec<Posting>>,
}

/// That a word is in a record as one version of it has it.
#[derive(Debug)]
struct Posting {
    id: RecordId,
    version: Version,
    count: u32,
    length: u8,
}

impl Tail {
    pub(super) fn push(&mut self, change: Arc<Change>) {
        if let Some(document) = &change.document {
            self.post(change.id, change.version, document);
        }
        self.changes.insert(change.id, change);
    }

    fn post(&mut self, id: RecordId, version: Version, document: &Document) {
        // The length is rounded as in the text index, so that moving there changes no score.
        let length = FieldNormReader::fieldnorm_to_id(document.row.words);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for term in &document.terms {
            *counts.entry(term).or_default() += 1;
        }
        for (term, count) in counts {
            let posting = Posting { id, version, count, length };
            match self.postings.get_mut(term) {
                Some(postings) => postings.push(posting),
                None => drop(self.postings.insert(term.to_owned(), vec![posting])),
            }
        }
    }

    /// How many records it knows of.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    pub(super) fn changes(&self) -> impl Iterator<Item = &Arc<Change>> {
        self.changes.values()
    }

    /// Tells whether the text index is behind on a record.
    pub(super) fn hides(&self, id: RecordId) -> bool {
        !self.changes.is_empty() && self.changes.contains_key(&id)
    }

    /// In how many records a word is.
    pub(super) fn count(&self, term: &str) -> usize {
        self.found(term).count()
    }

    /// Adds what a word brings to the scores of the records that have it.
    pub(super) fn score(&self, term: &str, weight: &Bm25Weight, scores: &mut HashMap<RecordId, f32>) {
        for posting in self.found(term) {
            *scores.entry(posting.id).or_default() += weight.score(posting.length, posting.count);
        }
    }

    fn found(&self, term: &str) -> impl Iterator<Item = &Posting> {
        let newest = |posting: &&Posting| self.changes.get(&posting.id).is_some_and(|it| it.version == posting.version);
        self.postings.get(term).into_iter().flatten().filter(newest)
    }

    /// Drops what the text index knows by now: everything up to a version.
    pub(super) fn forget_until(&mut self, version: Version) {
        let kept = std::mem::take(self).changes.into_values().filter(|change| change.version > version);
        kept.for_each(|change| self.push(change));
    }
}
