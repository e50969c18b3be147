//! A search: candidates by words and by meaning, ranked together, and read from the store.

use super::flat::Question;
use super::roster::{Entry, InScope, Roster};
use super::words::Lookup;
use super::{Hit, Index, IndexError, Mode, Query, broken};
use crate::embed::{EmbedError, embed};
use crate::memories::Stored;
use crate::rank::{Scores, sorted, with_neighbours, z_score_sum};
use crate::record::{RecordId, Scope};
use crate::tenant::Tenant;
use crate::text;
use std::collections::{BTreeMap, HashMap};

/// How many of the best of each way of searching are ranked together, at first.
const DEPTH: usize = 512;
/// The same where one list is all there is.
const SHALLOW: usize = 64;
/// How much deeper is looked where too few of those passed the filter.
const DEEPER: usize = 8;
/// How many records are read from the store at once, at least.
const READ: usize = 16;

/// What is looked for.
pub(super) struct Wanted<'q> {
    pub(super) terms: Vec<String>,
    pub(super) question: Option<Question>,
    scope: Scope,
    query: &'q Query,
}

/// How a record was found.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub(super) lexical: Option<f32>,
    pub(super) dense: Option<f32>,
    turn: Option<InScope>,
}

/// Candidates, best first.
#[derive(Debug, Default)]
pub(super) struct Ranked {
    best: Vec<(RecordId, f64)>,
    pub(super) found: BTreeMap<RecordId, Found>,
    /// Whether there are no others.
    is_all: bool,
}

impl Index {
    /// The records that fit best, best first.
    ///
    /// # Errors
    /// [`IndexError`] when the store or the files can't be read, or when only meaning counts and there is no embedder.
    pub fn search(&self, tenant: &Tenant, query: &Query) -> Result<Vec<Hit>, IndexError> {
        self.follow()?;
        if query.text.trim().is_empty() || query.limit == 0 {
            return Ok(Vec::new());
        }
        Ok(self.look_up(tenant, &self.wanted(query)?)?.0)
    }

