//! A sentence as tokens.
//!
//! INVARIANT: every range is on character boundaries of the message, and the work is linear in its length.
//!
//! The build script splits the phrases of the lexicon by this very file, so that it stands on nothing but `std`.

use std::borrow::Cow;
use std::ops::Range;

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A word, or one character of a script that is written without spaces.
    Word,
    /// A code span.
    Code,
    /// A text in quotation marks.
    Quote,
    /// The name or pattern of files; the lexicon says so, not the shape alone.
    Path,
    /// A word that begins with a hyphen.
    Flag,
    /// A number in digits.
    Number,
    /// Punctuation.
    Mark,
}

/// A token of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The text, without quotation marks and backticks.
    pub text: &'a str,
    /// The text in lower case, with straight apostrophes; a code span keeps its backticks.
    pub lower: Cow<'a, str>,
    pub form: Form,
    /// Where it stands in the message, with its quotation marks.
    pub range: Range<usize>,
}

/// The lower-case words of a phrase, as tokens are compared.
pub(crate) fn words(phrase: &str) -> Vec<String> {
    // Most phrases of the lexicon are plain words, and a process that reads one message splits all of them.
    let plain = |word: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '\'' | '_');
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        word.starts_with(edge) && word.ends_with(edge) && word.chars().all(inner)
    };
    if phrase.split(' ').all(plain) {
        return phrase.split(' ').map(str::to_owned).collect();
    }
    tokens(phrase, 0..phrase.len()).into_iter().map(|token| token.lower.into_owned()).collect()
}

/// A text in lower case; most words are written so.
pub(super) fn lowered(text: &str) -> Cow<'_, str> {
    let written = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if text.bytes().all(written) { Cow::Borrowed(text) } else { text.to_lowercase().into() }
}

fn straightened(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains('’') { text } else { text.replace('’', "'").into() }
}

/// Splits a sentence into tokens.
pub(super) fn tokens(text: &str, range: Range<usize>) -> Vec<Token<'_>> {
    // Words have some five letters.
    let mut found = Vec::with_capacity(range.len() / 5 + 4);
    let mut at = range.start;
    while let Some(rest) = text.get(at..range.end)
        && let Some(c) = rest.chars().next()
    {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if c == '['
            && let Some((target, length)) = link(rest)
        {
            let whole = at..at + length;
            at = whole.end;
            found.push(Token { text: target, lower: lowered(target), form: Form::Word, range: whole });
            continue;
        }
        if rest.starts_with("**") && !rest.starts_with("**/") && !rest.starts_with("***") {
            // `do **not**` is `do not`.
            at += 2;
            continue;
        }
        let (skip, length, form) = scan(rest, c, text.get(range.start..at).unwrap_or_default());
        let whole = at..at + (skip + length + skip).max(c.len_utf8()).min(rest.len());
        let inner = rest.get(skip..skip + length).unwrap_or_default();
        let spelled = if form == Form::Code { rest.get(..length + 2 * skip).unwrap_or_default() } else { inner };
        at = text.ceil_char_boundary(whole.end);
        found.push(Token { text: inner, lower: straightened(lowered(spelled)), form, range: whole });
    }
    found
}

/// The file that a Markdown link at the beginning of a text leads to, and the length of the link.
fn link(rest: &str) -> Option<(&str, usize)> {
    // The bound keeps unclosed brackets from being searched for again and again.
    let inside = rest.get(1..rest.floor_char_boundary(200))?;
    let (label, behind) = inside.split_once("](")?;
    let (target, _) = behind.split_once(')')?;
    let file = target.contains('.') && !target.contains("://") && !target.starts_with('#');
    let plain = !target.contains(char::is_whitespace) && !label.contains(['[', '\n']);
    (file && plain).then_some((target.trim_start_matches("./"), label.len() + target.len() + 4))
}

