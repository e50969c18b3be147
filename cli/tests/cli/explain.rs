//! `trace explain` and `trace schema`.

use crate::desk::Desk;
use serde_json::Value;

#[test]
fn a_rule_is_explained() {
    let desk = Desk::new().said("never use npm here, use pnpm\nwhy are you using npm again? I told you to use pnpm");
    insta::assert_snapshot!(
        desk.session(&["trace explain npm-instead-of-pnpm", "trace explain npm-instead-of-pnpm --format json",])
    );
}

#[test]
fn a_rule_about_time_is_explained() {
    let desk = Desk::new().said("run cargo test after changing .rs files before you say done");
    insta::assert_snapshot!(desk.session(&["trace explain cargo-test-after-rs-edit"]));
}

#[test]
fn a_rule_that_nothing_decides_says_so() {
    let desk = Desk::new().said("ask before refactoring");
    let listed = desk.records("trace rules list");
    let name = listed[0]["id"].as_str().unwrap();
    assert_eq!(listed[0]["decided_by"], "reminder");
    insta::assert_snapshot!(desk.session(&["trace rules list", &format!("trace explain {name}")]));
}

#[test]
fn a_code_is_explained() {
    insta::assert_snapshot!(Desk::new().session(&["trace explain t101", "trace explain T403 --format json"]));
}

#[test]
fn a_name_that_is_not_known_is_told_with_the_nearest() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    insta::assert_snapshot!(desk.session(&[
        "trace explain npm-instead-of-yarn",
        "trace explain T999",
        "trace rules show npm-instead",
        "trace rules undo gone",
    ]));
}

#[test]
fn every_schema_is_one() {
    let desk = Desk::new();
    for name in ["correction", "rule", "event", "verdict", "report"] {
        let schema: Value = serde_json::from_str(&desk.sure(&format!("trace schema {name}"))).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(schema["description"].is_string(), "{name} says what it is");
    }
}
