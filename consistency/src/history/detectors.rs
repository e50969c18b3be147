//! The anomalies of the paper on histories of our own store, each by its definition over versions.
//!
//! Each costs the size of the history and of the answer, and a search the arrivals until its session commits. Answers are
//! lazy, since a cell that everybody reads and writes has quadratically many witnesses.

use super::{
    Anomaly, Cascade, CausalCascade, Departure, Effect, History, Install, Operation, PhantomTool, Reached, Reordering,
    Scan, Seen, StaleGeneration, ToolChange, Transaction, When,
};
use crate::cell::{Lane, Version};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl History {
    /// A1: every read, and every search, of a committed transaction with each write of another one that landed after the
    /// version seen and before the commit. A write that leaves the same value counts, and is marked.
    pub fn stale_generations(&self) -> impl Iterator<Item = StaleGeneration> {
        self.overtaken().filter(|(_, accepted)| !accepted).map(|(witness, _)| witness)
    }

    /// What would be A1, but that the agent has acknowledged the change, or has declared how to merge it.
    pub fn accepted(&self) -> impl Iterator<Item = StaleGeneration> {
        self.overtaken().filter(|(_, accepted)| *accepted).map(|(witness, _)| witness)
    }

    fn overtaken(&self) -> impl Iterator<Item = (StaleGeneration, bool)> {
        self.committed().flat_map(move |(id, reader, commit)| {
            self.seen(reader).flat_map(move |seen| {
                let meanwhile = self.installs_within(seen.key, seen.version, commit);
                let meanwhile = seen.changes(meanwhile).iter().filter(move |install| install.transaction != id);
                meanwhile.map(move |install| (self.stale(id, seen, install), reader.accepts(seen, install.version)))
            })
        })
    }

    fn stale(&self, reader: usize, seen: Seen<'_>, install: &Install) -> StaleGeneration {
        let read = self.content(seen.key, seen.version).cloned();
        StaleGeneration {
            reader: self.operation(reader),
            writer: self.operation(install.transaction),
            cell: seen.key.to_string(),
            read_at: When::Version(seen.version),
            written_at: When::Version(install.version),
            same_value: read.as_ref() == Some(&install.content),
            read,
            written: install.content.clone(),
            phantom: seen.scan.is_some(),
        }
    }

    /// A2: every effect whose tool is not, at the call, what its session's plan had pinned.
    pub fn phantom_tools(&self) -> impl Iterator<Item = PhantomTool> {
        self.effects.iter().filter_map(|effect| {
            let id = *self.by_version.get(&effect.version)?;
            let pinned = self.transactions.get(id)?.pins.get(&effect.tool)?;
            let Effect { lane, tool, fingerprint: live, .. } = effect;
            (pinned != live).then(|| PhantomTool {
                operation: self.operation(id),
                tool: tool.clone(),
                change: ToolChange::Changed { pinned: pinned.clone(), live: live.clone(), lane: lane.clone() },
            })
        })
    }

    /// A3: every operation that was not retracted, had an effect that left, and rests on one that was retracted, at
    /// whatever time; each with the nearest such operation and the first effect that left.
    pub fn causal_cascades(&self) -> impl Iterator<Item = CausalCascade> {
        let source = self.tainted();
        let mut told = BTreeSet::new();
        self.effects.iter().filter_map(move |effect| {
            let id = *self.by_version.get(&effect.version)?;
            let survivor = self.transactions.get(id)?;
            let mut step = source.get(id).copied().flatten()?;
            if survivor.retracted || survivor.version().is_none() || !told.insert(id) {
                return None;
            }
            let mut through = Vec::new();
            // A retracted operation is its own source.
            while let Some(next) = source.get(step).copied().flatten().filter(|next| *next != step) {
                through.push(self.operation(step));
                step = next;
            }
            through.reverse();
            let retracted = self.operation(step);
            let (lane, tool) = (effect.lane.clone(), effect.tool.clone());
            let rests_on = Cascade::Retracted { retracted, through, lane, tool };
            Some(CausalCascade { survivor: self.operation(id), rests_on })
        })
    }

    /// For each transaction the one it read from on a shortest way to a retracted one; that one itself for those.
    fn tainted(&self) -> Vec<Option<usize>> {
        let mut readers = vec![Vec::new(); self.transactions.len()];
        for (id, transaction, _) in self.committed() {
            let acknowledged = transaction.acknowledged.iter();
            let acknowledged =
                acknowledged.flat_map(|(key, versions)| versions.iter().map(move |version| (key, *version)));
            let seen = self.seen(transaction).chain(self.rests_on(transaction)).map(|seen| (seen.key, seen.version));
            for (key, version) in seen.chain(acknowledged) {
                let writer = self.install(key, version).map(|install| install.transaction);
                if let Some(readers) = writer.and_then(|writer| readers.get_mut(writer)) {
                    readers.push(id);
                }
            }
        }
        let retracted = self.committed().filter(|(_, transaction, _)| transaction.retracted);
        let mut queue: VecDeque<usize> = retracted.map(|(id, ..)| id).collect();
        let mut source = vec![None; self.transactions.len()];
        for id in &queue {
            if let Some(own) = source.get_mut(*id) {
                *own = Some(*id);
            }
        }
        while let Some(id) = queue.pop_front() {
            let missed = self.missed(id);
            for reader in readers.get(id).into_iter().flatten().copied().chain(missed) {
                if let Some(unknown @ None) = source.get_mut(reader) {
                    *unknown = Some(id);
                    queue.push_back(reader);
                }
            }
        }
        source
    }

    /// The transactions whose searches did not find a cell because another one had removed it.
    fn missed(&self, id: usize) -> impl Iterator<Item = usize> {
        let writes = self.transactions.get(id).into_iter().flat_map(|it| &it.writes);
        writes.filter(|(_, _, content)| content.value().is_none()).flat_map(move |(key, version, _)| {
            let searched = move |scan: &Scan| scan.covers(key) && scan.saw(key, self.installs(key)) == *version;
            let readers = self.committed().filter(move |(_, reader, _)| reader.scans.iter().any(searched));
            readers.map(|(reader, ..)| reader)
        })
    }

    /// A6: every effect that left a lane after one of a later commit, or a later one of its commit.
    pub fn reorderings(&self) -> impl Iterator<Item = Reordering> {
        let mut latest: BTreeMap<&Lane, &Effect> = BTreeMap::new();
        self.effects.iter().filter_map(move |effect| {
            let latest = latest.entry(&effect.lane).or_insert(effect);
            if latest.issued() > effect.issued() {
                let (late, by) = (self.departure(effect), self.departure(latest));
                return Some(Reordering::Overtaken { lane: effect.lane.clone(), late, by });
            }
            *latest = effect;
            None
        })
    }

    /// Every anomaly, one kind after the other.
    pub fn anomalies(&self) -> impl Iterator<Item = Anomaly> {
        let stale = self.stale_generations().map(Anomaly::StaleGeneration);
        let phantom = self.phantom_tools().map(Anomaly::PhantomTool);
        let cascades = self.causal_cascades().map(Anomaly::CausalCascade);
        stale.chain(phantom).chain(cascades).chain(self.reorderings().map(Anomaly::Reordering))
    }

    /// The level that the history reaches, with what keeps it from the next one.
    pub fn level(&self) -> Reached {
        Reached::of(
            self.stale_generations().next(),
            self.causal_cascades().next(),
            self.reorderings().next(),
            self.phantom_tools().next(),
        )
    }

    /// Who a transaction is, in a witness.
    pub(super) fn operation(&self, id: usize) -> Operation {
        let transaction = self.transactions.get(id);
        Operation {
            agent: transaction.and_then(|it| it.agent.clone()),
            session: transaction.and_then(|it| it.session),
            at: When::Version(transaction.and_then(Transaction::version).unwrap_or_default()),
        }
    }

    fn departure(&self, effect: &Effect) -> Departure {
        let transaction = self.by_version.get(&effect.version).and_then(|id| self.transactions.get(*id));
        let agent = transaction.and_then(|it| it.agent.clone());
        Departure { agent, version: effect.version, index: effect.index, tool: effect.tool.clone() }
    }
}

impl Transaction {
    /// Whether the agent accepts that what it saw was changed by a version.
    fn accepts(&self, seen: Seen<'_>, version: Version) -> bool {
        self.merged.contains(seen.key) || self.acknowledged(seen.key).is_some_and(|up_to| version <= up_to)
    }
}

impl Effect {
    /// Its place in the order of commit and issue.
    fn issued(&self) -> (Version, usize) {
        (self.version, self.index)
    }
}
