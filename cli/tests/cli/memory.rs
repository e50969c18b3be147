//! `trace memory`: what is remembered, from a terminal.

use crate::desk::Desk;
use serde_json::Value;

/// What a command prints as JSON lines.
fn printed(desk: &Desk, command: &str, code: i32) -> Vec<Value> {
    let run = desk.run(&format!("{command} --format json"));
    assert_eq!(run.code, code, "{command}: {}", run.stderr);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn memories_are_added_found_changed_and_forgotten() {
    let desk = Desk::new();
    let added = printed(&desk, "trace memory add 'Ann likes green tea' --user ann --category food --meta cups=2", 0);
    let again = printed(&desk, "trace memory add 'Ann likes green tea' --user ann", 0);
    assert_eq!(added[0]["is_new"], true);
    assert_eq!((&again[0]["is_new"], &again[0]["id"]), (&Value::from(false), &added[0]["id"]));
    let id = added[0]["id"].as_str().unwrap();
    printed(&desk, "trace memory add 'the wiki has password=hunter2'", 0);

    let found = printed(&desk, "trace memory search tea", 0);
    assert_eq!((found.len(), &found[0]["text"]), (1, &Value::from("Ann likes green tea")));
    assert_eq!(found[0]["metadata"]["cups"], 2);
    assert!(printed(&desk, "trace memory search tea --user bob", 1).is_empty());
    assert_eq!(printed(&desk, "trace memory list --user ann", 0).len(), 1);
    assert_eq!(printed(&desk, "trace memory list", 0)[0]["text"], "the wiki has password=[redacted password]");

    let changed = printed(&desk, &format!("trace memory update {id} --text 'Ann likes black tea'"), 0);
    assert_eq!(desk.run(&format!("trace memory update {id} --text x --version 0.1")).code, 1);
    let shown = printed(&desk, &format!("trace memory show {id}"), 0);
    assert_eq!(shown[0]["record"]["version"], changed[0]["version"]);
    assert_eq!(shown[0]["past"].as_array().unwrap().len(), 2);
    assert_eq!(printed(&desk, "trace memory stats", 0)[0]["memories"], 2);

    assert_eq!(printed(&desk, &format!("trace memory forget {id}"), 0)[0]["forgotten"], 1);
    assert_eq!(desk.run(&format!("trace memory forget {id}")).code, 1);
    let gone = printed(&desk, &format!("trace memory show {id}"), 1);
    assert!(gone[0]["record"].is_null() && !gone[0].to_string().contains("tea"));
    assert!(printed(&desk, "trace memory search tea", 1).is_empty());
}

#[test]
fn what_is_exported_comes_back_and_what_is_bad_is_told() {
    let desk = Desk::new()
        .with("notes/tea.md", "# Tea\n\nGreen is best.\n")
        .with(
            "notes/graph.jsonl",
            "{\"type\":\"entity\",\"name\":\"Ann\",\"entityType\":\"person\",\"observations\":[\"tall\"]}\nbad\n",
        )
        .with("notes/plain.txt", "not taken");
    let report = printed(&desk, "trace memory import notes", 1);
    assert_eq!((&report[0]["added"], &report[0]["problems"][0]["at"]), (&Value::from(2), &Value::from(":2")));
    assert_eq!(printed(&desk, "trace memory import notes", 1)[0]["known"], 2);
    let run = desk.run("trace memory import notes/plain.txt");
    assert!(run.code == 1 && run.stderr.contains("help: name its format with `--from`"), "{}", run.stderr);
    desk.sure("trace memory export all.jsonl");
    desk.sure("trace memory forget --all --yes");
    assert_eq!(printed(&desk, "trace memory list", 0).len(), 0);
    desk.sure(
        "trace memory import all.jsonl --store other/state.db && trace memory export two.jsonl --store other/state.db",
    );
    assert_eq!(std::fs::read(desk.path("all.jsonl")).unwrap(), std::fs::read(desk.path("two.jsonl")).unwrap());
}

#[test]
fn what_would_be_a_mistake_is_refused() {
    let desk = Desk::new();
    for (command, said) in [
        ("trace memory list", "there is no store"),
        ("trace memory add ' '", "the text of a memory has 1 to"),
        ("trace memory add tea --tenant 'A b'", "is not the name of a tenant"),
        ("trace memory forget", "name what is to be forgotten"),
        ("trace memory forget --all", "say `--yes`"),
        ("trace memory list --filter '{\"nothing\": 1}'", "no such field"),
        ("trace memory import gone.json", "cannot read `gone.json`"),
    ] {
        let run = desk.run(command);
        assert_eq!(run.code, 2, "{command}");
        assert!(run.stderr.contains(said), "{command}: {}", run.stderr);
    }
}

#[test]
fn what_is_configured_embeds_what_is_added_and_searches_it() {
    let desk = Desk::new().with(".trace/config.toml", "[embedding]\nbackend = \"hash\"\n");
    desk.sure("trace memory add 'prefers pnpm over npm'");
    // Pieces of words are all that the two have in common.
    let found = printed(&desk, "trace memory search preferring --by meaning", 0);
    assert_eq!(found[0]["text"], "prefers pnpm over npm");
    let run = desk.run("TRACE_EMBEDDING=off trace memory search preferring --by meaning");
    assert!(run.code == 2 && run.stderr.contains("help: "), "{}", run.stderr);
    // What looks at no meaning asks for no model.
    desk.write(".trace/config.toml", "[embedding]\nbackend = \"local\"\n");
    assert_eq!(printed(&desk, "trace memory list", 0).len(), 1);
    let run = desk.run("trace memory search npm");
    assert!(run.code == 2 && run.stderr.contains("trace model pull"), "{}", run.stderr);
}
