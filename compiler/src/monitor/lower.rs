//! Patterns to monitors: the pattern's formula over one segment, its automaton, and the scope around it.
//!
//! The formulas are Dwyer, Avrunin and Corbett's for the scope *globally*, with the weak until that finite traces make
//! natural. They are followed literally where one event is several things at once: a reaction in the same instant as its
//! trigger meets it, and `first` in the same instant as `then` precedes it. A tool call never is both, since it is
//! attempted and completed in two instants, but a prompt or a reply is one instant and may be.

use super::automaton::automaton;
use super::ltlf::Formula;
use super::scope::Scope;
use super::{Atom, MAX_ATOMS, Monitor, Phase, TooComplex};
use rules::predicate::Predicate;
use rules::{Directive, During, Pattern};

/// The most steps of a chain.
const MAX_STEPS: usize = MAX_ATOMS;

/// Lowers a directive to its atoms and the minimal monitor over them; bit *n* of a letter is the truth of atom *n*.
///
/// `when` and `unless` become part of the predicate that the pattern bites on or is triggered by, so that they are about
/// the same command or file; for `existence` they are about the segment: `G ¬when ∨ F unless ∨ F require`. What the
/// directive is counted over (`per`) and what is undecided is the caller's business.
///
/// # Errors
/// When the directive needs more than 8 atoms, a chain of more than 8 steps or more than 256 states.
///
/// ```
/// use compiler::monitor::{Monitor, lower};
/// use rules::{Directive, Pattern, Predicate};
///
/// let (first, then) = (Predicate::command("cargo test"), Predicate::command("git commit"));
/// let rule = Directive::of(Pattern::Precedence { first, then, again_after: None });
/// let (atoms, monitor) = lower(&rule)?;
/// assert_eq!(atoms.len(), 2);
/// assert!(monitor.violated(monitor.step(Monitor::START, 0b01)), "a commit");
/// assert!(monitor.settled(monitor.step(Monitor::START, 0b10)), "a test");
/// # Ok::<(), compiler::monitor::TooComplex>(())
/// ```
pub fn lower(directive: &Directive) -> Result<(Vec<Atom>, Monitor), TooComplex> {
    let mut atoms = Atoms::default();
    let formula = atoms.pattern(directive)?;
    let scope = atoms.scope(&directive.during)?;
    let segment = automaton(formula, atoms.0.len())?;
    let session = if directive.during.is_globally() { segment } else { scope.lift(&segment, atoms.0.len())? };
    Ok((atoms.0, Monitor::try_from(&session)?))
}

/// The atoms of a directive, each once.
#[derive(Debug, Default)]
struct Atoms(Vec<Atom>);

impl Atoms {
    /// The formula of a pattern over one segment.
    fn pattern(&mut self, directive: &Directive) -> Result<Formula, TooComplex> {
        let guarded = |predicate: &Predicate| guarded(predicate, directive);
        Ok(match &directive.pattern {
            Pattern::Absence { never } | Pattern::Substitution { never, .. } => {
                Formula::not(self.attempt(guarded(never))?).always()
            }
            Pattern::Universality { every, must } => {
                Formula::not(self.attempt(guarded(every).and(must.clone().negated()))?).always()
            }
            Pattern::Precedence { first, then, again_after } => {
                let then = self.attempt(guarded(then))?;
                let preceded = Formula::not(then).weak_until(Formula::atom(self.completion(first)?));
                match again_after {
                    None => preceded,
                    Some(again) => {
                        let again = self.completion(again)?;
                        Formula::not(again).or(preceded.clone()).always().and(&preceded)
                    }
                }
            }
            Pattern::Response { trigger, require } => {
                let trigger = self.completion(&guarded(trigger))?;
                let met = Formula::atom(self.completion(require)?).eventually();
                Formula::not(trigger).or(met).always()
            }
            Pattern::Existence { require } => {
                let met = Formula::atom(self.completion(require)?).eventually();
                self.existence_guards(directive, met)?
            }
            Pattern::BoundedExistence { of, at_most } => bounded(self.attempt(guarded(of))?, *at_most),
            Pattern::ResponseChain { trigger, require } => {
                let trigger = self.completion(&guarded(trigger))?;
                Formula::not(trigger).or(in_order(&self.chain(require)?)).always()
            }
            Pattern::PrecedenceChain { first, then } => {
                let then = self.attempt(guarded(then))?;
                preceded_in_order(then, &self.chain(first)?)
            }
        })
    }

