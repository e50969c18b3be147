//! `trace rules`: the rule book, and the life of each rule.

use crate::desk::{Desk, runs};

const NAME: &str = "npm-instead-of-pnpm";
const FILE: &str = ".trace/rules/npm-instead-of-pnpm.toml";

fn desk() -> Desk {
    Desk::new().said("never use npm here, use pnpm")
}

#[test]
fn rules_are_listed() {
    let desk = desk().said("run cargo test after changing .rs files before you say done\nask before deleting files");
    desk.sure(&format!("trace rules retire {NAME}"));
    insta::assert_snapshot!(desk.session(&[
        "trace rules list",
        "trace rules list --state armed",
        "trace rules list --state proposed",
        "trace rules list --state asleep",
        "trace rules list --format json",
    ]));
}

#[test]
fn a_rule_is_shown_as_its_file_is() {
    let desk = desk();
    insta::assert_snapshot!(desk.session(&[&format!("trace rules show {NAME}")]));
    assert!(desk.sure(&format!("trace rules show {NAME}")).ends_with(&desk.read(FILE)));
    insta::assert_snapshot!(
        "a_rule_is_shown_for_scripts",
        desk.session(&["trace rules show npm-instead-of-pnpm --format json"])
    );
}

#[test]
fn a_rule_goes_through_its_life_and_back() {
    let desk = desk().with("events.jsonl", runs("npm i"));
    insta::assert_snapshot!(desk.session(&[
        "trace rules shadow npm-instead-of-pnpm --reason 'the build image has only npm'",
        "trace check events.jsonl",
        "trace rules shadow npm-instead-of-pnpm",
        "trace rules retire npm-instead-of-pnpm",
        "trace check events.jsonl",
        "trace compile said.txt",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules arm npm-instead-of-pnpm --format json",
        "trace check events.jsonl",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules list",
    ]));
}

#[test]
fn undo_restores_the_exact_bytes() {
    let desk = desk();
    let text = desk.read(FILE).replace("state = \"armed\"", "state   = 'armed'   # since March\r");
    desk.write(FILE, &text);
    desk.sure("trace rules shadow npm-instead-of-pnpm");
    let changed = desk.read(FILE);
    assert!(
        changed.contains("\"shadow\"   # since March") || changed.contains("'shadow'   # since March"),
        "{changed}"
    );
    desk.sure("trace rules undo npm-instead-of-pnpm");
    assert_eq!(desk.read(FILE), text);
}

#[test]
fn comments_survive_every_change_by_a_command() {
    let desk = desk();
    let text = format!("# Agreed on in March.\n{}\n# The end.\n", desk.read(FILE));
    desk.write(FILE, text.replace("[check]", "[check] # as in CI"));
    for action in ["shadow", "retire", "arm"] {
        desk.sure(&format!("trace rules {action} npm-instead-of-pnpm"));
        let after = desk.read(FILE);
        for comment in ["# Agreed on in March.\n", "[check] # as in CI\n", "\n# The end.\n"] {
            assert!(after.contains(comment), "{action} keeps `{comment}`:\n{after}");
        }
    }
}

#[test]
fn rules_are_tested_on_their_own_examples() {
    let desk = desk().said("never force push. ever.");
    let rule = desk.read(".trace/rules/force-push.toml").replacen("violates = false", "violates = true", 1);
    desk.write(".trace/rules/force-push.toml", rule);
    insta::assert_snapshot!(desk.session(&[
        "trace rules test",
        "trace rules test npm-instead-of-pnpm",
        "trace rules test npm-instead-of-pnpm --format json",
        "trace rules test gone",
    ]));
}

#[test]
fn a_rule_that_fails_its_tests_is_not_armed() {
    let desk = desk();
    desk.sure("trace rules shadow npm-instead-of-pnpm");
    desk.write(FILE, desk.read(FILE).replacen("violates = false", "violates = true", 1));
    insta::assert_snapshot!(desk.session(&["trace rules arm npm-instead-of-pnpm", "trace rules list"]));
}

#[test]
fn a_rule_is_edited_checked_and_the_edit_taken_back() {
    let desk = desk().with("editor.sh", "sed -i 's/^title.*/title = \"pnpm only\"/' \"$1\"");
    let before = desk.read(FILE);
    insta::assert_snapshot!(desk.session(&[
        "EDITOR='sh editor.sh' trace rules edit npm-instead-of-pnpm",
        "trace rules list",
        "EDITOR='sed -i s/substitution/substitutoin/' trace rules edit npm-instead-of-pnpm",
        "trace rules list",
        "trace rules undo npm-instead-of-pnpm",
        "trace rules undo npm-instead-of-pnpm",
        "VISUAL=false trace rules edit npm-instead-of-pnpm",
        "EDITOR=no-such-editor trace rules edit npm-instead-of-pnpm",
        "trace rules edit npm-instead-of-pnpm",
    ]));
    assert_eq!(desk.read(FILE), before);
}

#[test]
fn the_users_own_rules_apply_everywhere_and_the_repositorys_come_before_them() {
    let desk = desk().said("never force push. ever.");
    for name in [NAME, "force-push"] {
        let text = desk.read(&format!(".trace/rules/{name}.toml")).replace("state = \"armed\"", "state = \"shadow\"");
        desk.write(&format!("../config/trace/rules/{name}.toml"), text);
    }
    std::fs::remove_file(desk.path(".trace/rules/force-push.toml")).unwrap();
    desk.write("events.jsonl", [runs("npm i"), runs("git push -f")].join("\n"));
    insta::assert_snapshot!(desk.session(&[
        "trace rules list",
        "trace explain force-push",
        "trace check events.jsonl",
        "trace rules retire force-push",
        "trace check events.jsonl",
    ]));
}
