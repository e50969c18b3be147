//! Copilot CLI: hook payloads and answers as captured from version 1.0.102, in both casings.
//!
//! Registered as `preToolUse` an event comes in camel case and without its name, so the name is an argument of the hook's
//! command; as `PreToolUse` in snake case with the names of Claude Code's tools, but the arguments keep theirs.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};
use super::transcript::Transcript;

const CONTEXT: Shape = Shape::of(&[("additionalContext", Slot::Text)]);
const TALK: Answers = Answers { context: Some(CONTEXT), ..Answers::NONE };
// The nested form is understood in one casing only, the flat one in both.
const BEFORE: Answers = Answers {
    deny: Some(Shape::of(&[("permissionDecision", Slot::Word("deny")), ("permissionDecisionReason", Slot::Text)])),
    rewrite: Some(Shape::of(&[("modifiedArgs", Slot::Input)])),
    ..TALK
};
const STOP: Answers =
    Answers { hold: Some(Shape::of(&[("decision", Slot::Word("block")), ("reason", Slot::Text)])), ..Answers::NONE };

/// How its transcripts are written.
pub(super) const TRANSCRIPT: Transcript = Transcript {
    kind: "/type",
    agent: "assistant.message",
    user: "user.message",
    words: "/data/content",
    call: "/data/input/timestamp",
    stamp: "timestamp",
};

const EDIT_KEYS: &[(&str, &str)] =
    &[("path", "file_path"), ("file_text", "content"), ("old_str", "old_string"), ("new_str", "new_string")];

/// What is known of Copilot CLI.
pub(super) static DESCRIPTION: Description = Description {
    name: "copilot",
    events: &[
        Hook::of("sessionStart", Moment::SessionStart, &TALK),
        Hook::of("SessionStart", Moment::SessionStart, &TALK),
        Hook::of("userPromptSubmitted", Moment::Prompt, &TALK),
        Hook::of("UserPromptSubmit", Moment::Prompt, &TALK),
        Hook::of("preToolUse", Moment::BeforeTool, &BEFORE),
        Hook::of("PreToolUse", Moment::BeforeTool, &BEFORE),
        Hook::of("postToolUse", Moment::AfterTool, &TALK),
        Hook::of("PostToolUse", Moment::AfterTool, &TALK),
        Hook::of("postToolUseFailure", Moment::AfterFailure, &TALK),
        Hook::of("PostToolUseFailure", Moment::AfterFailure, &TALK),
        Hook::of("agentStop", Moment::Stop, &STOP),
        Hook::of("Stop", Moment::Stop, &STOP),
        Hook::of("subagentStop", Moment::SubagentStop, &STOP),
        Hook::of("SubagentStop", Moment::SubagentStop, &STOP),
        Hook::of("preCompact", Moment::Compact, &Answers::NONE),
        Hook::of("PreCompact", Moment::Compact, &Answers::NONE),
        // It would be the same call a second time.
        Hook::of("permissionRequest", Moment::Other, &Answers::NONE),
        Hook::of("PermissionRequest", Moment::Other, &Answers::NONE),
        Hook::of("sessionEnd", Moment::Other, &Answers::NONE),
        Hook::of("SessionEnd", Moment::Other, &Answers::NONE),
    ],
    fields: Fields {
        event: &["hook_event_name", "hookName"],
        session: &["sessionId", "session_id"],
        parent: &[],
        agent: &["agentId", "agent_id"],
        cwd: &["cwd"],
        transcript: &["transcriptPath", "transcript_path"],
        prompt: &["prompt"],
        reply: &["lastAssistantMessage", "last_assistant_message"],
        tool: &["toolName", "tool_name"],
        input: &["toolArgs", "tool_input", "toolInput"],
        output: &["toolResult", "tool_result", "error"],
        call: &["toolUseId", "tool_use_id"],
        held: &["stop_hook_active", "stopHookActive"],
    },
    tools: &[
        Tool { native: "bash", name: "Bash", keys: &[] },
        Tool { native: "powershell", name: "Bash", keys: &[] },
        Tool { native: "create", name: "Write", keys: EDIT_KEYS },
        Tool { native: "Write", name: "Write", keys: EDIT_KEYS },
        Tool { native: "edit", name: "Edit", keys: EDIT_KEYS },
        Tool { native: "Edit", name: "Edit", keys: EDIT_KEYS },
        Tool { native: "view", name: "Read", keys: EDIT_KEYS },
        Tool { native: "Read", name: "Read", keys: EDIT_KEYS },
    ],
    exits: &[
        Exit::Marked { path: "toolResult.textResultForLlm", mark: "completed with exit code ", end: ">" },
        Exit::Marked { path: "tool_result.text_result_for_llm", mark: "completed with exit code ", end: ">" },
        Exit::Says("toolResult.resultType", "success"),
        Exit::Says("tool_result.result_type", "success"),
    ],
    machine_text: &["<system_reminder>", "<system_notification>"],
    preambles: &[],
    quotes_prompts: false,
    replies_grow: false,
    transcript: Some(TRANSCRIPT),
    project: &[],
    // Ten kilobytes, which hold fewer characters where they are not ASCII.
    context_chars: 5_000,
    // The cap of the host is eight.
    holds: 4,
};
