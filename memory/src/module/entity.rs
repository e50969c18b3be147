//! Entities: who and what is spoken of.
//!
//! Low takes names from how texts are written: capitals, quotation marks, code, identifiers. Mid joins them to a graph over the
//! candidates: parts of names are one with the whole, "I" is the speaker, and what is named beside what the question names
//! counts too. High has a model name them; a name that is not in the text is not taken.

use super::answer::{PREAMBLE, place, prompt, read, room};
use super::fact::Fact;
use super::pool::{Candidate, Change, Pool};
use super::reading::{count, idf};
use super::{Halt, Module, Question, pace};
use crate::budget::Budget;
use crate::embed::Embedder;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use unicode_segmentation::UnicodeSegmentation;

/// What it is worth to speak of all that the question names.
const NAMED_GAIN: f64 = 0.4;
/// What it is worth to speak of what is named beside it.
const BESIDE_GAIN: f64 = 0.1;
/// The longest run of capitalised words that is one name.
const MAX_RUN: usize = 5;
/// Words that begin sentences with a capital and name nothing.
const PLAIN: &str = "a an the i i'm i've i'll i'd and or but so if in on at by for to of as is are was were be been do does did has have \
    had can could will would should may might what when where which who whom whose why how that this these those it its he she \
    they we you my your his her our their not no yes yeah hey hi hello thanks thank wow oh ok okay great good nice sure well just \
    also then there here let's please use don't never always tell give make list name describe";

/// Entities.
#[derive(Debug, Clone, Copy)]
pub struct Entity;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extracted {
    question: Vec<String>,
    items: Vec<Named>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    item: usize,
    names: Vec<String>,
}

impl Module for Entity {
    fn name(&self) -> &'static str {
        "entity"
    }

    fn needs_embedder(&self) -> bool {
        false
    }

    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
        let asked = pool.question().names.clone();
        let mut items = Vec::new();
        for candidate in pool.candidates() {
            pace(budget)?;
            items.push(spoken_of(candidate, &asked));
        }
        Ok(scored(pool, &asked, &items, 0.0))
    }

    fn mid(&self, pool: &Pool, _: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt> {
        let mut items = Vec::new();
        for candidate in pool.candidates() {
            pace(budget)?;
            let mut names = spoken_of(candidate, &pool.question().names);
            names.extend(persons(candidate, pool));
            items.push(names);
        }
        Ok(joined(pool, &pool.question().names, &items))
    }

    fn question(&self, pool: &Pool, _: &Budget) -> Question {
        let system = format!(
            "{PREAMBLE} Name the persons, places, organisations, products and things that the question and each item speak of, in the \
             words of the text; put the name in the place of a pronoun. The form is \
             {{\"question\":[\"name\"],\"items\":[{{\"item\":1,\"names\":[\"name\"]}}]}}."
        );
        Question { system, prompt: prompt(pool), least_tokens: room(pool, 8, 32), most_tokens: room(pool, 48, 128) }
    }

    fn read(&self, pool: &Pool, answer: &str, budget: &Budget) -> Result<Change, Halt> {
        let extracted: Extracted = read(answer)?;
        let mut asked = pool.question().names.clone();
        let question = pool.question().text.to_lowercase();
        asked.extend(extracted.question.iter().map(|name| name.to_lowercase()).filter(|name| holds(&question, name)));
        let mut items: Vec<BTreeSet<String>> =
            pool.candidates().iter().map(|candidate| spoken_of(candidate, &asked)).collect();
        let known: BTreeSet<String> =
            pool.candidates().iter().filter_map(|one| one.reading().speaker.clone()).chain(asked.clone()).collect();
        for Named { item, names } in extracted.items {
            pace(budget)?;
            let place = place(item, pool)?;
            let (Some(candidate), Some(own)) = (pool.candidates().get(place), items.get_mut(place)) else { continue };
            let text = candidate.text().to_lowercase();
            // For a pronoun the model may put a name that stands elsewhere.
            let real = |name: &String| holds(&text, name) || known.contains(name);
            own.extend(names.iter().map(|name| name.to_lowercase()).filter(real));
        }
        Ok(joined(pool, &asked, &items))
    }
}

