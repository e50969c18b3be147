//! Codex: `{"timestamp", "type": "response_item", "payload": {"type": "message", "role", "content": [{"type": "input_text"
//! | "output_text", "text"}]}}`, calls as `function_call`, `custom_tool_call` or `local_shell_call`, and their outputs; the
//! session and its directory are in `session_meta` and `turn_context`.

use super::{Seen, exit_code, field, kind, passed, said, words};
use crate::import::time;
use crate::record::Trust;
use serde_json::{Value, json};

pub(super) fn line(line: &Value, seen: &mut Vec<Seen>) {
    let Some(payload) = line.get("payload") else { return seen.push(passed(kind(line))) };
    match kind(line) {
        "session_meta" | "turn_context" => {
            let session = field(payload, "id").filter(|_| kind(line) == "session_meta");
            let branch = payload.get("git").and_then(|git| field(git, "branch"));
            return seen.push(Seen::At { session, cwd: field(payload, "cwd"), branch });
        }
        "response_item" => {}
        other => return seen.push(passed(other)),
    }
    let at = line.get("timestamp").and_then(time);
    let call = field(payload, "call_id");
    match kind(payload) {
        "message" => {
            let trust = match payload.get("role").and_then(Value::as_str) {
                Some("user") => Trust::User,
                Some("assistant") => Trust::Agent,
                _ => return seen.push(Seen::Passed("written by the program".into())),
            };
            let content = payload.get("content").unwrap_or(&Value::Null);
            seen.extend(said(trust, words(content, &["input_text", "output_text", "text"]), at, field(payload, "id")));
        }
        "function_call" => {
            let arguments = payload.get("arguments").and_then(Value::as_str).unwrap_or_default();
            let input = serde_json::from_str(arguments).unwrap_or_else(|_| arguments.into());
            seen.push(Seen::Called { call, tool: field(payload, "name").unwrap_or_default(), input });
        }
        "custom_tool_call" => {
            let input = json!({ "input": payload.get("input").cloned().unwrap_or_default() });
            seen.push(Seen::Called { call, tool: field(payload, "name").unwrap_or_default(), input });
        }
        "local_shell_call" => {
            let input = payload.get("action").cloned().unwrap_or_default();
            seen.push(Seen::Called { call, tool: "local_shell".to_owned(), input });
        }
        "function_call_output" | "custom_tool_call_output" | "local_shell_call_output" => {
            let output = payload.get("output").unwrap_or(&Value::Null);
            let text = output
                .as_str()
                .map_or_else(|| words(output.get("content").unwrap_or(output), &["text"]), str::to_owned);
            // Older versions wrap the answer in JSON.
            let wrapped = Some(&text).filter(|text| text.starts_with('{'));
            let wrapped = wrapped.and_then(|text| serde_json::from_str::<Value>(text).ok());
            let told = wrapped.as_ref().and_then(|told| told.pointer("/metadata/exit_code")?.as_i64());
            let exit_code = told.and_then(|code| i32::try_from(code).ok()).or_else(|| exit_code(head(&text)));
            let text = wrapped.and_then(|told| field(&told, "output")).unwrap_or(text);
            seen.push(Seen::Answered { call, text, ok: exit_code.map(|code| code == 0), exit_code, at });
        }
        other => seen.push(passed(other)),
    }
}

/// The part of an answer in front of the output, where the program says how the command ended.
fn head(text: &str) -> &str {
    text.split_once("Output:").map_or_else(|| text.lines().next().unwrap_or_default(), |(head, _)| head)
}
