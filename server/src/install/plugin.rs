//! Our plugin as a host has installed it: whether it is switched on, and what it brings. Only read: a host's own commands
//! install plugins (`claude plugin install`, `codex plugin add`).

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Our plugin's name, in whatever marketplace.
const NAME: &str = "trace";

/// Our plugin as a host has installed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plugin {
    /// The host's name for it: ours, `@`, and the marketplace's.
    pub id: String,
    /// Whether the host runs it in this workspace.
    pub is_on: bool,
    /// The host's copy of its hooks, in the form of the host's own settings.
    pub hooks: PathBuf,
    /// The host's copy of the file that names its MCP servers.
    pub servers: PathBuf,
}

/// What a host has installed of ours, for the user or for the project at `root`. `home` is the user's folder; `set` asks
/// for an environment variable. Hosts of which it is not known where they keep plugins have none.
pub fn plugins(host: &str, home: &Path, root: &Path, set: &dyn Fn(&str) -> Option<PathBuf>) -> Vec<Plugin> {
    let folder = |variable: &str, usual: &str| set(variable).unwrap_or_else(|| home.join(usual));
    match host {
        "claude-code" => of_claude_code(&folder("CLAUDE_CONFIG_DIR", ".claude"), root),
        "codex" => of_codex(&folder("CODEX_HOME", ".codex")),
        _ => Vec::new(),
    }
}

/// A list names what is installed for whom; the settings, the nearest last, what is on.
fn of_claude_code(folder: &Path, root: &Path) -> Vec<Plugin> {
    let read = |path: PathBuf| serde_json::from_str::<Value>(&fs::read_to_string(path).ok()?).ok();
    let Some(list) = read(folder.join("plugins/installed_plugins.json")) else { return Vec::new() };
    let own = root.join(".claude");
    let settings = [folder.join("settings.json"), own.join("settings.json"), own.join("settings.local.json")];
    let settings: Vec<Value> = settings.into_iter().filter_map(read).collect();
    let of_project = |install: &Value| {
        let project = install.get("projectPath").and_then(Value::as_str).map(Path::new);
        project.is_none_or(|project| fs::canonicalize(project).is_ok_and(|project| root.starts_with(project)))
    };
    let one = |(id, installs): (&String, &Value)| {
        let install = installs.as_array()?.iter().rfind(|install| of_project(install))?;
        let at = Path::new(install.get("installPath")?.as_str()?);
        let mut said = settings.iter().rev().filter_map(|settings| settings.get("enabledPlugins")?.get(id)?.as_bool());
        Some(Plugin {
            id: id.clone(),
            is_on: said.next().unwrap_or(false),
            hooks: at.join("hooks/hooks.json"),
            servers: at.join(".mcp.json"),
        })
    };
    let listed = list.get("plugins").and_then(Value::as_object).into_iter().flatten();
    listed.filter(|(id, _)| is_ours(id)).filter_map(one).collect()
}

/// The settings name what is installed; the manifest of the copy, its files.
fn of_codex(folder: &Path) -> Vec<Plugin> {
    let settings = fs::read_to_string(folder.join("config.toml")).ok();
    let settings = settings.and_then(|text| toml::from_str::<toml::Table>(&text).ok()).unwrap_or_default();
    let one = |(id, about): (&String, &toml::Value)| {
        let (name, market) = id.split_once('@')?;
        let copies = fs::read_dir(folder.join("plugins/cache").join(market).join(name)).ok()?;
        let at = copies.flatten().max_by_key(|copy| copy.metadata().and_then(|about| about.modified()).ok())?.path();
        let manifest: Value =
            serde_json::from_str(&fs::read_to_string(at.join(".codex-plugin/plugin.json")).ok()?).ok()?;
        let file = |of: &str, usual: &str| at.join(manifest.get(of).and_then(Value::as_str).unwrap_or(usual));
        Some(Plugin {
            id: id.clone(),
            is_on: about.get("enabled").and_then(toml::Value::as_bool).unwrap_or(true),
            hooks: file("hooks", "hooks/hooks.json"),
            servers: file("mcpServers", ".mcp.json"),
        })
    };
    let listed = settings.get("plugins").and_then(toml::Value::as_table).into_iter().flatten();
    listed.filter(|(id, _)| is_ours(id)).filter_map(one).collect()
}

fn is_ours(id: &str) -> bool {
    id.split_once('@').is_some_and(|(name, _)| name == NAME)
}
