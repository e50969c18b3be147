//! What git knows, asked of the program `git` in a form that no setting of the user's changes.

use rules::Event;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

/// What git could not tell.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is no program `git`.
    #[error("the program `git` is not installed")]
    Missing,
    /// The program cannot be started.
    #[error("the program `git` cannot be started")]
    Broken(#[source] io::Error),
    /// The folder belongs to no repository.
    #[error("`{0}` is not in a git repository")]
    NotARepository(PathBuf),
    /// The revision does not exist.
    #[error("`{0}` is not a revision that git knows")]
    UnknownRevision(String),
    /// Something else; git's own words.
    #[error("git failed: {0}")]
    Failed(String),
}

/// How a diff is written, whatever the user has set.
const DIFF: &[&str] = &[
    "diff",
    "--no-ext-diff",
    "--no-color",
    "--no-textconv",
    "--relative",
    "--full-index",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "-U3",
    "-M",
];

/// How the files that differ from the last commit are listed.
const STATUS: &[&str] = &["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"];

/// The diff between the last commit and what is staged.
///
/// # Errors
/// Why there is none.
pub fn staged(root: &Path) -> Result<String, GitError> {
    git(root, DIFF.iter().chain(&["--cached", "--"]).copied()).map(text)
}

/// The diff between a revision, or a range of them, and the files as they are.
///
/// # Errors
/// Why there is none.
pub fn diff(root: &Path, revision: &str) -> Result<String, GitError> {
    // Git would take it for an option.
    if revision.starts_with('-') || revision.is_empty() {
        return Err(GitError::UnknownRevision(revision.to_owned()));
    }
    let diff = git(root, DIFF.iter().copied().chain([revision, "--"]));
    diff.map(text).map_err(|error| match error {
        GitError::Failed(words) if words.contains("revision") || words.contains("bad object") => {
            GitError::UnknownRevision(revision.to_owned())
        }
        other => other,
    })
}

/// The files that differ from the last commit, as paths from the top of the repository; those that git ignores do not.
///
/// # Errors
/// Why it cannot be told.
pub fn changed(root: &Path) -> Result<BTreeSet<String>, GitError> {
    git(root, STATUS.iter().copied()).map(|status| entries(&status).filter_map(path).collect())
}

fn entries(status: &[u8]) -> impl Iterator<Item = &[u8]> {
    status.split(|byte| *byte == 0)
}

/// The path in an entry of a status, behind two letters and a space.
fn path(entry: &[u8]) -> Option<String> {
    Some(String::from_utf8_lossy(entry.get(3..)?).into_owned())
}

