//! Aider's `.aider.chat.history.md`: `#### ` stands before each line of the user's, `> ` before what the program says, and
//! the rest is the agent's. Edits are the agent's SEARCH/REPLACE blocks; commands are what the program says it runs.
//!
//! The history does not tell which edits were applied, nor how commands ended.

use super::{Seen, Text, said};
use crate::record::Trust;
use serde_json::json;
use std::mem::take;

/// A history, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct History {
    user: String,
    agent: String,
    /// The last line that could name a file.
    name: String,
    block: Option<Block>,
}

/// A SEARCH/REPLACE block.
#[derive(Debug, Default)]
struct Block {
    file: String,
    old: String,
    /// What takes its place, once that has begun.
    new: Option<String>,
}

impl Text for History {
    fn line(&mut self, line: &str, seen: &mut Vec<Seen>) {
        if let Some(started) = line.strip_prefix("# aider chat started at ") {
            self.end(seen);
            seen.push(Seen::At { session: Some(format!("aider {}", started.trim())), cwd: None, branch: None });
        } else if self.block.is_some() {
            self.in_block(line, seen);
        } else if let Some(words) = line.strip_prefix("####") {
            self.answered(seen);
            self.user.push_str(words.trim());
            self.user.push('\n');
        } else if let Some(told) = line.strip_prefix("> ") {
            self.asked(seen);
            match told.trim().strip_prefix("Running ") {
                Some(command) => {
                    let input = json!({ "command": command });
                    seen.push(Seen::Called { call: None, tool: "Bash".to_owned(), input });
                }
                None => seen.push(Seen::Passed("said by the program".into())),
            }
        } else {
            self.asked(seen);
            if line.starts_with("<<<<<<<") {
                self.block = Some(Block { file: take(&mut self.name), ..Block::default() });
            } else if !line.trim().is_empty() {
                if !line.starts_with("```") {
                    line.trim().trim_matches(['`', '*']).clone_into(&mut self.name);
                }
                self.agent.push_str(line);
                self.agent.push('\n');
            }
        }
    }

    fn end(&mut self, seen: &mut Vec<Seen>) {
        self.block = None;
        self.asked(seen);
        self.answered(seen);
    }
}

impl History {
    fn in_block(&mut self, line: &str, seen: &mut Vec<Seen>) {
        let Some(block) = &mut self.block else { return };
        match &mut block.new {
            None if line.starts_with("=======") => block.new = Some(String::new()),
            None => block.old.push_str(&format!("{line}\n")),
            Some(new) if line.starts_with(">>>>>>>") => {
                let (path, new) = (take(&mut block.file), take(new));
                let (tool, input) = match block.old.trim() {
                    "" => ("Write", json!({ "file_path": path, "content": new })),
                    _ => ("Edit", json!({ "file_path": path, "old_string": block.old, "new_string": new })),
                };
                seen.push(Seen::Called { call: None, tool: tool.to_owned(), input });
                self.block = None;
            }
            Some(new) => new.push_str(&format!("{line}\n")),
        }
    }

    /// The user's message is over.
    fn asked(&mut self, seen: &mut Vec<Seen>) {
        let text = take(&mut self.user).trim().to_owned();
        // These commands carry a message; all others are to the program.
        let message = ["/ask ", "/code ", "/architect "].iter().find_map(|command| text.strip_prefix(command));
        match message {
            None if text.starts_with('/') => seen.push(Seen::Passed("a command to the program".into())),
            _ => seen.extend(said(Trust::User, message.unwrap_or(&text).to_owned(), None, None)),
        }
    }

    /// The agent's answer is over.
    fn answered(&mut self, seen: &mut Vec<Seen>) {
        seen.extend(said(Trust::Agent, take(&mut self.agent).trim().to_owned(), None, None));
    }
}
