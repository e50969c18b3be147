//! What a rule asks for: a property-specification pattern over the events of a session.
//!
//! The patterns and their scopes are those of Dwyer, Avrunin and Corbett, *Patterns in Property Specifications for
//! Finite-State Verification* (ICSE 1999), read over finite traces (LTLf: De Giacomo and Vardi, IJCAI 2013).
//!
//! A tool call is two instants: the *attempt*, which can still be stopped, and its *completion*. What is forbidden, or
//! must be preceded by something, is looked for in attempts. What opens or meets an obligation is looked for in
//! completions, and only in those that succeeded unless the predicate itself tests `exit`. A predicate that tests `exit` is
//! looked for in completions wherever it stands.

use crate::predicate::Predicate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A pattern with its guards and the part of the session it covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Directive {
    /// The pattern.
    #[serde(flatten)]
    pub pattern: Pattern,
    /// Applies only where this holds of the event that the rule bites on or that triggers it; for `existence`, only in
    /// sessions in which it held at some event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Predicate>,
    /// Does not apply where this holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<Predicate>,
    /// The part of the session that the pattern covers.
    #[serde(default, skip_serializing_if = "During::is_globally")]
    pub during: During,
    /// What the pattern is counted over.
    #[serde(default, skip_serializing_if = "Per::is_session")]
    pub per: Per,
    /// What a command that cannot be decided counts as.
    #[serde(default, skip_serializing_if = "Undecided::is_pass")]
    pub undecided: Undecided,
    /// What happens to a call that could not be judged at all, because of a fault or for want of time.
    #[serde(default, skip_serializing_if = "Fail::is_open")]
    pub fail: Fail,
}

/// The patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "pattern", rename_all = "snake_case")]
pub enum Pattern {
    /// It never happens.
    Absence {
        /// What.
        never: Predicate,
    },
    /// It never happens, and there is something to do instead.
    Substitution {
        /// What never happens.
        never: Predicate,
        /// What to do instead; the first whose `from` matches is the fix.
        instead: Vec<Replacement>,
    },
    /// Whatever is of this kind is also so.
    Universality {
        /// The kind.
        every: Predicate,
        /// How it must be.
        must: Predicate,
    },
    /// It happens only after something else has happened.
    Precedence {
        /// What must have happened first.
        first: Predicate,
        /// What may happen only then.
        then: Predicate,
        /// What makes it necessary again, such as another edit after the tests ran.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_after: Option<Predicate>,
    },
    /// Something must follow, before the turn ends.
    Response {
        /// What opens the obligation.
        trigger: Predicate,
        /// What meets it.
        require: Predicate,
    },
    /// It happens at least once before the turn ends.
    Existence {
        /// What.
        require: Predicate,
    },
    /// It happens at most so often.
    BoundedExistence {
        /// What.
        of: Predicate,
        /// How often at most.
        at_most: u8,
    },
    /// Several things must follow in this order, before the turn ends.
    ResponseChain {
        /// What opens the obligation.
        trigger: Predicate,
        /// What must follow, in order.
        require: Vec<Predicate>,
    },
    /// It happens only after several things have happened in this order.
    PrecedenceChain {
        /// What must have happened, in order.
        first: Vec<Predicate>,
        /// What may happen only then.
        then: Predicate,
    },
}

/// What to do instead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// A command pattern, or a literal text; empty for "whatever matched".
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The words that take its place.
    pub to: String,
}

/// The scopes of Dwyer et al.: segments are closed at their start and open at their end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct During {
    /// The segment starts at each such event; without it, with the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Predicate>,
    /// The segment ends before the next such event, and counts only if one comes (*before R*, *between Q and R*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Predicate>,
    /// The segment ends before the next such event, or with the session (*after Q until R*).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Predicate>,
}

impl During {
    /// Whether the whole session is covered.
    pub fn is_globally(&self) -> bool {
        self.after.is_none() && self.before.is_none() && self.until.is_none()
    }
}

/// What a pattern is counted over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// A whole session.
    #[default]
    Session,
    /// A turn: it starts anew with each prompt of the user.
    Turn,
    /// Each file by itself: `file` and `read` tests are about the same path, and so is `$file` in a command.
    File,
}

impl Per {
    /// Whether it is the default.
    pub fn is_session(&self) -> bool {
        *self == Self::Session
    }
}

/// What an event counts as when the predicate cannot be decided on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// Nothing happened.
    #[default]
    Pass,
    /// The rule is violated.
    Violated,
}

impl Undecided {
    /// Whether it is the default.
    pub fn is_pass(&self) -> bool {
        *self == Self::Pass
    }
}

/// What becomes of a call that could not be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fail {
    /// It passes.
    #[default]
    Open,
    /// It is refused.
    Closed,
}

impl Fail {
    /// Whether it is the default.
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

impl Directive {
    /// A pattern without guards over the whole session.
    pub fn of(pattern: Pattern) -> Self {
        Self {
            pattern,
            when: None,
            unless: None,
            during: During::default(),
            per: Per::Session,
            undecided: Undecided::Pass,
            fail: Fail::Open,
        }
    }
}

impl Pattern {
    /// The pattern's standard name, as the rule file writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Absence { .. } => "absence",
            Self::Substitution { .. } => "substitution",
            Self::Universality { .. } => "universality",
            Self::Precedence { .. } => "precedence",
            Self::Response { .. } => "response",
            Self::Existence { .. } => "existence",
            Self::BoundedExistence { .. } => "bounded existence",
            Self::ResponseChain { .. } => "response chain",
            Self::PrecedenceChain { .. } => "precedence chain",
        }
    }

    /// Where the pattern bites.
    pub fn bites(&self) -> &'static str {
        match self {
            Self::Absence { never: of }
            | Self::Substitution { never: of, .. }
            | Self::Universality { every: of, .. } => {
                if of.is_about_words() {
                    "at the answer"
                } else {
                    "before the action"
                }
            }
            Self::Precedence { .. } | Self::PrecedenceChain { .. } => "before the later action",
            Self::BoundedExistence { .. } => "before the action that exceeds it",
            Self::Response { .. } | Self::Existence { .. } | Self::ResponseChain { .. } => "at the end of the turn",
        }
    }
}
