//! `trace hook` as hosts run it: a process for each event.

#![expect(clippy::indexing_slicing, reason = "a member of a JSON object that was just made is set by its name")]

use crate::desk::Desk;
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;
use std::thread;

/// No process of these tests is to be late, however slow the machine.
const LIMIT: (&str, &str) = ("TRACE_HOOK_LIMIT_MS", "60000");
const TESTS: &str = "after editing a .rs file, run cargo test before you finish";

impl Desk {
    /// What a host is answered from a directory of the workspace, and the exit status.
    fn hook(&self, place: &str, line: &str, payload: &Value) -> (String, i32) {
        let mut payload = payload.clone();
        payload["cwd"] = json!(self.path(place));
        self.bytes(line, payload.to_string().as_bytes())
    }

    fn bytes(&self, line: &str, payload: &[u8]) -> (String, i32) {
        let mut child =
            self.shell(line).env(LIMIT.0, LIMIT.1).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // A process that has decided already reads no further.
        drop(child.stdin.take().unwrap().write_all(payload));
        let output = child.wait_with_output().unwrap();
        (self.masked(&output.stdout), output.status.code().unwrap())
    }

    fn claude(&self, session: &str, event: &Value) -> String {
        let mut payload = json!({ "session_id": session });
        payload.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
        let (text, code) = self.hook("", "trace hook claude-code", &payload);
        assert_eq!(code, 0, "{text}");
        text
    }
}

fn bash(id: &str, command: &str) -> Value {
    json!({ "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": { "command": command }, "tool_use_id": id })
}

fn ran(id: &str, command: &str, code: i32) -> Value {
    let mut event = bash(id, command);
    event["hook_event_name"] = json!(if code == 0 { "PostToolUse" } else { "PostToolUseFailure" });
    match code {
        0 => event["tool_response"] = json!({ "stdout": "", "stderr": "" }),
        code => event["error"] = json!(format!("Exit code {code}")),
    }
    event
}

fn write(id: &str, path: &str) -> [Value; 2] {
    let input = json!({ "file_path": path, "content": "fn f() {}\n" });
    let call = json!({ "hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": input, "tool_use_id": id });
    let mut done = call.clone();
    done["hook_event_name"] = json!("PostToolUse");
    done["tool_response"] = json!({ "type": "create", "originalFile": null });
    [call, done]
}

fn stop() -> Value {
    json!({ "hook_event_name": "Stop", "stop_hook_active": false, "last_assistant_message": "done" })
}

#[test]
fn obligations_open_and_close_across_processes() {
    let desk = Desk::new().said(TESTS);
    for event in write("1", "src/a.rs") {
        assert_eq!(desk.claude("s", &event), "");
    }
    let held = desk.claude("s", &stop());
    assert!(held.contains("\"decision\":\"block\"") && held.contains("cargo test"), "{held}");
    assert_eq!(desk.claude("other", &stop()), "", "another session owes nothing");
    // Without having done anything, it is let go, and the user is told.
    let told = desk.claude("s", &stop());
    assert!(told.contains("systemMessage") && told.contains("unresolved"), "{told}");
    assert_eq!(desk.claude("s", &stop()), "", "the user is told once");
    // Tests that fail pay nothing.
    desk.claude("s", &bash("2", "cargo test"));
    desk.claude("s", &ran("2", "cargo test", 101));
    assert!(desk.claude("s", &stop()).contains("block"));
    desk.claude("s", &bash("3", "cargo test"));
    desk.claude("s", &ran("3", "cargo test", 0));
    assert_eq!(desk.claude("s", &stop()), "");
    // And edited again: owed again.
    for event in write("4", "src/b.rs") {
        desk.claude("s", &event);
    }
    assert!(desk.claude("s", &stop()).contains("block"));
}

