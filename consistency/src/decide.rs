//! Decisions over the shared truth: what an order comes to, and which rows change.
//!
//! Pure and total: a decision reads a [`View`] and returns changes; whoever keeps the rows applies them, all or none.
//! Everything that could differ from run to run (time, identities, claims) arrives in the order.

use crate::cell::{Agent, Content, Key, Lane, Level, Millis, SessionId, Tool, Value, Version};
use crate::effect;
use crate::guard::Guard;
use crate::lease;
use crate::ledger::{Change, Effect, EffectId, Open, Registered, Stage, Stored, View, Written};
use crate::operation::{Misfit, Operation, apply_all};
use crate::retract;
use crate::session::{Mode, Session, Stale};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What somebody asks of the shared truth.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// A session commits.
    Commit(Box<Proposal>),
    /// A commit that is not final is taken back, with all that rests on it.
    Retract {
        /// The commit.
        version: Version,
        /// Who takes it back.
        agent: Agent,
    },
    /// A held commit is approved.
    Approve {
        /// The commit.
        version: Version,
    },
    /// A tool is this from now on, or is gone.
    Register {
        /// The tool.
        tool: Tool,
        /// What it is; nothing where it is gone.
        registered: Option<Registered>,
    },
    /// A session asks for a lease on a cell, or renews it.
    Lease {
        /// The session.
        session: SessionId,
        /// When its work first began.
        started: Millis,
        /// The cell.
        key: Key,
        /// The moment of asking.
        now: Millis,
        /// When the lease ends unless renewed.
        until: Millis,
    },
    /// A session gives its lease on a cell back.
    Release {
        /// The session.
        session: SessionId,
        /// The cell.
        key: Key,
    },
    /// A dispatcher takes the next effect of a lane that may be sent.
    Claim {
        /// The lane.
        lane: Lane,
        /// The moment of asking.
        now: Millis,
        /// When the dispatcher is taken for lost.
        until: Millis,
    },
    /// A dispatcher, or a person, tells what became of an effect.
    Settle {
        /// The effect.
        id: EffectId,
        /// The dispatcher's claim; nothing where a person settles what is in doubt.
        token: Option<u64>,
        /// What became of it.
        end: EffectEnd,
    },
    /// The store was not closed in order: a new epoch begins, and effects whose dispatchers are gone are taken up again.
    Recover,
    /// Versions that no snapshot from `horizon` on can see may be forgotten.
    Collect {
        /// The oldest snapshot that is still needed.
        horizon: Version,
    },
}

/// What a session wants to commit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Proposal {
    /// What it relies on.
    pub session: Session,
    /// What it writes.
    pub work: Work,
    /// The moment of the commit, for leases.
    pub now: Millis,
}

/// What a session writes and causes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Work {
    /// The operations on each cell, in their order.
    pub writes: BTreeMap<Key, Vec<Operation>>,
    /// The effects, in the order of issue.
    pub effects: Vec<Issue>,
    /// A second commit under the same key returns the first one's outcome.
    pub idempotency: Option<String>,
    /// The commit waits for an approval before it is final.
    pub hold: bool,
}

/// An effect as a session issues it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Issue {
    /// Where it goes.
    pub lane: Lane,
    /// The tool to call.
    pub tool: Tool,
    /// What the tool is told.
    pub payload: Value,
}

/// What became of an effect that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectEnd {
    /// It happened.
    Done,
    /// It did not happen and may be tried again, not before this moment.
    Retry {
        /// The earliest moment for the next try.
        after: Millis,
    },
    /// It did not happen and will not.
    Failed,
    /// Nobody can tell.
    Unknown,
}

