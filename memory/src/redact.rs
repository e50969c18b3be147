//! Secrets are taken out of texts before anything is written, and `[redacted KIND]` is put in their place.
//!
//! One pass in linear time, and a second pass finds nothing more. What counts as a secret is a table: tokens with prefixes that their
//! providers have given them, private keys, JSON web tokens, `Authorization` values, passwords in URLs, and assignments to
//! names such as `password` or `api_key`. Where it is unclear a text stays, unless it is a password: hashes, UUIDs and
//! sentences about passwords are what memories are made of. This does not find what only a person would know to be secret.

mod assignment;
mod formats;

use assignment::{Assigned, How, stands_in};
use formats::{Alphabet, FORMATS, Format, NAMES, Name, SCHEMES};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;

/// The longest value that is looked at, in bytes: what keeps the time linear.
const MAX_VALUE_BYTES: usize = 256;
/// The fewest bytes of a token whose form nothing gives away but its name.
const LEAST_TOKEN_BYTES: usize = 8;

/// The text without its secrets.
pub fn redacted(text: &str) -> Cow<'_, str> {
    let mut scan = Scan { text, bytes: text.as_bytes(), no_more_keys: false };
    let mut kept = String::new();
    let (mut done, mut at) = (0, 0);
    while at < text.len() {
        let Some(secret) = scan.secret(at) else {
            at += 1;
            continue;
        };
        kept.push_str(text.get(done..at).unwrap_or_default());
        // A name in front of the secret may be one itself, as the user of a URL is.
        kept.push_str(&redacted(text.get(at..secret.range.start).unwrap_or_default()));
        kept.push_str(&format!("[redacted {}]", secret.kind));
        done = secret.range.end;
        at = done;
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    kept.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(kept)
}

/// Takes the secrets out of the fields of an object, their names included: a value whose name says that it is secret goes.
pub fn redact(fields: &mut Map<String, Value>) {
    *fields = std::mem::take(fields)
        .into_iter()
        .map(|(name, mut value)| {
            redact_value(&mut value, named(&name));
            (redacted(&name).into_owned(), value)
        })
        .collect();
}

fn redact_value(value: &mut Value, name: Option<&Name>) {
    match value {
        Value::String(text) => {
            if let Some(name) = name.filter(|name| How::Quoted.gives_away(name, text)) {
                *text = format!("[redacted {}]", name.kind);
            } else if let Cow::Owned(clean) = redacted(text) {
                *text = clean;
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|value| redact_value(value, name)),
        Value::Object(fields) => redact(fields),
        _ => {}
    }
}

/// What a whole name says about its value.
fn named(name: &str) -> Option<&'static Name> {
    let plain: String = name.chars().filter(|char| !matches!(char, '_' | '-' | ' ')).collect();
    let plain = plain.to_ascii_lowercase();
    NAMES.iter().find(|name| plain.ends_with(name.end))
}

/// A secret in a text.
struct Secret {
    range: Range<usize>,
    kind: &'static str,
}

/// A text that is being looked through.
struct Scan<'t> {
    text: &'t str,
    bytes: &'t [u8],
    /// No private key ends after the place of the last look.
    no_more_keys: bool,
}

