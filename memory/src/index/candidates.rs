//! A search for whoever weighs what was found: the hits, and what the index knows around each of them.
//!
//! Everything here is what the search computed anyway or has in memory: no other text is read than the hits' own.

use super::analysed::Term;
use super::flat::Question;
use super::roster::{Entry, Roster};
use super::search::Found;
use super::unit::unit;
use super::words::Lookup;
use super::{Hit, Index, IndexError, Query};
use crate::record::RecordId;
use crate::tenant::Tenant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How far before and after a turn its neighbours are looked at.
const REACH: [i64; 4] = [-2, -1, 1, 2];

/// What a search found, with what may tell which of it is worth showing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidates {
    /// The hits, best first.
    pub hits: Vec<Hit>,
    /// What is known around each of them.
    pub views: Vec<View>,
    /// The terms of the question, each with its weight among the tenant's records (inverse document frequency).
    pub terms: BTreeMap<String, f32>,
}

/// What the index knows around a hit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// The turns two before, one before, one after and two after it in its conversation.
    pub around: [Option<Said>; 4],
    /// The cosine of the question with the sum of the vectors of the turn and those right before and after it.
    pub window: Option<f32>,
    /// Its vector, where it was compared by meaning.
    pub vector: Option<Vec<f32>>,
    /// The terms of its [unit](super::unit), in the order of the text.
    pub terms: Arc<[Term]>,
}

/// How well a neighbouring turn fits the question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said {
    /// The record.
    pub id: RecordId,
    /// Its BM25 score; 0 where no word is shared.
    pub lexical: f32,
    /// Its cosine, where there are vectors.
    pub dense: Option<f32>,
}

impl Index {
    /// As [`Index::search`], and tells what it knows around what it found.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn candidates(&self, tenant: &Tenant, query: &Query) -> Result<Candidates, IndexError> {
        self.follow()?;
        if query.text.trim().is_empty() || query.limit == 0 {
            return Ok(Candidates::default());
        }
        let wanted = self.wanted(query)?;
        let (hits, ranked) = self.look_up(tenant, &wanted)?;
        let state = self.state.read();
        let Some(roster) = state.rosters.get(tenant) else { return Ok(Candidates::default()) };
        let (records, words, searcher) = (roster.len(), roster.words, &state.searcher);
        let lookup = Lookup { fields: self.words.fields(), searcher, tail: &roster.tail, tenant, records, words };
        let terms = wanted.terms.iter().map(|term| (term.clone(), lookup.weight(term))).collect();
        let around = Around { roster, found: &ranked.found, question: wanted.question.as_ref() };
        let said = |hit: &Hit| self.analysed.of(&unit(&hit.stored.record));
        let views = hits.iter().map(|hit| View { terms: said(hit), ..around.view(hit.stored.record.id) }).collect();
        Ok(Candidates { hits, views, terms })
    }
}

struct Around<'a> {
    roster: &'a Roster,
    found: &'a BTreeMap<RecordId, Found>,
    question: Option<&'a Question>,
}

impl Around<'_> {
    fn view(&self, id: RecordId) -> View {
        let turn = self.roster.get(id).and_then(Entry::in_scope);
        let at = |by: i64| {
            let (scope, conversation, place) = turn?;
            let place = u32::try_from(i64::from(place) + by).ok()?;
            self.roster.at((scope, conversation, place))
        };
        let around = REACH.map(|by| at(by).map(|id| self.said(id)));
        let near = [at(-1), Some(id), at(1)];
        let vectors: Vec<&[f32]> = near.into_iter().flatten().filter_map(|id| self.vector(id)).collect();
        let own = self.question.and_then(|_| self.vector(id));
        View {
            around,
            window: self.question.and_then(|question| question.near(&vectors)),
            vector: own.map(<[f32]>::to_vec),
            terms: Arc::default(),
        }
    }

    fn said(&self, id: RecordId) -> Said {
        let found = self.found.get(&id).copied().unwrap_or_default();
        let slot = || self.roster.get(id).and_then(|entry| entry.slot);
        let dense = || self.roster.vectors.cosine(slot()?, self.question?);
        Said { id, lexical: found.lexical.unwrap_or_default(), dense: found.dense.or_else(dense) }
    }

    fn vector(&self, id: RecordId) -> Option<&[f32]> {
        self.roster.vectors.vector(self.roster.get(id)?.slot?)
    }
}
