//! The oracle: what has happened, written down naively, and what follows from it.
//!
//! It learns of the inputs and of the outputs only, and calls no decision of the core: contents are computed by running the
//! log of commits from its beginning. Its state decides nothing about what happens next.

use super::action::{Number, SAME};
use consistency::ledger::EffectId;
use consistency::session::Mode;
use consistency::{Content, Level, Version};
use std::collections::BTreeMap;

/// A set of places in the log.
pub type Places = u32;

/// All that the oracle knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Oracle {
    /// How many sessions have begun.
    pub begun: Number,
    /// The sessions at work, written down ones included.
    pub lives: BTreeMap<Number, Life>,
    /// What survives a crash.
    pub truth: Truth,
    /// The greatest version ever handed out, whether or not it survived.
    pub handed: Version,
    /// The dispatchers at work.
    pub dispatchers: BTreeMap<u8, Dispatcher>,
    /// The logical time.
    pub now: u8,
    /// When the last session that ended without a commit had begun, for the retry.
    pub retry: Option<Number>,
    /// How often each bounded thing has happened.
    pub spent: Spent,
}

/// What the log says; rolled back by a crash to what was saved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Truth {
    /// The commits that took a version, in their order.
    pub log: Vec<Entry>,
    /// How many commits and retractions there were.
    pub moment: u8,
    /// The effects, in the order of issue.
    pub effects: Vec<Sent>,
    /// What the tool is; nothing where it is gone.
    pub tool: Option<u8>,
    /// Who has the lease on each cell.
    pub leases: BTreeMap<u8, Leased>,
    /// The greatest fencing token handed out.
    pub token: u64,
}

/// How often bounded things have happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Spent {
    /// Retractions that were asked for.
    pub retractions: u8,
    /// Changes of the registry.
    pub registrations: u8,
    /// Claims of effects.
    pub claims: u8,
    /// Crashes.
    pub crashes: u8,
    /// Collections.
    pub collections: u8,
    /// Sessions that were written down or forged.
    pub parked: u8,
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The version that it got.
    pub version: Version,
    /// Whose it is.
    pub session: Number,
    /// At which level.
    pub level: Level,
    /// What it did to cells.
    pub writes: Vec<(u8, Wrote)>,
    /// The commits that it depends on, however far.
    pub from: Places,
    /// When it happened.
    pub at: u8,
    /// When it was retracted.
    pub retracted: Option<u8>,
    /// Whether it is final.
    pub is_final: bool,
    /// Whether it waits for an approval.
    pub held: bool,
    /// Whether it has the idempotency key.
    pub keyed: bool,
}

/// What was done to a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrote {
    /// It holds this.
    Put(u8),
    /// It is deleted.
    Delete,
    /// This is at its end.
    Append(u8),
    /// This is in it.
    Add(u8),
}

/// What a cell holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Held {
    /// It was never written.
    Absent,
    /// It was removed.
    Deleted,
    /// A number.
    Number(u8),
    /// A list.
    List(Vec<u8>),
    /// Something that no model writes.
    Strange,
}

impl Held {
    /// What an answer of the core says.
    pub fn of(content: &Content) -> Held {
        let number = |json: &serde_json::Value| json.as_u64().and_then(|number| u8::try_from(number).ok());
        match content {
            Content::Absent => Held::Absent,
            Content::Deleted => Held::Deleted,
            Content::Present(value) => match (number(value.json()), value.json().as_array()) {
                (Some(number), _) => Held::Number(number),
                (_, Some(items)) => items.iter().map(number).collect::<Option<_>>().map_or(Held::Strange, Held::List),
                _ => Held::Strange,
            },
        }
    }

    fn after(self, wrote: Wrote) -> Held {
        let items = |held| if let Held::List(items) = held { items } else { Vec::new() };
        match wrote {
            Wrote::Put(value) => Held::Number(value),
            Wrote::Delete => Held::Deleted,
            Wrote::Append(item) => Held::List([items(self), vec![item]].concat()),
            Wrote::Add(item) => {
                let mut items = items(self);
                if !items.contains(&item) {
                    items.push(item);
                }
                Held::List(items)
            }
        }
    }

    /// What a search shows of it.
    #[must_use]
    pub fn shown(self) -> Held {
        if self == Held::Deleted { Held::Absent } else { self }
    }
}

/// A session at work.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Life {
    /// Its level.
    pub level: Level,
    /// Its mode.
    pub mode: Mode,
    /// When its work first began, counted in sessions.
    pub started: Number,
    /// The moment at which it began.
    pub since: u8,
    /// What it saw and still relies on.
    pub seen: Vec<Seen>,
    /// Whether it accepted a change; what it saw is no view of one moment then.
    pub acknowledged: bool,
    /// What the tool was when it relied on it.
    pub pin: Option<u8>,
    /// The leases that it was granted.
    pub tokens: BTreeMap<u8, u64>,
    /// How many steps it has begun after the first.
    pub steps: u8,
    /// Whether it is written down and nobody runs it.
    pub parked: Option<Box<consistency::session::Session>>,
}

