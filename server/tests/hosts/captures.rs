//! Every payload that was captured from a real program is read, and holds what the program did.

use crate::place::host_of;
use compiler::facts::{NoWorkspace, facts};
use rules::{Event, EventKind};
use server::host::payload::{self, Heard};
use std::fs;
use std::path::{Path, PathBuf};

/// The folders of captures; nothing, with a notice, where they are not there.
fn folders() -> Vec<PathBuf> {
    let data = std::env::var_os("TRACE_DATA").map(PathBuf::from);
    let data = data.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"));
    let Ok(entries) = fs::read_dir(data.join("captures")) else {
        println!("skipped: no folder `captures` in {} (TRACE_DATA)", data.display());
        return Vec::new();
    };
    let mut folders: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// A session in order. The name of the event is the one in the file's name, as the hook's command line would tell it.
fn session(folder: &Path) -> Vec<(String, Option<Heard>)> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = stem.split_once('_').unwrap().1;
        let name = name.strip_prefix("event_").unwrap_or(name);
        let heard = payload::read(host_of(folder), Some(name), &fs::read(path).unwrap());
        (name.to_owned(), heard.unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    paths.iter().map(read).collect()
}

fn events(folder: &Path) -> Vec<Event> {
    session(folder).into_iter().filter_map(|(_, heard)| heard?.event).collect()
}

#[test]
fn every_payload_is_read_and_every_event_of_a_session_known() {
    for folder in folders() {
        for (name, heard) in session(&folder) {
            let heard = heard.unwrap_or_else(|| panic!("{}: {name} is not known", folder.display()));
            let nameless = ["init", "file.edited"].contains(&name.as_str());
            assert_eq!(heard.session.is_empty(), nameless, "{}: {name}", folder.display());
        }
    }
}

#[test]
fn commands_are_what_was_run_and_end_as_they_ended() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let (mut attempts, mut ends) = (Vec::new(), Vec::new());
        for event in events(&folder) {
            if let EventKind::PreToolUse { .. } = event.kind {
                attempts.extend(facts(&event, &NoWorkspace).commands.into_iter().map(|command| command.program));
            }
            if let (EventKind::PostToolUse { ok, exit_code, .. }, Some(command)) = (&event.kind, event.shell()) {
                ends.push((command.to_owned(), *ok, *exit_code));
            }
        }
        let head = if name.starts_with("codex") { &["echo", "ls"][..] } else { &["echo", "ls", "head"] };
        assert!(attempts.starts_with(&head.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()), "{attempts:?}");
        let failed = ends.iter().find(|(command, ..)| command == "exit 3").unwrap();
        let good = ends.iter().find(|(command, ..)| command.starts_with("echo hi")).unwrap();
        if name.starts_with("codex") {
            // It does not say how a command ended.
            assert_eq!((failed.1, good.1), (None, None), "{name}");
        } else {
            assert_eq!((failed.1, failed.2), (Some(false), Some(3)), "{name}");
            assert_eq!((good.1, good.2), (Some(true), Some(0)), "{name}");
        }
        // A command in the background has not ended.
        let background = ends.iter().find(|(command, ..)| command.starts_with("sleep"));
        assert!(background.is_none_or(|(_, ok, _)| *ok == Some(false)), "{name}");
    }
}

#[test]
fn changes_are_what_was_written() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        for before in [true, false] {
            let of_phase = |event: &Event| matches!(event.kind, EventKind::PreToolUse { .. }) == before;
            let tool =
                |event: &Event| matches!(event.kind, EventKind::PreToolUse { .. } | EventKind::PostToolUse { .. });
            let mut changes = Vec::new();
            for event in events(&folder).iter().filter(|event| tool(event) && of_phase(event)) {
                // OpenCode says where it is only when its plugin starts; ours says it every time.
                let event = Event { cwd: Some("/w".to_owned()), ..event.clone() };
                let found = facts(&event, &NoWorkspace).files.into_iter();
                changes.extend(found.map(|file| (file.path, file.added, file.removed)));
            }
            let line = |path: &str, added: &str, removed: &str| (path.to_owned(), added.to_owned(), removed.to_owned());
            let expected = if name.starts_with("codex") {
                vec![line("c.txt", "hello\n", ""), line("c.txt", "there\n", "hello\n")]
            } else {
                vec![line("a.py", "x = 1\ny = 2\n", ""), line("a.py", "y = 3\n", "y = 2\n")]
            };
            assert_eq!(changes, expected, "{name}, before: {before}");
        }
    }
}

#[test]
fn words_are_whose_they_are() {
    for folder in folders() {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let (mut prompts, mut replies) = (Vec::new(), Vec::new());
        for event in events(&folder) {
            match event.kind {
                EventKind::UserPromptSubmit { text } => prompts.push(text.trim_matches('"').to_owned()),
                EventKind::Stop { reply, .. } => replies.push(reply),
                _ => {}
            }
        }
        // The second prompt of Claude Code's session is a notice of a task that has ended.
        let said = if name.starts_with("claude") { "do the thing" } else { "do it" };
        assert_eq!(prompts, [said], "{name}");
        let told = ["copilot", "opencode"].iter().all(|host| !name.starts_with(host));
        assert!(!replies.is_empty() && replies.iter().all(|reply| reply.is_some() == told), "{name}: {replies:?}");
    }
}
