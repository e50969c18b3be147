//! Claude Code: hook payloads and answers as captured from version 2.1.330.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};

const NOTICE: Shape = Shape::of(&[("systemMessage", Slot::Text)]);
const CONTEXT: Shape = Shape::of(&[
    ("hookSpecificOutput.hookEventName", Slot::Event),
    ("hookSpecificOutput.additionalContext", Slot::Text),
]);
const TALK: Answers = Answers { context: Some(CONTEXT), notice: Some(NOTICE), ..Answers::NONE };
const BEFORE: Answers = Answers {
    deny: Some(Shape::of(&[
        ("hookSpecificOutput.hookEventName", Slot::Event),
        ("hookSpecificOutput.permissionDecision", Slot::Word("deny")),
        ("hookSpecificOutput.permissionDecisionReason", Slot::Text),
    ])),
    // Without a decision: whether the user is asked stays the host's to decide.
    rewrite: Some(Shape::of(&[
        ("hookSpecificOutput.hookEventName", Slot::Event),
        ("hookSpecificOutput.updatedInput", Slot::Input),
    ])),
    ..TALK
};
const STOP: Answers = Answers {
    hold: Some(Shape::of(&[("decision", Slot::Word("block")), ("reason", Slot::Text)])),
    notice: Some(NOTICE),
    ..Answers::NONE
};

/// What is known of Claude Code.
pub(super) static DESCRIPTION: Description = Description {
    name: "claude-code",
    events: &[
        Hook::of("SessionStart", Moment::SessionStart, &TALK),
        Hook::of("UserPromptSubmit", Moment::Prompt, &TALK),
        Hook::of("PreToolUse", Moment::BeforeTool, &BEFORE),
        Hook::of("PostToolUse", Moment::AfterTool, &TALK),
        Hook::of("PostToolUseFailure", Moment::AfterFailure, &TALK),
        Hook::of("Stop", Moment::Stop, &STOP),
        Hook::of("SubagentStart", Moment::SubagentStart, &TALK),
        Hook::of("SubagentStop", Moment::SubagentStop, &STOP),
        Hook::of("PreCompact", Moment::Compact, &Answers::NONE),
        Hook::of("PostToolBatch", Moment::Other, &Answers::NONE),
        Hook::of("SessionEnd", Moment::Other, &Answers::NONE),
    ],
    fields: Fields {
        event: &["hook_event_name"],
        session: &["session_id"],
        parent: &[],
        agent: &["agent_id"],
        cwd: &["cwd"],
        transcript: &["transcript_path"],
        prompt: &["prompt"],
        reply: &["last_assistant_message"],
        tool: &["tool_name"],
        input: &["tool_input"],
        output: &["tool_response", "error"],
        call: &["tool_use_id"],
        held: &["stop_hook_active"],
    },
    tools: &[Tool { native: "MultiEdit", name: "Edit", keys: &[] }],
    exits: &[
        Exit::Opening { path: "error", mark: "Exit code " },
        Exit::Unfinished("error"),
        Exit::Unfinished("tool_response.interrupted"),
        Exit::Unfinished("tool_response.backgroundTaskId"),
        Exit::Otherwise("tool_response"),
    ],
    machine_text: &[
        "<task-notification>",
        "Stop hook feedback:",
        "<system-reminder>",
        "<command-name>",
        "<local-command",
    ],
    preambles: &[],
    quotes_prompts: false,
    replies_grow: false,
    transcript: None,
    project: &["CLAUDE_PROJECT_DIR"],
    context_chars: 10_000,
    // The cap of the host is eight.
    holds: 4,
};