    /// What a query asks for.
    pub(super) fn wanted<'q>(&self, query: &'q Query) -> Result<Wanted<'q>, IndexError> {
        let terms = if query.mode == Mode::Dense { Vec::new() } else { text::terms(&query.text) };
        Ok(Wanted { terms, question: self.question(query)?, scope: query.filter.scope(), query })
    }

    /// Looks deeper and deeper until there are enough that pass the filter; tells how they were ranked, too.
    pub(super) fn look_up(&self, tenant: &Tenant, wanted: &Wanted<'_>) -> Result<(Vec<Hit>, Ranked), IndexError> {
        let query = wanted.query;
        let is_one_list = wanted.question.is_none() && !query.neighbours;
        let mut depth = if is_one_list { SHALLOW } else { DEPTH }.max(query.limit.saturating_mul(2));
        let mut read = HashMap::new();
        loop {
            let ranked = self.ranked(tenant, wanted, depth)?;
            let hits = self.hits(tenant, query, &ranked, &mut read)?;
            if ranked.is_all || hits.len() >= query.limit {
                return Ok((hits, ranked));
            }
            depth = depth.saturating_mul(DEEPER);
        }
    }

    fn question(&self, query: &Query) -> Result<Option<Question>, IndexError> {
        let embedded = match (&self.embedder, query.mode) {
            (_, Mode::Lexical) | (None, Mode::Hybrid) => return Ok(None),
            (Some(embedder), _) => embed(&**embedder, &[&query.text]),
            (None, Mode::Dense) => Err(EmbedError::Unusable {
                what: "nothing can be found by meaning without an embedding model".to_owned(),
                help: "search by words, or name a model".to_owned(),
            }),
        };
        match embedded {
            Ok(vectors) => Ok(vectors.first().map(|vector| Question::new(vector))),
            // Words are left; that no hit has a cosine tells it.
            Err(_) if query.mode == Mode::Hybrid => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn ranked(&self, tenant: &Tenant, wanted: &Wanted<'_>, depth: usize) -> Result<Ranked, IndexError> {
        let state = self.state.read();
        let Some(roster) = state.rosters.get(tenant) else { return Ok(Ranked { is_all: true, ..Ranked::default() }) };
        let within = roster.within(&wanted.scope);
        let lookup = Lookup {
            fields: self.words.fields(),
            searcher: &state.searcher,
            tail: &roster.tail,
            tenant,
            records: roster.len(),
            words: roster.words,
        };
        let in_scope = |id| roster.get(id).is_some_and(|entry| within.holds(entry.scope));
        let lexical = lookup.matches(&wanted.terms, &wanted.scope, in_scope);
        let mut lexical = lexical.map_err(|error| broken(&self.folder, &error))?;
        let (mut dense, mut is_all) = (Vec::new(), true);
        if let Some(question) = &wanted.question {
            (dense, is_all) = roster.vectors.near(question, |scope| within.holds(scope), depth, self.settings.exact);
        }
        is_all &= lexical.len() <= depth && dense.len() <= depth;
        let absent = if lexical.len() > depth { None } else { Some(0.0) };
        best(&mut lexical, depth);
        best(&mut dense, depth);
        let found = candidates(roster, wanted, &lexical, &dense);
        Ok(Ranked { best: fused(wanted, &found, absent), found, is_all })
    }

    /// Reads the best from the store, until there are enough that pass the filter.
    fn hits(
        &self,
        tenant: &Tenant,
        query: &Query,
        ranked: &Ranked,
        read: &mut HashMap<RecordId, Option<Stored>>,
    ) -> Result<Vec<Hit>, IndexError> {
        let (now, mut hits, mut rest) = (self.memories.now(), Vec::new(), ranked.best.as_slice());
        while hits.len() < query.limit && !rest.is_empty() {
            let (some, others) = rest.split_at(rest.len().min((query.limit - hits.len()).max(READ)));
            rest = others;
            let ids: Vec<RecordId> = some.iter().map(|(id, _)| *id).filter(|id| !read.contains_key(id)).collect();
            read.extend(ids.iter().copied().zip(self.memories.newest(tenant, &ids)?));
            for (id, score) in some {
                let stored = read.get(id).and_then(Option::as_ref);
                let passes = |it: &&Stored| it.record.is_live(now) && query.filter.matches(&it.record);
                let Some(stored) = stored.filter(passes) else { continue };
                let Found { lexical, dense, .. } = ranked.found.get(id).copied().unwrap_or_default();
                #[expect(clippy::cast_possible_truncation, reason = "scores are only compared")]
                hits.push(Hit { stored: stored.clone(), score: *score as f32, lexical, dense });
            }
        }
        hits.truncate(query.limit);
        Ok(hits)
    }
}

/// Keeps the best of a list; of equal ones, those with the lesser ids.
fn best(found: &mut Vec<(RecordId, f32)>, depth: usize) {
    if found.len() > depth {
        found.select_nth_unstable_by(depth, |one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        found.truncate(depth);
    }
}

/// What was found either way, what was said next to it, and what all of it means.
fn candidates(
    roster: &Roster,
    wanted: &Wanted<'_>,
    lexical: &[(RecordId, f32)],
    dense: &[(RecordId, f32)],
) -> BTreeMap<RecordId, Found> {
    let mut found: BTreeMap<RecordId, Found> = BTreeMap::new();
    for (id, score) in lexical {
        found.entry(*id).or_default().lexical = Some(*score);
    }
    for (id, cosine) in dense {
        found.entry(*id).or_default().dense = Some(*cosine);
    }
    if wanted.query.neighbours {
        let mut near = Vec::new();
        for (id, found) in &mut found {
            found.turn = roster.get(*id).and_then(Entry::in_scope);
            near.extend(found.turn.into_iter().flat_map(|turn| roster.neighbours(turn)));
        }
        for (id, turn) in near {
            found.entry(id).or_default().turn = Some(turn);
        }
    }
    if let Some(question) = &wanted.question {
        for (id, found) in found.iter_mut().filter(|(_, found)| found.dense.is_none()) {
            let slot = roster.get(*id).and_then(|entry| entry.slot);
            found.dense = slot.and_then(|slot| roster.vectors.cosine(slot, question));
        }
    }
    found
}

/// The candidates in the order of all that speaks for them; `absent` is what words say for one that they did not find.
fn fused(wanted: &Wanted<'_>, found: &BTreeMap<RecordId, Found>, absent: Option<f64>) -> Vec<(RecordId, f64)> {
    let scores = |score: fn(&Found) -> Option<f32>| -> Vec<(RecordId, f64)> {
        found.iter().filter_map(|(id, found)| Some((*id, f64::from(score(found)?)))).collect()
    };
    let words = Scores::best(scores(|found| found.lexical));
    let words = Scores { absent: absent.unwrap_or(words.absent), ..words };
    let meaning = || Scores::best(scores(|found| found.dense));
    let alone = |scores: &Scores<RecordId>| -> Vec<(RecordId, f64)> {
        let given: HashMap<RecordId, f64> = scores.found.iter().copied().collect();
        sorted(found.keys().map(|id| (*id, given.get(id).copied().unwrap_or(scores.absent))).collect())
    };
    let ranked = match (&wanted.question, wanted.terms.is_empty()) {
        (None, _) => alone(&words),
        (Some(_), true) => alone(&meaning()),
        (Some(_), false) => z_score_sum(&[words, meaning()]),
    };
    if !wanted.query.neighbours {
        return ranked;
    }
    with_neighbours(&ranked, |id| {
        let (scope, conversation, place) = found.get(id)?.turn?;
        Some(((scope, conversation), place))
    })
}
