//! An agent of a run in virtual time: where it is in its tasks, and what its attempt has seen so far.

use super::trace::{Committed, Policy, Spent};
use super::{Deed, Seen, Step, Task};
use consistency::operation::Merge;
use consistency::store::{Leased, Session, Shell, Store, StoreError};
use consistency::{Level, Millis, Version};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// No lease of a run ends by time.
const LEASE: Duration = Duration::from_hours(10_000);

/// One agent.
pub(super) struct Worker<'a> {
    name: String,
    pub(super) tasks: &'a [Task],
    pub(super) todo: VecDeque<&'a Task>,
    pub(super) session: Option<Session>,
    /// The steps that are still to be done, in their order, and those that are done or being done.
    pub(super) left: BTreeSet<usize>,
    doing: BTreeMap<usize, Doing>,
    generating: Option<usize>,
    /// The cells that the attempts of this task have read.
    used: BTreeSet<String>,
    failures: u32,
    /// Whether a read was refused and the agent went on without it; such an attempt must not be committed, even if a lease
    /// that comes back cures what it was refused for.
    pub(super) blind: bool,
    /// Whether it waits for what others do.
    pub(super) waits: bool,
    /// When it wakes next: its place in the queue.
    pub(super) alarm: (Millis, u64),
}

/// A step as it was begun.
#[derive(Debug, Default)]
struct Doing {
    step: u32,
    since: Millis,
    until: Millis,
    seen: Seen,
    versions: BTreeMap<String, Version>,
    pins: BTreeMap<String, Option<String>>,
    merged: BTreeSet<String>,
}

