//! Times that a text speaks of, as days: dates in full or in part, and expressions relative to the day on which it was said.
//!
//! What a bare number or the word "may" could mean otherwise is not taken for a time. English only.

use jiff::civil::{Date, Weekday};
use jiff::{Span, ToSpan};

/// A time that a text speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    /// The words, in lower case.
    pub words: String,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
}

impl Mention {
    /// The share of its days that lie between two days, both included.
    pub fn share_within(&self, from: Date, until: Date) -> f64 {
        let days = |from: Date, until: Date| f64::from((until - from).get_days()) + 1.0;
        (days(self.from.max(from), self.until.min(until)) / days(self.from, self.until)).max(0.0)
    }
}

/// First and last day, and how many words said so.
type Found = (Date, Date, usize);

/// The times that a text speaks of, as seen from the day on which it was said.
pub fn mentions(text: &str, said: Date) -> Vec<Mention> {
    let lower = text.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !(c.is_alphanumeric() || c == '-')).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    let mut rest = words.as_slice();
    while let Some((_, next)) = rest.split_first() {
        rest = match absolute(rest, said).or_else(|| relative(rest, said)) {
            Some((from, until, taken)) => {
                let (said, after) = rest.split_at_checked(taken).unwrap_or((rest, &[]));
                found.push(Mention { words: said.join(" "), from, until });
                after
            }
            None => next,
        };
    }
    found
}

fn absolute(words: &[&str], said: Date) -> Option<Found> {
    let dated = |year, month, day, taken| Date::new(year, month, day).ok().map(|date| (date, date, taken));
    match words {
        [iso, ..] if iso.len() == 10 && iso.contains('-') => iso.parse().ok().map(|date| (date, date, 1)),
        [first, second, third, ..] if let Some(found) = full(first, second, third) => {
            dated(found.0, found.1, found.2, 3)
        }
        [first, "of", second, third, ..] if let Some(found) = full(first, second, third) => {
            dated(found.0, found.1, found.2, 4)
        }
        [name, number, ..] if let (Some(month), Some(year)) = (month(name), year(number)) => {
            whole_month(year, month, 2)
        }
        [name, number, ..] | [number, name, ..] if let (Some(month), Some(day)) = (month(name), day(number)) => {
            dated(recent(month, said), month, day, 2)
        }
        ["in" | "since" | "during" | "by" | "until" | "of" | "early" | "late" | "mid", name, next @ ..]
            if let (Some(month), None) = (month(name), next.first().and_then(|next| year(next))) =>
        {
            whole_month(recent(month, said), month, 2)
        }
        [number, ..] if let Some(year) = year(number) => Some(whole_year(Date::new(year, 1, 1).ok()?, 1)),
        _ => None,
    }
}

fn relative(words: &[&str], said: Date) -> Option<Found> {
    let ago = |number: i64, unit: &str, taken| shifted(said, -number, unit, taken);
    match words {
        ["yesterday", ..] => ago(1, "day", 1),
        ["last", "night", ..] => ago(1, "day", 2),
        ["today" | "tonight", ..] | ["this", "morning" | "afternoon" | "evening", ..] => ago(0, "day", 1),
        ["tomorrow", ..] => ago(-1, "day", 1),
        ["a", "couple", "of", unit, "ago", ..] => ago(2, unit, 5),
        ["a", "few", unit, "ago", ..] => ago(3, unit, 4),
        [many, unit, "ago", ..] if let Some(many) = number(many) => ago(many, unit, 3),
        ["in", many, unit, ..] if let Some(many) = number(many) => shifted(said, many, unit, 3),
        ["the", unit @ ("day" | "week" | "month" | "year" | "weekend"), "before", ..] => ago(1, unit, 3),
        ["last" | "past" | "previous", name, ..] => named(said, name, -1),
        ["this", name, ..] => named(said, name, 0),
        ["next" | "coming", name, ..] => named(said, name, 1),
        ["on", name, ..] if let Some(weekday) = weekday(name) => Some(on(said.nth_weekday(-1, weekday).ok()?, 2)),
        _ => None,
    }
}

