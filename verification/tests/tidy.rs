//! Tidy: what the layout, the glossary and the style promise, held by a test.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each of them may know; the order is the reading order.
const LAYERS: &[(&str, &[&str])] = &[
    ("rules", &[]),
    ("compiler", &["rules"]),
    ("consistency", &[]),
    ("memory", &["consistency"]),
    ("router", &["memory"]),
    ("server", &["rules", "compiler", "consistency", "memory", "router"]),
    ("verification", &["rules", "compiler", "consistency", "memory", "router", "server"]),
    ("cli", &["rules", "compiler", "consistency", "memory", "router", "server", "verification"]),
];

/// Words that the glossary replaces, as whole words of code and documents, with the word to use.
const BANNED: &[(&str, &str)] = &[
    ("guardrail", "check"),
    ("validator", "check"),
    ("utils", "the noun of what is in there"),
    ("helpers", "the noun of what is in there"),
    ("blacklist", "what is forbidden"),
    ("whitelist", "what is allowed"),
];

/// The most lines of a source file.
const MAX_LINES: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | ".trace" | "corpus") {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 3, "the tree was found");
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn crates_know_only_the_crates_before_them() {
    let allowed: BTreeMap<_, _> = LAYERS.iter().copied().collect();
    for (name, _) in LAYERS {
        let manifest = fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let known = manifest
            .lines()
            .filter_map(|line| line.split(['.', ' ', '=']).next())
            .filter(|dependency| allowed.contains_key(dependency));
        for dependency in known {
            assert!(allowed[name].contains(&dependency), "`{name}` must not know `{dependency}`");
        }
    }
}

#[test]
fn libraries_below_the_engine_do_no_io() {
    let banned = ["std::fs", "std::net", "std::env::", "std::process", "SystemTime", "Instant::now", "std::thread"];
    for name in ["rules", "compiler"] {
        for path in files(&[".rs"])
            .iter()
            .filter(|path| path.starts_with(root().join(name).join("src")) && !path.ends_with("tests.rs"))
        {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in banned {
                assert!(!code.contains(word), "{} uses `{word}`", shown(path));
            }
        }
    }
}

#[test]
fn words_are_those_of_the_glossary() {
    for path in files(&[".rs", ".md"]) {
        if path.ends_with("tests/tidy.rs") || path.ends_with("ARCHITECTURE.md") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap().to_lowercase();
        for (word, instead) in BANNED {
            let found = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|part| part == *word);
            assert!(!found, "{} says `{word}`; say {instead}", shown(&path));
        }
    }
}

#[test]
fn source_files_say_what_they_are_and_stay_short() {
    for path in files(&[".rs"]) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} begins with `//!`: what it is", shown(&path));
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines, at most {MAX_LINES}", shown(&path));
    }
}

#[test]
fn the_tree_speaks_of_itself_alone() {
    for path in files(&[".rs", ".md", ".toml", ".jsonl", "run"]) {
        if path.ends_with("tests/tidy.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for machine in ["/root/", "/work/", "C:\\Users"] {
            assert!(!text.contains(machine), "{} names a path of a machine: {machine}", shown(&path));
        }
    }
}

#[test]
fn documents_stay_readable() {
    for (name, most) in [("README.md", 200), ("ARCHITECTURE.md", 300)] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        assert!(text.lines().count() <= most, "{name} has at most {most} lines");
    }
}