/// What an order comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The commit is made.
    Committed {
        /// Its version.
        version: Version,
        /// Tells whether it can no longer be retracted.
        is_final: bool,
    },
    /// Something that the session relied on no longer holds; nothing was written. The session lists the rest.
    Conflict(Stale),
    /// An older session has a lease on a cell; worth trying again after this moment, or when it is given back.
    Busy {
        /// The cell.
        key: Key,
        /// The session that has it.
        holder: SessionId,
        /// When the lease ends at the latest.
        until: Millis,
    },
    /// The order makes no sense; trying again will not help.
    Refused(Refusal),
    /// The lease is the session's.
    Granted {
        /// The fencing token.
        token: u64,
    },
    /// The next effect of the lane is the dispatcher's to send.
    Claimed {
        /// The effect.
        effect: Box<Effect>,
        /// The claim, to settle it with.
        token: u64,
        /// Whether the tool has to be asked first, because an earlier call may have arrived.
        ask: bool,
    },
    /// No effect of the lane may be sent now.
    Idle {
        /// The effect that others wait for, if any, and why it does not go.
        blocked: Option<(EffectId, Wait)>,
    },
    /// The commits that were taken back, oldest first, by the commit of this version.
    Retracted {
        /// The version of the compensation.
        version: Version,
        /// What was taken back.
        commits: Vec<Version>,
    },
    /// The commits that became final, oldest first.
    Approved(Vec<Version>),
    /// Done; the store's clock stands here.
    Done(Version),
}

/// Why an effect does not leave yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Its commit is not final.
    NotFinal,
    /// A dispatcher is sending it.
    Sending,
    /// It failed and is to be tried again later.
    Later,
    /// Nobody knows whether it happened.
    InDoubt,
}

/// Why an order makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The session has committed or ended, or never was.
    #[error("the session {0} has committed or ended: begin another one")]
    Finished(SessionId),
    /// The idempotency key stands for another commit.
    #[error("the idempotency key `{0}` was used for a commit of another content: use a new one")]
    KeyReused(String),
    /// A session that only reads wants to write.
    #[error("the session only reads: begin one that writes")]
    ReadOnly,
    /// A session claims to have seen what is still to come.
    #[error("the session claims to have seen version {0}, which does not exist")]
    Forged(Version),
    /// An operation does not fit what its cell holds.
    #[error("`{key}`: {misfit}")]
    Misfit {
        /// The cell.
        key: Key,
        /// Why it does not fit.
        misfit: Misfit,
    },
    /// At L4, an effect's tool has to be pinned, and known.
    #[error("the tool `{0}` is not pinned: at level L4, pin a registered tool before relying on it")]
    NotPinned(Tool),
    /// The commit is final, or never was.
    #[error("the commit {0} is not open: it is final, was retracted, or never was")]
    NotOpen(Version),
    /// The effect is not there, or the claim on it is not the current one.
    #[error("the effect {}/{} is not yours to settle: it is settled, or another dispatcher has it", .0.commit, .0.index)]
    NotClaimed(EffectId),
    /// All versions or epochs are used up.
    #[error("the store has used up its versions")]
    Exhausted,
}

/// What an order comes to, and what changes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The answer.
    pub reply: Reply,
    /// The rows that change, to be applied in this order, all or none.
    pub changes: Vec<Change>,
}

impl Decision {
    pub(crate) fn only(reply: Reply) -> Decision {
        Decision { reply, changes: Vec::new() }
    }

    pub(crate) fn refused(refusal: Refusal) -> Decision {
        Decision::only(Reply::Refused(refusal))
    }
}

/// Decides an order.
///
/// # Errors
/// Only what the view can't answer.
pub fn decide<V: View>(view: &V, order: &Order) -> Result<Decision, V::Error> {
    match order {
        Order::Commit(proposal) => commit(view, proposal),
        Order::Retract { version, agent } => retract::retract(view, *version, agent),
        Order::Approve { version } => retract::approve(view, *version),
        Order::Register { tool, registered } => register(view, tool, registered.as_ref()),
        Order::Lease { session, started, key, now, until } => lease::ask(view, *session, *started, key, *now, *until),
        Order::Release { session, key } => lease::release(view, *session, key),
        Order::Claim { lane, now, until } => effect::claim(view, lane, *now, *until),
        Order::Settle { id, token, end } => effect::settle(view, *id, *token, *end),
        Order::Recover => recover(view),
        Order::Collect { horizon } => collect(view, *horizon),
    }
}