/// A week, a month, a weekday, … before, around or after a day.
fn named(said: Date, name: &str, direction: i64) -> Option<Found> {
    if let Some(weekday) = weekday(name) {
        return Some(on(said.nth_weekday(if direction < 0 { -1 } else { 1 }, weekday).ok()?, 2));
    }
    if let Some(month) = month(name) {
        let year = recent(month, said.checked_sub(1.month()).ok()?);
        return whole_month(if direction < 0 { year } else { said.year() }, month, 2);
    }
    match name {
        "week" | "weekend" | "month" | "year" => shifted(said, direction, name, 2),
        "summer" | "winter" | "spring" | "fall" | "autumn" => season(said, name, direction),
        _ => None,
    }
}

/// A day shifted by units, as wide as such words are meant: a day for days, a week for weeks, the month, the year.
fn shifted(said: Date, by: i64, unit: &str, taken: usize) -> Option<Found> {
    let by = if by.abs() > 1000 { return None } else { by };
    let moved = |span: Span| said.checked_add(span).ok();
    match unit.trim_end_matches('s') {
        "hour" | "minute" => Some(on(said, taken)),
        "day" => Some(on(moved(by.days())?, taken)),
        "week" => {
            let monday = moved(by.weeks())?.tomorrow().ok()?.nth_weekday(-1, Weekday::Monday).ok()?;
            Some((monday, monday.checked_add(6.days()).ok()?, taken))
        }
        "weekend" => {
            let saturday =
                if by < 0 { said.nth_weekday(-1, Weekday::Saturday) } else { said.nth_weekday(1, Weekday::Saturday) };
            let saturday = saturday.ok()?;
            Some((saturday, saturday.tomorrow().ok()?, taken))
        }
        "month" => {
            let date = moved(by.months())?;
            whole_month(date.year(), date.month(), taken)
        }
        "year" => Some(whole_year(moved(by.years())?, taken)),
        _ => None,
    }
}

fn season(said: Date, name: &str, direction: i64) -> Option<Found> {
    let first = match name {
        "spring" => 3,
        "summer" => 6,
        "winter" => 12,
        _ => 9,
    };
    let step = i16::try_from(direction).ok()?;
    let begun = Date::new(said.year(), first, 1).ok()?;
    // "Last summer" in autumn is this year's.
    let year = if direction < 0 && begun < said.first_of_month() { said.year() } else { said.year() + step };
    let begin = Date::new(year, first, 1).ok()?;
    Some((begin, begin.checked_add(2.months()).ok()?.last_of_month(), 2))
}

fn on(date: Date, taken: usize) -> Found {
    (date, date, taken)
}

fn whole_month(year: i16, month: i8, taken: usize) -> Option<Found> {
    let first = Date::new(year, month, 1).ok()?;
    Some((first, first.last_of_month(), taken))
}

fn whole_year(date: Date, taken: usize) -> Found {
    (date.first_of_year(), date.last_of_year(), taken)
}

/// Year, month and day of "8 may 2023" and "may 8 2023".
fn full(first: &str, second: &str, third: &str) -> Option<(i16, i8, i8)> {
    let (month, day) = match (month(first), month(second)) {
        (Some(month), None) => (month, day(second)?),
        (None, Some(month)) => (month, day(first)?),
        _ => return None,
    };
    Some((year(third)?, month, day))
}

/// The year of a month that is named without one: the last one that has begun.
fn recent(month: i8, said: Date) -> i16 {
    if month > said.month() { said.year() - 1 } else { said.year() }
}

fn year(word: &str) -> Option<i16> {
    word.parse().ok().filter(|year| word.len() == 4 && (1900..2100).contains(year))
}

fn day(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ending = word.strip_prefix(digits)?;
    digits.parse().ok().filter(|day| matches!(ending, "" | "st" | "nd" | "rd" | "th") && (1..=31).contains(day))
}

