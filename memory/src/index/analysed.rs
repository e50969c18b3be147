//! The terms of texts that were found lately: whoever weighs what was found needs them again for each question, and telling a
//! text's language and stems costs more than all that is done with them.
//!
//! INVARIANT: what is kept for a text is what [`terms`] says of it; how much is kept is bounded.

use super::unit::digest;
use crate::text::terms;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// How many texts are kept: some ten megabytes of turns.
const MOST: usize = 16_384;

/// A term of a text: not how it is spelled, but what tells it from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// The same for the same term only, but for one chance in 2^64.
    pub digest: u64,
    /// That of the first [`Term::BEGINNING`] characters, where it has so many.
    pub beginning: Option<u64>,
}

impl Term {
    /// From how many characters on terms that begin alike may be forms of one word.
    pub const BEGINNING: usize = 4;

    /// A term that is spelled so.
    pub fn new(text: &str) -> Term {
        let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let beginning = ends.skip(Term::BEGINNING).take(1).find_map(|end| text.get(..end));
        Term { digest: digest(text), beginning: beginning.map(digest) }
    }
}

/// The terms of texts by their digests.
#[derive(Debug, Default)]
pub(super) struct Analysed(Mutex<HashMap<u64, Arc<[Term]>>>);

impl Analysed {
    /// The terms of a text, in its order.
    pub(super) fn of(&self, text: &str) -> Arc<[Term]> {
        let name = digest(text);
        if let Some(known) = self.0.lock().get(&name) {
            return known.clone();
        }
        let made: Arc<[Term]> = terms(text).iter().map(|term| Term::new(term)).collect();
        let mut known = self.0.lock();
        if known.len() >= MOST {
            // Beginning anew costs as much as was saved once, and keeps no order of use.
            known.clear();
        }
        known.insert(name, made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_alike_from_four_characters_on() {
        let [walk, walks, wal, wald] = ["walk", "walks", "wal", "wäld"].map(Term::new);
        assert!(walk.digest != walks.digest && walk.beginning == walks.beginning);
        assert!(walk.beginning == Some(walk.digest) && wal.beginning.is_none() && wald.beginning.is_some());
    }

    #[test]
    fn what_is_kept_is_what_the_analysis_says_and_bounded() {
        let analysed = Analysed::default();
        for number in (0..MOST + 10).chain(0..20) {
            let text = format!("walks number {number}");
            assert_eq!(*analysed.of(&text), *terms(&text).iter().map(|term| Term::new(term)).collect::<Vec<_>>());
        }
        assert!(analysed.0.lock().len() <= MOST);
    }
}
