//! The serialization graph against the crate `adya`, on its own simulated list-append histories at each isolation.
//!
//! `adya` infers the order of versions from what was read; ours is told it. So that both judge the same, an element that
//! nobody read is left out of the history for both. Where reads contradict each other there is no order of versions to
//! tell us; then the history is not serializable for either, and only counted.

use crate::script::{content, key, version};
use adya::r#gen::GenOpts;
use adya::sim::{self, Isolation, SimOpts};
use adya::{Opts, Valid, Workload};
use consistency::history::graph::Graph;
use consistency::history::{Event, History};
use consistency::{Agent, Content, Level, SessionId, Value};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many histories of each isolation are compared.
const ROUNDS: u64 = 250;

/// The order of each key's elements, if no two reads contradict each other.
type Orders = Option<BTreeMap<i64, Vec<i64>>>;

fn operations(options: &SimOpts) -> Vec<Json> {
    sim::run(options).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The elements of a completed read.
fn elements(step: &Json) -> Option<Vec<i64>> {
    step[2].as_array().map(|list| list.iter().map(|it| it.as_i64().unwrap()).collect())
}

fn steps(operation: &Json) -> impl Iterator<Item = &Json> {
    operation["value"].as_array().unwrap().iter()
}

fn orders(operations: &[Json]) -> Orders {
    let mut orders: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    let completed = operations.iter().filter(|operation| operation["type"] == "ok");
    for (step, list) in completed.flat_map(steps).filter_map(|step| Some((step, elements(step)?))) {
        let order = orders.entry(step[1].as_i64().unwrap()).or_default();
        let (short, long) = if list.len() < order.len() { (&list, &*order) } else { (&*order, &list) };
        if !long.starts_with(short) {
            return None;
        }
        *order = long.clone();
    }
    Some(orders)
}

/// The same history without the elements that nobody read.
fn observed(operations: &[Json]) -> Vec<Json> {
    let completed = operations.iter().filter(|operation| operation["type"] == "ok");
    let read = completed.flat_map(steps).filter_map(|step| Some((step[1].as_i64().unwrap(), elements(step)?)));
    let read: BTreeSet<(i64, i64)> = read.flat_map(|(cell, list)| list.into_iter().map(move |it| (cell, it))).collect();
    let keeps =
        |step: &&Json| step[0] != "append" || read.contains(&(step[1].as_i64().unwrap(), step[2].as_i64().unwrap()));
    let kept = operations.iter().map(|operation| {
        let mut operation = operation.clone();
        operation["value"] = steps(&operation).filter(keeps).cloned().collect();
        operation
    });
    kept.collect()
}

/// The history over versions: the n-th element of a list is its n-th version, and no other key has the same ones.
fn history(operations: &[Json], orders: &BTreeMap<i64, Vec<i64>>) -> History {
    let at = |cell: i64, element: i64| {
        let place = orders[&cell].iter().position(|it| *it == element).unwrap() as u64;
        version(1 + place * 10_000 + u64::try_from(cell).unwrap())
    };
    let name = |cell: i64| key(&format!("list/{cell}"));
    let mut events = Vec::new();
    let completed = operations.iter().filter(|operation| operation["type"] != "invoke");
    for (number, operation) in completed.enumerate() {
        let session = SessionId(number as u64);
        events.push(Event::Begin { session, agent: Agent::from("client"), level: Level::L0 });
        for step in steps(operation) {
            let cell = step[1].as_i64().unwrap();
            match (step[0].as_str().unwrap(), elements(step)) {
                ("append", _) => {
                    let element = step[2].as_i64().unwrap();
                    let (version, content) = (at(cell, element), content(element));
                    events.push(Event::Write { session, key: name(cell), version, content });
                }
                ("r", Some(list)) => {
                    let version = list.last().map_or(version(0), |last| at(cell, *last));
                    let value = list.last().map_or(Content::Absent, |last| Content::Present(Value::from(*last)));
                    events.push(Event::Read { session, key: name(cell), version, value });
                }
                // A read of a transaction that did not complete.
                _ => {}
            }
        }
        // An outcome that is not known counts as a commit, as soon as somebody has read of it.
        if operation["type"] == "fail" {
            events.push(Event::Abort { session, reason: "failed".to_owned() });
        } else {
            let version = version(1_000_000_000 + number as u64);
            events.push(Event::Commit { session, version, writes: Vec::new(), effects: Vec::new() });
        }
    }
    History::of(events).unwrap()
}

/// Compares the verdicts on many histories, and returns how many were serializable, were not, and had no order.
fn compare(isolation: Isolation) -> (u64, u64, u64) {
    let mut counts = (0, 0, 0);
    for seed in 0..ROUNDS {
        let generated = GenOpts { key_count: 4, max_txn_len: 4, ..GenOpts::default() };
        let txns = 12 + usize::try_from(seed % 5).unwrap() * 12;
        let options =
            SimOpts { isolation, processes: 4, txns, seed, info_rate: 0.03, r#gen: generated, ..SimOpts::default() };
        let operations = observed(&operations(&options));
        let text: String = operations.iter().map(|operation| format!("{operation}\n")).collect();
        let theirs = adya::History::from_json(&text).unwrap();
        let options = Opts { models: vec!["serializable".to_owned()], ..Opts::default() };
        let report = adya::check(&theirs, Workload::ListAppend, &options);
        let is_empty = report.anomaly_types == ["empty-transaction-graph"];
        assert!(report.valid != Valid::Unknown || is_empty, "seed {seed}: {:?}", report.anomaly_types);
        let theirs = report.valid != Valid::False;
        let Some(orders) = orders(&operations) else {
            assert!(!theirs, "{isolation:?}, seed {seed}: reads contradict each other");
            counts.2 += 1;
            continue;
        };
        let verdict = Graph::of(&history(&operations, &orders)).verdict();
        assert_eq!(verdict.serializable, theirs, "{isolation:?}, seed {seed}: {report:#?}\n{verdict:#?}\n{text}");
        *(if theirs { &mut counts.0 } else { &mut counts.1 }) += 1;
    }
    counts
}

#[test]
fn both_find_every_serializable_run_serializable() {
    assert_eq!(compare(Isolation::Serializable), (ROUNDS, 0, 0));
}

#[test]
fn both_agree_on_runs_under_snapshot_isolation() {
    let (serializable, not, contradictory) = compare(Isolation::SnapshotIsolation);
    assert!(serializable >= 20 && not >= 20 && contradictory == 0, "{serializable}, {not}, {contradictory}");
}

#[test]
fn both_agree_on_runs_that_read_what_is_committed() {
    let (serializable, not, contradictory) = compare(Isolation::ReadCommitted);
    assert!(serializable >= 5 && not >= 100 && contradictory == 0, "{serializable}, {not}, {contradictory}");
}

#[test]
fn both_agree_on_runs_that_read_anything() {
    let (serializable, not, _) = compare(Isolation::ReadUncommitted);
    assert!(serializable >= 5 && not >= 100, "{serializable}, {not}");
}

#[test]
fn both_agree_on_runs_that_lose_updates() {
    let (serializable, not, contradictory) = compare(Isolation::LostUpdate);
    assert!(serializable >= 5 && contradictory >= 200, "{serializable}, {not}, {contradictory}");
}

#[test]
fn what_is_compared_holds_something() {
    let operations = [
        json!({"type": "ok", "value": [["append", 1, 5]]}),
        json!({"type": "ok", "value": [["append", 1, 6], ["r", 1, [5, 6]]]}),
        json!({"type": "ok", "value": [["append", 1, 7], ["append", 2, 8]]}),
    ];
    let kept = observed(&operations);
    assert_eq!(kept[2]["value"], json!([]));
    let graph = history(&kept, &orders(&kept).unwrap());
    assert_eq!(Graph::of(&graph).len(), 1);
}
