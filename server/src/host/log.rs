//! `.trace/log.jsonl`: what was blocked and why, what shadow rules would have blocked, and when checks were not enforced.
//!
//! One line an entry, appended in one write, readable by its owner only and without secrets. A log that has grown long
//! makes way for a new one; one old log is kept. That a line cannot be written stops nothing.

use memory::redact::redacted;
use rules::RuleId;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

/// The size at which a log makes way for a new one, in bytes.
const MAX_BYTES: u64 = 4 << 20;
/// The longest text of an entry, in characters.
const MAX_TEXT_CHARS: usize = 500;

/// The log's file in the folder `.trace`.
pub const NAME: &str = "log.jsonl";

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When (RFC 3339).
    pub at: String,
    /// What happened.
    pub what: What,
    /// The host.
    pub host: String,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleId>,
    /// The user's words that the rule is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// What shows it, or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A call was refused.
    Blocked,
    /// A call was changed into one that means the same and is allowed.
    Rewritten,
    /// The end of a turn was held.
    Held,
    /// A rule in shadow, or one that only should be kept, was violated.
    Noted,
    /// A turn ended with something open.
    Unresolved,
    /// A rule was made of what the user said.
    Learned,
    /// A person let something pass.
    Waived,
    /// A rule was put in shadow, because it was waived too often.
    Demoted,
    /// A write to our own files was refused.
    Protected,
    /// Nothing was enforced, because of a fault or for want of time.
    NotEnforced,
}

impl Entry {
    /// An entry of now.
    pub fn of(what: What, host: &str) -> Self {
        let at = jiff::Timestamp::now().to_string();
        Self { at, what, host: host.to_owned(), session: None, rule: None, said: None, why: None }
    }

    /// The same with a reason.
    #[must_use]
    pub fn because(self, why: &str) -> Self {
        Self { why: Some(why.to_owned()), ..self }
    }
}

/// Adds entries to the log of a workspace that has one.
///
/// # Errors
/// The file cannot be written.
pub fn append(trace: &Path, entries: &[Entry]) -> io::Result<()> {
    if entries.is_empty() || !trace.is_dir() {
        return Ok(());
    }
    let mut lines = Vec::new();
    for entry in entries {
        let clean =
            |text: &Option<String>| text.as_deref().map(|text| super::answer::cut(&redacted(text), MAX_TEXT_CHARS));
        serde_json::to_writer(
            &mut lines,
            &Entry { said: clean(&entry.said), why: clean(&entry.why), ..entry.clone() },
        )?;
        lines.push(b'\n');
    }
    let path = trace.join(NAME);
    if fs::metadata(&path).is_ok_and(|about| about.len() > MAX_BYTES) {
        fs::rename(&path, trace.join("log.old.jsonl"))?;
    }
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(&lines)
}

/// The entries, oldest first; lines that are none are passed over.
///
/// # Errors
/// The file is there and cannot be read.
pub fn read(trace: &Path) -> io::Result<Vec<Entry>> {
    let file = match File::open(trace.join(NAME)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let lines = BufReader::new(file).lines();
    lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok()).map(Ok).collect()
}
