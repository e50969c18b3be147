//! Intervals of keys: what a search looked at, whether or not something was there.

use crate::cell::Key;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Bound;

/// The keys from `from` up to, but not including, `to`; without `to`, all keys from there on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Range {
    /// The first text that belongs to the interval; the empty text is before every key.
    pub from: String,
    /// The first text beyond the interval.
    pub to: Option<String>,
}

impl Range {
    /// The keys that begin with a text.
    pub fn prefix(prefix: &str) -> Range {
        Range { from: prefix.to_owned(), to: successor(prefix) }
    }

    /// All keys.
    pub fn all() -> Range {
        Range::prefix("")
    }

    /// Tells whether a key lies in the interval.
    pub fn contains(&self, key: &Key) -> bool {
        self.from.as_str() <= key.as_str() && self.to.as_deref().is_none_or(|to| key.as_str() < to)
    }

    /// The bounds for an ordered map; nothing for an interval that holds no text.
    pub fn bounds(&self) -> Option<(Bound<&str>, Bound<&str>)> {
        let to = self.to.as_deref();
        let empty = to.is_some_and(|to| to <= self.from.as_str());
        (!empty).then(|| (Bound::Included(self.from.as_str()), to.map_or(Bound::Unbounded, Bound::Excluded)))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to == successor(&self.from) {
            return write!(f, "{}*", self.from);
        }
        write!(f, "{}..{}", self.from, self.to.as_deref().unwrap_or_default())
    }
}

/// The first text beyond all that begin with a prefix: its last character moved up by one, where there is a next one.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The gap of surrogates is skipped, so that the bound stays a text; byte order and character order agree.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_holds_what_begins_with_it_and_nothing_else() {
        let key = |text: &str| Key::new(text).unwrap();
        let todo = Range::prefix("todo/");
        assert!(todo.contains(&key("todo/")) && todo.contains(&key("todo/\u{10ffff}")));
        assert!(!todo.contains(&key("todo")) && !todo.contains(&key("todo0")));
        let edge = Range::prefix("a\u{10ffff}");
        assert!(edge.contains(&key("a\u{10ffff}x")) && !edge.contains(&key("b")));
        assert!(Range::all().contains(&key("\u{10ffff}")));
        assert!(Range { from: "b".into(), to: Some("a".into()) }.bounds().is_none());
        assert_eq!(
            (todo.to_string(), Range { from: "a".into(), to: Some("c".into()) }.to_string()),
            ("todo/*".into(), "a..c".into())
        );
    }
}
