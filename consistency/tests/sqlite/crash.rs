//! Processes that end in the middle of something: what was acknowledged survives, and nothing is half there.

use super::processes::{process, task};
use super::*;
use consistency::ledger::{Registered, Repeat, Stage};
use consistency::store::sqlite::replay;
use std::fs;
use std::io::Write;

const POINTS: [Point; 5] = [Point::Decided, Point::Applied, Point::BeforeCommit, Point::AfterCommit, Point::BeforeAck];

/// What another process does: it appends, writes down what was acknowledged, and is killed at a point of its seventh commit.
#[test]
fn victim() {
    let Some((path, task)) = task() else { return };
    let reached = AtomicU64::new(0);
    let faults = move |point: Point| {
        if format!("{point:?}") == task && reached.fetch_add(1, Ordering::Relaxed) == 6 {
            std::process::abort();
        }
    };
    let shell = SqliteShell::open(&path, Options { faults: Some(Arc::new(faults)), ..options() }).unwrap();
    let mut acknowledged =
        fs::File::options().append(true).create(true).open(path.with_extension("acknowledged")).unwrap();
    for round in 0.. {
        once(&shell, append("list", json!(round)));
        writeln!(acknowledged, "{round}").unwrap();
    }
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_was_acknowledged() {
    for point in POINTS {
        let folder = Folder::new();
        let killed = process("crash::victim", &folder.path(), &format!("{point:?}")).wait().unwrap();
        assert!(!killed.success());
        let acknowledged = fs::read_to_string(folder.path().with_extension("acknowledged")).unwrap().lines().count();
        let shell = folder.open();
        let kept = length(&holds(&shell, "list"));
        let durable = matches!(point, Point::AfterCommit | Point::BeforeAck);
        assert_eq!((acknowledged, kept), (6, 6 + usize::from(durable)), "{point:?}");
        assert_eq!(shell.clock().unwrap().epoch(), 1, "{point:?}: the next process begins an epoch");
        drop(shell);
        assert_eq!(
            folder.open().clock().unwrap().epoch(),
            1,
            "{point:?}: after an orderly end there is nothing to recover"
        );
        assert_eq!(replay(&folder.path()).unwrap().entries, kept as u64 + 1, "{point:?}");
    }
}

/// The files of a store as they are now, elsewhere: as if the machine lost power.
fn copied(folder: &Folder, log: impl FnOnce(&mut Vec<u8>)) -> Folder {
    let copy = Folder::new();
    fs::copy(folder.path(), copy.path()).unwrap();
    let wal = |folder: &Folder| folder.path().with_file_name("store-wal");
    let mut bytes = fs::read(wal(folder)).unwrap();
    log(&mut bytes);
    fs::write(wal(&copy), bytes).unwrap();
    copy
}

#[test]
fn a_torn_log_opens_to_the_commits_before_the_tear() {
    let folder = Folder::new();
    let shell = folder.open();
    for round in 0..12 {
        once(&shell, append("list", json!(round)));
    }
    let mut size = 0;
    drop(copied(&folder, |bytes| size = bytes.len()));
    let mut found = std::collections::BTreeSet::new();
    for tear in 1..40 {
        let at = size * tear / 40 + tear;
        let cut = copied(&folder, |bytes| bytes.truncate(at));
        let flipped = copied(&folder, |bytes| bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 0x10));
        for (torn, how) in [(cut, "cut"), (flipped, "flipped")] {
            // The first commits of all made the tables; without them there is no store yet, and one is made.
            let shell = torn.open();
            let content = holds(&shell, "list");
            let kept = length(&content);
            let all = content.value().map_or(Vec::new(), |value| value.json().as_array().unwrap().clone());
            assert_eq!(all, (0..kept).map(|round| json!(round)).collect::<Vec<_>>(), "{how} at {at}: a prefix");
            once(&shell, append("list", json!(kept)));
            drop(shell);
            assert!(replay(&torn.path()).unwrap().entries > kept as u64, "{how} at {at}");
            found.insert(kept);
        }
    }
    assert!(found.len() > 6 && found.contains(&11), "tears at many places: {found:?}");
}

#[test]
fn recovery_takes_up_what_dispatchers_left_and_does_so_once() {
    let folder = Folder::new();
    let shell = folder.open();
    for (tool, repeat) in [("mail", Repeat::Never), ("ticket", Repeat::Keyed)] {
        let registered = Some(Registered { fingerprint: "v1".into(), repeat });
        order(&shell, Order::Register { tool: tool.into(), registered });
    }
    let effects = vec![issue("east", "mail"), issue("west", "ticket"), issue("north", "mail")];
    once(&shell, Work { effects, ..put("a", json!(1)) });
    for lane in ["east", "west"] {
        let claim = Order::Claim { lane: lane.into(), now: 1, until: 1_000 };
        assert!(matches!(order(&shell, claim), Reply::Claimed { .. }));
    }
    let crashed = copied(&folder, |_| {});
    let recovered = crashed.open();
    let version = recovered.clock().unwrap();
    assert_eq!((version.epoch(), shell.clock().unwrap().epoch()), (1, 0));
    let stages: Vec<Stage> = recovered.effects(None, 9).unwrap().into_iter().map(|effect| effect.stage).collect();
    assert!(
        matches!(stages[..], [Stage::InDoubt { .. }, Stage::Claimed { until: 0, .. }, Stage::Waiting { .. }]),
        "{stages:?}"
    );
    let second = crashed.open();
    assert_eq!(second.clock().unwrap(), version, "who joins does not recover");
    drop((recovered, second));
    assert_eq!(crashed.open().clock().unwrap(), version, "nor who comes after an orderly end");
    assert_eq!(holds(&crashed.open(), "a"), Content::Present(json!(1).into()));
}

#[test]
fn a_writer_that_is_lost_acknowledges_nothing_and_stops_the_store() {
    let folder = Folder::new();
    let reached = AtomicU64::new(0);
    let faults = move |point: Point| {
        let third = point == Point::BeforeCommit && reached.fetch_add(1, Ordering::Relaxed) == 2;
        assert!(!third, "the writer is lost on purpose");
    };
    let shell = SqliteShell::open(&folder.path(), Options { faults: Some(Arc::new(faults)), ..options() }).unwrap();
    for round in 0..2 {
        once(&shell, append("list", json!(round)));
    }
    let id = begin(&shell);
    assert!(matches!(commit(&shell, id, append("list", json!(2))), Err(StoreError::Stopped(_))));
    assert!(matches!(shell.clock(), Err(StoreError::Stopped(_))), "nothing is told from then on");
    drop(shell);
    let shell = folder.open();
    assert_eq!(length(&holds(&shell, "list")), 2);
}
