//! What patterns and scopes mean, on a page: temporal logic over whole finite traces, by the textbook's recursion.
//!
//! The formulas are those of Dwyer, Avrunin and Corbett, *Patterns in Property Specifications for Finite-State
//! Verification* (ICSE 1999, and the catalogue that goes with it), each taken apart into the frame of its scope and the
//! parts that its pattern puts into it. Finite traces make three changes: the weak until wherever a session may end, the
//! weak next where it may end between two steps, and `X` only where another instant is certain or owed. Occurrences are
//! counted by instants, where the paper counts uninterrupted stretches.
//!
//! Names of operators: `!`, `&`, `|`, `->`; `X` next, `N` next if there is one, `F` eventually, `G` always, `U` until,
//! `W` weak until. Names of roles: `p` what the pattern is about, `s` what precedes or responds, `a` again after,
//! `w` when, `u` unless, `q` and `r` the scope's start and end.
//!
//! Deliberately absent: progression, automata and anything else that the product does. This module is slow and short.

mod logic;
pub mod predicates;
pub mod sessions;

pub use logic::Malformed;

use compiler::monitor::{Atom, Phase};
use logic::Formula;
use rules::{Directive, Pattern, Predicate};

/// What a pattern puts into the frame of a scope.
struct Parts {
    /// Over a segment to the end of the session.
    open: String,
    /// Over a segment to an `r` that will come.
    closed: String,
    /// Over a segment to an `r` or to the end of the session.
    either: String,
}

/// The page of patterns.
fn parts(directive: &Directive) -> Parts {
    let of = |open: &str, closed: &str, either: &str| Parts {
        open: open.to_owned(),
        closed: closed.to_owned(),
        either: either.to_owned(),
    };
    match &directive.pattern {
        Pattern::Absence { .. } | Pattern::Substitution { .. } => of("G !p", "!p U r", "!p W r"),
        Pattern::Universality { .. } => of("G p", "p U r", "p W r"),
        Pattern::Existence { .. } => of("F p", "!r U (p & !r)", "!r U (p & !r)").excused(directive),
        Pattern::Precedence { again_after: None, .. } => of("!p W s", "!p U (s | r)", "!p W (s | r)"),
        Pattern::Precedence { again_after: Some(_), .. } => of(
            "(!p W s) & G(a -> (!p W s))",
            "(!p U (s | r)) & ((a -> (!p U (s | r))) U r)",
            "(!p W (s | r)) & ((a -> (!p W (s | r))) W r)",
        ),
        Pattern::Response { .. } => of("G(p -> F s)", "(p -> (!r U (s & !r))) U r", "(p -> (!r U (s & !r))) W r"),
        Pattern::BoundedExistence { at_most, .. } => Parts {
            open: nested(*at_most, "(!p W (p & N …))", "(G !p)"),
            closed: nested(*at_most, "(!p U (r | (p & X …)))", "(!p U r)"),
            either: nested(*at_most, "(!p W (r | (p & N …)))", "(!p W r)"),
        },
        Pattern::ResponseChain { require, .. } => {
            let within = chain(require, "(!r U (s & !r & X …))", "(!r U (s & !r))");
            Parts {
                open: format!("G(p -> {})", chain(require, "F(s & X …)", "F s")),
                closed: format!("(p -> {within}) U r"),
                either: format!("(p -> {within}) W r"),
            }
        }
        Pattern::PrecedenceChain { first, .. } => Parts {
            open: format!("F p -> {}", chain(first, "(!p U (s & !p & X …))", "(!p U s)")),
            closed: chain(first, "(!p U (r | (s & !p & X …)))", "(!p U (s | r))"),
            either: chain(first, "(!p W (r | (s & !p & N …)))", "(!p W (s | r))"),
        },
    }
}

/// The page of scopes. `until` without `after` is this project's own: *after Q until R* from the session's start.
fn framed(directive: &Directive) -> String {
    let Parts { open, closed, either } = parts(directive);
    let during = &directive.during;
    match (during.after.is_some(), during.before.is_some(), during.until.is_some()) {
        (false, false, false) => open,
        (true, false, false) => format!("!q W (q & ({open}))"),
        (false, true, false) => format!("F r -> ({closed})"),
        (true, true, false) => format!("G((q & !r & F r) -> ({closed}))"),
        (false, _, true) => either,
        (true, _, true) => format!("G((q & !r) -> ({either}))"),
    }
}

impl Parts {
    /// Existence is excused where `when` never held, or where `unless` did.
    fn excused(self, directive: &Directive) -> Self {
        let with = |part: String, never: &str, once: &str| {
            let never = if directive.when.is_some() { format!("({never}) | ") } else { String::new() };
            let once = if directive.unless.is_some() { format!("({once}) | ") } else { String::new() };
            format!("{never}{once}({part})")
        };
        Self {
            open: with(self.open, "G !w", "F u"),
            closed: with(self.closed, "!w U r", "!r U (u & !r)"),
            either: with(self.either, "!w W r", "!r U (u & !r)"),
        }
    }
}

