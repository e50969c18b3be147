//! Topics: what belongs together.
//!
//! Low joins items that share terms or stand side by side in a conversation; mid joins them by meaning (average linkage, with a
//! threshold taken from how alike the candidates are, so that it fits any embedder); high has a model sort and label them. An
//! item gains from the best other item of its topic.

use super::answer::{PREAMBLE, place, prompt, read, room};
use super::fact::Fact;
use super::pool::{Candidate, Change, Pool, cosine};
use super::reading::{Reading, count, weight, weights};
use super::{Halt, Module, Question, pace};
use crate::budget::Budget;
use crate::embed::Embedder;
use serde::Deserialize;
use std::collections::BTreeSet;
use unicode_segmentation::UnicodeSegmentation;

/// How alike two items of one topic are, at least.
const LINK: f64 = 0.25;
/// How much nearer two turns next to each other are.
const BESIDE: f64 = 0.15;
/// How far apart two turns next to each other are, at most.
const NEAR: u32 = 2;
/// What the best other item of a topic is worth to an item.
const TOGETHER_GAIN: f64 = 0.1;
/// How many words label a topic.
const LABEL_WORDS: usize = 3;
/// The most topics that a model may name, and the longest label, in characters.
const MAX_TOPICS: usize = 64;
const MAX_LABEL_CHARS: usize = 80;

/// Topics.
#[derive(Debug, Clone, Copy)]
pub struct Topic;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sorted {
    topics: Vec<Labelled>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    label: String,
    items: Vec<usize>,
}

impl Module for Topic {
    fn name(&self) -> &'static str {
        "topic"
    }

    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
        let mut groups: Vec<BTreeSet<usize>> = Vec::new();
        for (place, candidate) in pool.candidates().iter().enumerate() {
            pace(budget)?;
            let linked =
                |other: &usize| pool.candidates().get(*other).is_some_and(|other| nearness(candidate, other) >= LINK);
            let (mut together, apart): (Vec<_>, Vec<_>) =
                groups.into_iter().partition(|group| group.iter().any(linked));
            groups = apart;
            together.push(BTreeSet::from([place]));
            groups.push(together.into_iter().flatten().collect());
        }
        Ok(together(pool, groups.into_iter().map(|group| (None, group))))
    }

    fn mid(&self, pool: &Pool, embedder: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt> {
        let (_, vectors) = pool.vectors(embedder, budget)?;
        let mut alike: Vec<Vec<f64>> = Vec::new();
        for one in &vectors {
            pace(budget)?;
            alike.push(vectors.iter().map(|other| cosine(one, other)).collect());
        }
        let groups = agglomerated(&alike, budget)?;
        Ok(together(pool, groups.into_iter().map(|group| (None, group))))
    }

    fn question(&self, pool: &Pool, _: &Budget) -> Question {
        let system = format!(
            "{PREAMBLE} Sort the items by topic and name each topic in two to five words. The form is \
             {{\"topics\":[{{\"label\":\"name\",\"items\":[1,2]}}]}}."
        );
        Question { system, prompt: prompt(pool), least_tokens: room(pool, 4, 32), most_tokens: room(pool, 16, 128) }
    }

    fn read(&self, pool: &Pool, answer: &str, _: &Budget) -> Result<Change, Halt> {
        let Sorted { topics } = read(answer)?;
        let mut groups = Vec::new();
        for Labelled { label, items } in topics.into_iter().take(MAX_TOPICS) {
            let places = items.into_iter().map(|item| place(item, pool)).collect::<Result<BTreeSet<_>, _>>()?;
            groups.push((Some(label.chars().take(MAX_LABEL_CHARS).collect()), places));
        }
        Ok(together(pool, groups.into_iter()))
    }
}

