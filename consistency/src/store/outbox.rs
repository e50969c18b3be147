//! The dispatcher: takes effects out of the outbox, calls their tools and settles what became of them.
//!
//! Which effect may leave, and when, is the core's decision; a dispatcher only claims, calls and tells. It calls outside any
//! lock, one effect of a lane at a time. A tool that takes an idempotency key is called until it answers, and acts once; one
//! that can be asked is asked before it is called again; of any other, an answer that is missing leaves the effect in doubt.
//! Any number of dispatchers may work on one store, in any number of processes: the claims keep them apart.
//!
//! It keeps no state that a restart would need, and it is woken by commits. Approvals, settlements by hand and other
//! dispatchers' claims do not move the store's clock; it finds those by looking again after [`Options::look_again`].

use super::sync::{Condvar, Mutex, wait_for};
use super::{Store, StoreError, unexpected};
use crate::cell::{Fingerprint, Lane, Millis, Tool, Value};
use crate::decide::{EffectEnd, Order, Refusal, Reply, Wait};
use crate::effect;
use crate::guard::Guards;
use crate::ledger::{Effect, EffectId, Repeat, Stage};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How many effects are looked at in one go.
const PAGE: usize = 1000;

/// The tools that effects call.
pub trait Tools: Send + Sync {
    /// Calls a tool. A panic counts as [`Answer::Unknown`].
    fn call(&self, call: &Call) -> Answer;

    /// Tells whether an earlier call under the same key happened; nothing where that can't be found out now. Asked only of
    /// tools registered as [`Repeat::Queryable`].
    fn ask(&self, _call: &Call) -> Option<bool> {
        None
    }
}

impl<F: Fn(&Call) -> Answer + Send + Sync> Tools for F {
    fn call(&self, call: &Call) -> Answer {
        self(call)
    }
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The effect that it makes happen.
    pub id: EffectId,
    /// The idempotency key: the same in every call of this effect, and of no other effect.
    pub key: String,
    /// Where it goes.
    pub lane: Lane,
    /// The tool.
    pub tool: Tool,
    /// What the tool was when the session relied on it: a change after the claim is the tool's own to refuse.
    pub pinned: Option<Fingerprint>,
    /// What the tool is told.
    pub payload: Value,
    /// How often the effect has failed before.
    pub failures: u32,
}

/// What a tool answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It happened.
    Done,
    /// It did not happen, and another try may succeed.
    Retry,
    /// It did not happen and never will.
    Failed,
    /// Nobody can tell: the answer is missing.
    Unknown,
}

/// How a dispatcher works.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long a claim lasts: longer than the longest call. After that, the dispatcher is taken for lost.
    pub claim: Duration,
    /// How long an effect waits after its first failure; twice as long after each further one.
    pub first_pause: Duration,
    /// The longest that it waits.
    pub longest_pause: Duration,
    /// With so many failures, an effect has failed for good.
    pub most_failures: u32,
    /// After this long without a commit, the dispatcher looks again for what no commit announces.
    pub look_again: Duration,
    /// How many lanes are served at the same time.
    pub threads: NonZeroUsize,
}

impl Default for Options {
    /// The usual times.
    fn default() -> Options {
        Options {
            claim: Duration::from_mins(1),
            first_pause: Duration::from_millis(100),
            longest_pause: Duration::from_mins(1),
            most_failures: 10,
            look_again: Duration::from_millis(500),
            threads: const { NonZeroUsize::new(4).unwrap() },
        }
    }
}

impl Call {
    /// The call that makes an effect of a store happen.
    fn of(store: &str, effect: Effect) -> Call {
        let Effect { id, lane, tool, pinned, payload, stage, .. } = effect;
        let failures = match stage {
            Stage::Claimed { failures, .. } | Stage::Waiting { failures, .. } => failures,
            _ => 0,
        };
        Call { id, key: format!("{store}/{}/{}", id.commit, id.index), lane, tool, pinned, payload, failures }
    }
}

impl Options {
    /// What a failure comes to: another try, later each time, or none.
    fn after_failure(&self, failures: u32, now: Millis) -> EffectEnd {
        if failures.saturating_add(1) >= self.most_failures {
            return EffectEnd::Failed;
        }
        let pause = self.first_pause.saturating_mul(2_u32.saturating_pow(failures)).min(self.longest_pause);
        EffectEnd::Retry { after: now.saturating_add(millis(pause)) }
    }
}

