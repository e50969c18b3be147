//! Runs a shape over a real store in virtual time.
//!
//! One event after the other, without threads and clocks: agents are state machines whose generation takes virtual time, and
//! senders carry effects out, two a lane, each as long as chance decides. INVARIANT: the same seed gives the same run.

use super::agent::{Worker, fingerprint};
use super::trace::{Committed, Delivered, Policy, Trace, World};
use super::{End, Random, Shape, Task, Then};
use consistency::decide::{EffectEnd, Order, Reply};
use consistency::ledger::{DropCause, Effect, EffectId, Repeat, Stage};
use consistency::state::{Input, Output};
use consistency::store::{Outcome, Shell, Store, StoreError};
use consistency::{Lane, Level, Millis, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How long somebody who has to wait sleeps before asking again, unless there is a commit before.
pub(super) const NAP: Millis = 500;
/// The longest that a sender takes to carry an effect out.
const LATENCY: Millis = 400;

/// How a shape is run.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The level of all sessions.
    pub level: Level,
    /// What the agents do about conflicts.
    pub policy: Policy,
    /// What chance does.
    pub seed: u64,
    /// The moment at which the run ends, done or not.
    pub until: Millis,
}

/// Runs a shape until everything is done, or until the setting's moment.
///
/// # Errors
/// [`StoreError`] where the store fails; conflicts are no failures.
pub fn run(shape: &Shape, shell: &Arc<dyn Shell>, setting: Setting) -> Result<(Trace, End), StoreError> {
    let world = Arc::new(World::default());
    let store = Store::with(Arc::clone(shell), world.clone());
    prepare(shape, &store)?;
    let mut run = Run {
        shell,
        store,
        world,
        setting,
        random: Random::new(setting.seed),
        queue: BTreeSet::new(),
        agents: shape.agents.iter().enumerate().map(|(index, tasks)| Worker::new(index, tasks)).collect(),
        senders: Vec::new(),
        done: BTreeMap::new(),
        replanned: BTreeSet::new(),
        trace: Trace::default(),
    };
    run.go()?;
    let unfinished = run.agents.iter().flat_map(|agent| agent.todo.iter().map(|task| task.name.clone()));
    run.trace.unfinished = unfinished.collect();
    let found = run.store.snapshot("judge")?.scan("")?;
    let cells = found.into_iter().map(|(key, value)| (key.to_string(), value.into_json())).collect();
    let told = run.trace.delivered.iter().map(|delivered| delivered.payload.clone()).collect();
    Ok((run.trace, End { cells, told }))
}

/// Fills the cells and registers the tools.
pub(super) fn prepare(shape: &Shape, store: &Store) -> Result<(), StoreError> {
    for (tool, fingerprint) in &shape.tools {
        store.register(tool.as_str(), fingerprint.as_str(), Repeat::Keyed)?;
    }
    let mut first = store.begin("first", Level::L0)?;
    for (key, value) in &shape.cells {
        first.write(key, value.clone())?;
    }
    first.commit(None).map(drop)
}

/// Who has something to do at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Agent(usize),
    Sender(usize),
}

struct Run<'a> {
    shell: &'a Arc<dyn Shell>,
    store: Store,
    world: Arc<World>,
    setting: Setting,
    random: Random,
    /// Who wakes when; chance decides among those who wake at the same moment.
    queue: BTreeSet<(Millis, u64, Who)>,
    agents: Vec<Worker<'a>>,
    senders: Vec<Sender>,
    /// The last commit of each task.
    done: BTreeMap<String, Version>,
    /// The dropped effects whose tasks are done again.
    replanned: BTreeSet<EffectId>,
    trace: Trace,
}

/// Carries effects out, one at a time: with each, the claim and what its tool was when it was used.
struct Sender {
    lane: Lane,
    carries: Option<(Effect, u64, Option<String>)>,
}

