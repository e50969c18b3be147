//! `trace doctor`: what it finds in a workspace that is new, used, served, damaged or configured wrongly.

use crate::desk::{Desk, project};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

/// A workspace of which nobody else's server can be taken for its own.
fn desk() -> Desk {
    let config = "[server]\nlisten = \"127.0.0.1:0\"\n\n[embedding]\nbackend = \"hash\"\n";
    Desk::new().with(".trace/config.toml", config)
}

fn used() -> Desk {
    let desk = desk();
    desk.sure("trace memory add 'prefers pnpm over npm' && trace memory add 'likes tea'");
    desk
}

/// What is found that is not well, as part and text.
fn faults(desk: &Desk, more: &str) -> Vec<(String, String)> {
    let run = desk.run(&format!("trace doctor --format json {more}"));
    let found: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (sum, found) = found.split_last().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let bad = found.iter().filter(|finding| finding["health"] != "well");
    let faults: Vec<_> = bad.map(|finding| (text(&finding["part"]), text(&finding["what"]))).collect();
    assert_eq!(sum["look"].as_u64().unwrap() + sum["broken"].as_u64().unwrap(), faults.len() as u64, "{sum}");
    assert_eq!(run.code, i32::from(!faults.is_empty()), "{}", run.stdout);
    assert!(
        found.iter().all(|finding| (finding["health"] == "well") == finding.get("help").is_none()),
        "{}",
        run.stdout
    );
    faults
}

/// The one fault that there is.
fn fault(desk: &Desk, more: &str) -> (String, String) {
    let mut faults = faults(desk, more);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn a_new_folder_and_one_that_is_used_are_well() {
    insta::assert_snapshot!(desk().session(&["trace doctor"]));
    assert!(!desk().path(".trace/state.db").exists(), "nothing is made");
    insta::assert_snapshot!(used().session(&["trace doctor", "trace doctor --quick --format json"]));
}

#[test]
fn a_wrong_configuration_is_told_and_the_rest_is_looked_at() {
    let desk = used().with(".trace/config.toml", "[server]\nlisten = \"here\"\n");
    insta::assert_snapshot!(desk.session(&["trace doctor --quick"]));
}

#[test]
fn what_is_configured_is_what_is_judged() {
    let desk = used();
    for (variables, part, says) in [
        ("TRACE_REQUIRE_KEY=perhaps", "config", "`perhaps`"),
        ("TRACE_LISTEN=0.0.0.0:0", "server", "refuses to listen at 0.0.0.0:0"),
        ("TRACE_REQUIRE_KEY=1", "server", "everybody needs a key, and there is none"),
        ("TRACE_EMBEDDING=local", "embedder", "there is no embedding model"),
    ] {
        desk.write("set.sh", format!("export {variables}\n"));
        let run = desk.run(". ./set.sh; trace doctor --quick");
        assert!(run.code == 1 && run.stdout.contains(says), "{variables}: {}", run.stdout);
        assert!(run.stdout.lines().any(|line| line.starts_with('✗') || line.starts_with('!')), "{part}");
    }
    desk.write(".trace/config.toml", "[model]\nprovider = \"anthropic\"\nmodel = \"claude-sonnet-4-5\"\n[server]\nlisten = \"127.0.0.1:0\"\n[embedding]\nbackend = \"hash\"\n");
    let (part, what) = fault(&desk, "--quick");
    assert!(part == "model" && what.contains("`ANTHROPIC_API_KEY`"), "{what}");
    desk.sure("trace keys create desk --days 3");
    let soon = faults(&desk, "--quick");
    assert!(soon.iter().any(|(part, what)| part == "keys" && what.contains("within a week")), "{soon:?}");
}

#[test]
fn a_server_that_runs_is_found() {
    let desk = used();
    let mut server = desk.shell("exec trace serve --format json").stdout(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut told).unwrap();
    let told: Value = serde_json::from_str(&told).unwrap();
    let address = told["address"].as_str().unwrap();
    let run = desk.run(&format!("TRACE_LISTEN={address} trace doctor"));
    desk.sure(&format!("kill -TERM {}", server.id()));
    assert!(server.wait().unwrap().success());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        run.stdout.contains(&format!("trace {version} listens at {address}, where no key is needed")),
        "{}",
        run.stdout
    );
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let run = desk.run(&format!("TRACE_LISTEN={} trace doctor --quick", other.local_addr().unwrap()));
    assert!(run.code == 1 && run.stdout.contains("another program listens at"), "{}", run.stdout);
}

