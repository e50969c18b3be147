//! The cases of Hermitage as histories over versions: each is found by its name, and its clean sibling is not.
//!
//! Cells `x` and `y` hold 10 and 20, written by the session `initial` at version 1, unless a case says otherwise.

use crate::script::Script;

/// Two cells with values, and sessions that begin after that.
fn table(agents: &[&str]) -> Script {
    let initial = Script::of(&["initial"]).commit("initial", 1, &[("x", 10), ("y", 20)]);
    agents.iter().fold(initial, |script, agent| script.begin(agent))
}

#[track_caller]
fn shows(name: &str, found: &Script, clean: &Script) {
    assert_eq!(found.phenomena(), [name], "{:#?}", found.verdict());
    assert!(!found.verdict().serializable);
    let verdict = clean.verdict();
    assert!(verdict.serializable && verdict.strictly, "{verdict:#?}");
}

#[test]
fn g0_dirty_writes_are_found() {
    let found = table(&["one", "two"])
        .dirty("one", "x", 2, 11)
        .dirty("two", "x", 3, 12)
        .dirty("two", "y", 4, 22)
        .dirty("one", "y", 5, 21)
        .commit("one", 6, &[])
        .commit("two", 7, &[]);
    let clean = table(&["one", "two"])
        .dirty("one", "x", 2, 11)
        .dirty("one", "y", 3, 21)
        .commit("one", 6, &[])
        .dirty("two", "x", 7, 12)
        .dirty("two", "y", 8, 22)
        .commit("two", 9, &[]);
    shows("G0", &found, &clean);
}

#[test]
fn g1a_aborted_reads_are_found() {
    let begun = table(&["one", "two"]).dirty("one", "x", 2, 101);
    let found = begun.clone().read("two", "x", 2, 101).abort("one").commit("two", 1, &[]);
    let clean = begun.read("two", "x", 1, 10).abort("one").commit("two", 1, &[]);
    shows("G1a", &found, &clean);
}

#[test]
fn g1a_a_version_that_nobody_committed_is_found() {
    let found = table(&["two"]).read("two", "x", 5, 11).commit("two", 5, &[]);
    let clean = table(&["two"]).read("two", "x", 1, 10).commit("two", 5, &[]);
    shows("G1a", &found, &clean);
}

#[test]
fn g1a_a_value_that_its_version_never_held_is_found() {
    let found = table(&["two"]).read("two", "x", 1, 11).commit("two", 5, &[]);
    let clean = table(&["two"]).read("two", "x", 1, 10).commit("two", 5, &[]);
    shows("G1a", &found, &clean);
}

#[test]
fn g1b_intermediate_reads_are_found() {
    let begun = table(&["one", "two"]).dirty("one", "x", 2, 101);
    let found = begun.clone().read("two", "x", 2, 101).dirty("one", "x", 3, 11);
    let found = found.commit("one", 4, &[]).commit("two", 4, &[]);
    assert!(found.phenomena().contains(&"G1b".to_owned()));
    // What is overwritten afterwards is a read skew, too: the reader saw the writer and did not see it.
    assert_eq!(found.phenomena(), ["G1b", "G-single"]);
    let clean = begun.dirty("one", "x", 3, 11).commit("one", 4, &[]).read("two", "x", 3, 11).commit("two", 4, &[]);
    assert!(clean.verdict().strictly, "{:#?}", clean.verdict());
}

#[test]
fn g1c_circular_information_flow_is_found() {
    let begun = table(&["one", "two"]).dirty("one", "x", 2, 11).dirty("two", "y", 3, 22);
    let found = begun.clone().read("one", "y", 3, 22).read("two", "x", 2, 11);
    let found = found.commit("one", 4, &[]).commit("two", 5, &[]);
    let clean = begun.read("one", "y", 1, 20).commit("one", 4, &[]).read("two", "x", 2, 11).commit("two", 5, &[]);
    shows("G1c", &found, &clean);
}

#[test]
fn otv_a_transaction_that_was_observed_and_vanishes_is_found() {
    let written = table(&["one", "two", "three"])
        .dirty("one", "x", 2, 11)
        .dirty("one", "y", 3, 19)
        .commit("one", 4, &[])
        .dirty("two", "x", 5, 12)
        .dirty("two", "y", 6, 18);
    let found = written.clone().read("three", "x", 5, 12).read("three", "y", 3, 19);
    let clean = written.read("three", "x", 5, 12).read("three", "y", 6, 18);
    let end = |script: Script| script.commit("two", 7, &[]).commit("three", 8, &[]);
    shows("OTV", &end(found), &end(clean));
}

#[test]
fn pmp_predicate_many_preceders_are_found() {
    let found = table(&["one", "two"])
        .scan("one", "todo/", &[])
        .commit("two", 2, &[("todo/3", 30)])
        .scan("one", "todo/", &[("todo/3", 2)])
        .commit("one", 3, &[]);
    let clean = table(&["one", "two"])
        .scan("one", "todo/", &[])
        .commit("two", 2, &[("done/3", 30)])
        .scan("one", "todo/", &[])
        .commit("one", 3, &[]);
    shows("PMP", &found, &clean);
}

#[test]
fn p4_lost_updates_are_found() {
    let begun = table(&["one", "two"]).read("one", "x", 1, 10);
    let found = begun.clone().read("two", "x", 1, 10).commit("one", 2, &[("x", 11)]).commit("two", 3, &[("x", 11)]);
    let clean = begun.commit("one", 2, &[("x", 11)]).read("two", "x", 2, 11).commit("two", 3, &[("x", 12)]);
    shows("P4", &found, &clean);
}

