//! The contest: agents that work on a few hot cells for as long as there is time, under each policy and each baseline.
//!
//! Every operation reads some of the cells, one a step, generates in each step, and writes the last of the cells. Useful are the commits; what a policy is judged by is how many of them a unit of generation
//! brings, and how evenly they fall to the agents.

use super::baseline::{Locking, Scanning};
use super::shapes::step;
use super::{Deed, Judged, Policy, Random, Seen, Setting, Shape, Step, Task, run};
use consistency::store::{Memory, Shell, StoreError};
use consistency::{Level, Millis};
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Who contends for what, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Contest {
    /// How many agents.
    pub agents: usize,
    /// How many hot cells.
    pub cells: u64,
    /// How many of them an operation reads.
    pub reads: u64,
    /// How long each step generates, in milliseconds; chance makes it up to half as long again.
    pub ticks: Millis,
    /// When the contest ends.
    pub until: Millis,
    /// What chance does.
    pub seed: u64,
}

/// How soon somebody who could not begin or commit tries again, in a baseline.
const NAP: Millis = 20;

/// The contest of the design: 8 agents, 4 hot keys, generation in several steps, ten hours.
pub const DESIGN: Contest = Contest { agents: 8, cells: 4, reads: 4, ticks: 3_000, until: 36_000_000, seed: 1 };

/// How a policy did.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The policy.
    pub name: &'static str,
    /// Commits, agent by agent.
    pub commits: Vec<u64>,
    /// Attempts that ended without a commit, or went back to an earlier step.
    pub failed: u64,
    /// Milliseconds of generation, in vain or not.
    pub generated: Millis,
    /// How long the contest was, in milliseconds.
    pub elapsed: Millis,
}

#[expect(clippy::cast_precision_loss, reason = "counts become rates")]
impl Outcome {
    /// All commits.
    pub fn total(&self) -> u64 {
        self.commits.iter().sum()
    }

    /// Commits an hour.
    pub fn per_hour(&self) -> f64 {
        self.total() as f64 * 3_600_000.0 / self.elapsed.max(1) as f64
    }

    /// Commits per second of generation.
    pub fn per_generated(&self) -> f64 {
        self.total() as f64 * 1_000.0 / self.generated.max(1) as f64
    }

    /// Failures among all attempts, of 100.
    pub fn failed_percent(&self) -> f64 {
        self.failed as f64 * 100.0 / (self.failed + self.total()).max(1) as f64
    }

    /// The commits of the agent with the fewest, of the one in the middle, and of the one with the most.
    pub fn spread(&self) -> (u64, u64, u64) {
        let mut sorted = self.commits.clone();
        sorted.sort_unstable();
        let place = |index: usize| sorted.get(index).copied().unwrap_or_default();
        (place(0), place(sorted.len() / 2), place(sorted.len().saturating_sub(1)))
    }
}

/// An operation: the cells that it reads, of which it writes the last.
pub type Plan = Vec<String>;

impl Contest {
    /// The operations of an agent, one after the other.
    pub fn plans(&self, agent: usize) -> impl Iterator<Item = Plan> + use<> {
        let Contest { cells, reads, seed, .. } = *self;
        let mut random = Random::new(seed.wrapping_mul(1_000).wrapping_add(agent as u64));
        std::iter::repeat_with(move || {
            let mut left: Vec<u64> = (0..cells).collect();
            let mut pick = |_| left.swap_remove(usize::try_from(random.below(left.len() as u64)).unwrap_or_default());
            (0..reads.min(cells)).map(&mut pick).map(|cell| format!("hot/{cell}")).collect()
        })
    }

    /// The contest as a shape: each agent has more tasks than it has time for.
    pub fn shape(&self) -> Shape {
        let most = usize::try_from(self.until / (self.ticks * self.reads).max(1)).unwrap_or_default() + 1;
        let agent = |agent| {
            let task =
                |(turn, plan)| Task { name: format!("{agent} {turn}"), steps: self.steps(plan), ..Task::default() };
            self.plans(agent).take(most).enumerate().map(task).collect()
        };
        Shape {
            name: "hot cells",
            cells: (0..self.cells).map(|cell| (format!("hot/{cell}"), json!(0))).collect(),
            tools: Vec::new(),
            agents: (0..self.agents).map(agent).collect(),
            judge: Box::new(|_| Judged::default()),
        }
    }

