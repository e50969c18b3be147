//! What a user does with words, as far as phrases tell: complains, appeals to a document, asks for a rule, sets a task.
//!
//! The phrases are data (`lexicon/speech.toml`) with an index of their own, so that telling *whether* something is meant
//! for good never changes the reading of *what* is meant. What is quoted or stands in a code span is spoken of, not said:
//! no phrase is looked for in it.
//!
//! INVARIANT: a lookup is one hash of one word and a walk over the few phrases that begin with it.

use super::token::{Form, Token};
use crate::lexicon::Table;
use serde::Deserialize;
use serde::de::{IntoDeserializer, value};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What is done with words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Act {
    /// Asks for a rule to be written down.
    Records,
    /// Says that things are done in another way here.
    Method,
    /// Binds who is spoken to for all time.
    Vows,
    /// Says how often something is done.
    Cadence,
    /// Names a document of rules.
    Document,
    /// Reminds of what is written.
    Appeals,
    /// Speaks of how an agent behaves: guessing, overdoing, cheating.
    Conduct,
    /// States a principle of the work.
    Principles,
    /// Tells how things are done here.
    Conventions,
    /// Says what needs asking and what does not.
    Autonomy,
    /// Complains of what nobody asked for.
    Uninvited,
    /// Complains of what the agent is doing.
    Ongoing,
    /// Complains of what the agent has not done.
    Omitted,
    /// Speaks of how the work is done.
    Procedure,
    /// Speaks of what is made.
    Product,
    /// Complains of what is over.
    Past,
    /// Says that something is not as it was to be.
    Faults,
    /// Says how widely a task is meant.
    Extent,
    /// Says what a change at hand is to leave alone.
    Bounds,
    /// Says how something is or was.
    Tells,
    /// Says that it was said before.
    Told,
    /// Forbids for the next time, too.
    Again,
    /// Speaks of all cases of a kind.
    General,
    /// Holds what was made against a norm.
    Norms,
    /// States a preference.
    Prefers,
    /// Says what is wanted.
    Wants,
    /// Chooses between things at hand.
    Choice,
    /// Asks how something is done.
    AsksHow,
    /// Demands, in a document.
    Demands,
    /// Sets a task.
    Tasks,
}

impl Act {
    /// Whether a longer phrase for it takes away what a shorter one at its place says.
    fn outweighs(self, other: Self) -> bool {
        match other {
            Self::Tells => self == Self::Principles,
            Self::Tasks => !matches!(
                self,
                Self::Tasks
                    | Self::Tells
                    | Self::Procedure
                    | Self::Product
                    | Self::Choice
                    | Self::Document
                    | Self::Demands
                    | Self::Faults
            ),
            _ => false,
        }
    }
}

/// The acts of one sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Acts {
    set: u32,
    /// Where the last phrase begins that tells how something is, in the message.
    tells: Option<usize>,
}

impl Acts {
    /// Whether the sentence does this.
    pub(super) fn has(self, act: Act) -> bool {
        self.set & (1 << act as u32) != 0
    }

    /// Where the last word stands that tells how something is.
    pub(super) fn told(self) -> Option<usize> {
        self.tells
    }

    /// All but that something is told.
    pub(super) fn but_tells(self) -> Self {
        Self { set: self.set & !(1 << Act::Tells as u32), tells: None }
    }

    fn add(&mut self, act: Act, at: usize) {
        self.set |= 1 << act as u32;
        if act == Act::Tells {
            self.tells = Some(at);
        }
    }
}

/// A phrase behind its first word; in the table, how the data spells it, and what it does.
#[derive(Debug, Deserialize)]
#[serde(try_from = "(&str, &str)", bound(deserialize = "'de: 'static"))]
struct Phrase {
    place: Place,
    rest: Vec<Step>,
    act: Act,
}

/// Where in a sentence a phrase counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Anywhere,
    BehindMark,
    Beginning,
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Word(String),
    /// Any word that ends so.
    Ending(String),
    /// Up to [`MAX_GAP`] words.
    Gap,
}

