//! Time: when things were said, when they happened, and what held when.
//!
//! Low compares the times that the question and the items speak of, and what was declared valid. Mid lays the items on a
//! timeline: of two statements about the same the later one holds, each until the next; "after the move" looks for the move
//! first. High has a model date the items.

use super::answer::{PREAMBLE, place, prompt, read, room};
use super::fact::Fact;
use super::pool::{Candidate, Change, Pool};
use super::reading::{Reading, weights};
use super::time::{Mention, mentions};
use super::{Halt, Module, Question, pace};
use crate::budget::Budget;
use crate::embed::Embedder;
use crate::rank::common;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What it is worth to speak of the time that is asked about; having been said then is worth half.
const THEN_GAIN: f64 = 0.3;
/// What it is worth to name a time where the question asks for one.
const DATED_GAIN: f64 = 0.08;
/// What it costs to hold no longer, or not yet.
const INVALID_LOSS: f64 = -0.5;
/// What it costs that a later statement says something else.
const SUPERSEDED_LOSS: f64 = -0.35;
/// How alike two statements about the same are, at least; they are not the same either.
const ABOUT_THE_SAME: f64 = 0.3;
/// Words that tell that something is otherwise now.
const NOW: [&str; 14] = [
    "now",
    "instead",
    "anymore",
    "longer",
    "switched",
    "switch",
    "changed",
    "change",
    "moved",
    "actually",
    "currently",
    "since",
    "replaced",
    "from now on",
];
/// Words that ask for how it was.
const ONCE: [&str; 9] =
    ["used to", "originally", "previously", "at first", "formerly", "initially", "in the past", "earlier", "history"];

/// Time.
#[derive(Debug, Clone, Copy)]
pub struct Temporal;

