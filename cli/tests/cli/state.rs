//! `trace state` and `trace verify-log`: shared state from a terminal, among other processes.

use crate::desk::Desk;
use consistency::decide::Order;
use consistency::session::Stale;
use consistency::state::Input;
use consistency::store::sqlite::{Options, SqliteShell};
use consistency::store::{Outcome, Shell as _, Store};
use consistency::{Content, Level};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const STORE: &str = ".trace/state.db";

fn store(desk: &Desk) -> Store {
    Store::open(desk.path(STORE)).unwrap()
}

/// A held commit, one that rests on it, and one that stands alone.
fn with_open_commits() -> Desk {
    let desk = Desk::new();
    desk.sure("trace state put plan 1 --hold --agent ana");
    let store = store(&desk);
    let mut session = store.begin("bob", Level::L2).unwrap();
    assert_eq!(session.read("plan").unwrap(), Content::Present(1.into()));
    session.write("result", 2).unwrap();
    assert!(matches!(session.commit(None).unwrap(), Outcome::Committed { is_final: false, .. }));
    desk.sure("trace state put other 3 --hold --agent ana");
    desk
}

#[test]
fn cells_are_written_read_and_listed() {
    insta::assert_snapshot!(Desk::new().session(&[
        "trace state put plan '{\"goal\": \"ship\"}' --agent ana",
        "trace state get plan",
        "trace state put plan '\"bob\"' --field owner --agent bob",
        "trace state put plan --field goal --delete",
        "trace state put todo/1 --text 'write tests'",
        "echo '[1, null]' | trace state put todo/2 -",
        "trace state put todo/2 3 --append",
        "trace state put todo/2 3 --add",
        "trace state put tries --count 2",
        "trace state put tries --count -5",
        "trace state put nothing null",
        "trace state get nothing",
        "trace state scan",
        "trace state scan todo/ --format json",
        "trace state history plan",
        "trace state history todo/2",
        "trace state history plan --format json",
        "trace state get plan --at 0.1",
        "trace state get plan --at 0.1 --format json",
        "trace state watch todo/ --since 0.0 --timeout 0",
        "trace state watch todo/ --since 0.0 --timeout 0 --format json",
    ]));
}

#[test]
fn absent_deleted_and_null_are_three_things() {
    let desk = Desk::new();
    insta::assert_snapshot!(desk.session(&[
        "trace state put cell null",
        "trace state get cell",
        "trace state put cell --delete --agent ana",
        "trace state get cell",
        "trace state get cell --format json",
        "trace state get never",
        "trace state get never --format json",
        "trace state history cell",
        "trace state history never",
        "trace state scan",
    ]));
}

#[test]
fn a_write_is_made_only_if_nobody_was_faster() {
    insta::assert_snapshot!(Desk::new().session(&[
        "trace state put plan 1 --agent ana --if-version 0.0",
        "trace state put plan 2 --agent bob --if-version 0.1",
        "trace state put plan 3 --agent ana --if-version 0.1",
        "trace state put plan 3 --agent ana --if-version 0.1 --format json",
        "trace state put plan 3 --if-version 0.0",
        "trace state put never 3 --if-version 0.2",
        "trace state put plan 3 --if-version 0.2 --level L0",
        "trace state get plan",
        "trace state put log '\"started\"' --append --idempotency-key start",
        "trace state put log '\"started\"' --append --idempotency-key start",
        "trace state put log '\"stopped\"' --append --idempotency-key start",
        "trace state get log",
    ]));
}

#[test]
fn what_is_not_final_is_taken_back_with_what_rests_on_it() {
    let desk = with_open_commits();
    insta::assert_snapshot!(desk.session(&[
        "trace state open",
        "trace state open --format json",
        "trace state retract 0.1",
        "trace state retract 0.1 --yes --agent ana",
        "trace state retract 0.1",
        "trace state retract 0.1 --yes",
        "trace state scan",
        "trace state history plan",
        "trace state get plan",
        "trace state get plan --at 0.1",
        "trace state retract 0.3 --yes --format json",
    ]));
}

#[test]
fn what_is_approved_is_final_with_what_waited_for_it() {
    insta::assert_snapshot!(with_open_commits().session(&[
        "trace state approve 0.2",
        "trace state approve 0.1",
        "trace state approve 0.3 --format json",
        "trace state open",
        "trace state retract 0.1 --yes",
    ]));
}

