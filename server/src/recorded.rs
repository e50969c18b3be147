//! Recorded sessions of agents as the events that hooks would have seen.
//!
//! INVARIANTS: a recording is read as a stream, and of a session only the calls that are unanswered are kept; tools and
//! arguments are renamed, and prompts that no person wrote left out, by the description of the host that hooks use too. A
//! turn's end is told as soon as the user speaks again, with the agent's last words.

use crate::host::description::OUR_MARK;
use crate::host::{self, Description, payload};
use compiler::facts::Workspace;
use memory::import::transcript::{Program, Seen};
use memory::record::Trust;
use rules::{Event, EventKind};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// The most calls of a session whose answers are awaited.
const MAX_OPEN_CALLS: usize = 256;

/// A file that holds recorded sessions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Recording {
    /// The file.
    pub path: PathBuf,
    /// The program that wrote it.
    pub program: Program,
}

/// Something that a recording tells.
#[derive(Debug)]
pub enum Told {
    /// An event of a session.
    Happened(Box<Happened>),
    /// Something was passed over, and why.
    Passed(Cow<'static, str>),
    /// A line could not be read, and why.
    Unread(usize, String),
}

/// An event of a recorded session.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What happened.
    pub event: Event,
    /// The session's name.
    pub session: String,
    /// The turn, from 1: the user's message begins it.
    pub turn: u64,
    /// The line of the recording.
    pub line: usize,
    /// When, where that is told (RFC 3339).
    pub at: Option<String>,
    /// The program's name for the message, for a prompt: the same one in a copy of the session.
    pub id: Option<String>,
}

impl Recording {
    /// Reads the recording; breaks off where nothing more is wanted.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn read(&self, tell: &mut dyn FnMut(Told) -> ControlFlow<()>) -> io::Result<()> {
        let input = BufReader::with_capacity(1 << 16, File::open(&self.path)?);
        let mut player = Player::new(self, tell);
        let whole = self.program.read(input, &mut |line, seen| player.seen(line, seen));
        if whole.is_continue() {
            // The recording ends here, and nobody knows whether its last turn was over.
            let _ = player.stop(0);
        }
        Ok(())
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        self.path.metadata().map(|about| about.len()).unwrap_or_default()
    }
}

/// Plays a recording.
struct Player<'t> {
    host: Option<&'static Description>,
    program: Program,
    session: String,
    turn: u64,
    cwd: Option<String>,
    branch: Option<String>,
    /// The agent's last words in this turn.
    reply: Option<String>,
    acted: bool,
    open: BTreeMap<String, (String, Value)>,
    tell: &'t mut dyn FnMut(Told) -> ControlFlow<()>,
}

impl<'t> Player<'t> {
    fn new(recording: &Recording, tell: &'t mut dyn FnMut(Told) -> ControlFlow<()>) -> Self {
        let name = recording.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // A session of Copilot has a folder, in which the file's name is always the same.
        let folder = || Some(recording.path.parent()?.file_name()?.to_string_lossy().into_owned());
        let session = if name == "events" { folder().unwrap_or(name) } else { name };
        Self {
            host: host::named(recording.program.name()),
            program: recording.program,
            session,
            turn: 0,
            cwd: None,
            branch: None,
            reply: None,
            acted: false,
            open: BTreeMap::new(),
            tell,
        }
    }

    fn seen(&mut self, line: usize, seen: Seen) -> ControlFlow<()> {
        match seen {
            Seen::At { session, cwd, branch } => {
                if let Some(session) = session.filter(|session| *session != self.session) {
                    self.stop(line)?;
                    (self.session, self.turn, self.reply, self.acted) = (session, 0, None, false);
                    self.open.clear();
                }
                self.cwd = cwd.or(self.cwd.take());
                self.branch = branch.or(self.branch.take());
                ControlFlow::Continue(())
            }
            Seen::Said { trust: Trust::User, text, at, id } => {
                let own = match self.host {
                    Some(host) => payload::own_words(host, text),
                    None => Some(text).filter(|text| !text.trim_start().starts_with(OUR_MARK)),
                };
                let Some(text) = own else {
                    return (self.tell)(Told::Passed("written by the program in the user's name".into()));
                };
                self.stop(line)?;
                self.turn += 1;
                let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at.try_into().ok()?).ok());
                let at = at.map(|at| at.to_string());
                self.happened(line, EventKind::UserPromptSubmit { text }, at, id)
            }
            Seen::Said { text, .. } => {
                self.reply = Some(text);
                ControlFlow::Continue(())
            }
            Seen::Called { call, tool, input } => {
                let (tool, input) = match self.host {
                    Some(host) => payload::renamed(host, &tool, input),
                    None => (tool, input),
                };
                if let Some(call) = &call {
                    if self.open.len() >= MAX_OPEN_CALLS {
                        self.open.pop_first();
                    }
                    self.open.insert(call.clone(), (tool.clone(), input.clone()));
                }
                self.acted = true;
                self.happened(line, EventKind::PreToolUse { tool, input, id: call }, None, None)
            }
            Seen::Answered { call, text, ok, exit_code, .. } => {
                let known = call.as_ref().and_then(|call| self.open.remove(call));
                let Some((tool, input)) = known else {
                    return (self.tell)(Told::Passed("an answer to a call that is not there".into()));
                };
                let output = Value::String(text);
                self.happened(line, EventKind::PostToolUse { tool, input, output, ok, exit_code, id: call }, None, None)
            }
            Seen::Passed(why) => (self.tell)(Told::Passed(why)),
            Seen::Unread(why) => (self.tell)(Told::Unread(line, why)),
        }
    }

    /// The turn is over, if the agent did anything in it.
    fn stop(&mut self, line: usize) -> ControlFlow<()> {
        let (reply, acted) = (self.reply.take(), std::mem::take(&mut self.acted));
        if reply.is_none() && !acted {
            return ControlFlow::Continue(());
        }
        self.happened(line, EventKind::Stop { reply, history: Vec::new() }, None, None)
    }

    fn happened(&mut self, line: usize, kind: EventKind, at: Option<String>, id: Option<String>) -> ControlFlow<()> {
        let event = Event {
            kind,
            session: Some(self.session.clone()),
            agent: None,
            host: Some(self.program.name().to_owned()),
            branch: self.branch.clone(),
            cwd: self.cwd.clone(),
        };
        let (session, turn) = (self.session.clone(), self.turn);
        (self.tell)(Told::Happened(Box::new(Happened { event, session, turn, line, at, id })))
    }
}

/// The workspace of a recorded session: its paths are seen from the directory that it began in, and of its files nothing is
/// known any more.
#[derive(Debug, Default)]
pub struct Then {
    root: Option<String>,
}

impl Then {
    /// The directory of the first event that tells one is the root from then on.
    pub fn root_of(&mut self, event: &Event) {
        if self.root.is_none() {
            self.root = event.cwd.clone().filter(|cwd| Path::new(cwd).is_absolute());
        }
    }
}

impl Workspace for Then {
    fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    fn read(&self, _: &str) -> Option<String> {
        None
    }

    fn exists(&self, _: &str) -> Option<bool> {
        None
    }

    fn changed(&self, _: &str) -> Option<bool> {
        None
    }
}
