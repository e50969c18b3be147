//! The commands of Anthropic's memory tool, `memory_20250818`, over the [`files`] of a tenant.
//!
//! What is answered is what the tool's documentation says, word for word, because models were made to read it; where it is
//! silent, its reference implementation is followed. Not documented, and so in our words: the caps of sizes and paths.

pub mod files;

use consistency::store::StoreError;
use files::{FileError, Files, Place};
use memory::redact::redacted;
use memory::{Memories, MemoryError, Tenant};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many lines before and after a change are shown with it.
const CONTEXT_LINES: usize = 2;
/// How deep a listing goes.
const LISTED_DEPTH: usize = 2;

/// The input of the tool, as a model writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Shows a file, or what is in a folder.
    View {
        /// The file or folder.
        path: String,
        /// The first and the last line, from 1; -1 stands for the end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        view_range: Option<[i64; 2]>,
    },
    /// Makes a file.
    Create {
        /// The file.
        path: String,
        /// Its text.
        file_text: String,
    },
    /// Replaces a text that is in a file once.
    StrReplace {
        /// The file.
        path: String,
        /// What is there.
        old_str: String,
        /// What is to be there.
        #[serde(default)]
        new_str: String,
    },
    /// Inserts lines after a line.
    Insert {
        /// The file.
        path: String,
        /// After which line; 0 is the beginning.
        insert_line: i64,
        /// The lines.
        insert_text: String,
    },
    /// Deletes a file, or a folder with all that is in it.
    Delete {
        /// The file or folder.
        path: String,
    },
    /// Moves a file or a folder.
    Rename {
        /// The file or folder.
        old_path: String,
        /// Where to.
        new_path: String,
    },
}

/// What is told to the model: the content of a `tool_result`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// The text.
    pub content: String,
    /// Whether the command failed.
    pub is_error: bool,
}

/// Runs a command. What the model did wrong is told to it; only the store itself can fail.
///
/// # Errors
/// [`MemoryError`] when the store can't be read or written.
pub fn run(memories: &Memories, tenant: &Tenant, by: &str, command: &Command) -> Result<Told, MemoryError> {
    let done = match command {
        Command::View { path, view_range } => view(memories, tenant, path, *view_range),
        Command::Create { path, file_text } => create(memories, tenant, by, path, file_text),
        Command::StrReplace { path, old_str, new_str } => replace(memories, tenant, by, path, (old_str, new_str)),
        Command::Insert { path, insert_line, insert_text } => {
            insert(memories, tenant, by, path, (*insert_line, insert_text))
        }
        Command::Delete { path } => delete(memories, tenant, by, path),
        Command::Rename { old_path, new_path } => rename(memories, tenant, by, old_path, new_path),
    };
    match done {
        Ok(content) => Ok(Told { content, is_error: false }),
        Err(Wrong::Told(content)) => Ok(Told { content, is_error: true }),
        Err(Wrong::File(FileError::Memory(error))) => Err(error),
        Err(Wrong::File(error)) => Ok(Told { content: format!("Error: {error}"), is_error: true }),
    }
}

/// Why a command comes to nothing.
enum Wrong {
    /// In the words of the documentation.
    Told(String),
    /// In ours.
    File(FileError),
}

impl From<FileError> for Wrong {
    fn from(error: FileError) -> Wrong {
        Wrong::File(error)
    }
}

impl From<StoreError> for Wrong {
    fn from(error: StoreError) -> Wrong {
        Wrong::File(error.into())
    }
}

fn view(memories: &Memories, tenant: &Tenant, path: &str, range: Option<[i64; 2]>) -> Result<String, Wrong> {
    let place = Place::of(path)?;
    let text = if place.is_root() { None } else { files::read(memories, tenant, &place)? };
    if let Some(text) = text {
        return Ok(format!("Here's the content of {path} with line numbers:\n{}", numbered(&text, range)));
    }
    let inside = files::list(memories, tenant, &place)?;
    if inside.is_empty() && !place.is_root() {
        return Err(Wrong::Told(format!("The path {path} does not exist. Please provide a valid path.")));
    }
    Ok(listing(path.trim_end_matches('/'), &place, &inside))
}