#[test]
fn effects_are_shown_with_why_they_wait_and_settled_when_in_doubt() {
    let desk = Desk::new();
    desk.sure("trace state register mail.send sha256:1 --repeat keyed");
    let store = store(&desk);
    let issue = |lane: &str, tool: &str, hold: bool| {
        let mut session = store.begin("ana", Level::L3).unwrap();
        session.effect(lane, tool, json!({ "to": "bob" })).unwrap();
        if hold {
            session.hold();
        }
        assert!(matches!(session.commit(None).unwrap(), Outcome::Committed { .. }));
    };
    issue("mail", "mail.send", true);
    issue("mail", "mail.send", false);
    issue("deploy", "deploy.sh", false);
    drop(store);
    // A dispatcher that was lost: its claim has ended when the next one asks.
    let shell = SqliteShell::open(&desk.path(STORE), Options::new(Arc::new(|| 0))).unwrap();
    for now in [1, 3] {
        let claim = Order::Claim { lane: "deploy".into(), now, until: now + 1 };
        shell.submit(Input::Order(claim)).unwrap();
    }
    drop(shell);
    insta::assert_snapshot!(desk.session(&[
        "trace state effects",
        "trace state effects --lane deploy --format json",
        "trace state settle 0.4/0 done",
        "trace state settle 0.4/0 done",
        "trace state settle 0.2/0 failed",
        "trace state settle 0.2 failed",
        "trace state retract 0.2 --yes",
        "trace state effects",
    ]));
}

#[test]
fn tools_are_registered_and_removed() {
    insta::assert_snapshot!(Desk::new().session(&[
        "trace state register mail.send sha256:1 --repeat keyed",
        "trace state register deploy v2 --format json",
        "trace state tools",
        "trace state tools --format json",
        "trace state register deploy --remove",
        "trace state register deploy",
        "trace state tools",
    ]));
}

#[test]
fn a_store_is_missing_foreign_or_elsewhere() {
    let desk = Desk::new().with("notes.txt", "not a store").with("sub/here", "");
    let other = "import sqlite3; sqlite3.connect('other.db').execute('CREATE TABLE t (a)')";
    insta::assert_snapshot!(desk.session(&[
        "trace state get plan",
        "trace state scan --store shared.db",
        "trace state put plan 1 --store shared.db",
        "trace state get plan --store shared.db",
        "trace --root sub state put plan 2",
        "cd sub && trace state get plan",
        "trace state get plan --store notes.txt",
        "trace state put plan 1 --store notes.txt",
        "trace state put plan 1 --store nowhere/state.db",
        "trace verify-log nowhere.db",
        "trace verify-log notes.txt",
    ]));
    assert_eq!(desk.read("notes.txt"), "not a store");
    // Where Python is not there, this is not tried.
    if Command::new("python3").args(["-c", other]).current_dir(desk.path("")).status().is_ok_and(|made| made.success())
    {
        let run = desk.run("trace state put plan 1 --store other.db");
        assert!(run.code == 2 && run.stderr.contains("another program"), "{}", run.stderr);
    }
}

#[test]
fn input_that_makes_no_sense_is_told() {
    let desk = Desk::new().with("deep.json", format!("{}{}", "[".repeat(125), "]".repeat(125)));
    insta::assert_snapshot!(desk.session(&[
        "trace state put plan 1",
        "trace state put plan {goal:ship}",
        "trace state put plan",
        "trace state put plan 1 --append --add",
        "trace state put plan 1 --count 2",
        "trace state put plan 1 --append",
        "trace state put plan - < deep.json",
        "printf 'caf\\351' | trace state put plan -",
        "trace state put plan 1 --level L9",
        "trace state get '' ",
        "trace state get \"$(printf 'a\\nb')\"",
        "trace state get plan --at 17",
        "trace state get plan",
    ]));
    let long = desk.run(&format!("trace state get {}", "k".repeat(513)));
    assert!(long.code == 2 && long.stderr.contains("513"), "{}", long.stderr);
}

