//! What is known of a host, as data: how it spells events, fields, tools and answers, and what it can do.
//!
//! A path is dotted, as in `tool_input.command`; `*` stands for every element of a list. Of several paths the first that
//! leads somewhere is taken. Nothing here has a behaviour of its own: `payload` reads by it and `answer` writes by it.

use super::transcript::Transcript;

/// One host.
#[derive(Debug)]
pub struct Description {
    /// Its name, as scopes of rules and the command line spell it.
    pub name: &'static str,
    /// Its events. Others are passed over.
    pub events: &'static [Hook],
    /// Where its payloads keep what.
    pub fields: Fields,
    /// Its tools and their arguments, in the vocabulary of rules. Others pass as they are.
    pub tools: &'static [Tool],
    /// How it tells how a call ended, in order.
    pub exits: &'static [Exit],
    /// Beginnings of prompts that no person wrote.
    pub machine_text: &'static [&'static str],
    /// What the host itself puts in front of what a person wrote: how it opens and how it closes.
    pub preambles: &'static [(&'static str, &'static str)],
    /// Whether a prompt from the command line comes in quotation marks that nobody wrote.
    pub quotes_prompts: bool,
    /// Whether what it calls the agent's last words holds all that was said since the prompt.
    pub replies_grow: bool,
    /// How its transcript is read for the agent's last words, where it does not say them at a stop.
    pub transcript: Option<Transcript>,
    /// Environment variables that name the project's folder.
    pub project: &'static [&'static str],
    /// The longest context that it passes on whole, in characters.
    pub context_chars: usize,
    /// How often one turn's end is held at most; below the cap of the host, where it has one.
    pub holds: u8,
}

/// One event of a host.
#[derive(Debug)]
pub struct Hook {
    /// Its name.
    pub name: &'static str,
    /// What it means.
    pub moment: Moment,
    /// How it is answered.
    pub answers: &'static Answers,
    /// For an event that is a tool call without naming the tool: its name, and the fields that are its arguments.
    pub tool: Option<(&'static str, &'static [&'static str])>,
}

/// The moments at which hosts speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// A session begins, goes on, or has been compacted.
    SessionStart,
    /// Something was said to the agent.
    Prompt,
    /// A tool is about to run.
    BeforeTool,
    /// A tool has run.
    AfterTool,
    /// A tool has failed.
    AfterFailure,
    /// The agent wants to end its turn.
    Stop,
    /// A subagent begins.
    SubagentStart,
    /// A subagent wants to end.
    SubagentStop,
    /// The context is about to be shortened.
    Compact,
    /// Known, and nothing to us.
    Other,
}

/// Where payloads keep what: paths, the first that leads somewhere.
#[derive(Debug)]
pub struct Fields {
    /// The event's name, for hosts that say it.
    pub event: &'static [&'static str],
    /// The session.
    pub session: &'static [&'static str],
    /// The session that began this one, where it is a subagent's.
    pub parent: &'static [&'static str],
    /// The subagent.
    pub agent: &'static [&'static str],
    /// The working directory.
    pub cwd: &'static [&'static str],
    /// The transcript's file.
    pub transcript: &'static [&'static str],
    /// The user's words.
    pub prompt: &'static [&'static str],
    /// The agent's last words.
    pub reply: &'static [&'static str],
    /// The tool.
    pub tool: &'static [&'static str],
    /// The tool's arguments.
    pub input: &'static [&'static str],
    /// What the tool answered.
    pub output: &'static [&'static str],
    /// The host's name for the call.
    pub call: &'static [&'static str],
    /// Whether the agent is being held at its stop already.
    pub held: &'static [&'static str],
}

/// A tool, in the host's words and in those of rules.
#[derive(Debug)]
pub struct Tool {
    /// The host's name.
    pub native: &'static str,
    /// The name that rules use.
    pub name: &'static str,
    /// The host's argument names with those that rules use.
    pub keys: &'static [(&'static str, &'static str)],
}

/// A way to tell how a call ended.
#[derive(Debug)]
pub enum Exit {
    /// A number.
    Number(&'static str),
    /// The number behind the last mark in a text, followed by what ends it: an empty end is a line's.
    Marked {
        /// Where the text is.
        path: &'static str,
        /// What stands before the number.
        mark: &'static str,
        /// What stands behind it.
        end: &'static str,
    },
    /// The number that a text begins with, behind a mark.
    Opening {
        /// Where the text is.
        path: &'static str,
        /// What stands before the number.
        mark: &'static str,
    },
    /// Whether something is there, or true, which says that the call has failed or is still running.
    Unfinished(&'static str),
    /// A text that says something else than this only where the call has failed.
    Says(&'static str, &'static str),
    /// Where a result is there and no mark of an end that was bad, it was good.
    Otherwise(&'static str),
}

/// The answers that an event takes; what is absent cannot be said there.
#[derive(Debug, Default)]
pub struct Answers {
    /// The call is refused.
    pub deny: Option<Shape>,
    /// The call is made with other arguments, and permitted or not as it would be without us.
    pub rewrite: Option<Shape>,
    /// A text for the agent.
    pub context: Option<Shape>,
    /// The turn goes on.
    pub hold: Option<Shape>,
    /// A text for the user.
    pub notice: Option<Shape>,
}

/// An answer's JSON object and the exit status that goes with it.
#[derive(Debug)]
pub struct Shape {
    /// What stands where.
    pub slots: &'static [(&'static str, Slot)],
    /// The exit status.
    pub exit: u8,
}

/// What stands at a place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// These words.
    Word(&'static str),
    /// The name of the event.
    Event,
    /// The text.
    Text,
    /// The call's arguments.
    Input,
}

impl Moment {
    /// Whether its answer may take the time that rule files take to be read and written.
    pub fn may_read(self) -> bool {
        matches!(self, Self::SessionStart | Self::Prompt | Self::SubagentStart)
    }
}

impl Hook {
    /// An event that is what its fields say.
    pub const fn of(name: &'static str, moment: Moment, answers: &'static Answers) -> Self {
        Self { name, moment, answers, tool: None }
    }
}

impl Answers {
    /// Nothing can be said.
    pub const NONE: Self = Self { deny: None, rewrite: None, context: None, hold: None, notice: None };
}

impl Shape {
    /// An answer that goes with exit status 0.
    pub const fn of(slots: &'static [(&'static str, Slot)]) -> Self {
        Self { slots, exit: 0 }
    }
}

/// What a prompt begins with that no person wrote, on every host: what we said ourselves comes back as a prompt on some.
pub const OUR_MARK: &str = "[trace]";
