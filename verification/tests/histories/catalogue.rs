//! The paper's anomalies on histories of our own store: scripts, each with a clean sibling, and the level reached.

use crate::script::{Script, version};
use consistency::history::{Anomaly, Cascade, How, Reordering, ToolChange, When};
use consistency::{Content, Level, Value};

fn plan(agents: &[&str]) -> Script {
    let initial = Script::of(&["initial"]).commit("initial", 1, &[("plan", 0)]);
    agents.iter().fold(initial, |script, agent| script.begin(agent))
}

#[track_caller]
fn reaches(script: &Script, level: Level) {
    let reached = script.history().level();
    assert_eq!(reached.level, level, "{:?}", script.sentences());
    assert_eq!(reached.because.is_none(), level == Level::L4);
}

#[test]
fn a1_a_stale_generation_is_found() {
    let begun = plan(&["planner", "editor"]).read("planner", "plan", 1, 0);
    let found = begun.clone().commit("editor", 2, &[("plan", 7)]).commit("planner", 3, &[("result", 1)]);
    assert_eq!(
        found.sentences(),
        ["A1: `planner` read plan at 0.1, `editor` wrote it at 0.2 before `planner` committed at 0.3"]
    );
    let Some(Anomaly::StaleGeneration(witness)) = found.history().anomalies().next() else { panic!("A1 is found") };
    assert_eq!(witness.read, Some(Content::Present(Value::from(0))));
    assert_eq!(witness.written, Content::Present(Value::from(7)));
    assert_eq!(witness.reader.at, When::Version(version(3)));
    assert!(!witness.same_value && !witness.phantom);
    reaches(&found, Level::L0);
    let clean = begun.commit("planner", 2, &[("result", 1)]).commit("editor", 3, &[("plan", 7)]);
    reaches(&clean, Level::L4);
}

#[test]
fn a1_what_an_aborted_or_open_session_read_is_not_stale() {
    let begun = plan(&["planner", "editor"]).read("planner", "plan", 1, 0).commit("editor", 2, &[("plan", 7)]);
    reaches(&begun, Level::L4);
    reaches(&begun.abort("planner"), Level::L4);
}

#[test]
fn a1_a_snapshot_is_not_stale_where_it_serialises() {
    let begun = plan(&["reader", "editor"]).commit("editor", 2, &[("plan", 7)]).read("reader", "plan", 1, 0);
    reaches(&begun.clone().commit("reader", 1, &[]), Level::L4);
    reaches(&begun.commit("reader", 2, &[]), Level::L0);
}

#[test]
fn a1_a_value_that_came_back_is_stale_by_version_and_said_to_be_the_same() {
    let found = plan(&["planner", "editor", "undo"])
        .read("planner", "plan", 1, 0)
        .commit("editor", 2, &[("plan", 1)])
        .commit("undo", 3, &[("plan", 0)])
        .commit("planner", 4, &[("result", 1)]);
    let stale: Vec<_> = found.history().stale_generations().map(|it| (it.written_at, it.same_value)).collect();
    assert_eq!(stale, [(When::Version(version(2)), false), (When::Version(version(3)), true)]);
    assert!(found.sentences()[1].contains("(the same value)"));
    reaches(&found, Level::L0);
}

#[test]
fn a1_ones_own_writes_are_never_stale() {
    let own = plan(&["planner"]).read("planner", "plan", 1, 0).dirty("planner", "plan", 2, 1);
    reaches(&own.commit("planner", 3, &[("plan", 2)]), Level::L4);
}

#[test]
fn a1_a_phantom_is_found_entering_leaving_and_changing() {
    let begun = plan(&["other"]).commit("other", 2, &[("todo/1", 1)]).begin("planner").begin("writer");
    let begun = begun.scan("planner", "todo/", &[("todo/1", 2)]);
    for (write, said) in [
        (("todo/2", 5), "`planner` searched and did not find todo/2, `writer` wrote it at 0.3"),
        (("todo/1", -1), "`planner` searched and found todo/1 at 0.2, `writer` removed it at 0.3"),
        (("todo/1", 9), "`planner` searched and found todo/1 at 0.2, `writer` wrote it at 0.3"),
    ] {
        let found = begun.clone().commit("writer", 3, &[write]).commit("planner", 4, &[("result", 1)]);
        assert_eq!(found.sentences(), [format!("A1: {said} before `planner` committed at 0.4")]);
        reaches(&found, Level::L0);
    }
    let outside = begun.commit("writer", 3, &[("toda", 1), ("todp", 1), ("todo0", 1)]);
    reaches(&outside.commit("planner", 4, &[("result", 1)]), Level::L4);
}

