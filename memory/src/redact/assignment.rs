//! Assignments to names that are secret: where the value is, and whether it is a secret or only speaks of one.

use super::MAX_VALUE_BYTES;
use super::formats::{Name, STAND_INS};
use std::ops::Range;

/// The fewest bytes of a token that nothing but its name gives away.
const LEAST_TOKEN_BYTES: usize = 8;
/// The fewest bytes of a password in a sentence.
const LEAST_SPOKEN_BYTES: usize = 6;
/// Algorithms and formats that have digits as secrets do, in lower case.
const ALGORITHMS: &[&str] = &[
    "aes", "argon2", "base32", "base64", "blake", "ed25519", "hmac", "http", "md5", "oauth", "pbkdf2", "rsa", "sha",
    "utf", "x509",
];
/// What a value begins with that is read from somewhere else.
const REFERENCES: &[&str] =
    &["$", "<", "{", "[", "%", "*", "&", "/", "./", "~", "process.env", "os.environ", "env.", "your"];

/// A value that is assigned.
#[derive(Debug)]
pub(super) struct Assigned {
    /// Where it is, without quotes.
    pub(super) range: Range<usize>,
    /// How it is assigned.
    pub(super) how: How,
}

/// How a value is assigned, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// `name = "value"`.
    Quoted,
    /// `name=value`, as in a shell, a URL or a file of settings.
    Tight,
    /// `name: value` and nothing more on the line.
    Line,
    /// `name: value` or `the name is value`, within a sentence or code.
    Loose,
}

/// The value that is assigned to the name that ends at a place.
pub(super) fn assigned(text: &str, end: usize) -> Option<Assigned> {
    let after_name = text.get(end..)?;
    // Of a name in quotes, also as in `settings["password"]`: a bracket alone ends what was put in a secret's place.
    let unquoted = after_name.trim_start_matches('\\').trim_start_matches(['"', '\'', '`']);
    let unquoted = if unquoted.len() < after_name.len() { unquoted.trim_start_matches(']') } else { unquoted };
    let before = unquoted.trim_start_matches([' ', '\t']);
    let (after, is_tight, is_spoken) = sign(before, unquoted.len() == before.len())?;
    let value = after.trim_start_matches([' ', '\t']);
    let is_tight = is_tight && value.len() == after.len();
    let value = if is_spoken { value } else { after_type(value) };
    let opening = value.trim_start_matches('\\');
    let quote = opening.chars().next().filter(|char| matches!(char, '"' | '\'' | '`'));
    if let Some((quote, inner)) = quote.and_then(|quote| Some((quote, opening.get(1..)?))) {
        let length = closing(inner, quote)?;
        let start = text.len() - inner.len();
        return Some(Assigned { range: start..start + length, how: How::Quoted });
    }
    let bare = bare(value);
    let start = text.len() - value.len();
    let rest = value.get(bare.len()..).unwrap_or_default().trim_start_matches([' ', '\t', '\r', ',', ';', '}']);
    let how = match (is_tight, is_spoken, rest.is_empty() || rest.starts_with('\n')) {
        (true, _, _) => How::Tight,
        (_, false, true) => How::Line,
        _ => How::Loose,
    };
    Some(Assigned { range: start..start + bare.len(), how })
}

/// What follows the sign of an assignment, whether it is a bare `=`, and whether it is a word.
fn sign(before: &str, is_near: bool) -> Option<(&str, bool, bool)> {
    for word in ["is", "was"] {
        let after = before.strip_prefix(word).map(|after| after.strip_prefix(':').unwrap_or(after));
        if let Some(after) = after.filter(|after| !is_near && after.starts_with(' ')) {
            return Some((after, false, true));
        }
    }
    for sign in [":=", "=>", "=", ":"] {
        if let Some(after) = before.strip_prefix(sign) {
            // A comparison, or a path of names.
            let goes_on = after.starts_with(['=', ':', '~']);
            return (!goes_on).then_some((after, is_near && sign == "=", false));
        }
    }
    None
}