/// Validates what a session relies on, in the order of what is cheapest to repair, and writes.
fn commit<V: View>(view: &V, proposal: &Proposal) -> Result<Decision, V::Error> {
    let Proposal { session, work, now } = proposal;
    let guards = view.guards();
    if let Some(key) = work.idempotency.as_deref().filter(|_| guards.on(Guard::Idempotency))
        && let Some(stored) = view.stored(key)?
    {
        if stored.digest != work.digest() {
            return Ok(Decision::refused(Refusal::KeyReused(key.to_owned())));
        }
        let is_final = view.open(stored.version)?.is_none();
        return Ok(Decision::only(Reply::Committed { version: stored.version, is_final }));
    }
    if guards.on(Guard::Once) && view.is_finished(session.begin.id)? {
        return Ok(Decision::refused(Refusal::Finished(session.begin.id)));
    }
    if let Some(refusal) = unfit(view, session, work)? {
        return Ok(Decision::refused(refusal));
    }
    let merges = |stale: &Stale| match stale {
        Stale::Cell { key, through: None, .. } => work.merges(key),
        _ => false,
    };
    if let Some(stale) = session.stale(view)?.into_iter().find(|stale| !merges(stale)) {
        return Ok(Decision::only(Reply::Conflict(stale)));
    }
    let mut changes = Vec::new();
    for key in work.writes.keys() {
        if let Some(busy) = lease::in_the_way(view, session, key, *now, &mut changes)? {
            return Ok(Decision::only(busy));
        }
    }
    write(view, session, work, changes)
}

/// What makes a commit senseless, whatever the others did.
fn unfit<V: View>(view: &V, session: &Session, work: &Work) -> Result<Option<Refusal>, V::Error> {
    let guards = view.guards();
    let writes = !work.writes.is_empty();
    let acts = writes || !work.effects.is_empty();
    let refused = match session.begin.mode {
        Mode::ReadWrite => false,
        Mode::Fresh => writes,
        Mode::Snapshot => acts,
    };
    if refused && guards.on(Guard::ReadOnly) {
        return Ok(Some(Refusal::ReadOnly));
    }
    if let Some(version) = session.forged(view)? {
        return Ok(Some(Refusal::Forged(version)));
    }
    if session.begin.level >= Level::L4 {
        let unpinned = work.effects.iter().find(|issue| !session.pins.contains_key(&issue.tool));
        return Ok(unpinned.map(|issue| Refusal::NotPinned(issue.tool.clone())));
    }
    Ok(None)
}

/// Computes what the cells hold after the commit, and what it rests on.
fn write<V: View>(view: &V, session: &Session, work: &Work, mut changes: Vec<Change>) -> Result<Decision, V::Error> {
    let clock = view.clock()?;
    let Some(version) = clock.next() else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let traced = session.begin.level >= Level::L2;
    let rests_on: BTreeSet<Version> =
        if traced { session.predecessors().into_keys().collect() } else { BTreeSet::new() };
    for (key, operations) in &work.writes {
        let newest = view.newest(key)?;
        let replaces = operations.first().is_some_and(Operation::replaces);
        let before = newest.as_ref().map_or(&Content::Absent, |written| &written.content);
        let content = match apply_all(operations, before) {
            Ok(content) => content,
            Err(misfit) => return Ok(misfits(session, key, newest, misfit)),
        };
        let derived = if replaces { Vec::new() } else { operations.clone() };
        let written = Written { version, content, author: session.begin.agent.clone(), derived };
        changes.push(Change::Cell { key: key.clone(), written });
    }
    let mut open = BTreeSet::new();
    for earlier in rests_on {
        if view.open(earlier)?.is_some() {
            open.insert(earlier);
        }
    }
    if !view.guards().on(Guard::Dependence) {
        open.clear();
    }
    let is_final = open.is_empty() && (!work.hold || !view.guards().on(Guard::Hold));
    // Also where nothing was written: whoever waits for the lease would wait until it ends.
    for (key, token) in &session.tokens {
        if view.lease(key)?.is_some_and(|lease| lease.token == *token) {
            changes.push(Change::Lease { key: key.clone(), lease: None });
        }
    }
    let empty = work.writes.is_empty() && work.effects.is_empty();
    if empty && is_final {
        // Nothing happened that others could see: the session serialises at the present, or at its
        // snapshot, without a version of its own.
        let version = if session.begin.mode == Mode::Snapshot { session.snapshot } else { clock };
        changes.push(Change::Finished { session: session.begin.id });
        return Ok(Decision { reply: Reply::Committed { version, is_final }, changes });
    }
    changes.push(Change::Clock { version });
    changes.push(Change::Finished { session: session.begin.id });
    if !is_final {
        let keys = work.writes.keys().cloned().collect();
        let agent = session.begin.agent.clone();
        changes.push(Change::Open { open: Open { version, agent, held: work.hold, rests_on: open, keys } });
    }
    if let Some(key) = &work.idempotency {
        let stored = Stored { digest: work.digest(), version };
        changes.push(Change::Stored { key: key.clone(), stored });
    }
    for (index, issue) in (0..).zip(&work.effects) {
        let Issue { lane, tool, payload } = issue.clone();
        let pinned = session.pins.get(&tool).map(|pin| pin.fingerprint.clone());
        let (id, level) = (EffectId { commit: version, index }, session.begin.level);
        let stage = Stage::Waiting { after: 0, failures: 0 };
        changes.push(Change::Effect { effect: Effect { id, lane, tool, payload, level, pinned, stage } });
    }
    Ok(Decision { reply: Reply::Committed { version, is_final }, changes })
}

