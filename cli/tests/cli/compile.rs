//! `trace compile`: what becomes of each message, and of inputs that are not as they should be.

use crate::desk::Desk;
use serde_json::Value;

const SAID: &str = "\
never use npm here, use pnpm
run cargo test after changing .rs files before you say done
always answer in German
indent with tabs, not spaces
indent with spaces, not tabs
ask before deleting files
just this once, use npm
thanks, exactly what I wanted
";

#[test]
fn a_report_is_shown_for_people() {
    let desk = Desk::new().with("said.txt", SAID);
    insta::assert_snapshot!(desk.session(&["trace compile said.txt", "trace compile --all said.txt"]));
}

#[test]
fn a_report_is_shown_for_scripts_and_pages() {
    let desk = Desk::new().with("said.txt", SAID);
    insta::assert_snapshot!(desk.session(&[
        "trace compile said.txt --format json",
        "trace compile said.txt --format markdown",
        "trace compile --all said.txt --format markdown",
    ]));
}

#[test]
fn a_report_is_shown_for_code_scanning() {
    let desk = Desk::new().with("said.txt", SAID);
    let log: Value = serde_json::from_str(&desk.sure("trace compile said.txt --format sarif")).unwrap();
    insta::assert_snapshot!(desk.masked(format!("{log:#}").as_bytes()));
}

#[test]
fn several_files_are_compiled_one_after_the_other() {
    let desk = Desk::new().with("one.txt", "never use npm here, use pnpm").with("two.txt", "never force push. ever.");
    insta::assert_snapshot!(desk.session(&["trace compile one.txt two.txt", "trace compile one.txt missing.txt"]));
}

#[test]
fn json_lines_and_plain_text_are_told_apart_by_their_content() {
    let words = ["never use npm here, use pnpm", "never force push. ever."];
    let json = words.map(|text| format!("{{\"text\":\"{text}\"}}"));
    let inputs = [
        words.join("\n"),
        words.join("\r\n"),
        format!("\u{feff}{}\n", words.join("\n")),
        format!("\n  \n{}\n\n", words.join("\n\n")),
        json.join("\n"),
        json.join("\r\n"),
        format!("\u{feff}{}\r\n", json.join("\r\n")),
        format!("\n\r\n{}\n\n", json.join("\n\n")),
    ];
    for input in inputs {
        let desk = Desk::new().with("input", &input);
        desk.sure("trace compile input");
        let quotes = desk.sure("grep -h '^quote' .trace/rules/npm-instead-of-pnpm.toml .trace/rules/force-push.toml");
        assert_eq!(quotes, "quote = \"never use npm here, use pnpm\"\nquote = \"never force push\"\n", "of {input:?}");
    }
}

#[test]
fn a_text_that_begins_with_a_brace_is_plain_text() {
    let desk = Desk::new().with("said.txt", "{web}: never use npm here, use pnpm\n{\"text\": \"never force push\"}\n");
    let inputs = desk.records("trace compile said.txt");
    assert_eq!(inputs[0]["text"], "{web}: never use npm here, use pnpm");
    assert_eq!(inputs[0]["fate"], "enforced");
    assert_eq!(inputs[1]["text"], "{\"text\": \"never force push\"}");
}

#[test]
fn a_line_that_cannot_be_read_is_told_with_its_place_and_the_rest_is_compiled() {
    let mut input = b"{\"text\": \"never use npm here, use pnpm\"}\n{\"text\": 'x'}\n".to_vec();
    input.extend(b"{\"text\": \"caf\xe9\"}\n");
    input.extend([b"{\"text\": \"".as_slice(), &vec![b'a'; 1 << 20], b"\"}\n"].concat());
    input.extend(b"{\"text\": \"never force push. ever.\"}\n");
    let desk = Desk::new().with("said.jsonl", input);
    insta::assert_snapshot!(desk.session(&[
        "trace compile said.jsonl",
        "trace compile --all said.jsonl",
        "trace compile said.jsonl --format json | grep -v '\"record\":\"input\"'",
        "trace compile said.jsonl --format markdown",
    ]));
}

#[test]
fn the_same_input_again_changes_nothing_and_says_so() {
    let desk = Desk::new().with("said.txt", SAID);
    desk.sure("trace compile said.txt");
    let before = desk.files(".trace");
    let records = desk.records("trace compile said.txt");
    assert!(before == desk.files(".trace"), "no file under .trace differs");
    let admissions = records.iter().flat_map(|record| record["rules"].as_array().into_iter().flatten());
    let admissions: Vec<&Value> = admissions.map(|made| &made["admission"]).collect();
    assert!(admissions.len() > 4 && admissions.iter().all(|admission| *admission == "known"), "{admissions:?}");
    assert_eq!(records.last().unwrap()["written"], 0);
}

#[test]
fn what_is_said_again_in_other_words_is_evidence_and_comments_stay() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    let file = ".trace/rules/npm-instead-of-pnpm.toml";
    let text = format!("# Agreed on in March.\n{}", desk.read(file)).replace("[check]", "[check] # as in CI");
    desk.write(file, &text);
    desk.write("again.txt", "why are you using npm again? I told you to use pnpm");
    insta::assert_snapshot!(desk.session(&["trace compile again.txt --format json"]));
    let after = desk.read(file);
    assert!(after.starts_with("# Agreed on in March.\n") && after.contains("[check] # as in CI"), "{after}");
    assert!(after.contains("quote = \"why are you using npm again? I told you to use pnpm\""), "{after}");
    desk.sure("trace rules undo npm-instead-of-pnpm");
    assert_eq!(desk.read(file), text);
}
