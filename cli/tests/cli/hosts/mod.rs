//! Real host programs, run headless against a loopback process that plays an agent which breaks rules.
//!
//! `TRACE_HOSTS=1 cargo test --workspace --test cli hosts:: -- --nocapture` installs them from npm below the target folder
//! (1.4 GB, once) and takes about a minute. `TRACE_HOSTS=codex,gemini` runs these; what is asked for and cannot be
//! installed is a failure. `TRACE_HOSTS=any` skips what cannot be installed, and without the variable nothing is run.
//! Each program has a home of its own, a key that opens nothing, and a proxy that leads back to the loopback process.
//! `TRACE_HOSTS_SHOW=1` prints every request of the agent, what was asked for beyond loopback, and what the program printed.

#![expect(clippy::panic, clippy::print_stdout, reason = "a test that can't go on has failed, and says what it skipped")]

mod model;
mod program;
mod protocol;

use crate::desk::{Desk, project};
use model::Model;
use program::{CLAUDE_CODE, CLAUDE_CODE_PLUGIN, CODEX, CODEX_PLUGIN, COPILOT, GEMINI, Hooks, OPENCODE, Program};
use protocol::Act;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What is seen of a host, in the order of the columns of its row in `docs/hosts.md`.
type Seen = [(&'static str, bool); 11];

/// How long a program may take for one prompt.
const PATIENCE: Duration = Duration::from_mins(2);
static ALONE: Mutex<()> = Mutex::new(());
const RULES: &str = "never use npm here, use pnpm\nnever edit files in generated/\n\
                     after editing a .rs file, run cargo test before you finish\nnever say \"obviously\"\n";
const TASK: &str = "add left-pad to the shop";
const CORRECTION: &str = "no, never use yarn here, use pnpm";

#[test]
fn claude_code() {
    holds(&CLAUDE_CODE);
}

#[test]
fn claude_code_with_our_plugin() {
    holds(&CLAUDE_CODE_PLUGIN);
}

#[test]
fn codex() {
    holds(&CODEX);
}

#[test]
fn codex_with_our_plugin() {
    holds(&CODEX_PLUGIN);
}

#[test]
fn gemini() {
    holds(&GEMINI);
}

#[test]
fn copilot() {
    holds(&COPILOT);
}

#[test]
fn opencode() {
    holds(&OPENCODE);
}

/// Runs a host's program, in which everything has to hold, as its row in the documents says.
fn holds(program: &Program) {
    let wanted = std::env::var("TRACE_HOSTS").unwrap_or_default();
    let named = wanted == "1" || wanted.split(',').any(|name| name == program.host);
    if !named && wanted != "any" {
        return println!("skipped: {} is not asked for (TRACE_HOSTS=1 runs the hosts' programs)", program.host);
    }
    // Two of these share one program, which only one can install; and six at once are more than a small machine takes in time.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let binary = match program.installed() {
        Ok(binary) => binary,
        Err(why) if named => panic!("{} cannot be installed: {why}", program.host),
        Err(why) => return println!("skipped: {} cannot be installed: {why}", program.host),
    };
    let seen = watched(program, &binary);
    let cells: Vec<&str> = seen.iter().map(|(_, held)| if *held { "yes" } else { "**no**" }).collect();
    let how = if program.hooks == Hooks::Installed { "" } else { ", by our plugin" };
    let row = format!("| {} {}{how} | {} |", program.host, program.version, cells.join(" | "));
    println!("{row}");
    let missing: Vec<&str> = seen.iter().filter(|(_, held)| !held).map(|(what, _)| *what).collect();
    assert_eq!(missing, Vec::<&str>::new(), "{}", program.host);
    let page = std::fs::read_to_string(project("docs/hosts.md")).unwrap();
    assert!(page.contains(&row), "docs/hosts.md should hold the row\n{row}");
}

fn watched(program: &Program, binary: &Path) -> Seen {
    let desk = Desk::new().with("src/main.rs", "fn main() {}\n").said(RULES).in_git();
    for name in ["npm", "pnpm", "yarn", "cargo"] {
        // They only say that they ran.
        desk.write(&format!("../bin/{name}"), format!("#!/bin/sh\necho \"$*\" >> '{}'\n", desk.path(name).display()));
    }
    desk.sure("chmod +x ../bin/*");
    // Some hosts run commands in a login shell, which sets the path anew.
    desk.write("../home/.bash_profile", format!("PATH='{}':\"$PATH\"\n", desk.path("../bin").display()));
    let script = [
        (program.run)("npm install ./left-pad"),
        (program.run)("npm install left-pad"),
        (program.run)("pnpm install right-pad"),
        (program.write)(&desk.path("generated/api.rs"), "fn api() {}\n"),
        (program.write)(&desk.path("src/lib.rs"), "pub fn f() {}\n"),
        Act::Say("Obviously done."),
        (program.run)("cargo test"),
        Act::Say("Done, and tested."),
        Act::Say("Understood."),
    ];
    let stage = Stage { desk, program, binary, model: Model::new(program.shell, script), serve: free_port() };
    let text = |text: &str| text.replace("PORT", &stage.model.port.to_string());
    for (path, content) in program.settings {
        stage.desk.write(&format!("../home/{path}"), text(content));
    }
    match program.hooks {
        Hooks::Installed => drop(stage.desk.sure(&format!("trace install {}", program.host))),
        Hooks::Plugin(lines) => stage.plugged(lines),
    }
    let service = program.service.map(|arguments| stage.served(arguments));
    let first = stage.said(program.begin, TASK, 8);
    let after_task = stage.model.requests();
    let second = stage.said(program.resume, CORRECTION, 9);
    drop(service);
    let requests = stage.model.requests();
    if std::env::var_os("TRACE_HOSTS_SHOW").is_some() {
        for (number, request) in requests.iter().enumerate() {
            println!("== request {number}\n{request}");
        }
        println!("== strays {:#?}\n== first\n{first}\n== second\n{second}", stage.model.strays());
        println!("== log\n{}", stage.desk.run("trace log").stdout);
    }
    if program.hooks != Hooks::Installed {
        // The plugin's server was started: its tools are offered, or its name, by which Codex has the agent look for them.
        assert!(
            requests
                .iter()
                .any(|request| request.contains("trace__compile_correction") || request.contains("mcp__trace: Memory")),
            "{first}"
        );
    }
    stage.seen(&requests, after_task.len())
}

/// A host's program at a desk.
struct Stage<'a> {
    desk: Desk,
    program: &'a Program,
    binary: &'a Path,
    model: Model,
    /// A port for the host's own service.
    serve: u16,
}

