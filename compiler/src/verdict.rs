//! What a check answers.

use crate::check::Check;
use crate::condition::{FilePart, Subject};
use crate::facts::{Command, FileChange, Workspace};
use rules::{RuleId, State, Strength};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The longest excerpt of a witness, in bytes.
const MAX_EXCERPT_BYTES: usize = 240;

/// The answer of one check to one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The rule.
    pub rule: RuleId,
    /// The answer.
    pub outcome: Outcome,
    /// Whether the action or the final answer is to be held back: the rule is armed and meant as a must, and it is not too
    /// late.
    pub blocks: bool,
    /// The rule's state: armed rules are enforced, those in shadow are only logged.
    pub state: State,
    /// How much the rule is meant.
    pub strength: Strength,
    /// What the rule asks, in one line.
    pub title: String,
    /// The user's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What shows the violation; absent where something did not happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// What to do instead, or what is still owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The number of the event in its stream, from 1.
    pub event: u64,
    /// The session, where the event names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

/// The answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The event does not concern the rule.
    NotApplicable,
    /// The rule is kept.
    Pass,
    /// An obligation is open; it is violated only if the turn ends so.
    Pending,
    /// The rule is violated.
    Violated,
}

/// What in an event shows a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Witness {
    /// What kind of thing it is.
    pub kind: WitnessKind,
    /// The thing itself, or the part that shows it, cut to 240 bytes.
    pub text: String,
    /// The file, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The line in that file, from 1, where it can be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The exact bytes: of the command text, the added lines, the new text, the message or the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<[usize; 2]>,
}

/// The kinds of witnesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WitnessKind {
    /// A command that would run.
    Command,
    /// A part of a command text of which it cannot be told what it runs.
    Unknown,
    /// A changed file.
    File,
    /// A file that is read.
    Read,
    /// A commit message.
    Commit,
    /// The text of a pull request.
    PullRequest,
    /// The agent's words.
    Reply,
    /// The user's words.
    Prompt,
    /// A tool call.
    Tool,
}

impl Verdict {
    /// The answer of a check to an event; what is owed is said where nothing shows the violation.
    pub fn of(
        check: &Check,
        outcome: Outcome,
        place: Option<&(Subject<'_>, Option<Range<usize>>)>,
        workspace: &dyn Workspace,
    ) -> Self {
        let fix = match place {
            Some((Subject::Command(command), _)) => check.fix(command),
            Some(_) => None,
            None => Some(check.owed.clone()).filter(|owed| !owed.is_empty()),
        };
        Self {
            rule: check.id.clone(),
            outcome,
            blocks: outcome == Outcome::Violated && check.state == State::Armed && check.strength == Strength::Must,
            state: check.state,
            strength: check.strength,
            title: check.title.clone(),
            said: check.said.clone(),
            witness: place.map(|(subject, span)| Witness::of(subject, span.clone(), workspace)),
            fix,
            event: 0,
            session: None,
        }
    }
}

impl Witness {
    fn of(subject: &Subject<'_>, span: Option<Range<usize>>, workspace: &dyn Workspace) -> Self {
        let plain = |kind, text: &str| Self { kind, text: excerpt(text), path: None, line: None, span: None };
        let part = |kind, text: &str| plain(kind, span.clone().and_then(|range| text.get(range)).unwrap_or(text));
        let mut witness = match subject {
            Subject::Command(command) => plain(WitnessKind::Command, &spelled(command)),
            Subject::Unknown(unknown) => plain(WitnessKind::Unknown, &unknown.text),
            Subject::File(file, of) => Self::of_file(file, *of, span.as_ref(), workspace),
            Subject::Read(path) => Self { path: Some((*path).to_owned()), ..plain(WitnessKind::Read, path) },
            Subject::Commit(message) => part(WitnessKind::Commit, message),
            Subject::PullRequest(text) => part(WitnessKind::PullRequest, text),
            Subject::Reply(text) => part(WitnessKind::Reply, text),
            Subject::Prompt(text) => part(WitnessKind::Prompt, text),
            Subject::Tool(name) => plain(WitnessKind::Tool, name),
        };
        witness.span = span.map(|range| [range.start, range.end]);
        witness
    }

    fn of_file(file: &FileChange, part: FilePart, span: Option<&Range<usize>>, workspace: &dyn Workspace) -> Self {
        let text = match part {
            FilePart::Path => "",
            FilePart::Added => &file.added,
            FilePart::Removed => &file.removed,
            FilePart::After => &file.after,
        };
        let found = span.and_then(|range| text.get(range.clone())).unwrap_or_default();
        let shown = if found.trim().is_empty() { file.path.as_str() } else { found };
        let line = span.filter(|_| !found.trim().is_empty()).and_then(|range| {
            let start = text.get(..range.start)?.rfind('\n').map_or(0, |at| at + 1);
            let whole_line = text.get(start..)?.lines().next()?;
            if part == FilePart::After && file.whole {
                return Some(text.get(..start)?.matches('\n').count() + 1);
            }
            let now = if file.whole { file.after.clone() } else { workspace.read(&file.path)? };
            now.lines().position(|line| line == whole_line).map(|at| at + 1)
        });
        Self { kind: WitnessKind::File, text: excerpt(shown), path: Some(file.path.clone()), line, span: None }
    }
}

fn spelled(command: &Command) -> String {
    let words = command.args.iter().map(|word| word.text.as_str());
    [command.program.as_str()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

fn excerpt(text: &str) -> String {
    let text = text.trim();
    let end = text.floor_char_boundary(MAX_EXCERPT_BYTES);
    text.get(..end).unwrap_or_default().to_owned() + if end < text.len() { "…" } else { "" }
}
