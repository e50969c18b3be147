//! A server in a process of its own, and a client that keeps its connection.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; it is killed, without a warning, when the value goes.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts a server on a folder, on a port that is free; it is configured by `.trace/config.toml` of that folder, if by
    /// anything.
    pub(crate) fn start(program: &Path, data: &Path, more: &[&str]) -> Server {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--format", "json", "--data"]).arg(data).args(more);
        command
            .current_dir(data)
            .env("TRACE_EMBEDDING", "off")
            .env_remove("TRACE_LOG")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no first line, but `{line}`"));
        Server { child, address: started["url"].as_str().unwrap().to_owned() }
    }

    /// The most memory that the process ever had, and what it has now, in MiB.
    pub(crate) fn memory_mib(&self) -> Option<(u64, u64)> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let of = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
        };
        Some((of("VmHWM:")?, of("VmRSS:")?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Without a warning, as a crash would; an exit before that is reaped too.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    address: String,
    /// What the client shows of itself.
    pub(crate) key: Option<String>,
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) text: String,
}

impl Answer {
    /// The JSON of the answer; `null` where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

impl Client {
    pub(crate) fn of(server: &Server) -> Client {
        let settings = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = settings.timeout_global(Some(Duration::from_mins(1))).build().into();
        Client { agent, address: server.address.clone(), key: None }
    }

    /// Asks; nothing where the server is gone. A connection that the server closed meanwhile, as it does where it did not
    /// read a body, is not the end of the server.
    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&str>) -> Option<Answer> {
        self.once(method, path, body).or_else(|| self.once(method, path, body))
    }

    fn once(&self, method: &str, path: &str, body: Option<&str>) -> Option<Answer> {
        let request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        let mut request = request.header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body.to_owned()).unwrap()),
            None => self.agent.run(request.body(()).unwrap()),
        }
        .ok()?;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (kind, status) = (kind.to_owned(), response.status().as_u16());
        Some(Answer { status, kind, text: response.body_mut().read_to_string().ok()? })
    }

    /// Asks; gives back the status and the JSON of the answer. Nothing where the server is gone.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let body = body.map(Value::to_string);
        let answer = self.send(method, path, body.as_deref())?;
        Some((answer.status, answer.json()))
    }

    /// Adds a memory; its name once that is acknowledged.
    pub(crate) fn add(&self, text: &str, user: &str) -> Option<String> {
        let (status, answer) = self.ask("POST", "/v1/memories", Some(&json!({"text": text, "user_id": user})))?;
        assert!((200..300).contains(&status), "{status} {answer}");
        answer["id"].as_str().map(str::to_owned)
    }

    /// The texts that are found for a user.
    pub(crate) fn search(&self, query: &str, user: &str) -> Option<Vec<String>> {
        let body = json!({"query": query, "filter": {"user_id": user}, "limit": 10});
        let (status, answer) = self.ask("POST", "/v1/search", Some(&body))?;
        assert_eq!(status, 200, "{answer}");
        let texts = answer["results"].as_array().unwrap().iter().map(|hit| hit["text"].as_str().unwrap());
        Some(texts.map(str::to_owned).collect())
    }
}
