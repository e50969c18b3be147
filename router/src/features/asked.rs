//! A question: what it looks for, and what kind of answer it expects.

use super::text::{Lexicon, Text};
use super::{flag, ratio, real};
use memory::index::Term;
use memory::module::time::MONTHS;
use memory::text::terms;
use std::collections::BTreeMap;

/// Words that tell what a question asks for, in the languages that agents are asked in most; of each kind any word counts.
const KINDS: [&[&str]; 8] = [
    &["when", "date", "year", "month", "day", "wann", "quand", "cuándo", "quando", "когда"],
    &["where", "place", "city", "country", "wo", "wohin", "où", "dónde", "dove", "onde", "где"],
    &["who", "whom", "whose", "wer", "wem", "qui", "quién", "chi", "quem", "кто"],
    &["many", "much", "often", "number", "viele", "combien", "cuántos", "quanti", "quantos", "сколько"],
    &["why", "reason", "warum", "pourquoi", "perché", "por", "почему"],
    &["how", "wie", "comment", "cómo", "come", "como", "как"],
    &["would", "could", "might", "likely", "should", "würde", "könnte", "wahrscheinlich", "probablement", "probable"],
    &["what", "which", "was", "welche", "que", "quel", "quelle", "qué", "cuál", "cosa", "что", "какой"],
];

/// What is asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// The terms by number, each once, with their weights.
    pub(super) terms: Vec<(u32, f32)>,
    /// The sum of the weights.
    pub(super) weight: f32,
    /// The term that tells most.
    pub(super) rarest: Option<u32>,
    /// The kinds of [`KINDS`].
    pub(super) kinds: [f32; 8],
    /// Terms that stand side by side.
    pairs: Vec<(u32, u32)>,
    /// How the terms begin, in their order, where they are long enough for that to tell.
    beginnings: Vec<Option<u64>>,
    /// The words in lower case.
    words: Vec<String>,
    /// The terms of words with a capital, the first word left out.
    names: Vec<u32>,
    /// The times that it speaks of, as terms: years, months, numbers.
    times: Vec<u32>,
}

impl Asked {
    pub(super) fn new(question: &str, weights: &BTreeMap<String, f32>, lexicon: &mut Lexicon<'_>) -> Asked {
        let spoken: Vec<&str> =
            question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let words: Vec<String> = spoken.iter().map(|word| word.to_lowercase()).collect();
        let mut number = |term: &str| lexicon.number(Term::new(term));
        let mut of_words = |words: &mut dyn Iterator<Item = &&str>| -> Vec<u32> {
            words.flat_map(|word| terms(word)).map(|term| number(&term)).collect()
        };
        let is_name = |word: &&&str| word.chars().next().is_some_and(char::is_uppercase);
        let names = of_words(&mut spoken.iter().skip(1).filter(is_name));
        let is_time =
            |word: &&&str| word.chars().any(|c| c.is_ascii_digit()) || MONTHS.contains(&word.to_lowercase().as_str());
        let times = of_words(&mut spoken.iter().filter(is_time));
        let order: Vec<u32> = terms(question).iter().map(|term| number(term)).collect();
        let pairs = order.windows(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect();
        let terms: Vec<(u32, f32)> = weights.iter().map(|(term, weight)| (number(term), *weight)).collect();
        let kinds = KINDS.map(|kind| flag(words.iter().any(|word| kind.contains(&word.as_str()))));
        Asked {
            weight: terms.iter().map(|(_, weight)| *weight).sum(),
            rarest: terms.iter().max_by(|one, other| one.1.total_cmp(&other.1)).map(|(term, _)| *term),
            kinds,
            pairs,
            beginnings: weights.keys().map(|term| beginning(term)).collect(),
            words,
            names,
            times,
            terms,
        }
    }

    pub(super) fn has(&self, term: u32) -> bool {
        self.terms.iter().any(|(asked, _)| *asked == term)
    }

    /// The share of the terms side by side that a text has side by side, too; `order` are its terms as they follow each other.
    pub(super) fn adjacent(&self, order: &[u32]) -> f32 {
        let has = |(one, other): &&(u32, u32)| order.windows(2).any(|pair| pair == [*one, *other]);
        ratio(real(self.pairs.iter().filter(has).count()), real(self.pairs.len()))
    }

    /// How much of the question a text covers, where words that begin alike count as half a word.
    pub(super) fn by_beginnings(&self, text: &Text<'_>) -> f32 {
        let alike =
            |beginning: Option<u64>| beginning.is_some() && text.terms.iter().any(|term| term.beginning == beginning);
        let part = |((beginning, (_, weight)), found): ((&Option<u64>, &(u32, f32)), &bool)| {
            if *found {
                *weight
            } else if alike(*beginning) {
                weight / 2.0
            } else {
                0.0
            }
        };
        ratio(self.beginnings.iter().zip(&self.terms).zip(&text.found).map(part).sum(), self.weight)
    }

    /// The share of the names in the question that a text has.
    pub(super) fn names(&self, has: impl Fn(u32) -> bool) -> f32 {
        share(&self.names, has)
    }

    /// The share of the times in the question that some terms have.
    pub(super) fn times(&self, has: impl Fn(u32) -> bool) -> f32 {
        share(&self.times, has)
    }

    /// Whether the question names a speaker.
    pub(super) fn has_named(&self, speaker: &str) -> bool {
        let speaker = speaker.to_lowercase();
        speaker.split_whitespace().any(|name| self.words.iter().any(|word| word == name))
    }

    /// Whether the question names who speaks; and whether it names somebody else.
    pub(super) fn speakers(&self, text: &Text<'_>) -> [f32; 2] {
        let Some(is_named) = text.is_named else { return [f32::NAN; 2] };
        [flag(is_named), flag(!is_named && !self.names.is_empty())]
    }
}

/// How a term begins, where it is longer than that.
fn beginning(term: &str) -> Option<u64> {
    Term::new(term).beginning.filter(|_| term.chars().nth(Term::BEGINNING).is_some())
}

/// The share of some terms that a text has; not a number of none.
fn share(terms: &[u32], has: impl Fn(u32) -> bool) -> f32 {
    if terms.is_empty() {
        return f32::NAN;
    }
    ratio(real(terms.iter().filter(|term| has(**term)).count()), real(terms.len()))
}