/// The most words that a gap in a phrase stands for.
const MAX_GAP: usize = 8;

/// The phrases by their first word.
static PHRASES: LazyLock<Table<Vec<Phrase>>> = LazyLock::new(|| {
    let slots = include_bytes!(concat!(env!("OUT_DIR"), "/speech.slots"));
    Table::new(slots, include_bytes!(concat!(env!("OUT_DIR"), "/speech.records")))
});

impl TryFrom<(&str, &str)> for Phrase {
    type Error = value::Error;

    fn try_from((phrase, does): (&str, &str)) -> Result<Self, Self::Error> {
        let place = match phrase.chars().next() {
            Some('^') => Place::Beginning,
            Some(',') => Place::BehindMark,
            _ => Place::Anywhere,
        };
        let rest = phrase.split(' ').skip(1).map(Step::of).collect();
        Ok(Self { place, rest, act: Act::deserialize(does.into_deserializer())? })
    }
}

impl Step {
    fn of(word: &str) -> Self {
        match word.strip_prefix('*') {
            Some(ending) => Self::Ending(ending.to_owned()),
            None if word == "…" => Self::Gap,
            None => Self::Word(word.to_owned()),
        }
    }

    fn fits(&self, word: &str) -> bool {
        match self {
            Self::Word(expected) => word == expected,
            Self::Ending(ending) => word.len() > ending.len() + 1 && word.ends_with(&**ending) && !word.ends_with("ss"),
            Self::Gap => false,
        }
    }
}

/// Reads the acts of a sentence.
pub(super) fn acts(tokens: &[Token<'_>]) -> Acts {
    let words: Vec<Cow<'_, str>> = tokens.iter().map(spoken).collect();
    let mut acts = Acts::default();
    let mut here = Place::Beginning;
    for (at, word) in words.iter().enumerate() {
        if word.is_empty() {
            here = here.max(Place::BehindMark);
            continue;
        }
        let behind = words.get(at + 1..).unwrap_or_default();
        let said = || {
            let phrases = PHRASES.get(word).into_iter().flatten();
            let begins = |phrase: &&Phrase| match (phrase.rest.first(), behind.first()) {
                (Some(Step::Gap) | None, _) => true,
                (Some(step), Some(word)) => step.fits(word),
                (Some(_), None) => false,
            };
            phrases.filter(move |phrase| phrase.place <= here && begins(phrase) && follows(&phrase.rest, behind))
        };
        for phrase in said() {
            // `let's` sets a task, but `let's use our` a convention; `it is not` tells, but `it is not allowed to` does more.
            let longer = |other: &Phrase| other.rest.len() > phrase.rest.len() && other.act.outweighs(phrase.act);
            if !matches!(phrase.act, Act::Tasks | Act::Tells) || !said().any(longer) {
                acts.add(phrase.act, tokens.get(at).map_or(0, |token| token.range.start));
            }
        }
        if tokens.get(at).is_some_and(|token| is_instructions(token.text)) {
            acts.add(Act::Document, 0);
        }
        // `ok`, `no` and the like come before what is said.
        if !matches!(&**word, "no" | "ok" | "okay" | "and" | "but" | "so" | "also" | "please" | "hey" | "well") {
            here = Place::Anywhere;
        }
    }
    acts
}

/// A token as phrases spell it; nothing for marks, code and quotations.
fn spoken<'a>(token: &'a Token<'_>) -> Cow<'a, str> {
    match token.form {
        Form::Mark | Form::Code | Form::Quote => Cow::default(),
        // As it is typed.
        Form::Word if token.lower == "u" => Cow::Borrowed("you"),
        Form::Word if token.lower == "ur" => Cow::Borrowed("your"),
        Form::Word if matches!(&*token.lower, "pls" | "plz") => Cow::Borrowed("please"),
        _ if token.lower.contains('\'') => token.lower.replace('\'', "").into(),
        _ => Cow::Borrowed(&*token.lower),
    }
}

/// Whether a file holds instructions for agents: by its ending, or as a document whose name is in capitals.
fn is_instructions(word: &str) -> bool {
    if !word.contains('.') {
        return false;
    }
    let name = word.rsplit(['/', '@']).next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((_, "mdc" | "cursorrules")) => true,
        Some((stem, "md")) => {
            stem.chars().all(|c| c.is_ascii_uppercase() || c == '_') && !matches!(stem, "README" | "TODO" | "CHANGELOG")
        }
        _ => false,
    }
}

