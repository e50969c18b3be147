//! Transcripts of coding agents: Claude Code (`~/.claude/projects/…/SESSION.jsonl`), Codex
//! (`~/.codex/sessions/…/rollout-….jsonl`) and Gemini CLI (`~/.gemini/tmp/…/chats/session-….json` or `.jsonl`).
//!
//! What the user wrote is the user's, what the agent wrote is the agent's, and what tools answered is from outside, taken only
//! when asked for. Reasoning, tool calls and what the program itself put in is passed over: nobody said it.

use super::{Choice, Found, Sink, items, lines, split, time};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Scope, Trust, Turn};
use consistency::Millis;
use serde_json::Value;
use std::io::BufRead;
use std::ops::ControlFlow;

/// A program that writes transcripts line by line.
#[derive(Debug)]
pub(super) struct Program {
    source: &'static str,
    agent: &'static str,
    /// The session that a line names.
    session: fn(&Value) -> Option<&str>,
    /// What a line says.
    said: fn(&Value) -> Option<Said>,
}

/// Something that was said.
#[derive(Debug)]
struct Said {
    trust: Trust,
    text: String,
    at: Option<Millis>,
}

/// Claude Code.
pub(super) static CLAUDE_CODE: Program = Program {
    source: "import/claude-code",
    agent: "claude-code",
    session: |line| line.get("sessionId").and_then(Value::as_str),
    said: claude_code,
};

/// Codex.
pub(super) static CODEX: Program = Program {
    source: "import/codex",
    agent: "codex",
    session: |line| line.get("payload").filter(|_| kind(line) == "session_meta")?.get("id")?.as_str(),
    said: codex,
};

static GEMINI: Program = Program {
    source: "import/gemini",
    agent: "gemini",
    session: |line| line.get("sessionId").and_then(Value::as_str),
    said: gemini_message,
};

/// What the turns of one session have in common.
struct Session<'p> {
    program: &'p Program,
    name: String,
    place: u32,
    choice: Choice,
}

/// Reads a transcript of lines; the file's name stands for a session that has none.
pub(super) fn read(
    input: impl BufRead,
    program: &Program,
    name: &str,
    choice: Choice,
    sink: &mut Sink<'_>,
) -> ControlFlow<()> {
    let mut session = Session::new(program, name, choice);
    lines(input, sink, &mut |_, line, sink| session.line(&line, sink))
}

/// Reads a chat of Gemini CLI: one object with `messages`, or lines, of which some only change what was said before.
pub(super) fn gemini(mut input: impl BufRead, name: &str, choice: Choice, sink: &mut Sink<'_>) -> ControlFlow<()> {
    let mut session = Session::new(&GEMINI, name, choice);
    let head = input.fill_buf().unwrap_or_default();
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if serde_json::from_slice::<Value>(first).is_ok() {
        return lines(input, sink, &mut |_, line, sink| session.chat(&line, sink));
    }
    items(input, sink, &mut |_, chat, sink| session.chat(&chat, sink))
}

