//! A candidate's text, read once: its terms by number, and what kind of text it is.

use super::asked::Asked;
use super::{flag, real};
use memory::Record;
use memory::context::said_at;
use memory::rank::common;
use std::collections::HashMap;
use std::sync::Arc;

/// Words that say when without a digit.
const TIME_WORDS: [&str; 24] = [
    "yesterday",
    "today",
    "tonight",
    "tomorrow",
    "ago",
    "last",
    "week",
    "weekend",
    "month",
    "year",
    "summer",
    "winter",
    "spring",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "recently",
    "since",
    "gestern",
    "hier",
];

/// Numbers for terms, for as long as one question is looked at.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    numbers: HashMap<String, u32>,
    sessions: HashMap<String, u32>,
}

/// A candidate's text.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The terms, in the order of the text.
    pub(super) order: Vec<u32>,
    /// Each term once, by number.
    pub(super) set: Vec<u32>,
    /// The terms that the question might mean by another form.
    pub(super) spelled: Arc<[String]>,
    /// Conversation and place in it.
    pub(super) turn: Option<(u32, u32)>,
    /// Who speaks, in lower case.
    pub(super) speaker: Option<String>,
    pub(super) said_at: u64,
    pub(super) is_question: f32,
    pub(super) digits: f32,
    pub(super) times: f32,
    pub(super) time_asked: f32,
}

impl Lexicon {
    pub(super) fn number(&mut self, term: &str) -> u32 {
        number(&mut self.numbers, term)
    }

    /// How much each term tells, by how few of the candidates have it.
    pub(super) fn weights(&self, texts: &[Text], asked: &Asked) -> Vec<f32> {
        let mut seen = vec![0.0_f32; self.numbers.len()];
        for term in texts.iter().flat_map(|text| &text.set) {
            if let Some(seen) = usize::try_from(*term).ok().and_then(|term| seen.get_mut(term)) {
                *seen += 1.0;
            }
        }
        let mut weights: Vec<f32> = seen.iter().map(|seen| (1.0 + real(texts.len()) / (seen + 0.5)).ln()).collect();
        for (term, weight) in &asked.terms {
            if let Some(known) = usize::try_from(*term).ok().and_then(|term| weights.get_mut(term)) {
                *known = *weight;
            }
        }
        weights
    }
}

fn number(numbers: &mut HashMap<String, u32>, name: &str) -> u32 {
    if let Some(number) = numbers.get(name) {
        return *number;
    }
    let number = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    numbers.insert(name.to_owned(), number);
    number
}

impl Text {
    pub(super) fn new(record: &Record, terms: &Arc<[String]>, asked: &Asked, lexicon: &mut Lexicon) -> Text {
        let spelled = terms.clone();
        let order: Vec<u32> = spelled.iter().map(|term| lexicon.number(term)).collect();
        let mut set = order.clone();
        set.sort_unstable();
        set.dedup();
        let words = record.text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let times = words.filter(|word| TIME_WORDS.iter().any(|time| word.eq_ignore_ascii_case(time))).count();
        let turn = record.turn.as_ref();
        let said = record.text.split(" [image:").next().unwrap_or_default().trim_end();
        Text {
            time_asked: asked.times(|term| set.binary_search(&term).is_ok()),
            turn: turn.map(|turn| (number(&mut lexicon.sessions, &turn.conversation), turn.place)),
            speaker: turn.and_then(|turn| turn.speaker.as_ref()).map(|speaker| speaker.to_lowercase()),
            said_at: said_at(record),
            is_question: flag(said.ends_with(['?', '？', '؟'])),
            digits: flag(said.chars().any(|c| c.is_ascii_digit())),
            times: real(times).min(3.0),
            spelled,
            order,
            set,
        }
    }

    pub(super) fn has(&self, term: u32) -> bool {
        self.set.binary_search(&term).is_ok()
    }

    /// How alike two texts are in their terms: 1 for the same, 0 for none in common (Jaccard).
    pub(super) fn likeness(&self, other: &Text) -> f32 {
        let common = common(&self.set, &other.set);
        let all = self.set.len() + other.set.len() - common;
        if all == 0 { 0.0 } else { real(common) / real(all) }
    }
}