#[test]
fn sixteen_processes_on_one_session_lose_nothing() {
    let desk = Desk::new().said(TESTS);
    thread::scope(|scope| {
        for number in 0..16 {
            let desk = &desk;
            scope.spawn(move || {
                let id = format!("call-{number}");
                for event in write(&id, &format!("src/f{number}.rs")) {
                    assert_eq!(desk.claude("s", &event), "");
                }
            });
        }
    });
    let records = server::host::sessions::Sessions::at(desk.path(".trace/sessions")).records();
    let [(_, record)] = records.as_slice() else { panic!("one session: {records:?}") };
    assert_eq!(record.deeds, 16, "every result was counted");
    assert!(desk.claude("s", &stop()).contains("block"));
}

#[test]
fn a_record_that_a_crash_has_torn_counts_as_a_session_that_begins() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    desk.claude("s", &bash("1", "ls"));
    let files = desk.files(".trace/sessions");
    let (path, bytes) = files.iter().find(|(path, _)| path.extension().is_none()).unwrap();
    for end in [0, 1, 20, bytes.len() - 1] {
        std::fs::write(path, &bytes[..end]).unwrap();
        assert!(desk.claude("s", &bash("2", "npm install ./x")).contains("deny"));
    }
    // A new file that was not renamed any more is in nobody's way.
    std::fs::write(path.with_extension("new"), "torn").unwrap();
    assert!(desk.claude("s", &bash("3", "npm install ./x")).contains("deny"));
}

#[test]
fn the_right_rules_are_found_from_subdirectories_work_trees_and_elsewhere() {
    let desk = Desk::new().said("never use npm here, use pnpm").with("web/src/x.ts", "").in_git();
    let npm = bash("1", "npm install ./x");
    assert!(desk.hook("web/src", "trace hook claude-code", &npm).0.contains("deny"));
    // Rules that are not committed hold in linked work trees, too.
    desk.sure("git rm -rq --cached .trace && git commit -qm 'Keep rules apart' && git worktree add -q ../linked");
    assert!(desk.hook("../linked", "trace hook claude-code", &npm).0.contains("deny"));
    // An agent that has left the project is still in it, if the host says so.
    std::fs::create_dir(desk.path("../elsewhere")).unwrap();
    assert_eq!(desk.hook("../elsewhere", "cd / && trace hook claude-code", &npm), (String::new(), 0));
    let line = format!("cd / && CLAUDE_PROJECT_DIR='{}' trace hook claude-code", desk.path("").display());
    assert!(desk.hook("../elsewhere", &line, &npm).0.contains("deny"));
}

#[test]
fn a_correction_becomes_a_rule_that_nobody_has_armed() {
    let desk = Desk::new().said(TESTS);
    desk.claude("s", &bash("1", "npm install left-pad"));
    let prompt = |text: &str| json!({ "hook_event_name": "UserPromptSubmit", "prompt": text });
    let told = desk.claude("s", &prompt("no, never use npm here, use pnpm"));
    assert!(told.contains("npm-instead-of-pnpm") && told.contains("additionalContext"), "{told}");
    let rule = desk.read(".trace/rules/npm-instead-of-pnpm.toml");
    assert!(rule.contains("state = \"shadow\""), "{rule}");
    assert!(desk.read(".trace/corrections.jsonl").contains("npm install left-pad"), "linked to what was done");
    assert_eq!(desk.claude("s", &bash("2", "npm install ./x")), "", "it only logs");
    assert!(desk.sure("trace log").contains("noted npm-instead-of-pnpm"));
    desk.sure("trace rules arm npm-instead-of-pnpm");
    assert!(desk.claude("s", &bash("3", "npm install ./x")).contains("deny"));
    // What no person wrote is no correction.
    for text in [
        "[trace] Before you finish, never use yarn, use pnpm",
        "Stop hook feedback:\nnever use yarn here, use pnpm",
        "<task-notification>never use yarn here, use pnpm</task-notification>",
        "please list the files",
    ] {
        assert_eq!(desk.claude("s", &prompt(text)), "", "{text}");
    }
    assert!(!desk.sure("trace rules list").contains("yarn"));
}

