//! What a run comes to: the paper's anomalies, found from the trace and the store's history, and the score.
//!
//! Independent of how the store decides: it is not asked whether something was stale; its versions are compared with what
//! the agents saw. Deliberately absent: what needs several replicas (A4, A5).

use super::{Anomaly, Committed, End, Judged, Policy, Setting, Shape, Spent, Trace, run};
use consistency::ledger::Written;
use consistency::store::{Sequence, Shell, Store, StoreError};
use consistency::{Content, Key, Level, Millis, Version};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A run that has not ended by then has got stuck.
const LIMIT: Millis = 10_000_000;

/// What many runs of a shape at a level come to.
#[derive(Debug, Clone, Default)]
pub struct Score {
    /// How many runs.
    pub runs: usize,
    /// In how many nothing happened that the level excludes.
    pub clean: usize,
    /// In how many all the work got done.
    pub complete: usize,
    /// How often each anomaly happened, excluded or not.
    pub anomalies: BTreeMap<&'static str, usize>,
    /// The commits that were made and stayed.
    pub commits: usize,
    /// What it cost.
    pub spent: Spent,
    /// The first thing that went wrong, with the seed that shows it.
    pub first: Option<String>,
}

impl Score {
    /// Runs a shape with each of some seeds over new stores.
    ///
    /// # Errors
    /// [`StoreError`] where a store fails.
    pub fn of(
        shape: &dyn Fn(u64) -> Shape,
        level: Level,
        policy: Policy,
        seeds: std::ops::Range<u64>,
        shell: &mut dyn FnMut() -> Result<Arc<dyn Shell>, StoreError>,
    ) -> Result<Score, StoreError> {
        let mut score = Score::default();
        for seed in seeds {
            let (shape, shell) = (shape(seed), shell()?);
            let (trace, end) = run(&shape, &shell, Setting { level, policy, seed, until: LIMIT })?;
            score.add(&shape, level, seed, &trace, &judge(&shape, &shell, &trace, &end)?);
        }
        Ok(score)
    }

    fn add(&mut self, shape: &Shape, level: Level, seed: u64, trace: &Trace, judged: &Judged) {
        let excluded = judged.anomalies.iter().find(|anomaly| anomaly.excluded_from <= level);
        let wrong = excluded.map(|anomaly| format!("{}: {}", anomaly.kind, anomaly.witness));
        let wrong = wrong.or_else(|| judged.missing.first().map(|missing| format!("missing: {missing}")));
        if let Some(wrong) = wrong.filter(|_| self.first.is_none()) {
            self.first = Some(format!("{} at {level}, seed {seed}: {wrong}", shape.name));
        }
        self.runs += 1;
        self.clean += usize::from(excluded.is_none());
        self.complete += usize::from(judged.missing.is_empty());
        for kind in judged.anomalies.iter().map(|anomaly| anomaly.kind).collect::<BTreeSet<_>>() {
            *self.anomalies.entry(kind).or_default() += 1;
        }
        self.commits += trace.committed.iter().filter(|commit| !trace.retracted.contains(&commit.version)).count();
        self.spent.attempts += trace.spent.attempts;
        self.spent.aborts += trace.spent.aborts;
        self.spent.rewinds += trace.spent.rewinds;
        self.spent.generated += trace.spent.generated;
        self.spent.elapsed += trace.spent.elapsed;
    }
}

/// Judges a run: the anomalies of the paper, and what the shape's own judge finds.
///
/// # Errors
/// [`StoreError`] where the store can't be read.
pub fn judge(shape: &Shape, shell: &Arc<dyn Shell>, trace: &Trace, end: &End) -> Result<Judged, StoreError> {
    let store = Store::with(Arc::clone(shell), Arc::new(Sequence::default()));
    let mut judged = (shape.judge)(end);
    let standing = trace.committed.iter().filter(|commit| !trace.retracted.contains(&commit.version));
    for commit in standing {
        judged.anomalies.extend(stale(shell, commit)?);
    }
    judged.anomalies.extend(cascades(trace));
    judged.anomalies.extend(reordered(trace));
    judged.anomalies.extend(phantom_tools(trace));
    judged.missing.extend(trace.unfinished.iter().map(|task| format!("{task} never committed")));
    for lane in store.lanes()? {
        judged.missing.push(format!("something on the lane {lane} never left"));
    }
    Ok(judged)
}

