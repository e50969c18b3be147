//! Paths and globs: what a path that is written out stands for, and events at other paths.

use crate::{Event, EventKind};
use serde_json::Value;

/// The globs that a path stands for: a folder stands for all that lies in it, a bare name for it at any depth.
pub(super) fn globs(text: &str) -> Vec<String> {
    let text = text.strip_prefix("./").unwrap_or(text);
    if text.starts_with('.')
        && !text.contains('/')
        && text.chars().skip(1).all(|c| c.is_ascii_alphanumeric())
        && ![".env", "rc", "ignore", "config", "attributes", ".github"].iter().any(|end| text.ends_with(end))
    {
        return vec![format!("*{text}")];
    }
    let bare = text.trim_end_matches('/');
    let named = bare.rsplit('/').next().is_some_and(|name| name.contains('.') || name.contains('*'));
    let folder = text.ends_with('/') || (text.contains('/') && !named);
    match (folder, bare.contains('/') || bare.starts_with('~')) {
        (true, false) => vec![format!("**/{bare}/**")],
        (true, true) => vec![format!("{bare}/**")],
        (false, _) => vec![text.to_owned()],
    }
}

/// A path that a glob matches.
pub(super) fn sample_path(glob: &str) -> String {
    let mut path = String::new();
    let mut rest = glob.strip_prefix("**/").unwrap_or(glob);
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**/") {
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("**") {
            path.push_str("example.txt");
            rest = behind;
        } else if let (true, Some((inside, behind))) = (c == '{', rest.get(1..).and_then(|rest| rest.split_once('}'))) {
            path.push_str(inside.split(',').next().unwrap_or_default());
            rest = behind;
        } else {
            if c == '*' {
                path.push_str("example");
            } else {
                path.push(c);
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    path
}

/// The same event at another path.
pub(super) fn at_path(event: &Event, path: &str) -> Event {
    let mut event = event.clone();
    if let EventKind::PreToolUse { input: Value::Object(input), .. }
    | EventKind::PostToolUse { input: Value::Object(input), .. } = &mut event.kind
    {
        if let Some(known) = input.get_mut("file_path") {
            *known = Value::String(path.to_owned());
        } else if let Some(Value::String(command)) = input.get_mut("command")
            && command.starts_with("rm ")
        {
            *command = format!("rm {path}");
        }
    }
    event
}

/// The path that an event writes or reads.
pub(super) fn path_of(event: &Event) -> Option<&str> {
    match &event.kind {
        EventKind::PreToolUse { input, .. } | EventKind::PostToolUse { input, .. } => {
            input.get("file_path").and_then(Value::as_str)
        }
        _ => None,
    }
}