/// An operation does not fit. Where both sides changed the same place, that is a conflict like any other.
fn misfits(session: &Session, key: &Key, newest: Option<Written>, misfit: Misfit) -> Decision {
    match (misfit, newest) {
        (Misfit::Overlap(_), Some(Written { version, content, author, .. })) => {
            let read = session.reads.get(key);
            let step = read.and_then(|read| read.steps.first().copied()).unwrap_or_default();
            let read = read.map_or(Version::ZERO, |read| read.version);
            let (key, value, through) = (key.clone(), content, None);
            Decision::only(Reply::Conflict(Stale::Cell {
                key,
                read,
                now: version,
                writer: author,
                value,
                through,
                step,
            }))
        }
        (misfit, _) => Decision::refused(Refusal::Misfit { key: key.clone(), misfit }),
    }
}

/// A change of the registry takes a version of its own, so that histories can order it.
fn register<V: View>(view: &V, tool: &Tool, registered: Option<&Registered>) -> Result<Decision, V::Error> {
    let clock = view.clock()?;
    if view.tool(tool)?.as_ref() == registered {
        return Ok(Decision::only(Reply::Done(clock)));
    }
    let Some(version) = clock.next() else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let tool = Change::Tool { tool: tool.clone(), registered: registered.cloned() };
    Ok(Decision { reply: Reply::Done(version), changes: vec![Change::Clock { version }, tool] })
}

/// Begins an epoch, beyond every version that anybody may have seen, and takes up what lost dispatchers left.
fn recover<V: View>(view: &V) -> Result<Decision, V::Error> {
    let clock = view.clock()?;
    let next = if view.guards().on(Guard::Epoch) { clock.next_epoch() } else { Some(clock) };
    let Some(version) = next else { return Ok(Decision::refused(Refusal::Exhausted)) };
    let mut changes = vec![Change::Clock { version }];
    for effect in view.claimed()? {
        changes.push(Change::Effect { effect: effect::lost(view, effect)? });
    }
    Ok(Decision { reply: Reply::Done(version), changes })
}

/// Moves the horizon as far as asked, but not beyond what an open commit may have to restore.
fn collect<V: View>(view: &V, horizon: Version) -> Result<Decision, V::Error> {
    let needed = view.oldest_open()?.and_then(Version::previous).filter(|_| view.guards().on(Guard::Horizon));
    let (clock, old) = (view.clock()?, view.horizon()?);
    let version = horizon.min(needed.unwrap_or(horizon)).min(clock);
    if version <= old {
        return Ok(Decision::only(Reply::Done(old)));
    }
    Ok(Decision { reply: Reply::Done(version), changes: vec![Change::Horizon { version }] })
}

impl Work {
    /// What is committed, in short, to tell a repetition from a reuse of the same idempotency key.
    pub fn digest(&self) -> u64 {
        // Serialising texts, numbers and lists into memory can't fail.
        let bytes = serde_json::to_vec(&(&self.writes, &self.effects, self.hold)).unwrap_or_default();
        let mut digest = [0; 8];
        blake3::Hasher::new().update(&bytes).finalize_xof().fill(&mut digest);
        u64::from_le_bytes(digest)
    }

    /// Tells whether all that is done to a cell combines with what others did meanwhile.
    fn merges(&self, key: &Key) -> bool {
        let combines = |operation: &Operation| matches!(operation, Operation::Merge { .. });
        self.writes.get(key).is_some_and(|operations| operations.iter().all(combines))
    }
}