#[test]
fn rules_are_put_in_front_of_the_agent_at_the_beginning_and_after_compaction() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    let start = json!({ "hook_event_name": "SessionStart", "source": "startup" });
    assert!(desk.claude("s", &start).contains("pnpm"));
    let prompt = json!({ "hook_event_name": "UserPromptSubmit", "prompt": "go on" });
    assert_eq!(desk.claude("s", &prompt), "", "once is enough");
    desk.claude("s", &json!({ "hook_event_name": "PreCompact", "trigger": "auto" }));
    assert!(desk.claude("s", &prompt).contains("pnpm"));
}

#[test]
fn an_agent_does_not_change_its_own_checks() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    desk.sure("trace install claude-code --project");
    let settings = desk.read(".claude/settings.json");
    for command in [
        "rm -rf .trace",
        "echo '' > .trace/rules/npm-instead-of-pnpm.toml",
        "trace waive npm-instead-of-pnpm --reason x",
        "trace rules retire npm-instead-of-pnpm",
        "env X=1 trace --root . uninstall claude-code --project",
        "echo '{}' > .claude/settings.json",
        "rm .claude/settings.json",
    ] {
        assert!(desk.claude("s", &bash("1", command)).contains("deny"), "{command}");
    }
    for command in
        ["trace rules list", "cat .trace/rules/npm-instead-of-pnpm.toml", "git commit -m 'move .trace'", "trace log"]
    {
        assert_eq!(desk.claude("s", &bash("1", command)), "", "{command}");
    }
    let write = |content: &str| {
        let input = json!({ "file_path": desk.path(".claude/settings.json"), "content": content });
        json!({ "hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": input, "tool_use_id": "1" })
    };
    assert!(desk.claude("s", &write("{}")).contains("deny"));
    assert_eq!(desk.claude("s", &write(&settings.replacen('{', "{\"model\":\"opus\",", 1))), "", "the rest is free");
    assert!(desk.claude("s", &write(&settings.replacen('{', "{\"disableAllHooks\":true,", 1))).contains("deny"));
    assert_eq!(desk.run("trace waive npm-instead-of-pnpm --reason x").code, 2, "without a terminal nobody waives");
}

#[test]
fn whatever_goes_wrong_the_agent_goes_on() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    for bytes in [&b""[..], b"{", b"\xff\xfe{}", b"[]", b"3", b"{\"hook_event_name\":\"Brandnew\"}"] {
        assert_eq!(desk.bytes("trace hook claude-code", bytes), (String::new(), 0));
    }
    assert_eq!(desk.bytes("trace hook nobody", b"{}"), (String::new(), 0));
    assert!(desk.read(".trace/log.jsonl").contains("not_enforced"));
    assert_eq!(desk.run("trace status").code, 1);
    // Nor does a damaged cache stop anything: it is made anew.
    desk.write(".trace/cache/checks.bin", "damaged");
    assert!(desk.claude("s", &bash("1", "npm install ./x")).contains("deny"));
    // In a folder that nothing was ever said in, nothing is left behind.
    let empty = Desk::new();
    assert_eq!(empty.claude("s", &bash("1", "npm install ./x")), "");
    assert!(!empty.path(".trace").exists());
}

#[test]
fn many_rules_that_have_changed_are_made_into_checks_behind_the_agents_back() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    for number in 0..130 {
        let head = format!("id = \"more-{number}\"\ntitle = \"t\"\nstate = \"armed\"\n");
        let rule = format!("{head}[check]\npattern = \"absence\"\nnever = {{ command = \"tool{number}\" }}\n");
        desk.write(&format!(".trace/rules/more-{number}.toml"), rule);
    }
    let npm = bash("1", "npm install ./x");
    assert!(desk.claude("s", &npm).contains("deny"), "what is kept of few is made anew at once");
    desk.sure("rm .trace/rules/npm-instead-of-pnpm.toml");
    assert!(desk.claude("s", &npm).contains("deny"), "what is kept of many still holds");
    while !desk.claude("s", &npm).is_empty() {
        // The process that makes them anew has been started by the call before.
        thread::yield_now();
    }
}

