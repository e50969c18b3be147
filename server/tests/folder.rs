//! The folder at rest: nothing is lost, torn or passed over, whoever writes at the same time and wherever a crash falls.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up shall fail")]

use rules::book::{Action, transition};
use rules::file::{render, update};
use rules::{Code, Correction, Directive, Pattern, Predicate, Quote, Rule, RuleId, Scope, State, Strength};
use server::folder::{Cause, Folder, Layer};
use server::{Engine, Place, history};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn id(text: &str) -> RuleId {
    RuleId::try_from(text.to_owned()).unwrap()
}

fn rule(name: &str) -> Rule {
    Rule {
        id: id(name),
        title: name.to_owned(),
        state: State::Armed,
        strength: Strength::Must,
        decided_by: rules::Decision::Check,
        confidence: None,
        superseded_by: None,
        split_into: Vec::new(),
        refines: None,
        scope: Scope::default(),
        check: Some(Directive::of(Pattern::Absence { never: Predicate::command(name) })),
        remind_when: None,
        said: Vec::new(),
        examples: Vec::new(),
    }
}

fn cause(rule: &str, action: Action) -> Cause {
    Cause { rule: id(rule), action, by: "test".to_owned(), reason: None, at: "2026-11-22T09:00:00Z".to_owned() }
}

/// An empty repository with its folder.
fn folder() -> (TempDir, Folder) {
    let place = TempDir::new().unwrap();
    fs::create_dir(place.path().join(".git")).unwrap();
    let folder = Folder::at(place.path(), Some(&place.path().join("user/rules")));
    folder.create().unwrap();
    (place, folder)
}

fn put(folder: &Folder, layer: Layer, name: &str, text: impl AsRef<[u8]>) {
    let place = folder.rules(layer).unwrap();
    fs::create_dir_all(&place).unwrap();
    fs::write(place.join(name), text).unwrap();
}

fn save(folder: &Folder, name: &str, text: Option<&str>, action: Action) {
    let mut transaction = folder.transaction().unwrap();
    assert!(transaction.write(&folder.rule_path(&id(name)), text, cause(name, action)).unwrap());
    assert_eq!(transaction.commit().unwrap(), []);
}

