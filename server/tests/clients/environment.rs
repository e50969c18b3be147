//! Programs of others, installed once below the target folder: for tests that are nothing without them.
//!
//! They are installed where the registries answer. Where they do not, a test says what is missing and is over;
//! `TRACE_CLIENTS=1` makes that a failure, and `TRACE_CLIENTS=0` has nothing installed.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that can't go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What is installed with pip.
const PYTHON: [&str; 2] = ["mem0ai==2.2.1", "mcp==2.3.0"];

/// The Python that has the clients; nothing where they can't be installed.
pub(crate) fn python() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOUND.get_or_init(|| installed("Python clients", install_python)).clone()
}

/// Tells what came of it, as the environment wants it to be taken.
pub(crate) fn installed(what: &str, install: fn(&Path) -> Result<PathBuf, String>) -> Option<PathBuf> {
    let wanted = std::env::var("TRACE_CLIENTS").unwrap_or_default();
    if wanted == "0" {
        println!("skipped: the {what} are not wanted (TRACE_CLIENTS=0)");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("clients");
    std::fs::create_dir_all(&folder).unwrap();
    match install(&folder) {
        Ok(path) => Some(path),
        Err(why) if wanted == "1" => panic!("the {what} can't be installed: {why}"),
        Err(why) => {
            println!("skipped: the {what} are missing: {why}");
            None
        }
    }
}

fn install_python(folder: &Path) -> Result<PathBuf, String> {
    let python = folder.join("python/bin/python");
    let has = "import importlib.metadata as m, sys; sys.exit(any(m.version(n) != v for n, v in (p.split('==') for p in sys.argv[1:])))";
    if run(Command::new(&python).args(["-c", has]).args(PYTHON)).is_ok() {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("python")))?;
    let pip = |arguments: &[&str]| {
        let quiet = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-q"];
        run(Command::new(&python).args(quiet).args(arguments))
    };
    // Asking for one small package first tells in seconds whether the registry answers.
    pip(&["download", "--no-deps", "--timeout", "5", "--retries", "0", "-d", &folder.display().to_string(), "idna"])?;
    pip(&[&["install", "--timeout", "30"], PYTHON.as_slice()].concat())?;
    Ok(python)
}

/// Runs a program to its end; what it printed, or why it failed.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    // Nothing is reported to the makers of the clients, and nothing is written to the user's home.
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("home");
    std::fs::create_dir_all(&home).unwrap();
    command.env("MEM0_TELEMETRY", "False").env("MEM0_DIR", home.join("mem0")).env("HOME", &home);
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() { Ok(out.into_owned()) } else { Err(format!("{}\n{out}{err}", output.status)) }
}
