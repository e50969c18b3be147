//! A simple command after expansion: it is recorded, and followed into what it runs.

use super::expand::{FIELD_COST, Field};
use super::run::Shell;
use super::syntax::{Command, HOLE};
use super::wrappers::{self, Inside, Run};
use super::{MAX_COMMANDS, MAX_DEPTH, known};
use crate::facts::{self, paths};
use std::ops::Range;
use std::rc::Rc;

/// Programs that run the script that they are given, without the number of their version.
const INTERPRETERS: [&str; 21] = [
    "sh",
    "bash",
    "zsh",
    "dash",
    "ksh",
    "ash",
    "fish",
    "pwsh",
    "powershell",
    "source",
    "python",
    "node",
    "ruby",
    "perl",
    "php",
    "bun",
    "deno",
    "tsx",
    "ts-node",
    "lua",
    "Rscript",
];
/// Their options that take a value.
const INTERPRETER_OPTIONS: [&str; 15] = [
    "-o",
    "+o",
    "-O",
    "+O",
    "--rcfile",
    "--init-file",
    "-W",
    "-X",
    "-r",
    "--require",
    "--import",
    "--loader",
    "-I",
    "-ExecutionPolicy",
    "-M",
];
/// How the names of scripts end.
const SCRIPTS: [&str; 14] =
    ["sh", "bash", "zsh", "fish", "ps1", "py", "js", "mjs", "cjs", "ts", "rb", "pl", "php", "lua"];

/// How often a function may run inside itself.
const MAX_CALLS: usize = 8;

/// One simple command after expansion.
#[derive(Debug, Clone, Default)]
pub(super) struct Call {
    pub(super) words: Vec<Field>,
    pub(super) env: Vec<(String, String)>,
    pub(super) writes: Vec<String>,
    /// What it reads; `None` where nothing is piped or redirected into it.
    pub(super) input: Option<String>,
    pub(super) span: Range<usize>,
    /// Whether it is looked up as a program even if a function has its name.
    pub(super) external: bool,
}

impl Shell {
    /// Records a simple command and follows what it runs; its output.
    pub(super) fn call(&mut self, mut call: Call) -> String {
        if self.depth >= MAX_DEPTH || !self.spend(call.words.len() * FIELD_COST) {
            self.unknown("", "it is nested too deeply", call.span.clone());
            return HOLE.to_string();
        }
        let Some(first) = call.words.first_mut() else { return String::new() };
        if first.pattern {
            first.text = without_sets(&first.text);
        }
        let path = first.text.clone();
        let program = program_name(&path).to_owned();
        let pattern = first.pattern && program != "[" && program.contains(['*', '?', '[']);
        if pattern || program.contains(HOLE) {
            let words: Vec<&str> = call.words.iter().map(|word| word.text.as_str()).collect();
            self.unknown(&words.join(" "), "the program's name is computed", call.span.clone());
            return HOLE.to_string();
        }
        if program.is_empty() {
            return String::new();
        }
        self.depth += 1;
        let output = self.program_call(&program, &path, &call);
        self.depth -= 1;
        output
    }

    fn program_call(&mut self, program: &str, path: &str, call: &Call) -> String {
        if let Some((body, certain)) = self.state.functions.get(path).cloned().filter(|_| !call.external) {
            let output = self.function(path, &body, call);
            if certain {
                return output;
            }
        }
        self.record(program, call);
        self.record_script(program, call);
        let place = self.place(path);
        if let Some(target) = self.links.get(&place).cloned().filter(|target| target != program) {
            let mut linked = call.clone();
            if let Some(first) = linked.words.first_mut() {
                *first = Field::literal(target);
            }
            self.via.push(path.to_owned());
            let output = self.call(linked);
            self.via.pop();
            return output;
        }
        if let Some(script) = self.files.get(&place).cloned().filter(|_| path.contains('/')) {
            return self.script(&script, path, call);
        }
        if let Some(output) = self.builtin(program, call) {
            return output;
        }
        self.follow(program, call)
    }

    fn function(&mut self, name: &str, body: &Command, call: &Call) -> String {
        if self.active.iter().filter(|active| *active == name).count() >= MAX_CALLS {
            self.unknown(name, "a function calls itself", call.span.clone());
            return HOLE.to_string();
        }
        let args = Rc::new(call.words.iter().map(|word| word.text.clone()).collect());
        let outside = std::mem::replace(&mut self.state.args, args);
        self.active.push(name.to_owned());
        let output = self.command(body, call.input.as_ref());
        self.active.pop();
        self.state.args = outside;
        output
    }

    fn record(&mut self, program: &str, call: &Call) {
        if self.facts.commands.len() >= MAX_COMMANDS {
            return;
        }
        let command = facts::Command {
            program: program.to_owned(),
            args: call.words.iter().skip(1).map(|word| known(&word.text)).collect(),
            env: call.env.iter().map(|(name, value)| (name.clone(), known(value).text)).collect(),
            cwd: self.state.cwd.clone().filter(|cwd| !cwd.is_empty()),
            writes: call.writes.iter().map(|path| known(path)).collect(),
            into: Vec::new(),
            via: self.via.clone(),
            span: call.span.clone(),
        };
        self.facts.commands.push(command);
    }

