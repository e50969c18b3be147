//! Patches as text: unified diffs, as `git diff` prints them, and the `*** Begin Patch` form of agents.
//!
//! Total: what belongs to no file is skipped. Linear in the text.

use super::paths::join;
use rules::predicate::FileAction;

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) path: String,
    /// Where the file had been before, if it is moved.
    pub(super) moved_from: Option<String>,
    pub(super) action: FileAction,
    pub(super) hunks: Vec<Hunk>,
}

/// A passage before and after.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hunk {
    pub(super) old: String,
    pub(super) new: String,
}

impl Hunk {
    /// Adds a line of a patch; false if it is none.
    fn push(&mut self, line: &str) -> bool {
        let mut characters = line.chars();
        let mark = characters.next();
        let text = characters.as_str();
        let (old, new) = match mark {
            Some('+') => (false, true),
            Some('-') => (true, false),
            Some(' ') | None => (true, true),
            _ => return false,
        };
        for (_, side) in [(old, &mut self.old), (new, &mut self.new)].into_iter().filter(|(takes, _)| *takes) {
            side.push_str(text);
            side.push('\n');
        }
        true
    }
}

/// Reads a patch in either form.
pub(super) fn sections(text: &str) -> Vec<Section> {
    if text.lines().any(|line| line.trim_end() == "*** Begin Patch") { agent_patch(text) } else { unified_diff(text) }
}

/// The `*** Begin Patch` form.
fn agent_patch(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.lines() {
        let header = |mark: &str| line.strip_prefix(mark).map(|path| path.trim().to_owned());
        let begun = [
            ("*** Add File:", FileAction::Create),
            ("*** Update File:", FileAction::Modify),
            ("*** Delete File:", FileAction::Delete),
        ]
        .into_iter()
        .find_map(|(mark, action)| Some((header(mark)?, action)));
        if let Some((path, action)) = begun {
            sections.push(Section { path, moved_from: None, action, hunks: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some(target) = header("*** Move to:") {
            section.moved_from = Some(std::mem::replace(&mut section.path, target));
        } else if line.starts_with("@@") {
            section.hunks.push(Hunk::default());
        } else if !line.starts_with("***") {
            if section.hunks.is_empty() {
                section.hunks.push(Hunk::default());
            }
            section.hunks.last_mut().map(|hunk| hunk.push(line));
        }
    }
    sections
}

/// A unified diff of any number of files.
pub(super) fn unified_diff(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(paths) = line.strip_prefix("diff --git ") {
            let path = git_path(paths);
            sections.push(Section { path, moved_from: None, action: FileAction::Modify, hunks: Vec::new() });
            continue;
        }
        if let (Some(old), Some(new)) =
            (line.strip_prefix("--- "), lines.peek().and_then(|next| next.strip_prefix("+++ ")))
        {
            named(&mut sections, old, new);
            lines.next();
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        if let Some((mut old, mut new)) = hunk_header(line) {
            let mut hunk = Hunk::default();
            while old > 0 || new > 0 {
                let Some(line) = lines.next_if(|line| line.is_empty() || line.starts_with([' ', '+', '-', '\\']))
                else {
                    break;
                };
                if !line.starts_with('\\') && hunk.push(line) {
                    old = old.saturating_sub(u64::from(!line.starts_with('+')));
                    new = new.saturating_sub(u64::from(!line.starts_with('-')));
                }
            }
            section.hunks.push(hunk);
        } else if let Some(path) = line.strip_prefix("rename from ") {
            section.moved_from = Some(unquoted(path));
        } else if let Some(path) = line.strip_prefix("rename to ").or_else(|| line.strip_prefix("copy to ")) {
            section.path = unquoted(path);
        } else if line.starts_with("new file mode") || line.starts_with("copy from ") {
            section.action = FileAction::Create;
        } else if line.starts_with("deleted file mode") {
            section.action = FileAction::Delete;
        }
    }
    sections
}

/// Takes the names of `---` and `+++`, for the section that git has begun or for a new one.
fn named(sections: &mut Vec<Section>, old: &str, new: &str) {
    let (old, new) = (diff_path(old), diff_path(new));
    let action = match (&old, &new) {
        (None, _) => FileAction::Create,
        (_, None) => FileAction::Delete,
        _ => FileAction::Modify,
    };
    let Some(path) = new.or(old) else { return };
    match sections.last_mut().filter(|section| section.hunks.is_empty() && section.path == path) {
        Some(section) if section.action == FileAction::Modify => section.action = action,
        Some(_) => {}
        None => sections.push(Section { path, moved_from: None, action, hunks: Vec::new() }),
    }
}

/// The path of a `---` or `+++` line; `None` for `/dev/null`.
fn diff_path(text: &str) -> Option<String> {
    // A date may follow after a tab.
    let path = unquoted(text.split('\t').next().unwrap_or_default().trim_end());
    let path = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(&path);
    (path != "/dev/null").then(|| path.to_owned())
}

/// The path of a `diff --git a/path b/path` line.
fn git_path(paths: &str) -> String {
    let second = match paths.find(" \"b/") {
        Some(at) => paths.get(at + 1..),
        // Both names are equal where nothing is renamed, so the line has them in halves.
        None => paths
            .get(paths.len() / 2 + 1..)
            .filter(|path| path.starts_with("b/"))
            .or_else(|| paths.rfind(" b/").and_then(|at| paths.get(at + 1..))),
    };
    second.and_then(diff_path).unwrap_or_default()
}

/// A path without git's quotes and escapes.
fn unquoted(path: &str) -> String {
    let Some(inside) = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')) else { return path.to_owned() };
    let mut bytes = Vec::new();
    let mut rest = inside.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let mut code = None::<u8>;
        for _ in 0..3 {
            let Some(digit) = rest.next_if(|byte| (b'0'..b'8').contains(byte)) else { break };
            code = Some(code.unwrap_or(0).wrapping_mul(8).wrapping_add(digit - b'0'));
        }
        bytes.extend(code.or_else(|| match rest.next()? {
            b'n' => Some(b'\n'),
            b't' => Some(b'\t'),
            other => Some(other),
        }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The numbers of old and new lines in `@@ -1,2 +3,4 @@`.
fn hunk_header(line: &str) -> Option<(u64, u64)> {
    let (ranges, _) = line.strip_prefix("@@ -")?.split_once(" @@")?;
    let (old, new) = ranges.split_once(" +")?;
    let count = |range: &str| range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok());
    Some((count(old)?, count(new)?))
}

/// A text after a section's hunks; `None` where one does not fit.
pub(super) fn applied(before: &str, section: &Section) -> Option<String> {
    let mut after = String::with_capacity(before.len());
    let mut rest = before;
    let mut complete = true;
    for hunk in &section.hunks {
        // A last line without an end fits, too.
        let (start, length) = match rest.find(&hunk.old) {
            Some(start) => (start, hunk.old.len()),
            None => (rest.len().checked_sub(hunk.old.len().checked_sub(1)?)?, hunk.old.len() - 1),
        };
        if !complete || !rest.get(start..start + length).is_some_and(|passage| hunk.old.starts_with(passage)) {
            return None;
        }
        complete = length == hunk.old.len();
        after.push_str(rest.get(..start)?);
        after.push_str(&hunk.new);
        rest = rest.get(start + length..)?;
    }
    Some(after + rest)
}

/// The paths that a patch's own folder is joined with.
pub(super) fn placed(mut section: Section, place: impl Fn(&str) -> String) -> Section {
    section.path = place(&join("", &section.path));
    section.moved_from = section.moved_from.map(|path| place(&join("", &path)));
    section
}