fn numbered(text: &str, range: Option<[i64; 2]>) -> String {
    let count = text.split('\n').count();
    let line = |number: i64| usize::try_from(number).unwrap_or(0);
    let [first, last] =
        range.map_or([1, count], |[first, last]| [line(first).max(1), if last == -1 { count } else { line(last) }]);
    let lines = text.split('\n').enumerate().map(|(place, line)| (place + 1, line));
    let shown = lines.skip(first - 1).take_while(|(number, _)| *number <= last);
    shown.map(|(number, line)| format!("{number:>6}\t{line}")).collect::<Vec<_>>().join("\n")
}

fn listing(path: &str, folder: &Place, inside: &[(Place, String)]) -> String {
    let mut entries: BTreeMap<Vec<&str>, (usize, bool)> = BTreeMap::new();
    let mut total = 0;
    for (place, text) in inside {
        let Some(parts) = place.below(folder) else { continue };
        if parts.iter().any(|part| part.starts_with('.') || *part == "node_modules") {
            continue;
        }
        total += text.len();
        for depth in 1..=parts.len().min(LISTED_DEPTH) {
            let entry = entries.entry(parts.iter().take(depth).copied().collect()).or_default();
            entry.0 += text.len();
            entry.1 |= depth < parts.len();
        }
    }
    let mut told = format!(
        "Here're the files and directories up to 2 levels deep in {path}, excluding hidden items and node_modules:\n{}\t{path}",
        size(total)
    );
    for (parts, (bytes, is_folder)) in entries {
        told += &format!("\n{}\t{path}/{}{}", size(bytes), parts.join("/"), if is_folder { "/" } else { "" });
    }
    told
}

/// A size for people: whole where it is whole, else with one decimal.
fn size(bytes: usize) -> String {
    let units = ["B", "K", "M", "G"];
    let step = usize::try_from(bytes.checked_ilog2().unwrap_or(0) / 10).unwrap_or(0).min(units.len() - 1);
    let unit = units.get(step).copied().unwrap_or_default();
    let whole = 1 << (10 * step);
    if bytes.is_multiple_of(whole) {
        return format!("{}{unit}", bytes / whole);
    }
    #[expect(clippy::cast_precision_loss, reason = "for showing, with one decimal")]
    let shown = bytes as f64 / whole as f64;
    format!("{shown:.1}{unit}")
}

fn create(memories: &Memories, tenant: &Tenant, by: &str, path: &str, text: &str) -> Result<String, Wrong> {
    let place = Place::of(path)?;
    let text = redacted(text);
    files::change(memories, tenant, by, |files| {
        if place.is_root() || files.read(&place)?.is_some() || !files.inside(&place)?.is_empty() {
            return Err(FileError::There(path.to_owned()));
        }
        files.write(&place, &text)
    })?;
    Ok(format!("File created successfully at: {path}"))
}

/// Changes the text of a file; what stands against it is told in the words of the documentation.
fn edit(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    path: &str,
    edited: impl Fn(Option<String>) -> Result<(String, String), String>,
) -> Result<String, Wrong> {
    let place = Place::of(path)?;
    let done = files::change(memories, tenant, by, |files| match edited(files.read(&place)?) {
        Ok((text, told)) => files.write(&place, &redacted(&text)).map(|()| Ok(told)),
        Err(told) => Ok(Err(told)),
    })?;
    done.map_err(Wrong::Told)
}

