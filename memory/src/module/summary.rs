//! The summary: what is shown of the items, under the token cap.
//!
//! Where all fits, all is shown. Else low chooses sentences: those that cover the question most for their tokens and repeat the
//! least of what is chosen already (maximal marginal relevance, Carbonell and Goldstein 1998). Mid does so by meaning, and
//! counts what other sentences are near to. High has a model write sentences that cite items; a citation of no item is
//! dropped, and so is a sentence without any left.

use super::answer::{PREAMBLE, place, prompt, read};
use super::fact::Fact;
use super::pool::{Candidate, Change, Pool, Statement, cosine};
use super::reading::{count, likeness, share, weight, weights};
use super::{Halt, Module, Question, pace};
use crate::budget::Budget;
use crate::context::{Block, Entry, quoted};
use crate::embed::{Embedder, embed};
use crate::tokens;
use serde::Deserialize;
use std::collections::BTreeSet;

/// How many sentences are chosen among, those of the best candidates first.
const MAX_SENTENCES: usize = 256;
/// How many of them are embedded.
const MAX_EMBEDDED: usize = 96;
/// How many texts are embedded between two looks at the clock.
const BATCH: usize = 8;
/// What the repetition of something chosen costs, as a share of what it repeats.
const REPETITION: f64 = 0.5;
/// What a sentence is worth next to its item even if it shares nothing with the question.
const FLOOR: f64 = 0.3;
/// What it costs at most to mark that something is left out on both sides of a sentence.
const MARK_TOKENS: u64 = 4;
/// What being cited is worth.
const CITED_GAIN: f64 = 0.3;
/// The longest summary, in tokens.
const MAX_SUMMARY_TOKENS: u32 = 512;
/// What the form of an answer adds to the summary, in tokens.
const FORM_TOKENS: u32 = 96;

/// The summary.
#[derive(Debug, Clone, Copy)]
pub struct Summary;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    answerable: bool,
    summary: Vec<Sentence>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    text: String,
    items: Vec<usize>,
}

/// A sentence that may be shown.
#[derive(Debug)]
struct Unit {
    item: usize,
    sentence: usize,
    worth: f64,
    tokens: u64,
    /// How much of it is said already by what was chosen.
    said: f64,
}

impl Module for Summary {
    fn name(&self) -> &'static str {
        "summary"
    }

    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
        extract(pool, budget.tokens_left(), budget)
    }

    fn mid(&self, pool: &Pool, embedder: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt> {
        let embedder = embedder.ok_or(Halt::NoEmbedder)?;
        let Some(cap) = budget.tokens_left().filter(|cap| !fits(pool, *cap)) else { return Ok(Change::default()) };
        let mut units = units(pool, budget)?;
        let (question, _) = pool.vectors(Some(embedder), budget)?;
        let mut vectors: Vec<Vec<f32>> = Vec::new();
        let texts: Vec<&str> = units.iter().take(MAX_EMBEDDED).map(|unit| text(pool, unit)).collect();
        for batch in texts.chunks(BATCH) {
            pace(budget)?;
            vectors.extend(embed(embedder, batch)?);
        }
        for (unit, vector) in units.iter_mut().zip(&vectors) {
            let central =
                vectors.iter().map(|other| cosine(vector, other).max(0.0)).sum::<f64>() / count(vectors.len());
            let near = cosine(question, vector).max(0.0);
            unit.worth = value(pool, unit.item) * (FLOOR + (1.0 - FLOOR) * (0.8 * near + 0.2 * central));
        }
        let alike = |one: usize, other: usize| match (vectors.get(one), vectors.get(other)) {
            (Some(one), Some(other)) => cosine(one, other).max(0.0),
            _ => 0.0,
        };
        choose(pool, units, cap, alike, budget)
    }

    fn question(&self, pool: &Pool, budget: &Budget) -> Question {
        let room = room(budget);
        let system = format!(
            "{PREAMBLE} Write what the items tell about the question, in at most {} words in all, as sentences that each cite the items \
             they rest on. Write nothing that no item says. Where the items do not answer the question, say so by \
             \"answerable\":false. The form is {{\"answerable\":true,\"summary\":[{{\"text\":\"sentence\",\"items\":[1,2]}}]}}.",
            (room / 2).max(10)
        );
        Question {
            system,
            prompt: prompt(pool),
            least_tokens: FORM_TOKENS,
            most_tokens: room.saturating_add(FORM_TOKENS),
        }
    }

    fn read(&self, pool: &Pool, answer: &str, budget: &Budget) -> Result<Change, Halt> {
        let Written { answerable, summary } = read(answer)?;
        let (mut statements, mut facts, mut cited) = (Vec::new(), Vec::new(), BTreeSet::new());
        let (mut block, most) = (Block::default(), u64::from(room(budget)));
        for Sentence { text, items } in summary {
            let places: BTreeSet<usize> = items.into_iter().filter_map(|item| place(item, pool).ok()).collect();
            let items: Vec<_> =
                places.iter().filter_map(|place| pool.candidates().get(*place)).map(Candidate::id).collect();
            let entry = Entry::statement(&text, &places.iter().map(|place| place + 1).collect::<Vec<_>>());
            if items.is_empty() || text.trim().is_empty() || block.tokens() + block.price(&entry) > most {
                continue;
            }
            block.push(entry);
            cited.extend(places);
            facts.push(Fact::Statement { text: text.clone(), items: items.clone() });
            statements.push(Statement { text, items });
        }
        if answerable && statements.is_empty() {
            return Err(Halt::Unreadable("no sentence cites an item, or none fits".to_owned()));
        }
        let left = budget.tokens_left().map(|left| left.saturating_sub(block.tokens()));
        let mut change = extract(pool, left, budget)?;
        for place in &cited {
            *change.gains.entry(*place).or_default() += CITED_GAIN;
        }
        // What is cited is shown, at least in part.
        change.shown.retain(|place, shown| !(shown.is_empty() && cited.contains(place)));
        Ok(Change { statements, facts, insufficient: !answerable, ..change })
    }
}

