//! What lies under `.trace`: damage to one file disables nothing else, and what is derived is made anew.

use crate::desk::{Desk, runs};
use std::fs;

const CHECKS: &str = ".trace/cache/checks.bin";

fn desk() -> Desk {
    let events = [runs("npm i"), runs("git push --force")].join("\n");
    Desk::new().said("never use npm here, use pnpm\nnever force push. ever.").with("events.jsonl", events)
}

#[test]
fn compiled_checks_are_made_anew_whatever_is_wrong_with_them() {
    let desk = desk();
    let verdicts = || desk.run("trace check events.jsonl").stdout;
    let whole = fs::read(desk.path(CHECKS)).unwrap();
    let expected = verdicts();
    assert!(expected.contains("2 blocked"), "{expected}");
    let mut damaged = whole.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut other_version = whole.clone();
    other_version[8] += 1;
    let wrong: [(&str, &[u8]); 5] = [
        ("damaged", &damaged),
        ("cut", &whole[..whole.len() / 2]),
        ("of another version", &other_version),
        ("something else", b"hello"),
        ("empty", b""),
    ];
    for (what, bytes) in wrong {
        fs::write(desk.path(CHECKS), bytes).unwrap();
        assert_eq!(verdicts(), expected, "{what}");
        assert!(fs::read(desk.path(CHECKS)).unwrap() == whole, "checks that were {what} are made anew");
    }
    fs::remove_dir_all(desk.path(".trace/cache")).unwrap();
    assert_eq!(verdicts(), expected);
    assert!(fs::read(desk.path(CHECKS)).unwrap() == whole);
}

#[test]
fn a_change_by_hand_is_enforced_at_once() {
    let desk = desk();
    let file = ".trace/rules/force-push.toml";
    desk.write(file, desk.read(file).replace("state = \"armed\"", "state = \"retired\""));
    assert_eq!(desk.blocked(&[runs("npm i"), runs("git push -f")]), [(1, "npm-instead-of-pnpm".to_owned())]);
    fs::remove_file(desk.path(".trace/rules/npm-instead-of-pnpm.toml")).unwrap();
    assert_eq!(desk.blocked(&[runs("npm i")]), []);
}

#[test]
fn a_bad_rule_file_disables_no_other() {
    let desk = desk()
        .with(".trace/rules/half.toml", "id = \"half\"\ntitle = \"")
        .with(".trace/rules/latin.toml", b"id = \"caf\xe9\"")
        .with(".trace/rules/empty.toml", "")
        .with(".trace/rules/notes.txt", "not a rule")
        .with(".trace/rules/.half.toml.swp", "not a rule");
    insta::assert_snapshot!(desk.session(&["trace check events.jsonl", "trace rules list", "trace rules test"]));
    let again = desk.run("trace check events.jsonl");
    assert!(again.stderr.contains("T201"), "a bad file is told each time:\n{}", again.stderr);
}

#[test]
fn a_cache_that_cannot_be_written_is_only_worth_knowing() {
    let desk = desk();
    fs::remove_dir_all(desk.path(".trace/cache")).unwrap();
    // Permissions do not stop every user; that the folder is a file does.
    desk.write(".trace/cache", "");
    insta::assert_snapshot!(desk.session(&["trace check events.jsonl"]));
}

#[test]
fn evidence_and_history_that_a_crash_has_torn_are_mended() {
    let desk = desk();
    for name in [".trace/corrections.jsonl", ".trace/history.jsonl"] {
        desk.write(name, format!("{}{{\"torn\": \"he", desk.read(name)));
    }
    desk.write("more.txt", "we use vitest here, not jest");
    insta::assert_snapshot!(desk.session(&["trace compile more.txt", "trace compile more.txt"]));
    for name in [".trace/corrections.jsonl", ".trace/history.jsonl"] {
        let text = desk.read(name);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
    }
}

#[test]
fn only_what_is_derived_is_ignored_by_git() {
    let desk = desk().in_git();
    let tracked = desk.sure("git ls-files .trace");
    assert_eq!(
        tracked.lines().collect::<Vec<_>>(),
        [
            ".trace/.gitignore",
            ".trace/corrections.jsonl",
            ".trace/history.jsonl",
            ".trace/rules/force-push.toml",
            ".trace/rules/npm-instead-of-pnpm.toml",
        ]
    );
}