#[test]
fn a_call_that_means_the_same_with_the_right_program_is_changed_and_the_agent_told() {
    let desk = Desk::new().said("never use npm here, use pnpm\nnever use yarn here, use pnpm");
    let rewritten = |command: &str| {
        let answer = desk.claude("s", &bash("1", command));
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        assert!(answer.pointer("/hookSpecificOutput/permissionDecision").is_none_or(|decision| decision == "deny"));
        let told = answer.pointer("/hookSpecificOutput/additionalContext").and_then(Value::as_str).unwrap_or_default();
        let command = answer.pointer("/hookSpecificOutput/updatedInput/command")?.as_str()?.to_owned();
        assert!(told.contains(&format!("was run as `{command}`")) && told.contains("never use"), "{told}");
        Some(command)
    };
    for (asked, made) in [
        ("npm install left-pad", Some("pnpm install left-pad")),
        (
            "cd web && npm i && yarn add x; npm run build | tee log",
            Some("cd web && pnpm install && pnpm add x; pnpm run build | tee log"),
        ),
        // What is not plain, or not the same, is refused.
        ("npm install ./x", None),
        ("npm install left-pad > log", None),
        ("npm install --legacy-peer-deps", None),
        ("npm install $PACKAGE", None),
        ("npm install 'left-pad'", None),
        ("sudo npm install x", None),
        ("bash -c 'npm install x'", None),
        ("/usr/bin/npm install x", None),
        ("npm install x && npx tsc", None),
        ("pnpm install x", None),
    ] {
        assert_eq!(rewritten(asked).as_deref(), made, "{asked}");
    }
    let log = desk.sure("trace log");
    assert!(log.contains("rewritten npm-instead-of-pnpm") && log.contains("rewritten yarn-instead-of-pnpm"), "{log}");
    // A host that runs what was asked for all the same is told no other command again.
    assert!(rewritten("npm install left-pad").is_some());
    desk.claude("s", &ran("1", "pnpm install left-pad", 0));
    assert!(rewritten("npm install left-pad").is_some());
    desk.claude("s", &ran("1", "npm install left-pad", 0));
    assert_eq!(rewritten("npm install left-pad"), None);
    assert!(desk.run("trace status").stdout.contains("the host ran `npm install left-pad` as it was asked for"));
    // A host that takes no words before a call is told them after it.
    let call = |name: &str, command: &str| {
        let output = json!({ "args": { "command": command }, "output": "done", "metadata": { "exit": 0 } });
        let input = json!({ "tool": "bash", "sessionID": "s", "callID": "c" });
        let payload = json!({ "input": input, "output": output });
        desk.hook("", &format!("trace hook opencode {name}"), &payload).0
    };
    assert_eq!(call("tool.execute.before", "npm install x"), "{\"args\":{\"command\":\"pnpm install x\"}}");
    assert!(call("tool.execute.after", "pnpm install x").contains("was run as"));
    assert_eq!(call("tool.execute.after", "pnpm install x"), "", "once");
}

#[test]
fn what_a_command_writes_by_itself_is_seen_afterwards() {
    let words = format!("{TESTS}\nnever edit files in generated/");
    let desk = Desk::new().said(&words).with("src/a.rs", "fn a() {}\n").with("src/b.rs", "fn b() {}\n").in_git();
    let script = "#!/bin/sh\necho 'fn c() {}' >> src/a.rs\n";
    let desk =
        desk.with("format.sh", script).with("generate.sh", "#!/bin/sh\nmkdir generated; echo x > generated/a.c\n");
    desk.sure("chmod +x *.sh && git add -A && git commit -qm 'Scripts'");
    let runs = |id: &str, command: &str| {
        assert_eq!(desk.claude("s", &bash(id, command)), "", "{command}");
        desk.sure(command);
        desk.claude("s", &ran(id, command, 0))
    };
    assert_eq!(runs("1", "git status > /dev/null"), "");
    assert_eq!(desk.claude("s", &stop()), "", "nothing was changed");
    assert_eq!(runs("2", "./format.sh"), "");
    assert!(desk.claude("s", &stop()).contains("cargo test"), "a script has changed a .rs file");
    assert_eq!(desk.claude("s", &bash("3", "cargo test")), "");
    assert_eq!(desk.claude("s", &ran("3", "cargo test", 0)), "");
    assert_eq!(desk.claude("s", &stop()), "", "what was changed before the tests ran is not owed again");
    let told = runs("4", "./generate.sh");
    assert!(told.contains("does not keep a rule") && told.contains("generated/a.c"), "{told}");
}

