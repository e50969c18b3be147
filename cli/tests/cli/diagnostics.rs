//! Every diagnostic, as a real run shows it: code, place, message and help.

use crate::desk::{Desk, runs};
use rules::Code;

/// A rule file with a check.
fn rule(id: &str, check: &str) -> String {
    let event = |command: &str| format!("'''\n{}'''", runs(command));
    format!(
        "id = \"{id}\"\ntitle = \"{id}\"\nstate = \"armed\"\n\n[check]\n{check}\n\n\
         [[example]]\nviolates = true\nevents = {}\n\n[[example]]\nviolates = false\nevents = {}\n",
        event("npm i"),
        event("ls"),
    )
}

/// A workspace with one rule file.
fn with_rule(check: &str) -> Desk {
    Desk::new().with(".trace/rules/mine.toml", rule("mine", check)).with("events.jsonl", runs("npm i"))
}

const NO_NPM: &str = "pattern = \"absence\"\nnever = { command = \"npm\" }";

/// Each code with a workspace and what is typed there.
fn cases() -> Vec<(Code, Desk, &'static str)> {
    let check = "trace check events.jsonl";
    let nine = (1..=9).map(|n| format!("{{ command = \"tool{n}\" }}")).collect::<Vec<_>>().join(", ");
    let lone = rule("mine", NO_NPM);
    let (without_check, _) = lone.split_once("[check]").unwrap();
    let (untested, _) = lone.rsplit_once("[[example]]").unwrap();
    vec![
        (Code::NotJson, Desk::new().with("said.jsonl", "{\"text\": \"x\"}\n{\"text\": x}"), "trace compile said.jsonl"),
        (Code::NotUtf8, Desk::new().with("said.txt", b"caf\xe9\n"), "trace compile said.txt"),
        (Code::LineTooLong, Desk::new().with("said.txt", "a".repeat((1 << 20) + 1)), "trace compile said.txt"),
        (Code::NotAnEvent, Desk::new().with("events.jsonl", "{\"event\": \"stopped\"}"), check),
        (Code::RuleFileSyntax, with_rule("pattern = \"absence\"\nnevr = { command = \"npm\" }"), check),
        (Code::RuleFileName, Desk::new().with(".trace/rules/yours.toml", &lone), "trace rules list"),
        (Code::UnknownRule, with_rule(NO_NPM), "trace explain mine2"),
        (Code::BadPattern, with_rule("pattern = \"absence\"\nnever = { reply = { matches = \"(npm\" } }"), check),
        (
            Code::TooComplex,
            with_rule(&format!("pattern = \"response_chain\"\ntrigger = {{ command = \"npm\" }}\nrequire = [{nine}]")),
            check,
        ),
        (
            Code::UnknownLanguage,
            with_rule(
                "pattern = \"absence\"\nnever = { file = { language = [\"cobol\"], code = { pattern = [\"STOP RUN\"] } } }",
            ),
            check,
        ),
        (
            Code::NoCheck,
            Desk::new().with(".trace/rules/mine.toml", without_check).with("events.jsonl", runs("npm i")),
            check,
        ),
        (Code::FailedExample, with_rule("pattern = \"absence\"\nnever = { command = \"yarn\" }"), "trace rules test"),
        (Code::Untested, Desk::new().with(".trace/rules/mine.toml", untested), "trace rules test"),
        (
            Code::Conflict,
            Desk::new().with("said.txt", "indent with tabs, not spaces\nindent with spaces, not tabs"),
            "trace compile said.txt --format sarif",
        ),
        (
            Code::BadExample,
            Desk::new().with(".trace/rules/mine.toml", lone.replace("pre_tool_use", "before")),
            "trace rules test",
        ),
        (Code::StaleCache, with_rule(NO_NPM).with(".trace/cache/checks.bin", "hello"), check),
    ]
}

#[test]
fn every_code_is_shown_with_its_place_and_the_next_step() {
    let mut transcript = String::new();
    for (code, desk, line) in cases() {
        let session = desk.session(&[line]);
        let name = code.page().name;
        assert!(session.contains(name), "{name} is shown by `{line}`:\n{session}");
        transcript += &format!("## {name}\n\n{session}\n\n");
    }
    insta::assert_snapshot!(transcript);
}

#[test]
fn no_code_is_forgotten() {
    let shown: Vec<Code> = cases().into_iter().map(|(code, ..)| code).collect();
    let silent: Vec<Code> = Code::ALL.iter().copied().filter(|code| !shown.contains(code)).collect();
    assert_eq!(silent, []);
}

#[test]
fn what_cannot_be_told_is_a_violation_where_the_rule_says_so() {
    let strict = format!("{NO_NPM}\nundecided = \"violated\"");
    let events = [runs("echo 'unclosed"), runs(&"x;".repeat(40_000)), runs("$TOOL install")].join("\n");
    let desk = with_rule(NO_NPM).with(".trace/rules/strict.toml", rule("strict", &strict)).with("events.jsonl", events);
    insta::assert_snapshot!(desk.session(&["trace check events.jsonl"]));
}