#[test]
fn a_damaged_store_is_told_and_left_alone() {
    let desk = used();
    fs::write(desk.path(".trace/state.db"), "this is no database, and was one").unwrap();
    let _ = fs::remove_file(desk.path(".trace/state.db-wal"));
    let (part, what) = fault(&desk, "");
    assert!(part == "store" && what.contains("is damaged"), "{what}");
    assert_eq!(desk.read(".trace/state.db"), "this is no database, and was one");
    desk.write("elsewhere/state.db", "");
    assert_eq!(faults(&desk, "--data elsewhere"), [], "another store is another matter");
}

#[test]
fn a_log_that_another_hand_changed_breaks_its_chain() {
    let desk = used();
    let file = desk.path(".trace/state.db");
    let mut bytes = fs::read(&file).unwrap();
    let places: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place..].starts_with(b"likes tea")).collect();
    // The text is in the record, in its history, and in the log that tells of both.
    assert!(places.len() >= 3, "{places:?}");
    for place in places {
        bytes[place + 6] = b's';
    }
    fs::write(&file, bytes).unwrap();
    let (part, what) = fault(&desk, "");
    assert!(part == "log" && what.contains("its hash does not fit"), "{what}");
    let quick = faults(&desk, "--quick");
    assert!(quick.iter().all(|(part, _)| part != "log"), "{quick:?}");
}

#[test]
fn a_damaged_index_is_told_and_made_again() {
    let desk = used();
    desk.write(".trace/index/words/meta.json", "garbage");
    let (part, what) = fault(&desk, "");
    assert!(part == "index" && what.contains("could not be used"), "{what}");
    assert_eq!(faults(&desk, ""), []);
    fs::write(desk.path(".trace/index/vectors.db"), "garbage").unwrap();
    let told = faults(&desk, "");
    assert!(told.iter().any(|(part, what)| part == "index" && what.contains("vectors")), "{told:?}");
    // Nothing else may make vectors by an embedder that is not the configured one.
    desk.sure("trace memory search tea");
    assert_eq!(faults(&desk, ""), []);
    let run = desk.run("TRACE_EMBEDDING=off trace doctor && trace doctor");
    assert_eq!(run.code, 0, "{}", run.stdout);
    fs::remove_dir_all(desk.path(".trace/index")).unwrap();
    desk.write(".trace/index", "a file");
    let (part, what) = fault(&desk, "");
    assert!(part == "index" && what.contains("is no folder"), "{what}");
}

