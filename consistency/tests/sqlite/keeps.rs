//! What a file keeps, what it refuses, and what its log proves.

use super::*;
use consistency::decide::{EffectEnd, Refusal};
use consistency::ledger::{Registered, Repeat, Stage};
use consistency::store::sqlite::replay;
use rusqlite::Connection;
use std::fs;
use std::sync::atomic::AtomicU32;
use std::time::{Duration, Instant};

/// One order of every kind, each of which changes something.
fn every_kind(shell: &SqliteShell) {
    let registered = Some(Registered { fingerprint: "v1".into(), repeat: Repeat::Never });
    order(shell, Order::Register { tool: "mail".into(), registered });
    once(shell, put("plan", json!({"π": 0.1, "none": null})));
    once(shell, append("plan/log", json!(1)));
    once(shell, append("plan/log", json!(2)));
    let id = begin_as(shell, Level::L3, Mode::ReadWrite);
    let lease = Input::Lease { id, key: key("plan"), now: 0, until: 9 };
    assert!(matches!(shell.submit(lease).unwrap(), Output::Reply(Reply::Granted { .. })));
    let effects = vec![issue("east", "mail"), issue("west", "mail")];
    let held = committed(commit(shell, id, Work { effects, hold: true, ..put("plan", json!(null)) }));
    let retracted = once(shell, Work { hold: true, ..put("draft", json!(1)) });
    order(shell, Order::Retract { version: retracted, agent: "eve".into() });
    assert_eq!(order(shell, Order::Approve { version: held }), Reply::Approved(vec![held]));
    let claim = |lane: &str| order(shell, Order::Claim { lane: lane.into(), now: 1, until: 2 });
    let Reply::Claimed { effect, token, .. } = claim("east") else { panic!("nothing to claim") };
    order(shell, Order::Settle { id: effect.id, token: Some(token), end: EffectEnd::Done });
    assert!(matches!(claim("west"), Reply::Claimed { .. }));
    order(shell, Order::Recover);
    let (lessee, free) = (begin(shell), key("free"));
    shell.submit(Input::Lease { id: lessee, key: free.clone(), now: 0, until: 9 }).unwrap();
    order(shell, Order::Release { session: lessee, key: free });
    once(shell, Work { idempotency: Some("once".to_owned()), ..write("gone", Operation::Delete) });
    once(shell, Work { hold: true, ..put("held", json!("last")) });
    let horizon = held.previous().unwrap();
    assert_eq!(order(shell, Order::Collect { horizon }), Reply::Done(horizon));
}

#[test]
fn reopening_keeps_everything() {
    let folder = Folder::new();
    let shell = folder.open();
    every_kind(&shell);
    let all = |shell: &SqliteShell| {
        let held = ["plan", "plan/log", "gone", "never", "held"]
            .map(|cell| (holds(shell, cell), shell.history(&key(cell)).unwrap()));
        let rest = (shell.effects(None, 99).unwrap(), shell.lanes().unwrap(), shell.tools().unwrap());
        (held, rest, shell.open_commits().unwrap(), shell.leases().unwrap(), shell.clock().unwrap())
    };
    let before = all(&shell);
    drop(shell);
    let wal = folder.path().with_file_name("store-wal");
    assert!(!wal.exists(), "who leaves last leaves no write-ahead log");
    let shell = folder.open();
    assert_eq!(all(&shell), before);
    assert_eq!(before.0.clone().map(|(content, _)| content)[2..4], [Content::Deleted, Content::Absent]);
    assert_eq!(before.0[0].0, Content::Present(json!(null).into()), "null is a value");
    assert!(matches!(before.1.0[1].stage, Stage::InDoubt { .. }), "a lost dispatcher's call is in doubt");
    let again = Work { idempotency: Some("once".to_owned()), ..write("gone", Operation::Delete) };
    assert_eq!(once(&shell, again), before.0[2].1[0].version, "the stored outcome");
    let other = Work { idempotency: Some("once".to_owned()), ..put("gone", json!(1)) };
    let refused = commit(&shell, begin(&shell), other).unwrap();
    assert_eq!(refused, Output::Reply(Reply::Refused(Refusal::KeyReused("once".to_owned()))));
}

