//! Copilot CLI: `{"type", "data", "id", "timestamp"}`, of which `user.message`, `assistant.message`,
//! `tool.execution_start` and `tool.execution_complete` count.

use super::{Seen, field, is, kind, passed, said, words};
use crate::import::time;
use crate::record::Trust;
use serde_json::Value;

pub(super) fn line(line: &Value, seen: &mut Vec<Seen>) {
    let Some(data) = line.get("data") else { return seen.push(passed(kind(line))) };
    let at = line.get("timestamp").and_then(time);
    let content = || data.get("content").map(|content| words(content, &["text"])).unwrap_or_default();
    match kind(line) {
        "session.start" | "session.resume" => {
            let place = data.get("context").unwrap_or(&Value::Null);
            seen.push(Seen::At {
                session: field(data, "sessionId"),
                cwd: field(place, "cwd"),
                branch: field(place, "branch"),
            });
        }
        // What an extension or a hook puts in carries its source.
        "user.message"
            if data.get("source").is_some_and(|source| source.as_str().is_none_or(|from| from != "user")) =>
        {
            seen.push(super::MACHINE);
        }
        "user.message" => seen.extend(said(Trust::User, content(), at, field(line, "id"))),
        "assistant.message" => seen.extend(said(Trust::Agent, content(), at, field(line, "id"))),
        "tool.execution_start" => seen.push(Seen::Called {
            call: field(data, "toolCallId"),
            tool: field(data, "toolName").unwrap_or_default(),
            input: data.get("arguments").cloned().unwrap_or_default(),
        }),
        "tool.execution_complete" => {
            let text = data.pointer("/result/content").or_else(|| data.pointer("/error/message"));
            let text = text.map(|text| words(text, &["text"])).unwrap_or_default();
            let exit_code = text.trim_end().strip_suffix('>').and_then(|text| {
                let (_, number) = text
                    .rsplit_once("exited with exit code ")
                    .or_else(|| text.rsplit_once("completed with exit code "))?;
                number.parse().ok()
            });
            let ok = is(data, "success") && exit_code.is_none_or(|code: i32| code == 0);
            seen.push(Seen::Answered { call: field(data, "toolCallId"), text, ok: Some(ok), exit_code, at });
        }
        other => seen.push(passed(other)),
    }
}