/// The same, and apart from it what git ignores, if git can tell it within so long. Of folders that git ignores whole there
/// is the name, with a slash, and nothing within.
pub fn changed_within(root: &Path, patience: Duration) -> Option<[BTreeSet<String>; 2]> {
    let arguments = STATUS.iter().copied().chain(["--ignored=matching"]);
    let mut child = command(root, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut output = child.stdout.take()?;
    let (say, said) = channel();
    let reader = std::thread::Builder::new().spawn(move || {
        let mut text = Vec::new();
        drop(say.send(output.read_to_end(&mut text).map(|_| text)));
    });
    let text = reader.ok().and_then(|_| said.recv_timeout(patience).ok());
    drop(child.kill());
    let ended = child.wait().ok()?;
    // A process that has closed its output and is killed then has told all the same.
    let text = text?.ok().filter(|_| ended.code().is_none_or(|code| code == 0))?;
    let (ignored, changed): (Vec<_>, Vec<_>) = entries(&text).partition(|entry| entry.starts_with(b"!! "));
    Some([changed, ignored].map(|entries| entries.into_iter().filter_map(path).collect()))
}

/// The text of a blob.
///
/// # Errors
/// Why it cannot be told.
pub fn blob(root: &Path, id: &str) -> Result<Vec<u8>, GitError> {
    git(root, ["cat-file", "blob", id])
}

/// The blobs that the files of a diff were before it, by path; an empty name stands for a file that was not there.
pub fn blobs(diff: &str) -> BTreeMap<String, String> {
    let mut blobs = BTreeMap::new();
    let mut old = None;
    for line in diff.lines() {
        if line.starts_with("diff --git ") {
            old = None;
        } else if let Some(ids) = line.strip_prefix("index ") {
            old = ids.split_once("..").map(|(old, _)| old);
        } else if let (Some(path), Some(id)) = (line.strip_prefix("--- a/"), old) {
            blobs.insert(path.to_owned(), id.to_owned());
        } else if let (Some(path), Some(_)) = (line.strip_prefix("+++ b/"), old.take()) {
            blobs.entry(path.to_owned()).or_default();
        }
    }
    blobs
}

/// The branch that is checked out; `None` outside a repository and where none is. It asks no program, because every hook
/// wants to know.
pub fn branch(root: &Path) -> Option<String> {
    let place = top(root)?.join(".git");
    // In a linked work tree, `.git` is a file that names the folder.
    let folder = match fs::read_to_string(&place) {
        Ok(text) => place.parent()?.join(text.strip_prefix("gitdir:")?.trim()),
        Err(_) => place,
    };
    let head = fs::read_to_string(folder.join("HEAD")).ok()?;
    Some(head.strip_prefix("ref: refs/heads/")?.trim_end().to_owned())
}

/// The top of the repository that a place belongs to: the nearest folder that holds a `.git`.
pub fn top(start: &Path) -> Option<PathBuf> {
    start.ancestors().find(|place| place.join(".git").exists()).map(Path::to_owned)
}

/// The main work tree, seen from a linked one; `None` elsewhere. It asks no program, because every hook may want to know.
pub fn main_tree(start: &Path) -> Option<PathBuf> {
    let top = top(start)?;
    let text = fs::read_to_string(top.join(".git")).ok()?;
    let own = top.join(text.strip_prefix("gitdir:")?.trim());
    let common = fs::read_to_string(own.join("commondir")).ok()?;
    fs::canonicalize(own.join(common.trim())).ok()?.parent().map(Path::to_owned)
}

/// What git answers.
fn git<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, GitError> {
    let output = command(root, arguments).output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => GitError::Missing,
        _ => GitError::Broken(error),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    // Outside a repository `git diff` compares any two files, and asks for them.
    if words.to_lowercase().contains("not a git repository") || words.contains("--no-index") {
        return Err(GitError::NotARepository(root.to_owned()));
    }
    Err(GitError::Failed(words))
}

fn command<'a>(root: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["--no-pager", "--no-optional-locks", "--literal-pathspecs"]);
    // A monitor is a program that the repository's own settings may name.
    command.args(["-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "-c", "diff.suppressBlankEmpty=false"]);
    command.args(arguments).env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// A diff as text; parts of files that are not UTF-8 are replaced by U+FFFD.
fn text(diff: Vec<u8>) -> String {
    String::from_utf8(diff).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The files of a diff as events: for each, the patch that makes it what it is.
pub fn events(diff: &str) -> impl Iterator<Item = Event> + '_ {
    let at_line_start = |at: &usize| at.checked_sub(1).is_none_or(|before| diff.as_bytes().get(before) == Some(&b'\n'));
    let starts: Vec<usize> = diff.match_indices("diff --git ").map(|(at, _)| at).filter(at_line_start).collect();
    let ends: Vec<usize> = starts.iter().copied().skip(1).chain([diff.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| {
        let patch = diff.get(start..end).unwrap_or_default();
        let path = patch.lines().find_map(|line| line.strip_prefix("+++ b/").or_else(|| line.strip_prefix("--- a/")));
        Event::tool("apply_patch", serde_json::json!({ "path": path.unwrap_or_default(), "patch": patch }))
    })
}
