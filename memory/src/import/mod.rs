//! What other programs remember, and conversations of data sets, taken over as records.
//!
//! A file is read by its [`Format`], draft by draft, and never held whole where the format allows it. What can't be taken is a
//! [`Problem`] with its place and what to do; the rest is imported. Of one text there is one record in a scope, so that
//! importing twice adds nothing. Opening files is for the caller.

pub mod conversation;
pub mod hotpotqa;
mod json;
mod knowledge_graph;
pub mod locomo;
pub mod longmemeval;
mod markdown;
mod mem0;
mod split;
mod transcript;

use crate::memories::{Memories, MemoryError};
use crate::record::Draft;
use crate::tenant::Tenant;
use consistency::Millis;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use std::fmt;
use std::io::{BufRead, Read};
use std::ops::ControlFlow;
use std::str::FromStr;

/// How many drafts are written in one transaction.
pub const BATCH: usize = 200;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// What `mem0` gives out: a list of memories, or an object with `results`.
    Mem0,
    /// The file of the MCP knowledge-graph server: a line for each entity and relation.
    KnowledgeGraph,
    /// A text in Markdown.
    Markdown,
    /// The `LoCoMo` data set.
    Locomo,
    /// The `LongMemEval` data set.
    Longmemeval,
    /// A transcript of Claude Code.
    ClaudeCode,
    /// A rollout of Codex.
    Codex,
    /// A chat of Gemini CLI.
    Gemini,
    /// What `trace memory export` writes.
    Trace,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 9] = [
        Format::Mem0,
        Format::KnowledgeGraph,
        Format::Markdown,
        Format::Locomo,
        Format::Longmemeval,
        Format::ClaudeCode,
        Format::Codex,
        Format::Gemini,
        Format::Trace,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Format::Mem0 => "mem0",
            Format::KnowledgeGraph => "knowledge-graph",
            Format::Markdown => "markdown",
            Format::Locomo => "locomo",
            Format::Longmemeval => "longmemeval",
            Format::ClaudeCode => "claude-code",
            Format::Codex => "codex",
            Format::Gemini => "gemini",
            Format::Trace => "trace",
        }
    }

    /// What a file is, by its name and how it begins: some kilobytes suffice.
    pub fn detect(name: &str, head: &str) -> Option<Format> {
        let ends = |end: &str| name.to_ascii_lowercase().ends_with(end);
        if ends(".md") || ends(".markdown") {
            return Some(Format::Markdown);
        }
        let lines = head.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        if let Some(format) = lines.filter(Value::is_object).find_map(|line| Format::of_line(&line)) {
            return Some(format);
        }
        // A file that is one value, whose head is not whole.
        let marks = [
            ("\"haystack_sessions\"", Format::Longmemeval),
            ("\"haystack_dates\"", Format::Longmemeval),
            ("\"sample_id\"", Format::Locomo),
            ("\"dia_id\"", Format::Locomo),
            ("\"question_id\"", Format::Longmemeval),
            ("\"sessionId\"", Format::Gemini),
            ("\"memory\"", Format::Mem0),
        ];
        marks.into_iter().find(|(mark, _)| head.contains(mark)).map(|(_, format)| format)
    }

    /// What a file is that has such a line.
    fn of_line(line: &Value) -> Option<Format> {
        let field = |name: &str| line.get(name);
        let kind = field("type").and_then(Value::as_str);
        match kind {
            Some("entity" | "relation") => Some(Format::KnowledgeGraph),
            Some("session_meta" | "response_item") => Some(Format::Codex),
            Some("user" | "assistant") if field("message").is_some() => Some(Format::ClaudeCode),
            Some("user" | "gemini") if field("content").is_some() => Some(Format::Gemini),
            _ if field("trace_memory").is_some() => Some(Format::Trace),
            _ if field("haystack_sessions").is_some() => Some(Format::Longmemeval),
            _ if field("sample_id").is_some() => Some(Format::Locomo),
            _ if field("memory").is_some() || field("results").is_some() => Some(Format::Mem0),
            _ if field("projectHash").is_some() || field("$set").is_some() => Some(Format::Gemini),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(name: &str) -> Result<Format, String> {
        let names = || Format::ALL.map(Format::name).join(", ");
        Format::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| format!("write one of {}", names()))
    }
}