impl<'p> Session<'p> {
    fn new(program: &'p Program, file: &str, choice: Choice) -> Session<'p> {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let name = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json")).unwrap_or(name).to_owned();
        Session { program, name, place: 0, choice }
    }

    fn chat(&mut self, chat: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
        if let Some(name) = (self.program.session)(chat) {
            name.clone_into(&mut self.name);
        }
        match chat.get("messages").and_then(Value::as_array) {
            Some(messages) => messages.iter().try_for_each(|message| self.line(message, sink)),
            None => self.line(chat, sink),
        }
    }

    fn line(&mut self, line: &Value, sink: &mut Sink<'_>) -> ControlFlow<()> {
        if let Some(name) = (self.program.session)(line) {
            name.clone_into(&mut self.name);
        }
        let Some(said) = (self.program.said)(line).filter(|said| !said.text.trim().is_empty()) else {
            return ControlFlow::Continue(());
        };
        if said.trust == Trust::Outside && !self.choice.tools {
            return ControlFlow::Continue(());
        }
        let speaker = match said.trust {
            Trust::User => "user",
            Trust::Agent => self.program.agent,
            Trust::Outside => "tool",
        };
        let turn = Turn {
            conversation: self.name.clone(),
            place: self.place,
            speaker: Some(speaker.to_owned()),
            said_at: said.at,
        };
        self.place += 1;
        let provenance =
            Provenance { trust: said.trust, source: Some(self.program.source.to_owned()), ..Provenance::default() };
        let scope =
            Scope { agent: Some(self.program.agent.to_owned()), run: Some(self.name.clone()), ..Scope::default() };
        let draft = Draft { provenance, turn: Some(turn), ..Draft::default() }.within(scope);
        let parts: Vec<String> = split::within(&said.text, MAX_TEXT_BYTES).map(str::to_owned).collect();
        parts.into_iter().try_for_each(|text| sink(Found::Draft(Box::new(Draft { text, ..draft.clone() }))))
    }
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// The texts of a content: a text, or a list of blocks of which those of some types count.
fn texts(content: &Value, types: &[&str]) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter(|block| types.contains(&kind(block)) || block.get("type").is_none());
            let texts: Vec<&str> = texts.filter_map(|block| block.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// `{"type": "user" | "assistant", "message": {"content": text | [{"type": "text" | "tool_result" | …}]}, "timestamp"}`.
fn claude_code(line: &Value) -> Option<Said> {
    if is(line, "isMeta") || is(line, "isSidechain") || is(line, "isCompactSummary") {
        return None;
    }
    let content = line.get("message")?.get("content")?;
    let at = line.get("timestamp").and_then(time);
    match kind(line) {
        "assistant" => Some(Said { trust: Trust::Agent, text: texts(content, &["text"]), at }),
        "user" => {
            let results = content.as_array().into_iter().flatten().filter(|block| kind(block) == "tool_result");
            let results: Vec<String> =
                results.filter_map(|block| Some(texts(block.get("content")?, &["text"]))).collect();
            if !results.is_empty() {
                return Some(Said { trust: Trust::Outside, text: results.join("\n"), at });
            }
            Some(Said { trust: Trust::User, text: texts(content, &["text"]), at })
                .filter(|said| !is_machine(&said.text))
        }
        _ => None,
    }
}

/// `{"timestamp", "type": "response_item", "payload": {"type": "message", "role", "content": [{"type": "input_text" |
/// "output_text", "text"}]}}`; what tools answered is a `function_call_output`.
fn codex(line: &Value) -> Option<Said> {
    let payload = line.get("payload").filter(|_| kind(line) == "response_item")?;
    let at = line.get("timestamp").and_then(time);
    match kind(payload) {
        "message" => {
            let trust = match payload.get("role")?.as_str()? {
                "user" => Trust::User,
                "assistant" => Trust::Agent,
                _ => return None,
            };
            let text = texts(payload.get("content")?, &["input_text", "output_text", "text"]);
            Some(Said { trust, text, at }).filter(|said| trust != Trust::User || !is_machine(&said.text))
        }
        "function_call_output" | "custom_tool_call_output" => {
            let output = payload.get("output")?;
            let text = output
                .as_str()
                .map_or_else(|| texts(output.get("content").unwrap_or(output), &["text"]), str::to_owned);
            Some(Said { trust: Trust::Outside, text, at })
        }
        _ => None,
    }
}

/// `{"timestamp", "type": "user" | "gemini", "content": text | [{"text"}], "toolCalls"?}`.
fn gemini_message(line: &Value) -> Option<Said> {
    let trust = match kind(line) {
        "user" => Trust::User,
        "gemini" => Trust::Agent,
        "tool" => Trust::Outside,
        _ => return None,
    };
    let text = texts(line.get("content")?, &["text"]);
    let said = Said { trust, text, at: line.get("timestamp").and_then(time) };
    Some(said).filter(|said| trust != Trust::User || !is_machine(&said.text))
}

/// Tells whether a program wrote this in the user's name: surroundings, notifications, the output of commands.
fn is_machine(text: &str) -> bool {
    const MARKS: [&str; 9] = [
        "<environment_context",
        "<user_instructions",
        "# AGENTS.md instructions",
        "<task-notification",
        "<system-reminder",
        "<command-name",
        "<command-message",
        "<local-command-",
        "<turn_aborted",
    ];
    MARKS.iter().any(|mark| text.trim_start().starts_with(mark))
}
