//! The life of a rule: its states, and the record of its changes, from which each can be taken back.

use crate::rule::{Rule, RuleId, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made from corrections, or changed by them.
    Compile,
    /// It is to be enforced.
    Arm,
    /// It is to be evaluated and logged only.
    Shadow,
    /// It is to be kept for the record only.
    Retire,
    /// Its file is changed by hand.
    Edit,
    /// The last change is taken back.
    Undo,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Compile => "compile",
            Self::Arm => "arm",
            Self::Shadow => "shadow",
            Self::Retire => "retire",
            Self::Edit => "edit",
            Self::Undo => "undo",
        })
    }
}

/// Why a rule cannot be brought into a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAllowed {
    /// It is there.
    #[error("`{rule}` is already {state}")]
    Already {
        /// The rule.
        rule: RuleId,
        /// Its state.
        state: State,
    },
    /// It is to be decided by a check, and has none.
    #[error("`{0}` has no check that could be evaluated")]
    NoCheck(RuleId),
    /// The action is not about states.
    #[error("`{0}` leads to no state")]
    NoState(Action),
}

/// The rule in the state that an action leads to: *proposed → shadow → armed → retired*, from any state to any other,
/// since a person may demote, retire or revive whatever there is.
///
/// # Errors
/// Why that is not allowed.
pub fn transition(rule: &Rule, action: Action) -> Result<Rule, NotAllowed> {
    let state = match action {
        Action::Arm => State::Armed,
        Action::Shadow => State::Shadow,
        Action::Retire => State::Retired,
        Action::Compile | Action::Edit | Action::Undo => return Err(NotAllowed::NoState(action)),
    };
    if rule.state == state {
        return Err(NotAllowed::Already { rule: rule.id.clone(), state });
    }
    if state != State::Retired && rule.decided_by.is_check() && rule.check.is_none() {
        return Err(NotAllowed::NoCheck(rule.id.clone()));
    }
    // A rule that is revived has nothing in its place.
    let superseded_by = rule.superseded_by.clone().filter(|_| state == State::Retired);
    Ok(Rule { state, superseded_by, ..rule.clone() })
}

/// One change of a rule's file: a line of `.trace/history.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Its number in the history, from 1.
    pub seq: u64,
    /// When it was made (RFC 3339).
    pub at: String,
    /// The rule.
    pub rule: RuleId,
    /// What was done.
    pub action: Action,
    /// Who did it, such as `compile` or a person's name.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The whole text of the file before; absent where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The whole text of the file after; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// The changes of one rule that are not taken back, oldest first: each undo takes the last of them away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    rule: RuleId,
    standing: Vec<Change>,
}

impl Trail {
    /// The trail of a rule in a history, oldest change first.
    pub fn of(rule: RuleId, history: impl IntoIterator<Item = Change>) -> Self {
        let mut standing = Vec::new();
        for change in history.into_iter().filter(|change| change.rule == rule) {
            if change.action == Action::Undo {
                standing.pop();
            } else {
                standing.push(change);
            }
        }
        Self { rule, standing }
    }

    /// The last change that is not taken back: the next undo restores what was before it.
    pub fn last(&self) -> Option<&Change> {
        self.standing.last()
    }

    /// The changes that are not taken back, oldest first.
    pub fn standing(&self) -> &[Change] {
        &self.standing
    }

    /// The change that takes the last one back, at a time and by someone; its number is given when it is recorded.
    pub fn undo(&self, at: &str, by: &str) -> Option<Change> {
        let last = self.last()?;
        Some(Change {
            seq: 0,
            at: at.to_owned(),
            rule: self.rule.clone(),
            action: Action::Undo,
            by: by.to_owned(),
            reason: Some(format!("takes back `{}` of {}", last.action, last.at)),
            before: last.after.clone(),
            after: last.before.clone(),
        })
    }
}
