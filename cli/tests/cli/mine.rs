//! `trace mine` and `--history`: what is found in recorded sessions and documents, and what rules do on what was recorded.

use crate::desk::{Desk, runs};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;

/// A line of a transcript of Claude Code.
fn line(session: &str, kind: &str, content: &Value) -> String {
    json!({ "type": kind, "sessionId": session, "cwd": "/w", "message": { "content": content } }).to_string()
}

/// What the user says, and what the agent runs in answer, turn by turn, as a transcript.
fn transcript(session: &str, turns: &[(&str, &[&str])]) -> String {
    let mut lines = Vec::new();
    for (number, (said, commands)) in turns.iter().enumerate() {
        lines.push(line(session, "user", &json!(said)));
        for (at, command) in commands.iter().enumerate() {
            let id = format!("{number}.{at}");
            let call = json!([{ "type": "tool_use", "id": id, "name": "Bash", "input": { "command": command } }]);
            lines.push(line(session, "assistant", &call));
            let answer = json!([{ "type": "tool_result", "tool_use_id": id, "content": "ok" }]);
            lines.push(line(session, "user", &answer));
        }
        lines.push(line(session, "assistant", &json!([{ "type": "text", "text": "Done." }])));
    }
    lines.join("\n") + "\n"
}

const NPM: &str = "never use npm here, use pnpm";

/// Two sessions in which npm is corrected, with one use of it that nobody minded, and a folder of instructions.
fn desk() -> Desk {
    let one = [("set the project up", &["npm install", "ls"][..]), (NPM, &["pnpm install"]), ("thanks", &[])];
    let two = [
        ("add left-pad", &["npm install left-pad"][..]),
        ("now add chalk", &["npm i chalk"]),
        ("why are you using npm again? I told you to use pnpm", &["pnpm add chalk"]),
        ("just this once, use npm to publish", &["npm publish"]),
    ];
    Desk::new()
        .with("claude/one.jsonl", transcript("one", &one) + "{\"type\": torn\n{\"type\":\"progress\"}\n")
        .with("claude/two.jsonl", transcript("two", &two))
        .with("notes.txt", "nothing here")
        .with("AGENTS.md", "# Git\n\n- Never force push.\n\n## Style\n\nWrite clean code.\n")
}

#[test]
fn rules_are_found_tried_on_what_was_recorded_and_nothing_is_written() {
    let desk = desk();
    insta::assert_snapshot!(desk.session(&["trace mine claude AGENTS.md"]));
    assert!(!desk.path(".trace").exists(), "nothing is written");
}

#[test]
fn a_rule_fires_on_what_was_corrected_and_silence_counts_against_it() {
    let desk = desk();
    let records = desk.records("trace mine claude");
    let proposal = &records[0];
    assert_eq!((&proposal["record"], &proposal["rule"]), (&json!("proposal"), &json!("npm-instead-of-pnpm")));
    assert_eq!(
        (&proposal["state"], &proposal["times"], &proposal["sessions"]),
        (&json!("shadow"), &json!(2), &json!(2))
    );
    let backtest = &proposal["backtest"];
    let figures = ["said", "caught", "elsewhere", "unanswered"].map(|name| backtest[name].as_u64().unwrap());
    // Corrected in both sessions; “now add chalk” answered a use of npm; the last turn has no answer.
    assert_eq!(figures, [2, 2, 1, 1], "{backtest}");
    assert_eq!(backtest["advice"], "shadow");
    let sum = records.last().unwrap();
    assert_eq!((&sum["recordings"], &sum["unread"]), (&json!(2), &json!(1)));
    assert_eq!(sum["passed"]["of the kind `progress`"], 1, "{sum}");
}

