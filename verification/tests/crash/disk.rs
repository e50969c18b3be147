//! A disk that is full, and a file that may not grow: the error says which, nothing is half written, and with space again
//! the work goes on.

use super::Place;
use super::child::{command, file, report, reported};
use consistency::Level;
use consistency::store::sqlite::replay;
use consistency::store::{Outcome, Store, StoreError};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Space that is taken when the work begins and given back when the disk is full: more than half of it, since what is in the
/// write-ahead log goes to the file as well.
const BALLAST: &str = "ballast";

/// A shell that may mount disks which nobody else sees.
const OWN_DISK: [&str; 4] = ["unshare", "--map-root-user", "--mount", "sh"];

/// Commits cells of 4 KiB until that fails, and tells how; with space again it goes on, if the store does.
pub(crate) fn fill(folder: &Path) {
    let store = Store::open(file(folder)).unwrap();
    let put = |n: usize| -> Result<(), StoreError> {
        let mut session = store.begin("filler", Level::L1)?;
        session.write(&format!("cell/{n:04}"), "x".repeat(4096))?;
        session.count("count", 1)?;
        match session.commit(None)? {
            Outcome::Committed { version, .. } => report(&format!("{version} {n:04}")),
            other => panic!("not committed: {other:?}"),
        }
        Ok(())
    };
    let full = (0..10_000).find_map(|n| Some((n, put(n).err()?)));
    let (next, error) = full.unwrap();
    report(&format!("failed: {error}"));
    if let Err(error) = put(next) {
        report(&format!("failed: {error}"));
    }
    fs::remove_file(folder.join(BALLAST)).unwrap();
    match put(next) {
        Ok(()) => report("went on"),
        Err(error) => report(&format!("failed: {error}")),
    }
    drop(store);
    if whole(folder) == next + 1 {
        report("whole");
    }
}

/// Counts the cells of a store, all of which have to be whole.
fn whole(folder: &Path) -> usize {
    let store = Store::open(file(folder)).unwrap();
    let mut reader = store.snapshot("judge").unwrap();
    let cells = reader.scan("cell/").unwrap();
    assert!(cells.iter().all(|(_, value)| value.json().as_str().unwrap().len() == 4096));
    let count = reader.read("count").unwrap().value().unwrap().json().as_u64().unwrap();
    assert_eq!(count, cells.len() as u64, "a commit is there whole or not at all");
    drop(reader);
    drop(store);
    replay(&file(folder)).unwrap();
    cells.len()
}

/// Fills the disk from within a shell script that prepares it.
fn filled(program: &[&str], script: &str, folder: &Path) -> Output {
    let mut shell = Command::new(program[0]);
    shell.args(&program[1..]).args(["-c", script]).arg(std::env::current_exe().unwrap());
    command(shell, "fill", folder).output().unwrap()
}

/// What was acknowledged, and what was said about failures.
fn told(lines: &[String]) -> (usize, Vec<&str>) {
    let failures = lines.iter().filter_map(|line| line.strip_prefix("failed: ")).collect();
    (lines.iter().filter(|line| line.starts_with("0.")).count(), failures)
}

#[test]
fn a_write_that_fails_halfway_stops_the_store_and_the_next_process_goes_on() {
    let place = Place::new();
    fs::write(place.path().join(BALLAST), "").unwrap();
    let output = filled(&["sh"], "ulimit -f 1000; trap '' XFSZ; exec \"$0\" \"$@\"", &place.path());
    let lines = reported(&output.stdout);
    let (acknowledged, failures) = told(&lines);
    assert!(acknowledged > 10 && failures.len() == 3, "{lines:?}");
    let stopped = |failure: &&str| failure.contains("stopped after a failed write");
    assert!(failures.iter().all(stopped), "what is on disk is unknown after that: {failures:?}");
    let kept = whole(&place.path());
    assert!(kept == acknowledged || kept == acknowledged + 1, "{kept} of {acknowledged}");
    println!("a file that may not grow: {acknowledged} acknowledged, {kept} kept");
    let store = Store::open(file(&place.path())).unwrap();
    assert_eq!(store.clock().unwrap().epoch(), 1, "the next process recovers");
    let mut session = store.begin("next", Level::L1).unwrap();
    session.count("count", 1).unwrap();
    assert!(matches!(session.commit(None).unwrap(), Outcome::Committed { .. }));
}

#[test]
fn a_full_disk_is_told_and_with_space_again_the_same_process_goes_on() {
    let place = Place::new();
    // The folder becomes a disk of its own, for the process alone.
    let mount = "mount -t tmpfs -o size=2m none \"$TRACE_FOLDER\"";
    let script = format!("{mount} && head -c 1200000 /dev/zero > \"$TRACE_FOLDER/{BALLAST}\" && exec \"$0\" \"$@\"");
    let possible =
        Command::new(OWN_DISK[0]).args(&OWN_DISK[1..]).args(["-c", mount]).env("TRACE_FOLDER", place.path()).output();
    if !possible.is_ok_and(|probe| probe.status.success()) {
        println!("LEFT OUT: this system lets no test mount a small disk");
        return;
    }
    let lines = reported(&filled(&OWN_DISK, &script, &place.path()).stdout);
    let (acknowledged, failures) = told(&lines);
    assert!(acknowledged > 10, "{lines:?}");
    assert!(
        !failures.is_empty() && failures.iter().all(|failure| failure.contains("the disk is full")),
        "{failures:?}"
    );
    assert_eq!(lines[lines.len() - 2..], ["went on", "whole"]);
    println!("a full disk: {acknowledged} acknowledged, {} refusals", failures.len());
}