#[test]
fn eight_threads_lose_nothing() {
    let folder = Folder::new();
    let shell = folder.open();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let shell = &shell;
            scope.spawn(move || {
                for round in 0..20 {
                    once(shell, append("all", json!([thread, round])));
                }
            });
        }
    });
    assert_eq!(length(&holds(&shell, "all")), 160);
    assert_eq!(shell.clock().unwrap(), Version::new(0, 160).unwrap());
    drop(shell);
    assert_eq!(replay(&folder.path()).unwrap().entries, 160);
}

#[test]
fn replaying_finds_the_row_or_the_entry_that_another_hand_changed() {
    let folder = Folder::new();
    let shell = folder.open();
    every_kind(&shell);
    let kinds = shell.log_since(0, 999).unwrap().into_iter().map(|entry| format!("{:?}", entry.order));
    let mut kinds: Vec<String> = kinds.map(|kind| kind.split([' ', '(']).next().unwrap().to_owned()).collect();
    kinds.sort();
    kinds.dedup();
    let all = ["Approve", "Claim", "Collect", "Commit", "Lease", "Recover", "Register", "Release", "Retract", "Settle"];
    assert_eq!(kinds, all);
    drop(shell);
    let whole = replay(&folder.path()).unwrap();
    assert!(whole.entries > 15 && whole.rows.len() == 64);
    for (tampering, named) in [
        ("UPDATE cell SET content = '{\"is\":\"deleted\"}' WHERE key = 'plan'", "table `cell`, row `plan@0.5`"),
        ("UPDATE cell SET author = 'mallory' WHERE key = 'gone'", "table `cell`, row `gone@"),
        ("DELETE FROM older", "table `cell`, row `draft@"),
        ("UPDATE effect SET state = 0 WHERE turn = 1", "table `effect`, row `0.5/1`"),
        ("INSERT INTO finished VALUES (7)", "table `finished`, row `7`: the log comes to no such row"),
        ("DELETE FROM stored", "table `stored`, row `once`"),
        ("DELETE FROM retracted", "table `retracted`, row `0.6`"),
        ("UPDATE tool SET fingerprint = 'v2'", "table `tool`, row `mail`"),
        ("DELETE FROM open", "table `open`, row `1."),
        ("UPDATE head SET token = token + 1", "table `head`"),
        ("UPDATE log SET entry = replace(entry, 'tester', 'mallory') WHERE seq = 3", "log entry 3: its hash"),
        ("UPDATE log SET version = version + 1 WHERE seq = 4", "log entry 4: it says version"),
        ("DELETE FROM log WHERE seq = 5", "log entry 5 is missing"),
        ("DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)", "the log ends at entry"),
        ("UPDATE cell SET content = 'nonsense' WHERE key = 'plan'", "`nonsense` can't be understood"),
    ] {
        let copy = Folder::new();
        fs::copy(folder.path(), copy.path()).unwrap();
        let conn = Connection::open(copy.path()).unwrap();
        assert!(conn.execute(tampering, []).unwrap() > 0, "{tampering}");
        drop(conn);
        let found = replay(&copy.path()).unwrap_err();
        assert!(
            matches!(found, StoreError::Damaged { .. }) && found.to_string().contains(named),
            "{tampering}: {found}"
        );
    }
    assert_eq!(replay(&folder.path()).unwrap(), whole, "and finds nothing where nothing was changed");
}

