//! The clients themselves: what their makers publish, pointed at our server.

use crate::environment::{installed, python, run};
use crate::server::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release of mem0's JavaScript client that is installed with npm.
const JAVASCRIPT: &str = "mem0ai@3.3.1";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

fn install_javascript(folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.join("js");
    let version = format!("\"version\": \"{}\"", JAVASCRIPT.split('@').next_back().unwrap());
    let manifest = std::fs::read_to_string(folder.join("node_modules/mem0ai/package.json")).unwrap_or_default();
    if !manifest.contains(&version) {
        std::fs::create_dir_all(&folder).unwrap();
        let quick = ["--fetch-timeout=5000", "--fetch-retries=0"];
        run(Command::new("npm").args(["view", JAVASCRIPT, "version"]).args(quick).current_dir(&folder))?;
        let quiet = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", JAVASCRIPT];
        run(Command::new("npm").args(quiet).current_dir(&folder))?;
    }
    Ok(folder)
}

#[test]
fn the_python_client_of_mem0_finds_all_that_it_asks_for() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let out = run(Command::new(python).arg(script("mem0_client.py")).args([&server.url, &server.key]));
    assert_eq!(out.unwrap_or_else(|error| panic!("{error}")).trim(), "done");
}

#[test]
fn the_javascript_client_of_mem0_finds_all_that_it_asks_for() {
    let Some(folder) = installed("JavaScript clients", install_javascript) else { return };
    let server = Server::start();
    let copy = folder.join("mem0_client.mjs");
    // A module is looked for beside the script that asks for it.
    std::fs::copy(script("mem0_client.mjs"), &copy).unwrap();
    let out = run(Command::new("node").arg(copy).args([&server.url, &server.key]));
    assert_eq!(out.unwrap_or_else(|error| panic!("{error}")).trim(), "done");
}

#[test]
fn the_python_client_of_the_model_context_protocol_calls_every_tool() {
    let Some(python) = python() else { return };
    let server = Server::start();
    let url = format!("{}/mcp", server.url);
    let out = run(Command::new(python).arg(script("mcp_client.py")).args(["http", &url, &server.key]));
    assert_eq!(out.unwrap_or_else(|error| panic!("{error}")).trim(), "done");
}
