//! The whole of shared state as one value: `step` takes an input and gives the output.
//!
//! The in-memory store drives this very function under its lock, the model checker explores it, and replaying a log runs it
//! again. It holds no clock, no randomness and no thread.

use crate::cell::{Content, Fingerprint, Key, Millis, SessionId, Tool, Version};
use crate::decide::{Decision, Order, Proposal, Refusal, Reply, Work, decide};
use crate::guard::{Guard, Guards};
use crate::history::{self, Event};
use crate::ledger::{Change, Ledger, View, Written};
use crate::range::Range;
use crate::session::{Begin, Mode, Seen, Session, Stale, Step};
use std::collections::{BTreeMap, BTreeSet};

/// What happens to shared state.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Input {
    /// A session begins.
    Begin(Begin),
    /// A session that was written down goes on; what changed meanwhile dooms it. One that claims to have seen what is
    /// still to come is refused.
    Resume(Box<Session>),
    /// A session looks at something, or at itself.
    Act(SessionId, Act),
    /// A session asks for a lease on a cell, or renews it.
    Lease {
        /// The session.
        id: SessionId,
        /// The cell.
        key: Key,
        /// The moment of asking.
        now: Millis,
        /// When the lease ends unless renewed.
        until: Millis,
    },
    /// A session commits.
    Commit {
        /// The session; over if the commit is made.
        id: SessionId,
        /// What it writes and causes.
        work: Work,
        /// The moment of the commit.
        now: Millis,
    },
    /// A session ends without a commit.
    Abort(SessionId),
    /// Anything that is no session's own.
    Order(Order),
}

/// What changes nothing but the session itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Act {
    /// Reads a cell.
    Read(Key),
    /// Searches an interval.
    Scan(Range),
    /// Relies on a tool.
    Pin(Tool),
    /// Begins a step that follows from others.
    Step(Vec<Step>),
    /// Accepts what a cell holds now.
    Acknowledge(Key),
    /// Forgets some steps and what follows from them.
    Rewind(Vec<Step>),
}

/// What an input comes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Output {
    /// The session began, or ended without a commit.
    Session(SessionId),
    /// What a read or an acknowledgement found.
    Read(Content, Version),
    /// What a search found.
    Scanned(Vec<(Key, Written)>),
    /// What a tool is; nothing where it is not registered.
    Pinned(Option<Fingerprint>),
    /// The step that began.
    Step(Step),
    /// The steps to do again.
    Rewound(BTreeSet<Step>),
    /// What the session saw no longer holds, all of it.
    Doomed(Vec<Stale>),
    /// The session's snapshot is older than the history that is kept.
    TooOld,
    /// What an order or a commit came to.
    Reply(Reply),
}

/// Shared state: the ledger and the live sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// What is shared.
    pub ledger: Ledger,
    /// Who is at work.
    pub sessions: BTreeMap<SessionId, Session>,
    /// What happened, where that is recorded.
    pub history: Option<Vec<Event>>,
}

impl State {
    /// An empty state that lacks a guard, for models.
    pub fn with(guards: Guards) -> State {
        State { ledger: Ledger::with(guards), ..State::default() }
    }

    /// An empty state that records what happens.
    pub fn recording() -> State {
        State { history: Some(Vec::new()), ..State::default() }
    }

    /// Takes a step.
    pub fn step(&mut self, input: Input) -> Output {
        match input {
            Input::Begin(begin) => {
                let id = begin.id;
                if let Some(history) = &mut self.history {
                    history.push(history::begin(&begin));
                }
                let Ok(session) = Session::new(&self.ledger, begin);
                self.sessions.insert(id, session);
                Output::Session(id)
            }
            Input::Resume(session) => {
                // Once that version comes, it could no longer be told that the session never saw it.
                if let Ok(Some(version)) = session.forged(&self.ledger) {
                    return Output::Reply(Reply::Refused(Refusal::Forged(version)));
                }
                let id = session.begin.id;
                let Ok(doomed) = session.stale(&self.ledger);
                self.sessions.insert(id, Session { doomed, ..*session });
                Output::Session(id)
            }
            Input::Abort(id) => self.abort(id),
            Input::Commit { id, work, now } => self.commit(id, work, now),
            Input::Order(order) => Output::Reply(self.order(&order, None)),
            Input::Lease { id, key, now, until } => self.lease(id, key, now, until),
            Input::Act(id, act) => match self.sessions.get_mut(&id) {
                Some(session) => {
                    let Ok(output) = act.perform(&self.ledger, session);
                    output
                }
                None => Output::Reply(Reply::Refused(Refusal::Finished(id))),
            },
        }
    }

    fn commit(&mut self, id: SessionId, work: Work, now: Millis) -> Output {
        let Some(session) = self.sessions.remove(&id) else {
            return Output::Reply(self.repeated(id, &work));
        };
        let order = Order::Commit(Box::new(Proposal { session, work, now }));
        let reply = self.order(&order, Some(id));
        let Order::Commit(proposal) = order else { return Output::Reply(reply) };
        let over = matches!(reply, Reply::Committed { .. });
        if !over || !self.ledger.guards().on(Guard::Once) {
            let Ok(doomed) = proposal.session.stale(&self.ledger);
            self.sessions.insert(id, Session { doomed, ..proposal.session });
        }
        Output::Reply(reply)
    }

