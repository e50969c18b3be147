//! A workspace in a temporary folder, in which commands are run as a person would type them.
//!
//! What a session prints becomes a transcript: each command after `$`, what it prints, what it prints to standard error
//! after `[stderr]`, and the exit code where it is not 0. Paths of the folder are masked.

use assert_cmd::cargo::cargo_bin;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The workspace `shop`, with the user's home and settings beside it.
pub(crate) struct Desk {
    _place: TempDir,
    top: PathBuf,
}

/// How a command ended.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let place = TempDir::new().unwrap();
        let top = place.path().canonicalize().unwrap();
        fs::create_dir(top.join("shop")).unwrap();
        Self { _place: place, top }
    }

    /// The same with a file in the workspace; one that begins with `../config/` is among the user's settings.
    pub(crate) fn with(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// The same after something was said.
    pub(crate) fn said(self, words: &str) -> Self {
        self.write("said.txt", words);
        let run = self.run("trace compile said.txt");
        assert_eq!(run.code, 0, "{}", run.stderr);
        self
    }

    /// The same as a git repository, where all there is is committed.
    pub(crate) fn in_git(self) -> Self {
        self.sure("git init -q -b main && git add -A && git commit -q --allow-empty -m 'Begin'");
        self
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.top.join("shop").join(path)
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// All files under a folder with their bytes.
    pub(crate) fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut files, mut folders) = (BTreeMap::new(), vec![self.path(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.clone(), fs::read(path).unwrap());
                }
            }
        }
        files
    }

    /// A command line for the shell, with nothing of the surroundings but the programs.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let programs = cargo_bin!("trace").parent().unwrap();
        let path = std::env::var_os("PATH").unwrap();
        let path = std::env::join_paths([programs.to_owned()].into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(self.path("")).stdin(Stdio::null());
        shell.env_clear().env("PATH", path).env("COLUMNS", "100").env("LC_ALL", "C.UTF-8");
        shell.env("HOME", self.top.join("home")).env("XDG_CONFIG_HOME", self.top.join("config"));
        shell.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CEILING_DIRECTORIES", &self.top);
        for who in ["AUTHOR", "COMMITTER"] {
            shell.env(format!("GIT_{who}_NAME"), "Ana").env(format!("GIT_{who}_EMAIL"), "ana@example.org");
        }
        shell
    }

    pub(crate) fn run(&self, line: &str) -> Run {
        let output = self.shell(line).output().unwrap();
        Run {
            stdout: self.masked(&output.stdout),
            stderr: self.masked(&output.stderr),
            code: output.status.code().unwrap(),
        }
    }

    /// The output of a command that must succeed.
    pub(crate) fn sure(&self, line: &str) -> String {
        let run = self.run(line);
        assert_eq!(run.code, 0, "{line}\n{}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// Runs one command after the other, and writes down what a person would see.
    pub(crate) fn session(&self, lines: &[&str]) -> String {
        let mut transcript = Vec::new();
        for line in lines {
            let Run { stdout, stderr, code } = self.run(line);
            let stderr = if stderr.is_empty() { stderr } else { format!("[stderr]\n{}", stderr.trim_end()) };
            let code = if code == 0 { String::new() } else { format!("[exit {code}]") };
            let parts = [format!("$ {line}"), stdout.trim_end().to_owned(), stderr, code];
            transcript.push(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"));
        }
        transcript.join("\n\n")
    }

    /// The records of a report in JSON, whatever the exit code.
    pub(crate) fn records(&self, line: &str) -> Vec<Value> {
        let run = self.run(&format!("{line} --format json"));
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What `trace check` blocks: numbers of events, from 1, with the rule.
    pub(crate) fn blocked(&self, events: &[String]) -> Vec<(u64, String)> {
        self.write("events.jsonl", events.join("\n"));
        let records = self.records("trace check events.jsonl");
        let blocks = records.iter().filter(|record| record["blocks"] == true);
        blocks.map(|verdict| (verdict["event"].as_u64().unwrap(), text(&verdict["rule"]))).collect()
    }

    pub(crate) fn masked(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).replace(self.top.to_str().unwrap(), "<home>");
        let version = |blank| format!("\"version\":{blank}\"{}\"", env!("CARGO_PKG_VERSION"));
        text.replace(&version(""), "\"version\":\"<version>\"").replace(&version(" "), "\"version\": \"<version>\"")
    }
}

/// A text of a report.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A shell command that an agent is about to run.
pub(crate) fn runs(command: &str) -> String {
    json!({ "event": "pre_tool_use", "tool": "Bash", "input": { "command": command } }).to_string()
}

/// A shell command that an agent has run.
pub(crate) fn ran(command: &str, exit_code: i32) -> String {
    json!({ "event": "post_tool_use", "tool": "Bash", "input": { "command": command }, "exit_code": exit_code })
        .to_string()
}

/// A file that an agent is about to write.
pub(crate) fn writes(path: &str, content: &str) -> String {
    json!({ "event": "pre_tool_use", "tool": "Write", "input": { "file_path": path, "content": content } }).to_string()
}

/// A file that an agent has edited.
pub(crate) fn edited(path: &str) -> String {
    let input = json!({ "file_path": path, "old_string": "let a = 1;", "new_string": "let a = 2;" });
    json!({ "event": "post_tool_use", "tool": "Edit", "input": input }).to_string()
}

/// The end of an agent's turn.
pub(crate) fn stops(reply: &str) -> String {
    json!({ "event": "stop", "reply": reply }).to_string()
}

/// A file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path)
}