/// The value behind a type, as in `password: str = "…"`.
fn after_type(value: &str) -> &str {
    const MAX_TYPE_BYTES: usize = 40;
    let fits = |char: char| char.is_ascii_alphanumeric() || "_<>[]|.&?".contains(char);
    let rest = value.trim_start_matches(fits);
    let is_type = (1..=MAX_TYPE_BYTES).contains(&(value.len() - rest.len()));
    rest.strip_prefix(" = ").filter(|_| is_type).map_or(value, |value| value.trim_start_matches(' '))
}

/// How long a quoted value is; nothing where the quote isn't closed on its line.
fn closing(inner: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (place, char) in inner.char_indices().take(MAX_VALUE_BYTES) {
        match char {
            '\n' => return None,
            // In text that is itself quoted, the backslash belongs to the quote.
            char if char == quote => return Some(place - usize::from(is_escaped)),
            char => is_escaped = char == '\\' && !is_escaped,
        }
    }
    None
}

/// The word that a value without quotes begins with.
fn bare(value: &str) -> &str {
    let ends = |char: char| char.is_whitespace() || "&;,\"'`".contains(char);
    let end = value.char_indices().take(MAX_VALUE_BYTES).find(|(_, char)| ends(*char)).map(|(place, _)| place);
    let end = end.unwrap_or_else(|| value.char_indices().nth(MAX_VALUE_BYTES).map_or(value.len(), |(place, _)| place));
    let word = value.get(..end).unwrap_or_default().trim_end_matches(['.', ':', '!', '?']);
    if word.contains('(') { word } else { word.trim_end_matches([')', ']', '}']) }
}

impl How {
    /// Tells whether a value is the secret that its name speaks of.
    pub(super) fn gives_away(self, name: &Name, value: &str) -> bool {
        let value = value.trim();
        if value.len() < 3 || stands_in(value) {
            return false;
        }
        if value.contains(char::is_whitespace) {
            return name.end == "passphrase" && self == How::Quoted;
        }
        if self != How::Quoted && is_code(value) {
            return false;
        }
        if !name.any {
            return value.len() >= LEAST_TOKEN_BYTES && is_mixed(value);
        }
        match self {
            How::Quoted | How::Tight => true,
            How::Line => is_mixed(value) || value.bytes().all(|byte| byte.is_ascii_lowercase()),
            How::Loose => value.len() >= LEAST_SPOKEN_BYTES && is_mixed(value),
        }
    }
}

/// Tells whether a text stands for a value that is elsewhere, or for none.
pub(super) fn stands_in(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_reference = REFERENCES.iter().any(|reference| lower.starts_with(reference));
    let is_blank = lower.chars().all(|char| matches!(char, 'x' | '*' | '.' | '-' | '_' | '•' | '…' | '?'));
    // `USER_PASSWORD`: in examples, the name of what is to be filled in.
    let is_name = value.contains('_') && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    is_reference || is_blank || is_name || STAND_INS.contains(&lower.as_str())
}

/// Tells whether a bare value is code that yields the value: a call, a path of names, a name like that of a secret.
fn is_code(value: &str) -> bool {
    let is_path =
        value.contains('.') && value.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'.' | b'_'));
    let lower = value.to_ascii_lowercase();
    let is_named = ["password", "passwd", "pwd", "secret", "token", "key"].iter().any(|name| lower.ends_with(name));
    value.contains(['(', '<', '{', '[']) || value.contains("::") || value.contains("->") || is_path || is_named
}

/// Tells whether digits or signs stand among letters as no word has them.
fn is_mixed(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    if ALGORITHMS.iter().any(|algorithm| lower.starts_with(algorithm)) {
        return false;
    }
    let signs = |part: &str| part.contains(['!', '@', '#', '$', '%', '^', '*', '+', '=', '~']);
    let mixed = |part: &str| {
        let part = part.trim_start_matches(['v', 'V']);
        part.bytes().any(|byte| byte.is_ascii_digit()) && part.bytes().any(|byte| byte.is_ascii_alphabetic())
            || signs(part)
    };
    value.split(['-', '_', '.', '/', ':']).any(mixed)
}
