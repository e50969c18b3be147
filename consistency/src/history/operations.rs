//! Records of operations as the runtime of arXiv 2606.17182 writes them, and its detectors by its definitions.
//!
//! A record knows values and times and no versions, so 0 → 1 → 0 goes unseen and there is no serialization graph. In
//! records, and nowhere else, the text `NULL` says that a cell is absent.

use super::{
    Anomaly, Cascade, CausalCascade, Operation, PhantomTool, Reached, Reordering, StaleGeneration, ToolChange, When,
};
use crate::cell::{Agent, Content, Tool, Value};
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One operation as recorded: what it read, used and wrote, and when.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Record {
    /// Who acted.
    pub agent: Agent,
    /// The cells read.
    pub read_set: BTreeSet<String>,
    /// What was in them.
    #[serde(deserialize_with = "contents")]
    pub read_values: BTreeMap<String, Content>,
    /// When they were read.
    pub read_time: u64,
    /// The cells written.
    pub write_set: BTreeSet<String>,
    /// What was written to them.
    #[serde(deserialize_with = "contents")]
    pub write_values: BTreeMap<String, Content>,
    /// When that was.
    pub write_time: u64,
    /// The tool that the plan relies on.
    #[serde(default)]
    pub planned_tool: Option<Tool>,
    /// The tools used.
    #[serde(default)]
    pub tools_used: Vec<Tool>,
    /// The tools that the operation saw when it read.
    #[serde(default)]
    pub tools_visible_at_read: Vec<Tool>,
    /// Effects in the order of issue, as cell and value.
    #[serde(default)]
    pub io: Vec<(String, String)>,
    /// Effects in the order in which they took hold.
    #[serde(default)]
    pub co: Vec<(String, String)>,
}

/// A history of records, indexed by cell, time and value.
#[derive(Debug, Clone, Default)]
pub struct Operations {
    records: Vec<Record>,
    /// The writes of each cell by time.
    writes: HashMap<String, Vec<Put>>,
    torn: Option<usize>,
}

/// A write of a cell.
#[derive(Debug, Clone)]
struct Put {
    time: u64,
    record: usize,
    value: Content,
    /// Where in the cell's writes the next other value is, so that equal ones are not looked at one by one.
    next_other: usize,
}

fn contents<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, Content>, D::Error> {
    let values: BTreeMap<String, String> = BTreeMap::deserialize(deserializer)?;
    let content = |value: String| if value == "NULL" { Content::Absent } else { Content::Present(Value::from(value)) };
    Ok(values.into_iter().map(|(cell, value)| (cell, content(value))).collect())
}

impl Record {
    fn read(&self, cell: &str) -> &Content {
        self.read_values.get(cell).unwrap_or(&Content::Absent)
    }

    fn written(&self, cell: &str) -> &Content {
        self.write_values.get(cell).unwrap_or(&Content::Absent)
    }

    fn operation(&self) -> Operation {
        Operation { agent: Some(self.agent.clone()), session: None, at: When::Time(self.write_time) }
    }
}

impl Operations {
    pub(super) fn of(records: Vec<Record>, torn: Option<usize>) -> Operations {
        let mut writes: HashMap<String, Vec<Put>> = HashMap::new();
        for (number, record) in records.iter().enumerate() {
            for cell in &record.write_set {
                let value = record.written(cell).clone();
                let put = Put { time: record.write_time, record: number, value, next_other: 0 };
                writes.entry(cell.clone()).or_default().push(put);
            }
        }
        for puts in writes.values_mut() {
            puts.sort_by_key(|put| (put.time, put.record));
            let mut after: Option<(Content, usize)> = None;
            for (place, put) in puts.iter_mut().enumerate().rev() {
                put.next_other = match &after {
                    Some((value, next)) if *value == put.value => *next,
                    _ => place + 1,
                };
                after = Some((put.value.clone(), put.next_other));
            }
        }
        Operations { records, writes, torn }
    }

    /// The records, as they were written.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The number of the last line where it was torn, and left out.
    pub fn torn(&self) -> Option<usize> {
        self.torn
    }