/// Something that a session saw.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    /// The step in which it did.
    pub step: u8,
    /// The cell; nothing for a search of all cells.
    pub cell: Option<u8>,
    /// What was there, cell by cell where it was a search.
    pub found: Vec<Held>,
    /// The commits that contributed to it.
    pub from: Places,
}

/// An effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sent {
    /// Which one the core calls it.
    pub id: EffectId,
    /// The place of its commit in the log.
    pub place: u8,
    /// Its lane.
    pub lane: u8,
    /// What the tool was when the session relied on it.
    pub pin: Option<u8>,
    /// Whether a dispatcher ever took it.
    pub left: bool,
    /// How often it acted on the world.
    pub acts: u8,
    /// Whether some dispatcher took it and never told.
    pub doubtful: bool,
}

/// Somebody who sends an effect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dispatcher {
    /// The place of the effect.
    pub effect: u8,
    /// The claim.
    pub token: u64,
    /// When it is taken for lost.
    pub until: u8,
    /// Whether it has to ask first.
    pub ask: bool,
    /// What its call came to, once it called.
    pub called: Option<bool>,
}

/// A lease as the one who got it knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Leased {
    /// Who.
    pub holder: Number,
    /// When its work first began.
    pub started: Number,
    /// The token.
    pub token: u64,
    /// When it ends.
    pub until: u8,
}

impl Truth {
    /// What a cell holds at a moment: the commits before it, but for those that were retracted before it.
    pub fn content(&self, cell: u8, moment: u8) -> Held {
        self.standing(moment)
            .flat_map(|(_, entry)| &entry.writes)
            .filter(|(written, _)| *written == cell)
            .fold(Held::Absent, |held, (_, wrote)| held.after(*wrote))
    }

    /// What a look finds at a moment.
    pub fn look(&self, cell: Option<u8>, keys: u8, moment: u8) -> Vec<Held> {
        match cell {
            Some(cell) => vec![self.content(cell, moment)],
            None => (0..keys).map(|cell| self.content(cell, moment).shown()).collect(),
        }
    }

    /// The commits that contribute to what a look finds now: the last one that replaced the content, and all since.
    pub fn contributors(&self, cell: Option<u8>, keys: u8) -> Places {
        let cells = cell.map_or(0..keys, |cell| cell..cell + 1);
        let mut all = 0;
        for cell in cells {
            let mut found = 0;
            for (place, entry) in self.standing(self.moment) {
                for (_, wrote) in entry.writes.iter().filter(|(written, _)| *written == cell) {
                    let replaced = matches!(wrote, Wrote::Put(_) | Wrote::Delete);
                    found = if replaced { bit(place) } else { found | bit(place) };
                }
            }
            all |= found;
        }
        all
    }

    /// What depends directly on some commits depends on these, however far. A commit below L2 answers for itself: it asked
    /// for no protection from what it rests on, and passes none on.
    pub fn closure(&self, direct: Places) -> Places {
        self.entries(direct).fold(direct, |all, entry| all | entry.from)
    }

    /// The entries of some places.
    pub fn entries(&self, places: Places) -> impl Iterator<Item = &Entry> {
        self.log.iter().enumerate().filter(move |(place, _)| places & bit(*place) != 0).map(|(_, entry)| entry)
    }

    /// The entry of a version.
    pub fn entry_mut(&mut self, version: Version) -> Option<&mut Entry> {
        self.log.iter_mut().find(|entry| entry.version == version)
    }

    /// How many items of deltas a cell's list has to hold now.
    pub fn items(&self, cell: u8) -> usize {
        let mut shared = false;
        let mut count = 0;
        for (_, entry) in self.standing(self.moment) {
            for (_, wrote) in entry.writes.iter().filter(|(written, _)| *written == cell) {
                match wrote {
                    Wrote::Put(_) | Wrote::Delete => (count, shared) = (0, false),
                    Wrote::Add(SAME) => shared = true,
                    Wrote::Append(_) | Wrote::Add(_) => count += 1,
                }
            }
        }
        count + usize::from(shared)
    }

    fn standing(&self, moment: u8) -> impl Iterator<Item = (usize, &Entry)> {
        let stands = move |entry: &Entry| entry.at < moment && entry.retracted.is_none_or(|gone| gone >= moment);
        self.log.iter().enumerate().filter(move |(_, entry)| stands(entry))
    }
}

/// The set of one place.
pub fn bit(place: usize) -> Places {
    u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0)
}