#[test]
fn what_is_kept_is_in_shadow_and_found_again_it_is_known() {
    let desk = desk();
    assert_eq!(desk.run("trace mine claude AGENTS.md --write").code, 1, "a line is torn");
    let rule = desk.read(".trace/rules/npm-instead-of-pnpm.toml");
    assert!(rule.contains("state = \"shadow\"") && rule.matches("[[said]]").count() == 2, "{rule}");
    assert!(desk.read(".trace/rules/force-push.toml").contains("state = \"shadow\""));
    let before = desk.files(".trace");
    assert_eq!(desk.run("trace mine claude AGENTS.md --write").code, 1, "a line is torn");
    assert!(before == desk.files(".trace"), "finding it again changes nothing");
    assert!(!desk.read(".trace/corrections.jsonl").contains("just this once"), "what was meant once is no evidence");
}

#[test]
fn a_copy_of_a_session_is_no_repetition() {
    let with_id = |session: &str| {
        let said = json!({ "type": "user", "uuid": "u1", "sessionId": session, "message": { "content": NPM } });
        format!("{said}\n")
    };
    let desk = Desk::new().with("a.jsonl", with_id("a")).with("b.jsonl", with_id("b"));
    let records = desk.records("trace mine a.jsonl b.jsonl");
    assert_eq!(records[0]["said"].as_array().unwrap().len(), 1, "{}", records[0]);
    assert_eq!(records.last().unwrap()["passed"]["of a copy of a session"], 1);
}

#[test]
fn what_tools_answered_and_programs_wrote_is_never_a_rule() {
    let answer = json!([{ "type": "tool_result", "tool_use_id": "x", "content": NPM }]);
    let lines = [
        line("s", "user", &answer),
        line("s", "user", &json!(format!("<system-reminder>{NPM}</system-reminder>"))),
        line("s", "user", &json!(format!("Stop hook feedback:\n{NPM}"))),
        line("s", "user", &json!(format!("[trace] {NPM}"))),
        line("s", "assistant", &json!([{ "type": "text", "text": NPM }])),
    ];
    let desk = Desk::new().with("s.jsonl", lines.join("\n"));
    let records = desk.records("trace mine s.jsonl");
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0]["messages"], 0);
}