#[test]
fn what_a_command_deletes_or_writes_to_ignored_files_is_seen_afterwards() {
    let words = "never delete files in migrations/\nnever edit .env\nrun cargo test after changing .rs files before you say done";
    let desk = Desk::new().said(words).with(".gitignore", ".env\nbuilt/\n*.pb.rs\n");
    let desk =
        ["a.sql", "b.sql", "c.sql"].iter().fold(desk, |desk, file| desk.with(&format!("migrations/{file}"), "x"));
    let clean = "#!/bin/sh\nrm migrations/$1\n";
    let desk = desk
        .with("clean.sh", clean)
        .with("set.sh", "#!/bin/sh\necho A=1 >> .env; mkdir -p built; echo x > built/x; echo x > a.pb.rs\n");
    desk.sure("chmod +x *.sh");
    let desk = desk.with("write.sh", "#!/bin/sh\necho x > a.rs\n");
    desk.sure("chmod +x write.sh");
    let desk = desk.in_git();
    let runs = |id: &str, command: &str| {
        assert_eq!(desk.claude("s", &bash(id, command)), "", "{command}");
        desk.sure(command);
        desk.claude("s", &ran(id, command, 0))
    };
    let told = runs("1", "./clean.sh a.sql");
    assert!(told.contains("does not keep a rule") && told.contains("migrations/a.sql"), "{told}");
    assert_eq!(
        runs("2", "touch migrations/d.sql"),
        "",
        "what is gone was told of, although its folder has changed again"
    );
    let told = runs("3", "./clean.sh b.sql");
    assert!(told.contains("migrations/b.sql") && !told.contains("a.sql"), "{told}");
    let told = runs("4", "./set.sh");
    assert!(told.contains("does not keep a rule") && told.contains(".env") && !told.contains("built/"), "{told}");
    assert_eq!(desk.claude("s", &stop()), "", "what git ignores owes no tests");
    assert_eq!(runs("4b", "./write.sh"), "");
    assert!(desk.claude("s", &stop()).contains("cargo test"), "what git sees does");
    desk.sure("rm migrations/c.sql; sleep 0.05");
    assert!(!runs("5", "./set.sh").contains("c.sql"), "no command has deleted it");
}

#[test]
fn installing_and_uninstalling_leave_no_trace() {
    let desk = Desk::new().with(".claude/settings.json", "{\n  // mine\n  \"model\": \"opus\"\n}\n");
    let shown = desk.sure("trace install claude-code --project --dry-run");
    assert!(shown.contains("would be changed") && shown.contains('+'), "{shown}");
    assert!(!desk.read(".claude/settings.json").contains("trace"));
    desk.sure("trace install claude-code codex copilot cursor gemini opencode --project");
    assert!(desk.sure("trace install claude-code --project").contains("nothing to change"));
    desk.sure("trace uninstall claude-code codex copilot cursor gemini opencode --project");
    assert_eq!(desk.read(".claude/settings.json"), "{\n  // mine\n  \"model\": \"opus\"\n}\n");
    assert!(![".codex", ".github", ".cursor", ".gemini", ".opencode"].iter().any(|folder| desk.path(folder).exists()));
    desk.sure("trace install claude-code codex copilot cursor gemini opencode");
    desk.sure("trace uninstall claude-code codex copilot cursor gemini opencode");
    assert!(!desk.path("../home/.claude").exists());
}

