//! Gemini CLI: hook payloads and answers as captured from version 0.61.0.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};

const NOTICE: Shape = Shape::of(&[("systemMessage", Slot::Text)]);
const CONTEXT: Shape = Shape::of(&[
    ("hookSpecificOutput.hookEventName", Slot::Event),
    ("hookSpecificOutput.additionalContext", Slot::Text),
]);
const DENY: Shape = Shape::of(&[("decision", Slot::Word("deny")), ("reason", Slot::Text)]);
const TALK: Answers = Answers { context: Some(CONTEXT), notice: Some(NOTICE), ..Answers::NONE };
// What is said to the agent before a tool is dropped.
const BEFORE: Answers = Answers {
    deny: Some(DENY),
    rewrite: Some(Shape::of(&[
        ("hookSpecificOutput.hookEventName", Slot::Event),
        ("hookSpecificOutput.tool_input", Slot::Input),
    ])),
    ..Answers::NONE
};
const STOP: Answers = Answers { hold: Some(DENY), notice: Some(NOTICE), ..Answers::NONE };

/// What is known of Gemini CLI.
pub(super) static DESCRIPTION: Description = Description {
    name: "gemini",
    events: &[
        Hook::of("SessionStart", Moment::SessionStart, &TALK),
        Hook::of("BeforeAgent", Moment::Prompt, &TALK),
        Hook::of("BeforeTool", Moment::BeforeTool, &BEFORE),
        Hook::of("AfterTool", Moment::AfterTool, &TALK),
        Hook::of("AfterAgent", Moment::Stop, &STOP),
        // It precedes every request of the model, whether or not anything is shortened.
        Hook::of("PreCompress", Moment::Other, &Answers::NONE),
        Hook::of("BeforeModel", Moment::Other, &Answers::NONE),
        Hook::of("AfterModel", Moment::Other, &Answers::NONE),
        Hook::of("BeforeToolSelection", Moment::Other, &Answers::NONE),
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
        reply: &["prompt_response"],
        tool: &["tool_name"],
        input: &["tool_input"],
        output: &["tool_response"],
        call: &["tool_use_id"],
        // It says so only as long as the agent has called no tool since.
        held: &[],
    },
    tools: &[
        Tool { native: "run_shell_command", name: "Bash", keys: &[("dir_path", "cwd"), ("directory", "cwd")] },
        Tool { native: "write_file", name: "Write", keys: &[] },
        Tool { native: "replace", name: "Edit", keys: &[] },
        Tool { native: "read_file", name: "Read", keys: &[("absolute_path", "file_path"), ("path", "file_path")] },
    ],
    exits: &[
        Exit::Unfinished("tool_response.error"),
        Exit::Marked { path: "tool_response.llmContent", mark: "\nExit Code: ", end: "" },
        Exit::Otherwise("tool_response"),
    ],
    machine_text: &["<session_context>", "<system_reminder>"],
    // What a hook said as the session began comes back in front of the first prompt.
    preambles: &[("<hook_context>", "</hook_context>")],
    quotes_prompts: false,
    replies_grow: true,
    transcript: None,
    project: &["GEMINI_PROJECT_DIR"],
    context_chars: 5_000,
    // No cap was seen in twelve turns.
    holds: 4,
};