/// How near two items are: terms in common, and turns side by side.
fn nearness(one: &Candidate, other: &Candidate) -> f64 {
    let turns = one.hit().stored.record.turn.as_ref().zip(other.hit().stored.record.turn.as_ref());
    let beside = turns.is_some_and(|(a, b)| a.conversation == b.conversation && a.place.abs_diff(b.place) <= NEAR);
    one.reading().likeness(other.reading()) + if beside { BESIDE } else { 0.0 }
}

/// Joins the two groups that are most alike on average, until no two are more alike than what is usual plus one deviation.
fn agglomerated(alike: &[Vec<f64>], budget: &Budget) -> Result<Vec<BTreeSet<usize>>, Halt> {
    let of = |one: usize, other: usize| alike.get(one).and_then(|row| row.get(other)).copied().unwrap_or_default();
    let pairs = || (0..alike.len()).flat_map(|one| (0..one).map(move |other| of(one, other)));
    let all = count(pairs().count().max(1));
    let mean = pairs().sum::<f64>() / all;
    let deviation = (pairs().map(|pair| (pair - mean).powi(2)).sum::<f64>() / all).sqrt();
    let mut groups: Vec<BTreeSet<usize>> = (0..alike.len()).map(|place| BTreeSet::from([place])).collect();
    loop {
        pace(budget)?;
        let linkage = |one: &BTreeSet<usize>, other: &BTreeSet<usize>| {
            let sum: f64 = one.iter().flat_map(|a| other.iter().map(|b| of(*a, *b))).sum();
            sum / count(one.len() * other.len())
        };
        let mut best = (mean + deviation, None);
        for (place, one) in groups.iter().enumerate() {
            for (other_place, other) in groups.iter().enumerate().take(place) {
                let linkage = linkage(one, other);
                if linkage > best.0 {
                    best = (linkage, Some((place, other_place)));
                }
            }
        }
        let (_, Some((later, earlier))) = best else { return Ok(groups) };
        let joined = groups.remove(later);
        if let Some(group) = groups.get_mut(earlier) {
            group.extend(joined);
        }
    }
}

fn together(pool: &Pool, groups: impl Iterator<Item = (Option<String>, BTreeSet<usize>)>) -> Change {
    let mut change = Change::default();
    let value = |place: usize| pool.candidates().get(place).map_or(0.0, Candidate::value);
    let most = pool.candidates().first().map_or(1.0, Candidate::value).max(f64::MIN_POSITIVE);
    let weights = weights(pool.candidates().iter().map(Candidate::reading));
    for (label, group) in groups.filter(|(_, group)| group.len() > 1) {
        for place in &group {
            let others = group.iter().filter(|other| *other != place).map(|other| value(*other));
            *change.gains.entry(*place).or_default() += TOGETHER_GAIN * others.fold(0.0, f64::max) / most;
        }
        let items: Vec<&Candidate> = group.iter().filter_map(|place| pool.candidates().get(*place)).collect();
        let readings: Vec<&Reading> = items.iter().map(|item| item.reading()).collect();
        let label = label.unwrap_or_else(|| labelled(&readings, &weights));
        change.facts.push(Fact::Topic { label, items: items.iter().map(|item| item.id()).collect() });
    }
    change
}

/// The terms that most of some items have and few others, as words of the items.
fn labelled(items: &[&Reading], weights: &std::collections::BTreeMap<&str, f64>) -> String {
    let terms: BTreeSet<&String> = items.iter().flat_map(|item| item.terms.keys()).collect();
    let having = |term: &str| items.iter().filter(|item| item.terms.contains_key(term)).count();
    let mut terms: Vec<(f64, &String)> =
        terms.into_iter().map(|term| (count(having(term)) * weight(weights, term), term)).collect();
    terms.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    let word = |term: &String| {
        let words = items.iter().flat_map(|item| item.text.unicode_words()).map(str::to_lowercase);
        words.filter(|word| word.starts_with(term.as_str())).min_by_key(String::len).unwrap_or_else(|| term.clone())
    };
    terms.into_iter().take(LABEL_WORDS).map(|(_, term)| word(term)).collect::<Vec<_>>().join(", ")
}
