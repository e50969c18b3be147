//! What stands around a message in a document: the line that leads to it, its heading, and what it leads to itself.
//!
//! `Before a commit, run:` says what only the block behind it names, and `"Great!"` is forbidden by `Never say:` in front of
//! it. What is named behind a message is put at its end as code spans, so that the sentence is read as if it were whole.

use super::{text, token, unit};
use crate::lexicon::Cue;
use crate::{Correction, Lexicon};
use std::borrow::Cow;
use std::ops::Range;

/// More commands than these are a script that shows something, and no duty.
const MAX_COMMANDS: usize = 4;
const MAX_NAMES: usize = 12;

/// What leads to a message, the nearest first: the line in front of it and the heading.
pub(super) fn headings(correction: &Correction) -> Vec<&str> {
    let Some(context) = &correction.context else { return Vec::new() };
    let body = context.body.as_deref().map(str::trim).unwrap_or_default();
    let line = if body.contains('\n') { lead(&correction.text, body) } else { alone(body) };
    line.into_iter().chain(context.heading.as_deref()).collect()
}

/// A line that leads to what follows, or the part of it that does: `Run these before a commit: 1. make lint 2. make test`.
fn alone(line: &str) -> Option<&str> {
    let (head, items) = line.split_once(':').unwrap_or((line, ""));
    let listed = items.trim_start_matches(['*', '_', ' ']).starts_with("1. ");
    if listed { line.get(..=head.len()) } else { Some(line).filter(|line| is_lead(line)) }
}

/// The line that leads to the list in which a message stands, where what stands around it is known.
fn lead<'b>(text: &str, body: &'b str) -> Option<&'b str> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let at = body.lines().position(|line| bare(line) == bare(text))?;
    let own = body.lines().nth(at).map(indent)?;
    let before: Vec<_> = body.lines().take(at).filter(|line| !line.trim().is_empty()).collect();
    let lead = before.into_iter().rev().find(|line| indent(line) < own || !is_item(line.trim_start()))?;
    Some(bare(lead)).filter(|line| is_lead(line))
}

/// A line without the mark of an item of a list.
fn bare(line: &str) -> &str {
    let line = line.trim();
    if is_item(line) { line.trim_start_matches(|c: char| c.is_ascii_digit() || "-*•.) ".contains(c)) } else { line }
}

/// Whether a line is an item of a list.
fn is_item(line: &str) -> bool {
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    ["- ", "* ", "• "].iter().any(|mark| line.starts_with(mark))
        || numbered.len() < line.len() && (numbered.starts_with(". ") || numbered.starts_with(") "))
}

/// The message, with what it leads to behind it.
pub(super) fn whole<'c>(text: &'c str, correction: &'c Correction) -> Cow<'c, str> {
    let body = correction.context.as_ref().and_then(|context| context.body.as_deref()).unwrap_or_default();
    if body.is_empty() || !(is_lead(text) || points_on(text)) || is_lead(body) {
        return Cow::Borrowed(text);
    }
    let mut names = named(text, body);
    if names.is_empty() {
        names.extend(shown(text, body));
    } else if is_held(text) && names.iter().any(|name| is_command(name)) {
        // What makes a note is not what the note says.
        return Cow::Borrowed(text);
    }
    if names.is_empty() {
        return Cow::Borrowed(text);
    }
    // `do not edit these - change the sources instead:` leads to what is not to be edited.
    let turned = [" — ", " – ", " - "].iter().filter_map(|dash| text.find(dash)).min();
    let text = turned.and_then(|at| text.get(..at)).filter(|head| head.contains(" these")).unwrap_or(text);
    let spans: Vec<_> = names.into_iter().map(|name| format!("`{name}`")).collect();
    Cow::Owned(format!("{} {}", text.trim_end(), spans.join(", ")))
}

/// Whether a line leads to what follows it.
fn is_lead(line: &str) -> bool {
    line.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_')).ends_with([':', '：'])
}

/// Whether a line that does not end with a colon speaks of what follows it.
fn points_on(line: &str) -> bool {
    let line = line.to_lowercase();
    [
        "these commands",
        "following commands",
        "these files",
        "following files",
        "commit scopes",
        "be the following",
        "以下文件",
        "以下命令",
    ]
    .iter()
    .any(|words| line.contains(words))
}

