//! A rule: what the user taught, in a form that can be read, reviewed and run.

use crate::directive::Directive;
use crate::event::Event;
use crate::predicate::Predicate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a rule: a slug that names the behaviour, such as `npm-instead-of-pnpm`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct RuleId(String);

/// Why a text is not the name of a rule.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a rule's name: use 1 to 80 of a-z, 0-9 and `-`, beginning with a letter or digit")]
pub struct NotARuleId(String);

impl RuleId {
    /// The longest name, in characters.
    pub const MAX_CHARS: usize = 80;

    /// Makes the slug nearest to a text: lower case, everything but ASCII letters and digits becomes `-`.
    pub fn slug(text: &str) -> Self {
        let mut slug = String::new();
        for c in text.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
            if slug.len() >= 60 {
                break;
            }
        }
        let slug = slug.trim_matches('-');
        Self(if slug.is_empty() { "rule".to_owned() } else { slug.to_owned() })
    }

    /// The same name with a number behind it, for a second rule of that name; a name that is too long for it is cut.
    #[must_use]
    pub fn numbered(&self, n: u32) -> Self {
        let number = format!("-{n}");
        let kept = self.0.chars().take(Self::MAX_CHARS - number.len());
        Self(kept.collect::<String>() + &number)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RuleId {
    type Error = NotARuleId;

    fn try_from(text: String) -> Result<Self, NotARuleId> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || text.len() > Self::MAX_CHARS || text.starts_with('-') || !text.chars().all(plain) {
            return Err(NotARuleId(text));
        }
        Ok(Self(text))
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> Self {
        id.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One rule, as its TOML file holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name, which is also its file's.
    pub id: RuleId,
    /// What it asks, in one line.
    pub title: String,
    /// Where it is in its life.
    pub state: State,
    /// How much it is meant.
    #[serde(default, skip_serializing_if = "Strength::is_must")]
    pub strength: Strength,
    /// What decides whether it is kept.
    #[serde(default, skip_serializing_if = "Decision::is_check")]
    pub decided_by: Decision,
    /// How sure the compiler is that it understood, from 0 to 1; absent where a person wrote the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// The rule that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RuleId>,
    /// The rules that it was split into.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split_into: Vec<RuleId>,
    /// The rule that it narrows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refines: Option<RuleId>,
    /// Where it applies.
    #[serde(default, skip_serializing_if = "Scope::is_everywhere")]
    pub scope: Scope,
    /// What it asks; absent where nothing but judgement decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Directive>,
    /// For a rule that is judged or only a reminder: when to put it in front of the agent; absent for always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_when: Option<Predicate>,
    /// The user's own words.
    #[serde(default, rename = "said", skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Quote>,
    /// Its tests: at least one that violates it and one close by that does not.
    #[serde(default, rename = "example", skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// Where a rule is in its life: proposed → shadow → armed → retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Written down, not evaluated: it failed its own tests, or conflicts with another rule.
    Proposed,
    /// Evaluated and logged, never in the way.
    Shadow,
    /// Enforced.
    Armed,
    /// Kept for the record.
    Retired,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Proposed => "proposed",
            Self::Shadow => "shadow",
            Self::Armed => "armed",
            Self::Retired => "retired",
        })
    }
}

/// How much a rule is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// A violation is an error and blocks.
    #[default]
    Must,
    /// A violation is a warning.
    Should,
}

impl Strength {
    /// Whether it is the default.
    pub fn is_must(&self) -> bool {
        *self == Self::Must
    }
}

/// What decides whether a rule is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// A check, deterministically.
    #[default]
    Check,
    /// A model, where one is configured; never claimed as enforced.
    Judged,
    /// Nobody: the rule is put in front of the agent when it matters.
    Reminder,
}

impl Decision {
    /// Whether it is the default.
    pub fn is_check(&self) -> bool {
        *self == Self::Check
    }
}

/// Where a rule applies. Everything that is given must hold; the layer (user or repository) is the folder it lies in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Globs for directories, relative to the repository root: files changed and commands run under them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub directory: Vec<String>,
    /// Globs for branches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branch: Vec<String>,
    /// Names of agent hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host: Vec<String>,
    /// Names of sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub session: Vec<String>,
}

impl Scope {
    /// Whether nothing limits it.
    pub fn is_everywhere(&self) -> bool {
        *self == Self::default()
    }

    /// How narrow the scope is; of two rules with the same name, the narrower one holds (session over host over branch
    /// over directory over all).
    pub fn precedence(&self) -> u8 {
        let bit = |set: bool, weight: u8| if set { weight } else { 0 };
        bit(!self.directory.is_empty(), 1)
            + bit(!self.branch.is_empty(), 2)
            + bit(!self.host.is_empty(), 4)
            + bit(!self.session.is_empty(), 8)
    }
}

/// What the user said, exactly, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// An exact part of the user's own turn.
    pub quote: String,
    /// The id of the correction that it is from, in `.trace/corrections.jsonl`.
    pub correction: String,
    /// The file or program it came from, with a line where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The turn in that session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
}

/// A test of a rule: a few events of one session, and whether the last one violates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Whether the last event violates the rule.
    pub violates: bool,
    /// Why it is here, such as the mutation that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The events, one JSON object a line, oldest first, in the form that `trace check` reads.
    pub events: String,
}

impl Example {
    /// An example of these events.
    pub fn of(violates: bool, events: &[Event]) -> Self {
        let lines = events.iter().filter_map(|event| serde_json::to_string(event).ok());
        Self { violates, note: None, events: lines.collect::<Vec<_>>().join("\n") }
    }

    /// The same example with a note.
    #[must_use]
    pub fn noted(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// The events.
    ///
    /// # Errors
    /// The first line that is not an event.
    pub fn parse(&self) -> Result<Vec<Event>, serde_json::Error> {
        self.events.lines().filter(|line| !line.trim().is_empty()).map(serde_json::from_str).collect()
    }
}