#[test]
fn what_gemini_calls_the_answer_is_judged_once_and_holds_end() {
    let desk = Desk::new().said("never say \"obviously\"\nafter editing a .rs file, run cargo test before you finish");
    let ends = |reply: &str, held: bool| {
        let event = json!({ "session_id": "s", "hook_event_name": "AfterAgent", "prompt": "p", "prompt_response": reply,
            "stop_hook_active": held });
        desk.hook("", "trace hook gemini", &event).0
    };
    assert!(ends("Obviously done.", false).contains("obviously"));
    assert_eq!(ends("Obviously done.\nDone.", true), "", "what was said before is still there, and was judged");
    assert!(ends("Obviously done.\nDone.\nObviously.", true).contains("obviously"));
    // It forgets that it is held as soon as a tool was called; the turn is held no more often for it.
    let input = json!({ "file_path": desk.path("a.rs"), "content": "fn f() {}\n" });
    let wrote = json!({ "session_id": "s", "hook_event_name": "AfterTool", "tool_name": "write_file", "tool_input": input,
        "tool_response": { "llmContent": "ok" } });
    let held = (0..10).filter(|_| {
        desk.hook("", "trace hook gemini", &wrote);
        ends("", false).contains("\"deny\"")
    });
    assert_eq!(held.count(), 3, "four in all since it was last free to go");
}

#[test]
fn copilots_answer_is_read_from_the_end_of_its_transcript() {
    let desk = Desk::new().said("never say \"obviously\"");
    let line = |kind: &str, data: Value| json!({ "type": kind, "data": data }).to_string() + "\n";
    let ends = |words: &str, written: u64| {
        let lines = [
            line("user.message", json!({ "content": "obviously" })),
            line("assistant.message", json!({ "content": words })),
            line("hook.start", json!({ "input": { "timestamp": written } })),
        ];
        // Nothing is stored of a hole, which makes the file as long as that of a long session.
        let file = std::fs::File::create(desk.path("../events.jsonl")).unwrap();
        file.set_len(50 << 20).unwrap();
        let text = format!("\n{}", lines.concat());
        std::fs::File::options()
            .append(true)
            .open(desk.path("../events.jsonl"))
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let path = desk.path("../events.jsonl");
        let event = json!({ "sessionId": "s", "timestamp": 2, "transcriptPath": path, "stopReason": "end_turn" });
        desk.hook("", "trace hook copilot agentStop", &event).0
    };
    assert_eq!(ends("Done.", 2), "");
    assert!(ends("Obviously done.", 2).contains("\"block\""));
    assert_eq!(ends("Obviously, once more.", 1), "", "nothing is said of what is not written yet");
}

#[test]
fn a_person_waives_at_a_terminal_and_a_rule_that_is_waived_too_often_only_logs() {
    let desk = Desk::new().said("never use npm here, use pnpm\nnever edit files in generated/");
    if desk.run("command -v script").code != 0 {
        return println!("skipped: `script`, which makes a terminal, is missing");
    }
    // `script` runs its command at a terminal of its own.
    let waive = |more: &str| {
        desk.sure(&format!(
            "script -qec \"trace waive npm-instead-of-pnpm --reason today {more}\" /dev/null < /dev/null"
        ))
    };
    let npm = bash("1", "npm install ./x");
    assert!(desk.claude("s", &npm).contains("deny"));
    assert_eq!(waive(""), "");
    assert_eq!(desk.claude("s", &npm), "", "once");
    desk.claude("s", &ran("1", "npm install ./x", 0));
    assert!(desk.claude("s", &npm).contains("deny"), "and no more");
    assert_eq!(waive("--session"), "");
    for _ in 0..3 {
        assert_eq!(desk.claude("s", &npm), "", "as long as the session lasts");
    }
    assert!(desk.claude("another", &npm).contains("deny"), "a session that was not open then is not meant");
    let status = desk.sure("trace status");
    assert!(status.contains("npm-instead-of-pnpm: stopped 3, waived 2, so that 33 % stood"), "{status}");
    assert!(status.contains(": edit-files-in-generated\n"), "{status}");
    let told = waive("");
    assert!(told.contains("is in shadow from now on") && told.contains("trace rules arm"), "{told}");
    assert!(desk.read(".trace/rules/npm-instead-of-pnpm.toml").contains("state = \"shadow\""));
    assert_eq!(desk.claude("third", &npm), "");
    assert!(desk.read(".trace/history.jsonl").contains("waived 3 times"));
    desk.sure("trace rules arm npm-instead-of-pnpm");
    assert!(desk.claude("third", &npm).contains("deny"));
    waive("");
    assert!(desk.claude("fourth", &npm).contains("deny"), "what was before it was armed again does not count");
}