fn replace(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    path: &str,
    (old, new): (&str, &str),
) -> Result<String, Wrong> {
    edit(memories, tenant, by, path, |text| {
        let Some(text) = text else {
            return Err(format!("Error: The path {path} does not exist. Please provide a valid path."));
        };
        let found: Vec<usize> = if old.is_empty() {
            Vec::new()
        } else {
            let before = |(at, _)| text.get(..at).unwrap_or_default().matches('\n').count();
            text.match_indices(old).map(before).collect()
        };
        match found.as_slice() {
            [] => Err(format!("No replacement was performed, old_str `{old}` did not appear verbatim in {path}.")),
            [line] => {
                let text = text.replacen(old, new, 1);
                let lines = line.saturating_sub(CONTEXT_LINES) + 1..=line + CONTEXT_LINES + 1;
                let bound = |line: usize| i64::try_from(line).unwrap_or(i64::MAX);
                let snippet = numbered(&text, Some([bound(*lines.start()), bound(*lines.end())]));
                let told =
                    "The memory file has been edited. Here is the snippet showing the change (with line numbers):";
                Ok((text, format!("{told}\n{snippet}")))
            }
            lines => {
                let lines: Vec<String> = lines.iter().map(|line| (line + 1).to_string()).collect();
                Err(format!(
                    "No replacement was performed. Multiple occurrences of old_str `{old}` in lines: {}. Please ensure it is unique",
                    lines.join(", ")
                ))
            }
        }
    })
}

fn insert(
    memories: &Memories,
    tenant: &Tenant,
    by: &str,
    path: &str,
    (after, inserted): (i64, &str),
) -> Result<String, Wrong> {
    edit(memories, tenant, by, path, |text| {
        let text = text.ok_or_else(|| format!("Error: The path {path} does not exist"))?;
        let mut lines: Vec<&str> = text.strip_suffix('\n').unwrap_or(&text).split('\n').collect();
        if text.is_empty() {
            lines.clear();
        }
        let place = usize::try_from(after).ok().filter(|place| *place <= lines.len()).ok_or_else(|| {
            format!(
                "Error: Invalid `insert_line` parameter: {after}. It should be within the range of lines of the file: [0, {}]",
                lines.len()
            )
        })?;
        lines.insert(place, inserted.trim_end_matches('\n'));
        Ok((lines.join("\n") + "\n", format!("The file {path} has been edited.")))
    })
}

fn delete(memories: &Memories, tenant: &Tenant, by: &str, path: &str) -> Result<String, Wrong> {
    let place = Place::of(path)?;
    if place.is_root() {
        return Err(Wrong::Told(format!("Error: Cannot delete the {} directory itself", files::ROOT)));
    }
    files::change(memories, tenant, by, |files| {
        for (file, _) in there(files, &place, path)? {
            files.delete(&file)?;
        }
        Ok(())
    })?;
    Ok(format!("Successfully deleted {path}"))
}

fn rename(memories: &Memories, tenant: &Tenant, by: &str, old: &str, new: &str) -> Result<String, Wrong> {
    let (from, to) = (Place::of(old)?, Place::of(new)?);
    if from.is_root() {
        return Err(Wrong::Told(format!("Error: Cannot rename the {} directory itself", files::ROOT)));
    }
    let done = files::change(memories, tenant, by, |files| {
        if to.is_root() || files.read(&to)?.is_some() || !files.inside(&to)?.is_empty() {
            return Ok(Err(format!("Error: The destination {new} already exists")));
        }
        let moved = there(files, &from, old)?;
        if to.below(&from).is_some() {
            return Ok(Err(format!("Error: The destination {new} is inside {old}")));
        }
        for (file, _) in &moved {
            files.delete(file)?;
        }
        for (file, text) in &moved {
            let target = match file.below(&from) {
                Some(parts) => Place::of(&format!("{to}/{}", parts.join("/")))?,
                None => to.clone(),
            };
            files.write(&target, text)?;
        }
        Ok(Ok(format!("Successfully renamed {old} to {new}")))
    })?;
    done.map_err(Wrong::Told)
}

/// The file, or all files in the folder; an error where there is neither.
fn there(files: &mut Files<'_>, place: &Place, path: &str) -> Result<Vec<(Place, String)>, FileError> {
    let found = match files.read(place)? {
        Some(text) => vec![(place.clone(), text)],
        None => files.inside(place)?,
    };
    if found.is_empty() { Err(FileError::NotThere(path.to_owned())) } else { Ok(found) }
}