fn text(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn the_nearest_folder_is_found_and_otherwise_belongs_at_the_top_of_the_repository() {
    let place = TempDir::new().unwrap();
    let top = place.path().canonicalize().unwrap();
    let deep = top.join("a/b/c");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir(top.join(".git")).unwrap();
    assert_eq!(Folder::find(&deep, None), None);
    assert_eq!(Folder::at(&deep, None).root(), top);

    Folder::at(&deep, None).create().unwrap();
    assert_eq!(Folder::find(&deep, None).unwrap().root(), top);
    fs::create_dir(top.join("a/.trace")).unwrap();
    assert_eq!(Folder::find(&deep, None).unwrap().root(), top.join("a"));
}

#[test]
fn creating_the_folder_again_keeps_what_is_there() {
    let (_place, folder) = folder();
    let ignored = folder.path(".gitignore");
    assert_eq!(
        text(&ignored).unwrap(),
        "cache/\nfeedback/\nindex/\ninstalled/\nlock\nlog*.jsonl\nsessions/\nstate.db*\n"
    );
    fs::write(&ignored, "mine\n").unwrap();
    folder.create().unwrap();
    assert_eq!(text(&ignored).unwrap(), "mine\n");
    // Of an older version, with what a person made of it.
    fs::write(&ignored, "cache/\nlock\nmine\n!log*.jsonl\nstate.db*").unwrap();
    folder.create().unwrap();
    let completed = "cache/\nlock\nmine\n!log*.jsonl\nstate.db*\nfeedback/\nindex/\ninstalled/\nsessions/\n";
    assert_eq!(text(&ignored).unwrap(), completed);
    folder.create().unwrap();
    assert_eq!(text(&ignored).unwrap(), completed);
}

#[test]
fn a_bad_file_is_told_with_its_place_and_disables_no_other() {
    let (_place, folder) = folder();
    put(&folder, Layer::Repository, "good.toml", render(&rule("good")));
    put(&folder, Layer::Repository, "bad.toml", render(&rule("bad")).replace("never", "nevr"));
    put(&folder, Layer::Repository, "latin.toml", b"id = 'a'\ntitle = '\xe4'\n");
    put(&folder, Layer::Repository, "long.toml", vec![b'#'; (4 << 20) + 1]);
    put(&folder, Layer::Repository, "other.toml", render(&rule("another")));
    put(&folder, Layer::Repository, ".new-1.toml", "not a rule");
    put(&folder, Layer::Repository, "notes.md", "not a rule");

    let loaded = folder.load();
    let names: Vec<&str> = loaded.rules().map(|rule| rule.id.as_str()).collect();
    assert_eq!(names, ["good", "another"]);
    let told = loaded.diagnostics.iter().map(|fault| {
        let span = fault.span.as_ref().unwrap();
        (fault.code, span.file.as_str(), span.line, span.column)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (Code::RuleFileSyntax, ".trace/rules/bad.toml", 7, 1),
            (Code::RuleFileSyntax, ".trace/rules/latin.toml", 2, 10),
            (Code::RuleFileSyntax, ".trace/rules/long.toml", 1, 1),
            (Code::RuleFileName, ".trace/rules/other.toml", 1, 6),
        ]
    );
}

#[test]
fn of_two_rules_of_one_name_the_narrower_and_then_the_closer_applies() {
    let (_place, folder) = folder();
    let narrow = Rule { scope: Scope { branch: vec!["main".to_owned()], ..Scope::default() }, ..rule("b") };
    put(&folder, Layer::User, "a.toml", render(&rule("a")));
    put(&folder, Layer::Repository, "a.toml", render(&rule("a")));
    put(&folder, Layer::User, "b.toml", render(&narrow));
    put(&folder, Layer::Repository, "b.toml", render(&rule("b")));
    put(&folder, Layer::User, "c.toml", render(&rule("c")));
    put(&folder, Layer::Repository, "d.toml", render(&rule("d")));
    put(&folder, Layer::Repository, "e.toml", render(&rule("d")));

    let loaded = folder.load();
    let applies = loaded.files.iter().filter(|file| !file.overridden);
    let applies: Vec<_> = applies.map(|file| (file.rule.id.as_str(), file.layer, file.path.clone())).collect();
    let (user, own) = (folder.rules(Layer::User).unwrap(), folder.rules(Layer::Repository).unwrap());
    assert_eq!(
        applies,
        [
            ("b", Layer::User, user.join("b.toml")),
            ("c", Layer::User, user.join("c.toml")),
            ("a", Layer::Repository, own.join("a.toml")),
            ("d", Layer::Repository, own.join("d.toml")),
        ]
    );
    assert_eq!(loaded.files.len(), 7);
    assert_eq!(folder.rule_path(&id("c")), user.join("c.toml"));
    assert_eq!(folder.rule_path(&id("a")), own.join("a.toml"));
}

#[test]
fn the_fingerprint_tells_every_change_of_a_rule_file() {
    let (_place, folder) = folder();
    let path = folder.rule_path(&id("a"));
    let mut seen = BTreeSet::from([folder.fingerprint()]);
    let mut fresh = |what: &str| {
        assert_eq!(folder.fingerprint(), folder.fingerprint());
        assert!(seen.insert(folder.fingerprint()), "not told: {what}");
    };
    fs::write(&path, "one").unwrap();
    fresh("a new file");
    fs::write(&path, "three").unwrap();
    fresh("an edit in place");
    fs::write(&path, "seven").unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001)).unwrap();
    fresh("an edit in place of the same length");
    fs::rename(&path, folder.rule_path(&id("b"))).unwrap();
    fresh("another name");
    put(&folder, Layer::User, "b.toml", "seven");
    fresh("a file of the user's");
    fs::remove_file(folder.rules(Layer::Repository).unwrap().join("b.toml")).unwrap();
    fresh("a file less");
    put(&folder, Layer::User, "notes.md", "no rule");
    assert!(!seen.insert(folder.fingerprint()));
}

