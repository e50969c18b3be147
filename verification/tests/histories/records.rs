//! Records of operations: the shapes of the reference's own tests, and each detector against its definition.

use consistency::history::{
    Anomaly, Cascade, CausalCascade, Operations, Record, Recording, Reordering, ToolChange, When,
};
use consistency::{Content, Level, Value};
use proptest::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

fn of(records: &[serde_json::Value]) -> Operations {
    match Recording::read(json!(records).to_string().as_bytes()).unwrap() {
        Recording::Operations(operations) => operations,
        Recording::Store(_) => panic!("records of operations"),
    }
}

/// A record that reads and writes cells at two times.
fn record(
    agent: &str,
    read: &[(&str, &str)],
    read_time: u64,
    written: &[(&str, &str)],
    write_time: u64,
) -> serde_json::Value {
    let cells = |of: &[(&str, &str)]| of.iter().map(|(cell, _)| (*cell).to_owned()).collect::<Vec<_>>();
    let values = |of: &[(&str, &str)]| json!(of.iter().copied().collect::<BTreeMap<_, _>>());
    json!({
        "agent": agent, "read_set": cells(read), "read_values": values(read), "read_time": read_time,
        "write_set": cells(written), "write_values": values(written), "write_time": write_time, "planned_tool": null,
        "tools_used": [], "tools_visible_at_read": [], "io": [], "co": []
    })
}

fn with(mut record: serde_json::Value, field: &str, value: serde_json::Value) -> serde_json::Value {
    record[field] = value;
    record
}

#[track_caller]
fn finds(records: &[serde_json::Value], sentences: &[&str], level: Level) {
    let operations = of(records);
    let found: Vec<String> = operations.anomalies().map(|it| format!("{}: {it}", it.name())).collect();
    assert_eq!(found, sentences);
    assert_eq!(operations.level().level, level);
}

#[test]
fn an_edit_that_a_review_overtakes_is_a_lost_update() {
    let draft = record("author", &[], 0, &[("doc", "draft")], 1);
    let edit = record("editor", &[("doc", "draft")], 2, &[("doc", "edited")], 6);
    let review = record("reviewer", &[("doc", "draft")], 3, &[("doc", "reviewed")], 8);
    let said = "A1: `reviewer` read doc at 3, `editor` wrote it at 6 before `reviewer` committed at 8";
    finds(&[draft.clone(), edit.clone(), review], &[said], Level::L0);
    let after = record("reviewer", &[("doc", "edited")], 7, &[("doc", "reviewed")], 8);
    finds(&[draft, edit, after], &[], Level::L4);
}

#[test]
fn a_triage_that_writes_nothing_is_stale_too_where_what_it_read_changed() {
    let filed = record("user", &[], 0, &[("ticket", "open")], 1);
    let closed = record("closer", &[], 0, &[("ticket", "closed")], 3);
    let triage = record("triage", &[("ticket", "open")], 2, &[], 4);
    let said = "A1: `triage` read ticket at 2, `closer` wrote it at 3 before `triage` committed at 4";
    finds(&[filed.clone(), closed, triage.clone()], &[said], Level::L0);
    finds(&[filed, triage], &[], Level::L4);
}

#[test]
fn the_text_null_stands_for_an_absent_cell() {
    let reads = record("a", &[("x", "NULL")], 1, &[("y", "1")], 3);
    // Nobody needs to have written what is absent, and to write `NULL` to what was absent changes nothing.
    finds(std::slice::from_ref(&reads), &[], Level::L4);
    finds(&[reads.clone(), record("b", &[], 0, &[("x", "NULL")], 2)], &[], Level::L4);
    let said = "A1: `a` read x at 1, `b` wrote it at 2 before `a` committed at 3";
    finds(&[reads, record("b", &[], 0, &[("x", "null")], 2)], &[said], Level::L0);
    let removed = record("a", &[("x", "1")], 1, &[], 3);
    let one = record("one", &[], 0, &[("x", "1")], 1);
    let operations = of(&[one, removed, record("b", &[], 0, &[("x", "NULL")], 2)]);
    let Some(Anomaly::StaleGeneration(witness)) = operations.anomalies().next() else { panic!("A1 is found") };
    assert_eq!((witness.read, witness.written), (Some(Content::Present(Value::from("1"))), Content::Absent));
}

#[test]
fn the_borders_of_the_window_are_outside() {
    let reads = record("a", &[("x", "0")], 2, &[], 4);
    let zero = record("zero", &[], 0, &[("x", "0")], 1);
    for (time, found) in [(2, 0), (3, 1), (4, 0)] {
        let operations = of(&[zero.clone(), reads.clone(), record("b", &[], 0, &[("x", "1")], time)]);
        assert_eq!(operations.stale_generations().count(), found, "at {time}");
    }
}

#[test]
fn a_value_that_nobody_wrote_is_the_residue_of_a_cascade() {
    let reads = record("b", &[("x", "ghost")], 5, &[("y", "1")], 6);
    let said = "A3: `b` read \"ghost\" in x at 5, which nobody had written";
    finds(std::slice::from_ref(&reads), &[said], Level::L1);
    let writes = |time| record("a", &[], 0, &[("x", "ghost")], time);
    finds(&[reads.clone(), writes(5)], &[], Level::L4);
    let late = of(&[reads.clone(), writes(7)]);
    let Some(CausalCascade { rests_on: Cascade::Residue { cell, read_at, .. }, .. }) = late.causal_cascades().next()
    else {
        panic!("A3 is found")
    };
    assert_eq!((cell.as_str(), read_at), ("x", When::Time(5)));
    // What one writes oneself explains nothing.
    finds(
        &[record("b", &[("x", "own")], 5, &[("x", "own")], 5)],
        &["A3: `b` read \"own\" in x at 5, which nobody had written"],
        Level::L1,
    );
}