#[test]
fn a1_a_change_that_is_acknowledged_or_merged_is_accepted_and_a_later_one_is_not() {
    let begun = plan(&["planner", "editor", "late"]).read("planner", "plan", 1, 0).commit("editor", 2, &[("plan", 7)]);
    let acknowledged = begun.clone().acknowledge("planner", "plan", 2);
    let accepted = acknowledged.clone().commit("planner", 3, &[("result", 1)]);
    reaches(&accepted, Level::L4);
    assert_eq!(accepted.history().accepted().count(), 1);
    assert!(accepted.verdict().strictly);
    let late = acknowledged.commit("late", 3, &[("plan", 8)]).commit("planner", 4, &[("result", 1)]);
    assert_eq!((late.history().accepted().count(), late.history().stale_generations().count()), (1, 1));
    reaches(&late, Level::L0);

    let merged = begun.clone().commit_with("planner", 3, &[("plan", How::Merge, 9)], &[]);
    reaches(&merged, Level::L4);
    assert_eq!(merged.history().accepted().count(), 1);
    assert!(merged.verdict().strictly);
    let lost = begun.commit_with("planner", 3, &[("plan", How::Put, 9)], &[]);
    reaches(&lost, Level::L0);
    assert_eq!(lost.phenomena(), ["P4"]);
}

#[test]
fn commutative_changes_depend_on_no_read() {
    let append = |script: Script, agent: &str, at: u64| script.commit_with(agent, at, &[("log", How::Delta, 1)], &[]);
    let script = append(append(append(plan(&["one", "two", "three"]), "one", 2), "three", 3), "two", 4);
    reaches(&script, Level::L4);
    assert!(script.verdict().strictly);
}

#[test]
fn a2_a_tool_that_changed_or_vanished_before_its_call_is_found() {
    let begun = plan(&["planner"]).pin("planner", "mail.send", Some("v1"));
    let begun = begun.commit_with("planner", 2, &[], &[("mail", "mail.send")]);
    for (live, said) in [(Some("v2"), "`v2`"), (None, "absent")] {
        let found = begun.clone().effect(2, 0, "mail", "mail.send", live);
        let sentence = format!("A2: `planner` planned with mail.send as `v1`, and called it at 0.2 as {said}");
        assert_eq!(found.sentences(), [sentence]);
        reaches(&found, Level::L3);
    }
    let Some(Anomaly::PhantomTool(witness)) =
        begun.clone().effect(2, 0, "mail", "mail.send", None).history().anomalies().next()
    else {
        panic!("A2 is found")
    };
    assert!(matches!(witness.change, ToolChange::Changed { live: None, .. }));
    reaches(&begun.clone().effect(2, 0, "mail", "mail.send", Some("v1")), Level::L4);
    // Nothing was planned with another tool.
    reaches(&begun.effect(2, 0, "mail", "bash", Some("v2")), Level::L4);
}

#[test]
fn a2_a_tool_that_was_not_there_for_the_plan_counts() {
    let begun = plan(&["planner"]).pin("planner", "bash", None).commit_with("planner", 2, &[], &[("sh", "bash")]);
    reaches(&begun.effect(2, 0, "sh", "bash", Some("v1")), Level::L3);
}

/// `source` writes, `middle` reads that and writes, `last` reads that and sends.
fn chain() -> Script {
    plan(&["source", "middle", "last"])
        .commit("source", 2, &[("a", 1)])
        .read("middle", "a", 2, 1)
        .commit("middle", 3, &[("b", 1)])
        .read("last", "b", 3, 1)
        .commit_with("last", 4, &[("c", How::Put, 1)], &[("mail", "send")])
}

