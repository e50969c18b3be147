//! What a user said to an agent: the evidence that rules are made of.

use crate::event::Event;
use crate::rule::{Quote, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A message of a user. Only `text` is required; unknown fields are kept out, never an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// The user's own words, whole.
    pub text: String,
    /// A name of its own; without one, a hash of the text and the place it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The session it was said in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The turn of that session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<u64>,
    /// When it was said (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The file or program it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What surrounded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Where the rules that follow from it shall apply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
}

/// What surrounded a message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Context {
    /// The heading it stood under, where it is from a document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading: Option<String>,
    /// The text that follows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The action of the agent that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Box<Event>>,
    /// The languages of the project.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
}

impl Correction {
    /// A message of which only the words are known.
    pub fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            id: None,
            session: None,
            turn: None,
            at: None,
            source: None,
            context: None,
            scope: None,
        }
    }

    /// A part of it, with where it was said.
    pub fn quote(&self, part: &str) -> Quote {
        Quote {
            quote: part.to_owned(),
            correction: self.key(),
            source: self.source.clone(),
            session: self.session.clone(),
            turn: self.turn,
        }
    }

    /// Its name: the given one, or sixteen hexadecimal digits of a BLAKE3 hash over text, session and turn, so that the
    /// same message read twice is one piece of evidence.
    pub fn key(&self) -> String {
        if let Some(id) = &self.id {
            return id.clone();
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.text.trim().as_bytes());
        hasher.update(&[0]);
        hasher.update(self.session.as_deref().unwrap_or_default().as_bytes());
        hasher.update(&self.turn.unwrap_or_default().to_le_bytes());
        hasher.finalize().to_hex().chars().take(16).collect()
    }
}

/// How an input of corrections is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object a line.
    JsonLines,
    /// One message a line.
    PlainText,
}

impl Form {
    /// Tells the form by the first line that is not blank: JSON lines begin with `{`.
    ///
    /// A message may begin with a brace too; it is read as plain text unless a quote or a closing brace follows, as in
    /// every JSON object.
    pub fn detect(first_line: &str) -> Self {
        let line = first_line.trim_start_matches('\u{feff}').trim_start();
        let inside = line.strip_prefix('{').map(str::trim_start);
        match inside {
            Some(rest) if rest.is_empty() || rest.starts_with(['"', '}']) => Self::JsonLines,
            _ => Self::PlainText,
        }
    }

    /// Reads one line.
    ///
    /// # Errors
    /// What is wrong with it, with the column (from 1) where the parser stopped.
    pub fn read(self, line: &str) -> Result<Option<Correction>, LineError> {
        let line = line.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
        if line.trim().is_empty() {
            return Ok(None);
        }
        match self {
            Self::PlainText => Ok(Some(Correction::of(line.trim()))),
            Self::JsonLines => {
                let correction: Correction = serde_json::from_str(line).map_err(|error| LineError::of(line, &error))?;
                if correction.text.trim().is_empty() {
                    return Err(LineError { column: 1, message: "`text` is empty".to_owned() });
                }
                Ok(Some(correction))
            }
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LineError {
    /// The column, in bytes from 1.
    pub column: usize,
    /// What is wrong, in lower case.
    pub message: String,
}

impl LineError {
    /// From the parser's error on a one-line text, whose own position is cut from the message.
    pub fn of(line: &str, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
        Self { column: error.column().clamp(1, line.len().max(1)), message }
    }
}