    /// `G ¬when ∨ F unless ∨ met`.
    fn existence_guards(&mut self, directive: &Directive, met: Formula) -> Result<Formula, TooComplex> {
        let mut formula = met;
        if let Some(unless) = &directive.unless {
            formula = formula.or(Formula::atom(self.completion(unless)?).eventually());
        }
        if let Some(when) = &directive.when {
            formula = formula.or(Formula::not(self.completion(when)?).always());
        }
        Ok(formula)
    }

    /// The boundaries of a scope. With both ends given, a segment ends at either, or with the session.
    fn scope(&mut self, during: &During) -> Result<Scope, TooComplex> {
        let end = match (&during.before, &during.until) {
            (Some(before), Some(until)) => Some(Predicate::Any(vec![before.clone(), until.clone()])),
            (before, until) => before.clone().or(until.clone()),
        };
        Ok(Scope {
            after: during.after.as_ref().map(|after| self.completion(after)).transpose()?,
            end: end.map(|end| self.attempt(end)).transpose()?,
            to_the_last: during.before.is_none() || during.until.is_some(),
        })
    }

    fn chain(&mut self, steps: &[Predicate]) -> Result<Vec<u8>, TooComplex> {
        if steps.len() > MAX_STEPS {
            return Err(TooComplex);
        }
        steps.iter().map(|step| self.completion(step)).collect()
    }

    /// Looked for in attempts; but how a call ended is known only once it has.
    fn attempt(&mut self, predicate: Predicate) -> Result<u8, TooComplex> {
        let phase = if predicate.asks_for_exit() { Phase::Completion } else { Phase::Attempt };
        self.number(Atom { predicate, phase })
    }

    fn completion(&mut self, predicate: &Predicate) -> Result<u8, TooComplex> {
        self.number(Atom { predicate: predicate.clone(), phase: Phase::Completion })
    }

    fn number(&mut self, atom: Atom) -> Result<u8, TooComplex> {
        let known = self.0.iter().position(|other| *other == atom);
        let number = known.unwrap_or(self.0.len());
        if number >= MAX_ATOMS {
            return Err(TooComplex);
        }
        if known.is_none() {
            self.0.push(atom);
        }
        u8::try_from(number).map_err(|_| TooComplex)
    }
}

/// The predicate where `when` holds and `unless` does not.
fn guarded(predicate: &Predicate, directive: &Directive) -> Predicate {
    let guards = directive.when.clone().into_iter().chain(directive.unless.clone().map(Predicate::negated));
    guards.fold(predicate.clone(), Predicate::and)
}

/// At most so many instants with `of`: `¬of W (of ∧ X¬ …)`, innermost `G ¬of`.
fn bounded(of: u8, at_most: u8) -> Formula {
    (0..at_most).fold(Formula::not(of).always(), |rest, _| {
        Formula::not(of).weak_until(Formula::atom(of).and(&rest.weak_next()))
    })
}

/// Steps in order at different instants: `F(s₁ ∧ X F(s₂ ∧ …))`, each waited for only until it first comes, which is the
/// same and keeps progression small.
fn in_order(steps: &[u8]) -> Formula {
    let after = |step: u8, rest: Formula| Formula::not(step).until(Formula::atom(step).and(&rest));
    let mut steps = steps.iter().rev();
    let Some(last) = steps.next() else { return Formula::truth() };
    steps.fold(after(*last, Formula::truth()), |rest, step| after(*step, rest.next()))
}

/// No `then` before the steps in order: `¬then W (s₁ ∧ ¬then ∧ X(¬then W (s₂ ∧ …)))`, innermost `¬then W sₙ`.
fn preceded_in_order(then: u8, steps: &[u8]) -> Formula {
    let mut steps = steps.iter().rev();
    let Some(last) = steps.next() else { return Formula::truth() };
    steps.fold(Formula::not(then).weak_until(Formula::atom(*last)), |rest, step| {
        Formula::not(then).weak_until(Formula::atom(*step).and(&Formula::not(then)).and(&rest.weak_next()))
    })
}