#[test]
fn hostile_texts_neither_break_a_table_nor_change_on_the_way() {
    let desk = Desk::new();
    let keys = ["schlüssel/\u{1f511}", "it's \"quoted\"", "right\u{202e}left", &"k".repeat(512), "--flag", "a b"];
    let text = "line\nline\r\t\u{1b}[31mred\u{9b}1m \u{202e}turned \u{2028}\"quoted\" \\ \u{1f511}";
    let huge = json!({ "text": text, "list": vec![text; 4_000] });
    desk.write("huge.json", huge.to_string());
    for key in keys {
        let line =
            format!("trace state put --agent \"$(printf 'a\\nb\\033[2J')\" -- '{}' -", key.replace('\'', "'\\''"));
        desk.sure(&format!("{line} < huge.json"));
    }
    let found = desk.records("trace state scan");
    assert_eq!(found.len(), keys.len());
    for key in keys {
        let cell = found.iter().find(|cell| cell["key"] == key).unwrap();
        assert!(cell["value"] == huge && cell["author"] == "a\nb\u{1b}[2J", "{key} is what was written");
    }
    let plain = desk.sure("trace state get 'a b'");
    assert!(serde_json::from_str::<Value>(&plain).unwrap() == huge, "what a person sees is the same JSON");
    for line in ["scan", "history 'a b'", "watch --since 0.0 --timeout 0", "get 'a b'"] {
        let shown = desk.sure(&format!("trace state {line}"));
        assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "of {line}");
        let most = if line.starts_with("get") { 1 } else { 40 };
        assert!(shown.lines().count() <= most, "of {line}:\n{}", shown.lines().count());
    }
    let conflict = desk.run("trace state put 'a b' 1 --if-version 0.0");
    assert!(conflict.code == 1 && conflict.stdout.lines().count() == 3, "{}", conflict.stdout);
    insta::assert_snapshot!(desk.session(&["trace state scan right", "trace state history right\u{202e}left"]));
}

#[test]
fn one_process_watches_while_another_writes() {
    let desk = Desk::new();
    desk.sure("trace state put todo/1 1");
    let watch = "exec trace state watch todo/ --since 0.0 --count 3 --timeout 60 --format json";
    let mut watcher = desk.shell(watch).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["key"], "todo/1");
    desk.sure("trace state put other 1");
    desk.sure("trace state put todo/2 2 --agent ana");
    let expected = json!({ "key": "todo/2", "version": "0.3", "author": "ana", "is": "present", "value": 2 });
    assert_eq!(next(), expected);
    desk.sure("trace state put todo/1 --delete");
    assert_eq!(next(), json!({ "key": "todo/1", "version": "0.4", "author": "terminal", "is": "deleted" }));
    assert!(lines.next().is_none() && watcher.wait().unwrap().success());
    assert_eq!(desk.run("trace state watch --count 1 --timeout 0").code, 1, "nothing came in time");
    assert_eq!(desk.run("trace state watch --timeout 0").code, 0);
}

