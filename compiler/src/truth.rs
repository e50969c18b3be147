//! Three answers: a check must not guess where an event does not tell.

use std::ops::{BitAnd, BitOr, Not, Range};

/// Kleene's strong three-valued logic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// It does not hold.
    No,
    /// The event does not tell.
    Unknown,
    /// It holds.
    Yes,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

impl BitAnd for Truth {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        self.min(other)
    }
}

impl BitOr for Truth {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

/// An answer with the place that shows it, in bytes of the text that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whether it holds.
    pub truth: Truth,
    /// The part of the text that decided, where one part did.
    pub span: Option<Range<usize>>,
}

impl Answer {
    /// An answer without a place.
    pub fn plain(truth: impl Into<Truth>) -> Self {
        Self { truth: truth.into(), span: None }
    }

    /// *Yes* at a place, or *no*.
    pub fn at(span: Option<Range<usize>>) -> Self {
        Self { truth: span.is_some().into(), span }
    }

    /// All of these answers; the first place among them is kept.
    pub fn all(answers: impl IntoIterator<Item = Self>) -> Self {
        answers
            .into_iter()
            .fold(Self::plain(true), |all, next| Self { truth: all.truth & next.truth, span: all.span.or(next.span) })
    }

    /// Any of these answers, with the place of the first that holds most.
    pub fn any(answers: impl IntoIterator<Item = Self>) -> Self {
        let mut best = Self::plain(false);
        for next in answers {
            if next.truth > best.truth {
                best = next;
            }
            if best.truth == Truth::Yes {
                break;
            }
        }
        best
    }

    /// The opposite; what does not hold has no place.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::plain(!self.truth)
    }
}
