//! What a record may hold at most, so that no cell grows without bound; and what is taken out before it is written.

use super::MemoryError;
use crate::record::{Draft, MAX_TEXT_BYTES, Past, Provenance, Record, Scope, Turn};
use crate::redact::{redact, redacted};
use serde_json::{Map, Value};
use std::fmt;

/// The largest metadata of a record, in bytes of JSON.
pub const MAX_METADATA_BYTES: usize = 16 * 1024;
/// How deep metadata may nest.
pub const MAX_METADATA_DEPTH: usize = 8;
/// The longest name in a scope, of a conversation, a speaker, a source or a category, in bytes.
pub const MAX_NAME_BYTES: usize = 256;
/// How many categories a record may have.
pub const MAX_CATEGORIES: usize = 32;
/// How many records one may be made of.
pub const MAX_INPUTS: usize = 256;
/// How many entries the history of a record has; older ones are dropped.
pub const MAX_PAST: usize = 100;
/// How many bytes of texts the history of a record has; older entries are dropped.
const MAX_PAST_BYTES: usize = 1024 * 1024;

/// What of a record is over its limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// The metadata is too large.
    #[error("the metadata has {0} bytes: at most {MAX_METADATA_BYTES} are kept")]
    Metadata(usize),
    /// The metadata nests too deeply.
    #[error("the metadata nests more than {MAX_METADATA_DEPTH} deep")]
    Depth,
    /// A name is empty, too long, or has control characters.
    #[error("`{0}` has 1 to {MAX_NAME_BYTES} bytes without control characters")]
    Name(&'static str),
    /// There are too many categories.
    #[error("there are {0} categories: at most {MAX_CATEGORIES} are kept")]
    Categories(usize),
    /// It is made of too many records.
    #[error("a memory rests on at most {MAX_INPUTS} others, this one on {0}")]
    Inputs(usize),
}

/// A draft as it is kept: without secrets, and within the limits. Names of scopes and conversations stay as they are, as
/// records are found by them.
pub(super) fn kept(draft: &Draft) -> Result<Draft, MemoryError> {
    let mut draft = draft.clone();
    draft.text = text(&draft.text)?;
    draft.metadata = metadata(draft.metadata)?;
    draft.categories = categories(draft.categories)?;
    names(&draft.scope(), &draft.provenance, draft.turn.as_ref())?;
    Ok(draft)
}

/// The same for a record that comes from elsewhere.
pub(crate) fn hold(record: &mut Record) -> Result<(), MemoryError> {
    record.text = text(&record.text)?;
    record.metadata = metadata(std::mem::take(&mut record.metadata))?;
    record.categories = categories(std::mem::take(&mut record.categories))?;
    Ok(names(&record.scope, &record.provenance, record.turn.as_ref())?)
}

fn names(scope: &Scope, provenance: &Provenance, turn: Option<&Turn>) -> Result<(), Excess> {
    for (what, name) in scope.parts() {
        fits(what, name)?;
    }
    fits("source", provenance.source.as_deref())?;
    fits("conversation", turn.map(|turn| turn.conversation.as_str()))?;
    fits("speaker", turn.and_then(|turn| turn.speaker.as_deref()))?;
    let inputs = provenance.rests_on.len();
    if inputs > MAX_INPUTS { Err(Excess::Inputs(inputs)) } else { Ok(()) }
}

/// A text without secrets, of a length that can be kept.
pub(super) fn text(text: &str) -> Result<String, MemoryError> {
    let text = redacted(text);
    if text.trim().is_empty() || text.len() > MAX_TEXT_BYTES {
        return Err(MemoryError::Text(text.len()));
    }
    Ok(text.into_owned())
}

/// Metadata without secrets, of a size that can be kept.
pub(super) fn metadata(mut metadata: Map<String, Value>) -> Result<Map<String, Value>, MemoryError> {
    if metadata.values().any(|value| is_deeper(value, MAX_METADATA_DEPTH - 1)) {
        return Err(Excess::Depth.into());
    }
    redact(&mut metadata);
    let mut size = Size(0);
    let sized = serde_json::to_writer(&mut size, &metadata);
    if metadata.is_empty() || (sized.is_ok() && size.0 <= MAX_METADATA_BYTES) {
        return Ok(metadata);
    }
    Err(Excess::Metadata(size.0).into())
}

/// Categories without secrets, as many as can be kept.
pub(super) fn categories(categories: Vec<String>) -> Result<Vec<String>, MemoryError> {
    if categories.len() > MAX_CATEGORIES {
        return Err(Excess::Categories(categories.len()).into());
    }
    for category in &categories {
        fits("categories", Some(category))?;
    }
    Ok(categories.into_iter().map(|category| redacted(&category).into_owned()).collect())
}

/// Drops the oldest entries of a history that has become too long. The last one stays.
pub(crate) fn shorten(past: &mut Vec<Past>) {
    let texts = |event: &Past| [&event.before, &event.after].into_iter().flatten().map(String::len).sum::<usize>();
    let mut bytes = 0;
    let kept = past.iter().rev().take(MAX_PAST).take_while(|event| {
        bytes += texts(event);
        bytes <= MAX_PAST_BYTES
    });
    let dropped = past.len() - kept.count().max(1).min(past.len());
    past.drain(..dropped);
}

fn fits(what: &'static str, name: Option<&str>) -> Result<(), Excess> {
    let fits = |name: &str| (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.contains(char::is_control);
    if name.is_none_or(fits) { Ok(()) } else { Err(Excess::Name(what)) }
}

/// Tells whether a value nests deeper than so many levels, itself included.
fn is_deeper(value: &Value, levels: usize) -> bool {
    let inner = |value: &Value| levels.checked_sub(1).is_none_or(|levels| is_deeper(value, levels));
    match value {
        Value::Array(all) => levels == 0 || all.iter().any(inner),
        Value::Object(fields) => levels == 0 || fields.values().any(inner),
        _ => false,
    }
}

/// Counts what is written.
struct Size(usize);

impl std::io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