    /// Records the script that is run by an interpreter as the program that it is: `bash scripts/gen.sh` runs `gen.sh`, and so
    /// does `uv run scripts/gen.py`.
    fn record_script(&mut self, program: &str, call: &Call) {
        let args: Vec<&str> = call.words.iter().map(|word| word.text.as_str()).collect();
        let skip = runner_width(program, &args);
        let Some(first) = args.get(skip).map(|first| program_name(first)) else { return };
        let name = first.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        let at = if INTERPRETERS.contains(&name) || first == "." {
            let behind = args.get(skip + 1..).unwrap_or_default();
            let start = wrappers::operands_at(behind, &INTERPRETER_OPTIONS);
            let code = |option: &&str| gives_code(option);
            if behind.iter().take(start).any(code) {
                return;
            }
            skip + 1 + start
        } else if skip > 0 {
            skip
        } else {
            return;
        };
        let Some(path) = args.get(at) else { return };
        let ending = paths::base_name(path).rsplit_once('.').map(|(_, ending)| ending);
        if path.contains(HOLE) || !(path.contains('/') || ending.is_some_and(|ending| SCRIPTS.contains(&ending))) {
            return;
        }
        let words = call.words.get(at..).unwrap_or_default().to_vec();
        self.via.push(program.to_owned());
        self.record(program_name(path), &Call { words, ..call.clone() });
        self.via.pop();
    }

    /// Follows a program into what it runs and does.
    fn follow(&mut self, program: &str, call: &Call) -> String {
        if let Some(output) = self.shell_program(program, call) {
            return output;
        }
        if let Some(output) = self.code_program(program, call) {
            return output;
        }
        self.effects(program, call);
        let inside = wrappers::inside(program, call);
        if !inside.is_empty() {
            return self.inside(inside, call);
        }
        self.output(program, call)
    }

    fn inside(&mut self, inside: Vec<Inside>, call: &Call) -> String {
        let mut outputs = Vec::new();
        for part in inside {
            if !self.spend(1) {
                break;
            }
            let output = match part.run {
                Run::Words(words) => {
                    self.via.push(part.via);
                    let env = call.env.iter().cloned().chain(part.env).collect();
                    let inner = Call { words, env, external: true, ..call.clone() };
                    let output = self.away(part.remote, part.cwd, |shell| shell.call(inner));
                    self.via.pop();
                    output
                }
                Run::Text(text) => self.away(part.remote, part.cwd, |shell| {
                    shell.nested(&text, &part.via, call.input.as_ref(), &call.span)
                }),
            };
            outputs.push(output);
        }
        outputs.concat()
    }

    fn away<T>(&mut self, remote: bool, cwd: Option<String>, run: impl FnOnce(&mut Self) -> T) -> T {
        if remote {
            return self.elsewhere(run);
        }
        match cwd {
            Some(cwd) => self.subshell(|shell| {
                shell.change_directory(&cwd);
                run(shell)
            }),
            None => run(self),
        }
    }
}

/// A program's name without its folder and the endings of Windows.
fn program_name(path: &str) -> &str {
    let name = paths::base_name(path);
    name.strip_suffix(".exe").or_else(|| name.strip_suffix(".cmd")).unwrap_or(name)
}

/// How many words in front of a command only say in which environment it runs: `uv run`, `npx`, `bundle exec`.
fn runner_width(program: &str, args: &[&str]) -> usize {
    match (program, args.get(1).copied()) {
        ("uv" | "poetry" | "pdm" | "hatch" | "pipenv" | "rye" | "pixi", Some("run"))
        | ("npm" | "pnpm" | "yarn" | "bundle", Some("exec" | "dlx")) => 2,
        ("npx" | "bunx" | "pnpx", Some(_)) => 1,
        _ => 0,
    }
}

/// Whether an option says that no script is run: code follows, or a module, or it is only checked.
fn gives_code(option: &str) -> bool {
    let letters = option.strip_prefix('-').filter(|letters| letters.len() < 5);
    let cluster = letters.is_some_and(|letters| letters.chars().all(|c| c.is_ascii_lowercase()));
    cluster && option.ends_with(['c', 'e'])
        || matches!(option, "-E" | "-m" | "-n" | "-p" | "--eval" | "--print" | "--check")
        || option.eq_ignore_ascii_case("-command")
}

/// A pattern with each set of one character, such as `[o]`, replaced by that character.
fn without_sets(pattern: &str) -> String {
    let mut result = String::new();
    let mut characters = pattern.chars().peekable();
    while let Some(next) = characters.next() {
        let mut ahead = characters.clone();
        match (next, ahead.next(), ahead.next()) {
            ('[', Some(one), Some(']')) if one != '!' && one != '^' => {
                result.push(one);
                characters = ahead;
            }
            _ => result.push(next),
        }
    }
    result
}