/// The width of the marks around the token that a text begins with, the length of its inside, and its form.
fn scan(rest: &str, first: char, before: &str) -> (usize, usize, Form) {
    let behind_word = before.ends_with(char::is_alphanumeric);
    let close = |mark: char, width: usize| {
        // A quotation is short: the bound keeps unclosed marks from being searched for again and again.
        let inside = rest.get(width..rest.floor_char_boundary(400))?;
        inside.find(mark).filter(|length| *length > 0 && !inside.get(..*length).is_some_and(|text| text.contains('\n')))
    };
    match first {
        '`' => match close('`', 1) {
            Some(length) => (1, length, Form::Code),
            None => (0, 1, Form::Mark),
        },
        '"' => match close('"', 1) {
            Some(length) => (1, length, Form::Quote),
            None => (0, 1, Form::Mark),
        },
        // INVARIANT: opening and closing typographic marks are equally wide.
        '“' => match close('”', 3) {
            Some(length) => (3, length, Form::Quote),
            None => (0, 3, Form::Mark),
        },
        '«' => match close('»', 2) {
            Some(length) => (2, length, Form::Quote),
            None => (0, 2, Form::Mark),
        },
        '\'' if !behind_word => match close('\'', 1) {
            Some(length) if !rest.get(length + 2..).is_some_and(|rest| rest.starts_with(char::is_alphanumeric)) => {
                (1, length, Form::Quote)
            }
            _ => (0, 1, Form::Mark),
        },
        '*' if rest.starts_with("**") && !rest.starts_with("**/") => (0, 2, Form::Mark),
        '*' if emphasised(rest).is_some() => (1, emphasised(rest).unwrap_or_default(), Form::Word),
        '≤' | '≥' => (0, first.len_utf8(), Form::Word),
        '<' | '>' if rest.starts_with("<=") || rest.starts_with(">=") => (0, 2, Form::Word),
        c if is_unspaced(c) => (0, c.len_utf8(), Form::Word),
        c if begins_word(c, rest) => {
            let length = word_length(rest);
            (0, length, form_of(rest.get(..length).unwrap_or_default()))
        }
        c => (0, c.len_utf8(), Form::Mark),
    }
}

fn begins_word(c: char, rest: &str) -> bool {
    let next = rest.chars().nth(1);
    c.is_alphanumeric()
        || c == '_'
        || (matches!(c, '.' | '/' | '~' | '@' | '-' | '*' | '$' | '#' | '\\')
            && next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '.' | '/' | '-' | '_' | '*')))
}

/// Whether a script is written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// The length of the word that a text begins with, without punctuation behind it.
fn word_length(rest: &str) -> usize {
    let (mut end, mut brace) = (0, false);
    let mut chars = rest.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let inner =
            next.is_some_and(|next| next.is_alphanumeric() || matches!(next, '/' | '*' | '_' | '-' | '{' | '.'));
        let takes = match c {
            _ if is_unspaced(c) => false,
            c if c.is_alphanumeric()
                || matches!(c, '_' | '-' | '/' | '*' | '+' | '#' | '$' | '~' | '@' | '%' | '{' | '}') =>
            {
                true
            }
            // A comma belongs to a word only inside braces, as in a glob.
            ',' => inner && brace,
            ':' => inner || next == Some(':'),
            // `$this->name`
            '>' => inner && rest.get(..at).is_some_and(|head| head.ends_with('-')),
            '.' | '=' | '\'' | '’' | '&' | '\\' => inner,
            '(' => next == Some(')'),
            ')' => rest.get(..at).is_some_and(|head| head.ends_with('(')),
            '!' => next.is_some_and(|next| next == '('),
            _ => false,
        };
        if !takes {
            break;
        }
        brace = (brace || c == '{') && c != '}';
        end = at + c.len_utf8();
    }
    let word = rest.get(..end).unwrap_or_default();
    let bare = if word.ends_with('*') { word.trim_end_matches("**") } else { word };
    let bare = bare.trim_end_matches(['.', ':', ',', '\'']);
    if bare.is_empty() { rest.chars().next().map_or(0, char::len_utf8) } else { bare.len() }
}

/// The length of the word that a text emphasises with single marks: `*have*`.
fn emphasised(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('*')?;
    let length = inside.find(|c: char| !c.is_alphabetic())?;
    (length > 0 && inside.get(length..)?.starts_with('*') && !inside.get(length + 1..)?.starts_with(['*', '.', '/']))
        .then_some(length)
}

/// The form of a word, by its shape.
fn form_of(word: &str) -> Form {
    if word == "--" {
        return Form::Mark;
    }
    if word.starts_with('-') && word.len() > 1 {
        return Form::Flag;
    }
    if word.chars().all(|c| c.is_ascii_digit()) {
        return Form::Number;
    }
    Form::Word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_phrases_are_split_as_any_other() {
        for phrase in
            ["never use", "don't", "force-push", "snake_case names", "http2 client's", "a--b", "--flag", "x ", "日本語"]
        {
            let tokens: Vec<_> =
                tokens(phrase, 0..phrase.len()).into_iter().map(|token| token.lower.into_owned()).collect();
            assert_eq!(words(phrase), tokens, "{phrase}");
        }
    }
}