/// What one turn of a dispatcher at a lane comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// A tool was called, or asked.
    Sent {
        /// The effect.
        id: EffectId,
        /// What became of it; nothing while its tool can't tell: it is tried again when the claim has ended.
        end: Option<EffectEnd>,
    },
    /// No effect of the lane may leave now.
    Idle {
        /// The effect that others wait for, if any, and why it does not leave.
        blocked: Option<(EffectId, Wait)>,
    },
}

/// An effect that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The effect.
    pub effect: Effect,
    /// Why it does not leave; nothing where it is about to.
    pub hindrance: Option<Hindrance>,
}

/// Why an effect does not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hindrance {
    /// For a reason of its own.
    Own(Wait),
    /// It comes after another one of its lane, which does not leave.
    Behind(EffectId),
}

impl Store {
    /// Sends the next effect of a lane, if one may leave: the whole dispatcher in one step, for simple programs and tests.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read or written. What was sent and could not be settled is taken up again
    /// when its claim has ended.
    pub fn dispatch_once(&self, lane: &Lane, tools: &dyn Tools, options: &Options) -> Result<Turn, StoreError> {
        let now = self.world.now();
        let until = now.saturating_add(millis(options.claim));
        let (effect, token, ask) = match self.order(Order::Claim { lane: lane.clone(), now, until })? {
            Reply::Claimed { effect, token, ask } => (*effect, token, ask),
            Reply::Idle { blocked } => return Ok(Turn::Idle { blocked }),
            other => return Err(unexpected(other)),
        };
        let call = Call::of(&self.shell.identity()?, effect);
        let mut answer = if ask { asked(tools, &call) } else { called(tools, &call) };
        if ask && answer == Answer::Retry {
            answer = called(tools, &call);
        }
        let id = call.id;
        let end = match answer {
            Answer::Done => EffectEnd::Done,
            Answer::Failed => EffectEnd::Failed,
            Answer::Retry => options.after_failure(call.failures, self.world.now()),
            Answer::Unknown if self.repeats(&call.tool)? == Repeat::Never => EffectEnd::Unknown,
            // As if this dispatcher were lost: the core knows what may be done about that.
            Answer::Unknown => return Ok(Turn::Sent { id, end: None }),
        };
        match self.order(Order::Settle { id, token: Some(token), end }) {
            // The claim ended before the answer came, and another dispatcher or a person has settled the effect or will.
            Ok(_) | Err(StoreError::Refused(Refusal::NotClaimed(_))) => Ok(Turn::Sent { id, end: Some(end) }),
            Err(error) => Err(error),
        }
    }

    /// The effects that are not settled, in the order of the world, each with the reason why it does not leave.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn pending(&self) -> Result<Vec<Pending>, StoreError> {
        let open: BTreeSet<_> = self.open_commits()?.into_iter().map(|open| open.version).collect();
        let (tools, now) = (self.tools()?, self.world.now());
        let mut ahead = std::collections::BTreeMap::new();
        let mut pending = Vec::new();
        let mut last = None;
        loop {
            let page = self.effects(last, PAGE)?;
            last = page.last().map(|effect| effect.id);
            for effect in page.into_iter().filter(|effect| !effect.stage.is_settled()) {
                let repeat = repeat_of(&tools, &effect.tool);
                let is_open = open.contains(&effect.id.commit);
                let own = effect::hindrance(&effect, is_open, repeat, Guards::ALL, now).map(Hindrance::Own);
                let ordered = effect::is_ordered(&effect);
                let behind = ahead.get(&effect.lane).filter(|_| ordered).copied().map(Hindrance::Behind);
                if ordered && (own.is_some() || behind.is_some()) {
                    ahead.entry(effect.lane.clone()).or_insert(effect.id);
                }
                pending.push(Pending { hindrance: own.or(behind), effect });
            }
            if last.is_none() {
                return Ok(pending);
            }
        }
    }

    fn repeats(&self, tool: &Tool) -> Result<Repeat, StoreError> {
        Ok(repeat_of(&self.tools()?, tool))
    }

    /// When an effect that waits for a moment may leave.
    fn due(&self, id: EffectId) -> Result<Option<Millis>, StoreError> {
        let before = match (id.index.checked_sub(1), id.commit.previous()) {
            (Some(index), _) => Some(EffectId { index, ..id }),
            (None, Some(commit)) => Some(EffectId { commit, index: u32::MAX }),
            (None, None) => None,
        };
        let found = self.effects(before, 1)?.into_iter().find(|effect| effect.id == id);
        Ok(found.and_then(|effect| match effect.stage {
            Stage::Waiting { after, .. } => Some(after),
            Stage::Claimed { until, .. } => Some(until),
            _ => None,
        }))
    }
}

