//! Made-up conversations for benches: words of a vocabulary of 5,000, the common ones often, in conversations of 20 turns.

use memory::{Draft, Scope, Turn};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

const VOCABULARY: u64 = 5_000;

pub(crate) fn draft(number: u64) -> Draft {
    let turn = Turn {
        conversation: format!("c{}", number / 20),
        place: (number % 20) as u32,
        speaker: Some(["Ana", "Ben"][(number % 2) as usize].to_owned()),
        said_at: Some(1_700_000_000_000 + number * 60_000),
    };
    let scope = Scope { user: Some(format!("u{}", number % 10)), ..Scope::default() };
    Draft { turn: Some(turn), ..Draft::new(text(number, 12 + number % 16)).within(scope) }
}

/// So many words, of which a few are said often and most rarely.
pub(crate) fn text(number: u64, words: u64) -> String {
    let word = |place: u64| {
        let part = hash(&(number, place)) as f64 / u64::MAX as f64;
        spelled(hash(&(((VOCABULARY as f64).powf(part)) as u64)))
    };
    (0..words).map(word).collect::<Vec<_>>().join(" ")
}

/// A word of three syllables for a number.
pub(crate) fn spelled(mut number: u64) -> String {
    let mut word = String::new();
    for _ in 0..3 {
        word.push(char::from(b"bdfgklmnprstvz"[(number % 14) as usize]));
        word.push(char::from(b"aeiou"[(number / 14 % 5) as usize]));
        number /= 70;
    }
    word
}

pub(crate) fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = work();
    (start.elapsed(), done)
}

pub(crate) fn percentile(sorted: &[f64], part: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * part) as usize]
}
