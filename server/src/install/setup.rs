//! Where each host's hooks are registered, and how: data, and what becomes of a settings file's text by it.

use super::text;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Whose settings are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The user's: every project.
    User,
    /// One project's, which it may share.
    Project,
}

/// One host's settings, and what belongs into them.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The host.
    pub(super) host: &'static str,
    pub(super) path: PathBuf,
    /// Where the file as it was is kept.
    pub(super) kept: PathBuf,
    form: Form,
    /// The shell's word for our program.
    program: String,
}

/// How hooks are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Lists of groups of hooks; limits in this many a second.
    Groups { per_second: u32, matcher: bool, events: &'static [&'static str] },
    /// Lists of hooks with `command`.
    Commands { events: &'static [&'static str] },
    /// Lists of hooks with `bash`, which are told their event.
    Bash { events: &'static [&'static str] },
    /// A file of code.
    Plugin,
}

/// How long a host waits for one of our hooks, in seconds: far longer than it takes.
const PATIENCE_SECONDS: u32 = 10;

const CLAUDE_CODE: Form = Form::Groups {
    per_second: 1,
    matcher: false,
    events: &[
        "SessionStart",
        "UserPromptSubmit",
        "PreToolUse",
        "PostToolUse",
        "PostToolUseFailure",
        "Stop",
        "SubagentStart",
        "SubagentStop",
        "PreCompact",
    ],
};
const CODEX: Form = Form::Groups {
    per_second: 1,
    matcher: false,
    events: &["SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop", "SubagentStop", "PreCompact"],
};
const GEMINI: Form = Form::Groups {
    per_second: 1000,
    matcher: true,
    events: &["SessionStart", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent"],
};
const CURSOR: Form = Form::Commands {
    events: &[
        "sessionStart",
        "beforeSubmitPrompt",
        "preToolUse",
        "postToolUse",
        "postToolUseFailure",
        "stop",
        "subagentStop",
        "preCompact",
    ],
};
const COPILOT: Form = Form::Bash {
    events: &[
        "sessionStart",
        "userPromptSubmitted",
        "preToolUse",
        "postToolUse",
        "postToolUseFailure",
        "agentStop",
        "subagentStop",
        "preCompact",
    ],
};

/// The plugin for OpenCode; `PROGRAM` stands for our program.
const PLUGIN: &str = include_str!("opencode.js");

impl Setup {
    /// The settings of a host: in a project's root or, for the user, at home. `set` asks for an environment variable;
    /// `kept` is the folder where files are kept as they were; `program` is what our program is called by.
    pub fn of(
        host: &str,
        scope: Scope,
        base: &Path,
        kept: &Path,
        program: &str,
        set: &dyn Fn(&str) -> Option<PathBuf>,
    ) -> Option<Self> {
        // Name, form, file in a project, variable that names the folder at home, that folder, file in it.
        let (host, form, project, variable, folder, file) = match host {
            "claude-code" => {
                let project = ".claude/settings.json";
                ("claude-code", CLAUDE_CODE, project, "CLAUDE_CONFIG_DIR", ".claude", "settings.json")
            }
            "codex" => ("codex", CODEX, ".codex/hooks.json", "CODEX_HOME", ".codex", "hooks.json"),
            "copilot" => {
                ("copilot", COPILOT, ".github/hooks/trace.json", "COPILOT_HOME", ".copilot", "hooks/trace.json")
            }
            "cursor" => ("cursor", CURSOR, ".cursor/hooks.json", "", ".cursor", "hooks.json"),
            "gemini" => ("gemini", GEMINI, ".gemini/settings.json", "GEMINI_CLI_HOME", "", ".gemini/settings.json"),
            "opencode" => {
                let project = ".opencode/plugins/trace.js";
                let (variable, file) = if set("OPENCODE_CONFIG_DIR").is_some() {
                    ("OPENCODE_CONFIG_DIR", "plugins/trace.js")
                } else {
                    ("XDG_CONFIG_HOME", "opencode/plugins/trace.js")
                };
                ("opencode", Form::Plugin, project, variable, ".config", file)
            }
            _ => return None,
        };
        let path = match scope {
            Scope::Project => base.join(project),
            Scope::User => set(variable).unwrap_or_else(|| base.join(folder)).join(file),
        };
        Some(Self { host, path, kept: kept.to_owned(), form, program: quoted(program) })
    }

    /// The host's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The command lines of ours that the host runs at an event, as a text of its settings has them.
    pub fn commands(&self, text: &str, event: &str) -> Vec<String> {
        let of = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let listed = text::elements(text, &["hooks", event]);
        let all: Vec<String> = match self.form {
            Form::Groups { .. } => {
                let hooks = listed.iter().filter_map(|group| group.get("hooks")?.as_array());
                hooks.flatten().filter_map(|hook| of(hook, "command")).collect()
            }
            Form::Commands { .. } => listed.iter().filter_map(|hook| of(hook, "command")).collect(),
            Form::Bash { .. } => listed.iter().filter_map(|hook| of(hook, "bash")).collect(),
            Form::Plugin => {
                // What stands between the two was put in place of `PROGRAM`, as a text of JavaScript's.
                let program = PLUGIN.split_once("PROGRAM").and_then(|(head, tail)| {
                    let open = head.rsplit('\n').next()?;
                    let close = tail.split('\n').next()?;
                    text.split_once(open)?.1.split_once(close).map(|(program, _)| program)
                });
                let program = program.and_then(|program| serde_json::from_str::<String>(program).ok());
                program.map(|program| format!("{program} hook {} {event}", self.host)).into_iter().collect()
            }
        };
        all.into_iter().filter(|command| command.contains(&format!(" hook {}", self.host))).collect()
    }

    /// Whether a text of the host's settings has it run no hooks at all.
    pub fn is_switched_off(&self, text: &str) -> bool {
        self.host == "claude-code" && text::member(text, &["disableAllHooks"]) == Some(Value::Bool(true))
    }

    /// Whether the whole file is ours.
    pub(super) fn is_whole_file(&self) -> bool {
        matches!(self.form, Form::Plugin | Form::Bash { .. })
    }

    /// Whether a text has our hooks.
    pub fn is_in(&self, text: &str) -> bool {
        self.is_ours(text)
    }

    fn is_ours(&self, text: &str) -> bool {
        text.contains("trace") && text.contains(&format!(" hook {}", self.host))
    }

    /// Whether a text has all our hooks as they would be added.
    pub(super) fn is_complete_in(&self, text: &str) -> bool {
        match self.form {
            Form::Plugin | Form::Bash { .. } => self.with("").is_some_and(|own| own == text),
            Form::Groups { events, .. } | Form::Commands { events } => {
                events.iter().all(|event| text::has_element(text, &["hooks", event], &self.element(event)))
            }
        }
    }

    /// A text with our hooks, or a new one.
    pub(super) fn with(&self, text: &str) -> Option<String> {
        let blank = text.trim().is_empty();
        let (events, versioned) = match self.form {
            Form::Plugin => return Some(PLUGIN.replace("PROGRAM", &Value::from(self.program.as_str()).to_string())),
            Form::Groups { events, .. } => (events, false),
            Form::Commands { events } | Form::Bash { events } => (events, true),
        };
        let mut text = if blank { "{}\n".to_owned() } else { text.to_owned() };
        if versioned {
            text = text::with_member(&text, "version", &json!(1))?;
        }
        for event in events {
            text = text::with_element(&text, &["hooks", event], &self.element(event))?;
        }
        Some(text)
    }

    /// A text without our hooks; nothing where it cannot be told what is ours.
    pub(super) fn without(&self, text: &str) -> Option<String> {
        match self.form {
            // A file of another's under our name is not ours to replace.
            Form::Plugin => (text.trim().is_empty() || self.is_ours(text)).then(String::new),
            Form::Bash { .. } if self.is_ours(text) => Some(String::new()),
            _ if text.trim().is_empty() => Some(text.to_owned()),
            // A group that somebody has put other hooks into is theirs.
            _ => text::without_elements(text, "hooks", &|element| {
                self.is_ours(element) && element.matches("\"type\"").count() <= 1
            }),
        }
    }

    fn element(&self, event: &str) -> Value {
        let Self { host, program, .. } = self;
        let command = format!("{program} hook {host}");
        match self.form {
            Form::Groups { per_second, matcher, .. } => {
                let hook = json!({ "type": "command", "command": command, "timeout": PATIENCE_SECONDS * per_second });
                if matcher && event.ends_with("Tool") {
                    json!({ "matcher": "*", "hooks": [hook] })
                } else {
                    json!({ "hooks": [hook] })
                }
            }
            // Any status but 0 denies: where the program is missing, the agent goes on.
            Form::Bash { .. } => {
                let command = format!("if command -v {program} >/dev/null 2>&1; then {command} {event}; fi");
                json!({ "type": "command", "bash": command, "timeoutSec": PATIENCE_SECONDS })
            }
            Form::Commands { .. } | Form::Plugin => json!({ "command": command }),
        }
    }
}

/// A word of a shell's.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
