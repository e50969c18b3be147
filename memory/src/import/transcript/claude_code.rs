//! Claude Code: `{"type": "user" | "assistant", "message": {"content": text | [{"type": "text" | "tool_use" | "tool_result"
//! | …}]}, "sessionId", "cwd", "gitBranch", "timestamp", "uuid"}`.

use super::{MACHINE, Seen, exit_code, field, is, kind, passed, said, words};
use crate::import::time;
use crate::record::Trust;
use serde_json::Value;

pub(super) fn line(line: &Value, seen: &mut Vec<Seen>) {
    let trust = match kind(line) {
        "assistant" => Trust::Agent,
        "user" => Trust::User,
        other => return seen.push(passed(other)),
    };
    if is(line, "isSidechain") {
        return seen.push(Seen::Passed("of a subagent".into()));
    }
    if is(line, "isMeta") || is(line, "isCompactSummary") {
        return seen.push(MACHINE);
    }
    let Some(content) = line.get("message").and_then(|message| message.get("content")) else {
        return seen.push(Seen::Passed("without a content".into()));
    };
    seen.push(Seen::At {
        session: field(line, "sessionId"),
        cwd: field(line, "cwd"),
        branch: field(line, "gitBranch").filter(|branch| !branch.is_empty()),
    });
    let at = line.get("timestamp").and_then(time);
    let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
    for block in blocks.iter().filter(|block| kind(block) == "tool_result") {
        let text = block.get("content").map(|content| words(content, &["text"])).unwrap_or_default();
        let failed = is(block, "is_error");
        let exit_code = exit_code(text.lines().next().unwrap_or_default()).filter(|_| failed);
        let call = field(block, "tool_use_id");
        seen.push(Seen::Answered { call, text, ok: Some(!failed), exit_code, at });
    }
    seen.extend(said(trust, words(content, &["text"]), at, field(line, "uuid")));
    for block in blocks.iter().filter(|block| kind(block) == "tool_use" && trust == Trust::Agent) {
        let tool = field(block, "name").unwrap_or_default();
        seen.push(Seen::Called {
            call: field(block, "id"),
            tool,
            input: block.get("input").cloned().unwrap_or_default(),
        });
    }
}
