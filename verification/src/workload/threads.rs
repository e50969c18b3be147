//! Runs a shape with real threads: one an agent, over one store, with generation cut down to giving way to the others.
//!
//! Nothing is the same twice, so a run is judged by the shape's own judge only. Deliberately absent: effects, held commits
//! and what else happens between sessions; shapes with these run in virtual time.

use super::agent::perform;
use super::run::prepare;
use super::{End, Judged, Seen, Shape, Task};
use consistency::Level;
use consistency::store::{Outcome, Session, Store, StoreError};

/// Runs a shape with a thread for each agent.
///
/// # Errors
/// [`StoreError`] where the store fails; conflicts are no failures.
pub fn run(shape: &Shape, store: &Store, level: Level) -> Result<Judged, StoreError> {
    prepare(shape, store)?;
    let ends: Vec<Result<(), StoreError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = shape.agents.iter().map(|tasks| scope.spawn(move || work(store, level, tasks))).collect();
        let lost = || Err(StoreError::Stopped("a thread was lost".into()));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| lost())).collect()
    });
    ends.into_iter().collect::<Result<(), _>>()?;
    let found = store.snapshot("judge")?.scan("")?;
    let cells = found.into_iter().map(|(key, value)| (key.to_string(), value.into_json())).collect();
    Ok((shape.judge)(&End { cells, told: Vec::new() }))
}

/// Does an agent's tasks, each until it commits; a retry is as old as the first attempt.
fn work(store: &Store, level: Level, tasks: &[Task]) -> Result<(), StoreError> {
    for task in tasks {
        let mut session = store.begin("agent", level)?;
        while !attempt(&mut session, task)? {
            session.restart()?;
        }
    }
    Ok(())
}

fn attempt(session: &mut Session, task: &Task) -> Result<bool, StoreError> {
    match generate(session, task) {
        Err(StoreError::Doomed(_)) => Ok(false),
        Err(error) => Err(error),
        Ok(()) => Ok(matches!(session.commit(None)?, Outcome::Committed { .. })),
    }
}

fn generate(session: &mut Session, task: &Task) -> Result<(), StoreError> {
    let mut seen = Seen::default();
    for step in &task.steps {
        for key in &step.reads {
            seen.cells.insert(key.clone(), session.read(key)?);
        }
        for prefix in &step.scans {
            let found = session.scan(prefix)?.into_iter().map(|(key, value)| (key.to_string(), value.into_json()));
            seen.found.insert(prefix.clone(), found.collect());
        }
        std::thread::yield_now();
        for deed in (step.make)(&seen) {
            perform(session, deed)?;
        }
    }
    Ok(())
}
