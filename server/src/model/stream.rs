//! Answers that come in pieces: server-sent events (WHATWG HTML, section 9.2) and lines of JSON, with caps.

use memory::model::ModelError;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read};

/// The largest body that is read, in bytes.
pub(super) const MAX_BODY_BYTES: u64 = 8 << 20;
/// The longest event, in bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;
/// The longest answer that is kept, in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// How events are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// `data:` lines, an empty line after each event.
    Sse,
    /// One a line.
    Lines,
}

/// What has come of an answer.
#[derive(Debug, Default)]
pub(super) struct Partial {
    /// The text.
    pub text: String,
    /// Tokens of the question, once they were told.
    pub input: Option<u64>,
    /// Tokens of the answer, once they were told.
    pub output: Option<u64>,
    /// Whether the provider said that this was all.
    pub is_complete: bool,
    /// Whether nothing comes any more.
    pub is_over: bool,
}

impl Partial {
    /// Takes a piece of text.
    pub(super) fn push(&mut self, piece: &str) -> Result<(), ModelError> {
        if self.text.len() + piece.len() > MAX_TEXT_BYTES {
            return Err(ModelError::Broken("it is longer than 1 MiB".to_owned()));
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// Reads an answer to its end; each event is given to `take`.
pub(super) fn read(
    body: impl Read,
    framing: Framing,
    take: impl Fn(&Value, &mut Partial) -> Result<(), ModelError>,
) -> Result<Partial, ModelError> {
    let (mut lines, mut partial, mut event) = (BufReader::new(body), Partial::default(), String::new());
    while !partial.is_over {
        let line = line(&mut lines).map_err(|error| failed(&error))?;
        let ended = line.is_none();
        let line = line.unwrap_or_default();
        match (framing, line.strip_prefix("data:")) {
            (Framing::Sse, Some(data)) => {
                event.push_str(data.strip_prefix(' ').unwrap_or(data));
                event.push('\n');
            }
            (Framing::Lines, _) => event.push_str(&line),
            // Names of events, comments and the like: what matters is in the data.
            (Framing::Sse, None) if !line.is_empty() => continue,
            (Framing::Sse, None) => {}
        }
        let is_whole = framing == Framing::Lines || line.is_empty();
        if event.len() > MAX_EVENT_BYTES {
            return Err(ModelError::Broken("an event is longer than 1 MiB".to_owned()));
        }
        if is_whole && !event.trim().is_empty() {
            one(event.trim(), &take, &mut partial)?;
            event.clear();
        }
        if ended {
            break;
        }
    }
    if partial.is_complete {
        Ok(partial)
    } else {
        Err(ModelError::Broken("the stream ended before the answer".to_owned()))
    }
}

fn one(
    event: &str,
    take: impl Fn(&Value, &mut Partial) -> Result<(), ModelError>,
    partial: &mut Partial,
) -> Result<(), ModelError> {
    if event == "[DONE]" {
        (partial.is_complete, partial.is_over) = (true, true);
        return Ok(());
    }
    let event: Value =
        serde_json::from_str(event).map_err(|error| ModelError::Broken(format!("an event is no JSON: {error}")))?;
    if let Some(error) = event.get("error").filter(|error| !error.is_null()) {
        return Err(ModelError::Broken(kind(error).unwrap_or_else(|| "the provider reports an error".to_owned())));
    }
    take(&event, partial)
}

/// What kind of error a provider reports: a short name, never its prose, in which a key may stand.
pub(super) fn kind(error: &Value) -> Option<String> {
    let name = |field: &str| error.get(field).and_then(Value::as_str);
    let is_name =
        |text: &&str| text.len() <= 48 && text.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == ' ');
    name("code").filter(is_name).or_else(|| name("type").filter(is_name)).map(str::to_owned)
}

/// The next line without its end; nothing at the end of the body.
fn line(lines: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let most = MAX_EVENT_BYTES as u64 + 1;
    if lines.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() > MAX_EVENT_BYTES {
        return Err(io::Error::other("a line is longer than 1 MiB"));
    }
    let line = String::from_utf8(line).map_err(|_| io::Error::other("it is no UTF-8"))?;
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn failed(error: &io::Error) -> ModelError {
    let wrapped = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    match wrapped {
        Some(ureq::Error::Timeout(_)) => ModelError::Late,
        _ if error.kind() == io::ErrorKind::TimedOut => ModelError::Late,
        _ => ModelError::Broken(error.to_string()),
    }
}