#[test]
fn recordings_of_all_programs_tell_the_same_story() {
    let codex = [
        json!({ "type": "session_meta", "payload": { "id": "c", "cwd": "/w" } }),
        json!({ "type": "response_item", "payload": { "type": "message", "role": "user",
            "content": [{ "type": "input_text", "text": "set it up" }] } }),
        json!({ "type": "response_item", "payload": { "type": "function_call", "name": "shell", "call_id": "1",
            "arguments": "{\"command\":[\"bash\",\"-lc\",\"npm install\"]}" } }),
        json!({ "type": "response_item", "payload": { "type": "function_call_output", "call_id": "1",
            "output": "{\"output\":\"ok\",\"metadata\":{\"exit_code\":0}}" } }),
        json!({ "type": "response_item", "payload": { "type": "message", "role": "user",
            "content": [{ "type": "input_text", "text": NPM }] } }),
    ];
    let gemini = [
        json!({ "sessionId": "g", "projectHash": "h" }),
        json!({ "id": "1", "type": "user", "content": [{ "text": "set it up" }] }),
        json!({ "id": "2", "type": "gemini", "content": "", "toolCalls": [{ "id": "t", "name": "run_shell_command",
            "args": { "command": "npm install" }, "status": "success",
            "result": [{ "functionResponse": { "response": { "output": "ok" } } }] }] }),
        json!({ "id": "2", "type": "gemini", "content": "Done.", "toolCalls": [{ "id": "t", "name": "run_shell_command",
            "args": { "command": "npm install" }, "status": "success" }] }),
        json!({ "id": "3", "type": "user", "content": NPM }),
    ];
    let copilot = [
        json!({ "type": "session.start", "data": { "sessionId": "p", "context": { "cwd": "/w" } } }),
        json!({ "type": "user.message", "data": { "content": "set it up" } }),
        json!({ "type": "tool.execution_start", "data": { "toolCallId": "1", "toolName": "bash",
            "arguments": { "command": "npm install" } } }),
        json!({ "type": "tool.execution_complete", "data": { "toolCallId": "1", "success": true,
            "result": { "content": "ok\n<exited with exit code 0>" } } }),
        json!({ "type": "user.message", "data": { "content": NPM } }),
    ];
    let lines = |lines: &[Value]| lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let aider = format!(
        "# aider chat started at 2026-01-01 10:00:00\n\n#### set it up\n\nOk.\n\n> Running npm install\n\n#### {NPM}\n"
    );
    let specstory = format!(
        "<!-- Generated by SpecStory, Markdown v2.1.0 -->\n\n_**User**_\n\nset it up\n\n---\n\n_**Agent (m)**_\n\n\
         <tool-use data-tool-type=\"shell\" data-tool-name=\"Bash\"><details>\n`npm install`\n</details></tool-use>\n\n---\n\n\
         _**User**_\n\n{NPM}\n\n---\n"
    );
    let files = [
        ("rollout-1.jsonl", lines(&codex)),
        ("session-1.jsonl", lines(&gemini)),
        ("events.jsonl", lines(&copilot)),
        (".aider.chat.history.md", aider),
        (".specstory/history/a.md", specstory),
        ("claude.jsonl", transcript("s", &[("set it up", &["npm install"]), (NPM, &[])])),
    ];
    for (name, text) in files {
        let desk = Desk::new().with(name, text);
        let records = desk.records(&format!("trace mine {name}"));
        let backtest = &records[0]["backtest"];
        assert_eq!(records[0]["rule"], "npm-instead-of-pnpm", "{name}: {records:?}");
        assert_eq!((&backtest["said"], &backtest["caught"]), (&json!(1), &json!(1)), "{name}: {backtest}");
        assert!(backtest["examples"][0]["what"].as_str().unwrap().starts_with("npm install"), "{name}: {backtest}");
    }
}

#[test]
fn documents_of_folders_and_hookify_rules_are_proposed_for_where_they_apply() {
    let desk = Desk::new()
        .with("web/CLAUDE.md", "Never use npm, use pnpm.\n")
        .with(".cursor/rules/api.mdc", "---\nglobs: api/**\n---\n- Never use `print`.\n")
        .with(
            ".claude/hookify.no-rm.local.md",
            "---\nname: no-rm\nenabled: true\nevent: bash\npattern: rm\\s+-rf\naction: block\n---\nNever remove all.\n",
        );
    desk.sure("trace mine . --write");
    assert!(desk.read(".trace/rules/npm-instead-of-pnpm.toml").contains("directory = [\"web\"]"));
    let rule = desk.read(".trace/rules/no-rm.toml");
    assert!(rule.contains("state = \"shadow\"") && rule.contains("quote = \"Never remove all.\""), "{rule}");
    assert_eq!(desk.sure("trace rules test no-rm --format json").matches("\"passed\":true").count(), 1);
    let scoped = desk.sure("grep -l 'directory = .\"api\".' .trace/rules -r");
    assert_eq!(scoped.lines().count(), 1, "{scoped}");
}

#[test]
fn a_compiled_rule_that_would_have_been_in_the_way_is_put_in_shadow() {
    let desk = desk().with("said.txt", format!("{NPM}\nnever force push. ever.\n"));
    insta::assert_snapshot!(desk.session(&["trace compile said.txt --history claude"]));
    assert!(desk.read(".trace/rules/npm-instead-of-pnpm.toml").contains("state = \"shadow\""));
    assert!(desk.read(".trace/rules/force-push.toml").contains("state = \"armed\""), "nothing speaks against it");
}

