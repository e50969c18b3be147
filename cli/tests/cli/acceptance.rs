//! What is said once, holds: from the words to what is held back and what is let through.

use crate::desk::{Desk, edited, ran, runs, stops};

#[test]
fn a_program_that_was_ruled_out_is_blocked_in_any_spelling_and_its_name_alone_is_not() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    let rule = || "npm-instead-of-pnpm".to_owned();
    let events = [
        runs("cd web && FOO=1 npm install x"),
        runs("bash -c \"npm i\""),
        runs("pnpm add x && echo npm"),
        runs("git commit -m 'use npm'"),
    ];
    assert_eq!(desk.blocked(&events), [(1, rule()), (2, rule())]);
    insta::assert_snapshot!(desk.session(&["trace check events.jsonl --all"]));
}

#[test]
fn a_stop_is_held_back_until_the_tests_have_passed_since_the_last_edit() {
    let desk = Desk::new().said("run cargo test after changing .rs files before you say done");
    let events = [
        stops("Nothing to do."),
        edited("src/app.rs"),
        stops("Done."),
        ran("cargo test", 101),
        stops("Done."),
        runs("cargo test"),
        stops("Done."),
        ran("cargo test", 0),
        stops("Done."),
        edited("README.md"),
        stops("Done."),
        edited("src/app.rs"),
        stops("Done."),
    ];
    let rule = || "cargo-test-after-rs-edit".to_owned();
    let held = [3, 5, 7, 13];
    assert_eq!(desk.blocked(&events), held.map(|event| (event, rule())));
    insta::assert_snapshot!(desk.session(&["trace check events.jsonl --all"]));
}

#[test]
fn a_folder_whose_files_are_not_to_be_deleted_is_not_deleted_whole() {
    let desk = Desk::new().said("never delete files in migrations/");
    let events = [
        runs("rm db/migrations/a.sql"),
        runs("rm -rf db/migrations"),
        runs("cd db && git clean -fd migrations"),
        runs("find migrations -name '*.sql' -delete"),
        runs("find db/migrations -type f -exec rm {} +"),
        runs("mv migrations old"),
        runs("rm -rf build"),
        runs("ls migrations"),
        runs("git clean -n migrations"),
        runs("find . -name '*.log' -delete"),
    ];
    assert_eq!(desk.blocked(&events), [1, 2, 3, 4, 5, 6].map(|event| (event, "delete-migrations".to_owned())));
}

#[test]
fn a_branch_that_a_command_switches_to_is_the_one_it_commits_on() {
    let desk = Desk::new().said("never commit on main").with("Makefile", "all:\n");
    let events = [
        runs("git switch main && git commit -m x"),
        runs("git switch -c feature && git commit -m x"),
        ran("git checkout main", 0),
        runs("git commit -m x"),
        runs("git commit -m x && git checkout -b feature"),
        runs("git checkout src/app.ts"),
        runs("git -C ../other switch -c feature && git checkout HEAD && git checkout Makefile && git commit -m x"),
        runs("git checkout -q -b feature; git add -A; git commit -m x"),
        runs("git commit -m x"),
    ];
    assert_eq!(desk.blocked(&events), [1, 4, 5, 7].map(|event| (event, "commit-on-main".to_owned())));
}

#[test]
fn a_script_is_what_it_is_whatever_runs_it() {
    let desk = Desk::new().said("never run scripts/deploy.sh\nrun scripts/gen.py before committing");
    let deploy = || "run-scripts-deploy-sh".to_owned();
    let events = [
        runs("bash scripts/deploy.sh --now"),
        runs("cat scripts/deploy.sh"),
        runs("git commit -m x"),
        ran("uv run python scripts/gen.py", 0),
        runs("git commit -m x"),
        runs("source ./scripts/deploy.sh"),
    ];
    assert_eq!(desk.blocked(&events), [(1, deploy()), (3, "scripts-gen-py-before-commit".to_owned()), (6, deploy())]);
}

#[test]
fn what_was_said_in_shadow_is_logged_and_stands_in_nobodys_way() {
    let desk = Desk::new().with("said.txt", "never use npm here, use pnpm").with("events.jsonl", runs("npm i"));
    insta::assert_snapshot!(desk.session(&[
        "trace compile --shadow said.txt",
        "trace check events.jsonl",
        "trace rules arm npm-instead-of-pnpm",
        "trace check events.jsonl",
    ]));
}