/// Whether words go on as a phrase does. A phrase has at most one gap, and behind it no more than a few words.
fn follows(steps: &[Step], words: &[Cow<'_, str>]) -> bool {
    for (at, step) in steps.iter().enumerate() {
        if matches!(step, Step::Gap) {
            let rest = steps.get(at + 1..).unwrap_or_default();
            return (at..=at + MAX_GAP).any(|from| words.get(from..).is_some_and(|words| follows(rest, words)));
        }
        if !words.get(at).is_some_and(|word| step.fits(word)) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Class, Correction, Lexicon, understand};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Data {
        act: Vec<Entry>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Entry {
        does: Act,
        phrases: Vec<String>,
        /// Messages that are meant for good.
        good: Vec<String>,
        /// Messages close by that are not.
        once: Vec<String>,
    }

    fn data() -> Data {
        toml::from_str(include_str!("../../lexicon/speech.toml")).unwrap()
    }

    #[test]
    fn every_act_tells_what_is_meant_for_good_from_what_is_close_by() {
        let data = data();
        let mut faults = Vec::new();
        for entry in &data.act {
            for (messages, durable) in [(&entry.good, true), (&entry.once, false)] {
                assert!(!messages.is_empty(), "{:?} has no examples", entry.does);
                for text in messages {
                    let understood = understand(&Correction::of(text), Lexicon::builtin());
                    if (understood.class == Class::Durable) != durable {
                        faults.push(format!("{:?}: `{text}` is {:?}", entry.does, understood.class));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn documents_demand_and_describe() {
        let durable = |text: &str| {
            let source = Some("AGENTS.md".to_owned());
            understand(&Correction { source, ..Correction::of(text) }, Lexicon::builtin()).class == Class::Durable
        };
        for text in
            ["Keep modules small.", "Doc comments required for public items", "**Errors**: prefix them with the crate"]
        {
            assert!(durable(text), "{text}");
        }
        for text in ["The parser is a recursive descent.", "- `lib/` - shared code", "Builds run on every branch."] {
            assert!(!durable(text), "{text}");
        }
    }

    #[test]
    fn every_phrase_is_found_by_its_first_word() {
        for Entry { does, phrases, .. } in data().act {
            for phrase in phrases {
                let first = phrase.trim_start_matches(['^', ',']).split(' ').next().unwrap();
                let rest: Vec<_> = phrase.split(' ').skip(1).map(Step::of).collect();
                let found = PHRASES.get(first).unwrap();
                assert!(found.iter().any(|found| found.act == does && found.rest == rest), "{phrase}");
            }
        }
    }

    #[test]
    fn phrases_are_whole_words_in_the_spelling_of_messages() {
        for phrase in data().act.iter().flat_map(|entry| &entry.phrases) {
            let gaps = phrase.matches('…').count();
            assert!(!phrase.contains('\'') && *phrase == phrase.to_lowercase() && gaps < 2, "`{phrase}`");
            // What no token can be would never be found.
            let plain = phrase.trim_start_matches(['^', ',']).replace("… ", "").replace('*', "");
            let tokens = crate::understand::token::tokens(&plain, 0..plain.len());
            let spoken: Vec<_> = tokens.iter().map(spoken).collect();
            assert_eq!(spoken.join(" "), plain, "`{phrase}`");
        }
    }
}