impl Scan<'_> {
    /// The secret that is found by looking from a place; it may begin after it.
    fn secret(&mut self, at: usize) -> Option<Secret> {
        match self.byte(at)? {
            b'-' => self.private_key(at),
            b':' => self.url_password(at),
            first if first.is_ascii_alphanumeric() => {
                let known = || self.token(at).or_else(|| self.web_token(at));
                known().or_else(|| self.authorization(at)).or_else(|| self.assignment(at))
            }
            _ => None,
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    fn rest(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// Tells whether a word begins at a place.
    fn begins(&self, at: usize) -> bool {
        at.checked_sub(1).and_then(|before| self.byte(before)).is_none_or(|byte| !byte.is_ascii_alphanumeric())
    }

    /// Where the characters of an alphabet end that begin at a place; at most so many are looked at.
    fn run(&self, at: usize, alphabet: Alphabet, most: usize) -> usize {
        at + self.rest(at).iter().take(most).take_while(|byte| alphabet.has(**byte)).count()
    }

    /// A token with a prefix of its provider.
    fn token(&self, at: usize) -> Option<Secret> {
        if !self.begins(at) {
            return None;
        }
        let format = FORMATS.iter().find(|format| self.rest(at).starts_with(format.prefix.as_bytes()))?;
        let &Format { prefix, alphabet, least, most, kind } = format;
        let start = at + prefix.len();
        let mut end = self.run(start, alphabet, most);
        // A sentence may end with it.
        while end > start && matches!(self.byte(end - 1), Some(b'.' | b'-' | b'/')) {
            end -= 1;
        }
        let closed = most == usize::MAX || self.byte(end).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        ((least..=most).contains(&(end - start)) && closed).then_some(Secret { range: at..end, kind })
    }

    /// A JSON web token (RFC 7519, compact serialization of RFC 7515): three parts, and `{"` in base64 is `eyJ`.
    fn web_token(&self, at: usize) -> Option<Secret> {
        if !self.begins(at) || !self.rest(at).starts_with(b"eyJ") {
            return None;
        }
        let head = self.run(at, Alphabet::Url, 4 * MAX_VALUE_BYTES);
        if self.byte(head) != Some(b'.') {
            return None;
        }
        let body = self.run(head + 1, Alphabet::Url, 64 * MAX_VALUE_BYTES);
        if self.byte(body) != Some(b'.') {
            return None;
        }
        let end = self.run(body + 1, Alphabet::Url, usize::MAX);
        (head - at >= 10 && body - head > 10).then_some(Secret { range: at..end, kind: "JWT" })
    }

    /// A private key in text form (RFC 7468, section 10; RFC 9580, section 6.2); one that is cut off goes to its last line.
    fn private_key(&mut self, at: usize) -> Option<Secret> {
        const BEGIN: &[u8] = b"-----BEGIN ";
        const MAX_LABEL_BYTES: usize = 40;
        if !self.rest(at).starts_with(BEGIN) {
            return None;
        }
        let from = at + BEGIN.len();
        let label = self.rest(from).get(..MAX_LABEL_BYTES).unwrap_or(self.rest(from));
        let length = label.windows(5).position(|window| window == b"-----")?;
        let label = self.text.get(from..from + length)?;
        if !label.ends_with("PRIVATE KEY") && !label.ends_with("PRIVATE KEY BLOCK") {
            return None;
        }
        let body = from + length + 5;
        let end = self.key_end(body).unwrap_or_else(|| self.key_lines(body));
        Some(Secret { range: at..end, kind: "private key" })
    }

    fn key_end(&mut self, body: usize) -> Option<usize> {
        const END: &str = "-----END ";
        if self.no_more_keys {
            return None;
        }
        let rest = self.text.get(body..)?;
        let Some(end) = rest.find(END) else {
            self.no_more_keys = true;
            return None;
        };
        let line = rest.get(end + END.len()..)?;
        let close = line.bytes().take(64).collect::<Vec<_>>().windows(5).position(|window| window == b"-----");
        Some(body + end + END.len() + close.map_or(0, |close| close + 5))
    }

    /// The end of the lines of base64 that follow, one after the other.
    fn key_lines(&self, mut end: usize) -> usize {
        const LEAST_LINE_BYTES: usize = 16;
        loop {
            let line = end + self.rest(end).iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            let next = self.run(line, Alphabet::Any, usize::MAX);
            if next - line < LEAST_LINE_BYTES {
                return end;
            }
            end = next;
        }
    }

    /// The password of a URL (RFC 3986, section 3.2.1).
    fn url_password(&self, at: usize) -> Option<Secret> {
        if !self.rest(at).starts_with(b"://") {
            return None;
        }
        let from = at + 3;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`<>".contains(byte);
        let authority: Vec<u8> =
            self.rest(from).iter().take(MAX_VALUE_BYTES).copied().take_while(|byte| !ends(byte)).collect();
        let (host, user) =
            (authority.iter().rposition(|byte| *byte == b'@')?, authority.iter().position(|byte| *byte == b':')?);
        let range = from + user + 1..from + host;
        let password = self.text.get(range.clone())?;
        (!password.is_empty() && !stands_in(password)).then_some(Secret { range, kind: "password" })
    }

    /// What follows a scheme of authorization. A sentence about bearers has no digit in its words.
    fn authorization(&self, at: usize) -> Option<Secret> {
        let named = self.follows(at, "authorization").and_then(|end| assignment::assigned(self.text, end));
        let from = named.as_ref().map_or(at, |value| value.range.start);
        if !self.begins(from) {
            return None;
        }
        let scheme =
            SCHEMES.iter().find(|scheme| self.follows(from, scheme).is_some_and(|end| self.byte(end) == Some(b' ')))?;
        if named.is_none() && *scheme != "bearer" {
            return None;
        }
        let start = from + scheme.len() + 1;
        let end = self.run(start, Alphabet::Any, MAX_VALUE_BYTES);
        let value = self.text.get(start..end)?;
        let least = if named.is_some() { LEAST_TOKEN_BYTES } else { 2 * LEAST_TOKEN_BYTES };
        let is_secret = value.len() >= least && (named.is_some() || value.bytes().any(|byte| byte.is_ascii_digit()));
        (is_secret && self.token(start).or_else(|| self.web_token(start)).is_none())
            .then_some(Secret { range: start..end, kind: "token" })
    }

    /// The value that is assigned to a name that is secret. The name may begin anywhere: `DB_PASSWORD`, `apiKey`.
    fn assignment(&self, at: usize) -> Option<Secret> {
        NAMES.iter().find_map(|name| {
            let end = self.follows(at, name.end)?;
            let Assigned { range, how } = assignment::assigned(self.text, end)?;
            let text = self.text.get(range.clone())?;
            let known = self.token(range.start).or_else(|| self.web_token(range.start));
            (known.is_none() && how.gives_away(name, text)).then_some(Secret { range, kind: name.kind })
        })
    }

    /// Where a word of lower-case letters ends that begins at a place, case and one `_`, `-` or space between letters aside.
    fn follows(&self, at: usize, word: &str) -> Option<usize> {
        let mut end = at;
        for (place, letter) in word.bytes().enumerate() {
            if place > 0 && matches!(self.byte(end), Some(b'_' | b'-' | b' ')) {
                end += 1;
            }
            if self.byte(end)?.to_ascii_lowercase() != letter {
                return None;
            }
            end += 1;
        }
        Some(end)
    }
}
