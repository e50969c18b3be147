//! Codex: hook payloads and answers as captured from version 0.169.0.
//!
//! INVARIANT: the schemas of its answers are closed: one key that it does not know, or an empty reason, cancels a denial.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};

const NOTICE: Shape = Shape::of(&[("systemMessage", Slot::Text)]);
const CONTEXT: Shape = Shape::of(&[
    ("hookSpecificOutput.hookEventName", Slot::Event),
    ("hookSpecificOutput.additionalContext", Slot::Text),
]);
const TALK: Answers = Answers { context: Some(CONTEXT), ..Answers::NONE };
const BEFORE: Answers = Answers {
    deny: Some(Shape::of(&[
        ("hookSpecificOutput.hookEventName", Slot::Event),
        ("hookSpecificOutput.permissionDecision", Slot::Word("deny")),
        ("hookSpecificOutput.permissionDecisionReason", Slot::Text),
    ])),
    // Arguments are taken only with this decision, which spares the user no question.
    rewrite: Some(Shape::of(&[
        ("hookSpecificOutput.hookEventName", Slot::Event),
        ("hookSpecificOutput.permissionDecision", Slot::Word("allow")),
        ("hookSpecificOutput.updatedInput", Slot::Input),
    ])),
    ..TALK
};
const STOP: Answers = Answers {
    hold: Some(Shape::of(&[("decision", Slot::Word("block")), ("reason", Slot::Text)])),
    notice: Some(NOTICE),
    ..Answers::NONE
};

const SHELL_KEYS: &[(&str, &str)] = &[("cmd", "command"), ("workdir", "cwd"), ("working_directory", "cwd")];

/// What is known of Codex.
pub(super) static DESCRIPTION: Description = Description {
    name: "codex",
    events: &[
        Hook::of("SessionStart", Moment::SessionStart, &TALK),
        Hook::of("UserPromptSubmit", Moment::Prompt, &TALK),
        Hook::of("PreToolUse", Moment::BeforeTool, &BEFORE),
        Hook::of("PostToolUse", Moment::AfterTool, &TALK),
        Hook::of("Stop", Moment::Stop, &STOP),
        Hook::of("SubagentStart", Moment::SubagentStart, &Answers::NONE),
        Hook::of("SubagentStop", Moment::SubagentStop, &STOP),
        Hook::of("PreCompact", Moment::Compact, &Answers::NONE),
        // It would be the same call a second time.
        Hook::of("PermissionRequest", Moment::Other, &Answers::NONE),
        Hook::of("PostCompact", Moment::Other, &Answers::NONE),
        Hook::of("SessionEnd", Moment::Other, &Answers::NONE),
        Hook::of("Interrupt", Moment::Other, &Answers::NONE),
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
        output: &["tool_response"],
        call: &["tool_use_id"],
        held: &["stop_hook_active"],
    },
    // Hooks say `Bash`, and have the patch's text in `command`, where facts look for it; the others are of recordings.
    tools: &[
        Tool { native: "apply_patch", name: "apply_patch", keys: &[("input", "command")] },
        Tool { native: "shell", name: "Bash", keys: SHELL_KEYS },
        Tool { native: "local_shell", name: "Bash", keys: SHELL_KEYS },
        Tool { native: "shell_command", name: "Bash", keys: SHELL_KEYS },
        Tool { native: "exec_command", name: "Bash", keys: SHELL_KEYS },
    ],
    // A shell command's answer is its bare output: how it ended is not said.
    exits: &[Exit::Opening { path: "tool_response", mark: "Exit code: " }],
    machine_text: &["<hook_prompt", "<environment_context>", "<user_instructions>", "<turn_aborted>"],
    preambles: &[],
    quotes_prompts: false,
    replies_grow: false,
    transcript: None,
    project: &[],
    context_chars: 10_000,
    // It has no cap of its own.
    holds: 4,
};
