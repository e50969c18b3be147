//! What a tool call does to files: edits of every host's tools, and the effects of shell commands.
//!
//! An edit is applied in memory to the text that the workspace holds, so that whole lines and whole files are seen; where
//! that text is not at hand or does not fit, the fragments of the edit are all that is known. After the tool has run, the
//! workspace holds the new text already, and the edit is undone instead.

use super::patch::{self, Section};
use super::shell::FileEffect;
use super::{FileChange, Workspace, language, paths};
use rules::predicate::FileAction;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What a tool does, as far as files are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Runs a shell text.
    Shell,
    /// Writes a whole file.
    Write,
    /// Replaces passages of a file.
    Edit,
    /// Adds lines to a file.
    Insert,
    /// Applies a patch.
    Patch,
    /// Removes a file.
    Delete,
    /// Moves a file.
    Move,
    /// Shows a file.
    Read,
    /// Does what its argument `command` says.
    Commanded,
}

/// The tools of the hosts, in lower case.
const TOOLS: [(Shape, &[&str]); 9] = [
    (
        Shape::Shell,
        &[
            "bash",
            "shell",
            "sh",
            "zsh",
            "powershell",
            "pwsh",
            "terminal",
            "run_shell_command",
            "run_terminal_cmd",
            "run_terminal_command",
            "run_in_terminal",
            "run_command",
            "execute_command",
            "execute_bash",
            "exec_command",
            "local_shell",
            "container.exec",
            "unified_exec",
            "beforeshellexecution",
        ],
    ),
    (Shape::Write, &["write", "write_file", "create_file", "create", "write_to_file", "fs_write", "notebookwrite"]),
    (
        Shape::Edit,
        &[
            "edit",
            "edit_file",
            "replace",
            "str_replace",
            "search_replace",
            "multiedit",
            "multi_edit",
            "notebookedit",
            "replace_string_in_file",
            "replace_in_file",
            "afterfileedit",
        ],
    ),
    (Shape::Insert, &["insert", "insert_edit_into_file", "insert_lines"]),
    (Shape::Patch, &["apply_patch", "applypatch", "patch"]),
    (Shape::Delete, &["delete", "delete_file", "remove_file"]),
    (Shape::Move, &["move", "move_file", "rename_file"]),
    (Shape::Read, &["read", "read_file", "view", "view_file", "cat", "fs_read", "notebookread", "open_file"]),
    (Shape::Commanded, &["str_replace_editor", "str_replace_based_edit_tool", "text_editor"]),
];

const PATH_KEYS: [&str; 8] =
    ["file_path", "path", "filePath", "filepath", "notebook_path", "target_file", "TargetFile", "absolute_path"];
const CONTENT_KEYS: [&str; 7] = ["content", "file_text", "contents", "new_source", "code", "text", "fileText"];
const OLD_KEYS: [&str; 6] = ["old_string", "old_str", "oldString", "oldText", "search", "old_source"];
const NEW_KEYS: [&str; 8] =
    ["new_string", "new_str", "newString", "newText", "replace", "new_source", "insert_text", "content"];
const PATCH_KEYS: [&str; 4] = ["command", "patch", "input", "diff"];
const MOVE_KEYS: [&str; 5] = ["new_path", "destination", "newPath", "target", "to"];

/// What a tool of this name does with these arguments.
pub(super) fn shape(tool: &str, input: &Value) -> Option<Shape> {
    let name = tool.to_lowercase();
    let (shape, _) = TOOLS.iter().find(|(_, names)| names.contains(&name.as_str()))?;
    if *shape != Shape::Commanded {
        return Some(*shape);
    }
    shape_of(text(input, &["command"])?)
}

fn shape_of(command: &str) -> Option<Shape> {
    TOOLS.iter().find(|(shape, names)| *shape != Shape::Shell && names.contains(&command)).map(|(shape, _)| *shape)
}

/// The first of these arguments that is a text.
pub(super) fn text<'a>(input: &'a Value, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| input.get(key)?.as_str())
}

