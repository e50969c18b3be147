//! Several processes share a file: they see, doom and validate against each other's commits.

use super::*;
use consistency::session::Stale;
use consistency::store::sqlite::replay;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Runs a test of this binary as another process, with a store and a task in its environment.
pub(super) fn process(test: &str, path: &Path, task: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("STORE", path).env("TASK", task);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.spawn().unwrap()
}

/// The store and the task, in a process that was started by [`process`].
pub(super) fn task() -> Option<(PathBuf, String)> {
    Some((std::env::var_os("STORE")?.into(), std::env::var("TASK").ok()?))
}

/// What another process does: six rounds of read, think and append, each tried until it commits.
#[test]
fn appender() {
    let Some((path, name)) = task() else { return };
    let shell = open(&path);
    for round in 0..6 {
        loop {
            let id = begin(&shell);
            let Output::Read(seen, _) = read(&shell, id, "list") else { panic!("a new session is not doomed") };
            let mut list = seen.value().and_then(|value| value.json().as_array().cloned()).unwrap_or_default();
            std::thread::sleep(Duration::from_millis(2));
            list.push(json!([name, round]));
            match commit(&shell, id, put("list", list.into())).unwrap() {
                Output::Reply(Reply::Committed { .. }) => break,
                _ => drop(shell.submit(Input::Abort(id)).unwrap()),
            }
        }
    }
}

#[test]
fn four_processes_of_six_rounds_append_twenty_four_of_twenty_four() {
    let folder = Folder::new();
    let shell = folder.open();
    let children = ["a", "b", "c", "d"].map(|name| process("processes::appender", &folder.path(), name));
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let content = holds(&shell, "list");
    assert_eq!(length(&content), 24);
    for name in ["a", "b", "c", "d"] {
        let list = content.value().unwrap().json().as_array().unwrap();
        let rounds: Vec<_> = list.iter().filter(|item| item[0] == name).map(|item| item[1].as_u64().unwrap()).collect();
        assert_eq!(rounds, [0, 1, 2, 3, 4, 5], "of {name}, in order");
    }
    assert_eq!(shell.clock().unwrap(), Version::new(0, 24).unwrap(), "nobody recovered from anything");
    drop(shell);
    assert_eq!(replay(&folder.path()).unwrap().entries, 24);
}

#[test]
fn a_commit_of_another_process_is_seen_wakes_dooms_and_is_validated_against() {
    let folder = Folder::new();
    let shell = folder.open();
    let clock = shell.clock().unwrap();
    let reader = begin(&shell);
    assert_eq!(read(&shell, reader, "list"), Output::Read(Content::Absent, Version::ZERO));
    let searcher = begin(&shell);
    let everything = consistency::range::Range::all();
    assert_eq!(shell.submit(Input::Act(searcher, Act::Scan(everything))).unwrap(), Output::Scanned(Vec::new()));
    let bystander = begin(&shell);
    read(&shell, bystander, "elsewhere");
    let mut child = process("processes::appender", &folder.path(), "it");
    let since = Instant::now();
    assert!(shell.wait(clock, Duration::from_secs(30)).unwrap() > clock);
    assert!(since.elapsed() < Duration::from_secs(30), "woken, not timed out");
    assert!(child.wait().unwrap().success());
    for id in [reader, searcher] {
        let doomed = shell.session(id).unwrap().unwrap().doomed;
        assert!(matches!(&doomed[..], [Stale::Cell { key: found, now, .. }] if *found == key("list") && *now > clock));
        assert_eq!(read(&shell, id, "other"), Output::Doomed(doomed.clone()));
        let conflict = commit(&shell, id, put("other", json!(1))).unwrap();
        assert_eq!(conflict, Output::Reply(Reply::Conflict(doomed[0].clone())));
    }
    assert_eq!(shell.session(bystander).unwrap().unwrap().doomed, []);
    assert!(shell.sessions().unwrap().iter().all(|live| live.doomed == (live.begin.id != bystander)));
    committed(commit(&shell, bystander, put("other", json!(1))));
    assert_eq!(length(&holds(&shell, "list")), 6);
}

#[test]
fn a_lock_that_another_process_keeps_is_waited_for_and_then_reported() {
    let folder = Folder::new();
    let busy = Duration::from_millis(150);
    let shell = SqliteShell::open(&folder.path(), Options { busy, ..options() }).unwrap();
    let other = rusqlite::Connection::open(folder.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (id, since) = (begin(&shell), Instant::now());
    assert!(matches!(commit(&shell, id, put("a", json!(1))), Err(StoreError::Busy(_))));
    assert!(since.elapsed() >= busy);
    assert_eq!(holds(&shell, "a"), Content::Absent, "reads wait for nobody");
    other.execute_batch("ROLLBACK").unwrap();
    committed(commit(&shell, id, put("a", json!(1))));
}

#[test]
fn what_waits_is_woken_by_a_commit_of_its_own_process_and_ends_in_time_without_one() {
    let folder = Folder::new();
    let shell = folder.open();
    let clock = shell.clock().unwrap();
    assert_eq!(shell.wait(clock, Duration::from_millis(20)).unwrap(), clock);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| shell.wait(clock, Duration::from_secs(60)).unwrap());
        let version = once(&shell, put("a", json!(1)));
        assert_eq!(waiting.join().unwrap(), version);
    });
}