/// Whether a line says that all that follows is done, one after the other.
fn is_sequence(line: &str) -> bool {
    let line = line.to_lowercase();
    // What is run before or after something is all run.
    let timed = ["before ", "after "].iter().any(|word| line.contains(word)) && line.contains("run the following");
    timed
        || [
            "in sequence",
            "in order",
            "in this order",
            "in this exact order",
            "these commands",
            "all of these",
            "these steps",
        ]
        .iter()
        .any(|words| line.contains(words))
}

/// What a list names in code spans, or by nothing but paths, or the commands that a block consists of.
fn named<'b>(text: &str, body: &'b str) -> Vec<&'b str> {
    let lines = || body.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines().next().is_some_and(is_item) {
        let items = || lines().filter(|line| is_item(line));
        let spans: Vec<_> =
            items().filter_map(|line| line.split('`').nth(1)).filter(|span| !span.is_empty()).take(MAX_NAMES).collect();
        if spans.is_empty() && items().map(bare).all(|item| item.contains(['.', '/']) && !item.contains(' ')) {
            return items().map(bare).take(MAX_NAMES).collect();
        }
        // Of commands in a list, each may be for another system.
        let several = spans.iter().any(|span| span.contains(' ')) && !is_sequence(text);
        return if several { Vec::new() } else { spans };
    }
    if lines().next().is_some_and(|line| line.starts_with('|')) {
        return forbidden_column(body);
    }
    let spans = |line: &'b str| line.split('`').skip(1).step_by(2);
    let between =
        |line: &str| line.split('`').step_by(2).all(|part| matches!(part.trim(), "" | "," | "、" | "/" | "."));
    if let Some(line) = lines().next().filter(|line| line.contains('`') && !line.starts_with("```") && between(line)) {
        return spans(line).take(2 * MAX_NAMES).collect();
    }
    let shown = lines().filter(|line| !line.starts_with("```") && !line.starts_with('#'));
    let commands: Vec<_> =
        shown.map_while(|line| line.split(" #").next().map(str::trim_end).filter(|line| is_command(line))).collect();
    if commands.len() > MAX_COMMANDS { Vec::new() } else { commands }
}

/// Whether a message says that some text holds something: `commits must include:`.
fn is_held(text: &str) -> bool {
    const HOLDS: [&str; 8] =
        ["include", "contain", "start with", "end with", "add ", "append", "carry", "be the following"];
    const TEXTS: [&str; 8] = ["commit", "pull request", "pr ", "prs", "reply", "response", "summary", "message"];
    let text = text.to_lowercase();
    HOLDS.iter().any(|word| text.contains(word)) && TEXTS.iter().any(|word| text.contains(word))
}

/// The text that a message leads to, where it says that some text holds it: `commits must include:`.
fn shown<'b>(text: &str, body: &'b str) -> Option<&'b str> {
    if !is_held(text) {
        return None;
    }
    let mut lines = body.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next()?;
    // What is quoted is said in all of its lines, and its first is enough to know it by.
    let alone = !body.trim().contains('\n') && !is_item(first) && points_on(text);
    let line = if first.starts_with("```") {
        lines.next()?
    } else {
        first.strip_prefix('>').or(alone.then_some(first))?.trim()
    };
    let line = line.trim_matches(['*', '_', ' ']);
    (line.chars().filter(|c| c.is_alphanumeric()).count() > 5 && !line.contains('`') && !line.ends_with(':'))
        .then_some(line)
}

/// What the first column of a table names in code spans, where its head says that something else takes its place.
fn forbidden_column(body: &str) -> Vec<&str> {
    const HEADS: [&str; 7] = ["instead of", "don't", "do not", "avoid", "never", "❌", "wrong"];
    let mut rows = body.lines().map(str::trim).filter(|line| line.starts_with('|'));
    let first = |row: &'_ str| row.trim_start_matches('|').split('|').next().unwrap_or_default().trim().to_lowercase();
    if !rows.next().is_some_and(|head| HEADS.iter().any(|word| first(head).starts_with(word))) {
        return Vec::new();
    }
    let named = rows.filter_map(|row| row.split('|').nth(1)?.split('`').nth(1));
    named.map(|name| name.trim_end_matches([' ', '…', '.'])).filter(|name| !name.is_empty()).take(MAX_NAMES).collect()
}

/// Whether a line is a call of a program with its arguments, and no prose.
fn is_command(line: &str) -> bool {
    let begins = line.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '.' | '/'));
    // `black .`
    let line = line.strip_suffix(" .").map_or(line, |head| line.get(..=head.len()).unwrap_or(line));
    begins && line.contains([' ', '/']) && !line.ends_with(['.', ':', ',', ';', '{']) && !line.contains(['`', '|', '='])
}

