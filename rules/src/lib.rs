//! What the user taught.
//!
//! A [`Correction`] is a user's words. [`understand`](understand()) recognises whether something durable was said and
//! rewrites it as atomic rules; a [`Rule`] holds those words, the [`Directive`] they ask for (a property-specification
//! pattern over [`Predicate`]s on [`Event`]s), where it applies and its tests. The rule book keeps rules through their
//! life cycle, and the lexicon is what is known about the world, as data.
//!
//! This crate does no I/O, reads no clock and calls no model: whatever comes from outside comes in as an argument.

pub mod book;
pub mod correction;
mod describe;
pub mod diagnostic;
pub mod directive;
pub mod event;
pub mod file;
pub mod lexicon;
pub mod predicate;
pub mod proposal;
pub mod rule;
pub mod understand;

pub use correction::Correction;
pub use describe::{describe, explain};
pub use diagnostic::{Code, Diagnostic, Severity, Span};
pub use directive::{Directive, During, Pattern, Per};
pub use event::{Event, EventKind};
pub use lexicon::{Lexicon, means_the_same};
pub use predicate::Predicate;
pub use rule::{Decision, Example, Quote, Rule, RuleId, Scope, State, Strength};
pub use understand::{Class, Understanding, understand};