#[test]
fn a_watcher_ends_in_peace_when_nobody_reads() {
    let desk = Desk::new();
    desk.sure("trace state put todo/1 1");
    let line = "{ trace state watch --since 0.0 --timeout 60; echo \"exit $?\" >&2; } | head -1";
    let watcher = desk.shell(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    // The watcher notices when it next has something to say.
    let writer = std::thread::spawn(move || watcher.wait_with_output().unwrap());
    while !writer.is_finished() {
        assert!(begun.elapsed() < Duration::from_secs(50), "the watcher goes on");
        desk.sure("trace state put todo/1 --count 1");
    }
    let output = writer.join().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "exit 0\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}

#[test]
fn an_interrupted_watcher_leaves_the_store_whole() {
    let desk = Desk::new();
    desk.sure("trace state put plan 1");
    let watch = desk.shell("exec trace state watch --since 0.0").stdout(Stdio::piped()).spawn();
    let mut watcher = watch.unwrap();
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    assert!(lines.next().is_some());
    desk.sure("trace state put plan 2");
    // Not SIGINT: a shell that runs the tests in the background has them ignore it.
    desk.sure(&format!("kill -TERM {}", watcher.id()));
    assert!(!watcher.wait().unwrap().success());
    assert_eq!(desk.sure("trace state get plan"), "2\n");
    desk.sure("trace state put plan 3 && trace verify-log .trace/state.db");
    let versions = desk.records("trace state history plan");
    assert_eq!(versions.len(), 3, "{versions:?}");
}

#[test]
fn a_session_of_another_process_is_listed_and_doomed_by_a_write() {
    let desk = Desk::new();
    desk.sure("trace state put plan 1");
    let store = store(&desk);
    let mut session = store.begin("planner", Level::L1).unwrap();
    session.read("plan").unwrap();
    let begun = Instant::now();
    let live = loop {
        let live = desk.records("trace state sessions");
        if !live.is_empty() || begun.elapsed() > Duration::from_secs(30) {
            break live;
        }
    };
    assert_eq!(live.len(), 1, "the other process knows of the session");
    assert_eq!(live[0]["begin"]["agent"], "planner");
    assert_eq!(live[0]["process"], std::process::id());
    let table = desk.sure("trace state sessions");
    let expected = format!("{}  planner  L1     writes", session.id());
    assert!(table.contains(&expected) && table.contains(" s ago  ") && table.ends_with("1 session\n"), "{table}");
    assert!(session.doomed().unwrap().is_empty());
    desk.sure("trace state put plan 2 --agent ana");
    let doomed = session.doomed().unwrap();
    assert!(matches!(&doomed[..], [Stale::Cell { writer, .. }] if writer.as_str() == "ana"), "{doomed:?}");
    session.write("result", 1).unwrap();
    let outcome = session.commit(None).unwrap();
    let is_told =
        matches!(&outcome, Outcome::Conflict(Stale::Cell { value, .. }) if *value == Content::Present(2.into()));
    assert!(is_told, "{outcome:?}");
    drop(session);
    assert_eq!(desk.run("trace state get result").code, 1, "nothing was written");
}

#[test]
fn writers_in_many_processes_lose_nothing() {
    let desk = Desk::new();
    let line = |writer: usize| {
        format!("for n in 1 2 3 4 5 6; do trace state put log \"[{writer},$n]\" --append >/dev/null || exit 1; done")
    };
    let writers: Vec<_> = (0..4).map(|writer| desk.shell(&line(writer)).spawn().unwrap()).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let log: Vec<(usize, usize)> = serde_json::from_str(&desk.sure("trace state get log")).unwrap();
    for writer in 0..4 {
        let own: Vec<usize> = log.iter().filter(|(by, _)| *by == writer).map(|(_, n)| *n).collect();
        assert_eq!(own, [1, 2, 3, 4, 5, 6], "of writer {writer}");
    }
    assert_eq!(log.len(), 24);
}

#[test]
fn of_many_processes_that_compare_and_set_each_counts() {
    let desk = Desk::new();
    desk.sure("trace state put n 0");
    let read =
        r#"set -- $(trace state get n --format json | sed -E 's/.*"version":"([^"]*)".*"value":([0-9]+).*/\1 \2/')"#;
    let write = "trace state put n $(($2 + 1)) --if-version $1 >/dev/null";
    let line = format!("for i in 1 2 3 4 5; do while {read}; ! {write}; do :; done; done");
    let writers: Vec<_> = (0..4).map(|_| desk.shell(&line).spawn().unwrap()).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(desk.sure("trace state get n"), "20\n");
    assert_eq!(desk.records("trace state history n").len(), 21, "no write was lost and none was made in vain");
}

#[test]
fn a_log_is_replayed_and_a_change_by_another_hand_is_found() {
    let desk = with_open_commits();
    desk.sure("trace state retract 0.1 --yes");
    desk.sure("trace state register mail.send sha256:1");
    insta::assert_snapshot!(desk.session(&[
        "trace verify-log .trace/state.db | sed -E 's/[0-9a-f]{64}/<hash>/'",
        "trace verify-log .trace/state.db --format json | sed -E 's/[0-9a-f]{64}/<hash>/g'",
    ]));
    let path = desk.path(STORE);
    let bytes = fs::read(&path).unwrap();
    let place = bytes.windows(8).position(|window| window == b"sha256:1").unwrap();
    let mut file = fs::File::options().write(true).open(&path).unwrap();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(place as u64)).unwrap();
    file.write_all(b"sha256:2").unwrap();
    let run = desk.run("trace verify-log .trace/state.db");
    assert!(run.code == 1 && run.stdout.starts_with("does not match: "), "{}{}", run.stdout, run.stderr);
    assert_eq!(desk.records("trace verify-log .trace/state.db")[0]["matches"], false);
}
