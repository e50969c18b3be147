//! Which files hold something to find: recordings of sessions, documents of instructions, and rules of hookify.
//!
//! A file that is named is looked into whatever it is called; in a folder, files are told by their names and, where those
//! do not tell, by how they begin. Links are not followed.

use crate::recorded::Recording;
use memory::import::transcript::Program;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How much of a file is looked at to tell what it is, in bytes.
const HEAD_BYTES: u64 = 64 << 10;
/// How deep folders are looked into.
const MAX_DEPTH: usize = 32;
/// Folders in which nobody keeps what is looked for.
const PASSED: [&str; 6] = [".git", "node_modules", "target", ".venv", "venv", "__pycache__"];
/// Documents of instructions, by their names.
const DOCUMENTS: [&str; 9] = [
    "CLAUDE.md",
    "CLAUDE.local.md",
    "AGENTS.md",
    "AGENTS.override.md",
    "GEMINI.md",
    "copilot-instructions.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
];

/// A file that holds something to find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Recorded sessions.
    Recording(Recording),
    /// Instructions to agents, in Markdown.
    Document(PathBuf),
    /// A rule of hookify.
    Hookify(PathBuf),
}

/// All of them, and what was passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files, in the order of their paths.
    pub found: Vec<Source>,
    /// What was passed over, by reason.
    pub passed: BTreeMap<String, usize>,
}

/// Why a path can't be looked into.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It can't be read.
    #[error("cannot read `{path}`")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It holds nothing that is known.
    #[error(
        "`{0}` is neither a recorded session nor a document of instructions\nhelp: name a transcript, an instruction file such as `AGENTS.md`, or a folder that holds some"
    )]
    Unknown(PathBuf),
}

impl Sources {
    /// The recordings among them.
    pub fn recordings(&self) -> impl Iterator<Item = &Recording> {
        self.found.iter().filter_map(|source| match source {
            Source::Recording(recording) => Some(recording),
            _ => None,
        })
    }
}

/// Looks for sources at some paths.
///
/// # Errors
/// A path that was named can't be read, or is a file of which nothing is known.
pub fn sources(paths: &[PathBuf]) -> Result<Sources, SourceError> {
    let mut sources = Sources::default();
    for path in paths {
        let failed = |source| SourceError::Unreadable { path: path.clone(), source };
        if fs::metadata(path).map_err(failed)?.is_dir() {
            folder(path, 0, &mut sources).map_err(failed)?;
        } else {
            let source = by_name(path).map_or_else(|| by_content(path), |source| Ok(Some(source)));
            sources.found.push(source.map_err(failed)?.ok_or_else(|| SourceError::Unknown(path.clone()))?);
        }
    }
    Ok(sources)
}

fn folder(path: &Path, depth: usize, sources: &mut Sources) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(path)?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    let pass = |sources: &mut Sources, why: &str| *sources.passed.entry(why.to_owned()).or_default() += 1;
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type()?;
        let is_passed = || PASSED.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() {
            // A folder that may not be read hides nothing else.
            if depth >= MAX_DEPTH || is_passed() || folder(&path, depth + 1, sources).is_err() {
                pass(sources, "not looked into (folders)");
            }
        } else if kind.is_file() {
            match by_name(&path).map_or_else(|| recording(&path), |source| Ok(Some(source))) {
                Ok(Some(source)) => sources.found.push(source),
                Ok(None) => pass(sources, "of another kind (files)"),
                Err(_) => pass(sources, "unreadable (files)"),
            }
        } else {
            pass(sources, "links");
        }
    }
    Ok(())
}

/// What a file is by its name and place.
fn by_name(path: &Path) -> Option<Source> {
    let name = path.file_name()?.to_str()?;
    let within = |folder: &str| path.iter().any(|part| part == folder);
    let is = |extension: &str| path.extension().is_some_and(|own| own == extension);
    if name.starts_with("hookify.") && is("md") {
        return Some(Source::Hookify(path.to_owned()));
    }
    let is_document = DOCUMENTS.contains(&name)
        || (is("mdc") && within("rules"))
        || (name.ends_with(".instructions.md") && within("instructions"));
    is_document.then(|| Source::Document(path.to_owned()))
}

/// A recording in a folder full of other files.
fn recording(path: &Path) -> io::Result<Option<Source>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let within = |folder: &str| path.iter().any(|part| part == folder);
    let can_be = name.ends_with(".jsonl")
        || (name.ends_with(".json") && name.starts_with("session-"))
        || name == ".aider.chat.history.md"
        || (name.ends_with(".md") && within(".specstory"));
    if can_be { program(path) } else { Ok(None) }
}

/// What a file is that was named.
fn by_content(path: &Path) -> io::Result<Option<Source>> {
    let source = program(path)?;
    let is_text = path.extension().is_some_and(|extension| extension == "md" || extension == "mdc");
    Ok(source.or_else(|| is_text.then(|| Source::Document(path.to_owned()))))
}

fn program(path: &Path) -> io::Result<Option<Source>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD_BYTES).read_to_end(&mut head)?;
    let program = Program::detect(&path.to_string_lossy(), &String::from_utf8_lossy(&head));
    Ok(program.map(|program| Source::Recording(Recording { path: path.to_owned(), program })))
}