/// Something that was not taken over, or not as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}{at}: {what}\nhelp: {help}")]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Where: `:12` for a line, ` item 3` for an element.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// Why a data set could not be parsed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no JSON.
    #[error("this is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An element of the file is not what it should be.
    #[error("item {item}: {what}")]
    Item {
        /// Which, counted from 1.
        item: usize,
        /// What is wrong.
        what: String,
    },
}

/// What is found in a file, one after the other.
pub(crate) enum Found {
    /// Something to be remembered.
    Draft(Box<Draft>),
    /// Something that is not taken: where, what, and what to do.
    Problem(String, String, &'static str),
}

/// Takes what is found; breaks off where nothing more is wanted.
pub(crate) type Sink<'s> = dyn FnMut(Found) -> ControlFlow<()> + 's;

/// What is to be taken of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choice {
    /// Whether what tools answered is taken from transcripts too, as text from outside.
    pub tools: bool,
}

/// What an import came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// New records.
    pub added: usize,
    /// Drafts whose text was there before.
    pub known: usize,
    /// What was not taken.
    pub problems: Vec<Problem>,
}

/// Taking over files, one after the other, into the memories of a tenant.
pub struct Import<'m> {
    memories: &'m Memories,
    tenant: &'m Tenant,
    by: &'m str,
    batch: Vec<Draft>,
    /// What was done so far.
    pub report: Report,
    progress: &'m mut dyn FnMut(&Report),
}

impl fmt::Debug for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Import for {} by {}: {:?}", self.tenant, self.by, self.report)
    }
}

