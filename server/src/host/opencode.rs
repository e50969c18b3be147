//! OpenCode: the arguments of its plugin hooks as captured from version 1.18.34, and the answers of our own plugin.
//!
//! Its plugins are JavaScript in its own process. Ours hands each hook's arguments to `trace hook opencode NAME` and does
//! what the answer says; the shape of the answers is therefore ours.

use super::description::{Answers, Description, Exit, Fields, Hook, Moment, Shape, Slot, Tool};

const NOTICE: Shape = Shape::of(&[("notice", Slot::Text)]);
const CONTEXT: Shape = Shape::of(&[("context", Slot::Text)]);
const BEFORE: Answers = Answers {
    deny: Some(Shape::of(&[("deny", Slot::Text)])),
    rewrite: Some(Shape::of(&[("args", Slot::Input)])),
    ..Answers::NONE
};
const TALK: Answers = Answers { context: Some(CONTEXT), notice: Some(NOTICE), ..Answers::NONE };
const STOP: Answers = Answers { hold: Some(Shape::of(&[("hold", Slot::Text)])), notice: Some(NOTICE), ..Answers::NONE };

const EDIT_KEYS: &[(&str, &str)] = &[
    ("filePath", "file_path"),
    ("oldString", "old_string"),
    ("newString", "new_string"),
    ("replaceAll", "replace_all"),
];

/// What is known of OpenCode.
pub(super) static DESCRIPTION: Description = Description {
    name: "opencode",
    events: &[
        // There is no answer to it: the rules are put in front of the agent with its first prompt.
        Hook::of("session.created", Moment::SessionStart, &Answers::NONE),
        Hook::of("chat.message", Moment::Prompt, &TALK),
        Hook::of("tool.execute.before", Moment::BeforeTool, &BEFORE),
        Hook::of("tool.execute.after", Moment::AfterTool, &TALK),
        Hook::of("session.idle", Moment::Stop, &STOP),
        Hook::of("session.compacted", Moment::Compact, &Answers::NONE),
        Hook::of("init", Moment::Other, &Answers::NONE),
        Hook::of("session.status", Moment::Other, &Answers::NONE),
        Hook::of("file.edited", Moment::Other, &Answers::NONE),
    ],
    fields: Fields {
        event: &["input.event.type"],
        session: &["input.sessionID", "input.event.properties.sessionID", "input.event.properties.info.id"],
        parent: &["input.event.properties.info.parentID"],
        agent: &[],
        cwd: &["directory", "input.event.properties.info.directory"],
        transcript: &[],
        prompt: &["output.parts.*.text"],
        reply: &["reply"],
        tool: &["input.tool"],
        input: &["output.args", "input.args"],
        output: &["output"],
        call: &["input.callID"],
        held: &[],
    },
    tools: &[
        Tool { native: "bash", name: "Bash", keys: &[("workdir", "cwd")] },
        Tool { native: "write", name: "Write", keys: EDIT_KEYS },
        Tool { native: "edit", name: "Edit", keys: EDIT_KEYS },
        Tool { native: "read", name: "Read", keys: EDIT_KEYS },
        Tool { native: "apply_patch", name: "apply_patch", keys: &[("patchText", "patch")] },
        Tool { native: "patch", name: "apply_patch", keys: &[("patchText", "patch")] },
    ],
    exits: &[Exit::Number("output.metadata.exit")],
    machine_text: &["<system-reminder>"],
    preambles: &[],
    quotes_prompts: true,
    replies_grow: false,
    transcript: None,
    project: &[],
    context_chars: 8_000,
    // It has no stop that could be held: the plugin prompts anew.
    holds: 3,
};