#[test]
fn a3_an_effect_that_rests_on_what_was_retracted_is_found() {
    let sent = chain().effect(4, 0, "mail", "send", Some("v1"));
    reaches(&sent, Level::L4);
    for found in [sent.clone().retract(5, &[2], &[("a", -1)]), chain().retract(5, &[2], &[("a", -1)])] {
        let left = !found.history().effects().is_empty();
        let found = if left { found } else { found.effect(4, 0, "mail", "send", Some("v1")) };
        assert_eq!(
            found.sentences(),
            [
                "A3: `last` at 0.4 sent send to mail, resting through `middle` at 0.3 on `source` at 0.2, which was retracted"
            ]
        );
        reaches(&found, Level::L1);
    }
    let Some(Anomaly::CausalCascade(witness)) =
        sent.clone().retract(5, &[2], &[("a", -1)]).history().anomalies().next()
    else {
        panic!("A3 is found")
    };
    assert!(matches!(witness.rests_on, Cascade::Retracted { through, .. } if through.len() == 1));
    let whole = sent.retract(5, &[2, 3, 4], &[("a", -1), ("b", -1), ("c", -1)]);
    reaches(&whole, Level::L4);
}

#[test]
fn a3_without_an_effect_or_after_the_compensation_there_is_none() {
    reaches(&chain().retract(5, &[2], &[("a", -1)]), Level::L4);
    let after = plan(&["source"]).commit("source", 2, &[("a", 1)]).retract(3, &[2], &[("a", -1)]).begin("last");
    let after = after.read("last", "a", 3, -1).commit_with("last", 4, &[], &[("mail", "send")]);
    reaches(&after.effect(4, 0, "mail", "send", None), Level::L4);
}

#[test]
fn a3_what_a_search_found_is_rested_on() {
    let found = plan(&["source", "last"])
        .commit("source", 2, &[("todo/1", 1)])
        .scan("last", "todo/", &[("todo/1", 2)])
        .commit_with("last", 3, &[], &[("mail", "send")])
        .effect(3, 0, "mail", "send", None)
        .retract(4, &[2], &[("todo/1", -1)]);
    reaches(&found, Level::L1);
}

#[test]
fn a6_effects_that_leave_out_of_order_are_found_lane_by_lane() {
    let begun = plan(&["one", "two"])
        .commit_with("one", 2, &[], &[("mail", "send"), ("mail", "close"), ("git", "push")])
        .commit_with("two", 3, &[], &[("mail", "send")]);
    let leave = |order: &[(u64, usize, &str)]| {
        order.iter().fold(begun.clone(), |script, (at, index, lane)| script.effect(*at, *index, lane, "send", None))
    };
    reaches(&leave(&[(2, 0, "mail"), (2, 1, "mail"), (3, 0, "mail"), (2, 2, "git")]), Level::L4);
    reaches(&leave(&[(2, 0, "mail"), (2, 0, "mail"), (2, 1, "mail")]), Level::L4);
    let found = leave(&[(2, 1, "mail"), (2, 0, "mail"), (3, 0, "mail")]);
    assert_eq!(
        found.sentences(),
        [
            "A6: on mail, send of `one` (effect 1 of 0.2) left after send of `one` (effect 2 of 0.2), which was issued later"
        ]
    );
    reaches(&found, Level::L2);
    let found = leave(&[(3, 0, "mail"), (2, 0, "mail"), (2, 1, "mail")]);
    let late: Vec<_> = found.history().reorderings().collect();
    assert_eq!(late.len(), 2);
    assert!(matches!(&late[1], Reordering::Overtaken { late, by, .. } if late.index == 1 && by.version == version(3)));
}

#[test]
fn the_level_is_that_of_the_weakest_anomaly() {
    let both = chain().effect(4, 0, "mail", "send", None).retract(5, &[2], &[("a", -1)]);
    reaches(&both, Level::L1);
    let all = both.begin("stale").begin("other").read("stale", "plan", 1, 0);
    reaches(&all.commit("other", 6, &[("plan", 1)]).commit("stale", 7, &[("d", 1)]), Level::L0);
}