/// How many tokens a written summary may have: at most half of the context.
fn room(budget: &Budget) -> u32 {
    let half = budget.tokens_left().map_or(u32::MAX, |left| u32::try_from(left / 2).unwrap_or(u32::MAX));
    half.min(MAX_SUMMARY_TOKENS)
}

fn extract(pool: &Pool, cap: Option<u64>, budget: &Budget) -> Result<Change, Halt> {
    let Some(cap) = cap.filter(|cap| !fits(pool, *cap)) else { return Ok(Change::default()) };
    let units = units(pool, budget)?;
    let terms: Vec<&[u32]> =
        units.iter().filter_map(|unit| sentence(pool, unit)).map(|one| one.numbers.as_slice()).collect();
    let alike = |one: usize, other: usize| match (terms.get(one), terms.get(other)) {
        (Some(one), Some(other)) => likeness(one, other),
        _ => 0.0,
    };
    choose(pool, units, cap, alike, budget)
}

/// Tells whether all items fit as they are.
fn fits(pool: &Pool, cap: u64) -> bool {
    let mut block = Block::default();
    for (number, candidate) in (1..).zip(pool.candidates()) {
        block.push(Entry::item(number, &candidate.hit().stored.record, candidate.text()));
        if block.tokens() > cap {
            return false;
        }
    }
    true
}

/// The sentences that may be shown, each worth what of the question it covers.
fn units(pool: &Pool, budget: &Budget) -> Result<Vec<Unit>, Halt> {
    let weights = weights(pool.candidates().iter().map(Candidate::reading));
    let asked = &pool.question().terms;
    let mut units = Vec::new();
    for (item, candidate) in pool.candidates().iter().enumerate() {
        pace(budget)?;
        for (place, sentence) in candidate.reading().sentences.iter().enumerate() {
            if sentence.text.trim().is_empty() {
                continue;
            }
            let cover = share(asked.keys().map(|term| (sentence.terms.contains(term), weight(&weights, term))));
            let worth = candidate.value().max(0.0) * (FLOOR + (1.0 - FLOOR) * cover);
            units.push(Unit { item, sentence: place, worth, tokens: tokens::of(&quoted(&sentence.text)), said: 0.0 });
        }
        if units.len() >= MAX_SENTENCES {
            break;
        }
    }
    Ok(units)
}

/// Takes the sentence that is worth most for its tokens, again and again, as long as one fits.
fn choose(
    pool: &Pool,
    mut units: Vec<Unit>,
    cap: u64,
    alike: impl Fn(usize, usize) -> f64,
    budget: &Budget,
) -> Result<Change, Halt> {
    let mut shown: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); pool.candidates().len()];
    let (mut block, mut used) = (Block::default(), 0);
    let mut open: Vec<usize> = (0..units.len()).collect();
    let mut openings = openings(pool, &shown, &block);
    loop {
        pace(budget)?;
        let mut best: Option<(f64, u64, usize)> = None;
        for (at, place) in open.iter().enumerate() {
            let Some(unit) = units.get(*place) else { continue };
            let price = unit.tokens + MARK_TOKENS + openings.get(unit.item).copied().unwrap_or_default();
            let worth = unit.worth * (1.0 - REPETITION * unit.said);
            // Per token alone would prefer the shortest; the root is between that and no price at all.
            let rate = worth / count(usize::try_from(price).unwrap_or(usize::MAX)).sqrt();
            if block.tokens() + used + price <= cap && best.is_none_or(|(most, ..)| rate > most) {
                best = Some((rate, price, at));
            }
        }
        let Some((_, price, at)) = best else { break };
        let taken = open.swap_remove(at);
        let Some(unit) = units.get(taken) else { break };
        let (item, sentence) = (unit.item, unit.sentence);
        let (Some(candidate), Some(chosen)) = (pool.candidates().get(item), shown.get_mut(item)) else { break };
        let is_new = chosen.is_empty();
        chosen.insert(sentence);
        if is_new {
            used += price - block.push(Entry::item(item + 1, &candidate.hit().stored.record, ""));
            openings = self::openings(pool, &shown, &block);
        } else {
            used += price;
        }
        for (place, unit) in units.iter_mut().enumerate() {
            unit.said = unit.said.max(alike(place, taken));
        }
    }
    Ok(Change { shown: shown.into_iter().enumerate().collect(), ..Change::default() })
}

/// What the tag of each item costs; nothing once the item is there.
fn openings(pool: &Pool, shown: &[BTreeSet<usize>], block: &Block) -> Vec<u64> {
    let items = (1..).zip(pool.candidates()).zip(shown);
    let price = |((number, one), chosen): ((usize, &Candidate), &BTreeSet<usize>)| {
        if chosen.is_empty() { block.price(&Entry::item(number, &one.hit().stored.record, "")) } else { 0 }
    };
    items.map(price).collect()
}

fn sentence<'p>(pool: &'p Pool, unit: &Unit) -> Option<&'p super::reading::Sentence> {
    pool.candidates().get(unit.item)?.reading().sentences.get(unit.sentence)
}

fn text<'p>(pool: &'p Pool, unit: &Unit) -> &'p str {
    sentence(pool, unit).map(|sentence| sentence.text.as_str()).unwrap_or_default()
}

fn value(pool: &Pool, item: usize) -> f64 {
    pool.candidates().get(item).map_or(0.0, |one| one.value().max(0.0))
}
