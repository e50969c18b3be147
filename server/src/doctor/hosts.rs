//! The programs that run agents: which are set up here, whether their hooks reach us, and whether they know of `trace mcp`.

use super::{Finding, Part, Surroundings, reach};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// A program that runs agents.
struct Host {
    name: &'static str,
    /// Its name in rules and on the command line.
    id: &'static str,
    /// Its folder, which tells that it is used here.
    folder: Place,
    /// The files that may name MCP servers.
    files: &'static [Place],
    /// Where in those files the servers stand.
    servers: &'static str,
    /// How `trace mcp` is made known.
    help: &'static str,
}

/// Where a file lies.
#[derive(Clone, Copy)]
enum Place {
    Home(&'static str),
    Config(&'static str),
    Workspace(&'static str),
}
use Place::{Config, Home, Workspace};

const HOSTS: [Host; 6] = [
    Host {
        name: "Claude Code",
        id: "claude-code",
        folder: Home(".claude"),
        files: &[Home(".claude.json"), Workspace(".mcp.json")],
        servers: "mcpServers",
        help: "`claude mcp add trace -- trace mcp`",
    },
    Host {
        name: "Codex",
        id: "codex",
        folder: Home(".codex"),
        files: &[Home(".codex/config.toml"), Workspace(".codex/config.toml")],
        servers: "mcp_servers",
        help: "`codex mcp add trace -- trace mcp`",
    },
    Host {
        name: "Copilot CLI",
        id: "copilot",
        folder: Home(".copilot"),
        files: &[Home(".copilot/mcp-config.json")],
        servers: "mcpServers",
        help: "add a server with the command `trace mcp` to `~/.copilot/mcp-config.json`",
    },
    Host {
        name: "Cursor",
        id: "cursor",
        folder: Home(".cursor"),
        files: &[Home(".cursor/mcp.json"), Workspace(".cursor/mcp.json")],
        servers: "mcpServers",
        help: "add a server with the command `trace mcp` to `~/.cursor/mcp.json`",
    },
    Host {
        name: "Gemini CLI",
        id: "gemini",
        folder: Home(".gemini"),
        files: &[Home(".gemini/settings.json"), Workspace(".gemini/settings.json")],
        servers: "mcpServers",
        help: "`gemini mcp add trace trace mcp`",
    },
    Host {
        name: "OpenCode",
        id: "opencode",
        folder: Config("opencode"),
        files: &[Config("opencode/opencode.json"), Workspace("opencode.json")],
        servers: "mcp",
        help: "add a server with the command `trace mcp` under `mcp` in `opencode.json`",
    },
];

/// Tells of each program that is set up here.
pub(super) fn examine(surroundings: &Surroundings<'_>, tell: &mut dyn FnMut(Finding)) {
    for host in HOSTS {
        if path(host.folder, surroundings).is_some_and(|folder| folder.is_dir()) {
            reach::examine(host.id, host.name, surroundings, tell);
            tell(found(&host, surroundings));
        }
    }
}

fn found(host: &Host, surroundings: &Surroundings<'_>) -> Finding {
    let name = host.name;
    let plugins = surroundings.plugins(host.id).into_iter().filter(|plugin| plugin.is_on);
    let plugins = plugins.map(|plugin| (plugin.servers, "mcpServers"));
    let files = host.files.iter().filter_map(|file| Some((path(*file, surroundings)?, host.servers)));
    for (file, servers) in files.chain(plugins) {
        match read(&file) {
            Ok(Some(settings)) if knows(&settings, servers) => {
                return Finding::well(Part::Host, format!("{name} knows of `trace mcp`, by `{}`", file.display()));
            }
            Ok(_) => {}
            Err(cause) => {
                let what = format!("{name}: `{}` can't be read: {cause}", file.display());
                return Finding::look(Part::Host, what, "correct the file; the program can't read it either");
            }
        }
    }
    Finding::look(Part::Host, format!("{name} is set up here and does not know of `trace mcp`"), host.help)
}

fn path(place: Place, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
    match place {
        Home(path) => surroundings.home.as_ref().map(|home| home.join(path)),
        Config(path) => surroundings.settings.as_ref().map(|settings| settings.join(path)),
        Workspace(path) => Some(surroundings.engine.root().join(path)),
    }
}

/// The settings in a file; nothing where there is none.
fn read(file: &Path) -> Result<Option<Value>, String> {
    let Ok(text) = fs::read_to_string(file) else { return Ok(None) };
    let is_toml = file.extension().is_some_and(|ending| ending == "toml");
    let read = if is_toml {
        toml::from_str(&text).map_err(|e| e.message().to_owned())
    } else {
        serde_json::from_str(&text).map_err(|e| e.to_string())
    };
    read.map(Some)
}

/// Tells whether one of the servers is ours: a program named `trace` that is called with `mcp`.
fn knows(settings: &Value, servers: &str) -> bool {
    let Some(servers) = settings.get(servers).and_then(Value::as_object) else { return false };
    servers.values().any(|server| {
        let of = |name: &str| match server.get(name) {
            Some(Value::String(word)) => vec![word.as_str()],
            Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let words = [of("command"), of("args")].concat();
        let is_trace = |word: &&str| Path::new(word).file_stem().is_some_and(|name| name == "trace");
        words.first().is_some_and(is_trace) && words.contains(&"mcp")
    })
}