#[test]
fn a_planned_tool_that_was_seen_and_not_used_is_a_phantom() {
    let plans = |visible: &[&str], used: &[&str]| {
        let record = with(record("a", &[], 1, &[], 2), "planned_tool", json!("search"));
        with(with(record, "tools_visible_at_read", json!(visible)), "tools_used", json!(used))
    };
    let said = "A2: `a` planned with search, which it saw, and used grep instead by 2";
    finds(&[plans(&["search", "grep"], &["grep"])], &[said], Level::L3);
    finds(&[plans(&["search"], &["search"])], &[], Level::L4);
    finds(&[plans(&["grep"], &["grep"])], &[], Level::L4);
    let operations = of(&[plans(&["search"], &[])]);
    assert!(
        matches!(&operations.phantom_tools().next().unwrap().change, ToolChange::Unused { used } if used.is_empty())
    );
}

#[test]
fn effects_that_took_hold_in_another_order_are_found() {
    let effects =
        |io: serde_json::Value, co: serde_json::Value| with(with(record("a", &[], 1, &[], 2), "io", io), "co", co);
    let (one, two) = (json!(["mail", "1"]), json!(["git", "2"]));
    let said = "A6: `a` at 2 issued mail = 1 as effect 1, and git = 2 took its place";
    finds(&[effects(json!([one, two]), json!([two, one]))], &[said], Level::L2);
    finds(&[effects(json!([one, two]), json!([one, two]))], &[], Level::L4);
    finds(&[effects(json!([]), json!([one]))], &[], Level::L4);
    let lost = of(&[effects(json!([one, two]), json!([one]))]);
    assert!(matches!(lost.reorderings().next(), Some(Reordering::Shuffled { place: 1, committed: None, .. })));
}

/// Random records over few cells, values and times, so that everything meets everything.
fn records() -> impl Strategy<Value = Vec<serde_json::Value>> {
    let cell = || prop::sample::select(vec!["x", "y", "z"]);
    let value = || prop::sample::select(vec!["0", "1", "2", "NULL"]);
    let cells = || prop::collection::btree_map(cell(), value(), 0..3);
    let times = (0..12_u64, 0..6_u64);
    let one = (cells(), cells(), times).prop_map(|(read, written, (start, length))| {
        let read: Vec<_> = read.into_iter().collect();
        let written: Vec<_> = written.into_iter().collect();
        record("a", &read, start, &written, start + length)
    });
    let numbered = |records: Vec<serde_json::Value>| {
        let named = records.into_iter().enumerate();
        named.map(|(number, record)| with(record, "agent", json!(format!("a{number}")))).collect()
    };
    prop::collection::vec(one, 0..14).prop_map(numbered)
}

/// The paper's A1, pair by pair.
fn stale_by_definition(records: &[Record]) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for (i, reader) in records.iter().enumerate() {
        for (j, writer) in records.iter().enumerate() {
            for cell in reader.read_set.intersection(&writer.write_set) {
                let lands = reader.read_time < writer.write_time && writer.write_time < reader.write_time;
                if i != j && lands && reader.read_values[cell] != writer.write_values[cell] {
                    found.insert((reader.agent.to_string(), writer.agent.to_string(), cell.clone()));
                }
            }
        }
    }
    found
}

/// The paper's A3 by its residue, value by value.
fn residue_by_definition(records: &[Record]) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (j, reader) in records.iter().enumerate() {
        for (cell, value) in reader.read_values.iter().filter(|(_, value)| **value != Content::Absent) {
            let wrote = |(k, other): (usize, &Record)| {
                k != j && other.write_values.get(cell) == Some(value) && other.write_time <= reader.read_time
            };
            if !records.iter().enumerate().any(wrote) {
                found.insert((reader.agent.to_string(), cell.clone()));
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn the_detectors_find_what_the_definitions_say(records in records()) {
        let operations = of(&records);
        let stale: Vec<_> = operations
            .stale_generations()
            .map(|it| (it.reader.agent.unwrap().to_string(), it.writer.agent.unwrap().to_string(), it.cell))
            .collect();
        let distinct: BTreeSet<_> = stale.iter().cloned().collect();
        prop_assert_eq!(distinct.len(), stale.len());
        prop_assert_eq!(distinct, stale_by_definition(operations.records()));
        let residue: BTreeSet<_> = operations
            .causal_cascades()
            .map(|it| match it.rests_on {
                Cascade::Residue { cell, .. } => (it.survivor.agent.unwrap().to_string(), cell),
                Cascade::Retracted { .. } => unreachable!("records know no retractions"),
            })
            .collect();
        prop_assert_eq!(residue, residue_by_definition(operations.records()));
    }
}

#[test]
fn a_hundred_thousand_records_of_one_cell_are_judged() {
    let number = 100_000;
    // Everybody rewrites the cell with the same value between everybody's read and write: pairs would be five milliards.
    let one =
        |place: u64| record(&format!("a{}", place % 8), &[("hot", "same")], place, &[("hot", "same")], place + number);
    let records: Vec<_> = (0..number).map(one).collect();
    let operations = of(&records);
    assert_eq!(operations.stale_generations().count(), 0);
    assert_eq!(operations.causal_cascades().count(), 100_000);
}