#[test]
fn a_file_that_is_no_store_is_refused_for_what_it_is() {
    let fails = |make: &dyn Fn(&Path)| {
        let folder = Folder::new();
        make(&folder.path());
        SqliteShell::open(&folder.path(), options()).unwrap_err()
    };
    let sql = |path: &Path, sql: &str| Connection::open(path).unwrap().execute_batch(sql).unwrap();
    let text =
        fails(&|path| fs::write(path, "a diary, not a database, and longer than a header is".repeat(99)).unwrap());
    assert!(matches!(text, StoreError::Damaged { .. }), "{text}");
    let foreign = fails(&|path| sql(path, "CREATE TABLE mine (x)"));
    assert!(matches!(&foreign, StoreError::File { cause, .. } if cause.contains("another program")), "{foreign}");
    let newer = fails(&|path| {
        drop(open(path));
        sql(path, "PRAGMA user_version = 9");
    });
    assert!(matches!(newer, StoreError::TooNew { found: 9, known: 1, .. }), "{newer}");
    let tail = fails(&|path| {
        every_kind(&open(path));
        sql(path, "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)");
    });
    assert!(matches!(tail, StoreError::Damaged { .. }), "{tail}");
    let torn = fails(&|path| {
        every_kind(&open(path));
        let mut bytes = fs::read(path).unwrap();
        bytes[4096..8192].fill(0xa5);
        bytes[4096 * 2..].iter_mut().for_each(|byte| *byte ^= 0x5a);
        fs::write(path, bytes).unwrap();
    });
    assert!(matches!(torn, StoreError::Damaged { .. }), "{torn}");
    let missing = SqliteShell::open(&Folder::new().0.path().join("no/such/folder"), options()).unwrap_err();
    assert!(matches!(missing, StoreError::File { .. }), "{missing}");
    let folder = SqliteShell::open(Folder::new().0.path(), options()).unwrap_err();
    assert!(matches!(folder, StoreError::File { .. }), "{folder}");
}

#[test]
fn a_file_that_may_not_be_written_is_refused() {
    let folder = Folder::new();
    drop(folder.open());
    let mut rights = fs::metadata(folder.path()).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(folder.path(), rights).unwrap();
    if fs::File::options().write(true).open(folder.path()).is_ok() {
        return; // Who may write everything can't be refused.
    }
    let refused = SqliteShell::open(&folder.path(), options()).unwrap_err();
    assert!(matches!(&refused, StoreError::File { cause, .. } if cause.contains("written")), "{refused}");
}

#[test]
fn a_full_disk_fails_the_commit_and_nothing_else() {
    let folder = Folder::new();
    let pages = Arc::new(AtomicU32::new(u32::MAX));
    let shell = SqliteShell::open(&folder.path(), Options { pages: Some(pages.clone()), ..options() }).unwrap();
    once(&shell, put("small", json!(1)));
    pages.store(40, Ordering::Relaxed);
    let (id, large) = (begin(&shell), json!("x".repeat(400_000)));
    read(&shell, id, "small");
    assert!(matches!(commit(&shell, id, put("large", large.clone())), Err(StoreError::Full)));
    assert_eq!(holds(&shell, "large"), Content::Absent);
    assert_eq!(shell.clock().unwrap(), Version::new(0, 1).unwrap());
    pages.store(1_000, Ordering::Relaxed);
    assert_eq!(
        committed(commit(&shell, id, put("large", large))),
        Version::new(0, 2).unwrap(),
        "the same session goes on"
    );
    drop(shell);
    replay(&folder.path()).unwrap();
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let folder = Folder::new();
    let shell = folder.open();
    let deep = |depth: usize| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let id = begin(&shell);
    assert!(matches!(commit(&shell, id, put("deep", deep(200))), Err(StoreError::File { .. })));
    once(&shell, put("deep", deep(100)));
    assert_eq!(holds(&shell, "deep"), Content::Present(deep(100).into()));
    drop(shell);
    replay(&folder.path()).unwrap();
}

#[test]
fn history_is_collected_up_to_the_oldest_snapshot_and_beyond_it_where_too_much_piles_up() {
    let folder = Folder::new();
    let shell = SqliteShell::open(&folder.path(), Options { collect: 10, keep: 40, ..options() }).unwrap();
    once(&shell, put("cell", json!("old")));
    let old = begin_as(&shell, Level::L1, Mode::Snapshot);
    for round in 0..30 {
        once(&shell, put("cell", json!(round)));
    }
    let Output::Read(Content::Present(value), _) = read(&shell, old, "cell") else { panic!("too old too early") };
    assert_eq!(value, "old".into());
    for round in 0..100 {
        once(&shell, put("cell", json!(round)));
    }
    assert_eq!(read(&shell, old, "cell"), Output::TooOld);
    assert!(shell.history(&key("cell")).unwrap().len() <= 41 + 10);
    drop(shell);
    let collections = {
        let shell = folder.open();
        let log = shell.log_since(0, 999).unwrap();
        log.iter().filter(|entry| matches!(entry.order, Order::Collect { .. })).count()
    };
    assert!(collections > 1, "{collections} collections are logged like any order");
    replay(&folder.path()).unwrap();
}