#[test]
fn a_rule_may_refuse_what_could_not_be_judged() {
    let desk = Desk::new().said("never use npm here, use pnpm\nnever edit files in generated/");
    let file = ".trace/rules/npm-instead-of-pnpm.toml";
    desk.write(file, desk.read(file).replacen("[check]\n", "[check]\nfail = \"closed\"\n", 1));
    assert_eq!(desk.claude("s", &bash("1", "ls")), "");
    let held = server::host::sessions::Sessions::at(desk.path(".trace/sessions")).hold("claude-code", "s").unwrap();
    let late = |mut event: Value| {
        event["session_id"] = json!("s");
        desk.hook("", "TRACE_HOOK_LIMIT_MS=300 trace hook claude-code", &event)
    };
    let (answer, code) = late(bash("2", "ls"));
    assert!(answer.contains("deny") && answer.contains("could not be judged"), "{answer}");
    assert!(answer.contains("npm-instead-of-pnpm") && !answer.contains("generated") && code == 0, "{answer}");
    assert_eq!(late(stop()), (String::new(), 0), "a turn may end");
    // Without checks that can be read, the rule files tell.
    desk.write(".trace/cache/checks.bin", "damaged");
    assert!(late(bash("2", "ls")).0.contains("npm-instead-of-pnpm"));
    drop(held);
    assert_eq!(desk.claude("s", &bash("3", "ls")), "");
    let status = desk.run("trace status").stdout;
    assert!(status.contains("calls that cannot be judged are refused by: npm-instead-of-pnpm"), "{status}");
    assert!(desk.run("trace doctor --quick").stdout.contains("is refused by `npm-instead-of-pnpm`"));
}

#[test]
fn a_database_that_somebody_has_locked_delays_no_agent() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    desk.sure("trace memory add 'likes tea'");
    let database = rusqlite::Connection::open(desk.path(".trace/state.db")).unwrap();
    database.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let prompt = json!({ "hook_event_name": "UserPromptSubmit", "prompt": "no, never use yarn here, use pnpm" });
    assert!(desk.claude("s", &prompt).contains("yarn-instead-of-pnpm"));
    assert!(desk.claude("s", &bash("1", "npm install ./x")).contains("deny"));
    assert_eq!(desk.claude("s", &stop()), "");
    assert_eq!(desk.run("trace status").code, 0, "and everything was enforced");
}

#[test]
fn a_session_that_somebody_else_holds_delays_no_agent() {
    let desk = Desk::new().said("never use npm here, use pnpm");
    desk.claude("s", &bash("1", "ls"));
    let held = server::host::sessions::Sessions::at(desk.path(".trace/sessions")).hold("claude-code", "s").unwrap();
    let mut npm = bash("2", "npm install ./x");
    npm["session_id"] = json!("s");
    let line = "TRACE_HOOK_LIMIT_MS=300 trace hook claude-code";
    assert_eq!(desk.hook("", line, &npm), (String::new(), 0), "nothing is enforced");
    assert!(desk.sure("trace log").contains("no answer within 300 ms"), "and said so");
    drop(held);
    assert!(desk.claude("s", &npm).contains("deny"));
}