#[test]
fn g_single_read_skew_is_found() {
    let begun = table(&["one", "two"]).read("one", "x", 1, 10).commit("two", 2, &[("x", 12), ("y", 18)]);
    let found = begun.clone().read("one", "y", 2, 18).commit("one", 2, &[]);
    let clean = begun.read("one", "y", 1, 20).commit("one", 1, &[]);
    shows("G-single", &found, &clean);
}

#[test]
fn g_single_read_skew_over_a_search_is_found() {
    let begun = table(&["one", "two"]).scan("one", "todo/", &[]).commit("two", 2, &[("todo/1", 1), ("y", 18)]);
    let found = begun.clone().read("one", "y", 2, 18).commit("one", 2, &[]);
    let clean = begun.read("one", "y", 1, 20).commit("one", 1, &[]);
    shows("G-single", &found, &clean);
}

#[test]
fn g2_item_write_skew_is_found() {
    let read =
        |script: Script, agent: &str, x: i64, seen: u64| script.read(agent, "x", seen, x).read(agent, "y", 1, 20);
    let begun = read(table(&["one", "two"]), "one", 10, 1);
    let found = read(begun.clone(), "two", 10, 1).commit("one", 2, &[("x", 11)]).commit("two", 3, &[("y", 21)]);
    let clean = read(begun.commit("one", 2, &[("x", 11)]), "two", 11, 2).commit("two", 3, &[("y", 21)]);
    shows("G2-item", &found, &clean);
}

#[test]
fn g2_write_skew_over_searches_is_found() {
    let begun = table(&["one", "two"]).scan("one", "todo/", &[]);
    let found = begun.clone().scan("two", "todo/", &[]);
    let found = found.commit("one", 2, &[("todo/3", 30)]).commit("two", 3, &[("todo/4", 42)]);
    let clean = begun.commit("one", 2, &[("todo/3", 30)]).scan("two", "todo/", &[("todo/3", 2)]);
    let clean = clean.commit("two", 3, &[("todo/4", 42)]);
    shows("G2", &found, &clean);
}

#[test]
fn g2_a_cell_that_was_deleted_counts_for_a_search() {
    // `one` sees that `todo/1` is gone, which `two` did; `two` read `x` before `one` wrote it.
    let begun = table(&["one", "two"]).read("two", "x", 1, 10).commit("two", 3, &[("todo/1", 1)]);
    let found = begun.clone().begin("three").commit("three", 4, &[("todo/1", -1)]).scan("one", "todo/", &[]);
    let found = found.commit("one", 5, &[("x", 11)]);
    assert!(found.verdict().strictly, "{:#?}", found.verdict());
    let torn = begun.begin("three").scan("one", "todo/", &[("todo/1", 3)]);
    let torn = torn.commit("three", 4, &[("todo/1", -1)]).scan("one", "todo/", &[]).commit("one", 5, &[("x", 11)]);
    assert_eq!(torn.phenomena(), ["PMP"]);
}

#[test]
fn a_cycle_of_three_read_only_among_them_is_found() {
    // The read-only anomaly of Fekete, O'Neil and O'Neil: without `report` the history is serializable.
    let begun = table(&["one", "two"]).read("two", "x", 1, 10).read("two", "y", 1, 20).read("one", "y", 1, 20);
    let report = begun.clone().commit("one", 2, &[("y", 40)]).begin("report");
    let report = report.read("report", "x", 1, 10).read("report", "y", 2, 40).commit("report", 2, &[]);
    let without = begun.commit("one", 2, &[("y", 40)]).commit("two", 3, &[("x", 0)]);
    let found = report.commit("two", 3, &[("x", 0)]);
    assert_eq!(found.phenomena(), ["G2-item"]);
    assert_eq!(found.verdict().cycles[0].steps.len(), 3);
    assert!(without.verdict().serializable);
}

#[test]
fn an_order_against_real_time_is_serializable_and_not_strictly_so() {
    let begun = table(&["one"]).commit("one", 2, &[("x", 11)]).begin("late");
    let stale = begun.clone().read("late", "x", 1, 10).commit("late", 3, &[("y", 1)]);
    let verdict = stale.verdict();
    assert!(verdict.serializable && !verdict.strictly, "{verdict:#?}");
    let cycle = verdict.real_time.unwrap();
    let shown = "`late` read x at 0.1, and `one` overwrote that at 0.2; `one` had committed before `late` began";
    assert_eq!(cycle.to_string(), shown);
    assert!(begun.read("late", "x", 2, 11).commit("late", 3, &[("y", 1)]).verdict().strictly);
}

#[test]
fn a_witness_says_which_cells_and_versions() {
    let found = table(&["one", "two"]).read("one", "x", 1, 10).read("two", "x", 1, 10);
    let found = found.commit("one", 2, &[("x", 11)]).commit("two", 3, &[("x", 12)]);
    let cycle = found.verdict().cycles.remove(0);
    let shown =
        "`two` read x at 0.1, and `one` overwrote that at 0.2; `one` wrote x at 0.2, and `two` overwrote it at 0.3";
    assert_eq!(cycle.to_string(), shown);
}

#[test]
fn a_long_chain_needs_no_deep_stack() {
    let length = 60_000;
    let mut script = table(&[]);
    for number in 1..=length {
        let agent = format!("a{number}");
        script = script.begin(&agent).read(&agent, "x", number, 0).commit(&agent, number + 1, &[("x", 0)]);
    }
    let verdict = script.verdict();
    assert_eq!(verdict.dirty.len(), 1, "only `x` at 1 did not hold 0");
    assert!(verdict.cycles.is_empty());
}
