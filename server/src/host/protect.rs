//! Self-protection: an agent does not change its own checks.
//!
//! Refused are writes into a folder `.trace` or among the user's own rules, writes to a host's settings that would take
//! our hook out of them, and those commands of `trace` that are a person's. What a program does when it runs is not seen:
//! this is for agents that mean well.

use super::HOSTS;
use super::description::OUR_MARK;
use compiler::facts::{Command, FileChange, Workspace, facts};
use rules::{Event, EventKind};
use std::path::Path;

/// Words of which at least one is in the arguments of any call that concerns us: nothing else is looked at closely.
const SIGNS: [&str; 9] =
    [".trace", "/trace", "trace ", ".claude", "hooks.json", ".codex", ".gemini", ".github/hooks", "opencode"];

/// Commands of `trace` that are a person's, with the words that follow.
const OURS: [(&str, &[&str]); 5] = [
    ("waive", &[]),
    ("install", &[]),
    ("uninstall", &[]),
    ("compile", &[]),
    ("rules", &["arm", "shadow", "retire", "undo", "edit", "propose"]),
];

/// Why a call is refused, if it is one that would change the checks.
pub(super) fn refusal(event: &Event, workspace: &dyn Workspace, user: Option<&Path>) -> Option<String> {
    let EventKind::PreToolUse { input, .. } = &event.kind else { return None };
    let text = input.to_string();
    if !SIGNS.iter().any(|sign| text.contains(sign)) {
        return None;
    }
    let facts = facts(event, workspace);
    let file = facts.files.iter().find(|file| is_ours(&file.path, user) || disarms(file, workspace));
    if let Some(file) = file {
        return Some(format!("{OUR_MARK} `{}` is changed by the user, not by an agent.", file.path));
    }
    let command = facts.commands.iter().find(|command| is_a_persons(command))?;
    let first = command.args.first().map(|word| word.text.as_str()).unwrap_or_default();
    Some(format!("{OUR_MARK} `trace {first}` is run by the user, not by an agent. Ask the user."))
}

/// Whether a file holds rules, checks or sessions.
fn is_ours(path: &str, user: Option<&Path>) -> bool {
    let users = user.and_then(Path::parent).is_some_and(|user| Path::new(path).starts_with(user));
    users || path.split('/').any(|part| part == ".trace") || path.starts_with("~/.config/trace")
}

/// Whether a change takes our hook out of a file that has it.
fn disarms(file: &FileChange, workspace: &dyn Workspace) -> bool {
    let before = workspace.read(&file.path).or_else(|| std::fs::read_to_string(&file.path).ok()).unwrap_or_default();
    // However our program is quoted, its hooks are called by these words.
    let hooks =
        |text: &str| HOSTS.iter().map(|host| text.matches(&format!(" hook {}", host.name)).count()).sum::<usize>();
    if hooks(&before) == 0 || !before.contains("trace") {
        return false;
    }
    let count = |text: &str, word: &str| text.matches(word).count();
    let keeps = file.whole
        && hooks(&file.after) == hooks(&before)
        && count(&file.after, "disableAllHooks") <= count(&before, "disableAllHooks");
    !keeps
}

fn is_a_persons(command: &Command) -> bool {
    if command.program != "trace" {
        return false;
    }
    let mut words = command.args.iter().map(|word| word.text.as_str());
    while let Some(word) = words.next() {
        if word == "--root" {
            words.next();
            continue;
        }
        if word.starts_with('-') {
            continue;
        }
        let Some((_, followed)) = OURS.iter().find(|(own, _)| *own == word) else { return false };
        return followed.is_empty() || words.any(|word| followed.contains(&word));
    }
    false
}
