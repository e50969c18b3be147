//! What a text holds: its sentences, the stems of its words, the names in it, and the times that it speaks of.

use super::time::{Mention, mentions};
use crate::context::said_at;
use crate::rank::common;
use crate::record::Record;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tantivy::tokenizer::{Language, LowerCaser, RawTokenizer, Stemmer, StopWordFilter, TextAnalyzer, TokenStream};
use unicode_segmentation::UnicodeSegmentation;

/// How much of a text is read, in bytes; what comes after is shown with it, and not looked at.
const MAX_READ_BYTES: usize = 16 * 1024;

/// Words that questions are made of and that say nothing about the answer, besides the list of the stop word filter.
const QUESTION_WORDS: &str = "a about am an any are at be been being but by can could did do does doing done for from had has \
    have having he her hers him his how i if in into is it its just me my of on or our ours shall she should so some than \
    that the their them then there these they this those to too us was we were what when where which who whom whose why \
    will with would you your yours please tell many much ever also not no";

/// What a text holds.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// The text as it is.
    pub text: String,
    /// Its sentences; put together they are the text.
    pub sentences: Vec<Sentence>,
    /// The stems of its words, those that say nothing left out, and how often each is there.
    pub terms: BTreeMap<String, usize>,
    /// The terms by the numbers that their reader gives them, ascending: of another reader's readings they say nothing.
    pub numbers: Vec<u32>,
    /// The names in it, in lower case.
    pub names: BTreeSet<String>,
    /// The times that it speaks of.
    pub times: Vec<Mention>,
    /// The day on which it was said.
    pub day: Option<Date>,
    /// Who said it, in lower case.
    pub speaker: Option<String>,
    /// The conversation.
    pub conversation: Option<String>,
}

/// A sentence of a text.
#[derive(Debug, Clone, Default)]
pub struct Sentence {
    /// The sentence with the space after it.
    pub text: String,
    /// Its terms.
    pub terms: BTreeSet<String>,
    /// The terms by number, as in [`Reading::numbers`].
    pub numbers: Vec<u32>,
}

/// Reads texts.
pub struct Reader {
    analyzer: TextAnalyzer,
    numbers: HashMap<String, u32>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

impl Reader {
    /// A reader of texts in English; words of other languages are taken as they are.
    pub fn new() -> Reader {
        let stop = StopWordFilter::remove(QUESTION_WORDS.split_whitespace().map(str::to_owned));
        let words = TextAnalyzer::builder(RawTokenizer::default()).filter(LowerCaser).filter(stop);
        Reader { analyzer: words.filter(Stemmer::new(Language::English)).build(), numbers: HashMap::new() }
    }

    /// Reads a question.
    pub fn question(&mut self, text: &str) -> Reading {
        self.text(text)
    }

    /// Reads a record, with who said it and when.
    pub fn record(&mut self, record: &Record) -> Reading {
        let mut reading = self.text(&record.text);
        let day = i64::try_from(said_at(record)).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
        reading.day = day.map(|moment| moment.to_zoned(TimeZone::UTC).date());
        reading.times = reading.day.map(|day| mentions(clipped(&record.text), day)).unwrap_or_default();
        if let Some(turn) = &record.turn {
            reading.speaker = turn.speaker.as_ref().map(|speaker| speaker.to_lowercase());
            reading.conversation = Some(turn.conversation.clone());
        }
        reading
    }

    fn text(&mut self, text: &str) -> Reading {
        let read = clipped(text);
        let mut sentences: Vec<Sentence> = Vec::new();
        let mut terms = BTreeMap::new();
        for sentence in read.split_sentence_bounds() {
            let words: Vec<String> = sentence.unicode_words().filter_map(|word| self.term(word)).collect();
            for word in &words {
                *terms.entry(word.clone()).or_default() += 1;
            }
            let (text, terms) = (sentence.to_owned(), words.into_iter().collect());
            let numbers = self.numbers(&terms);
            sentences.push(Sentence { text, terms, numbers });
        }
        if let Some(unread) = text.strip_prefix(read).filter(|unread| !unread.is_empty()) {
            sentences.push(Sentence { text: unread.to_owned(), ..Sentence::default() });
        }
        let mut numbers: Vec<u32> = sentences.iter().flat_map(|sentence| &sentence.numbers).copied().collect();
        numbers.sort_unstable();
        numbers.dedup();
        let names = super::entity::names(read);
        Reading { text: text.to_owned(), sentences, terms, numbers, names, ..Reading::default() }
    }