/// A process that ends with its owner.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Stage<'_> {
    /// The host's program with arguments, and nothing around it that leads away from here.
    fn command(&self, arguments: &str, prompt: &str, output: &str) -> Command {
        let ports = |text: &str| {
            text.replace("PORT", &self.model.port.to_string())
                .replace("SERVE", &self.serve.to_string())
                .replace("PLUGIN", &format!("'{}'", project("plugin").display()))
        };
        let line = format!("PATH=\"$PWD/../bin:$PATH\" exec '{}' {}", self.binary.display(), ports(arguments));
        let mut command = self.desk.shell(&line);
        let output = File::create(self.desk.path(output)).unwrap();
        command.env("PROMPT", prompt).stdout(output.try_clone().unwrap()).stderr(output);
        // No process of this run is to be late, however slow the machine.
        command.env("TRACE_HOOK_LIMIT_MS", "60000");
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"] {
            command.env(name, ports("http://127.0.0.1:PORT"));
        }
        command.env("NO_PROXY", "127.0.0.1,localhost").env("no_proxy", "127.0.0.1,localhost");
        command.envs(self.program.environment.iter().map(|(name, value)| (name, ports(value))));
        command
    }

    /// Has the host install our plugin, which `trace doctor` finds.
    fn plugged(&self, lines: &[&str]) {
        for line in lines {
            let ended = self.command(line, "", "../printed.txt").status().unwrap();
            assert!(ended.success(), "{line}: {}", self.desk.read("../printed.txt"));
        }
        let found = self.desk.run("TRACE_HOOK_LIMIT_MS=60000 trace doctor --quick").stdout;
        for says in ["a forbidden call was refused by the hook in", "knows of `trace mcp`, by"] {
            assert!(found.lines().any(|line| line.contains(says) && line.contains("/plugins/")), "{found}");
        }
    }

    fn served(&self, arguments: &str) -> Service {
        let service = Service(self.command(arguments, "", "../served.txt").spawn().unwrap());
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.serve)).is_err() {
            assert!(
                start.elapsed() < PATIENCE,
                "{} does not listen: {}",
                self.program.host,
                self.desk.read("../served.txt")
            );
            thread::sleep(Duration::from_millis(50));
        }
        service
    }

    /// Says something to the agent, and waits until the program has ended and so many turns of the script were taken; a
    /// service may go on after the program that asked it. What the program printed.
    fn said(&self, arguments: &str, prompt: &str, turns: usize) -> String {
        let mut child = Service(self.command(arguments, prompt, "../printed.txt").spawn().unwrap());
        let start = Instant::now();
        while child.0.try_wait().unwrap().is_none() && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(50));
        }
        let patience = if self.program.service.is_some() { Duration::from_secs(15) } else { Duration::ZERO };
        let end = Instant::now();
        while self.model.requests().len() < turns && end.elapsed() < patience {
            thread::sleep(Duration::from_millis(50));
        }
        self.desk.read("../printed.txt")
    }

    /// What can be seen of the agent's requests and of what was left behind. `turns` were taken by the first prompt.
    fn seen(&self, requests: &[String], turns: usize) -> Seen {
        let ran = |path: &str| self.desk.path(path).exists();
        // A text that is new in the request after a move of the script, numbered from 0.
        let told = |number: usize, text: &str| {
            let count = |number: usize| requests.get(number).map_or(0, |request| request.matches(text).count());
            count(number + 1) > count(number)
        };
        let rule = self.desk.path(".trace/rules/yarn-instead-of-pnpm.toml");
        let rule = std::fs::read_to_string(rule).unwrap_or_default();
        let corrections = self.desk.read(".trace/corrections.jsonl");
        let refused = "This action is not allowed here";
        let learned = rule.contains("state = \"shadow\"")
            && corrections.lines().last().is_some_and(|line| line.contains("cargo test"));
        let pnpm = std::fs::read_to_string(self.desk.path("pnpm")).unwrap_or_default();
        // A host that told of the call as it was asked for would have it noted as a violation.
        let log = self.desk.sure("trace log");
        let is_changed = pnpm.starts_with("install left-pad\n")
            && !log.contains("noted npm")
            && !log.contains("as it was asked for");
        [
            ("npm is refused, and does not run", !ran("npm")),
            ("the agent is told why", told(0, refused) && told(0, "npm-instead-of-pnpm")),
            ("one that means the same is run instead, and the agent told", is_changed && told(1, "was run as")),
            ("the corrected command runs", pnpm.contains("install right-pad")),
            ("a forbidden edit is refused, and the agent told", !ran("generated/api.rs") && told(3, refused)),
            ("another edit goes through", ran("src/lib.rs")),
            ("an end without tests is held, and the agent told", told(5, "run `cargo test` after editing")),
            ("so is an answer in words that must not be used", told(5, "obviously")),
            ("tests end the turn", ran("cargo") && turns == 8),
            ("a correction becomes a rule in shadow, with the call before it", learned),
            ("the agent is told what was understood", told(7, "was taken down as a rule") && self.model.is_over()),
        ]
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
