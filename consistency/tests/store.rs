//! What a program sees of a store, in memory: every promise of a session, with the case that breaks it at a lower level.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that can't go on has failed")]

use consistency::decide::{EffectEnd, Refusal};
use consistency::ledger::{DropCause, Repeat, Stage};
use consistency::operation::Merge;
use consistency::session::Stale;
use consistency::store::{Leased, Outcome, Session, Store, StoreError, Tries};
use consistency::{Content, Level, Value, Version};
use serde_json::json;
use std::time::Duration;

fn present(value: impl Into<serde_json::Value>) -> Content {
    Content::Present(value.into().into())
}

#[track_caller]
fn committed(session: &mut Session) -> Version {
    match session.commit(None).unwrap() {
        Outcome::Committed { version, .. } => version,
        other => panic!("not committed: {other:?}"),
    }
}

#[track_caller]
fn conflict(session: &mut Session) -> Stale {
    match session.commit(None).unwrap() {
        Outcome::Conflict(stale) => stale,
        other => panic!("no conflict: {other:?}"),
    }
}

fn put(store: &Store, key: &str, value: impl Into<Value>) -> Version {
    let mut session = store.begin("writer", Level::L1).unwrap();
    session.write(key, value).unwrap();
    committed(&mut session)
}

fn value(store: &Store, key: &str) -> Content {
    store.snapshot("reader").unwrap().read(key).unwrap()
}

#[test]
fn absent_null_and_deleted_are_three_things() {
    let store = Store::in_memory();
    assert_eq!(value(&store, "k"), Content::Absent);
    put(&store, "k", json!(null));
    assert_eq!(value(&store, "k"), present(json!(null)));
    let mut session = store.begin("a", Level::L1).unwrap();
    session.delete("k").unwrap();
    committed(&mut session);
    assert_eq!(value(&store, "k"), Content::Deleted);
}