    /// A step for each cell; the last one writes the cell that it reads.
    fn steps(&self, plan: Plan) -> Vec<Step> {
        let last = plan.len().saturating_sub(1);
        let work = |(index, key): (usize, String)| {
            let mine = key.clone();
            let write = move |seen: &Seen| vec![Deed::Put(mine.clone(), json!(seen.number(&mine) + 1))];
            if index == last { step(&[&key], self.ticks, write) } else { step(&[&key], self.ticks, |_| Vec::new()) }
        };
        plan.into_iter().enumerate().map(work).collect()
    }

    /// How a policy does over the real store, in memory.
    ///
    /// # Errors
    /// [`StoreError`] where the store fails.
    pub fn policy(&self, policy: Policy) -> Result<Outcome, StoreError> {
        let shell: Arc<dyn Shell> = Arc::new(Memory::default());
        let setting = Setting { level: Level::L1, policy, seed: self.seed, until: self.until };
        let (trace, _) = run(&self.shape(), &shell, setting)?;
        let mut commits = vec![0; self.agents];
        for commit in &trace.committed {
            commits.get_mut(commit.agent).into_iter().for_each(|count| *count += 1);
        }
        let (failed, generated) = (trace.spent.aborts + trace.spent.rewinds, trace.spent.generated);
        Ok(Outcome { name: policy.name, commits, failed, generated, elapsed: self.until })
    }

    /// How the baselines do.
    pub fn baselines(&self) -> Vec<Outcome> {
        let mut found = Vec::new();
        for (name, paid) in
            [("exclusive locks, refused at begin", false), ("exclusive locks, refusal noticed at commit", true)]
        {
            let store = Locking::default();
            let begin = |plan: &Plan| {
                let holder = store.begin(&plan.iter().map(String::as_str).collect::<Vec<_>>());
                if holder.is_some() || paid { Some(holder) } else { None }
            };
            found.push(self.baseline(name, begin, |holder, plan| {
                let Some(holder) = holder else { return false };
                store.commit(&holder, &plan.last().map(|key| (key.as_str(), "1")).into_iter().collect::<Vec<_>>());
                true
            }));
        }
        let store = Scanning::default();
        let begin = |plan: &Plan| {
            let mut reader = store.begin();
            for key in plan {
                store.read(&mut reader, key);
            }
            Some(reader)
        };
        found.push(self.baseline("snapshots, validated by scanning", begin, |reader, plan| {
            store.commit(&reader, &plan.last().map(|key| (key.as_str(), "1")).into_iter().collect::<Vec<_>>())
        }));
        found
    }

    /// Has the agents begin, generate and commit in virtual time. Who can't begin, or can't commit, tries again soon.
    fn baseline<T>(
        &self,
        name: &'static str,
        begin: impl Fn(&Plan) -> Option<T>,
        commit: impl Fn(T, &Plan) -> bool,
    ) -> Outcome {
        let mut random = Random::new(self.seed);
        let mut result = Outcome { name, commits: vec![0; self.agents], failed: 0, generated: 0, elapsed: self.until };
        let mut plans: Vec<_> = (0..self.agents).map(|agent| self.plans(agent).peekable()).collect();
        let mut begun: Vec<Option<T>> = (0..self.agents).map(|_| None).collect();
        let mut queue: BTreeSet<(Millis, u64, usize)> =
            (0..self.agents).map(|agent| (random.below(NAP), random.draw(), agent)).collect();
        while let Some((now, _, agent)) = queue.pop_first().filter(|(now, ..)| *now <= self.until) {
            let (Some(plans), Some(begun)) = (plans.get_mut(agent), begun.get_mut(agent)) else { continue };
            let Some(plan) = plans.peek().cloned() else { continue };
            let mut next = now + NAP;
            if let Some(session) = begun.take() {
                if commit(session, &plan) {
                    result.commits.get_mut(agent).into_iter().for_each(|count| *count += 1);
                    plans.next();
                } else {
                    result.failed += 1;
                }
            } else if let Some(session) = begin(&plan) {
                let ticks: Millis = plan.iter().map(|_| self.ticks + random.below(self.ticks / 2 + 1)).sum();
                *begun = Some(session);
                result.generated += ticks;
                next = now + ticks;
            } else {
                result.failed += 1;
            }
            queue.insert((next, random.draw(), agent));
        }
        result
    }
}
