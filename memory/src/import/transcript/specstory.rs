//! `SpecStory`'s `.specstory/history/*.md` (Markdown v2): turns begin with `_**User (…)**_` and `_**Agent (…)**_`, calls stand
//! in `<tool-use data-tool-type="…" data-tool-name="…">` elements.
//!
//! Of calls an export keeps what a person wants to see: commands and the paths of files that are read are whole and are
//! taken; what an edit did often is not, so edits are passed over.

use super::{Seen, Text, said};
use crate::record::Trust;
use serde_json::json;
use std::mem::take;

/// An export, as far as it is read.
#[derive(Debug, Default)]
pub(super) struct Export {
    speaker: Option<Trust>,
    words: String,
    is_fenced: bool,
    /// Whether the agent is thinking.
    thinks: bool,
    call: Option<Call>,
}

/// A `<tool-use>` element.
#[derive(Debug, Default)]
struct Call {
    kind: String,
    body: Vec<String>,
}

impl Text for Export {
    fn line(&mut self, line: &str, seen: &mut Vec<Seen>) {
        if let Some(call) = &mut self.call {
            if line.contains("</tool-use>") {
                seen.push(call.seen());
                self.call = None;
            } else {
                call.body.push(line.to_owned());
            }
            return;
        }
        self.is_fenced ^= line.trim_start().starts_with("```");
        if self.is_fenced {
            return self.word(line);
        }
        if let Some(speaker) = speaker(line) {
            self.end(seen);
            self.speaker = Some(speaker);
        } else if let Some((_, name)) = line.strip_prefix("<!-- ").and_then(|line| line.split_once(" Session ")) {
            let session = name.split_whitespace().next().map(str::to_owned);
            seen.push(Seen::At { session, cwd: None, branch: None });
        } else if self.speaker == Some(Trust::Agent) && line.starts_with("<tool-use") {
            let kind = line.split("data-tool-type=\"").nth(1).and_then(|rest| rest.split('"').next());
            self.call = Some(Call { kind: kind.unwrap_or_default().to_owned(), body: Vec::new() });
        } else if self.speaker == Some(Trust::Agent) && (self.thinks || line.starts_with("<think>")) {
            self.thinks = !line.contains("</think>");
        } else {
            self.word(line);
        }
    }

    fn end(&mut self, seen: &mut Vec<Seen>) {
        let words = take(&mut self.words);
        let words = words.trim().trim_end_matches("---").trim().to_owned();
        seen.extend(self.speaker.take().and_then(|speaker| said(speaker, words, None, None)));
        (self.thinks, self.call, self.is_fenced) = (false, None, false);
    }
}

impl Export {
    fn word(&mut self, line: &str) {
        if self.speaker.is_some() {
            self.words.push_str(line);
            self.words.push('\n');
        }
    }
}

impl Call {
    fn seen(&self) -> Seen {
        let called = |tool: &str, input| Seen::Called { call: None, tool: tool.to_owned(), input };
        match self.kind.as_str() {
            "shell" => self.command().map(|command| called("Bash", json!({ "command": command }))),
            "read" => self.quoted().map(|path| called("Read", json!({ "file_path": path }))),
            _ => None,
        }
        .unwrap_or_else(|| Seen::Passed("a call that the export does not show whole".into()))
    }

    /// A command: in a block for a shell, or in a line of its own.
    fn command(&self) -> Option<String> {
        let is_shell = |line: &&String| ["```bash", "```shell", "```sh"].contains(&line.trim_end());
        let mut lines = self.body.iter();
        if lines.by_ref().any(|line| is_shell(&line)) {
            let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("```")).map(String::as_str).collect();
            return Some(lines.join("\n"));
        }
        self.quoted()
    }

    fn quoted(&self) -> Option<String> {
        let inner = |line: &String| line.trim().strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        self.body.iter().find_map(inner).filter(|inner| !inner.contains('`'))
    }
}

/// Who speaks from this line on.
fn speaker(line: &str) -> Option<Trust> {
    let name = line.trim_end().strip_prefix("_**")?.strip_suffix("**_")?;
    match name.split([' ', '(']).next()? {
        "User" => Some(Trust::User),
        "Agent" | "Assistant" => Some(Trust::Agent),
        _ => None,
    }
}