#[test]
fn a_stale_read_is_a_conflict_that_says_what_changed_and_at_l0_it_is_lost() {
    let store = Store::in_memory();
    put(&store, "plan", "old");
    let mut first = store.begin("planner", Level::L1).unwrap();
    let mut careless = store.begin("careless", Level::L0).unwrap();
    first.read("plan").unwrap();
    careless.read("plan").unwrap();
    let now = put(&store, "plan", "new");
    assert_eq!(first.doomed().unwrap().len(), 1, "the notice comes with the commit");
    assert!(matches!(first.read("other"), Err(StoreError::Doomed(_))), "and stops the work at the next read");
    first.write("result", 1).unwrap();
    match conflict(&mut first) {
        Stale::Cell { key, read, now: seen, writer, value, step, .. } => {
            assert_eq!((key.as_str(), read.to_string(), seen, writer.as_str()), ("plan", "0.1".into(), now, "writer"));
            assert_eq!((value, step), (present("new"), 0));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(value(&store, "result"), Content::Absent);
    careless.write("plan", "lost update").unwrap();
    committed(&mut careless);
}

#[test]
fn the_same_value_again_is_another_version() {
    let store = Store::in_memory();
    put(&store, "k", 0);
    let mut session = store.begin("a", Level::L1).unwrap();
    session.read("k").unwrap();
    put(&store, "k", 1);
    put(&store, "k", 0);
    session.write("r", 1).unwrap();
    conflict(&mut session);
}

#[test]
fn what_was_not_there_is_validated_too() {
    let store = Store::in_memory();
    for found in ["absent", "search"] {
        let mut session = store.begin("a", Level::L1).unwrap();
        if found == "absent" {
            assert_eq!(session.read("todo/absent").unwrap(), Content::Absent);
        } else {
            session.scan("todo/s").unwrap();
        }
        put(&store, &format!("todo/{found}"), 1);
        session.write("r", 1).unwrap();
        let stale = conflict(&mut session);
        assert_eq!(stale.key().unwrap().as_str(), format!("todo/{found}"));
    }
    let mut session = store.begin("a", Level::L1).unwrap();
    assert_eq!(session.scan("todo/").unwrap().len(), 2);
    put(&store, "todo", 1);
    session.write("r", 1).unwrap();
    committed(&mut session);
}

#[test]
fn a_newer_cell_extends_the_snapshot_or_dooms_at_once() {
    let store = Store::in_memory();
    put(&store, "a", 1);
    put(&store, "b", 1);
    let mut session = store.begin("s", Level::L1).unwrap();
    session.read("a").unwrap();
    put(&store, "b", 2);
    assert_eq!(session.read("b").unwrap(), present(2), "what was read before still holds");
    put(&store, "a", 2);
    assert!(matches!(session.read("b"), Err(StoreError::Doomed(_))));
    let mut old = store.snapshot("o").unwrap();
    put(&store, "a", 3);
    assert_eq!(old.read("a").unwrap(), present(2));
    assert!(matches!(old.commit(None).unwrap(), Outcome::Committed { .. }));
}

#[test]
fn reads_that_write_nothing_are_validated_when_they_are_to_be_fresh() {
    let store = Store::in_memory();
    let mut fresh = store.fresh("triage", Level::L1).unwrap();
    fresh.read("ticket").unwrap();
    fresh.effect("mail", "send", "escalate").unwrap();
    put(&store, "ticket", "withdrawn");
    conflict(&mut fresh);
    let mut snapshot = store.snapshot("s").unwrap();
    snapshot.write("k", 1).unwrap();
    assert!(matches!(snapshot.commit(None), Err(StoreError::Refused(Refusal::ReadOnly))));
}

#[test]
fn deltas_never_conflict_and_merges_only_where_they_overlap() {
    let store = Store::in_memory();
    let mut both: Vec<Session> = (0..2).map(|_| store.begin("d", Level::L1).unwrap()).collect();
    for (index, session) in (0..).zip(&mut both) {
        session.append("log", index).unwrap();
        session.count("n", 2).unwrap();
        session.add("tags", "same").unwrap();
        session.put_field("o", &format!("f{index}"), Some(1.into())).unwrap();
    }
    for session in &mut both {
        committed(session);
    }
    assert_eq!(value(&store, "log"), present(json!([0, 1])));
    assert_eq!((value(&store, "n"), value(&store, "tags")), (present(4), present(json!(["same"]))));
    assert_eq!(value(&store, "o"), present(json!({"f0": 1, "f1": 1})));

    put(&store, "doc", "a\nb\nc\n");
    let mut editors: Vec<Session> = (0..3).map(|_| store.begin("e", Level::L1).unwrap()).collect();
    for (session, text) in editors.iter_mut().zip(["A\nb\nc\n", "a\nb\nC\n", "X\nb\nc\n"]) {
        session.merge("doc", text, Merge::Lines).unwrap();
    }
    committed(&mut editors[0]);
    committed(&mut editors[1]);
    assert_eq!(value(&store, "doc"), present("A\nb\nC\n"));
    conflict(&mut editors[2]);

    put(&store, "text", "x");
    let mut wrong = store.begin("d", Level::L1).unwrap();
    wrong.count("text", 1).unwrap();
    assert!(matches!(wrong.commit(None), Err(StoreError::Refused(Refusal::Misfit { .. }))));
}

#[test]
fn an_acknowledged_change_does_not_matter_and_a_rewind_keeps_what_still_holds() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.read("style").unwrap();
    session.write("draft", 1).unwrap();
    session.step(&[]).unwrap();
    session.read("facts").unwrap();
    session.write("chapter", 1).unwrap();
    let last = session.step(&[1]).unwrap();
    session.write("summary", 1).unwrap();
    put(&store, "style", "new");
    assert_eq!(session.acknowledge("style").unwrap(), present("new"));
    assert!(session.doomed().unwrap().is_empty());
    put(&store, "facts", "new");
    assert_eq!(session.rewind().unwrap(), [1, last].into(), "only what follows from the facts");
    assert_eq!(session.read("facts").unwrap(), present("new"));
    session.write("chapter", 2).unwrap();
    committed(&mut session);
    assert_eq!((value(&store, "draft"), value(&store, "chapter")), (present(1), present(2)));
    assert_eq!(value(&store, "summary"), Content::Absent);
}

#[test]
fn an_idempotency_key_commits_once_and_a_session_too() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.append("log", 1).unwrap();
    let first = session.commit("key").unwrap();
    assert_eq!(session.commit("key").unwrap(), first, "the same outcome again");
    assert!(matches!(session.commit(None), Err(StoreError::Refused(Refusal::Finished(_)))));
    let mut retry = store.begin("a", Level::L1).unwrap();
    retry.append("log", 1).unwrap();
    assert_eq!(retry.commit("key").unwrap(), first, "from another session too");
    let mut other = store.begin("a", Level::L1).unwrap();
    other.append("log", 2).unwrap();
    assert!(matches!(other.commit("key"), Err(StoreError::Refused(Refusal::KeyReused(_)))));
    assert_eq!(value(&store, "log"), present(json!([1])));
}

