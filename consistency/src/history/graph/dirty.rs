//! Dirty reads (G1a, G1b): what a committed transaction read and no serial order can show.

use super::{Graph, Phenomenon};
use crate::cell::{Content, Key, Version};
use crate::history::{End, Operation};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A read of what was never committed, or not committed so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirtyRead {
    /// G1a or G1b.
    pub phenomenon: Phenomenon,
    /// Who read.
    pub reader: Operation,
    /// Who wrote, where that is known.
    pub writer: Option<Operation>,
    /// The cell.
    pub key: Key,
    /// The version read.
    pub version: Version,
    /// What is wrong with it.
    pub cause: Cause,
}

/// What is wrong with a version that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Its transaction aborted (G1a).
    Aborted,
    /// No transaction of the history installed it, though the history had begun (G1a).
    Nobody,
    /// It holds another value (G1a).
    OtherValue,
    /// Its transaction overwrote it before it committed (G1b).
    Intermediate,
}

/// A version that nobody should read, with its transaction; whether an open one commits can't be told.
#[derive(Debug, Clone, Copy)]
enum Unfit {
    Aborted(usize),
    Open,
    Intermediate(usize),
}

impl Graph<'_> {
    /// All dirty reads, in the order of the transactions that read.
    pub fn dirty_reads(&self) -> Vec<DirtyRead> {
        let unfit = self.unfit();
        let first = self.history.by_version.keys().next().copied();
        let mut found = Vec::new();
        for (id, reader, _) in self.history.committed() {
            let reads = reader.reads.iter().map(|read| (&read.key, read.version, Some(&read.value)));
            let scans = reader.scans.iter().flat_map(|scan| &scan.found).map(|(key, version)| (key, *version, None));
            for (key, version, value) in reads.chain(scans) {
                let install = self.history.install(key, version);
                let (cause, writer) = match (unfit.get(&(key, version)), install) {
                    (Some(Unfit::Aborted(writer)), _) => (Cause::Aborted, Some(*writer)),
                    (Some(Unfit::Intermediate(writer)), _) => (Cause::Intermediate, Some(*writer)),
                    (None, Some(install)) if value.is_some_and(|value| *value != install.content) => {
                        (Cause::OtherValue, Some(install.transaction))
                    }
                    (None, None) if version == Version::ZERO && value.is_some_and(|it| *it != Content::Absent) => {
                        (Cause::OtherValue, None)
                    }
                    // What is older than the first version of the record was written before the record.
                    (None, None) if first.is_some_and(|first| version >= first) => (Cause::Nobody, None),
                    (Some(Unfit::Open) | None, _) => continue,
                };
                if writer == Some(id) {
                    continue;
                }
                let phenomenon = if cause == Cause::Intermediate { Phenomenon::G1b } else { Phenomenon::G1a };
                let (reader, writer) = (self.history.operation(id), writer.map(|id| self.history.operation(id)));
                found.push(DirtyRead { phenomenon, reader, writer, key: key.clone(), version, cause });
            }
        }
        found
    }

    /// The versions that aborted or open transactions wrote, and those that their own transactions overwrote.
    fn unfit(&self) -> BTreeMap<(&Key, Version), Unfit> {
        let mut unfit = BTreeMap::new();
        for (id, transaction) in self.history.transactions.iter().enumerate() {
            let why = match transaction.end {
                End::Committed { .. } => continue,
                End::Aborted { .. } => Unfit::Aborted(id),
                End::Open => Unfit::Open,
            };
            unfit.extend(transaction.writes.iter().map(|(key, version, _)| ((key, *version), why)));
        }
        for (key, installs) in &self.history.cells {
            let mut last = BTreeSet::new();
            for install in installs.iter().rev().filter(|install| !last.insert(install.transaction)) {
                unfit.insert((key, install.version), Unfit::Intermediate(install.transaction));
            }
        }
        unfit
    }
}

impl fmt::Display for DirtyRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DirtyRead { reader, writer, key, version, cause, .. } = self;
        let writer = writer.as_ref().map_or("nobody".to_owned(), ToString::to_string);
        match cause {
            Cause::Aborted => write!(f, "{reader} read {key} at {version}, which {writer} wrote and aborted"),
            Cause::Nobody => write!(f, "{reader} read {key} at {version}, which nobody committed"),
            Cause::OtherValue => write!(f, "{reader} read in {key} at {version} what {writer} did not write there"),
            Cause::Intermediate => {
                write!(f, "{reader} read {key} at {version}, which {writer} overwrote before it committed")
            }
        }
    }
}