/// The names in a text, in lower case.
pub(super) fn names(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for marks in [['`', '`'], ['"', '"'], ['“', '”']] {
        let spans = between(text, marks).filter(|span| (1..=6).contains(&span.split_whitespace().count()));
        names.extend(spans.map(|span| span.trim().to_lowercase()));
    }
    let mut run: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let bare = bare.strip_suffix("'s").or_else(|| bare.strip_suffix("’s")).unwrap_or(bare);
        if is_identifier(bare) {
            names.insert(bare.to_lowercase());
        }
        let lower = bare.to_lowercase();
        let begins = word.starts_with(|c: char| !c.is_alphanumeric() && c != '@' && c != '#');
        if begins || run.len() == MAX_RUN {
            close(&mut run, &mut names);
        }
        if bare.starts_with(char::is_uppercase) && !PLAIN.split(' ').any(|plain| plain == lower) {
            run.push(lower);
        } else {
            close(&mut run, &mut names);
        }
        if word.ends_with(|c: char| !c.is_alphanumeric()) {
            close(&mut run, &mut names);
        }
    }
    close(&mut run, &mut names);
    names
}

fn close(run: &mut Vec<String>, names: &mut BTreeSet<String>) {
    if !run.is_empty() {
        names.insert(run.join(" "));
        run.clear();
    }
}

fn between(text: &str, [begin, end]: [char; 2]) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(begin)?;
        let (span, after) = after.split_once(end)?;
        rest = after;
        Some(span)
    })
}

/// Paths, qualified names, snake and camel case, and words with digits in them.
fn is_identifier(word: &str) -> bool {
    let chars: Vec<char> = word.chars().collect();
    let joined = chars.windows(3).any(|three| {
        matches!(three, [one, joint, other]
            if matches!(joint, '_' | '/' | ':' | '.' | '-' | '@') && one.is_alphabetic() && other.is_alphabetic())
    });
    let camel = chars.windows(2).any(|two| matches!(two, [one, other] if one.is_lowercase() && other.is_uppercase()));
    let digits = chars.iter().any(|c| c.is_numeric()) && chars.iter().any(|c| c.is_alphabetic());
    chars.len() > 2 && (joined || camel || digits)
}

/// Tells whether a text holds a name as whole words; both are in lower case.
fn holds(text: &str, name: &str) -> bool {
    let ends = |side: Option<char>| side.is_none_or(|c| !c.is_alphanumeric());
    !name.is_empty()
        && text.match_indices(name).any(|(at, _)| {
            let (before, after) = text.split_at_checked(at).unwrap_or_default();
            let after = after.strip_prefix(name).unwrap_or_default();
            ends(before.chars().next_back()) && ends(after.chars().next())
        })
}

/// The names that a candidate speaks of: its own, and those asked for that it holds however they are written.
fn spoken_of(candidate: &Candidate, asked: &BTreeSet<String>) -> BTreeSet<String> {
    let text = candidate.text().to_lowercase();
    let speaker = candidate.reading().speaker.as_deref().unwrap_or_default();
    let mut names = candidate.reading().names.clone();
    names.extend(asked.iter().filter(|name| holds(&text, name) || holds(speaker, name)).cloned());
    names
}

/// Whom "I" and "you" are.
fn persons(candidate: &Candidate, pool: &Pool) -> BTreeSet<String> {
    let reading = candidate.reading();
    let mut persons: BTreeSet<String> = reading.speaker.iter().cloned().collect();
    let addressed = reading.text.unicode_words().any(|word| matches!(word.to_lowercase().as_str(), "you" | "your"));
    if addressed && reading.conversation.is_some() {
        let there = pool.candidates().iter().filter(|one| one.reading().conversation == reading.conversation);
        persons.extend(there.filter_map(|one| one.reading().speaker.clone()));
    }
    persons
}