impl<'m> Import<'m> {
    /// An import; `progress` is told after each transaction.
    pub fn new(
        memories: &'m Memories,
        tenant: &'m Tenant,
        by: &'m str,
        progress: &'m mut dyn FnMut(&Report),
    ) -> Import<'m> {
        Import { memories, tenant, by, batch: Vec::new(), report: Report::default(), progress }
    }

    /// Takes over one file.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be written; what was written before stays.
    pub fn file(&mut self, format: Format, name: &str, input: impl BufRead, choice: Choice) -> Result<(), MemoryError> {
        if format == Format::Trace {
            return self.export(name, input);
        }
        let mut failed = None;
        let mut sink = |found| match self.take(name, found) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        let _ = read(format, name, input, choice, &mut sink);
        failed.map_or_else(|| self.write(), Err)
    }

    fn export(&mut self, name: &str, input: impl BufRead) -> Result<(), MemoryError> {
        let (restored, bad) = self.memories.restore(self.tenant, self.by, input)?;
        self.report.added += restored.added;
        self.report.known += restored.known;
        let problems = bad.into_iter().map(|(line, what)| Problem {
            file: name.to_owned(),
            at: format!(":{line}"),
            what,
            help: "export it again, or take the line out".to_owned(),
        });
        self.report.problems.extend(problems);
        (self.progress)(&self.report);
        Ok(())
    }

    fn take(&mut self, file: &str, found: Found) -> Result<(), MemoryError> {
        match found {
            Found::Draft(draft) => {
                self.batch.push(*draft);
                if self.batch.len() >= BATCH { self.write() } else { Ok(()) }
            }
            Found::Problem(at, what, help) => {
                let (file, help) = (file.to_owned(), help.to_owned());
                self.report.problems.push(Problem { file, at, what, help });
                Ok(())
            }
        }
    }

    /// Writes what is waiting, in one transaction; where a draft can't be kept, one by one.
    fn write(&mut self) -> Result<(), MemoryError> {
        let batch = std::mem::take(&mut self.batch);
        let whole = self.memories.write(self.tenant, self.by, |transaction| {
            batch.iter().map(|draft| transaction.add(draft)).collect::<Result<Vec<_>, _>>()
        });
        let added = match whole {
            Ok((added, _)) => added,
            Err(MemoryError::Text(_) | MemoryError::Excess(_)) => self.one_by_one(&batch)?,
            Err(other) => return Err(other),
        };
        let new = added.iter().filter(|added| added.is_new).count();
        self.report.added += new;
        self.report.known += added.len() - new;
        (self.progress)(&self.report);
        Ok(())
    }

    fn one_by_one(&mut self, batch: &[Draft]) -> Result<Vec<crate::memories::Added>, MemoryError> {
        let mut all = Vec::new();
        for draft in batch {
            match self.memories.add(self.tenant, self.by, draft) {
                Ok(added) => all.push(added),
                Err(error @ (MemoryError::Text(_) | MemoryError::Excess(_))) => {
                    let begin: String = draft.text.chars().take(40).collect();
                    let file = draft.provenance.source.clone().unwrap_or_default();
                    let help = "shorten it in the file, and import the file again".to_owned();
                    let at = format!(" `{begin}…`");
                    self.report.problems.push(Problem { file, at, what: error.to_string(), help });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(all)
    }
}

/// Reads a file of any format but our own.
fn read(format: Format, name: &str, input: impl BufRead, choice: Choice, sink: &mut Sink<'_>) -> ControlFlow<()> {
    match format {
        Format::Mem0 => items(input, sink, &mut |item, value, sink| mem0::memories(item, &value, sink)),
        Format::KnowledgeGraph => {
            lines(input, sink, &mut |line, value, sink| knowledge_graph::line(line, &value, sink))
        }
        Format::Markdown => markdown::read(name, input, sink),
        Format::Locomo => conversations(input, "import/locomo", locomo::conversation, sink),
        Format::Longmemeval => conversations(input, "import/longmemeval", longmemeval::conversation, sink),
        Format::ClaudeCode => transcript::read(input, &transcript::CLAUDE_CODE, name, choice, sink),
        Format::Codex => transcript::read(input, &transcript::CODEX, name, choice, sink),
        Format::Gemini => transcript::gemini(input, name, choice, sink),
        Format::Trace => ControlFlow::Continue(()),
    }
}

fn conversations(
    input: impl Read,
    source: &str,
    one: fn(&Value) -> Result<conversation::Conversation, String>,
    sink: &mut Sink<'_>,
) -> ControlFlow<()> {
    items(input, sink, &mut |item, value, sink| {
        let all = match one(&value) {
            Ok(all) => all,
            Err(what) => {
                return sink(Found::Problem(format!(" item {item}"), what, "name another format with `--from`"));
            }
        };
        for what in &all.left_out {
            sink(Found::Problem(format!(" item {item}"), what.clone(), "it is left out; nothing else is"))?;
        }
        all.drafts(source).try_for_each(|draft| sink(Found::Draft(Box::new(draft))))
    })
}

/// What is done with each value of a file, and where it is.
type Each<'e> = dyn FnMut(usize, Value, &mut Sink<'_>) -> ControlFlow<()> + 'e;

/// Each element of a JSON file.
fn items(input: impl Read, sink: &mut Sink<'_>, each: &mut Each<'_>) -> ControlFlow<()> {
    match json::elements(input, &mut |item, value| each(item, value, sink)) {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            let help = "what comes before is imported; repair the file, or name its format with `--from`";
            sink(Found::Problem(format!(":{}", error.line()), error.to_string(), help))
        }
    }
}

/// Each line of a JSONL file; one that is no JSON is told and passed over.
fn lines(input: impl BufRead, sink: &mut Sink<'_>, each: &mut Each<'_>) -> ControlFlow<()> {
    const HELP: &str = "the other lines are imported; repair this one, and import the file again";
    for (number, line) in (1..).zip(input.split(b'\n')) {
        let line = match line {
            Ok(line) => line,
            Err(error) => return sink(Found::Problem(format!(":{number}"), error.to_string(), "read the file again")),
        };
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(value) => each(number, value, sink)?,
            Err(error) => sink(Found::Problem(format!(":{number}"), error.to_string(), HELP))?,
        }
    }
    ControlFlow::Continue(())
}

/// A date in a form of `strptime`, taken as UTC; nothing where it is none, or before 1970.
fn moment(form: &str, date: &str) -> Option<Millis> {
    let date = jiff::civil::DateTime::strptime(form, date.trim()).ok()?;
    Millis::try_from(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond()).ok()
}

/// A time of RFC 3339.
fn time(value: &Value) -> Option<Millis> {
    let time: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Millis::try_from(time.as_millisecond()).ok()
}