/// What a question asks about time.
#[derive(Debug, Clone, Default)]
struct Asked {
    /// It asks for a time.
    when: bool,
    /// It asks about these days.
    days: Option<(Date, Date)>,
    /// It asks for how it was.
    once: bool,
    /// It asks for what was after, or before, something that has to be found first.
    anchor: Option<(bool, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dated {
    items: Vec<When>,
    fits: Vec<usize>,
    superseded: Vec<Superseded>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    item: usize,
    from: Date,
    until: Date,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Superseded {
    item: usize,
    by: usize,
}

impl Module for Temporal {
    fn name(&self) -> &'static str {
        "temporal"
    }

    fn needs_embedder(&self) -> bool {
        false
    }

    fn low(&self, pool: &Pool, budget: &Budget) -> Result<Change, Halt> {
        let asked = Asked::of(pool);
        let mut change = Change::default();
        for (place, candidate) in pool.candidates().iter().enumerate() {
            pace(budget)?;
            change.gains.insert(place, asked.then(candidate) + asked.validity(candidate, pool));
            let moment = |time: &Mention| {
                let Mention { words, from, until } = time.clone();
                Fact::Moment { item: candidate.id(), words, from, until }
            };
            change.facts.extend(candidate.reading().times.iter().map(moment));
        }
        Ok(change)
    }

    fn mid(&self, pool: &Pool, _: Option<&dyn Embedder>, budget: &Budget) -> Result<Change, Halt> {
        let mut change = self.low(pool, budget)?;
        let asked = Asked::of(pool);
        if let Some((after, phrase)) = &asked.anchor {
            around(pool, *after, phrase, &mut change);
        }
        for (older, by) in succession(pool, budget)? {
            let (Some(one), Some(later)) = (pool.candidates().get(older), pool.candidates().get(by)) else { continue };
            change.facts.push(Fact::Superseded { item: one.id(), by: later.id() });
            let held_then = asked.days.zip(later.reading().day).map(|((_, until), changed)| until < changed);
            match held_then {
                // At the time that is asked about the later statement was not made yet.
                Some(true) => *change.gains.entry(by).or_default() += SUPERSEDED_LOSS,
                _ if asked.once => {}
                _ => *change.gains.entry(older).or_default() += SUPERSEDED_LOSS,
            }
        }
        Ok(change)
    }

    fn question(&self, pool: &Pool, _: &Budget) -> Question {
        let today = day(pool.asked_at()).map(|day| day.to_string()).unwrap_or_default();
        let system = format!(
            "{PREAMBLE} Each item begins with its number and the day on which it was said; the question is asked on {today}. Tell for \
             items that speak of a time from which day to which day it was, which items fit the time that the question asks about, and \
             which items no longer hold because a later item says otherwise. The form is \
             {{\"items\":[{{\"item\":1,\"from\":\"2023-05-01\",\"until\":\"2023-05-07\"}}],\"fits\":[1],\"superseded\":[{{\"item\":2,\"by\":1}}]}}; \
             lists may be empty."
        );
        Question { system, prompt: prompt(pool), least_tokens: room(pool, 4, 32), most_tokens: room(pool, 48, 96) }
    }

    fn read(&self, pool: &Pool, answer: &str, budget: &Budget) -> Result<Change, Halt> {
        let Dated { items, fits, superseded } = read(answer)?;
        let (mut change, asked) = (Change::default(), Asked::of(pool));
        for (place, candidate) in pool.candidates().iter().enumerate() {
            pace(budget)?;
            change.gains.insert(place, asked.validity(candidate, pool));
        }
        let known = |number| Ok::<_, Halt>((place(number, pool)?, pool.candidates().get(place(number, pool)?)));
        for When { item, from, until } in items {
            if until < from {
                return Err(Halt::Unreadable(format!("{until} is before {from}")));
            }
            if let (_, Some(one)) = known(item)? {
                change.facts.push(Fact::Moment { item: one.id(), words: String::new(), from, until });
            }
        }
        for number in fits {
            *change.gains.entry(known(number)?.0).or_default() += THEN_GAIN;
        }
        for Superseded { item, by } in superseded {
            let ((place, item), (_, by)) = (known(item)?, known(by)?);
            if let (Some(item), Some(by)) = (item, by)
                && item.id() != by.id()
            {
                *change.gains.entry(place).or_default() += if asked.once { 0.0 } else { SUPERSEDED_LOSS };
                change.facts.push(Fact::Superseded { item: item.id(), by: by.id() });
            }
        }
        Ok(change)
    }
}

impl Asked {
    fn of(pool: &Pool) -> Asked {
        let text = pool.question().text.to_lowercase();
        let starts = |word: &str| text.split(|c: char| !c.is_alphabetic()).next() == Some(word);
        let phrases =
            ["what date", "what day", "what month", "what year", "what time", "which date", "which day", "which month"];
        let more = ["which year", "how long ago", "since when", "how recently"];
        let when = starts("when") || phrases.iter().chain(&more).any(|phrase| text.contains(phrase));
        let found = day(pool.asked_at()).map(|today| mentions(&text, today)).unwrap_or_default();
        let days = found.first().map(|time| time.around(&text));
        let once = ONCE.iter().any(|word| text.contains(word));
        let anchor = |word: &str, after| text.split_once(word).map(|(_, phrase)| (after, phrase.to_owned()));
        let anchor = anchor(" after ", true).or_else(|| anchor(" before ", false)).filter(|_| days.is_none());
        Asked { when, days, once, anchor }
    }

    /// What it is worth that an item is of the time asked about, or of any.
    fn then(&self, candidate: &Candidate) -> f64 {
        let reading = candidate.reading();
        let dated = if self.when && !reading.times.is_empty() { DATED_GAIN } else { 0.0 };
        let Some((from, until)) = self.days else { return dated };
        let best = reading.times.iter().map(|time| time.share_within(from, until)).fold(0.0, f64::max);
        if best > 0.0 {
            return dated + THEN_GAIN * (1.0 + best) / 2.0;
        }
        let said_then = reading.day.is_some_and(|day| from <= day && day <= until);
        dated + if said_then { THEN_GAIN / 2.0 } else { 0.0 }
    }

    /// What it costs not to hold at the time asked about.
    fn validity(&self, candidate: &Candidate, pool: &Pool) -> f64 {
        let valid = candidate.hit().stored.record.valid;
        let holds = match self.days {
            // Days in common with the interval: it begins before their end, and ends after their begin.
            Some((from, until)) => {
                let begins = valid.from.and_then(day).is_none_or(|begin| begin <= until);
                begins && valid.until.and_then(day).is_none_or(|end| from <= end)
            }
            None => self.once || valid.contains(pool.asked_at()),
        };
        if holds { 0.0 } else { INVALID_LOSS }
    }
}

impl Mention {
    /// The days that a question asks about, when it says "before", "after" or "since" a time.
    fn around(&self, question: &str) -> (Date, Date) {
        let said = |word: &str| {
            question.split_once(word).is_some_and(|(_, after)| after.trim_start().starts_with(&self.words))
        };
        if said(" before ") || said(" until ") {
            return (Date::MIN, self.from.checked_sub(1.day()).unwrap_or(Date::MIN));
        }
        if said(" after ") {
            return (self.until.checked_add(1.day()).unwrap_or(Date::MAX), Date::MAX);
        }
        if self.words.starts_with("since ") || said(" since ") {
            (self.from, Date::MAX)
        } else {
            (self.from, self.until)
        }
    }
}

/// Prefers what was after, or before, the item that speaks of a phrase.
fn around(pool: &Pool, after: bool, phrase: &str, change: &mut Change) {
    let anchor = super::reading::Reader::new().question(phrase);
    let weights = weights(pool.candidates().iter().map(Candidate::reading));
    let cover = |one: &Candidate| one.reading().covers(&anchor, &weights);
    let mut best: Option<(f64, &Reading)> = None;
    for candidate in pool.candidates() {
        let cover = cover(candidate);
        if cover > best.map_or(0.5, |(most, _)| most) {
            best = Some((cover, candidate.reading()));
        }
    }
    let Some(found) = best.and_then(|(_, reading)| happened(reading)) else { return };
    for (place, candidate) in pool.candidates().iter().enumerate() {
        let fits = happened(candidate.reading()).is_some_and(|day| if after { day >= found } else { day <= found });
        *change.gains.entry(place).or_default() += if fits { THEN_GAIN / 2.0 } else { 0.0 };
    }
}

/// The first day of what an item speaks of; else the day on which it was said.
fn happened(reading: &Reading) -> Option<Date> {
    reading.times.first().map(|time| time.from).or(reading.day)
}

/// Statements with the next later one about the same that says something else.
fn succession(pool: &Pool, budget: &Budget) -> Result<BTreeMap<usize, usize>, Halt> {
    let mut by_time: Vec<usize> = (0..pool.candidates().len()).collect();
    let said =
        |place: &usize| pool.candidates().get(*place).map(|one| crate::context::said_at(&one.hit().stored.record));
    by_time.sort_by_key(|place| (said(place), *place));
    let mut next = BTreeMap::new();
    for (order, older) in by_time.iter().enumerate() {
        pace(budget)?;
        let later = by_time.iter().skip(order + 1).filter(|later| said(later) > said(older));
        let mut later = later.filter_map(|later| Some((*later, pool.candidates().get(*later)?)));
        let Some(one) = pool.candidates().get(*older) else { continue };
        if let Some((by, _)) = later.find(|(_, later)| replaces(later, one)) {
            next.insert(*older, by);
        }
    }
    Ok(next)
}

/// Tells whether a statement takes the place of an older one: by the same person, about the same, saying something else, and
/// saying that it is so now, or giving another number or name where the older one gives one.
fn replaces(later: &Candidate, older: &Candidate) -> bool {
    let (new, old) = (later.reading(), older.reading());
    let owner = |one: &Candidate| (one.reading().speaker.clone(), one.hit().stored.record.scope.user.clone());
    let common = common(&new.numbers, &old.numbers);
    let about_the_same = common >= 2 && new.likeness(old) >= ABOUT_THE_SAME && owner(later) == owner(older);
    if !about_the_same || new.numbers.len() == common {
        return false;
    }
    let text = new.text.to_lowercase();
    let says_now = NOW.iter().any(|word| text.split(|c: char| !c.is_alphanumeric()).any(|other| other == *word));
    let values = |one: &Reading, other: &Reading| one.names.difference(&other.names).count() + numbers(one, other);
    says_now || (values(new, old) > 0 && values(old, new) > 0)
}

fn numbers(one: &Reading, other: &Reading) -> usize {
    let is_number = |term: &&String| term.chars().all(char::is_numeric);
    one.terms.keys().filter(is_number).filter(|term| !other.terms.contains_key(*term)).count()
}

fn day(moment: u64) -> Option<Date> {
    let moment = Timestamp::from_millisecond(i64::try_from(moment).ok()?).ok()?;
    Some(moment.to_zoned(TimeZone::UTC).date())
}