/// A1: what was read or found had another value right before the commit.
fn stale(shell: &Arc<dyn Shell>, commit: &Committed) -> Result<Vec<Anomaly>, StoreError> {
    let mut found = Vec::new();
    let mut stale = |what: &str, then: String, now: String| {
        if then != now {
            let witness = format!("{} saw {what} as {then}, and it was {now} when it committed", commit.task);
            found.push(Anomaly { kind: "A1", excluded_from: Level::L1, witness });
        }
    };
    let before =
        |written: &&Written| written.version < commit.version || !commit.own && written.version == commit.version;
    for (key, _, content) in commit.reads.iter().filter(|(key, ..)| !commit.merged.contains(key)) {
        let history = shell.history(&Key::new(key)?)?;
        let now = history.iter().rev().find(before).map_or(&Content::Absent, |written| &written.content);
        stale(key, format!("{content:?}"), format!("{now:?}"));
    }
    for (prefix, seen) in &commit.scans {
        let mut now = Vec::new();
        for (key, _) in shell.written_since(Version::ZERO, usize::MAX)? {
            let history = shell.history(&key)?;
            let written = history.iter().rev().find(before);
            if let Some(value) =
                written.and_then(|written| written.content.value()).filter(|_| key.as_str().starts_with(prefix))
            {
                now.push((key.to_string(), value.json().clone()));
            }
        }
        now.sort_by(|(one, _), (other, _)| one.cmp(other));
        stale(prefix, format!("{seen:?}"), format!("{now:?}"));
    }
    Ok(found)
}

/// A3: an effect reached the world though its commit, or one that it rests on, was retracted.
fn cascades(trace: &Trace) -> Vec<Anomaly> {
    let mut poisoned = trace.retracted.clone();
    for commit in &trace.committed {
        if commit.reads.iter().any(|(_, version, _)| poisoned.contains(version)) {
            poisoned.insert(commit.version);
        }
    }
    let delivered = trace.delivered.iter().filter(|delivered| poisoned.contains(&delivered.id.commit));
    let anomaly = |witness| Anomaly { kind: "A3", excluded_from: Level::L2, witness };
    delivered.map(|delivered| anomaly(format!("{} rests on what was retracted", delivered.payload))).collect()
}

/// A6: effects of a lane reached the world in another order than they were issued in.
fn reordered(trace: &Trace) -> Vec<Anomaly> {
    let mut last = BTreeMap::new();
    let mut found = Vec::new();
    for delivered in &trace.delivered {
        if let Some(before) = last.insert(&delivered.lane, delivered)
            && before.id > delivered.id
        {
            let witness = format!("{} came before {}", before.payload, delivered.payload);
            found.push(Anomaly { kind: "A6", excluded_from: Level::L3, witness });
        }
    }
    found
}

/// A2: a tool was used that is not the one the plan relied on.
fn phantom_tools(trace: &Trace) -> Vec<Anomaly> {
    let mut found = Vec::new();
    for delivered in &trace.delivered {
        let commit = trace.committed.iter().find(|commit| commit.version == delivered.id.commit);
        if let Some(planned) = commit.and_then(|commit| commit.pins.get(&delivered.tool))
            && *planned != delivered.fingerprint
        {
            let used = &delivered.fingerprint;
            let witness = format!("{} was planned with {planned:?} and used as {used:?}", delivered.tool);
            found.push(Anomaly { kind: "A2", excluded_from: Level::L4, witness });
        }
    }
    found
}