fn repeat_of(tools: &[(Tool, crate::ledger::Registered)], tool: &Tool) -> Repeat {
    tools.iter().find(|(known, _)| known == tool).map_or(Repeat::Never, |(_, registered)| registered.repeat)
}

fn called(tools: &dyn Tools, call: &Call) -> Answer {
    catch_unwind(AssertUnwindSafe(|| tools.call(call))).unwrap_or(Answer::Unknown)
}

/// What a tool says about an earlier call: it happened, it did not, or that can't be found out.
fn asked(tools: &dyn Tools, call: &Call) -> Answer {
    match catch_unwind(AssertUnwindSafe(|| tools.ask(call))) {
        Ok(Some(true)) => Answer::Done,
        Ok(Some(false)) => Answer::Retry,
        Ok(None) | Err(_) => Answer::Unknown,
    }
}

fn millis(length: Duration) -> Millis {
    Millis::try_from(length.as_millis()).unwrap_or(Millis::MAX)
}

/// Threads that send what may leave, until they are stopped or dropped.
#[derive(Debug)]
pub struct Dispatcher {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    store: Store,
    tools: Arc<dyn Tools>,
    options: Options,
    state: Mutex<State>,
    stopped: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The lanes that a thread is serving: a slow lane takes one thread, however much waits there.
    served: BTreeSet<Lane>,
    is_stopped: bool,
    error: Option<String>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("options", &self.options).field("state", &self.state).finish_non_exhaustive()
    }
}

impl Dispatcher {
    /// Starts to send the effects of a store.
    ///
    /// # Errors
    /// What the system says when it has no thread to give.
    pub fn run(store: &Store, tools: Arc<dyn Tools>, options: Options) -> std::io::Result<Dispatcher> {
        let threads = options.threads.get();
        let (store, state, stopped) = (store.clone(), Mutex::default(), Condvar::default());
        let shared = Arc::new(Shared { store, tools, options, state, stopped });
        let mut dispatcher = Dispatcher { shared, threads: Vec::with_capacity(threads) };
        for _ in 0..threads {
            let shared = Arc::clone(&dispatcher.shared);
            dispatcher.threads.push(thread::Builder::new().name("outbox".to_owned()).spawn(move || shared.serve())?);
        }
        Ok(dispatcher)
    }

    /// Why the store could not be read or written at the last attempt; the dispatcher goes on trying.
    pub fn error(&self) -> Option<String> {
        self.shared.state.lock().error.clone()
    }

    /// Stops once the calls under way have returned, as dropping does.
    pub fn stop(self) {}
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.shared.state.lock().is_stopped = true;
        self.shared.stopped.notify_all();
        for thread in self.threads.drain(..) {
            // A thread panics only by a fault of the store; what it had claimed is taken up when the claim has ended.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self) {
        while !self.state.lock().is_stopped {
            let round = self.round();
            let mut state = self.state.lock();
            state.error = round.err().map(|error| error.to_string());
            if state.error.is_some() && !state.is_stopped {
                drop(wait_for(&self.stopped, state, self.options.look_again));
            }
        }
    }

    /// Sends at most one effect of each lane that nobody else serves, in turn; waits if there was none.
    fn round(&self) -> Result<(), StoreError> {
        // The clock is read first, so that a commit from here on ends the wait at once.
        let since = self.store.clock()?;
        let mut pause = self.options.look_again;
        let mut sent = false;
        for lane in self.store.lanes()? {
            let Some(served) = Served::take(self, &lane) else { continue };
            let turn = self.store.dispatch_once(&lane, &*self.tools, &self.options);
            drop(served);
            match turn? {
                Turn::Sent { .. } => sent = true,
                Turn::Idle { blocked: Some((id, Wait::Later | Wait::Sending)) } => {
                    let left = self.store.due(id)?.map(|due| due.saturating_sub(self.store.world.now()));
                    pause = pause.min(left.map_or(pause, Duration::from_millis));
                }
                Turn::Idle { .. } => {}
            }
        }
        if !sent {
            self.store.wait(since, pause)?;
        }
        Ok(())
    }
}

/// A lane in the hands of one thread.
struct Served<'a> {
    shared: &'a Shared,
    lane: &'a Lane,
}

impl<'a> Served<'a> {
    /// Takes a lane, unless another thread has it or the dispatcher stops.
    fn take(shared: &'a Shared, lane: &'a Lane) -> Option<Served<'a>> {
        let mut state = shared.state.lock();
        let is_free = !state.is_stopped && state.served.insert(lane.clone());
        is_free.then(|| Served { shared, lane })
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.shared.state.lock().served.remove(self.lane);
    }
}