    /// A commit of a session that is no longer here: the stored outcome, if it has one under this idempotency key.
    fn repeated(&mut self, id: SessionId, work: &Work) -> Reply {
        let begin = Begin { id, agent: "".into(), level: crate::cell::Level::L0, mode: Mode::ReadWrite, started: 0 };
        let known = work.idempotency.as_deref().is_some_and(|key| matches!(self.ledger.stored(key), Ok(Some(_))));
        if !known {
            return Reply::Refused(Refusal::Finished(id));
        }
        let Ok(session) = Session::new(&self.ledger, begin);
        self.order(&Order::Commit(Box::new(Proposal { session, work: work.clone(), now: 0 })), Some(id))
    }

    fn lease(&mut self, id: SessionId, key: Key, now: Millis, until: Millis) -> Output {
        let Some(session) = self.sessions.get(&id) else {
            return Output::Reply(Reply::Refused(Refusal::Finished(id)));
        };
        let order = Order::Lease { session: id, started: session.begin.started, key: key.clone(), now, until };
        let reply = self.order(&order, Some(id));
        if let (Reply::Granted { token }, Some(session)) = (&reply, self.sessions.get_mut(&id)) {
            session.tokens.insert(key, *token);
            // A lease that was lost and is granted again no longer dooms the session.
            let Ok(doomed) = session.stale(&self.ledger);
            session.doomed = doomed;
        }
        Output::Reply(reply)
    }

    fn abort(&mut self, id: SessionId) -> Output {
        if let Some(session) = self.sessions.remove(&id) {
            for key in session.tokens.into_keys() {
                self.order(&Order::Release { session: id, key }, Some(id));
            }
        }
        Output::Session(id)
    }

    /// Decides an order, applies it, and dooms the sessions, other than its own, that relied on what it changed.
    fn order(&mut self, order: &Order, own: Option<SessionId>) -> Reply {
        let Ok(decision) = decide(&self.ledger, order);
        if let Some(history) = &mut self.history {
            history.extend(history::events(&self.ledger, order, &decision));
        }
        let Decision { reply, changes } = decision;
        let heard = self.ledger.guards().on(Guard::Notice) && !self.sessions.is_empty();
        let touched = heard.then(|| Touched::of(&changes));
        for change in changes {
            self.ledger.apply(change);
        }
        if let Some(touched) = touched {
            let others = self.sessions.iter_mut().filter(|(id, _)| Some(**id) != own);
            touched.doom(&self.ledger, others.map(|(_, session)| session));
        }
        reply
    }

    /// The oldest snapshot that a live session may still read at; the present where there is none.
    pub fn oldest_snapshot(&self) -> Version {
        let Ok(clock) = self.ledger.clock();
        let guarded = self.ledger.guards().on(Guard::Horizon);
        let live = self.sessions.values().filter(|_| guarded).map(|session| session.snapshot);
        live.min().unwrap_or(clock)
    }
}

impl Act {
    /// What the session comes to see.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn perform<V: View>(self, view: &V, session: &mut Session) -> Result<Output, V::Error> {
        Ok(match self {
            Act::Read(key) => match session.read(view, &key)? {
                Seen::Found((content, version)) => Output::Read(content, version),
                Seen::Doomed => Output::Doomed(session.doomed.clone()),
                Seen::TooOld => Output::TooOld,
            },
            Act::Scan(range) => match session.scan(view, &range)? {
                Seen::Found(found) => Output::Scanned(found),
                Seen::Doomed => Output::Doomed(session.doomed.clone()),
                Seen::TooOld => Output::TooOld,
            },
            Act::Pin(tool) => Output::Pinned(session.pin(view, &tool)?),
            Act::Step(after) => Output::Step(session.next_step(after)),
            Act::Acknowledge(key) => {
                let (content, version) = session.acknowledge(view, &key)?;
                Output::Read(content, version)
            }
            Act::Rewind(steps) => Output::Rewound(session.rewind(view, &steps)?),
        })
    }
}

/// What a decision changed that a session may rely on.
#[derive(Debug, Default)]
pub struct Touched {
    keys: Vec<Key>,
    tools: Vec<Tool>,
    leases: Vec<Key>,
    /// Commits that were retracted: what rests on one may have been replaced since, and gets no new version then.
    retracted: Vec<Version>,
}

impl Touched {
    /// What some changes touch.
    pub fn of(changes: &[Change]) -> Touched {
        let mut touched = Touched::default();
        for change in changes {
            match change {
                Change::Cell { key, .. } => touched.keys.push(key.clone()),
                Change::Tool { tool, .. } => touched.tools.push(tool.clone()),
                Change::Lease { key, .. } => touched.leases.push(key.clone()),
                Change::Retracted { version } => touched.retracted.push(*version),
                _ => {}
            }
        }
        touched
    }

    /// Tells the sessions that relied on it what no longer holds.
    ///
    /// # Errors
    /// Only what the view can't answer.
    pub fn notify<'a, V: View>(
        &self,
        view: &V,
        sessions: impl Iterator<Item = &'a mut Session>,
    ) -> Result<usize, V::Error> {
        let mut doomed = 0;
        for session in sessions {
            let relied = session.saw(self.keys.iter())
                || self.tools.iter().any(|tool| session.pins.contains_key(tool))
                || self.leases.iter().any(|key| session.tokens.contains_key(key))
                || self.retracted.iter().any(|version| session.rested_on(*version));
            if relied {
                session.doomed = session.stale(view)?;
                doomed += usize::from(!session.doomed.is_empty());
            }
        }
        Ok(doomed)
    }

    fn doom<'a>(&self, ledger: &Ledger, sessions: impl Iterator<Item = &'a mut Session>) {
        let Ok(_) = self.notify(ledger, sessions);
    }
}