#[test]
fn settled_effects_go_with_the_history_of_their_commit() {
    let folder = Folder::new();
    let shell = folder.open();
    let version = once(&shell, Work { effects: vec![issue("east", "mail"), issue("west", "mail")], ..Work::default() });
    let Reply::Claimed { effect, token, .. } = order(&shell, Order::Claim { lane: "east".into(), now: 1, until: 2 })
    else {
        panic!("nothing to claim");
    };
    order(&shell, Order::Settle { id: effect.id, token: Some(token), end: EffectEnd::Done });
    assert_eq!(order(&shell, Order::Collect { horizon: version }), Reply::Done(version));
    let left: Vec<u32> = shell.effects(None, 9).unwrap().iter().map(|effect| effect.id.index).collect();
    assert_eq!(left, [1], "what is not settled stays");
    drop(shell);
    replay(&folder.path()).unwrap();
}

#[test]
fn a_short_session_costs_one_transaction_and_a_long_one_is_known_everywhere() {
    let folder = Folder::new();
    let commits = Arc::new(AtomicU32::new(0));
    let counted = commits.clone();
    let count = move |point| {
        counted.fetch_add(u32::from(point == Point::BeforeCommit), Ordering::Relaxed);
    };
    drop(folder.open());
    let shell = SqliteShell::open(&folder.path(), Options { faults: Some(Arc::new(count)), ..options() }).unwrap();
    let id = begin(&shell);
    read(&shell, id, "a");
    committed(commit(&shell, id, put("a", json!(1))));
    drop(shell);
    assert_eq!(commits.load(Ordering::Relaxed), 1);
    let (shell, other) = (folder.open(), folder.open());
    let long = begin(&shell);
    let lives = || other.sessions().unwrap().into_iter().map(|live| live.begin.id).collect::<Vec<_>>();
    let deadline = Instant::now() + Duration::from_secs(20);
    while lives() != [long] {
        assert!(Instant::now() < deadline, "the session never became known");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(shell.sessions().unwrap()[0].process, Some(std::process::id()));
    drop(shell);
    assert_eq!(lives(), [], "it ended with its process");
}

#[test]
fn who_follows_the_commits_in_small_pages_misses_no_cell_of_a_large_one() {
    let folder = Folder::new();
    for store in [Store::in_memory(), Store::open(folder.path()).unwrap()] {
        for commit in 0..4 {
            let mut session = store.begin("ana", Level::L1).unwrap();
            for cell in 0..5 {
                session.write(&format!("{commit}/{cell}"), cell).unwrap();
            }
            session.commit(None).unwrap();
        }
        let mut gone = store.begin("ana", Level::L1).unwrap();
        gone.delete("0/0").unwrap();
        gone.commit(None).unwrap();
        let (mut since, mut seen) = (Version::ZERO, Vec::new());
        loop {
            let page = store.written_since(since, 3).unwrap();
            let Some((_, last)) = page.last() else { break };
            since = last.version;
            seen.extend(page.into_iter().map(|(key, _)| key.to_string()));
        }
        seen.sort();
        let every: Vec<_> = (0..4).flat_map(|commit| (0..5).map(move |cell| format!("{commit}/{cell}"))).collect();
        assert_eq!(seen, every);
        let listed = store.list(&Range::prefix("0/"), 3).unwrap();
        assert_eq!(
            listed.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(),
            ["0/1", "0/2", "0/3"],
            "no deleted cell"
        );
        let newest = store.newest(&[key("0/0"), key("0/1"), key("never")]).unwrap();
        let held: Vec<_> = newest.iter().map(|cell| cell.as_ref().map(|cell| cell.content.value().is_some())).collect();
        assert_eq!(held, [Some(false), Some(true), None]);
    }
}
