//! What an agent did or is about to do, in one host-neutral shape.
//!
//! An event is one line of JSON in the form that coding-agent hooks use. Fields that are not known pass through
//! unread, so a host may send more than is listed here. Events live in this crate, and not beside the compiler, because
//! a rule carries its examples as events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that happened in an agent's session, with the circumstances that scopes look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
    /// The session it belongs to; events without one share a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The agent or subagent that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The host program: `claude-code`, `codex`, `copilot`, `cursor`, `gemini`, `opencode`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The branch that was checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The working directory, absolute or relative to the repository root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
}

/// The kinds of events, named as hooks name them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A session began.
    SessionStart,
    /// The user said something.
    #[serde(alias = "prompt")]
    UserPromptSubmit {
        /// The user's words.
        #[serde(alias = "prompt")]
        text: String,
    },
    /// A tool is about to run; this is where an action can still be stopped.
    #[serde(alias = "tool_call")]
    PreToolUse {
        /// The tool's name, such as `Bash` or `Write`.
        #[serde(alias = "tool_name")]
        tool: String,
        /// The tool's arguments, in the host's own shape.
        #[serde(default, alias = "tool_input")]
        input: Value,
        /// The host's name for this call, which its result repeats.
        #[serde(default, alias = "tool_use_id", skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// A tool has run.
    #[serde(alias = "tool_result")]
    PostToolUse {
        /// The tool's name.
        #[serde(alias = "tool_name")]
        tool: String,
        /// The tool's arguments.
        #[serde(default, alias = "tool_input")]
        input: Value,
        /// What the tool answered.
        #[serde(default, alias = "tool_response", skip_serializing_if = "Value::is_null")]
        output: Value,
        /// Whether it succeeded; without it, `exit_code` decides, and without both it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ok: Option<bool>,
        /// The exit status of a command.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// The host's name for this call.
        #[serde(default, alias = "tool_use_id", skip_serializing_if = "Option::is_none")]
        id: Option<String>,
    },
    /// The agent said something while it goes on working.
    Reply {
        /// The agent's words.
        text: String,
    },
    /// The agent wants to end its turn: its final answer, held until every obligation is met.
    Stop {
        /// The final answer.
        #[serde(default, alias = "last_assistant_message", skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
        /// What happened before, oldest first, where one line is to tell the whole story.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        history: Vec<Event>,
    },
    /// A subagent began.
    SubagentStart,
    /// A subagent wants to end.
    SubagentStop {
        /// Its final answer.
        #[serde(default, alias = "last_assistant_message", skip_serializing_if = "Option::is_none")]
        reply: Option<String>,
    },
    /// The host is about to shorten the agent's context.
    PreCompact,
}

impl Event {
    /// An event of a kind, in no particular session.
    pub fn of(kind: EventKind) -> Self {
        Self { kind, session: None, agent: None, host: None, branch: None, cwd: None }
    }

    /// A tool call that is about to run.
    pub fn tool(tool: impl Into<String>, input: Value) -> Self {
        Self::of(EventKind::PreToolUse { tool: tool.into(), input, id: None })
    }

    /// A shell command that is about to run.
    pub fn command(text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self::tool("Bash", serde_json::json!({ "command": text }))
    }

    /// A file that is about to be written whole.
    pub fn write(path: impl Into<String>, content: impl Into<String>) -> Self {
        let (path, content): (String, String) = (path.into(), content.into());
        Self::tool("Write", serde_json::json!({ "file_path": path, "content": content }))
    }

    /// A passage of a file that is about to be replaced.
    pub fn edit(path: impl Into<String>, old: impl Into<String>, new: impl Into<String>) -> Self {
        let (path, old, new): (String, String, String) = (path.into(), old.into(), new.into());
        Self::tool("Edit", serde_json::json!({ "file_path": path, "old_string": old, "new_string": new }))
    }

    /// The end of a turn with this answer.
    pub fn stop(reply: impl Into<String>, history: Vec<Event>) -> Self {
        Self::of(EventKind::Stop { reply: Some(reply.into()), history })
    }

    /// The text of a shell command, if it is one.
    pub fn shell(&self) -> Option<&str> {
        match &self.kind {
            EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
                input.get("command")?.as_str()
            }
            _ => None,
        }
    }

    /// What a call writes into a file, if it writes one.
    pub(crate) fn written(&self) -> Option<&str> {
        match &self.kind {
            EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
                input.get("content").or_else(|| input.get("new_string"))?.as_str()
            }
            _ => None,
        }
    }

    /// The result of a call, as the host reports it; anything but a call is returned as it is.
    #[must_use]
    pub fn done(self, ok: bool) -> Self {
        let kind = match self.kind {
            EventKind::PreToolUse { tool, input, id } => {
                EventKind::PostToolUse { tool, input, output: Value::Null, ok: Some(ok), exit_code: None, id }
            }
            other => other,
        };
        Self { kind, ..self }
    }
}