    /// A1: every two operations and a cell that the first read and the second wrote, with another value than read, after
    /// the first read it and before the first wrote.
    pub fn stale_generations(&self) -> impl Iterator<Item = StaleGeneration> {
        self.records.iter().enumerate().flat_map(move |(number, reader)| {
            reader.read_set.iter().flat_map(move |cell| {
                let writes = self.overtaking(number, reader, cell);
                writes.filter_map(move |(put, writer)| Some(stale(reader, self.records.get(writer)?, cell, put)))
            })
        })
    }

    /// The writes of a cell, by others and with other values, between a record's read and its write.
    fn overtaking(&self, number: usize, reader: &Record, cell: &str) -> impl Iterator<Item = (&Put, usize)> {
        let puts = self.writes.get(cell).map(Vec::as_slice).unwrap_or_default();
        let read = reader.read(cell).clone();
        let end = reader.write_time;
        let mut place = puts.partition_point(|put| put.time <= reader.read_time);
        std::iter::from_fn(move || {
            loop {
                let put = puts.get(place).filter(|put| put.time < end)?;
                if put.value == read {
                    place = put.next_other;
                    continue;
                }
                place += 1;
                if put.record != number {
                    return Some((put, put.record));
                }
            }
        })
    }

    /// A2: every operation whose planned tool it saw when it read, and did not use.
    pub fn phantom_tools(&self) -> impl Iterator<Item = PhantomTool> {
        self.records.iter().filter_map(|record| {
            let tool = record.planned_tool.clone()?;
            let is_phantom = record.tools_visible_at_read.contains(&tool) && !record.tools_used.contains(&tool);
            let change = ToolChange::Unused { used: record.tools_used.clone() };
            is_phantom.then(|| PhantomTool { operation: record.operation(), tool, change })
        })
    }

    /// A3, by its residue: every value read that no other operation had written to that cell by then.
    pub fn causal_cascades(&self) -> impl Iterator<Item = CausalCascade> {
        let mut first: HashMap<(&str, &Content), Vec<(u64, usize)>> = HashMap::new();
        for (cell, puts) in &self.writes {
            for put in puts {
                let known = first.entry((cell, &put.value)).or_default();
                // The two earliest writers suffice: one of them is not the reader.
                if known.len() < 2 && known.iter().all(|(_, record)| *record != put.record) {
                    known.push((put.time, put.record));
                }
            }
        }
        self.records
            .iter()
            .enumerate()
            .flat_map(|(number, record)| {
                let values = record.read_values.iter().filter(|(_, value)| value.value().is_some());
                values.map(move |(cell, value)| (number, record, cell, value))
            })
            .filter(move |(number, record, cell, value)| {
                let antecedents = first.get(&(cell.as_str(), *value)).into_iter().flatten();
                let mut antecedents = antecedents.filter(|(_, writer)| writer != number);
                !antecedents.any(|(time, _)| *time <= record.read_time)
            })
            .map(|(_, record, cell, value)| {
                let (cell, value, read_at) = (cell.clone(), value.clone(), When::Time(record.read_time));
                CausalCascade { survivor: record.operation(), rests_on: Cascade::Residue { cell, value, read_at } }
            })
    }

    /// A6: every operation with effects that took hold in another order than issued.
    pub fn reorderings(&self) -> impl Iterator<Item = Reordering> {
        self.records.iter().filter(|record| !record.io.is_empty() && record.io != record.co).map(|record| {
            let place = record.io.iter().zip(&record.co).take_while(|(issued, committed)| issued == committed).count();
            let (issued, committed) = (record.io.get(place).cloned(), record.co.get(place).cloned());
            Reordering::Shuffled { operation: record.operation(), place, issued, committed }
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
}

fn stale(reader: &Record, writer: &Record, cell: &str, put: &Put) -> StaleGeneration {
    StaleGeneration {
        reader: reader.operation(),
        writer: writer.operation(),
        cell: cell.to_owned(),
        read_at: When::Time(reader.read_time),
        written_at: When::Time(put.time),
        read: Some(reader.read(cell).clone()),
        written: put.value.clone(),
        same_value: false,
        phantom: false,
    }
}
