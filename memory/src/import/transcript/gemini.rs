//! Gemini CLI: one object with `messages`, or lines, of which some only change what was said before. A message is
//! `{"id", "timestamp", "type": "user" | "gemini", "content": text | [{"text"}], "toolCalls": [{"id", "name", "args",
//! "status", "result"}]}`.
//!
//! A message is written again whenever it grows, under the same `id`: what was seen of it is not told again.

use super::{Seen, exit_code, field, kind, passed, said, words};
use crate::import::time;
use crate::record::Trust;
use serde_json::Value;
use std::collections::HashSet;

/// A chat, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Chat {
    /// Messages whose words are known, calls, and calls whose answers are.
    known: HashSet<(Part, String)>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Part {
    Words,
    Call,
    Answer,
}

impl Chat {
    pub(super) fn line(&mut self, line: &Value, seen: &mut Vec<Seen>) {
        if let Some(session) = field(line, "sessionId") {
            seen.push(Seen::At { session: Some(session), cwd: None, branch: None });
        }
        match line.get("messages").and_then(Value::as_array) {
            Some(messages) => messages.iter().for_each(|message| self.message(message, seen)),
            None => self.message(line, seen),
        }
    }

    fn message(&mut self, message: &Value, seen: &mut Vec<Seen>) {
        let id = field(message, "id");
        let trust = match kind(message) {
            "user" => Trust::User,
            "gemini" => Trust::Agent,
            // The line that names the session, and those that change it.
            "" => return,
            other => return seen.push(passed(other)),
        };
        let at = message.get("timestamp").and_then(time);
        let text = message.get("content").map(|content| words(content, &["text"])).unwrap_or_default();
        if !text.trim().is_empty() && self.is_new(Part::Words, id.as_ref()) {
            seen.extend(said(trust, text, at, id));
        }
        for call in message.get("toolCalls").and_then(Value::as_array).into_iter().flatten() {
            self.call(call, seen);
        }
    }

    fn call(&mut self, call: &Value, seen: &mut Vec<Seen>) {
        let id = field(call, "id");
        if self.is_new(Part::Call, id.as_ref()) {
            let input = call.get("args").cloned().unwrap_or_default();
            seen.push(Seen::Called { call: id.clone(), tool: field(call, "name").unwrap_or_default(), input });
        }
        let status = call.get("status").and_then(Value::as_str).unwrap_or_default();
        if matches!(status, "success" | "error" | "cancelled") && self.is_new(Part::Answer, id.as_ref()) {
            let text = call.get("result").map(answer).unwrap_or_default();
            let exit_code = exit_code(&text);
            let ok = status == "success" && exit_code.is_none_or(|code| code == 0);
            let at = call.get("timestamp").and_then(time);
            seen.push(Seen::Answered { call: id, text, ok: Some(ok), exit_code, at });
        }
    }

    /// Whether this is seen for the first time; what has no name always is.
    fn is_new(&mut self, part: Part, id: Option<&String>) -> bool {
        id.is_none_or(|id| self.known.insert((part, id.clone())))
    }
}

/// `[{"functionResponse": {"response": {"output" | "error": text}}}]`, or a text.
fn answer(result: &Value) -> String {
    let parts = result.as_array().map(Vec::as_slice).unwrap_or_default();
    let one = |part: &Value| {
        let response = part.pointer("/functionResponse/response")?;
        field(response, "output").or_else(|| field(response, "error"))
    };
    let texts: Vec<String> = parts.iter().filter_map(one).collect();
    if texts.is_empty() { words(result, &["text"]) } else { texts.join("\n") }
}
