//! Runs a shape with real threads: one an agent, over one store, with the same agents as in virtual time.
//!
//! How generation passes is the caller's to say. Nothing is the same twice, so a run is judged by the shape's own judge
//! only. Deliberately absent: waiting for other tasks, effects, held commits and what else happens between sessions; shapes
//! with these run in virtual time. An agent that is told of a change stops between two steps, not within one.

use super::agent::Worker;
use super::run::prepare;
use super::trace::{Committed, Spent};
use super::{End, Judged, Policy, Shape, Task};
use consistency::store::{Outcome, Shell, Store, StoreError, System};
use consistency::{Level, Millis};
use std::sync::Arc;

/// How long an agent that has to wait for another one passes the time, in ticks.
const NAP: Millis = 50;

/// How agents work in threads.
#[derive(Clone, Copy)]
pub struct Working<'a> {
    /// The level of all sessions.
    pub level: Level,
    /// What the agents do about conflicts.
    pub policy: Policy,
    /// Passes so many ticks.
    pub pass: &'a (dyn Fn(Millis) + Sync),
    /// Tells whether the agents are to stop.
    pub over: &'a (dyn Fn() -> bool + Sync),
}

impl std::fmt::Debug for Working<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.policy.name, self.level)
    }
}

/// Runs a shape with a thread for each agent; tells what the judge finds, and each agent's commits and costs.
///
/// # Errors
/// [`StoreError`] where the store fails; conflicts are no failures.
pub fn run(
    shape: &Shape,
    shell: &Arc<dyn Shell>,
    working: Working<'_>,
) -> Result<(Judged, Vec<(u64, Spent)>), StoreError> {
    let store = Store::with(Arc::clone(shell), Arc::new(System));
    prepare(shape, &store)?;
    let ends: Vec<Result<(u64, Spent), StoreError>> = std::thread::scope(|scope| {
        let (store, shell) = (&store, shell.as_ref());
        let work = |(index, tasks)| scope.spawn(move || work(store, shell, working, Worker::new(index, tasks)));
        let tasks = shape.agents.iter().map(Vec::as_slice).enumerate();
        let threads: Vec<_> = tasks.map(work).collect();
        let lost = || Err(StoreError::Stopped("a thread was lost".into()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
    });
    let ends = ends.into_iter().collect::<Result<_, _>>()?;
    let found = store.snapshot("judge")?.scan("")?;
    let cells = found.into_iter().map(|(key, value)| (key.to_string(), value.into_json())).collect();
    Ok(((shape.judge)(&End { cells, told: Vec::new() }), ends))
}

/// Does an agent's tasks, each until it commits; a retry is as old as the first attempt.
fn work(
    store: &Store,
    shell: &dyn Shell,
    working: Working<'_>,
    mut worker: Worker<'_>,
) -> Result<(u64, Spent), StoreError> {
    let (mut commits, mut spent) = (0, Spent::default());
    while let Some(task) = worker.todo.front().copied().filter(|_| !(working.over)()) {
        commits += u64::from(go_on(store, shell, working, (&mut worker, task), &mut spent)?);
    }
    Ok((commits, spent))
}

/// Takes a step of a task, or commits it; tells whether it did.
fn go_on(
    store: &Store,
    shell: &dyn Shell,
    Working { level, policy, pass, .. }: Working<'_>,
    (worker, task): (&mut Worker<'_>, &Task),
    spent: &mut Spent,
) -> Result<bool, StoreError> {
    if worker.session.is_none() {
        worker.start(store, task, level)?;
        spent.attempts += 1;
    }
    if !worker.leased(task, policy)? {
        pass(NAP);
        return Ok(false);
    }
    let mut doomed = false;
    if let Some((index, step)) = worker.left.first().and_then(|index| Some((*index, task.steps.get(*index)?))) {
        if worker.begin(shell, (index, step), level, policy, (0, step.ticks))? {
            pass(step.ticks);
            spent.generated += worker.finish(task)?;
            if let Some(session) = worker.session.as_ref().filter(|_| policy.notice) {
                doomed = !session.doomed()?.is_empty();
            }
        } else {
            doomed = true;
        }
    } else if worker.blind {
        doomed = true;
    } else if let Some(session) = worker.session.as_mut() {
        match session.commit(None)? {
            Outcome::Committed { .. } => {
                worker.session = None;
                worker.committed(task, Committed::default());
                return Ok(true);
            }
            Outcome::Busy { .. } => pass(NAP),
            Outcome::Conflict(_) => doomed = true,
        }
    }
    if doomed {
        worker.doomed(policy, spent, 0)?;
    }
    Ok(false)
}