#[test]
fn a_retraction_takes_along_what_rests_on_it_and_restores_the_rest() {
    let store = Store::in_memory();
    put(&store, "plan", "base");
    put(&store, "log", json!(["base"]));
    let mut planner = store.begin("planner", Level::L2).unwrap();
    planner.write("plan", "draft").unwrap();
    planner.append("log", "draft").unwrap();
    planner.hold();
    let draft = committed(&mut planner);
    let mut executor = store.begin("executor", Level::L2).unwrap();
    executor.read("plan").unwrap();
    executor.write("result", 1).unwrap();
    executor.effect("mail", "send", "done").unwrap();
    let result = committed(&mut executor);
    let mut bystander = store.begin("bystander", Level::L2).unwrap();
    bystander.append("log", "other").unwrap();
    bystander.write("own", 1).unwrap();
    committed(&mut bystander);
    let mut reader = store.begin("reader", Level::L2).unwrap();
    reader.read("plan").unwrap();
    let mut auditor = store.begin("auditor", Level::L2).unwrap();
    auditor.read("log").unwrap();
    auditor.write("audit", 1).unwrap();
    let audit = committed(&mut auditor);
    let (_, gone) = store.retract(draft, "lead").unwrap();
    assert_eq!(gone, [draft, result, audit], "an append does not rest on what it is added to, but who reads it does");
    assert_eq!((value(&store, "plan"), value(&store, "log")), (present("base"), present(json!(["base", "other"]))));
    assert_eq!(value(&store, "result"), Content::Absent);
    assert!(!reader.doomed().unwrap().is_empty());
    let stage = &store.effects(None, 9).unwrap()[0].stage;
    assert_eq!(*stage, Stage::Dropped(DropCause::Retracted));
    assert!(matches!(store.retract(draft, "lead"), Err(StoreError::Refused(Refusal::NotOpen(_)))));
    put(&store, "plan", "again");
}

#[test]
fn an_approval_makes_everything_final_that_waited_for_it_only() {
    let store = Store::in_memory();
    let mut commits = Vec::new();
    for (reads, key) in [(None, "a"), (Some("a"), "b"), (Some("b"), "c")] {
        let mut session = store.begin("s", Level::L2).unwrap();
        reads.map(|key| session.read(key).unwrap());
        session.write(key, 1).unwrap();
        session.effect("lane", "tool", key).unwrap();
        if reads.is_none() {
            session.hold();
        }
        commits.push(committed(&mut session));
    }
    assert_eq!(store.approve(commits[0]).unwrap(), commits);
    assert!(store.open_commits().unwrap().is_empty());
    assert!(matches!(store.retract(commits[0], "late"), Err(StoreError::Refused(Refusal::NotOpen(_)))));
}

#[test]
fn a_changed_tool_stops_an_l4_commit() {
    let store = Store::in_memory();
    let mut early = store.begin("a", Level::L4).unwrap();
    early.effect("lane", "mail", "hi").unwrap();
    assert!(matches!(early.commit(None), Err(StoreError::Refused(Refusal::NotPinned(_)))), "nobody registered it");
    store.register("mail", "v1", Repeat::Keyed).unwrap();
    let mut session = store.begin("a", Level::L4).unwrap();
    session.effect("lane", "mail", "hi").unwrap();
    store.register("mail", "v2", Repeat::Keyed).unwrap();
    assert!(matches!(conflict(&mut session), Stale::Tool { .. }));
    store.unregister("mail").unwrap();
    assert!(session.doomed().unwrap()[0].to_string().contains("is gone"));
}

#[test]
fn the_older_session_goes_first_and_a_lost_lease_is_noticed() {
    let store = Store::in_memory();
    let long = Duration::from_mins(10);
    let mut older = store.begin("older", Level::L1).unwrap();
    let mut younger = store.begin("younger", Level::L1).unwrap();
    assert!(matches!(younger.lease("hot", long).unwrap(), Leased::Granted { token: 1, .. }));
    assert!(matches!(older.lease("hot", long).unwrap(), Leased::Granted { token: 2, .. }), "an older session takes it");
    assert!(matches!(younger.lease("hot", long).unwrap(), Leased::Busy { holder, .. } if holder == older.id()));
    assert!(matches!(younger.doomed().unwrap()[0], Stale::Lease { token: 1, .. }));
    younger.rewind().unwrap();
    younger.write("hot", 1).unwrap();
    let mut third = store.begin("third", Level::L1).unwrap();
    third.write("hot", 3).unwrap();
    assert!(matches!(third.commit(None).unwrap(), Outcome::Busy { .. }));
    older.write("hot", 2).unwrap();
    committed(&mut older);
    assert!(store.leases().unwrap().is_empty(), "a commit gives its leases back");
    committed(&mut third);
}