#[test]
fn of_many_rules_only_the_folders_are_looked_at_where_an_answer_cannot_wait() {
    let (place, folder) = folder();
    for number in 0..130 {
        let name = format!("tool{number}");
        put(&folder, Layer::Repository, &format!("{name}.toml"), render(&rule(&name)));
    }
    // A time of its own, as two changes within a tick of the clock may have the same.
    let long_ago = |name: &str| {
        let folder = fs::File::open(folder.path(name)).unwrap();
        folder.set_modified(SystemTime::UNIX_EPOCH + Duration::from_hours(1)).unwrap();
    };
    long_ago("rules");
    let engine = Engine::open(&Place::At(place.path().to_owned()), None).unwrap();
    let at_hand = || {
        let (checks, current) = engine.checks_at_hand();
        (checks.len(), current)
    };
    assert_eq!(at_hand(), (130, true), "where none are kept they are made");
    let retired = Rule { state: State::Retired, ..rule("tool0") };
    fs::write(folder.rule_path(&id("tool0")), render(&retired)).unwrap();
    assert_eq!(at_hand(), (130, true), "an edit in place is not seen");
    assert_eq!(engine.checks().0.len(), 129, "until every file is looked at");
    assert_eq!(at_hand(), (129, true));
    put(&folder, Layer::Repository, "tool130.toml", render(&rule("tool130")));
    assert_eq!(at_hand(), (129, false), "a new file is seen, and what is kept still serves");
    assert_eq!(engine.checks().0.len(), 130);
    assert_eq!(at_hand(), (130, true));
    put(&folder, Layer::Repository, ".tool130.toml.swp", "an editor's own");
    long_ago("rules");
    assert_eq!(at_hand(), (130, false));
    assert!(engine.checks().1.is_empty());
    assert_eq!(at_hand(), (130, true), "nothing had to be made");
    put(&folder, Layer::Repository, "bad.toml", "no rule");
    for _ in 0..2 {
        assert!(!engine.checks().1.is_empty(), "what is wrong is said each time");
        assert_eq!(at_hand(), (130, true));
    }
}

