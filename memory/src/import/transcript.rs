//! Recorded sessions of coding agents: what was said, what tools were called with, and what they answered.
//!
//! A recording is read line by line by the [`Program`] that wrote it, each in a file of its own, and handed on as what is
//! [`Seen`] in it: the import of memories takes what was said, and whoever replays sessions takes the calls too.
//!
//! INVARIANTS: total: what is not understood is told with its reason, and the rest is read on. What a program wrote in the
//! user's name is not the user's. Reasoning is passed over: nobody said it.
//!
//! Deliberately absent: words that a user gave with the refusal of a call. They stand in the tool's answer, where anybody
//! can write what looks like them.

mod aider;
mod claude_code;
mod codex;
mod copilot;
mod gemini;
mod specstory;

use super::{Choice, Format, Found, Sink, json, split, values};
use crate::record::{Draft, MAX_TEXT_BYTES, Provenance, Scope, Trust, Turn};
use consistency::Millis;
use serde_json::Value;
use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::ops::ControlFlow;

/// The longest line of a text that is read as one, in bytes.
const MAX_LINE_BYTES: u64 = 16 << 20;

/// A program that records sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// Claude Code: `~/.claude/projects/…/SESSION.jsonl`.
    ClaudeCode,
    /// Codex: `~/.codex/sessions/…/rollout-….jsonl`.
    Codex,
    /// Copilot CLI: `~/.copilot/session-state/…/events.jsonl`.
    Copilot,
    /// Gemini CLI: `~/.gemini/tmp/…/chats/session-….json` or `.jsonl`.
    Gemini,
    /// Aider: `.aider.chat.history.md`.
    Aider,
    /// `SpecStory`'s exports of any agent: `.specstory/history/….md`.
    SpecStory,
}

/// Something that is seen in a recording.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Where the session is; what is not told stays as it was.
    At {
        /// The session's name.
        session: Option<String>,
        /// The working directory.
        cwd: Option<String>,
        /// The branch that is checked out.
        branch: Option<String>,
    },
    /// Something was said, by the user or by the agent.
    Said {
        /// By whom.
        trust: Trust,
        /// The words.
        text: String,
        /// When.
        at: Option<Millis>,
        /// The program's name for the message: the same one in a copy of the session.
        id: Option<String>,
    },
    /// A tool was called.
    Called {
        /// The program's name for the call.
        call: Option<String>,
        /// The tool, as the program names it.
        tool: String,
        /// Its arguments, as the program names them.
        input: Value,
    },
    /// A tool answered.
    Answered {
        /// The program's name for the call.
        call: Option<String>,
        /// What it answered, as far as it is text.
        text: String,
        /// Whether it succeeded, where that is told.
        ok: Option<bool>,
        /// The exit status, where that is told.
        exit_code: Option<i32>,
        /// When.
        at: Option<Millis>,
    },
    /// Something was passed over, and why.
    Passed(Cow<'static, str>),
    /// Something could not be read, and why.
    Unread(String),
}

/// Why something was passed over that no person wrote.
const MACHINE: Seen = Seen::Passed(Cow::Borrowed("written by the program in the user's name"));

/// Takes what is seen, with its line from 1; breaks off where nothing more is wanted.
pub type Watch<'w> = dyn FnMut(usize, Seen) -> ControlFlow<()> + 'w;

impl Program {
    /// All programs.
    pub const ALL: [Program; 6] =
        [Program::ClaudeCode, Program::Codex, Program::Copilot, Program::Gemini, Program::Aider, Program::SpecStory];

    /// The program's name; for programs that have hooks, the name of the host.
    pub fn name(self) -> &'static str {
        match self {
            Program::ClaudeCode => "claude-code",
            Program::Codex => "codex",
            Program::Copilot => "copilot",
            Program::Gemini => "gemini",
            Program::Aider => "aider",
            Program::SpecStory => "specstory",
        }
    }

    /// The program that wrote a file, by its name and how it begins: some kilobytes suffice.
    pub fn detect(name: &str, head: &str) -> Option<Program> {
        Format::detect(name, head)?.program()
    }

    /// Reads a recording; a text is never held whole, and a chat of Gemini that is one JSON object is.
    pub fn read(self, mut input: impl BufRead, watch: &mut Watch<'_>) -> ControlFlow<()> {
        match self {
            Program::ClaudeCode => objects(input, claude_code::line, watch),
            Program::Codex => objects(input, codex::line, watch),
            Program::Copilot => objects(input, copilot::line, watch),
            Program::Gemini => {
                let mut chat = gemini::Chat::default();
                let head = input.fill_buf().unwrap_or_default();
                let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
                if serde_json::from_slice::<Value>(first).is_ok() {
                    return objects(input, |line, seen| chat.line(line, seen), watch);
                }
                let mut seen = Vec::new();
                let read = json::elements(input, &mut |item, value| {
                    chat.line(&value, &mut seen);
                    seen.drain(..).try_for_each(|seen| watch(item, seen))
                });
                match read {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => watch(error.line(), Seen::Unread(error.to_string())),
                }
            }
            Program::Aider => texts(input, &mut aider::History::default(), watch),
            Program::SpecStory => texts(input, &mut specstory::Export::default(), watch),
        }
    }
}

