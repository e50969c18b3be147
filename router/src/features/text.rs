//! A candidate's text, read once: its terms by number, and what kind of text it is.

use super::asked::Asked;
use super::{flag, number, real};
use memory::Record;
use memory::context::said_at;
use memory::index::Term;
use memory::record::Turn;
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

/// Words that say when without a digit, by their length from three letters on.
const TIME_WORDS: [&[&str]; 7] = [
    &["ago"],
    &["last", "week", "year", "hier"],
    &["today", "month", "since"],
    &["summer", "winter", "spring", "monday", "friday", "sunday"],
    &["tonight", "weekend", "tuesday", "gestern"],
    &["tomorrow", "thursday", "saturday", "recently"],
    &["yesterday", "wednesday"],
];
/// From so many of them on their number tells nothing more.
const MANY_TIMES: usize = 3;

/// Numbers for terms, conversations and speakers, for as long as one question is looked at.
#[derive(Debug, Default)]
pub(super) struct Lexicon<'c> {
    /// By the digests of the terms.
    numbers: FxHashMap<u64, u32>,
    conversations: FxHashMap<&'c str, u32>,
    /// Whether the question names them.
    speakers: FxHashMap<&'c str, bool>,
}

/// A candidate's text.
#[derive(Debug, Default)]
pub(super) struct Text<'c> {
    /// Each term once, by number.
    pub(super) set: Vec<u32>,
    /// How many terms there are, repetitions included.
    pub(super) length: usize,
    /// The share of the question's terms side by side that it has side by side, too.
    pub(super) adjacent: f32,
    /// Which of the question's terms it has, in their order.
    pub(super) found: SmallVec<[bool; 16]>,
    /// The terms as they are.
    pub(super) terms: &'c [Term],
    /// Conversation and place in it.
    pub(super) turn: Option<(u32, u32)>,
    /// Whether the question names who speaks, where that is known.
    pub(super) is_named: Option<bool>,
    pub(super) said_at: u64,
    pub(super) is_question: f32,
    pub(super) digits: f32,
    pub(super) times: f32,
    pub(super) time_asked: f32,
}

impl<'c> Lexicon<'c> {
    /// One for so many terms, of which about a third are others' too.
    pub(super) fn of(terms: usize) -> Lexicon<'c> {
        let numbers = FxHashMap::with_capacity_and_hasher(terms * 2 / 3, FxBuildHasher);
        Lexicon { numbers, ..Lexicon::default() }
    }

    pub(super) fn number(&mut self, term: Term) -> u32 {
        let next = count(self.numbers.len());
        *self.numbers.entry(term.digest).or_insert(next)
    }

    fn turn(&mut self, turn: &'c Turn) -> (u32, u32) {
        let next = count(self.conversations.len());
        (*self.conversations.entry(&turn.conversation).or_insert(next), turn.place)
    }

    /// How much each term tells, by how few of the candidates have it.
    pub(super) fn weights(&self, texts: &[Text<'_>], asked: &Asked) -> Vec<f32> {
        let mut seen = vec![0_usize; self.numbers.len()];
        for term in texts.iter().flat_map(|text| &text.set) {
            if let Some(seen) = usize::try_from(*term).ok().and_then(|term| seen.get_mut(term)) {
                *seen += 1;
            }
        }
        let weight = |seen: usize| (1.0 + real(texts.len()) / (real(seen) + 0.5)).ln();
        let of_counts: Vec<f32> = (0..=texts.len()).map(weight).collect();
        let mut weights: Vec<f32> = seen.iter().map(|seen| number(&of_counts, *seen)).collect();
        for (term, weight) in &asked.terms {
            if let Some(known) = usize::try_from(*term).ok().and_then(|term| weights.get_mut(term)) {
                *known = *weight;
            }
        }
        weights
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

impl<'c> Text<'c> {
    pub(super) fn new(record: &'c Record, terms: &'c [Term], asked: &Asked, lexicon: &mut Lexicon<'c>) -> Text<'c> {
        let mut set: Vec<u32> = terms.iter().map(|term| lexicon.number(*term)).collect();
        let (length, adjacent) = (set.len(), asked.adjacent(&set));
        set.sort_unstable();
        set.dedup();
        let has = |term: &u32| set.binary_search(term).is_ok();
        let turn = record.turn.as_ref();
        let speaker = turn.and_then(|turn| turn.speaker.as_deref());
        let said = record.text.split(" [image:").next().unwrap_or_default().trim_end();
        Text {
            time_asked: asked.times(|term| has(&term)),
            found: asked.terms.iter().map(|(term, _)| has(term)).collect(),
            turn: turn.map(|turn| lexicon.turn(turn)),
            is_named: speaker.map(|name| *lexicon.speakers.entry(name).or_insert_with(|| asked.has_named(name))),
            said_at: said_at(record),
            is_question: flag(said.ends_with(['?', '？', '؟'])),
            digits: flag(said.bytes().any(|byte| byte.is_ascii_digit())),
            times: real(times(&record.text)),
            terms,
            length,
            adjacent,
            set,
        }
    }
}

/// How many words of a text say when, as far as that tells anything.
fn times(text: &str) -> usize {
    if text.is_ascii() {
        // Bytes need not be taken apart to characters, nor these be looked up.
        let words = text.as_bytes().split(|byte| !byte.is_ascii_alphanumeric());
        return words.filter(|word| is_time(word)).take(MANY_TIMES).count();
    }
    let words = text.split(|c: char| !c.is_alphanumeric());
    words.filter(|word| is_time(word.as_bytes())).take(MANY_TIMES).count()
}

fn is_time(word: &[u8]) -> bool {
    let of_length = word.len().checked_sub(3).and_then(|length| TIME_WORDS.get(length));
    of_length.is_some_and(|times| times.iter().any(|time| word.eq_ignore_ascii_case(time.as_bytes())))
}
