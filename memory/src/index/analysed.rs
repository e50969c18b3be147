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

/// The terms of texts by their digests.
#[derive(Debug, Default)]
pub(super) struct Analysed(Mutex<HashMap<u64, Arc<[String]>>>);

impl Analysed {
    /// The terms of a text, in its order.
    pub(super) fn of(&self, text: &str) -> Arc<[String]> {
        let name = digest(text);
        if let Some(known) = self.0.lock().get(&name) {
            return known.clone();
        }
        let made: Arc<[String]> = terms(text).into();
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
    fn what_is_kept_is_what_the_analysis_says_and_bounded() {
        let analysed = Analysed::default();
        for number in (0..MOST + 10).chain(0..20) {
            let text = format!("walks number {number}");
            assert_eq!(*analysed.of(&text), *terms(&text));
        }
        assert!(analysed.0.lock().len() <= MOST);
    }
}