#[test]
fn a_commit_without_writes_gives_its_leases_back_too() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.lease("hot", Duration::from_mins(10)).unwrap();
    assert!(matches!(session.commit(None).unwrap(), Outcome::Committed { .. }));
    assert_eq!(store.leases().unwrap(), [], "whoever waits for it would wait for ten minutes");
}

#[test]
fn a_lease_that_is_granted_again_dooms_no_more() {
    let store = Store::in_memory();
    let long = Duration::from_mins(10);
    let mut older = store.begin("older", Level::L1).unwrap();
    let mut younger = store.begin("younger", Level::L1).unwrap();
    younger.lease("hot", long).unwrap();
    older.lease("hot", long).unwrap();
    assert!(matches!(younger.doomed().unwrap()[0], Stale::Lease { .. }));
    older.abort().unwrap();
    assert!(matches!(younger.lease("hot", long).unwrap(), Leased::Granted { .. }));
    assert!(younger.doomed().unwrap().is_empty(), "doomed is who could not commit");
    younger.read("hot").unwrap();
    younger.write("hot", 1).unwrap();
    committed(&mut younger);
}

#[test]
fn a_session_written_down_goes_on_where_it_was() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.read("k").unwrap();
    session.write("r", 1).unwrap();
    let saved = serde_json::to_string(&session.save().unwrap()).unwrap();
    let mut again = store.resume(serde_json::from_str(&saved).unwrap()).unwrap();
    committed(&mut again);
    let mut stale = store.resume(serde_json::from_str(&saved).unwrap()).unwrap();
    assert!(matches!(stale.commit(None), Err(StoreError::Refused(Refusal::Finished(_)))), "once is once");
}

#[test]
fn somebody_who_waits_is_woken_by_the_commit() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.read("k").unwrap();
    let waiter = std::thread::spawn(move || session.wait_doomed(Duration::from_mins(1)).unwrap());
    while store.sessions().unwrap().is_empty() {
        std::thread::yield_now();
    }
    put(&store, "k", 1);
    assert_eq!(waiter.join().unwrap().len(), 1);
}

#[test]
fn only_what_is_in_doubt_is_settled_by_hand() {
    let store = Store::in_memory();
    let mut session = store.begin("a", Level::L1).unwrap();
    session.effect("lane", "tool", 1).unwrap();
    let commit = committed(&mut session);
    let id = consistency::ledger::EffectId { commit, index: 0 };
    assert!(matches!(store.settle(id, EffectEnd::Done), Err(StoreError::Refused(Refusal::NotClaimed(_)))));
}

#[test]
fn work_is_done_again_until_it_commits_and_nothing_is_lost() {
    let store = Store::in_memory();
    let tries = Tries { most: 64, lease: Duration::from_secs(5) };
    let threads = 4;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..50 {
                    let add = |session: &mut Session| {
                        let old =
                            session.read("n")?.value().and_then(|value| value.json().as_i64()).unwrap_or_default();
                        std::thread::yield_now();
                        session.write("n", old + 1)
                    };
                    store.run("agent", Level::L1, tries, add).unwrap();
                }
            });
        }
    });
    assert_eq!(value(&store, "n"), present(threads * 50));
    let mut others = 0;
    let stubborn = store.run("agent", Level::L1, Tries { most: 3, ..tries }, |session| {
        others += 1;
        let key = format!("always/{others}");
        session.read(&key)?;
        put(&store, &key, 0);
        session.write("r", 1)
    });
    assert!(matches!(stubborn, Err(StoreError::GaveUp { attempts: 3, last: Some(_) })), "{stubborn:?}");
}

#[test]
fn a_merge_upon_what_is_retracted_stands_for_itself() {
    let store = Store::in_memory();
    put(&store, "doc", "base\n");
    let mut draft = store.begin("drafter", Level::L2).unwrap();
    draft.write("doc", "draft\n").unwrap();
    draft.hold();
    let version = committed(&mut draft);
    // Below L2 nothing is traced: the editor's work stays when the draft goes.
    let mut editor = store.begin("editor", Level::L1).unwrap();
    editor.merge("doc", "edited\n", Merge::Lines).unwrap();
    committed(&mut editor);
    store.retract(version, "lead").unwrap();
    assert_eq!(value(&store, "doc"), present("edited\n"));
}