/// The files of one event.
pub(super) struct Files<'a> {
    workspace: &'a dyn Workspace,
    root: Option<String>,
    /// The directory that paths are seen from.
    cwd: String,
    /// Whether the tool has run already, so that the workspace holds its result.
    done: bool,
    /// Texts as earlier changes of the same event leave them; `None` for a deleted file.
    texts: BTreeMap<String, Option<String>>,
    pub(super) changes: Vec<FileChange>,
    pub(super) reads: Vec<String>,
}

impl<'a> Files<'a> {
    pub(super) fn new(workspace: &'a dyn Workspace, cwd: Option<&str>, done: bool) -> Self {
        let absolute = cwd.filter(|cwd| cwd.starts_with('/') || cwd.contains(":/") || cwd.contains(":\\"));
        let root = workspace.root().or(absolute).map(str::to_owned);
        let cwd = cwd.map_or_else(String::new, |cwd| paths::relative(root.as_deref(), cwd));
        Self { workspace, root, cwd, done, texts: BTreeMap::new(), changes: Vec::new(), reads: Vec::new() }
    }

    /// The directory that a shell starts in, if the event tells.
    pub(super) fn directory(&self) -> Option<&str> {
        Some(self.cwd.as_str()).filter(|cwd| !cwd.is_empty())
    }

    /// A path seen from the root.
    pub(super) fn place(&self, path: &str) -> String {
        let path = paths::join(&self.cwd, path);
        match &self.root {
            Some(root) if path.starts_with("..") => paths::relative(Some(root), &paths::join(root, &path)),
            root => paths::relative(root.as_deref(), &path),
        }
    }

    /// A file's text as it is now.
    pub(super) fn now(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned().unwrap_or_else(|| self.workspace.read(path))
    }

    /// Notes what a tool does that is no shell.
    pub(super) fn tool(&mut self, shape: Shape, input: &Value, output: &Value) {
        if shape == Shape::Patch {
            if let Some(patch) = text(input, &PATCH_KEYS).or(input.as_str()) {
                self.patch(patch);
            }
            return;
        }
        let Some(path) = text(input, &PATH_KEYS).map(|path| self.place(path)) else { return };
        match shape {
            Shape::Read => self.reads.push(path),
            Shape::Delete => self.delete(&path),
            Shape::Write => {
                let content = text(input, &CONTENT_KEYS).unwrap_or_default().to_owned();
                let before = if self.done { original(output).map(str::to_owned) } else { self.now(&path) };
                self.write(path, before, content);
            }
            Shape::Move => {
                if let Some(target) = text(input, &MOVE_KEYS).map(|target| self.place(target)) {
                    let content = self.now(if self.done { &target } else { &path });
                    self.delete(&path);
                    self.created(target, content);
                }
            }
            Shape::Insert => self.insert(path, input),
            Shape::Edit => self.edit(path, input),
            Shape::Shell | Shape::Patch | Shape::Commanded => {}
        }
    }

    fn push(&mut self, path: String, action: FileAction, before: String, after: String, whole: bool) {
        if whole {
            let kept = (action != FileAction::Delete).then(|| after.clone());
            self.texts.insert(path.clone(), kept);
        }
        self.changes.push(change(path, action, before, after, whole));
    }

    fn write(&mut self, path: String, before: Option<String>, after: String) {
        let action = if before.is_some() { FileAction::Modify } else { FileAction::Create };
        self.push(path, action, before.unwrap_or_default(), after, true);
    }

    fn delete(&mut self, path: &str) {
        let before = self.now(path).unwrap_or_default();
        self.push(path.to_owned(), FileAction::Delete, before, String::new(), true);
    }

    /// A file that takes the place of a moved or copied one: none of its lines is new.
    fn created(&mut self, path: String, content: Option<String>) {
        let whole = content.is_some();
        let content = content.unwrap_or_default();
        self.push(path, FileAction::Create, content.clone(), content, whole);
    }