/// The part of a message that something rests on; what is named behind the message alone rests on all of it.
pub(super) fn within(own: &str, range: Range<usize>) -> Range<usize> {
    if range.start < own.len() { range.start..range.end.min(own.len()) } else { 0..own.trim_end().len() }
}

/// Whether a message stands under no heading, or under one about how an agent talks.
pub(super) fn is_about_talk(correction: &Correction) -> bool {
    const TALK: [&str; 18] = [
        "repl",
        "respon",
        "communicat",
        "tone",
        "conversation",
        "interact",
        "output",
        "chat",
        "answer",
        "voice",
        "persona",
        "talk",
        "response style",
        "回复",
        "沟通",
        "交流",
        "语言",
        "对话",
    ];
    let headings: Vec<_> = headings(correction).into_iter().map(str::to_lowercase).collect();
    headings.iter().all(|heading| heading.trim().is_empty())
        || headings.iter().any(|heading| TALK.iter().any(|word| heading.contains(word)))
}

/// What is forbidden of all that a list names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forbidden {
    Nothing,
    /// To do or to use it.
    Use,
    /// To commit it.
    Commit,
    /// To say it.
    Say,
}

/// Whether a message stands in a list of what is forbidden: the heading says no more than that, or a mark does.
pub(super) fn forbidden(correction: &Correction, lexicon: &Lexicon) -> Forbidden {
    let forbids = |units: &[unit::Unit<'_, '_>]| units.iter().any(|unit| unit.is(Cue::Never));
    let commits = |unit: &unit::Unit<'_, '_>| unit.lower().starts_with("commit");
    let bare = |heading: &str| {
        let units = unit::units(heading, &token::tokens(heading, 0..heading.len()), lexicon);
        let mut content = units.iter().filter(|unit| unit.is_content());
        // `shared variables (never hardcode)`: those are what is to be used.
        let spared = |unit: &unit::Unit<'_, '_>| {
            matches!(&*unit.lower(), "hardcode" | "hard-code" | "assume" | "guess" | "forget")
        };
        if units.iter().any(spared) {
            return None;
        }
        match (content.next(), content.next()) {
            // A line that ends so leads to no more than what is in its list.
            _ if units.len() > if is_lead(heading) { 12 } else { 7 } || !forbids(&units) => None,
            (None, _) if units.iter().any(|unit| unit.is(Cue::Say)) => Some(Forbidden::Say),
            (None, _) => Some(Forbidden::Use),
            (Some(unit), None) if commits(unit) => Some(Forbidden::Commit),
            _ => None,
        }
    };
    // Who forbids in so many words under `Never` says the rest as it is meant.
    let own = |sentence: &text::Sentence| {
        let tokens = token::tokens(&correction.text, sentence.range.clone());
        forbids(&unit::units(&correction.text, &tokens, lexicon))
    };
    let marked = correction.text.trim_start().starts_with(['❌', '🚫', '⛔']).then_some(Forbidden::Use);
    match marked.or_else(|| headings(correction).into_iter().find_map(bare)) {
        Some(forbidden) if !text::sentences(&correction.text, lexicon).iter().any(own) => forbidden,
        _ => Forbidden::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correction::Context;

    fn of(text: &str, body: &str) -> Correction {
        let context = Context { body: Some(body.to_owned()), ..Context::default() };
        Correction { context: Some(context), ..Correction::of(text) }
    }

    #[test]
    fn what_a_message_leads_to_is_read_with_it() {
        let read = |text: &str, body: &str| whole(text, &of(text, body)).into_owned();
        assert_eq!(
            read("Run before a commit:", "```sh\nmake lint   # slow\nmake test\n```"),
            "Run before a commit: `make lint`, `make test`"
        );
        assert_eq!(read("Never edit:", "- `a/*` - made\n- `b.json`"), "Never edit: `a/*`, `b.json`");
        assert_eq!(read("Never edit it.", "- `a/*`"), "Never edit it.");
        assert_eq!(read("It is so:", "The parser reads numbers."), "It is so:");
    }

    #[test]
    fn a_line_in_front_leads_to_a_message() {
        assert_eq!(headings(&of("\"Great!\"", "**Never say:**")), ["**Never say:**"]);
        assert!(headings(&of("\"Great!\"", "The parser reads numbers.")).is_empty());
    }
}
