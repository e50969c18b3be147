//! Linear temporal logic over finite traces, by progression.
//!
//! A formula says which traces are right. [`Formula::progress`] reads one letter and leaves the formula that the rest of
//! the trace must satisfy; [`Formula::accepts_empty`] tells whether the trace may end. Progression is Bacchus and Kabanza
//! (AIJ 2000); the semantics are those of De Giacomo and Vardi (IJCAI 2013), extended to the empty trace, on which an
//! atom is false, its negation true, and every strong operator false.
//!
//! INVARIANT: a formula is in negation normal form, and a set of clauses none of which contains another: disjunctive
//! normal form modulo associativity, commutativity, idempotence and absorption. Over the finitely many temporal terms of
//! a formula there are finitely many such sets, so progression reaches finitely many formulas.
//!
//! Deliberately absent: a parser, negation of arbitrary formulas, and a limit on size. Formulas are made from the
//! patterns in [`super::lower`](super::lower()) alone, which bounds them.

use std::collections::BTreeSet;
use std::rc::Rc;

/// The alternatives of which one must hold; false when there is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Formula(BTreeSet<Clause>);

/// Terms that must hold together; true when there is none.
type Clause = BTreeSet<Term>;

/// What is neither a conjunction nor a disjunction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    /// The atom has this truth value now.
    Literal(u8, bool),
    /// There is a next instant, and the formula holds there.
    Next(Rc<Formula>),
    /// If there is a next instant, the formula holds there.
    WeakNext(Rc<Formula>),
    /// The first formula holds until the second does, which it does at some time.
    Until(Rc<Formula>, Rc<Formula>),
    /// The first formula holds until the second does, or for ever.
    WeakUntil(Rc<Formula>, Rc<Formula>),
}

impl Formula {
    /// The formula that always holds.
    pub(super) fn truth() -> Self {
        Self(BTreeSet::from([Clause::new()]))
    }

    /// The formula that never holds.
    pub(super) fn falsity() -> Self {
        Self(BTreeSet::new())
    }

    /// The atom is true now.
    pub(super) fn atom(atom: u8) -> Self {
        Self::from(Term::Literal(atom, true))
    }

    /// The atom is false now.
    pub(super) fn not(atom: u8) -> Self {
        Self::from(Term::Literal(atom, false))
    }

    /// Both hold.
    pub(super) fn and(self, other: &Self) -> Self {
        let unions = self.0.iter().flat_map(|a| other.0.iter().map(move |b| a | b));
        Self(unions.collect()).absorbed()
    }

    /// One of them holds.
    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0.into_iter().chain(other.0).collect()).absorbed()
    }

    /// There is a next instant, and this holds there.
    pub(super) fn next(self) -> Self {
        Self::from(Term::Next(Rc::new(self)))
    }

    /// This holds at the next instant if there is one.
    pub(super) fn weak_next(self) -> Self {
        Self::from(Term::WeakNext(Rc::new(self)))
    }

    /// This holds until `end` does, and `end` does.
    pub(super) fn until(self, end: Self) -> Self {
        Self::from(Term::Until(Rc::new(self), Rc::new(end)))
    }

    /// This holds until `end` does, or for ever.
    pub(super) fn weak_until(self, end: Self) -> Self {
        Self::from(Term::WeakUntil(Rc::new(self), Rc::new(end)))
    }

    /// This holds at every instant.
    pub(super) fn always(self) -> Self {
        self.weak_until(Self::falsity())
    }

    /// This holds at some instant.
    pub(super) fn eventually(self) -> Self {
        Self::truth().until(self)
    }

    /// What the rest of the trace must satisfy after a letter, which has the bits of the true atoms set.
    pub(super) fn progress(&self, letter: u8) -> Self {
        self.0.iter().fold(Self::falsity(), |any, clause| {
            any.or(clause.iter().fold(Self::truth(), |all, term| all.and(&term.progress(letter))))
        })
    }

    /// Whether the empty trace satisfies it.
    pub(super) fn accepts_empty(&self) -> bool {
        self.0.iter().any(|clause| clause.iter().all(Term::accepts_empty))
    }

    /// Drops every clause that contains another one, since it can only hold where that one does.
    fn absorbed(self) -> Self {
        let weaker = |clause: &Clause| self.0.iter().any(|other| other != clause && other.is_subset(clause));
        Self(self.0.iter().filter(|clause| !weaker(clause)).cloned().collect())
    }
}

impl From<Term> for Formula {
    fn from(term: Term) -> Self {
        Self(BTreeSet::from([Clause::from([term])]))
    }
}

impl Term {
    fn progress(&self, letter: u8) -> Formula {
        match self {
            Self::Literal(atom, value) if (letter >> atom & 1 == 1) == *value => Formula::truth(),
            Self::Literal(..) => Formula::falsity(),
            // The rest may not be empty. `eventually(true)` is false of the empty trace and true of every other one.
            Self::Next(rest) if rest.accepts_empty() => Formula::truth().eventually().and(rest),
            // The rest may be empty. `always(false)` is true of the empty trace and false of every other one.
            Self::WeakNext(rest) if !rest.accepts_empty() => Formula::falsity().always().or((**rest).clone()),
            Self::Next(rest) | Self::WeakNext(rest) => (**rest).clone(),
            Self::Until(hold, end) | Self::WeakUntil(hold, end) => {
                end.progress(letter).or(hold.progress(letter).and(&Formula::from(self.clone())))
            }
        }
    }

    fn accepts_empty(&self) -> bool {
        match self {
            Self::Literal(_, value) => !value,
            Self::Next(_) | Self::Until(..) => false,
            Self::WeakNext(_) | Self::WeakUntil(..) => true,
        }
    }
}