    fn insert(&mut self, path: String, input: &Value) {
        let new = text(input, &NEW_KEYS).unwrap_or_default();
        let new = if new.ends_with('\n') { new.to_owned() } else { format!("{new}\n") };
        let line = input.get("insert_line").or_else(|| input.get("line")).and_then(Value::as_u64);
        let whole = self.now(&path).filter(|_| !self.done).zip(line).map(|(before, line)| {
            let count = usize::try_from(line).unwrap_or(usize::MAX);
            let at = before.split_inclusive('\n').take(count).map(str::len).sum();
            let (head, tail) = before.split_at_checked(at).unwrap_or((&before, ""));
            let after = format!("{head}{new}{tail}");
            (before, after)
        });
        match whole {
            Some((before, after)) => self.push(path, FileAction::Modify, before, after, true),
            None => self.push(path, FileAction::Modify, String::new(), new, false),
        }
    }

    fn edit(&mut self, path: String, input: &Value) {
        let edits = edits(input);
        if let [(_, new, _)] = edits.as_slice()
            && text(input, &OLD_KEYS) == Some("")
            && self.now(&path).is_none()
        {
            return self.write(path, None, (*new).to_owned());
        }
        let whole = self.now(&path).and_then(|text| {
            let changed = replaced(&text, &edits, self.done)?;
            Some(if self.done { (changed, text) } else { (text, changed) })
        });
        if let Some((before, after)) = whole {
            return self.push(path, FileAction::Modify, before, after, true);
        }
        let joined = |side: fn(&(&str, &str, bool)) -> String| edits.iter().map(side).collect::<Vec<_>>().join("\n");
        let (before, after) = (joined(|edit| edit.0.to_owned()), joined(|edit| edit.1.to_owned()));
        self.push(path, FileAction::Modify, before, after, false);
    }

    /// Notes what a patch does, in any form.
    pub(super) fn patch(&mut self, text: &str) {
        for section in patch::sections(text) {
            let section = patch::placed(section, |path| self.place(path));
            self.section(section);
        }
    }

    fn section(&mut self, section: Section) {
        let source = section.moved_from.as_ref().unwrap_or(&section.path);
        let text = self.now(source).filter(|_| !self.done && section.action == FileAction::Modify);
        let whole = text.and_then(|before| {
            let after = patch::applied(&before, &section)?;
            Some((before, after))
        });
        let removed = self.now(source).filter(|_| section.action == FileAction::Delete && section.hunks.is_empty());
        if let Some(source) = section.moved_from.clone() {
            self.push(source, FileAction::Delete, String::new(), String::new(), true);
        }
        match (whole, removed) {
            (Some((before, after)), _) => {
                let action = if section.moved_from.is_some() { FileAction::Create } else { section.action };
                self.push(section.path, action, before, after, true);
            }
            (None, Some(before)) => self.push(section.path, FileAction::Delete, before, String::new(), true),
            (None, None) => {
                let change = fragments(section);
                self.push(change.path, change.action, change.before, change.after, change.whole);
            }
        }
    }

    /// Notes what a shell command does to a file.
    pub(super) fn effect(&mut self, effect: FileEffect) {
        let FileEffect { path, action, content, append, below } = effect;
        let path = self.place_from_root(&path);
        let before = self.now(&path).filter(|_| !self.done);
        match (action, content) {
            (FileAction::Delete, _) => {
                self.delete(&path);
                // What is no file that can be read is a folder, or not there.
                if below && before.is_none() {
                    self.delete(&format!("{path}/*"));
                }
            }
            (_, Some(added)) if append && added.is_empty() => {
                if before.is_none() && self.workspace.exists(&path) != Some(true) {
                    self.push(path, FileAction::Create, String::new(), String::new(), true);
                }
            }
            (_, Some(added)) if append => match before {
                Some(before) => {
                    let after = format!("{before}{added}");
                    self.push(path, FileAction::Modify, before, after, true);
                }
                None => self.push(path, FileAction::Modify, String::new(), added, false),
            },
            (_, Some(content)) => self.write(path, before, content),
            (action, None) => {
                let existed = before.is_some() && action == FileAction::Create;
                let action = if existed { FileAction::Modify } else { action };
                self.texts.remove(&path);
                self.push(path, action, String::new(), String::new(), false);
            }
        }
    }

