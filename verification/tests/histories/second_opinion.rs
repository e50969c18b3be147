//! The serialization graph against the crate `adya`, on its own simulated histories at each isolation.
//!
//! Of lists `adya` infers the order of versions from what was read; ours is told it. So that both judge the same, an
//! element that nobody read is left out of the history for both. Where reads contradict each other there is no order of
//! versions to tell us; then the history is not serializable for either, and only counted. Of registers both are told the
//! order of commits.

use crate::script::{content, key, version};
use adya::r#gen::{GenOpts, Kind};
use adya::sim::{self, Isolation, SimOpts};
use adya::{Opts, Valid, Workload};
use consistency::history::graph::Graph;
use consistency::history::{Event, History};
use consistency::{Agent, Content, Level, SessionId, Value, Version};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
                    events.push(Event::Read { session, key: name(cell), version, value: Some(value) });
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

/// A simulated run, of another length for each seed.
fn run(isolation: Isolation, kind: Kind, seed: u64) -> Vec<Json> {
    let generated = GenOpts { kind, key_count: 4, max_txn_len: 4, ..GenOpts::default() };
    // `adya` takes no edge from a register's write of unknown outcome, not even one that was read.
    let info_rate = if kind == Kind::ListAppend { 0.03 } else { 0.0 };
    let txns = 12 + usize::try_from(seed % 5).unwrap() * 12;
    let options = SimOpts { isolation, processes: 4, txns, seed, info_rate, r#gen: generated, ..SimOpts::default() };
    operations(&options)
}

/// Whether `adya` finds a history serializable; where nobody depends on anybody it says nothing against it.
fn theirs(operations: &[Json], workload: Workload, order: Option<HashMap<u64, i64>>) -> bool {
    let text: Vec<String> = operations.iter().map(Json::to_string).collect();
    let history = adya::History::from_json(&text.join("\n")).unwrap();
    let options = Opts { models: vec!["serializable".to_owned()], transaction_order: order, ..Opts::default() };
    let report = adya::check(&history, workload, &options);
    let is_empty = report.anomaly_types == ["empty-transaction-graph"];
    assert!(report.valid != Valid::Unknown || is_empty, "{:?}", report.anomaly_types);
    report.valid != Valid::False
}

/// Compares the verdicts on many lists, and returns how many were serializable, were not, and had no order.
fn compare(isolation: Isolation) -> (u64, u64, u64) {
    let mut counts = (0, 0, 0);
    for seed in 0..ROUNDS {
        let operations = observed(&run(isolation, Kind::ListAppend, seed));
        let theirs = theirs(&operations, Workload::ListAppend, None);
        let Some(orders) = orders(&operations) else {
            assert!(!theirs, "{isolation:?}, seed {seed}: reads contradict each other");
            counts.2 += 1;
            continue;
        };
        let verdict = Graph::of(&history(&operations, &orders)).verdict();
        assert_eq!(verdict.serializable, theirs, "{isolation:?}, seed {seed}: {verdict:#?}");
        *(if theirs { &mut counts.0 } else { &mut counts.1 }) += 1;
    }
    counts
}

/// The history of registers over versions: those of a transaction lie at the line of its end.
fn registers(operations: &[Json]) -> History {
    let name = |step: &Json| key(&format!("register/{}", step[1]));
    let at = |line: usize, place: usize| version(1 + line as u64 * 100 + place as u64);
    let completed = || operations.iter().enumerate().filter(|(_, operation)| operation["type"] != "invoke");
    let mut versions = BTreeMap::new();
    for (line, operation) in completed() {
        for (place, step) in steps(operation).enumerate().filter(|(_, step)| step[0] == "w") {
            versions.insert((name(step), step[2].as_i64().unwrap()), at(line, place));
        }
    }
    let mut events = Vec::new();
    for (line, operation) in completed() {
        let session = SessionId(line as u64);
        events.push(Event::Begin { session, agent: Agent::from("client"), level: Level::L0 });
        for step in steps(operation) {
            let (key, number) = (name(step), step[2].as_i64());
            let value = number.map_or(Content::Absent, content);
            let version = number.map_or(Version::ZERO, |number| versions[&(key.clone(), number)]);
            match step[0].as_str().unwrap() {
                "w" => events.push(Event::Write { session, key, version, content: value }),
                _ if operation["type"] == "ok" => {
                    events.push(Event::Read { session, key, version, value: Some(value) });
                }
                _ => {}
            }
        }
        events.push(if operation["type"] == "fail" {
            Event::Abort { session, reason: "failed".to_owned() }
        } else {
            Event::Commit { session, version: at(line, 99), writes: Vec::new(), effects: Vec::new() }
        });
    }
    History::of(events).unwrap()
}

/// Compares the verdicts on many runs over registers, and returns how many were serializable and were not.
fn compare_registers(isolation: Isolation) -> (u64, u64) {
    let mut counts = (0, 0);
    for seed in 0..ROUNDS {
        let operations = run(isolation, Kind::RwRegister, seed);
        let lines = operations.iter().enumerate();
        let order = lines.map(|(line, operation)| (operation["index"].as_u64().unwrap(), i64::try_from(line).unwrap()));
        let theirs = theirs(&operations, Workload::RwRegister, Some(order.collect()));
        let verdict = Graph::of(&registers(&operations)).verdict();
        assert_eq!(verdict.serializable, theirs, "{isolation:?}, seed {seed}: {verdict:#?}");
        *(if theirs { &mut counts.0 } else { &mut counts.1 }) += 1;
    }
    counts
}

#[test]
fn both_find_every_serializable_run_serializable() {
    assert_eq!(compare(Isolation::Serializable), (ROUNDS, 0, 0));
    assert_eq!(compare_registers(Isolation::Serializable), (ROUNDS, 0));
}

#[test]
fn both_agree_on_runs_under_snapshot_isolation() {
    let (serializable, not, contradictory) = compare(Isolation::SnapshotIsolation);
    assert!(serializable >= 20 && not >= 20 && contradictory == 0, "{serializable}, {not}, {contradictory}");
    let (serializable, not) = compare_registers(Isolation::SnapshotIsolation);
    assert!(serializable >= 20 && not >= 20, "{serializable}, {not}");
}

#[test]
fn both_agree_on_runs_that_read_what_is_committed() {
    let (serializable, not, contradictory) = compare(Isolation::ReadCommitted);
    assert!(serializable >= 5 && not >= 100 && contradictory == 0, "{serializable}, {not}, {contradictory}");
    let (serializable, not) = compare_registers(Isolation::ReadCommitted);
    assert!(serializable >= 5 && not >= 100, "{serializable}, {not}");
}

#[test]
fn both_agree_on_runs_that_read_anything() {
    let (serializable, not, _) = compare(Isolation::ReadUncommitted);
    assert!(serializable >= 5 && not >= 100, "{serializable}, {not}");
    let (serializable, not) = compare_registers(Isolation::ReadUncommitted);
    assert!(serializable >= 5 && not >= 100, "{serializable}, {not}");
}

#[test]
fn both_agree_on_runs_that_lose_updates() {
    let (serializable, not, contradictory) = compare(Isolation::LostUpdate);
    assert!(serializable >= 5 && contradictory >= 150, "{serializable}, {not}, {contradictory}");
    // Of registers every run has an order of versions, so that every one is judged by both.
    let (serializable, not) = compare_registers(Isolation::LostUpdate);
    assert!(serializable >= 1 && not >= 200, "{serializable}, {not}");
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
