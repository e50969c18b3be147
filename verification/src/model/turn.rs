//! One transition: the input goes to the core, and the oracle judges what came out.

mod commit;
mod outbox;

use super::action::{Action, Need, Number, cell, key, session, tool};
use super::oracle::{Held, Leased, Life, Seen};
use super::promise::{Event, Promise};
use super::setup::{Setup, Situation};
use consistency::cell::Millis;
use consistency::decide::{Order, Refusal, Reply};
use consistency::ledger::View;
use consistency::range::Range;
use consistency::session::{Begin, Mode, Read, Session};
use consistency::state::{Act, Input, Output};
use consistency::{Content, Key, Level};
use std::collections::BTreeMap;

/// A state on its way to the next one.
pub(super) struct Turn<'a> {
    pub(super) setup: &'a Setup,
    pub(super) now: Situation,
    /// What the core was asked and what it answered, where somebody wants to ask another the same.
    pub(super) asked: Option<Vec<(Input, Output)>>,
}

impl Turn<'_> {
    /// Takes an action; tells what the core answered, if it was asked.
    pub(super) fn take(&mut self, action: Action) -> Option<Output> {
        let output = match action {
            Action::Begin(level, mode) => self.begin(level, mode),
            Action::Read(number, cell) => self.look(number, Some(cell)),
            Action::Scan(number) => self.look(number, None),
            Action::Pin(number) => self.pin(number),
            Action::Step(number) => self.step(number),
            Action::Rewind(number, step) => self.rewind(number, step),
            Action::Acknowledge(number, cell) => self.acknowledge(number, cell),
            Action::Lease(number, cell) => self.lease(number, cell),
            Action::Commit(number, deed, cell) => self.commit(number, deed, cell),
            Action::Abort(number) => self.abort(number),
            Action::Park(number) => return self.park(number),
            Action::Resume(number) => self.resume(number)?,
            Action::Forge(number, cell) => self.forge(number, cell)?,
            Action::Retract(place) => self.retract(place)?,
            Action::Approve(place) => self.approve(place)?,
            Action::Register(print) => self.register(print),
            Action::Claim(lane) => self.claim(lane),
            Action::Call(dispatcher, works) => return self.call(dispatcher, works),
            Action::Settle(dispatcher, end) => self.settle(dispatcher, end)?,
            Action::Lose(dispatcher) => return self.lose(dispatcher),
            Action::Decide(effect, end) => self.decide(effect, end)?,
            Action::Tick => return self.tick(),
            Action::Save => return self.save(),
            Action::Crash => self.crash(),
            Action::Collect(need) => self.collect(need),
        };
        Some(output)
    }

    fn happens(&self, event: Event) {
        self.setup.coverage.happens(event);
    }

    /// Puts a promise to the test.
    fn judge(&mut self, promise: Promise, holds: bool) {
        self.setup.coverage.judges(promise);
        if !holds {
            self.now.broken |= promise.bit();
        }
    }

    /// Tells whether an anomaly is asked about at a level: where it is excluded, or everywhere.
    fn asks(&self, promise: Promise, level: Level) -> bool {
        self.setup.strict || promise.anomaly().is_none_or(|(_, excluded)| level >= excluded)
    }

    fn ask(&mut self, input: Input) -> Output {
        let Some(asked) = &mut self.asked else { return self.now.core.step(input) };
        let output = self.now.core.step(input.clone());
        asked.push((input, output.clone()));
        output
    }

    fn order(&mut self, order: Order) -> Output {
        // Whatever is not a session's commit is acknowledged at once, and with it all that came before.
        self.now.saved = None;
        self.ask(Input::Order(order))
    }

    fn millis(&self) -> Millis {
        self.now.oracle.now.into()
    }

    fn begin(&mut self, level: Level, mode: Mode) -> Output {
        self.happens(match mode {
            Mode::ReadWrite => Event::Begin,
            Mode::Snapshot => Event::BeginSnapshot,
            Mode::Fresh => Event::BeginFresh,
        });
        let oracle = &mut self.now.oracle;
        oracle.begun += 1;
        let number = oracle.begun;
        let started = oracle.retry.take().unwrap_or(number);
        let life = Life {
            level,
            mode,
            started,
            since: oracle.truth.moment,
            seen: Vec::new(),
            acknowledged: false,
            pin: None,
            tokens: BTreeMap::new(),
            steps: 0,
            parked: None,
        };
        oracle.lives.insert(number, life);
        let id = session(number);
        self.ask(Input::Begin(Begin { id, agent: "agent".into(), level, mode, started: started.into() }))
    }

    fn look(&mut self, number: Number, cell: Option<u8>) -> Output {
        self.happens(if cell.is_some() { Event::Read } else { Event::Scan });
        let act = cell.map_or_else(|| Act::Scan(Range::all()), |cell| Act::Read(key(cell)));
        let output = self.ask(Input::Act(session(number), act));
        let found = match &output {
            Output::Read(content, _) => {
                let held = Held::of(content);
                self.happens(match held {
                    Held::Absent => Event::Absent,
                    Held::Deleted => Event::Deleted,
                    _ => Event::Found,
                });
                vec![held]
            }
            Output::Scanned(found) => {
                self.happens(if found.is_empty() { Event::Null } else { Event::Hits });
                let found: BTreeMap<&Key, &Content> = found.iter().map(|(key, it)| (key, &it.content)).collect();
                let held = |cell| found.get(&key(cell)).map_or(Held::Absent, |content| Held::of(content));
                (0..self.setup.keys).map(held).collect()
            }
            Output::TooOld => {
                self.happens(Event::TooOld);
                self.judge(Promise::Kept, self.setup.need == Need::Capped);
                return output;
            }
            _ => {
                self.happens(Event::ReadDoomed);
                return output;
            }
        };
        self.sees(number, cell, found);
        output
    }

    /// A session sees something: it fits what it saw before, or it is what the snapshot held.
    fn sees(&mut self, number: Number, cell: Option<u8>, found: Vec<Held>) {
        let keys = self.setup.keys;
        let Some(life) = self.now.oracle.lives.get_mut(&number) else { return };
        let truth = &self.now.oracle.truth;
        let traced = life.level >= Level::L2 || self.setup.strict;
        let from = if traced { truth.contributors(cell, keys) } else { 0 };
        if life.mode == Mode::Snapshot {
            let holds = found == truth.look(cell, keys, life.since);
            self.judge(Promise::Snapshot, holds);
            self.judge(Promise::Kept, true);
            return;
        }
        let seen = Seen { step: life.steps, cell, found, from };
        if !life.seen.contains(&seen) {
            life.seen.push(seen);
            life.seen.sort_by_key(|seen| (seen.step, seen.cell));
        }
        let together = |moment| life.seen.iter().all(|seen| seen.found == truth.look(seen.cell, keys, moment));
        if life.level > Level::L0 && !life.acknowledged {
            let holds = (life.since..=truth.moment).any(together);
            self.judge(Promise::TornView, holds);
        }
    }

    fn pin(&mut self, number: Number) -> Output {
        self.happens(Event::Pin);
        let output = self.ask(Input::Act(session(number), Act::Pin(tool())));
        let Output::Pinned(print) = &output else { return output };
        match (print, self.now.oracle.lives.get_mut(&number)) {
            (Some(print), Some(life)) => life.pin = print.as_str().parse().ok(),
            _ => self.happens(Event::Unpinned),
        }
        output
    }

    fn step(&mut self, number: Number) -> Output {
        self.happens(Event::Step);
        if let Some(life) = self.now.oracle.lives.get_mut(&number) {
            life.steps += 1;
        }
        self.ask(Input::Act(session(number), Act::Step(Vec::new())))
    }

    fn rewind(&mut self, number: Number, step: u8) -> Output {
        self.happens(Event::Rewind);
        if let Some(life) = self.now.oracle.lives.get_mut(&number) {
            life.seen.retain(|seen| seen.step != step);
        }
        self.ask(Input::Act(session(number), Act::Rewind(vec![step.into()])))
    }

    fn acknowledge(&mut self, number: Number, cell: u8) -> Output {
        self.happens(Event::Acknowledge);
        let output = self.ask(Input::Act(session(number), Act::Acknowledge(key(cell))));
        let Output::Read(content, _) = &output else { return output };
        let oracle = &mut self.now.oracle;
        let from = oracle.truth.contributors(Some(cell), self.setup.keys);
        if let Some(life) = oracle.lives.get_mut(&number) {
            life.acknowledged = true;
            let traced = if life.level >= Level::L2 { from } else { 0 };
            for seen in &mut life.seen {
                match seen.cell {
                    Some(read) if read == cell => {
                        (seen.found, seen.from) = (vec![Held::of(content)], traced);
                    }
                    None => {
                        seen.from |= traced;
                        if let Some(held) = seen.found.get_mut(usize::from(cell)) {
                            *held = Held::of(content).shown();
                        }
                    }
                    Some(_) => {}
                }
            }
        }
        output
    }

    fn lease(&mut self, number: Number, cell: u8) -> Output {
        self.happens(Event::Lease);
        let (now, until) = (self.millis(), self.millis() + 1);
        self.now.saved = None;
        let output = self.ask(Input::Lease { id: session(number), key: key(cell), now, until });
        let started = self.now.oracle.lives.get(&number).map_or(number, |life| life.started);
        let former = self.now.oracle.truth.leases.get(&cell).copied();
        match &output {
            Output::Reply(Reply::Granted { token }) => {
                let renewed = former.is_some_and(|former| former.holder == number && former.token == *token);
                self.happens(if renewed { Event::Renewed } else { Event::Granted });
                if !renewed {
                    self.takes(number, started, former);
                    self.judge(Promise::Tokens, *token > self.now.oracle.truth.token);
                }
                let oracle = &mut self.now.oracle;
                oracle.truth.token = oracle.truth.token.max(*token);
                let until = oracle.now + 1;
                oracle.truth.leases.insert(cell, Leased { holder: number, started, token: *token, until });
                if let Some(life) = oracle.lives.get_mut(&number) {
                    life.tokens.insert(cell, *token);
                }
            }
            Output::Reply(Reply::Busy { holder, .. }) => self.waits(number, started, holder.0, former),
            _ => {}
        }
        output
    }

    /// A session takes a lease from its holder: only an older one may, unless it ended.
    fn takes(&mut self, number: Number, started: Number, former: Option<Leased>) {
        let Some(former) = former.filter(|former| former.holder != number) else { return };
        if former.until > self.now.oracle.now {
            self.happens(Event::Wounded);
            self.judge(Promise::WoundWait, (started, number) < (former.started, former.holder));
        }
    }

    /// A session has to wait for the holder of a lease: only for an older one.
    fn waits(&mut self, number: Number, started: Number, holder: u64, former: Option<Leased>) {
        self.happens(Event::Busy);
        let lasts = former.filter(|former| session(former.holder).0 == holder && former.until > self.now.oracle.now);
        let older = lasts.is_some_and(|former| (former.started, former.holder) < (started, number));
        self.judge(Promise::WoundWait, older);
    }

    fn abort(&mut self, number: Number) -> Output {
        self.happens(Event::Abort);
        let oracle = &mut self.now.oracle;
        if let Some(life) = oracle.lives.remove(&number) {
            oracle.truth.leases.retain(|_, lease| lease.holder != number);
            oracle.retry = self.setup.leases.then_some(life.started);
        }
        self.ask(Input::Abort(session(number)))
    }

    fn park(&mut self, number: Number) -> Option<Output> {
        self.happens(Event::Park);
        let parked = self.now.core.sessions.remove(&session(number))?;
        // A session is written down with all that it saw.
        self.now.saved = None;
        self.now.oracle.spent.parked += 1;
        self.now.oracle.lives.get_mut(&number)?.parked = Some(Box::new(parked));
        None
    }

    fn resume(&mut self, number: Number) -> Option<Output> {
        self.happens(Event::Resume);
        let parked = self.now.oracle.lives.get_mut(&number)?.parked.take()?;
        Some(self.ask(Input::Resume(parked)))
    }

    fn forge(&mut self, number: Number, cell: u8) -> Option<Output> {
        self.happens(Event::Forge);
        self.now.oracle.spent.parked += 1;
        let Ok(clock) = self.now.core.ledger.clock();
        let version = clock.next()?;
        let read = Read { version, rests_on: Vec::new(), steps: [0].into_iter().collect() };
        let mut session: Session = self.now.core.sessions.remove(&session(number))?;
        session.reads.insert(key(cell), read);
        let oracle = &mut self.now.oracle;
        let found = vec![oracle.truth.content(cell, oracle.truth.moment)];
        let seen = Seen { step: 0, cell: Some(cell), found, from: 0 };
        oracle.lives.get_mut(&number)?.seen.push(seen);
        let output = self.ask(Input::Resume(Box::new(session)));
        if let Output::Reply(Reply::Refused(Refusal::Forged(_))) = output {
            self.happens(Event::Forged);
            self.now.oracle.lives.remove(&number);
        }
        Some(output)
    }

    fn register(&mut self, print: Option<u8>) -> Output {
        self.happens(if print.is_some() { Event::Register } else { Event::Remove });
        self.now.oracle.spent.registrations += 1;
        self.now.oracle.truth.tool = print;
        let registered = print.map(|print| self.setup.registered(print));
        let output = self.order(Order::Register { tool: tool(), registered });
        self.hands_out();
        output
    }

    /// The core took a version: it is beyond all that there were.
    fn hands_out(&mut self) {
        let Ok(clock) = self.now.core.ledger.clock();
        self.judge(Promise::Versions, clock > self.now.oracle.handed);
        self.now.oracle.handed = self.now.oracle.handed.max(clock);
    }

    fn tick(&mut self) -> Option<Output> {
        self.happens(Event::Tick);
        self.now.oracle.now += 1;
        None
    }

    fn save(&mut self) -> Option<Output> {
        self.happens(Event::Save);
        self.now.saved = None;
        None
    }

    fn collect(&mut self, need: Need) -> Output {
        self.now.oracle.spent.collections += 1;
        let Ok(clock) = self.now.core.ledger.clock();
        let horizon = match need {
            Need::Live => self.now.core.oldest_snapshot(),
            Need::Capped => clock,
        };
        self.happens(if need == Need::Live { Event::Collect } else { Event::CollectCapped });
        self.order(Order::Collect { horizon })
    }

    /// The process is lost: what is not on disk is gone, and so are the sessions that saw it. The others, which were
    /// written down, may go on.
    fn crash(&mut self) -> Output {
        self.happens(Event::Crash);
        self.now.oracle.spent.crashes += 1;
        if let Some(saved) = self.now.saved.take() {
            self.happens(Event::Lost);
            let (ledger, truth) = *saved;
            self.now.core.ledger = ledger;
            self.now.oracle.truth = truth;
        }
        let Ok(disk) = self.now.core.ledger.clock();
        let mut running = std::mem::take(&mut self.now.core.sessions);
        self.now.oracle.lives.retain(|number, life| {
            let survivor = running.remove(&session(*number)).filter(|session| session.snapshot <= disk);
            life.parked = survivor.map(Box::new).or(life.parked.take());
            life.parked.is_some()
        });
        if !self.now.oracle.lives.is_empty() {
            self.happens(Event::Survived);
        }
        for (_, dispatcher) in std::mem::take(&mut self.now.oracle.dispatchers) {
            self.doubts(dispatcher.effect);
        }
        let output = self.order(Order::Recover);
        let mut again = self.now.core.clone();
        again.step(Input::Order(Order::Recover));
        let (one, two) = (&self.now.core.ledger, &again.ledger);
        let same = one.cells().eq(two.cells())
            && one.effects().eq(two.effects())
            && one.open_commits().eq(two.open_commits())
            && one.leases().eq(two.leases())
            && one.tools().eq(two.tools());
        self.judge(Promise::Recovery, same);
        output
    }

    fn doubts(&mut self, effect: u8) {
        if let Some(sent) = self.now.oracle.truth.effects.get_mut(usize::from(effect)) {
            sent.doubtful = true;
        }
    }
}
