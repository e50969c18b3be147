//! The reference pages in `docs/` say what the program says. `TRACE_BLESS=1` writes them.

use crate::desk::{Desk, project};
use rules::Code;
use std::fs;

/// Every command whose help is worth a page, from the outermost in.
const COMMANDS: &[&str] = &[
    "trace",
    "trace compile",
    "trace mine",
    "trace lexicon",
    "trace check",
    "trace explain",
    "trace rules",
    "trace rules list",
    "trace rules show",
    "trace rules edit",
    "trace rules arm",
    "trace rules shadow",
    "trace rules retire",
    "trace rules undo",
    "trace rules test",
    "trace schema",
    "trace mcp",
    "trace state",
    "trace state get",
    "trace state put",
    "trace state scan",
    "trace state history",
    "trace state watch",
    "trace state sessions",
    "trace state open",
    "trace state retract",
    "trace state approve",
    "trace state effects",
    "trace state settle",
    "trace state tools",
    "trace state register",
    "trace serve",
    "trace keys",
    "trace keys create",
    "trace keys list",
    "trace keys revoke",
    "trace memory",
    "trace memory add",
    "trace memory search",
    "trace memory recall",
    "trace memory list",
    "trace memory show",
    "trace memory update",
    "trace memory forget",
    "trace memory import",
    "trace memory export",
    "trace memory stats",
    "trace verify-log",
    "trace anomalies",
    "trace verify",
    "trace eval",
    "trace router",
    "trace router eval",
    "trace router train",
    "trace router frontier",
    "trace router explain",
    "trace router feedback",
    "trace router page",
    "trace install",
    "trace uninstall",
    "trace status",
    "trace log",
    "trace waive",
    "trace hook",
    "trace eval retrieval",
    "trace model",
    "trace model show",
    "trace model pull",
    "trace doctor",
];

/// Asserts that a page is what it should be, or makes it so.
fn page(path: &str, expected: &str) {
    let path = project(path);
    if std::env::var_os("TRACE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, expected).unwrap();
    }
    let page = fs::read_to_string(&path).unwrap_or_default();
    let name = path.display();
    assert!(page == expected, "{name} is stale: run `TRACE_BLESS=1 cargo test -p cli` and review what has changed");
}

#[test]
fn the_schemas_are_those_of_the_program() {
    let desk = Desk::new();
    for name in ["correction", "rule", "event", "verdict", "report"] {
        page(&format!("docs/schemas/{name}.schema.json"), &desk.sure(&format!("trace schema {name}")));
    }
}

#[test]
fn the_page_of_diagnostics_has_every_code() {
    let mut text = "# Diagnostics\n\n\
        What can be wrong with what `trace` reads. The code is stable; `trace explain CODE` prints the same. Made from the \
        program: `TRACE_BLESS=1 cargo test -p cli`.\n"
        .to_owned();
    for code in Code::ALL {
        let page = code.page();
        let rules::diagnostic::Page { name, title, severity, help, text: why } = page;
        text += &format!("\n## {name}: {title}\n\n*{severity:?}.* {why}\n\nHelp: {help}.\n");
    }
    page("docs/diagnostics.md", &text);
}

#[test]
fn the_page_of_commands_has_every_help() {
    let desk = Desk::new();
    let mut text = "# The command line\n\n\
        What `--help` says of every command. Made from the program: `TRACE_BLESS=1 cargo test -p cli`.\n"
        .to_owned();
    for command in COMMANDS {
        let help = desk.sure(&format!("{command} --help"));
        text += &format!("\n## `{command}`\n\n```text\n{}\n```\n", help.trim_end());
    }
    page("docs/cli.md", &text);
}

#[test]
fn every_command_is_on_the_page_and_shows_examples() {
    let desk = Desk::new();
    for command in COMMANDS {
        let help = desk.sure(&format!("{command} --help"));
        let listed = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap());
        for line in listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
            let name = format!("{command} {}", line.split_whitespace().next().unwrap());
            assert!(name.ends_with(" help") || COMMANDS.contains(&name.as_str()), "{name} has a page");
        }
        assert!(help.contains("Example"), "`{command} --help` shows an example:\n{help}");
    }
}

/// The figures of the router are those of the report beside them; `trace router eval --page` measures them anew.
#[test]
fn the_page_of_the_router_is_made_of_its_report() {
    let desk = Desk::new();
    let [report, page, picture] = ["json", "md", "svg"].map(|ending| project(&format!("docs/router.{ending}")));
    let said = fs::read_to_string(&page).unwrap();
    desk.write("router.md", &said);
    desk.sure(&format!("trace router page {} router.md --data locomo8.json", report.display()));
    for (path, made) in [(&page, "router.md"), (&picture, "router.svg"), (&report, "router.json")] {
        let made = fs::read_to_string(desk.path(made)).unwrap();
        assert!(fs::read_to_string(path).unwrap() == made, "{} is not made of the report", path.display());
    }
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    // What the page says in words is true of the figures.
    assert_eq!(said.contains("It does not pay, and it is off."), report["tiers"]["guard"]["is_on"] == false);
    let shown =
        ["no calibration", "no neighbours", "words alone", "linear", "hard cap"].map(|way| format!("learned, {way}"));
    let tables = said.split_once("<!-- figures: begin -->").unwrap().1;
    for way in
        shown.iter().map(String::as_str).chain(["tier by question", "no budget input", "(oracle)", "full context"])
    {
        assert!(tables.contains(way), "{way}");
    }
}

/// What a page names in a table: each linked file with the names in backticks behind it, up to the next link.
fn named(page: &str) -> Vec<(&str, Vec<&str>)> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let links = rows.flat_map(|row| row.split("](../").skip(1)).filter_map(|part| part.split_once(')'));
    links.map(|(path, rest)| (path, rest.split('`').skip(1).step_by(2).collect())).collect()
}

#[test]
fn every_test_that_holds_a_promise_is_there() {
    let page = fs::read_to_string(project("docs/guarantees.md")).unwrap();
    let named = named(&page);
    assert!(named.len() > 25 && named.iter().all(|(_, names)| !names.is_empty()), "{named:?}");
    for (path, names) in named {
        let text = fs::read_to_string(project(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        for name in names {
            // A test, or a promise that a model checks, by its words.
            let is_there = text.contains(&format!("fn {name}(")) || text.contains(&format!("\"{name}\""));
            assert!(is_there, "docs/guarantees.md names `{name}`, which is not in {path}");
        }
    }
}

#[test]
fn a_name_that_is_not_there_is_found() {
    let page = "| a | L1 | [a](../a.rs) `one`, `two`; broken: `three`; [b](../b.rs) `four` |\n[c](../c.rs) `five`\n";
    assert_eq!(named(page), [("a.rs", vec!["one", "two", "three"]), ("b.rs", vec!["four"])]);
}
