//! What became of things: the records that `trace compile` and `trace check` print, one JSON object a line.

use crate::backtest::{Backtest, Replayed};
use compiler::Verdict;
use rules::{Decision, Diagnostic, Directive, Quote, RuleId, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// What became of one message.
    Input(Input),
    /// Two rules that cannot both be kept.
    Conflict(Conflict),
    /// The answer of a rule to an event, or what is still owed at the end of the stream.
    Verdict(Verdict),
    /// Something that is wrong with what was read.
    Diagnostic(Diagnostic),
    /// What a rule would have done in recorded sessions.
    Backtest(Backtest),
    /// A rule that `trace mine` proposes.
    Proposal(Box<Proposal>),
    /// The last line of `trace compile`.
    Compiled(Compiled),
    /// The last line of `trace mine`.
    Mined(Mined),
    /// The last line of `trace check`.
    Checked(Checked),
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Input {
    /// Its line in the input, from 1.
    pub line: usize,
    /// Its beginning, at most 200 bytes.
    pub text: String,
    /// What became of it.
    pub fate: Fate,
    /// Why, in one line.
    pub why: String,
    /// The rules that it made or supports.
    pub rules: Vec<Outcome>,
}

/// A rule that a message made or supports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The rule.
    pub rule: RuleId,
    /// What it asks, in one line.
    pub title: String,
    /// What was done with it.
    pub admission: Admission,
    /// Its state now.
    pub state: State,
    /// The pattern that it enforces, where a check decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Where it bites, where a check decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bites: Option<String>,
    /// The exact words that it was made from.
    pub quote: String,
}

/// What was done with a rule that a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// It is new.
    New,
    /// It was there, and the words were added to it.
    Evidence,
    /// It was there with these very words.
    Known,
    /// It narrowed a rule that was there.
    Update,
    /// It took the place of a rule that was there.
    Supersedes,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// A check holds what it says, from now on.
    Enforced,
    /// A check logs what it says, without standing in the way.
    Shadow,
    /// Only a model can decide it.
    Judged,
    /// Nothing decides it; it is put in front of the agent.
    Reminder,
    /// It stands against another rule, and waits for a person.
    Conflict,
    /// It was understood, but its check fails its own tests, and waits for a person.
    Untested,
    /// It was made by an earlier run and has been retired since.
    Retired,
    /// It was meant once.
    OneOff,
    /// Nothing was corrected.
    NotACorrection,
    /// It could not be read.
    Malformed,
}

impl Fate {
    /// Every fate, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Enforced,
        Self::Shadow,
        Self::Judged,
        Self::Reminder,
        Self::Conflict,
        Self::Untested,
        Self::Retired,
        Self::OneOff,
        Self::NotACorrection,
        Self::Malformed,
    ];
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Enforced => "enforced",
            Self::Shadow => "shadow",
            Self::Judged => "judged",
            Self::Reminder => "reminder only",
            Self::Conflict => "conflict",
            Self::Untested => "fails its tests",
            Self::Retired => "retired",
            Self::OneOff => "one-off",
            Self::NotACorrection => "not a correction",
            Self::Malformed => "malformed",
        })
    }
}

/// A rule that was found in recorded sessions and documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proposal {
    /// The rule.
    pub rule: RuleId,
    /// What it asks, in one line.
    pub title: String,
    /// Its state if it is kept, or now where it is.
    pub state: State,
    /// What decides whether it is kept.
    pub decided_by: Decision,
    /// What it asks, where a check decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Directive>,
    /// How sure the compiler is that it understood, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// The exact words that it rests on, with where they were said: the first of them, where they are many.
    pub said: Vec<Quote>,
    /// How many of the messages said it.
    pub times: usize,
    /// In how many sessions that was.
    pub sessions: usize,
    /// What it would have done in the recorded sessions, where a check decides it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtest: Option<Backtest>,
}

/// The sum of a search for rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Mined {
    /// How many recordings were read.
    pub recordings: usize,
    /// How many documents of instructions were read.
    pub documents: usize,
    /// How many messages of users, and statements of documents, were read.
    pub messages: usize,
    /// How many of them made or support rules.
    pub durable: usize,
    /// How much was replayed.
    pub replayed: Replayed,
    /// What was passed over, and how often.
    pub passed: BTreeMap<String, usize>,
    /// How many lines could not be read.
    pub unread: usize,
    /// How many rules are proposed.
    pub proposals: usize,
    /// How many rule files were written.
    pub written: usize,
}

/// Two rules that cannot both be kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conflict {
    /// The newer rule, which is not armed by itself.
    pub newer: RuleId,
    /// The words that it was made from.
    pub newer_said: String,
    /// The older rule.
    pub older: RuleId,
    /// The words that it was made from.
    pub older_said: String,
    /// What one asks for and the other forbids.
    pub why: String,
}

/// The sum of a compilation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Compiled {
    /// How many messages were read.
    pub inputs: usize,
    /// What became of them.
    pub fates: BTreeMap<Fate, usize>,
    /// Rules in the book, by state.
    pub rules: BTreeMap<State, usize>,
    /// How many rule files were written.
    pub written: usize,
    /// How many checks are compiled, armed and in shadow.
    pub checks: usize,
}

/// The sum of a check.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Checked {
    /// How many events were read.
    pub events: usize,
    /// How many rules are enforced or in shadow.
    pub rules: usize,
    /// Violations of rules that block.
    pub blocked: usize,
    /// Violations that were seen when it was too late to block them.
    pub violated: usize,
    /// Violations of rules that warn.
    pub warned: usize,
    /// Violations of rules in shadow.
    pub shadow: usize,
    /// Obligations that were open at the end.
    pub pending: usize,
    /// Lines that could not be read.
    pub unread: usize,
}

impl Checked {
    /// Whether something was found that a person should look at.
    pub fn has_findings(&self) -> bool {
        self.blocked + self.violated + self.warned > 0
    }

    /// Counts a verdict.
    pub fn count(&mut self, verdict: &Verdict) {
        match (verdict.outcome, verdict.state) {
            (compiler::Outcome::Violated, State::Armed) if verdict.blocks => self.blocked += 1,
            (compiler::Outcome::Violated, State::Armed) if verdict.strength.is_must() => self.violated += 1,
            (compiler::Outcome::Violated, State::Armed) => self.warned += 1,
            (compiler::Outcome::Violated, _) => self.shadow += 1,
            (compiler::Outcome::Pending, _) => self.pending += 1,
            _ => {}
        }
    }
}