impl<'a> Worker<'a> {
    pub(super) fn new(index: usize, tasks: &'a [Task]) -> Worker<'a> {
        Worker {
            name: format!("agent {index}"),
            tasks,
            todo: tasks.iter().collect(),
            session: None,
            left: BTreeSet::new(),
            doing: BTreeMap::new(),
            generating: None,
            used: BTreeSet::new(),
            failures: 0,
            blind: false,
            waits: false,
            alarm: (0, 0),
        }
    }

    /// Begins the first attempt of a task.
    pub(super) fn start(&mut self, store: &Store, task: &Task, level: Level) -> Result<(), StoreError> {
        let name = self.name.as_str();
        let session = if task.only_reads { store.fresh(name, level)? } else { store.begin(name, level)? };
        self.session = Some(session);
        self.left = (0..task.steps.len()).collect();
        Ok(())
    }

    /// Ends the generation that was going on, and does what it came to; tells how long it took.
    pub(super) fn finish(&mut self, task: &Task) -> Result<Millis, StoreError> {
        let Some(index) = self.generating.take() else { return Ok(0) };
        let seen = self.seen();
        let (Some(session), Some(doing)) = (self.session.as_mut(), self.doing.get_mut(&index)) else { return Ok(0) };
        for deed in task.steps.get(index).map(|step| (step.make)(&seen)).unwrap_or_default() {
            if let Deed::Lines(key, _) = &deed {
                doing.merged.insert(key.clone());
            }
            match perform(session, deed) {
                // A merge reads what it is made from.
                Err(StoreError::Doomed(_)) => self.blind = true,
                done => done?,
            }
        }
        Ok(doing.until - doing.since)
    }

    /// Begins a step: looks, and generates until a moment. Tells whether it could: a doomed session that wants to know
    /// does not begin, another one goes on with what it has.
    pub(super) fn begin(
        &mut self,
        shell: &dyn Shell,
        (index, step): (usize, &Step),
        level: Level,
        policy: Policy,
        (since, until): (Millis, Millis),
    ) -> Result<bool, StoreError> {
        let Some(session) = self.session.as_mut() else { return Ok(false) };
        let after: Vec<u32> = step.after.iter().filter_map(|step| Some(self.doing.get(step)?.step)).collect();
        let mut doing = Doing { step: session.step(&after)?, since, until, ..Doing::default() };
        match look(shell, session, step, level, &mut doing) {
            Err(StoreError::Doomed(_)) if policy.notice => return Ok(false),
            Err(StoreError::Doomed(_)) => self.blind = true,
            looked => looked?,
        }
        self.used.extend(step.reads.iter().cloned());
        self.left.remove(&index);
        self.doing.insert(index, doing);
        self.generating = Some(index);
        Ok(true)
    }

    /// Has the leases that the policy wants, on what it used and what it is about to read, or asks for them; tells whether
    /// it may go on.
    pub(super) fn leased(&mut self, task: &Task, policy: Policy) -> Result<bool, StoreError> {
        let wanted = policy.leases_after.is_some_and(|after| self.failures >= after);
        let Some(session) = self.session.as_mut().filter(|_| wanted) else { return Ok(true) };
        let next = self.left.first().and_then(|index| task.steps.get(*index));
        self.used.extend(next.into_iter().flat_map(|step| step.reads.iter().cloned()));
        for key in &self.used {
            if let Leased::Busy { .. } = session.lease(key, LEASE)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Learns that what it saw no longer holds: does the steps again that follow from it, or everything. Tells whether it
    /// was stopped in what it is generating.
    pub(super) fn doomed(&mut self, policy: Policy, spent: &mut Spent, now: Millis) -> Result<bool, StoreError> {
        let Some(session) = self.session.as_mut() else { return Ok(false) };
        self.failures += 1;
        self.blind = false;
        let gone = if policy.partial {
            spent.rewinds += 1;
            session.rewind()?
        } else {
            spent.aborts += 1;
            spent.attempts += 1;
            session.restart()?;
            self.doing.values().map(|doing| doing.step).collect()
        };
        let again: BTreeSet<usize> =
            self.doing.iter().filter(|(_, doing)| gone.contains(&doing.step)).map(|(index, _)| *index).collect();
        if let Some(running) = self.generating.filter(|index| again.contains(index)) {
            spent.generated += self.doing.get(&running).map_or(0, |doing| now.saturating_sub(doing.since));
            self.generating = None;
        }
        self.doing.retain(|index, _| !again.contains(index));
        self.left.extend(again);
        Ok(self.generating.is_none())
    }

    /// Leaves a task behind that was committed.
    pub(super) fn committed(&mut self, task: &Task, commit: Committed) -> Committed {
        let doing = std::mem::take(&mut self.doing);
        self.failures = 0;
        self.used.clear();
        self.todo.pop_front();
        let mut committed = Committed { task: task.name.clone(), ..commit };
        for Doing { seen, versions, pins, merged, .. } in doing.into_values() {
            let version = |key: &String| versions.get(key).copied().unwrap_or_default();
            committed.reads.extend(seen.cells.into_iter().map(|(key, content)| (key.clone(), version(&key), content)));
            committed.scans.extend(seen.found);
            committed.merged.extend(merged);
            committed.pins.extend(pins);
        }
        committed
    }

    /// What the attempt has seen so far.
    fn seen(&self) -> Seen {
        let mut all = Seen::default();
        for doing in self.doing.values() {
            all.cells.extend(doing.seen.cells.clone());
            all.found.extend(doing.seen.found.clone());
        }
        all
    }
}

/// Does a deed in a session.
pub(super) fn perform(session: &mut Session, deed: Deed) -> Result<(), StoreError> {
    match deed {
        Deed::Put(key, value) => session.write(&key, value),
        Deed::Append(key, item) => session.append(&key, item),
        Deed::Count(key, by) => session.count(&key, by),
        Deed::Lines(key, text) => session.merge(&key, text, Merge::Lines),
        Deed::Effect(lane, tool, payload) => session.effect(lane, tool, payload),
    }
}

/// Reads, searches and pins what a step begins with.
fn look(
    shell: &dyn Shell,
    session: &mut Session,
    step: &Step,
    level: Level,
    doing: &mut Doing,
) -> Result<(), StoreError> {
    for tool in &step.pins {
        doing.pins.insert(tool.clone(), fingerprint(shell, tool)?);
        if level >= Level::L4 {
            session.pin(tool.as_str())?;
        }
    }
    for key in &step.reads {
        let content = session.read(key)?;
        let known = shell.session(session.id())?;
        let read = known.as_ref().and_then(|known| known.reads.get(key.as_str()));
        doing.versions.insert(key.clone(), read.map_or(Version::ZERO, |read| read.version));
        doing.seen.cells.insert(key.clone(), content);
    }
    for prefix in &step.scans {
        let found = session.scan(prefix)?.into_iter().map(|(key, value)| (key.to_string(), value.into_json()));
        doing.seen.found.insert(prefix.clone(), found.collect());
    }
    Ok(())
}

/// What a tool is now.
pub(super) fn fingerprint(shell: &dyn Shell, tool: &str) -> Result<Option<String>, StoreError> {
    let tools = shell.tools()?;
    let found = tools.into_iter().find(|(name, _)| name.as_str() == tool);
    Ok(found.map(|(_, registered)| registered.fingerprint.as_str().to_owned()))
}
