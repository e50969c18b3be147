//! The hosts' programs: what is installed, and how each is run headless against a model on loopback. Data.
//!
//! `PORT` stands for the model's port, `SERVE` for a port of the host's own, `PLUGIN` for our plugin's folder, `$PROMPT` for
//! what the user says.

use super::protocol::Act;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How our hooks come to a program.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Hooks {
    /// By `trace install`.
    Installed,
    /// As a plugin, which these command lines of the host install.
    Plugin(&'static [&'static str]),
}

/// One host's program.
pub(crate) struct Program {
    pub(crate) host: &'static str,
    /// How our hooks come to it.
    pub(crate) hooks: Hooks,
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    /// What npm makes of it, in `node_modules/.bin`.
    command: &'static str,
    /// Files that it needs, from the user's home, with their text.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// A process that has to stand first, where there is one.
    pub(crate) service: Option<&'static str>,
    /// Arguments for what is said first.
    pub(crate) begin: &'static str,
    /// Arguments for what is said next, in the same session.
    pub(crate) resume: &'static str,
    pub(crate) shell: &'static str,
    pub(crate) run: fn(&str) -> Act,
    pub(crate) write: fn(&Path, &'static str) -> Act,
}

pub(crate) const CLAUDE_CODE: Program = Program {
    host: "claude-code",
    hooks: Hooks::Installed,
    package: "@anthropic-ai/claude-code",
    version: "2.1.330",
    command: "claude",
    settings: &[],
    environment: &[
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:PORT"),
        ("ANTHROPIC_API_KEY", "none"),
        ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ("DISABLE_AUTOUPDATER", "1"),
    ],
    service: None,
    begin: "-p \"$PROMPT\" --allowedTools Bash Write Edit --model claude-sonnet-4-5",
    resume: "-c -p \"$PROMPT\" --allowedTools Bash Write Edit --model claude-sonnet-4-5",
    shell: "Bash",
    run: |command| Act::Call { name: "Bash", arguments: json!({ "command": command, "description": "d" }) },
    write: |path, text| Act::Call { name: "Write", arguments: json!({ "file_path": path, "content": text }) },
};

pub(crate) const CLAUDE_CODE_PLUGIN: Program =
    Program { hooks: Hooks::Plugin(&["plugin marketplace add PLUGIN", "plugin install trace@trace"]), ..CLAUDE_CODE };

pub(crate) const CODEX: Program = Program {
    host: "codex",
    hooks: Hooks::Installed,
    package: "@openai/codex",
    version: "0.169.0",
    command: "codex",
    settings: &[(
        ".codex/config.toml",
        "model = \"gpt-5.5\"\nmodel_provider = \"loop\"\ncheck_for_update_on_startup = false\n\
         [analytics]\nenabled = false\n\
         [model_providers.loop]\nname = \"loop\"\nbase_url = \"http://127.0.0.1:PORT/v1\"\nwire_api = \"responses\"\n\
         env_key = \"LOOP_KEY\"\nrequires_openai_auth = false\n",
    )],
    environment: &[("LOOP_KEY", "none")],
    service: None,
    begin: "exec --dangerously-bypass-hook-trust --dangerously-bypass-approvals-and-sandbox \"$PROMPT\"",
    resume: "exec resume --last --dangerously-bypass-hook-trust --dangerously-bypass-approvals-and-sandbox \"$PROMPT\"",
    shell: "exec_command",
    run: |command| Act::Call { name: "exec_command", arguments: json!({ "cmd": command }) },
    write: |path, text| {
        let lines = text.trim_end().replace('\n', "\n+");
        let patch = format!("*** Begin Patch\n*** Add File: {}\n+{lines}\n*** End Patch\n", path.display());
        Act::Call { name: "apply_patch", arguments: json!({ "input": patch }) }
    },
};

pub(crate) const CODEX_PLUGIN: Program =
    Program { hooks: Hooks::Plugin(&["plugin marketplace add PLUGIN", "plugin add trace@trace"]), ..CODEX };

pub(crate) const GEMINI: Program = Program {
    host: "gemini",
    hooks: Hooks::Installed,
    package: "@google/gemini-cli",
    version: "0.61.0",
    command: "gemini",
    settings: &[(
        ".gemini/settings.json",
        "{\"security\":{\"auth\":{\"selectedType\":\"gemini-api-key\"}},\"privacy\":{\"usageStatisticsEnabled\":false},\
         \"general\":{\"enableAutoUpdate\":false,\"enableAutoUpdateNotification\":false}}",
    )],
    environment: &[("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:PORT"), ("GEMINI_API_KEY", "none")],
    service: None,
    begin: "--skip-trust --yolo -m gemini-2.5-pro -p \"$PROMPT\"",
    resume: "--skip-trust --yolo -m gemini-2.5-pro --resume latest -p \"$PROMPT\"",
    shell: "run_shell_command",
    run: |command| Act::Call { name: "run_shell_command", arguments: json!({ "command": command }) },
    write: |path, text| Act::Call { name: "write_file", arguments: json!({ "file_path": path, "content": text }) },
};

pub(crate) const COPILOT: Program = Program {
    host: "copilot",
    hooks: Hooks::Installed,
    package: "@github/copilot",
    version: "1.0.102",
    command: "copilot",
    settings: &[],
    environment: &[
        ("COPILOT_PROVIDER_BASE_URL", "http://127.0.0.1:PORT/v1"),
        ("COPILOT_PROVIDER_API_KEY", "none"),
        ("COPILOT_MODEL", "loop"),
        ("COPILOT_OFFLINE", "true"),
        ("COPILOT_AUTO_UPDATE", "false"),
    ],
    service: None,
    begin: "--allow-all --no-color -p \"$PROMPT\"",
    resume: "--continue --allow-all --no-color -p \"$PROMPT\"",
    shell: "bash",
    run: |command| Act::Call { name: "bash", arguments: json!({ "command": command, "description": "d" }) },
    write: |path, text| Act::Call { name: "create", arguments: json!({ "path": path, "file_text": text }) },
};

pub(crate) const OPENCODE: Program = Program {
    host: "opencode",
    hooks: Hooks::Installed,
    package: "opencode-ai",
    version: "1.18.33",
    command: "opencode",
    settings: &[(
        "../config/opencode/opencode.json",
        "{\"model\":\"loop/m\",\"small_model\":\"loop/m\",\"autoupdate\":false,\"share\":\"disabled\",\"provider\":{\"loop\":{\
         \"npm\":\"@ai-sdk/openai-compatible\",\"name\":\"loop\",\"options\":{\"baseURL\":\"http://127.0.0.1:PORT/v1\",\
         \"apiKey\":\"none\"},\"models\":{\"m\":{\"name\":\"m\"}}}}}",
    )],
    environment: &[("OPENCODE_DISABLE_MODELS_FETCH", "1"), ("OPENCODE_DISABLE_AUTOUPDATE", "1")],
    service: Some("serve --port SERVE"),
    begin: "run --attach http://127.0.0.1:SERVE --dir \"$PWD\" \"$PROMPT\"",
    resume: "run --attach http://127.0.0.1:SERVE --dir \"$PWD\" --continue \"$PROMPT\"",
    shell: "bash",
    run: |command| Act::Call { name: "bash", arguments: json!({ "command": command, "description": "d" }) },
    write: |path, text| Act::Call { name: "write", arguments: json!({ "filePath": path, "content": text }) },
};

impl Program {
    /// The program's file, installed below the target folder if it is not there yet.
    pub(crate) fn installed(&self) -> Result<PathBuf, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("hosts").join(self.host);
        let about = folder.join("node_modules").join(self.package).join("package.json");
        let is_there = |text: String| text.contains(&format!("\"version\": \"{}\"", self.version));
        if !std::fs::read_to_string(&about).is_ok_and(is_there) {
            std::fs::create_dir_all(&folder).unwrap();
            let npm = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2", "--prefix"])
                .arg(&folder)
                .arg(format!("{}@{}", self.package, self.version))
                .current_dir(&folder)
                .output()
                .map_err(|error| format!("npm: {error}"))?;
            if !npm.status.success() {
                return Err(format!("npm: {}", String::from_utf8_lossy(&npm.stderr)));
            }
        }
        Ok(folder.join("node_modules/.bin").join(self.command))
    }
}
