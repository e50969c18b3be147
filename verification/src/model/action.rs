//! What may happen next in a model, in data and in words.
//!
//! Sessions are numbered in the order in which they begin: agents that begin again are told apart by nothing else, so
//! permuting agents gives no new state. A session writes its own number, so every content tells its writer.

use consistency::session::Mode;
use consistency::{Key, Lane, Level, SessionId, Tool};
use std::fmt;

/// A session's number, from 1, in the order of beginnings.
pub type Number = u8;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An agent begins a session.
    Begin(Level, Mode),
    /// A session reads a cell.
    Read(Number, u8),
    /// A session searches all cells.
    Scan(Number),
    /// A session relies on the tool.
    Pin(Number),
    /// A session begins a step that follows from nothing.
    Step(Number),
    /// A session does a step, and what follows from it, again.
    Rewind(Number, u8),
    /// A session accepts what a cell holds now.
    Acknowledge(Number, u8),
    /// A session asks for a lease on a cell, until the next moment but one.
    Lease(Number, u8),
    /// A session commits; the cell counts where the deed is done to one cell.
    Commit(Number, Deed, u8),
    /// A session ends without a commit.
    Abort(Number),
    /// A session is written down and its process ends.
    Park(Number),
    /// A session that was written down goes on.
    Resume(Number),
    /// A session that was written down goes on and claims to have read a cell at a version that is still to come.
    Forge(Number, u8),
    /// A commit, by its place in the log, is taken back.
    Retract(u8),
    /// A held commit, by its place in the log, is approved.
    Approve(u8),
    /// The tool is another one from now on; or it is gone.
    Register(Option<u8>),
    /// A dispatcher claims the next effect of a lane, until the next moment.
    Claim(u8),
    /// A dispatcher calls the tool; the call works, or it does not.
    Call(u8, bool),
    /// A dispatcher tells what became of its effect.
    Settle(u8, End),
    /// A dispatcher is lost.
    Lose(u8),
    /// A person tells what became of an effect that is in doubt.
    Decide(u8, End),
    /// Time goes on.
    Tick,
    /// All that was committed is on disk, and acknowledged.
    Save,
    /// The process is lost with all that is not on disk, and the store is opened again.
    Crash,
    /// History that no live session needs is forgotten; or all of it, whoever needs it.
    Collect(Need),
}

/// What became of an effect, as far as somebody tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// It happened.
    Done,
    /// It did not, and may be tried again.
    Retry,
    /// It did not, and will not.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// How much history a collection leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// As much as the oldest live snapshot needs.
    Live,
    /// As little as there may be, as when the cap is reached.
    Capped,
}

/// What a session commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deed {
    /// What is done to cells.
    pub change: Change,
    /// To which cells.
    pub target: Target,
    /// How many effects go out, on lane 0, 1, 0, 1, … as far as there are lanes.
    pub effects: u8,
    /// Whether the commit waits for an approval.
    pub held: bool,
    /// Whether it has the idempotency key, of which there is one.
    pub keyed: bool,
}

/// What is done to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Change {
    /// It holds the session's number.
    Put,
    /// It holds [`SAME`], whoever writes.
    Same,
    /// It is deleted.
    Delete,
    /// The session's number is appended.
    Append,
    /// [`SAME`] is added as to a set.
    Add,
    /// The session's number is added to what the session read, and merged with what others did.
    Merge,
}

/// What everybody writes alike.
pub const SAME: u8 = 99;

/// Which cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// None.
    None,
    /// One, whichever.
    One,
    /// All, in one commit.
    All,
}

impl Deed {
    /// A commit that writes nothing.
    pub const NOTHING: Deed = Deed { change: Change::Put, target: Target::None, effects: 0, held: false, keyed: false };
    /// A put into one cell.
    pub const PUT: Deed = Deed { target: Target::One, ..Deed::NOTHING };
    /// A put into all cells.
    pub const PUT_ALL: Deed = Deed { target: Target::All, ..Deed::NOTHING };
    /// A put into one cell that waits for an approval.
    pub const HOLD: Deed = Deed { held: true, ..Deed::PUT };
    /// An effect without a write.
    pub const ISSUE: Deed = Deed { effects: 1, ..Deed::NOTHING };

    /// The same deed with another change.
    #[must_use]
    pub const fn by(self, change: Change) -> Deed {
        Deed { change, ..self }
    }

    /// The same deed with so many effects.
    #[must_use]
    pub const fn with_effects(self, effects: u8) -> Deed {
        Deed { effects, ..self }
    }

    /// The same deed under the idempotency key.
    #[must_use]
    pub const fn under_key(self) -> Deed {
        Deed { keyed: true, ..self }
    }