#[test]
fn agent_programs_that_do_not_know_of_us_are_named() {
    let desk = used();
    fs::create_dir_all(desk.path("../home/.claude")).unwrap();
    insta::assert_snapshot!(desk.session(&["trace doctor --quick | tail -5"]));
    desk.write(".mcp.json", r#"{"mcpServers": {"memory": {"command": "trace", "args": ["mcp"]}}}"#);
    assert!(fault(&desk, "--quick").1.contains("neither its settings nor a plugin have our hooks"));
    desk.write(".mcp.json", "{");
    assert!(faults(&desk, "--quick").iter().any(|(_, what)| what.contains("can't be read")));
}

#[test]
fn every_hook_that_is_installed_is_told_of_a_forbidden_call() {
    let desk = used();
    desk.sure("trace install claude-code codex copilot cursor gemini opencode && trace install copilot --project");
    // No process is to be late, however slow the machine.
    let hosts = || {
        let told = desk.run("TRACE_HOOK_LIMIT_MS=60000 trace doctor --quick").stdout;
        told.lines().filter(|line| line.contains(" host ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let refused = |lines: &[String]| lines.iter().filter(|line| line.contains("a forbidden call was refused")).count();
    assert_eq!(refused(&hosts()), 7, "{:#?}", hosts());
    let path = desk.path("../home/.claude/settings.json");
    let text = fs::read_to_string(&path).unwrap();
    let program = text.split(" hook claude-code").next().unwrap().rsplit('"').next().unwrap();
    for (broken, says) in [
        (text.replace(program, "/nowhere/trace"), "ended with exit status: 127"),
        (text.replace(" hook claude-code", " hook claude-code > /dev/null"), "it said nothing"),
        (text.replacen('{', "{ // off\n\"disableAllHooks\": true,", 1), "switches all hooks off"),
        ("{}".to_owned(), "neither its settings nor a plugin have our hooks"),
    ] {
        fs::write(&path, broken).unwrap();
        let lines = hosts();
        assert!(lines.iter().any(|line| line.contains("Claude Code") && line.contains(says)), "{says}: {lines:#?}");
        assert_eq!(refused(&lines), 6, "the others are none the worse: {lines:#?}");
    }
    assert!(
        !desk.path(".trace/log.jsonl").exists() && !desk.path(".trace/sessions").exists(),
        "nothing is left behind"
    );
}

/// The files that Claude Code 2.1.330 and Codex 0.169.0 keep of a plugin, with their own copies of ours.
#[test]
fn our_plugin_is_found_where_a_host_has_installed_it() {
    let desk = used();
    let copies = [("claude-code", "../home/.claude"), ("codex", "../home/.codex")].map(|(host, folder)| {
        let copy = format!("{folder}/plugins/cache/market/trace/0.1.0");
        let ours = project("plugin");
        desk.sure(&format!("mkdir -p '{copy}' && cp -R '{}/.' '{copy}'", ours.display()));
        (host, desk.path(&copy))
    });
    let list = |project: &str| {
        let at = copies[0].1.display();
        let install = format!("{{\"scope\": \"user\", {project} \"installPath\": \"{at}\"}}");
        let text = format!("{{\"version\": 2, \"plugins\": {{\"trace@market\": [{install}]}}}}");
        desk.write("../home/.claude/plugins/installed_plugins.json", text);
    };
    let switch = |on: bool| {
        desk.write("../home/.claude/settings.json", format!("{{\"enabledPlugins\": {{\"trace@market\": {on}}}}}"));
        desk.write("../home/.codex/config.toml", format!("[plugins.\"trace@market\"]\nenabled = {on}\n"));
    };
    let hosts = || {
        let told = desk.run("TRACE_HOOK_LIMIT_MS=60000 trace doctor --quick").stdout;
        told.lines().filter(|line| line.contains(" host ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let count = |says: &str| hosts().iter().filter(|line| line.contains(says)).count();
    list("");
    switch(true);
    let found = hosts();
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found.iter().all(|line| line.starts_with('✓') && line.contains("/plugins/cache/")), "{found:#?}");
    let said = desk.sure("trace install claude-code codex");
    assert_eq!(said.matches("each event is judged twice").count(), 2, "{said}");
    assert_eq!(count("each event is judged twice"), 2, "{:#?}", hosts());
    assert_eq!(count("a forbidden call was refused"), 4, "by the settings, and by the plugins");
    desk.sure("trace uninstall claude-code codex");
    switch(false);
    assert_eq!(count("is installed, and switched off"), 2, "{:#?}", hosts());
    assert_eq!(count("does not know of `trace mcp`"), 2);
    switch(true);
    desk.write(".claude/settings.local.json", "{\"enabledPlugins\": {\"trace@market\": false}}");
    assert_eq!(count("is installed, and switched off"), 1, "here, by the nearest settings: {:#?}", hosts());
    fs::remove_file(desk.path(".claude/settings.local.json")).unwrap();
    list("\"projectPath\": \"/elsewhere\",");
    assert_eq!(count("neither its settings nor a plugin have our hooks"), 1, "another project's: {:#?}", hosts());
    list("");
    fs::remove_file(copies[0].1.join("hooks/hooks.json")).unwrap();
    assert_eq!(count("no hook of ours can be read"), 1, "{:#?}", hosts());
}
