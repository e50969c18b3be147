//! A message as sentences.
//!
//! INVARIANT: every range is on character boundaries of the message, and the work is linear in its length. Text that is
//! not the user's own (code fences, quoted lines, pasted output) yields no sentence.

use crate::Lexicon;
use std::ops::Range;

/// One sentence of the user's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Where it stands in the message, without list markers and white space around it.
    pub range: Range<usize>,
    /// Whether it ends with a question mark.
    pub question: bool,
}

/// Splits a message into the sentences that are the user's own.
pub(super) fn sentences(text: &str, lexicon: &Lexicon) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut fence: Option<&str> = None;
    let mut pasted = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + own(line);
        at += line.len();
        let trimmed = line.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        let foreign = match (fence, marker) {
            (Some(open), Some(marker)) if open == marker => {
                fence = None;
                true
            }
            (None, Some(marker)) => {
                fence = Some(marker);
                true
            }
            (Some(_), _) => true,
            (None, None) => {
                pasted = lexicon.is_pasted(line) || (pasted && goes_on(line));
                pasted || trimmed.starts_with('>')
            }
        };
        let joins = !foreign
            && open.as_ref().is_some_and(|open| continues(text.get(open.clone()).unwrap_or_default(), trimmed));
        if !joins && let Some(block) = open.take() {
            split(text, block, &mut found);
        }
        open = match (foreign, open) {
            (true, _) => None,
            (false, Some(block)) => Some(block.start..range.end),
            (false, None) => Some(range),
        };
    }
    if let Some(block) = open {
        split(text, block, &mut found);
    }
    found
}

/// Whether a line goes on with output that was pasted: it is indented, or names an error.
fn goes_on(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with([' ', '\t']) || own(line) == 0
}

/// How much of a line comes before the name of an error with its message, which is pasted.
fn own(line: &str) -> usize {
    if !line.contains(':') {
        return line.len();
    }
    let named = |kind: &str| {
        let end = line.find(kind)?;
        let start = line.get(..end)?.rfind(|c: char| !c.is_alphanumeric() && !"._".contains(c)).map_or(0, |at| at + 1);
        (start < end).then_some(start)
    };
    ["Error: ", "Exception: ", "Warning: "].into_iter().filter_map(named).min().unwrap_or(line.len())
}

/// Whether a line goes on with the sentence of a wrapped paragraph.
fn continues(before: &str, line: &str) -> bool {
    let full = before.trim_end().rsplit('\n').next().is_some_and(|last| last.len() > 60);
    full && line.starts_with(char::is_lowercase) && !before.trim_end().ends_with(['.', '!', '?', ':', ';'])
}

/// Splits a block at the ends of sentences.
fn split(text: &str, block: Range<usize>, found: &mut Vec<Sentence>) {
    let inside = text.get(block.clone()).unwrap_or_default();
    let mut start = 0;
    let mut quoted: Option<char> = None;
    let mut chars = inside.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match quoted {
            Some(mark) if c == mark || c == '\n' => quoted = None,
            Some(_) => continue,
            None if matches!(c, '`' | '"') => quoted = Some(c),
            None => {}
        }
        let before = inside.get(start..at).unwrap_or_default();
        let ends = match c {
            '。' | '！' | '？' | '；' => true,
            '.' => ends_before(inside.get(at + 1..).unwrap_or_default()) && !abbreviates(before),
            '!' | '?' | ';' => next.is_none_or(|next| !next.is_alphanumeric()),
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            push(text, block.start + start..block.start + end, found);
            start = end;
        }
    }
    push(text, block.start + start..block.end, found);
}

/// Whether a sentence can end before this text: white space follows, perhaps behind a closing mark.
fn ends_before(rest: &str) -> bool {
    rest.trim_start_matches(['*', '_', ')']).chars().next().is_none_or(char::is_whitespace)
}

/// Whether a full stop behind this text belongs to an abbreviation or to the number of a list.
fn abbreviates(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default();
    matches!(word, "e.g" | "i.e" | "etc" | "vs" | "z.B" | "cf" | "approx" | "incl" | "esp" | "resp")
        || (before.trim() == word && !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
}

/// Keeps a sentence, without white space and list markers around it.
fn push(text: &str, range: Range<usize>, found: &mut Vec<Sentence>) {
    let whole = text.get(range.clone()).unwrap_or_default();
    let bare =
        whole.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '-' | '•' | '#' | '.' | ';' | '—' | '–'));
    let bare = bare.strip_prefix("* ").unwrap_or(bare);
    let start = range.start + (whole.len() - bare.len());
    let bare = bare.trim_end();
    if bare.chars().any(char::is_alphanumeric) {
        // A flag at the beginning keeps its hyphens.
        let back = whole.get(..whole.len() - whole.trim_start().len()).map_or(0, str::len);
        let flag = whole.trim_start().starts_with("--");
        let start = if flag { range.start + back } else { start };
        let end = range.start + whole.trim_end().len();
        found.push(Sentence { range: start..end, question: bare.ends_with(['?', '？']) });
    }
}