    /// The numbers of terms, ascending.
    fn numbers(&mut self, terms: &BTreeSet<String>) -> Vec<u32> {
        let number = |term: &String| {
            if let Some(number) = self.numbers.get(term) {
                return *number;
            }
            let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            self.numbers.insert(term.clone(), number);
            number
        };
        let mut numbers: Vec<u32> = terms.iter().map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    fn term(&mut self, word: &str) -> Option<String> {
        // A word with an apostrophe counts as what stands before it: "Caroline's", "didn't".
        let word = word.split(['\'', '’']).next().unwrap_or_default();
        let mut stream = self.analyzer.token_stream(word);
        stream.advance().then(|| stream.token().text.clone()).filter(|term| !term.is_empty())
    }
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

impl Reading {
    /// The share of another reading's terms that this one has too, each weighing what it weighs.
    pub fn covers(&self, other: &Reading, weights: &BTreeMap<&str, f64>) -> f64 {
        share(other.terms.keys().map(|term| (self.terms.contains_key(term), weight(weights, term))))
    }

    /// How alike two texts are in their terms: 1 for the same, 0 for none in common (Jaccard).
    pub fn likeness(&self, other: &Reading) -> f64 {
        likeness(&self.numbers, &other.numbers)
    }

    /// Some of its sentences, with a mark where others are left out.
    pub fn excerpt(&self, chosen: &BTreeSet<usize>) -> String {
        let mut excerpt = String::new();
        let mut next = 0;
        for (place, sentence) in self.sentences.iter().enumerate().filter(|(place, _)| chosen.contains(place)) {
            if place != next {
                let end = excerpt.trim_end().len();
                excerpt.truncate(end);
                excerpt.push_str(if excerpt.is_empty() { "… " } else { " … " });
            }
            excerpt.push_str(&sentence.text);
            next = place + 1;
        }
        let end = excerpt.trim_end().len();
        excerpt.truncate(end);
        if next < self.sentences.len() {
            excerpt.push_str(" …");
        }
        excerpt
    }
}

/// How much terms tell: the fewer texts have one, the more (inverse document frequency).
pub(super) fn weights<'t>(readings: impl ExactSizeIterator<Item = &'t Reading>) -> BTreeMap<&'t str, f64> {
    let all = readings.len();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for reading in readings {
        reading.terms.keys().for_each(|term| *seen.entry(term).or_default() += 1);
    }
    seen.into_iter().map(|(term, seen)| (term, idf(all, seen))).collect()
}

/// The weight of a term that some of all texts have.
pub(super) fn idf(all: usize, seen: usize) -> f64 {
    (1.0 + count(all) / (count(seen) + 0.5)).ln()
}

/// A term that no text has tells nothing about which text is better, so that it weighs little.
pub(super) fn weight(weights: &BTreeMap<&str, f64>, term: &str) -> f64 {
    weights.get(term).copied().unwrap_or(0.1)
}

/// The share of the weights that hold.
pub(super) fn share(weighted: impl Iterator<Item = (bool, f64)>) -> f64 {
    let (held, all) = weighted
        .fold((0.0, 0.0), |(held, all), (holds, weight)| (if holds { held + weight } else { held }, all + weight));
    if all > 0.0 { held / all } else { 0.0 }
}

/// A number as a fraction of another; 0 of nothing.
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { count(part) / count(whole) }
}

/// How alike two texts are in their terms, by number.
pub(super) fn likeness(one: &[u32], other: &[u32]) -> f64 {
    let common = common(one, other);
    ratio(common, one.len() + other.len() - common)
}

/// A number of things.
pub(super) fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::from(u32::MAX), f64::from)
}

fn clipped(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_READ_BYTES)).unwrap_or(text)
}