#[test]
fn a_correction_is_kept_once() {
    let (_place, folder) = folder();
    for new in [true, false] {
        let mut transaction = folder.transaction().unwrap();
        assert_eq!(transaction.correct(&Correction::of("no npm")).unwrap(), new);
        assert!(!transaction.correct(&Correction::of("no npm ")).unwrap());
        transaction.commit().unwrap();
    }
    let lines = text(&folder.path("corrections.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 1);
    let kept: Correction = serde_json::from_str(&lines).unwrap();
    assert_eq!(kept.id, Some(Correction::of("no npm").key()));
}

#[test]
fn what_is_not_committed_changes_no_rule() {
    let (_place, folder) = folder();
    let path = folder.rule_path(&id("a"));
    let mut transaction = folder.transaction().unwrap();
    transaction.correct(&Correction::of("evidence stays")).unwrap();
    transaction.write(&path, Some("text"), cause("a", Action::Compile)).unwrap();
    assert_eq!(transaction.read(&path).unwrap().as_deref(), Some("text"));
    drop(transaction);
    assert_eq!((text(&path), text(&folder.path("history.jsonl"))), (None, None));
    assert!(text(&folder.path("corrections.jsonl")).unwrap().contains("evidence stays"));
}

#[test]
fn writing_what_is_there_already_changes_nothing() {
    let (_place, folder) = folder();
    save(&folder, "a", Some("text"), Action::Compile);
    let before = (folder.fingerprint(), text(&folder.path("history.jsonl")));
    let mut transaction = folder.transaction().unwrap();
    assert!(!transaction.write(&folder.rule_path(&id("a")), Some("text"), cause("a", Action::Compile)).unwrap());
    transaction.commit().unwrap();
    assert_eq!((folder.fingerprint(), text(&folder.path("history.jsonl"))), before);
}

#[test]
fn a_torn_last_line_is_cut_off_and_told_and_a_whole_one_is_kept() {
    let (_place, folder) = folder();
    let path = folder.path("corrections.jsonl");
    for (tail, kept) in [("{\"text\":\"to", 3), ("{\"text\":\"whole\",\"id\":\"w\"}", 4), ("", 3), ("\0\0\0", 3)] {
        fs::write(&path, format!("{{\"id\":\"1\",\"text\":\"a\"}}\n{{\"id\":\"2\",\"text\":\"b\"}}\n{tail}")).unwrap();
        let mut transaction = folder.transaction().unwrap();
        transaction.correct(&Correction::of("new")).unwrap();
        let diagnostics = transaction.commit().unwrap();
        let lines = text(&path).unwrap();
        let all: Vec<Correction> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((all.len(), all.last().unwrap().text.as_str()), (kept, "new"));
        let told: Vec<usize> = diagnostics.iter().map(|fault| fault.span.as_ref().unwrap().line).collect();
        assert_eq!(told, if kept == 3 && !tail.is_empty() { vec![3] } else { vec![] });
    }
}

#[test]
fn a_long_torn_line_is_cut_off_whole() {
    let (_place, folder) = folder();
    let path = folder.path("history.jsonl");
    save(&folder, "a", Some(&"x".repeat(100_000)), Action::Compile);
    let whole = text(&path).unwrap();
    fs::write(&path, format!("{whole}{{\"seq\":2,\"after\":\"{}", "y".repeat(100_000))).unwrap();

    let mut transaction = folder.transaction().unwrap();
    transaction.write(&folder.rule_path(&id("a")), Some("z"), cause("a", Action::Arm)).unwrap();
    assert_eq!(transaction.commit().unwrap().len(), 1);
    let numbers: Vec<u64> = history::read(&folder).unwrap().map(|line| line.unwrap().unwrap().seq).collect();
    assert_eq!(numbers, [1, 2]);
}

#[test]
fn undoing_walks_back_to_the_exact_bytes() {
    let (_place, folder) = folder();
    let path = folder.rule_path(&id("a"));
    let first = format!("# Ask Ada first.\r\n{}\n\n# the end", render(&rule("a")));
    let second = update(&first, &transition(&rule("a"), Action::Retire).unwrap());
    assert!(second.contains("# Ask Ada first.") && second.ends_with("# the end"));
    let by_hand = format!("{second}\n# and Bob");
    save(&folder, "a", Some(&first), Action::Compile);
    save(&folder, "other", Some("other"), Action::Compile);
    save(&folder, "a", Some(&second), Action::Retire);
    fs::write(&path, &by_hand).unwrap();

    let mut texts = Vec::new();
    while history::undo(&folder, &id("a"), "2026-11-22T09:00:01Z", "Ada").unwrap().is_some() {
        texts.push(text(&path));
    }
    assert_eq!(texts, [Some(second), Some(first), None]);
    assert_eq!(text(&folder.rule_path(&id("other"))).as_deref(), Some("other"));
    let last = history::read(&folder).unwrap().last().unwrap().unwrap().unwrap();
    assert_eq!((last.seq, last.action), (7, Action::Undo));
    let kept = history::read(&folder).unwrap().any(|line| line.unwrap().unwrap().after == Some(by_hand.clone()));
    assert!(kept, "the edit by hand is lost");
}

#[test]
fn a_file_that_was_deleted_by_hand_comes_back() {
    let (_place, folder) = folder();
    save(&folder, "a", Some("text"), Action::Compile);
    fs::remove_file(folder.rule_path(&id("a"))).unwrap();
    history::undo(&folder, &id("a"), "", "Ada").unwrap().unwrap();
    assert_eq!(text(&folder.rule_path(&id("a"))).as_deref(), Some("text"));
}

#[test]
fn a_rule_without_history_has_nothing_to_take_back() {
    let (_place, folder) = folder();
    put(&folder, Layer::Repository, "a.toml", "by hand");
    assert_eq!(history::undo(&folder, &id("a"), "", "Ada").unwrap(), None);
    assert_eq!(text(&folder.rule_path(&id("a"))).as_deref(), Some("by hand"));
}

#[test]
fn a_file_whose_bytes_could_not_be_kept_is_not_replaced() {
    let (_place, folder) = folder();
    put(&folder, Layer::Repository, "a.toml", b"\xff");
    let mut transaction = folder.transaction().unwrap();
    let error = transaction.write(&folder.rule_path(&id("a")), Some("b"), cause("a", Action::Edit)).unwrap_err();
    assert!(error.to_string().starts_with("cannot read `"), "{error}");
}

#[test]
fn a_cache_that_cannot_be_kept_is_only_worth_knowing() {
    let (_place, folder) = folder();
    assert_eq!(folder.read_cache(), None);
    assert_eq!(folder.write_cache(b"checks"), None);
    assert_eq!(folder.read_cache().as_deref(), Some(b"checks".as_slice()));
    fs::remove_dir_all(folder.path("cache")).unwrap();
    fs::write(folder.path("cache"), "in the way").unwrap();
    assert_eq!(folder.write_cache(b"checks").unwrap().code, Code::StaleCache);
}

#[cfg(unix)]
#[test]
fn a_link_is_replaced_and_never_written_through() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (place, folder) = folder();
    let (outside, path) = (place.path().join("outside"), folder.rule_path(&id("a")));
    fs::write(&outside, "mine").unwrap();
    symlink(&outside, &path).unwrap();
    save(&folder, "a", Some("text"), Action::Compile);
    assert_eq!((text(&outside).as_deref(), text(&path).as_deref()), (Some("mine"), Some("text")));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    save(&folder, "a", Some("more"), Action::Compile);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

/// What each of the writers below does: it keeps a correction of its own, makes a rule of its own and adds a quote to the
/// rule that all share.
fn work(folder: &Folder, worker: usize, round: usize) {
    let name = format!("w{worker}-{round}");
    let mut transaction = folder.transaction().unwrap();
    transaction.correct(&Correction::of(&name)).unwrap();
    let own = render(&rule(&name));
    transaction.write(&folder.rule_path(&id(&name)), Some(&own), cause(&name, Action::Compile)).unwrap();
    let shared = folder.rule_path(&id("shared"));
    let text = transaction.read(&shared).unwrap().unwrap();
    let mut rule = rules::file::parse(&text, "shared.toml").unwrap();
    rule.said.push(Quote { quote: name.clone(), correction: name, source: None, session: None, turn: None });
    transaction.write(&shared, Some(&update(&text, &rule)), cause("shared", Action::Compile)).unwrap();
    transaction.commit().unwrap();
}

/// Asserts that every file is whole, and returns how often work was done.
fn done(folder: &Folder) -> usize {
    let loaded = folder.load();
    assert_eq!(loaded.diagnostics, []);
    let said = loaded.file(&id("shared")).unwrap().rule.said.len();
    let distinct: BTreeSet<&str> =
        loaded.file(&id("shared")).unwrap().rule.said.iter().map(|quote| quote.quote.as_str()).collect();
    assert_eq!(distinct.len(), said);
    let changes: Vec<_> = history::read(folder).unwrap().map(|line| line.unwrap().unwrap()).collect();
    assert!(changes.iter().zip(1..).all(|(change, seq)| change.seq == seq));
    let corrections = text(&folder.path("corrections.jsonl")).unwrap_or_default();
    assert!(corrections.lines().all(|line| serde_json::from_str::<Correction>(line).is_ok()));
    assert_eq!(loaded.files.len() - 1, said);
    said
}

#[test]
fn sixteen_threads_lose_and_tear_nothing() {
    let (place, folder) = folder();
    save(&folder, "shared", Some(&render(&rule("shared"))), Action::Compile);
    thread::scope(|scope| {
        for worker in 0..16 {
            let place = place.path();
            scope.spawn(move || {
                let folder = Folder::find(place, None).unwrap();
                (0..5).for_each(|round| work(&folder, worker, round));
            });
        }
        scope.spawn(|| (0..50).for_each(|_| assert_eq!(folder.load().diagnostics, [])));
    });
    assert_eq!(done(&folder), 16 * 5);
    assert_eq!(history::read(&folder).unwrap().count(), 1 + 2 * 16 * 5);
    assert_eq!(text(&folder.path("corrections.jsonl")).unwrap().lines().count(), 16 * 5);
}

/// Not a test by itself: the body of the processes that the next tests start.
#[test]
fn worker() {
    let (Ok(place), Ok(worker), Ok(rounds)) =
        (std::env::var("TRACE_TEST_PLACE"), std::env::var("TRACE_TEST_WORKER"), std::env::var("TRACE_TEST_ROUNDS"))
    else {
        return;
    };
    let folder = Folder::find(Path::new(&place), None).unwrap();
    (0..rounds.parse().unwrap()).for_each(|round| work(&folder, worker.parse().unwrap(), round));
}

fn process(place: &Path, worker: usize, rounds: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "worker", "--quiet"])
        .env("TRACE_TEST_PLACE", place)
        .env("TRACE_TEST_WORKER", worker.to_string())
        .env("TRACE_TEST_ROUNDS", rounds.to_string())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn sixteen_processes_lose_and_tear_nothing() {
    let (place, folder) = folder();
    save(&folder, "shared", Some(&render(&rule("shared"))), Action::Compile);
    let mut children: Vec<Child> = (0..16).map(|worker| process(place.path(), worker, 3)).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(done(&folder), 16 * 3);
}

#[test]
fn a_process_that_is_killed_leaves_no_lock_and_nothing_that_stops_the_next() {
    let (place, folder) = folder();
    save(&folder, "shared", Some(&render(&rule("shared"))), Action::Compile);
    for worker in 0..6 {
        let mut child = process(place.path(), worker, 100_000);
        let before = folder.load().files.len();
        while folder.load().files.len() < before + 2 {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        work(&folder, 99, worker);
        assert_eq!(folder.load().diagnostics, []);
        let lines: Vec<_> = history::read(&folder).unwrap().map(|line| line.unwrap().unwrap()).collect();
        assert!(lines.iter().zip(1..).all(|(change, seq)| change.seq == seq));
        assert!(folder.load().rules().any(|rule| rule.id == id(&format!("w99-{worker}"))));
    }
}