    /// Whether the workspace is known to hold a path.
    pub(super) fn is_there(&self, path: &str) -> bool {
        self.workspace.exists(path) == Some(true)
    }

    /// A path that a shell text names, which is seen from where it starts already.
    pub(super) fn place_from_root(&self, path: &str) -> String {
        match &self.root {
            Some(root) if path.starts_with("..") => paths::relative(Some(root), &paths::join(root, path)),
            root => paths::relative(root.as_deref(), path),
        }
    }
}

/// The passages that an edit replaces: old text, new text, and whether everywhere.
fn edits(input: &Value) -> Vec<(&str, &str, bool)> {
    match input.get("edits").and_then(Value::as_array) {
        Some(edits) => edits.iter().map(one_edit).collect(),
        None => vec![one_edit(input)],
    }
}

fn one_edit(edit: &Value) -> (&str, &str, bool) {
    let everywhere =
        ["replace_all", "replaceAll"].iter().any(|key| edit.get(key).and_then(Value::as_bool) == Some(true));
    (text(edit, &OLD_KEYS).unwrap_or_default(), text(edit, &NEW_KEYS).unwrap_or_default(), everywhere)
}

/// A text after edits, or before them; `None` where one does not fit.
fn replaced(text: &str, edits: &[(&str, &str, bool)], undo: bool) -> Option<String> {
    let mut result = text.to_owned();
    let mut step = |from: &str, to: &str, everywhere: bool| {
        let fits = !from.is_empty() && result.contains(from);
        result = if everywhere { result.replace(from, to) } else { result.replacen(from, to, 1) };
        fits
    };
    let fits = if undo {
        edits.iter().rev().all(|(old, new, everywhere)| step(new, old, *everywhere))
    } else {
        edits.iter().all(|(old, new, everywhere)| step(old, new, *everywhere))
    };
    fits.then_some(result)
}

/// The text of a file before a tool wrote it, where the tool's answer repeats it.
fn original(output: &Value) -> Option<&str> {
    const KEYS: [&str; 3] = ["originalFile", "originalContent", "before"];
    let places = [Some(output), output.get("returnDisplay"), output.pointer("/metadata/filediff")];
    places.into_iter().flatten().find_map(|place| text(place, &KEYS))
}

/// The changes of a unified diff, as `git diff` prints it.
pub fn from_unified_diff(text: &str) -> Vec<FileChange> {
    patch::unified_diff(text)
        .into_iter()
        .flat_map(|section| {
            let gone = section.moved_from.clone();
            let gone = gone.map(|path| change(path, FileAction::Delete, String::new(), String::new(), true));
            gone.into_iter().chain([fragments(section)])
        })
        .collect()
}

/// What a section tells by itself.
fn fragments(section: Section) -> FileChange {
    let action = if section.moved_from.is_some() { FileAction::Create } else { section.action };
    let whole = section.moved_from.is_none() && section.action != FileAction::Modify;
    let before = section.hunks.iter().map(|hunk| hunk.old.as_str()).collect();
    let after = section.hunks.iter().map(|hunk| hunk.new.as_str()).collect();
    change(section.path, action, before, after, whole)
}

fn change(path: String, action: FileAction, before: String, after: String, whole: bool) -> FileChange {
    let (added, removed) = (difference(&after, &before), difference(&before, &after));
    FileChange { language: language(&path), path, action, added, removed, before, after, whole }
}

/// The lines of one text that another one has not, as often as it has them.
fn difference(text: &str, other: &str) -> String {
    let mut spare: HashMap<&str, usize> = HashMap::new();
    for line in other.lines() {
        *spare.entry(line).or_default() += 1;
    }
    let mut result = String::new();
    for line in text.lines() {
        if let Some(count) = spare.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
        } else {
            result.push_str(line);
            result.push('\n');
        }
    }
    result
}