/// A text put into itself so many times at `…`, around an innermost one.
fn nested(times: u8, around: &str, innermost: &str) -> String {
    (0..times).fold(innermost.to_owned(), |inner, _| around.replace('…', &inner))
}

/// A text for each step of a chain put into the one before it at `…`; `s` becomes `s1`, `s2`, …
fn chain(steps: &[Predicate], around: &str, innermost: &str) -> String {
    let mut text = "true".to_owned();
    for n in (1..=steps.len()).rev() {
        let around = if n == steps.len() { innermost } else { around };
        text = around.replace('s', &format!("s{n}")).replace('…', &text);
    }
    text
}

/// What a directive says of a whole trace.
#[derive(Debug, Clone)]
pub struct Specification {
    atoms: Vec<Atom>,
    formula: Formula,
}

impl Specification {
    /// The specification of a directive.
    ///
    /// # Errors
    /// Never for the formulas of this page, as a test shows.
    pub fn of(directive: &Directive) -> Result<Self, Malformed> {
        let (about, mut roles) = about(directive);
        let during = &directive.during;
        let mut role = |name: &str, predicate: &Option<Predicate>, phase: Phase| {
            roles.extend(predicate.clone().map(|predicate| (name.to_owned(), Atom { predicate, phase })));
        };
        role("q", &during.after, Phase::Completion);
        let end = match (&during.before, &during.until) {
            (Some(before), Some(until)) => Some(Predicate::Any(vec![before.clone(), until.clone()])),
            (before, until) => before.clone().or(until.clone()),
        };
        role("r", &end, Phase::Attempt);
        Self::read(&framed(directive).replace('p', &about), &roles)
    }

    /// Reads a formula over these roles.
    ///
    /// # Errors
    /// The text, where it is not a formula.
    pub fn read(text: &str, roles: &[(String, Atom)]) -> Result<Self, Malformed> {
        let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
        let atoms = roles.iter().map(|(_, atom)| match atom.phase {
            // How a call ended only its completion tells.
            Phase::Attempt if atom.predicate.asks_for_exit() => Atom { phase: Phase::Completion, ..atom.clone() },
            _ => atom.clone(),
        });
        let atoms = atoms.collect();
        Ok(Self { atoms, formula: logic::read(text, &names)? })
    }

    /// Whether a trace is right, where `truth` tells whether an atom is true at an instant.
    pub fn accepts<T>(&self, trace: &[T], truth: impl Fn(&Atom, &T) -> bool) -> bool {
        let instant = |now: &T| self.atoms.iter().map(|atom| truth(atom, now)).collect();
        let trace: Vec<Vec<bool>> = trace.iter().map(instant).collect();
        self.accepts_letters(&trace)
    }

    /// The atoms, one for each role of the formula.
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// Whether a trace is right, instant by instant the truth of each atom.
    pub fn accepts_letters(&self, trace: &[Vec<bool>]) -> bool {
        self.formula.holds(trace, 0)
    }
}

/// What `p` stands for, with its guards, and the roles that a pattern names.
fn about(directive: &Directive) -> (String, Vec<(String, Atom)>) {
    use Phase::{Attempt, Completion};
    let (guard, phase, about, others): (_, _, _, Vec<_>) = match &directive.pattern {
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => (true, Attempt, never, vec![]),
        Pattern::Universality { every, must } => (true, Attempt, every, vec![("m".to_owned(), must, Attempt)]),
        Pattern::BoundedExistence { of, .. } => (true, Attempt, of, vec![]),
        Pattern::Existence { require } => (false, Completion, require, vec![]),
        Pattern::Precedence { first, then, again_after } => {
            let again = again_after.iter().map(|again| ("a".to_owned(), again, Completion));
            (true, Attempt, then, again.chain([("s".to_owned(), first, Completion)]).collect())
        }
        Pattern::Response { trigger, require } => {
            (true, Completion, trigger, vec![("s".to_owned(), require, Completion)])
        }
        Pattern::ResponseChain { trigger, require } => (true, Completion, trigger, steps(require)),
        Pattern::PrecedenceChain { first, then } => (true, Attempt, then, steps(first)),
    };
    let guards = [("w", &directive.when), ("u", &directive.unless)];
    let guards = guards.iter().filter_map(|(name, guard)| Some(((*name).to_owned(), guard.as_ref()?, phase)));
    let roles = [("p".to_owned(), about, phase)].into_iter().chain(others).chain(guards);
    let roles = roles.map(|(name, predicate, phase)| (name, Atom { predicate: predicate.clone(), phase }));
    let when = if guard && directive.when.is_some() { " & w" } else { "" };
    let unless = if guard && directive.unless.is_some() { " & !u" } else { "" };
    let must = if matches!(directive.pattern, Pattern::Universality { .. }) { " -> m" } else { "" };
    (format!("((p{when}{unless}){must})"), roles.collect())
}

fn steps(chain: &[Predicate]) -> Vec<(String, &Predicate, Phase)> {
    (1..).zip(chain).map(|(n, step)| (format!("s{n}"), step, Phase::Completion)).collect()
}