/// Reads lines that are JSON.
fn objects(
    input: impl BufRead,
    mut line: impl FnMut(&Value, &mut Vec<Seen>),
    watch: &mut Watch<'_>,
) -> ControlFlow<()> {
    let mut seen = Vec::new();
    for (number, value) in values(input) {
        match value {
            Ok(value) => line(&value, &mut seen),
            Err(error) => seen.push(Seen::Unread(error.to_string())),
        }
        seen.drain(..).try_for_each(|seen| watch(number, seen))?;
    }
    ControlFlow::Continue(())
}

/// A recording that is a text for people.
trait Text {
    /// Takes a line, without its end.
    fn line(&mut self, line: &str, seen: &mut Vec<Seen>);
    /// Takes note that nothing follows.
    fn end(&mut self, seen: &mut Vec<Seen>);
}

/// Reads a text line by line.
fn texts(mut input: impl BufRead, text: &mut dyn Text, watch: &mut Watch<'_>) -> ControlFlow<()> {
    let (mut seen, mut number) = (Vec::new(), 0);
    loop {
        let mut bytes = Vec::new();
        number += 1;
        match input.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut bytes) {
            Ok(0) => break,
            Ok(_) => text.line(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']), &mut seen),
            Err(error) => {
                watch(number, Seen::Unread(error.to_string()))?;
                break;
            }
        }
        seen.drain(..).try_for_each(|seen| watch(number, seen))?;
    }
    text.end(&mut seen);
    seen.into_iter().try_for_each(|seen| watch(number, seen))
}

/// Reads what was said in a recording as drafts; the file's name stands for a session that has none.
pub(super) fn drafts(
    program: Program,
    input: impl BufRead,
    name: &str,
    choice: Choice,
    sink: &mut Sink<'_>,
) -> ControlFlow<()> {
    const HELP: &str = "the rest is imported; repair this, and import the file again";
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".json")).unwrap_or(name);
    let mut session = Session { program, name: name.to_owned(), place: 0 };
    program.read(input, &mut |line, seen| match seen {
        Seen::At { session: Some(name), .. } => {
            session.name = name;
            ControlFlow::Continue(())
        }
        Seen::Said { trust, text, at, .. } => session.said(trust, &text, at, sink),
        Seen::Answered { text, at, .. } if choice.tools => session.said(Trust::Outside, &text, at, sink),
        Seen::Unread(what) => sink(Found::Problem(format!(":{line}"), what, HELP)),
        _ => ControlFlow::Continue(()),
    })
}

/// What the turns of one session have in common.
struct Session {
    program: Program,
    name: String,
    place: u32,
}

impl Session {
    fn said(&mut self, trust: Trust, text: &str, at: Option<Millis>, sink: &mut Sink<'_>) -> ControlFlow<()> {
        if text.trim().is_empty() {
            return ControlFlow::Continue(());
        }
        let agent = self.program.name();
        let speaker = match trust {
            Trust::User => "user",
            Trust::Agent => agent,
            Trust::Outside => "tool",
        };
        let turn =
            Turn { conversation: self.name.clone(), place: self.place, speaker: Some(speaker.to_owned()), said_at: at };
        self.place += 1;
        let provenance = Provenance { trust, source: Some(format!("import/{agent}")), ..Provenance::default() };
        let scope = Scope { agent: Some(agent.to_owned()), run: Some(self.name.clone()), ..Scope::default() };
        let draft = Draft { provenance, turn: Some(turn), ..Draft::default() }.within(scope);
        let mut parts = split::within(text, MAX_TEXT_BYTES).map(str::to_owned);
        parts.try_for_each(|text| sink(Found::Draft(Box::new(Draft { text, ..draft.clone() }))))
    }
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn is(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or_default()
}

/// A text in a field.
fn field(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

/// That a line of some kind was passed over.
fn passed(kind: &str) -> Seen {
    Seen::Passed(Cow::Owned(format!("of the kind `{}`", kind.chars().take(40).collect::<String>())))
}

/// The texts of a content: a text, or a list of blocks of which those of some types count.
fn words(content: &Value, types: &[&str]) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter(|block| types.contains(&kind(block)) || block.get("type").is_none());
            let texts: Vec<&str> = texts.filter_map(|block| block.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// What was said, unless nothing was, or a program wrote it in the user's name.
fn said(trust: Trust, text: String, at: Option<Millis>, id: Option<String>) -> Option<Seen> {
    if text.trim().is_empty() {
        return None;
    }
    Some(if trust == Trust::User && is_machine(&text) { MACHINE } else { Seen::Said { trust, text, at, id } })
}

/// The exit status behind one of the marks with which programs begin a line of an answer.
fn exit_code(text: &str) -> Option<i32> {
    const MARKS: [&str; 5] =
        ["Exit code ", "Exit code: ", "Exit Code: ", "Process exited with code ", "Command exited with code: "];
    let number = |line: &str| MARKS.iter().find_map(|mark| line.strip_prefix(mark))?.trim_end().parse().ok();
    text.lines().find_map(number)
}

/// Tells whether a program wrote this in the user's name: surroundings, notifications, the output of commands.
fn is_machine(text: &str) -> bool {
    const MARKS: [&str; 16] = [
        "<environment_context",
        "<user_instructions",
        "# AGENTS.md instructions",
        "<task-notification",
        "<system-reminder",
        "<system_reminder",
        "<command-name",
        "<command-message",
        "<local-command-",
        "<turn_aborted",
        "<bash-",
        "<hook_prompt",
        "<session_context",
        "Stop hook feedback:",
        "[Request interrupted",
        "This session is being continued from a previous conversation",
    ];
    MARKS.iter().any(|mark| text.trim_start().starts_with(mark))
}
