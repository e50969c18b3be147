//! `trace check --staged` and `trace check --diff`, in repositories of git.

use crate::desk::Desk;

/// A repository with a rule, and an old violation that nobody is to be blamed for.
fn desk() -> Desk {
    Desk::new()
        .said("no console.log in src/ please, we have a logger for that\nnever use npm here, use pnpm")
        .with("src/app.ts", "console.log('old');\nlet a = 1;\n")
        .in_git()
}

#[test]
fn what_is_staged_is_judged_and_nothing_else() {
    let desk = desk().with("src/app.ts", "console.log('old');\nlet a = 1;\nconsole.log(a);\n");
    insta::assert_snapshot!(desk.session(&[
        "trace check --staged",
        "git add -A && trace check --staged",
        "trace check --staged --format markdown",
        "trace check --staged --all --format json",
        "git commit -qm 'Log' && trace check --staged",
    ]));
}

#[test]
fn what_differs_from_a_revision_is_judged() {
    let desk = desk();
    desk.write("src/new name.ts", "export const log = console.log(1);\n");
    desk.sure("git add -A && git commit -qm 'Add'");
    desk.write("src/app.ts", "let a = 1;\n");
    insta::assert_snapshot!(desk.session(&[
        "trace check --diff HEAD",
        "trace check --diff HEAD --all",
        "trace check --diff HEAD~1",
        "trace check --diff HEAD~1..HEAD --format json",
        "cd src && trace check --diff HEAD~1",
    ]));
}

#[test]
fn a_line_is_told_where_it_stands_now() {
    let desk = desk();
    let line = |place: &str| {
        let run = desk.run("trace check --diff HEAD");
        assert!(run.stdout.contains(&format!("src/app.ts:{place}")), "{place}:\n{}", run.stdout);
    };
    // The patch would fit once more what it has made.
    desk.write("src/app.ts", "console.log('old');\nlet a = 1;\nconsole.log(a);\n");
    line("3: console.log(a)");
    desk.write("src/app.ts", "console.log(0);\nconsole.log('old');\nlet a = 1;\n");
    line("1: console.log(0)");
    desk.write("src/app.ts", "console.log('old');\nconsole.log('old');\nlet a = 1;");
    line("2: console.log('old')");
    desk.write("src/app.ts", "\n".repeat(500) + "console.log('old');\nlet b = 1;\nconsole.log(b)");
    line("503: console.log(b)");
    desk.sure("git checkout -q src/app.ts && git mv src/app.ts src/main.ts");
    desk.write("src/main.ts", "console.log('old');\nlet a = 1;\nconsole.log(a);\n");
    let run = desk.run("trace check --diff HEAD");
    assert!(run.stdout.starts_with("✗ blocked event 1: src/main.ts:3: console.log(a)\n"), "{}", run.stdout);
    assert!(run.stdout.contains("1 blocked"), "{}", run.stdout);
}

#[test]
fn paths_of_a_diff_are_seen_from_the_folder_that_holds_the_rules() {
    let desk = Desk::new().with("web/src/app.ts", "").with("README.md", "").in_git();
    desk.write("web/said.txt", "no console.log in src/ please, we have a logger for that");
    desk.write("web/src/app.ts", "console.log(1);\n");
    desk.write("README.md", "console.log(1);\n");
    insta::assert_snapshot!(desk.session(&[
        "cd web && trace --root . compile said.txt",
        "cd web/src && trace check --diff HEAD",
        "git add -A && trace --root web check --staged",
    ]));
}

#[test]
fn a_revision_that_is_none_is_told() {
    let desk = desk();
    insta::assert_snapshot!(desk.session(&[
        "trace check --diff nowhere",
        "trace check --diff=--output=stolen.txt",
        "trace check --diff=-p",
        "trace check --diff ''",
        "trace check --staged --diff HEAD",
        "trace check",
    ]));
    assert!(!desk.path("stolen.txt").exists());
}

#[test]
fn outside_a_repository_there_is_no_diff() {
    insta::assert_snapshot!(Desk::new().session(&["trace check --staged", "trace check --diff HEAD"]));
}

#[test]
fn no_setting_of_git_changes_what_is_judged() {
    let desk = desk().with("src/app.ts", "console.log('old');\nlet a = 1;\nconsole.log(a);\n");
    let plain = desk.run("trace check --diff HEAD").stdout;
    for setting in [
        "diff.noprefix true",
        "diff.mnemonicPrefix true",
        "color.ui always",
        "diff.external false",
        "diff.renames false",
        "core.quotePath true",
    ] {
        desk.sure(&format!("git config {setting}"));
    }
    assert_eq!(desk.run("trace check --diff HEAD").stdout, plain);
    assert!(plain.contains("1 blocked"), "{plain}");
}