/// The names of the months.
pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

fn month(word: &str) -> Option<i8> {
    let is = |name: &&str| {
        **name == *word || (word.len() == 3 && name.starts_with(word)) || (word == "sept" && **name == *"september")
    };
    (1..).zip(MONTHS).find(|(_, name)| is(name)).map(|(number, _)| number)
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn number(word: &str) -> Option<i64> {
    const WORDS: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let named = || (1..).zip(WORDS).find(|(_, name)| *name == word).map(|(number, _)| number);
    if matches!(word, "a" | "an") { Some(1) } else { named().or_else(|| word.parse().ok()) }
}

#[cfg(test)]
mod tests {
    use super::mentions;
    use proptest::prelude::*;

    /// What was said on Monday, 2023-05-08; the words that name a time, its first and its last day.
    const SAID: &[(&str, &str, &str, &str)] = &[
        ("I went yesterday.", "yesterday", "2023-05-07", "2023-05-07"),
        ("See you tomorrow!", "tomorrow", "2023-05-09", "2023-05-09"),
        ("Last Friday I ran.", "last friday", "2023-05-05", "2023-05-05"),
        ("We meet next Friday", "next friday", "2023-05-12", "2023-05-12"),
        ("That was two weeks ago", "two weeks ago", "2023-04-24", "2023-04-30"),
        ("10 years ago we met", "10 years ago", "2013-01-01", "2013-12-31"),
        ("a few months ago", "a few months ago", "2023-02-01", "2023-02-28"),
        ("a couple of days ago", "a couple of days ago", "2023-05-06", "2023-05-06"),
        ("last week was hard", "last week", "2023-05-01", "2023-05-07"),
        ("the week before", "the week before", "2023-05-01", "2023-05-07"),
        ("this month", "this month", "2023-05-01", "2023-05-31"),
        ("last year", "last year", "2022-01-01", "2022-12-31"),
        ("last weekend", "last weekend", "2023-05-06", "2023-05-07"),
        ("last summer", "last summer", "2022-06-01", "2022-08-31"),
        ("on 8 May 2023", "8 may 2023", "2023-05-08", "2023-05-08"),
        ("the 3rd of June, 2022", "3rd of june 2022", "2022-06-03", "2022-06-03"),
        ("May 7th, 2023", "may 7th 2023", "2023-05-07", "2023-05-07"),
        ("on March 3", "march 3", "2023-03-03", "2023-03-03"),
        ("in December", "in december", "2022-12-01", "2022-12-31"),
        ("in July 2021", "july 2021", "2021-07-01", "2021-07-31"),
        ("since 2016", "2016", "2016-01-01", "2016-12-31"),
        ("due 2023-11-30, please", "2023-11-30", "2023-11-30", "2023-11-30"),
    ];

    #[test]
    fn expressions_are_days_as_seen_from_when_they_were_said() {
        for (text, words, from, until) in SAID {
            let found = mentions(text, "2023-05-08".parse().unwrap());
            let [one] = found.as_slice() else { panic!("{text}: {found:?}") };
            assert_eq!(
                (one.words.as_str(), one.from.to_string(), one.until.to_string()),
                (*words, (*from).into(), (*until).into()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_time_is_none() {
        for text in
            ["You may go", "march on", "room 1204", "I ran 8 miles", "version 2.3", "a week of rain", "99-99-9999 x"]
        {
            let found = mentions(text, "2023-05-08".parse().unwrap());
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_words_on_any_day_give_whole_intervals(
            text in "((last|next|in|this|[0-9]{1,9}|a|week|weeks|months|years|ago|may|friday|summer|2023|31) ){0,8}",
            day in -4_000_000_i32..2_900_000,
        ) {
            let epoch = jiff::civil::date(1970, 1, 1);
            if let Ok(said) = epoch.checked_add(jiff::Span::new().days(day)) {
                for mention in mentions(&text, said) {
                    prop_assert!(mention.from <= mention.until);
                }
            }
        }
    }
}
