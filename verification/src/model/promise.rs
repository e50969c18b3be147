//! What is promised, and what has to happen sometimes so that a promise means something.

use super::Situation;
use super::action::{Number, cell, key, session};
use super::oracle::Held;
use super::setup::Setup;
use consistency::decide::{Reply, Work};
use consistency::ledger::{Stage, View};
use consistency::operation::Operation;
use consistency::session::Mode;
use consistency::state::{Act, Input, Output};
use consistency::{Level, Version};
use stateright::Property;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An enumeration whose variants have names in words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $words:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $(#[doc = concat!("“", $words, "”")] $(#[doc = ""] #[$about])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The name in words.
            pub const fn words(self) -> &'static str {
                match self { $($name::$variant => $words),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.words())
            }
        }
    };
}

/// The promises, and the checker's properties made of them.
macro_rules! promises {
    ($($(#[$about:meta])* $variant:ident = $words:literal,)*) => {
        words! {
            /// A property that every reachable state has. The first four exclude the anomalies that the levels are about.
            Promise { $($(#[$about])* $variant = $words,)* }
        }

        /// The promises as the checker takes them.
        pub(super) fn properties() -> Vec<Property<Setup>> {
            vec![$(Property::always($words, |setup, state| Promise::$variant.holds(setup, state))),*]
        }
    };
}

promises! {
    /// A1: what a session at L1 saw holds when it commits, so commits are serializable in their order.
    StaleGeneration = "no stale generation",
    /// A3: nothing at L2 that stands and let an effect out depends on what was retracted.
    CausalCascade = "no causal cascade",
    /// A6: at L3, effects act in the order of commit and issue, lane by lane.
    EffectOrder = "no effect reordered",
    /// A2: at L4, the tool is what it was pinned as, at the commit and when the effect leaves.
    PhantomTool = "no phantom tool",
    /// All that a live session saw held together at one moment since it began.
    TornView = "no torn view",
    /// A session is doomed exactly when a commit would find a conflict.
    Doomed = "doomed exactly when a commit would fail",
    /// A refusal names something that did change, and tells what is there now.
    Founded = "refused only for what changed",
    /// A cell holds what the log without the retracted commits says: no lost update, no poisoned cell, no lost delta.
    Contents = "cells hold what the log says",
    /// Every version is beyond all that were ever handed out, lost ones included.
    Versions = "versions are never reused",
    /// All commits under the idempotency key are one.
    Idempotency = "an idempotency key commits once",
    /// No session commits twice.
    Once = "a session commits once",
    /// A snapshot session reads what was there when it began.
    Snapshot = "a snapshot never changes",
    /// A session that only reads leaves nothing behind.
    ReadOnly = "who only reads writes nothing",
    /// Nothing that stands at L2 depends on what was retracted.
    Cascade = "nothing rests on the retracted",
    /// A retraction takes along what depends on the retracted, and nothing else.
    Frugal = "a retraction takes no more than it must",
    /// A final commit is not retracted.
    Stable = "final is stable",
    /// A held commit is final only after its approval.
    Held = "the held waits for approval",
    /// What a final commit at L2 depends on is final.
    Closed = "final rests on final",
    /// An effect at L2 leaves only when its commit is final.
    Released = "effects leave when final",
    /// An effect acts at most once.
    ActsOnce = "an effect acts once",
    /// An effect is sent by one dispatcher at a time.
    OneDispatcher = "one dispatcher an effect",
    /// Dropped effects did not act, done ones did, and doubt has a reason.
    Ends = "what is told of effects is true",
    /// Fencing tokens grow with every grant.
    Tokens = "tokens grow",
    /// No session commits relying on a lease that was lost.
    Fenced = "a lost lease fences",
    /// Nobody waits for a younger session, and no older one loses a lease to a younger.
    WoundWait = "the younger waits",
    /// The oldest session can always finish, whatever the others do; then another is the oldest.
    Progress = "the oldest can finish",
    /// A second recovery changes nothing but the epoch.
    Recovery = "recovery is idempotent",
    /// What a live session may read is kept.
    Kept = "needed history is kept",
}

words! {
    /// Something that happens: an action, or what it came to.
    Event {
        Begin = "begin", BeginSnapshot = "begin snapshot", BeginFresh = "begin fresh", Read = "read", Scan = "scan",
        Pin = "pin", Step = "step", Rewind = "rewind", Acknowledge = "acknowledge", Lease = "lease",
        Commit = "commit", Abort = "abort", Park = "park", Resume = "resume", Forge = "forge",
        Retract = "retract", Approve = "approve", Register = "register", Remove = "remove tool", Claim = "claim",
        Call = "call", CallFails = "call fails", Settle = "settle", Lose = "lose dispatcher", Decide = "person decides",
        Tick = "tick", Save = "save", Crash = "crash", Collect = "collect", CollectCapped = "collect at cap",
        Absent = "read absent", Deleted = "read deleted", Found = "read value", Null = "search finds nothing",
        Hits = "search finds", Unpinned = "tool not there", ReadDoomed = "read doomed", TooOld = "too old",
        Final = "final", Open = "open", Nothing = "commit nothing", Repeated = "repeated",
        ConflictRead = "conflict: read", ConflictAbsent = "conflict: absent", ConflictScan = "conflict: search",
        ConflictTool = "conflict: tool", ConflictLease = "conflict: lease", ConflictRetracted = "conflict: retracted",
        Busy = "busy", Granted = "granted", Renewed = "renewed", Wounded = "wounded",
        Finished = "refused: finished", KeyReused = "refused: key reused", RefusedReadOnly = "refused: read-only",
        Forged = "refused: forged", Misfit = "refused: misfit", NotPinned = "refused: not pinned",
        NotOpen = "refused: not open", NotClaimed = "refused: not claimed",
        Claimed = "claimed", ClaimedAgain = "claimed again", Ask = "claimed, to ask", Idle = "lane empty",
        NotFinal = "waits: not final", Sending = "waits: sending", Later = "waits: later", InDoubt = "waits: in doubt",
        Dropped = "dropped: tool changed", Retracted = "retracted", Cascaded = "cascaded", Approved = "approved",
        ApprovedMore = "approved with others", Lost = "unsaved commit lost", Survived = "session survived",
        Merged = "merged", Acted = "acted", Asked = "asked, had arrived",
    }
}

/// What a run came across, told by the model as it runs: a state need not remember its last transition for that.
#[derive(Debug, Clone, Default)]
pub struct Coverage(Arc<[AtomicU64; 4]>);

impl Coverage {
    fn set(&self, row: usize, index: usize) {
        if let Some(word) = self.0.get(row + index / 64) {
            let bit = 1 << (index % 64);
            // Reading first keeps the threads from fighting over a word that hardly ever changes.
            if word.load(Ordering::Relaxed) & bit == 0 {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    fn has(&self, row: usize, index: usize) -> bool {
        self.0.get(row + index / 64).is_some_and(|word| word.load(Ordering::Relaxed) & (1 << (index % 64)) != 0)
    }

    /// Something happens.
    pub fn happens(&self, event: Event) {
        self.set(0, event as usize);
    }

    /// A promise is put to the test.
    pub fn judges(&self, promise: Promise) {
        self.set(2, promise as usize);
    }

    /// What has happened.
    pub fn happened(&self) -> Vec<Event> {
        Event::ALL.iter().copied().filter(|event| self.has(0, *event as usize)).collect()
    }

    /// Which promises were put to the test.
    pub fn judged(&self) -> Vec<Promise> {
        Promise::ALL.iter().copied().filter(|promise| self.has(2, *promise as usize)).collect()
    }
}

impl Promise {
    /// The anomaly of the design that the promise excludes, and the level from which it does.
    pub fn anomaly(self) -> Option<(&'static str, Level)> {
        match self {
            Promise::StaleGeneration => Some(("A1", Level::L1)),
            Promise::CausalCascade => Some(("A3", Level::L2)),
            Promise::EffectOrder => Some(("A6", Level::L3)),
            Promise::PhantomTool => Some(("A2", Level::L4)),
            _ => None,
        }
    }

    /// Its bit among those that are broken.
    pub fn bit(self) -> u32 {
        1 << (self as u32)
    }

    /// Tells whether it holds in a state: no transition on the way broke it, and the state does not.
    pub fn holds(self, setup: &Setup, state: &Situation) -> bool {
        if state.broken & self.bit() != 0 {
            return false;
        }
        let occasion = |ok: bool| {
            setup.coverage.judges(self);
            ok
        };
        match self {
            Promise::Contents => state.oracle.truth.log.is_empty() || occasion(contents(setup, state)),
            Promise::Doomed => state.core.sessions.is_empty() || occasion(doomed(state)),
            Promise::Ends => state.oracle.truth.effects.is_empty() || occasion(ends(state)),
            Promise::Progress if setup.leases => oldest(state).is_none_or(|number| occasion(progress(state, number))),
            _ => true,
        }
    }
}

fn contents(setup: &Setup, state: &Situation) -> bool {
    let truth = &state.oracle.truth;
    let mut found: BTreeMap<u8, Held> =
        state.core.ledger.cells().map(|(key, written)| (cell(key), Held::of(&written.content))).collect();
    (0..setup.keys).all(|cell| {
        let held = found.remove(&cell).unwrap_or(Held::Absent);
        let whole = if let Held::List(items) = &held { items.len() == truth.items(cell) } else { true };
        whole && held == truth.content(cell, truth.moment)
    })
}

/// Tries the commit on a copy: a doomed session can't, and for one that is not nothing has changed.
fn doomed(state: &Situation) -> bool {
    state.core.sessions.iter().all(|(id, session)| {
        let input = Input::Commit { id: *id, work: Work::default(), now: state.oracle.now.into() };
        let (doomed, output) = (!session.doomed.is_empty(), state.core.clone().step(input));
        let immune = session.begin.mode == Mode::Snapshot || session.begin.level == Level::L0;
        match output {
            Output::Reply(Reply::Conflict(_)) => doomed && !immune,
            Output::Reply(Reply::Committed { .. }) => !doomed,
            _ => true,
        }
    })
}

fn ends(state: &Situation) -> bool {
    let oracle = &state.oracle;
    (0..).zip(&oracle.truth.effects).all(|(place, sent)| {
        let Ok(effect) = state.core.ledger.effect(sent.id);
        match effect.map(|effect| effect.stage) {
            Some(Stage::Dropped(_)) => sent.acts == 0,
            Some(Stage::Done) => sent.acts > 0,
            Some(Stage::InDoubt { .. }) => sent.doubtful || oracle.dispatchers.values().any(|d| d.effect == place),
            _ => true,
        }
    })
}

/// The live session that nobody may hold up.
fn oldest(state: &Situation) -> Option<Number> {
    let live = state.oracle.lives.iter().filter(|(_, life)| life.parked.is_none());
    live.min_by_key(|(number, life)| (life.started, **number)).map(|(number, _)| *number)
}

/// Tries it on a copy: alone, the oldest session repairs what is broken, takes a lease, and commits.
fn progress(state: &Situation, number: Number) -> bool {
    let mut core = state.core.clone();
    let (id, now) = (session(number), state.oracle.now.into());
    core.step(Input::Act(id, Act::Rewind(vec![0])));
    let leased = core.step(Input::Lease { id, key: key(0), now, until: now + 1 });
    let read = core.step(Input::Act(id, Act::Read(key(0))));
    let writes = BTreeMap::from([(key(0), vec![Operation::Put(0.into())])]);
    let done = core.step(Input::Commit { id, work: Work { writes, ..Work::default() }, now });
    matches!(leased, Output::Reply(Reply::Granted { .. }))
        && matches!(read, Output::Read(_, Version { .. }))
        && matches!(done, Output::Reply(Reply::Committed { .. }))
}
