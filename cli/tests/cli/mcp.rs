//! `trace mcp`, as agents' hosts start it: over its standard streams.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test that can't go on has failed")]

#[path = "../../../server/tests/clients/environment.rs"]
mod environment;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const TRACE: &str = env!("CARGO_BIN_EXE_trace");

/// A client that speaks the protocol line by line.
struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last: u64,
}

impl Client {
    fn start(root: &Path) -> Client {
        let mut child = Command::new(TRACE)
            .args(["mcp", "--root"])
            .arg(root)
            .env("XDG_CONFIG_HOME", root.join("config"))
            .env("XDG_DATA_HOME", root.join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut client = Client { child, input, output, last: 0 };
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}});
        assert_eq!(client.ask("initialize", &hello)["serverInfo"]["name"], "trace");
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        client
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.input.as_mut().unwrap(), "{message}").unwrap();
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        self.send(&json!({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params}));
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert_eq!(answer["id"], self.last, "{answer}");
        answer["result"].clone()
    }

    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let result = self.ask("tools/call", &json!({"name": name, "arguments": arguments}));
        assert_eq!(result["isError"], false, "{name}: {result}");
        result["structuredContent"].clone()
    }

    /// Ends the input; tells how the program ended and what else it printed.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }
}

#[test]
fn two_agents_of_a_workspace_share_memories_and_state() {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (Client::start(folder.path()), Client::start(folder.path()));
    let id = one.call("add_memory", &json!({"text": "the build needs clang", "app_id": "site"}))["id"].clone();
    assert_eq!(other.call("search_memories", &json!({"query": "clang build"}))["memories"][0]["id"], id);
    other.call("delete_memory", &json!({"memory_id": id}));
    assert_eq!(one.call("search_memories", &json!({"query": "clang build"}))["memories"], json!([]));

    let session = one.call("state_begin", &json!({}))["session"].clone();
    one.call("state_read", &json!({"key": "plan", "session": session}));
    other.call("state_write", &json!({"key": "plan", "value": "mine"}));
    one.call("state_write", &json!({"key": "plan", "value": "ours", "session": session}));
    let refused = one.call("state_commit", &json!({"session": session}));
    assert_eq!((&refused["committed"], &refused["doomed"][0]["key"]), (&json!(false), &json!("plan")));

    let told = "no embedding model: searching by words; `trace model pull` fetches one\n".to_owned();
    assert_eq!(one.end(), (Some(0), told.clone()), "the end of the input is the end, and nothing else is printed");
    assert_eq!(other.end(), (Some(0), told));
}

#[test]
fn a_client_that_never_begins_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(TRACE).args(["mcp", "--root"]).arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(
        (output.status.code(), output.stdout),
        (Some(0), Vec::new()),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_python_client_calls_every_tool() {
    let Some(python) = environment::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/clients/mcp_client.py");
    let mut command = Command::new(python);
    command.arg(script).args(["stdio", TRACE, "mcp", "--root"]).arg(folder.path());
    let out = environment::run(&mut command);
    assert_eq!(out.unwrap_or_else(|error| panic!("{error}")).trim(), "done");
}

#[test]
fn the_configuration_holds_here_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join(".trace")).unwrap();
    std::fs::write(folder.path().join(".trace/config.toml"), "[embedding]\nbackend = \"hash\"\n").unwrap();
    let mut client = Client::start(folder.path());
    client.call("add_memory", &json!({"text": "prefers pnpm over npm"}));
    let (code, told) = client.end();
    assert_eq!(
        (code, told.as_str()),
        (Some(0), "embedding by words and pieces of words, which say nothing about meaning\n")
    );
    std::fs::write(folder.path().join(".trace/config.toml"), "[embeding]\n").unwrap();
    let output = Command::new(TRACE).args(["mcp", "--root"]).arg(folder.path()).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && told.contains("embeding") && output.stdout.is_empty(), "{told}");
}