#[test]
fn four_corrections_of_four_propose_to_arm() {
    let desk = (0..4).fold(Desk::new(), |desk, number| {
        let name = format!("s{number}");
        let turns = [("set it up", &["npm install"][..]), (NPM, &["pnpm install"])];
        desk.with(&format!("claude/{name}.jsonl"), transcript(&name, &turns))
    });
    let records = desk.records("trace mine claude");
    assert_eq!((&records[0]["backtest"]["advice"], &records[0]["state"]), (&json!("arm"), &json!("shadow")));
}

#[test]
fn an_obligation_is_owed_once_and_met_by_what_was_run() {
    let said = "run cargo test after changing .rs files before you say done";
    let edit = |session: &str| {
        let input = json!({ "file_path": "/w/src/a.rs", "old_string": "a", "new_string": "b" });
        line(session, "assistant", &json!([{ "type": "tool_use", "id": "e", "name": "Edit", "input": input }]))
            + "\n"
            + &line(session, "user", &json!([{ "type": "tool_result", "tool_use_id": "e", "content": "ok" }]))
            + "\n"
    };
    let user = |text: &str| line("s", "user", &json!(text)) + "\n";
    let text = [user("change a"), edit("s"), user(said), user("go on"), user("and on"), user("thanks")].concat();
    let desk = Desk::new().with("s.jsonl", text);
    let records = desk.records("trace mine s.jsonl");
    let backtest = &records[0]["backtest"];
    assert_eq!((&backtest["caught"], &backtest["elsewhere"]), (&json!(1), &json!(0)), "{backtest}");
    assert_eq!(backtest["examples"][0]["what"], "owed: `cargo test`");
}

#[test]
fn a_file_of_another_kind_is_told() {
    let desk = Desk::new().with("notes.txt", "hello");
    insta::assert_snapshot!(desk.session(&["trace mine notes.txt", "trace mine missing", "trace mine ."]));
}

#[test]
fn a_model_is_asked_only_where_one_is_configured_and_what_it_proposes_is_tried() {
    let event = |command: &str| json!({ "event": "pre_tool_use", "tool": "Bash", "input": { "command": command } });
    let rule = json!({
        "quote": "moment is out", "id": "no-moment", "title": "never install moment", "decided_by": "check",
        "check": { "pattern": "absence", "never": { "command": "npm install|i|add moment" } },
        "examples": [
            { "violates": true, "events": [event("npm i moment")] },
            { "violates": false, "events": [event("npm i dayjs")] },
        ],
    });
    let answer = json!({ "choices": [{ "delta": { "content": json!({ "rules": [rule] }).to_string() } }] });
    let body = format!("data: {answer}\n\ndata: [DONE]\n\n");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let provider = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        while lines.read_line(&mut line).unwrap() > 2 {
            let told = line.to_lowercase().strip_prefix("content-length:").map(|told| told.trim().parse().unwrap());
            length = told.unwrap_or(length);
            line.clear();
        }
        let mut asked = vec![0; length];
        lines.read_exact(&mut asked).unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).unwrap();
        String::from_utf8(asked).unwrap()
    });
    let high = "[understanding]\ntier = \"high\"\n";
    let desk = Desk::new().with("said.txt", "about dates: moment is out\n").with(".trace/config.toml", high);
    let run = desk.run("trace compile said.txt");
    assert!(run.code == 2 && run.stderr.contains("add a section `[model]`"), "{}", run.stderr);
    let model = format!("[model]\nprovider = \"openai\"\nmodel = \"m\"\nbase_url = \"http://{address}\"\n");
    desk.write(".trace/config.toml", high.to_owned() + &model);
    let run = desk.run("trace compile said.txt");
    assert!(run.stderr.contains("m was asked 1 times, and 1 rules were taken"), "{}{}", run.stdout, run.stderr);
    assert!(provider.join().unwrap().contains("moment is out"));
    assert_eq!(desk.blocked(&[runs("npm install moment"), runs("npm install dayjs")]), [(1, "no-moment".to_owned())]);
}