impl Run<'_> {
    fn go(&mut self) -> Result<(), StoreError> {
        for agent in 0..self.agents.len() {
            let start = self.random.below(20);
            self.wake(agent, start);
        }
        while let Some((now, _, who)) = self.queue.pop_first().filter(|(now, ..)| *now <= self.setting.until) {
            self.world.set(now);
            match who {
                Who::Agent(agent) => self.act(agent, now)?,
                Who::Sender(sender) => self.send(sender, now)?,
            }
            self.trace.spent.elapsed = now;
        }
        Ok(())
    }

    /// Wakes an agent at a moment, and not at the one that was meant before.
    fn wake(&mut self, agent: usize, at: Millis) {
        let Some(worker) = self.agents.get_mut(agent) else { return };
        let (before, tie) = worker.alarm;
        self.queue.remove(&(before, tie, Who::Agent(agent)));
        worker.alarm = (at, self.random.draw());
        self.queue.insert((at, worker.alarm.1, Who::Agent(agent)));
    }

    fn wake_sender(&mut self, sender: usize, at: Millis) {
        let tie = self.random.draw();
        self.queue.insert((at, tie, Who::Sender(sender)));
    }

    /// Takes an agent's next step: finishes what it was generating, then begins a step, or commits.
    fn act(&mut self, agent: usize, now: Millis) -> Result<(), StoreError> {
        let Setting { level, policy, .. } = self.setting;
        let Some(worker) = self.agents.get_mut(agent) else { return Ok(()) };
        let Some(task) = worker.todo.front().copied() else { return Ok(()) };
        worker.waits = false;
        let ready = task.waits_for.iter().all(|earlier| self.done.contains_key(earlier));
        if ready && worker.session.is_none() {
            worker.start(&self.store, task, level)?;
            self.trace.spent.attempts += 1;
        }
        self.trace.spent.generated += worker.finish(task)?;
        if !ready || !worker.leased(task, policy)? {
            worker.waits = true;
            self.wake(agent, now + NAP);
            return Ok(());
        }
        let Some((index, step)) = worker.left.first().and_then(|index| Some((*index, task.steps.get(*index)?))) else {
            return self.commit(agent, task, now);
        };
        let until = now + step.ticks + self.random.below(step.ticks / 2 + 1);
        if worker.begin(self.shell.as_ref(), (index, step), level, policy, (now, until))? {
            self.wake(agent, until);
            return Ok(());
        }
        self.doomed(agent, now)
    }

    fn commit(&mut self, agent: usize, task: &Task, now: Millis) -> Result<(), StoreError> {
        let Some(worker) = self.agents.get_mut(agent) else { return Ok(()) };
        let Some(session) = worker.session.as_mut() else { return Ok(()) };
        if worker.blind {
            return self.doomed(agent, now);
        }
        if task.held {
            session.hold();
        }
        let before = self.store.clock()?;
        match session.commit(None)? {
            Outcome::Conflict(_) => self.doomed(agent, now),
            Outcome::Busy { .. } => {
                worker.waits = true;
                self.wake(agent, now + NAP);
                Ok(())
            }
            Outcome::Committed { version, .. } => {
                worker.session = None;
                let commit = Committed { agent, version, own: version != before, ..Committed::default() };
                self.trace.committed.push(worker.committed(task, commit));
                self.done.insert(task.name.clone(), version);
                self.then(task)?;
                self.wake(agent, now + 1);
                self.open_lanes(now)?;
                self.notify(now)
            }
        }
    }

    /// Does what follows from a task that has committed.
    fn then(&mut self, task: &Task) -> Result<(), StoreError> {
        let version = |task: &String| self.done.get(task).copied().unwrap_or_default();
        match &task.then {
            None => {}
            Some(Then::Approve(task)) => drop(self.store.approve(version(task))?),
            Some(Then::Retract(task)) => self.trace.retracted.extend(self.store.retract(version(task), "lead")?.1),
            Some(Then::Register(tool, fingerprint)) => {
                self.store.register(tool.as_str(), fingerprint.as_str(), Repeat::Keyed)?;
            }
        }
        Ok(())
    }

    /// Wakes those who wait, and tells those who want to know that what they saw has changed.
    fn notify(&mut self, now: Millis) -> Result<(), StoreError> {
        for agent in 0..self.agents.len() {
            if self.agents.get(agent).is_some_and(|worker| worker.waits) {
                self.wake(agent, now + 1);
            }
        }
        if !self.setting.policy.notice {
            return Ok(());
        }
        for agent in 0..self.agents.len() {
            let session = self.agents.get(agent).and_then(|worker| worker.session.as_ref());
            let Some(session) = session else { continue };
            if !session.doomed()?.is_empty() {
                self.doomed(agent, now)?;
            }
        }
        Ok(())
    }

    fn doomed(&mut self, agent: usize, now: Millis) -> Result<(), StoreError> {
        let Some(worker) = self.agents.get_mut(agent) else { return Ok(()) };
        if worker.doomed(self.setting.policy, &mut self.trace.spent, now)? {
            self.wake(agent, now + 1);
        }
        Ok(())
    }

    /// Has two senders serve each lane that has something to send.
    fn open_lanes(&mut self, now: Millis) -> Result<(), StoreError> {
        for lane in self.store.lanes()? {
            if self.senders.iter().all(|sender| sender.lane != lane) {
                for _ in 0..2 {
                    self.senders.push(Sender { lane: lane.clone(), carries: None });
                    self.wake_sender(self.senders.len() - 1, now + 1);
                }
            }
        }
        Ok(())
    }

    /// Delivers what a sender carries, and takes the next effect of its lane.
    fn send(&mut self, index: usize, now: Millis) -> Result<(), StoreError> {
        let Some(sender) = self.senders.get_mut(index) else { return Ok(()) };
        if let Some((effect, token, fingerprint)) = sender.carries.take() {
            let Effect { id, lane, tool, payload, .. } = effect;
            let (tool, payload) = (tool.to_string(), payload.into_json());
            self.trace.delivered.push(Delivered { id, lane, tool, fingerprint, payload });
            self.shell.submit(Input::Order(Order::Settle { id, token: Some(token), end: EffectEnd::Done }))?;
        }
        let claim = Order::Claim { lane: sender.lane.clone(), now, until: now + 2 * LATENCY };
        let mut wait = 20;
        if let Output::Reply(Reply::Claimed { effect, token, .. }) = self.shell.submit(Input::Order(claim))? {
            let used = fingerprint(self.shell.as_ref(), effect.tool.as_str())?;
            sender.carries = Some((*effect, token, used));
            wait = self.random.between(1, LATENCY);
        }
        self.replan(now)?;
        if self.agents.iter().any(|agent| !agent.todo.is_empty()) || !self.store.lanes()?.is_empty() {
            self.wake_sender(index, now + wait);
        }
        Ok(())
    }

    /// Has the task of an effect done again that was dropped because its tool had changed.
    fn replan(&mut self, now: Millis) -> Result<(), StoreError> {
        for effect in self.store.effects(None, usize::MAX)? {
            let changed = effect.stage == Stage::Dropped(DropCause::ToolChanged);
            let owner = self.trace.committed.iter().find(|commit| commit.version == effect.id.commit);
            let Some(owner) = owner.filter(|_| changed && self.replanned.insert(effect.id)) else { continue };
            let (agent, Some(worker)) = (owner.agent, self.agents.get_mut(owner.agent)) else { continue };
            // Two effects of one task may be dropped; it is done again once.
            let task = worker.tasks.iter().find(|task| task.name == owner.task);
            if let Some(task) = task.filter(|task| worker.todo.iter().all(|todo| todo.name != task.name)) {
                worker.todo.push_back(task);
                if worker.todo.len() == 1 {
                    self.wake(agent, now + 1);
                }
            }
        }
        Ok(())
    }
}
