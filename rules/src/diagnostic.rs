//! What can be wrong with what a user wrote, as data: one diagnostic never hides another, and none stops the rest.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Which kind of thing; `trace explain CODE` prints its page.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in lower case, with the user's text in backticks.
    pub message: String,
    /// What to do next.
    pub help: String,
    /// Where, if it is in a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, in bytes from 1.
    pub column: usize,
    /// The length in bytes, at least 1.
    pub length: usize,
    /// The line's text, cut to 400 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Advice,
    /// Something was left out.
    Warning,
    /// Something could not be done.
    Error,
}

impl Diagnostic {
    /// A diagnostic of a kind, with the severity and the help that its page gives.
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.page().severity,
            message: message.into(),
            help: code.page().help.to_owned(),
            span: None,
        }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(self, span: Span) -> Self {
        Self { span: Some(span), ..self }
    }

    /// The same with another next step.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: help.into(), ..self }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(f, "{}:{}:{}: ", span.file, span.line, span.column)?;
        }
        write!(f, "{}: {} (help: {})", self.code, self.message, self.help)
    }
}

impl Span {
    /// A place on a line, with the line's text.
    pub fn on(file: impl Into<String>, line: usize, column: usize, length: usize, text: &str) -> Self {
        let end = text.floor_char_boundary(400);
        let text = text.get(..end).unwrap_or_default().trim_end_matches(['\n', '\r']).to_owned();
        Self { file: file.into(), line, column, length: length.max(1), text }
    }

    /// A place given as a byte range of a whole text.
    pub fn within(file: impl Into<String>, text: &str, range: std::ops::Range<usize>) -> Self {
        let start = text.floor_char_boundary(range.start.min(text.len()));
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let number = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let length = range.end.saturating_sub(range.start).min(line.len().saturating_sub(start - line_start));
        Self::on(file, number, start - line_start + 1, length, line)
    }
}

/// The page of a code: what it means and what to do.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The stable name, such as `T101`.
    pub name: &'static str,
    /// The headline.
    pub title: &'static str,
    /// The usual severity.
    pub severity: Severity,
    /// The usual next step.
    pub help: &'static str,
    /// Why it happens, with an example.
    pub text: &'static str,
}

/// Defines the codes once: the enum, its names and its pages.
macro_rules! codes {
    ($($variant:ident = $name:literal, $severity:ident, $title:literal, $help:literal, $text:literal;)*) => {
        /// The kinds of diagnostics. The name is stable; T1xx is about input, T2xx about rule files, T3xx about what
        /// a rule asks, T4xx about rules against each other and their own tests, T5xx about events and the cache.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// Its page.
            pub fn page(self) -> Page {
                match self {
                    $(Self::$variant => Page {
                        name: $name, title: $title, severity: Severity::$severity, help: $help, text: $text,
                    },)*
                }
            }
        }
    };
}

codes! {
    NotJson = "T101", Error, "A line of a correction file is not a JSON object",
        "mend the line, or write it as {\"text\": \"…\"}",
        "The file's first line is JSON, so every line must be one JSON object with at least a `text` field. The line was left out; all others were compiled.\n\nExample: `{\"text\": \"never use npm here, use pnpm\"}`";
    NotUtf8 = "T102", Error, "A line is not UTF-8",
        "save the file as UTF-8",
        "Corrections and events are read as UTF-8 text. The line was left out; all others were read.";
    LineTooLong = "T103", Error, "A line is longer than the limit",
        "split the message, or cut pasted text out of it",
        "A single line may hold at most 1 MiB for corrections and 64 MiB for events, so that memory stays bounded however large the file is. The line was left out; all others were read.";
    NotAnEvent = "T104", Error, "A line of an event file is not an event",
        "compare the line with `trace schema event`",
        "Every line must be a JSON object whose `event` is one of the known kinds, with that kind's fields. The line was left out; all others were checked.\n\nExample: `{\"event\":\"pre_tool_use\",\"tool\":\"Bash\",\"input\":{\"command\":\"npm install\"}}`";
    RuleFileSyntax = "T201", Error, "A rule file cannot be read",
        "mend the file, or take the last change back with `trace rules undo NAME`",
        "The file is not valid TOML, or a field has the wrong name or type. The rule is not enforced until the file is mended; all other rules are.";
    RuleFileName = "T202", Warning, "A rule file is not named after its rule",
        "rename the file to NAME.toml",
        "One rule lives in one file, and the file is called after the rule, so that a person and a tool find it at once. The rule is used all the same.";
    UnknownRule = "T203", Error, "There is no such rule",
        "`trace rules list` shows them all",
        "The name is neither a rule's nor the code of a diagnostic.";
    BadPattern = "T301", Error, "A predicate cannot be compiled",
        "mend the predicate in the rule file",
        "A command pattern, a glob, a regular expression, a JSON pointer or a code pattern inside the rule is not well formed. Regular expressions run in linear time: look-around and back-references are not available.";
    TooComplex = "T302", Error, "A rule asks for too much at once",
        "split the rule",
        "A check watches at most eight predicates, and its monitor has at most 256 states. Counting beyond that, or chaining more steps, needs several rules.";
    UnknownLanguage = "T303", Error, "A language has no grammar here",
        "name a language from the list, or use `added` with a text test",
        "Code patterns need a grammar. The message lists the languages that have one.";
    NoCheck = "T304", Error, "A rule claims to be checked but holds no check",
        "add a `[check]` table, or set `decided_by = \"reminder\"`",
        "A rule with `decided_by = \"check\"` needs a `[check]` table that says which pattern it enforces.";
    FailedExample = "T401", Error, "A rule fails one of its own tests",
        "mend the rule or the example, then run `trace rules arm NAME`",
        "Every rule carries events that violate it and close ones that do not, and mutants of the first. A rule that judges one of them wrongly is never armed; it stays proposed.";
    Untested = "T402", Warning, "A rule lacks an example of a violation or of a clean action",
        "add `[[example]]` tables for both",
        "A rule is armed by itself only when at least one example violates it and at least one close by does not.";
    Conflict = "T403", Warning, "Two rules cannot both be kept",
        "retire one of them, or narrow its scope",
        "One rule forbids what the other asks for. Both are shown with the words they came from. The newer one is not armed until a person decides.";
    BadExample = "T404", Error, "An example's events cannot be read",
        "write one JSON event a line, as in `trace schema event`",
        "The `events` of an example are lines of the form that `trace check` reads.";
    StaleCache = "T501", Advice, "The compiled checks were made anew",
        "nothing to do",
        "`.trace/cache/checks.bin` was damaged, was something else, or cannot be kept where it belongs. It is derived from the rule files and may always be deleted; a missing or outdated one is made anew without a word.";
}

impl Code {
    /// The code with this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.page().name.eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.page().name)
    }
}