    /// The cells it is done to, of so many, where the action names one of them.
    pub fn cells(self, named: u8, keys: u8) -> std::ops::Range<u8> {
        match self.target {
            Target::None => 0..0,
            Target::One => named..named + 1,
            Target::All => 0..keys,
        }
    }
}

/// The cell of a number: `a`, `b`, `c`, …
pub(super) fn key(cell: u8) -> Key {
    #[expect(clippy::expect_used, reason = "one letter is a key")]
    Key::new(&letter(cell).to_string()).expect("a letter is a key")
}

/// The number of a cell.
pub(super) fn cell(key: &Key) -> u8 {
    key.as_str().bytes().next().unwrap_or(b'a').saturating_sub(b'a')
}

fn letter(cell: u8) -> char {
    char::from(b'a'.saturating_add(cell))
}

/// The session of a number.
pub(super) fn session(number: Number) -> SessionId {
    SessionId(number.into())
}

/// The lane of a number.
pub(super) fn lane(number: u8) -> Lane {
    number.to_string().into()
}

/// The tool; there is one.
pub(super) fn tool() -> Tool {
    "tool".into()
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |cell: &u8| letter(*cell);
        match self {
            Action::Begin(level, Mode::ReadWrite) => write!(f, "a session begins at {level}"),
            Action::Begin(level, Mode::Snapshot) => write!(f, "a session that reads a snapshot begins at {level}"),
            Action::Begin(level, Mode::Fresh) => write!(f, "a session that reads what is fresh begins at {level}"),
            Action::Read(s, cell) => write!(f, "session {s} reads `{}`", on(cell)),
            Action::Scan(s) => write!(f, "session {s} searches all cells"),
            Action::Pin(s) => write!(f, "session {s} pins the tool"),
            Action::Step(s) => write!(f, "session {s} begins a step"),
            Action::Rewind(s, step) => write!(f, "session {s} does step {step} again"),
            Action::Acknowledge(s, cell) => write!(f, "session {s} acknowledges `{}`", on(cell)),
            Action::Lease(s, cell) => write!(f, "session {s} asks for a lease on `{}`", on(cell)),
            Action::Commit(s, deed, cell) => write!(f, "session {s} commits: {}", Told(*deed, *cell)),
            Action::Abort(s) => write!(f, "session {s} aborts"),
            Action::Park(s) => write!(f, "session {s} is written down"),
            Action::Resume(s) => write!(f, "session {s} is resumed"),
            Action::Forge(s, cell) => write!(f, "session {s} claims to have read `{}` in the future", on(cell)),
            Action::Retract(place) => write!(f, "commit {} of the log is retracted", place + 1),
            Action::Approve(place) => write!(f, "commit {} of the log is approved", place + 1),
            Action::Register(Some(print)) => write!(f, "the tool is registered as number {print}"),
            Action::Register(None) => write!(f, "the tool is removed"),
            Action::Claim(lane) => write!(f, "a dispatcher claims the next effect of lane {lane}"),
            Action::Call(d, true) => write!(f, "dispatcher {d} calls the tool"),
            Action::Call(d, false) => write!(f, "dispatcher {d} calls the tool, which does nothing"),
            Action::Settle(d, end) => write!(f, "dispatcher {d} settles: {end:?}"),
            Action::Lose(d) => write!(f, "dispatcher {d} is lost"),
            Action::Decide(effect, end) => write!(f, "a person settles effect {}: {end:?}", effect + 1),
            Action::Tick => write!(f, "time goes on"),
            Action::Save => write!(f, "all is saved"),
            Action::Crash => write!(f, "the store crashes and recovers"),
            Action::Collect(Need::Live) => write!(f, "history is collected"),
            Action::Collect(Need::Capped) => write!(f, "history is collected at its cap"),
        }
    }
}

/// A deed in words, with the cell that the action names.
struct Told(Deed, u8);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Told(deed, cell) = *self;
        let change = match deed.change {
            Change::Put => "its number",
            Change::Same => "what all write",
            Change::Delete => "a deletion",
            Change::Append => "an append",
            Change::Add => "an addition",
            Change::Merge => "a merge",
        };
        match deed.target {
            Target::None if deed.effects == 0 => write!(f, "nothing")?,
            Target::None => write!(f, "no write")?,
            Target::One => write!(f, "{change} to `{}`", letter(cell))?,
            Target::All => write!(f, "{change} to all cells")?,
        }
        if deed.effects > 0 {
            write!(f, ", effects: {}", deed.effects)?;
        }
        let held = if deed.held { ", held" } else { "" };
        let keyed = if deed.keyed { ", under the idempotency key" } else { "" };
        write!(f, "{held}{keyed}")
    }
}
