//! Cursor: hook payloads and answers as they are documented for version 3.12. Not run here.
//!
//! The user's address is among the fields of a payload; nothing reads it.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};

// It could be told other arguments, but only with a decision that may spare the user a question: nobody has run it.
const BEFORE: Answers = Answers {
    deny: Some(Shape {
        slots: &[("permission", Slot::Word("deny")), ("user_message", Slot::Text), ("agent_message", Slot::Text)],
        exit: 2,
    }),
    context: Some(Shape::of(&[("permission", Slot::Word("allow")), ("agent_message", Slot::Text)])),
    ..Answers::NONE
};
const TALK: Answers = Answers { context: Some(Shape::of(&[("additional_context", Slot::Text)])), ..Answers::NONE };
const STOP: Answers = Answers { hold: Some(Shape::of(&[("followup_message", Slot::Text)])), ..Answers::NONE };

/// What is known of Cursor.
pub(super) static DESCRIPTION: Description = Description {
    name: "cursor",
    events: &[
        Hook::of("sessionStart", Moment::SessionStart, &TALK),
        Hook::of("beforeSubmitPrompt", Moment::Prompt, &Answers::NONE),
        Hook::of("preToolUse", Moment::BeforeTool, &BEFORE),
        Hook {
            name: "beforeShellExecution",
            moment: Moment::BeforeTool,
            answers: &BEFORE,
            tool: Some(("Bash", &["command", "cwd"])),
        },
        Hook::of("beforeMCPExecution", Moment::BeforeTool, &BEFORE),
        Hook {
            name: "beforeReadFile",
            moment: Moment::BeforeTool,
            answers: &BEFORE,
            tool: Some(("Read", &["file_path"])),
        },
        Hook::of("postToolUse", Moment::AfterTool, &TALK),
        Hook::of("postToolUseFailure", Moment::AfterFailure, &TALK),
        Hook {
            name: "afterFileEdit",
            moment: Moment::AfterTool,
            answers: &Answers::NONE,
            tool: Some(("Edit", &["file_path", "edits"])),
        },
        Hook::of("stop", Moment::Stop, &STOP),
        Hook::of("subagentStop", Moment::SubagentStop, &STOP),
        Hook::of("preCompact", Moment::Compact, &Answers::NONE),
        Hook::of("sessionEnd", Moment::Other, &Answers::NONE),
    ],
    fields: Fields {
        event: &["hook_event_name"],
        session: &["conversation_id", "session_id"],
        parent: &[],
        agent: &["subagent_id"],
        cwd: &["cwd", "workspace_roots.0"],
        transcript: &["transcript_path"],
        prompt: &["prompt"],
        reply: &[],
        tool: &["tool_name"],
        input: &["tool_input"],
        output: &["tool_output", "error_message"],
        call: &["tool_use_id"],
        held: &[],
    },
    tools: &[
        Tool { native: "Shell", name: "Bash", keys: &[("working_directory", "cwd")] },
        Tool { native: "Write", name: "Write", keys: &[("path", "file_path"), ("contents", "content")] },
        Tool { native: "Read", name: "Read", keys: &[("path", "file_path")] },
        Tool { native: "Delete", name: "Delete", keys: &[("path", "file_path")] },
    ],
    exits: &[Exit::Number("exit_code")],
    machine_text: &["<system_reminder>"],
    preambles: &[],
    quotes_prompts: false,
    replies_grow: false,
    transcript: None,
    project: &["CURSOR_PROJECT_DIR"],
    context_chars: 5_000,
    // The cap of the host is five.
    holds: 3,
};
