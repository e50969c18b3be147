//! Facts against the corpus: every case is data, in `corpus/shell.toml` and `corpus/files.toml`.

use compiler::facts::shell::commands;
use compiler::facts::{
    Command, Facts, FileChange, NoWorkspace, Unknown, Word, Workspace, facts, from_unified_diff, language,
};
use rules::predicate::{FileAction, Moment};
use rules::{Event, EventKind};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A topic of a corpus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Topic<T> {
    cases: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShellCase {
    name: String,
    text: String,
    runs: Option<Vec<String>>,
    #[serde(default)]
    contains: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    unknown: usize,
    via: Option<Vec<String>>,
    cwd: Option<String>,
    env: Option<Vec<String>>,
    writes: Option<Vec<String>>,
}

fn word(word: &Word) -> String {
    format!("{}{}", word.text, if word.exact { "" } else { "…" })
}

fn line(command: &Command) -> String {
    command.args.iter().fold(command.program.clone(), |line, arg| line + " " + &word(arg))
}

impl ShellCase {
    /// What differs from what the case expects.
    fn differences(&self) -> String {
        let facts = commands(&self.text, None);
        let lines: Vec<String> = facts.commands.iter().map(line).collect();
        let why: Vec<&Unknown> = facts.unknown.iter().collect();
        let mut wrong = String::new();
        let mut check = |holds: bool, what: &str, found: &dyn std::fmt::Debug| {
            if !holds {
                let _ = write!(wrong, "\n    {what}: {found:?}");
            }
        };
        check(self.runs.as_ref().is_none_or(|runs| *runs == lines), "runs", &lines);
        check(self.contains.iter().all(|line| lines.contains(line)), "contains", &lines);
        check(!self.absent.iter().any(|line| lines.contains(line)), "absent", &lines);
        check(self.unknown == why.len(), "unknown", &why);
        let last = facts.commands.last();
        let last_is =
            |expected: &Option<Vec<String>>, found: Option<Vec<String>>| expected.is_none() || *expected == found;
        let via = last.map(|last| last.via.clone());
        check(last_is(&self.via, via.clone()), "via", &via);
        let env = last.map(|last| last.env.iter().map(|(name, value)| format!("{name}={value}")).collect());
        check(last_is(&self.env, env.clone()), "env", &env);
        let writes = last.map(|last| last.writes.iter().map(word).collect());
        check(last_is(&self.writes, writes.clone()), "writes", &writes);
        let cwd = last.and_then(|last| last.cwd.clone()).unwrap_or_default();
        check(self.cwd.as_ref().is_none_or(|expected| *expected == cwd), "cwd", &cwd);
        for span in facts.commands.iter().map(|command| &command.span).chain(why.iter().map(|unknown| &unknown.span)) {
            check(self.text.get(span.clone()).is_some(), "span", span);
        }
        wrong
    }
}

#[test]
fn shell_texts_run_what_the_corpus_says() {
    let topics: BTreeMap<String, Topic<ShellCase>> = toml::from_str(include_str!("corpus/shell.toml")).unwrap();
    let (mut wrong, mut count) = (String::new(), 0);
    for (topic, case) in topics.iter().flat_map(|(topic, cases)| cases.cases.iter().map(move |case| (topic, case))) {
        count += 1;
        let differences = case.differences();
        if !differences.is_empty() {
            let _ = write!(wrong, "\n{topic}: {}\n    text: {:?}{differences}", case.name, case.text);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count >= 150, "only {count} cases");
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCase {
    name: String,
    #[serde(default)]
    tool: String,
    #[serde(default)]
    input: Value,
    output: Option<Value>,
    diff: Option<String>,
    cwd: Option<String>,
    #[serde(default)]
    workspace: BTreeMap<String, String>,
    changes: Option<Vec<Change>>,
    #[serde(default)]
    contains: Vec<Change>,
    reads: Option<Vec<String>>,
    commits: Option<Vec<String>>,
    pull_request: Option<String>,
}

/// Action, path, added and removed lines, and whether the whole file is known.
type Change = (FileAction, String, String, String, bool);

fn change(change: &FileChange) -> Change {
    let lines = |text: &str| text.lines().collect::<Vec<_>>().join("|");
    (change.action, change.path.clone(), lines(&change.added), lines(&change.removed), change.whole)
}

/// The files of a case, under `/repo`.
#[derive(Debug)]
struct Repository<'a>(&'a BTreeMap<String, String>);

impl Workspace for Repository<'_> {
    fn root(&self) -> Option<&str> {
        Some("/repo")
    }

    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn exists(&self, path: &str) -> Option<bool> {
        Some(self.0.contains_key(path))
    }

    fn changed(&self, _: &str) -> Option<bool> {
        None
    }
}

impl FileCase {
    fn facts(&self) -> Facts {
        if let Some(diff) = &self.diff {
            return Facts { files: from_unified_diff(diff), ..Facts::default() };
        }
        let (tool, input) = (self.tool.clone(), self.input.clone());
        let kind = match self.output.clone() {
            Some(output) => EventKind::PostToolUse { tool, input, output, ok: None, exit_code: None, id: None },
            None => EventKind::PreToolUse { tool, input, id: None },
        };
        facts(&Event { cwd: self.cwd.clone(), ..Event::of(kind) }, &Repository(&self.workspace))
    }
}

#[test]
fn files_change_as_the_corpus_says() {
    let topics: BTreeMap<String, Topic<FileCase>> = toml::from_str(include_str!("corpus/files.toml")).unwrap();
    let mut wrong = String::new();
    for (topic, case) in topics.iter().flat_map(|(topic, cases)| cases.cases.iter().map(move |case| (topic, case))) {
        let facts = case.facts();
        let changes: Vec<Change> = facts.files.iter().map(change).collect();
        let commits: Vec<String> = facts.commits.iter().map(|commit| word(&commit.message)).collect();
        let right = case.changes.as_ref().is_none_or(|expected| *expected == changes)
            && case.contains.iter().all(|expected| changes.contains(expected))
            && case.reads.as_ref().is_none_or(|expected| *expected == facts.reads)
            && case.commits.as_ref().is_none_or(|expected| *expected == commits)
            && case
                .pull_request
                .as_ref()
                .is_none_or(|expected| facts.pull_request.as_ref().map(&word).as_ref() == Some(expected))
            && facts.files.iter().all(|change| change.language == language(&change.path));
        if !right {
            let reads = &facts.reads;
            let _ = write!(
                wrong,
                "\n{topic}: {}\n    {changes:?}\n    reads {reads:?}\n    commits {commits:?}",
                case.name
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Data that is not part of the project, if it is at hand.
fn shared(path: &str) -> Option<PathBuf> {
    let data = std::env::var("TRACE_DATA").map_or_else(|_| PathBuf::from("../../shared/data"), PathBuf::from);
    let path = data.join(path);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
    {
        eprintln!("skipped: {} is not there", path.display());
    }
    None
}

#[test]
fn recorded_evasions_are_seen_through() {
    let Some(path) = shared("shell/cases.jsonl") else { return };
    let (mut wrong, mut unsure) = (Vec::new(), 0);
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["command"].as_str().unwrap();
        let facts = commands(text, None);
        let runs = facts.commands.iter().any(|command| command.program == "touch");
        unsure += usize::from(!runs && !facts.unknown.is_empty());
        if case["touch_runs"].as_bool().unwrap() != (runs || !facts.unknown.is_empty()) {
            wrong.push(format!("{}: {text:?} {facts:#?}", case["id"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(unsure <= 2, "{unsure} cases are only unknown");
}

/// The facts of a recorded payload, if it is one of a tool call.
fn recorded(payload: &Value) -> Option<Facts> {
    let field = |pointers: &[&str]| pointers.iter().find_map(|pointer| payload.pointer(pointer));
    let tool = field(&["/tool_name", "/toolName", "/input/tool"])?.as_str()?.to_owned();
    let input = field(&["/tool_input", "/toolArgs", "/output/args", "/input/args"])?.clone();
    let output = field(&["/tool_response", "/toolResult", "/output/output"]).cloned();
    let kind = match output {
        Some(output) => EventKind::PostToolUse { tool, input, output, ok: None, exit_code: None, id: None },
        None => EventKind::PreToolUse { tool, input, id: None },
    };
    let event = Event { cwd: payload["cwd"].as_str().or(Some("/w")).map(str::to_owned), ..Event::of(kind) };
    Some(facts(&event, &NoWorkspace))
}

#[test]
fn recorded_payloads_of_every_host_are_understood() {
    let Some(folder) = shared("captures") else { return };
    let edits: Change = (FileAction::Modify, "a.py".into(), "y = 3".into(), "y = 2".into(), false);
    let writes: Change = (FileAction::Create, "a.py".into(), "x = 1|y = 2".into(), String::new(), true);
    let patches: Change = (FileAction::Modify, "c.txt".into(), "there".into(), "hello".into(), false);
    for host in std::fs::read_dir(folder).unwrap().map(|host| host.unwrap().path()).filter(|host| host.is_dir()) {
        let (mut lines, mut changes) = (Vec::new(), Vec::new());
        for file in std::fs::read_dir(&host).unwrap() {
            let payload = serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
            let Some(facts) = recorded(&payload) else { continue };
            assert!(facts.unknown.is_empty(), "{payload}");
            lines.extend(facts.commands.iter().map(line));
            changes.extend(facts.files.iter().map(change));
        }
        for expected in ["echo hi", "exit 3"] {
            assert!(lines.iter().any(|line| line == expected), "{}: {lines:?}", host.display());
        }
        let expected = if host.to_string_lossy().contains("codex") { vec![&patches] } else { vec![&writes, &edits] };
        assert!(expected.into_iter().all(|change| changes.contains(change)), "{}: {changes:?}", host.display());
    }
}

#[test]
fn names_tell_languages() {
    let names = [
        ("src/main.rs", Some("rust")),
        ("a.pyi", Some("python")),
        ("web/App.tsx", Some("tsx")),
        ("a.test.ts", Some("typescript")),
        ("x.mjs", Some("javascript")),
        ("Dockerfile", Some("dockerfile")),
        ("docker/Dockerfile.dev", Some("dockerfile")),
        ("Makefile", Some("makefile")),
        ("CHANGELOG.md", Some("markdown")),
        (".github/workflows/ci.yml", Some("yaml")),
        ("LICENSE", None),
        ("a.unknown", None),
        // What has no ending is a shell script where such lie.
        ("bin/setup", Some("bash")),
        (".husky/pre-commit", Some("bash")),
        ("bin/setup.py", Some("python")),
        ("bin/data/setup", None),
        ("", None),
    ];
    for (path, expected) in names {
        assert_eq!(language(path), expected, "{path}");
    }
}

#[test]
fn words_of_people_and_agents_are_facts() {
    let prompt = facts(&Event::of(EventKind::UserPromptSubmit { text: "use pnpm".into() }), &NoWorkspace);
    assert_eq!((prompt.prompt.as_deref(), prompt.moment), (Some("use pnpm"), Some(Moment::Prompt)));
    let stop = facts(&Event::stop("done", vec![Event::command("npm ci")]), &NoWorkspace);
    assert_eq!((stop.reply.as_deref(), stop.moment), (Some("done"), Some(Moment::Stop)));
    assert!(stop.commands.is_empty(), "the history is told by its own events");
    let call = facts(&Event::tool("mcp__x__y", serde_json::json!({ "a": 1 })), &NoWorkspace);
    assert_eq!(call.tool.map(|tool| tool.name).as_deref(), Some("mcp__x__y"));
}