/// Parts of names are put together with the one whole name that they are of.
fn joined(pool: &Pool, asked: &BTreeSet<String>, items: &[BTreeSet<String>]) -> Change {
    let all: BTreeSet<&String> = asked.iter().chain(items.iter().flatten()).collect();
    let mut whole: BTreeMap<String, String> = BTreeMap::new();
    for name in &all {
        let longer = |other: &&&String| other.len() > name.len() && is_part(name, other);
        let mut of = all.iter().filter(longer);
        if let (Some(only), None) = (of.next(), of.next()) {
            whole.insert((*name).clone(), (*only).clone());
        }
    }
    let one = |name: &String| whole.get(name).unwrap_or(name).clone();
    let asked: BTreeSet<String> = asked.iter().map(one).collect();
    let items: Vec<BTreeSet<String>> = items.iter().map(|names| names.iter().map(one).collect()).collect();
    scored(pool, &asked, &items, BESIDE_GAIN)
}

/// A word of a longer name, or the beginning of a name of one word: "smith" and "mel" of "melanie smith" and "melanie".
fn is_part(name: &str, other: &str) -> bool {
    let mut words = other.split(' ');
    if other.contains(' ') {
        words.any(|word| word == name)
    } else {
        name.len() >= 3
            && other.starts_with(name)
            && name.chars().all(char::is_alphabetic)
            && other.chars().all(char::is_alphabetic)
    }
}

fn scored(pool: &Pool, asked: &BTreeSet<String>, items: &[BTreeSet<String>], beside_gain: f64) -> Change {
    let mut seen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, names) in items.iter().enumerate() {
        for name in names {
            seen.entry(name).or_default().push(place);
        }
    }
    let weight = |name: &str| seen.get(name).map_or(0.0, |places| idf(items.len(), places.len()));
    let all: f64 = asked.iter().map(|name| weight(name)).sum();
    let direct = |names: &BTreeSet<String>| names.intersection(asked).map(|name| weight(name)).sum::<f64>();
    let direct: Vec<f64> = items.iter().map(|names| if all > 0.0 { direct(names) / all } else { 0.0 }).collect();
    // What is named beside what the question names, by how much of it is.
    let near = |name: &str| {
        let places = seen.get(name).map(Vec::as_slice).unwrap_or_default();
        places.iter().filter_map(|place| direct.get(*place)).sum::<f64>() / count(places.len().max(1))
    };
    let mut change = Change::default();
    for (place, (names, direct)) in items.iter().zip(&direct).enumerate() {
        let others: Vec<f64> = names.difference(asked).map(|name| near(name)).collect();
        let beside = others.iter().sum::<f64>() / count(others.len().max(1));
        change.gains.insert(place, NAMED_GAIN * direct + beside_gain * beside);
    }
    let found = seen.iter().filter(|(name, places)| asked.contains(**name) || places.len() > 1);
    change.facts = found.map(|(name, places)| fact(pool, name, asked.contains(*name), places)).collect();
    change
}

fn fact(pool: &Pool, name: &str, asked: bool, places: &[usize]) -> Fact {
    let items = places.iter().filter_map(|place| pool.candidates().get(*place)).map(Candidate::id).collect();
    Fact::Entity { name: name.to_owned(), asked, items }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_told_by_how_they_are_written() {
        let cases: &[(&str, &[&str])] = &[
            ("What did Caroline tell Melanie Smith?", &["caroline", "melanie smith"]),
            ("Run `cargo test` in api/src, then \"The Great Gatsby\".", &["cargo test", "api/src", "the great gatsby"]),
            ("Use getUserById and TOKEN_EXPIRED, not v2", &["getuserbyid", "token_expired"]),
            ("Caroline's book about Paris, France.", &["caroline", "paris", "france"]),
            ("how are you today", &[]),
        ];
        for (text, expected) in cases {
            let found = names(text);
            for name in *expected {
                assert!(found.contains(*name), "{text}: {name} in {found:?}");
            }
            assert!(found.len() <= expected.len() + 2, "{text}: {found:?}");
        }
    }
}
