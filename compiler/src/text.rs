//! Tests on texts: replies, prompts, commit messages, added lines, file names, arguments.
//!
//! Every test is linear in the text. What a text is too short to tell, such as its language, is *unknown*.

use crate::language;
use crate::truth::{Answer, Truth};
use regex_lite::{Regex, RegexBuilder};
use rules::predicate::{Indent, TextTest};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use unicode_segmentation::UnicodeSegmentation;

/// The longest regular expression, in bytes.
const MAX_PATTERN_BYTES: usize = 4_096;
/// The largest compiled regular expression, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Compiled regular expressions, kept for as long as a checker lives.
#[derive(Debug, Default)]
pub struct Expressions {
    compiled: RefCell<BTreeMap<String, Option<Rc<Regex>>>>,
}

impl Expressions {
    fn find(&self, pattern: &str, text: &str) -> Answer {
        let mut compiled = self.compiled.borrow_mut();
        if !compiled.contains_key(pattern) {
            compiled.insert(pattern.to_owned(), expression(pattern).ok().map(Rc::new));
        }
        match compiled.get(pattern).and_then(Option::as_ref) {
            Some(regex) => Answer::at(regex.find(text).map(|found| found.range())),
            None => Answer::plain(Truth::Unknown),
        }
    }
}

fn expression(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("a regular expression may be at most {MAX_PATTERN_BYTES} bytes long"));
    }
    RegexBuilder::new(pattern)
        .multi_line(true)
        .size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|error| format!("`{pattern}` is not a regular expression: {error}"))
}

/// Checks a test when its rule is compiled.
///
/// # Errors
/// What is wrong with it, in lower case.
pub fn validate(test: &TextTest) -> Result<(), String> {
    match test {
        TextTest::All(parts) | TextTest::Any(parts) => parts.iter().try_for_each(validate),
        TextTest::Not(part)
        | TextTest::FirstLine(part)
        | TextTest::FirstSentence(part)
        | TextTest::Body(part)
        | TextTest::SomeLine(part) => validate(part),
        TextTest::Matches(pattern) => expression(pattern).map(drop),
        TextTest::Language(code) if !language::is_known(code) => {
            Err(format!("`{code}` is not a language that can be told apart; use a two-letter code such as `de`"))
        }
        TextTest::Contains(text) | TextTest::Mentions(text) if text.trim().is_empty() => {
            Err("an empty text occurs everywhere".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether a text passes a test, and which part of it shows that.
pub fn test(test: &TextTest, text: &str, expressions: &Expressions) -> Answer {
    let part = |inner: &TextTest, range: Range<usize>| {
        let start = range.start;
        let answer = self::test(inner, text.get(range).unwrap_or_default(), expressions);
        Answer { span: answer.span.map(|span| span.start + start..span.end + start), ..answer }
    };
    match test {
        TextTest::All(parts) => Answer::all(parts.iter().map(|inner| self::test(inner, text, expressions))),
        TextTest::Any(parts) => Answer::any(parts.iter().map(|inner| self::test(inner, text, expressions))),
        TextTest::Not(inner) => self::test(inner, text, expressions).negated(),
        TextTest::Contains(needle) => Answer::at(text.find(needle.as_str()).map(|at| at..at + needle.len())),
        TextTest::Mentions(phrase) => Answer::at(mention(text, phrase)),
        TextTest::Matches(pattern) => expressions.find(pattern, text),
        TextTest::StartsWith(prefix) => {
            let at = text.len() - text.trim_start().len();
            Answer::at(text.trim_start().starts_with(prefix.as_str()).then(|| at..at + prefix.len()))
        }
        TextTest::EndsWith(suffix) => {
            let end = text.trim_end().len();
            Answer::at(text.trim_end().ends_with(suffix.as_str()).then(|| end - suffix.len()..end))
        }
        TextTest::Empty(wanted) => Answer::plain(text.trim().is_empty() == *wanted),
        TextTest::Emoji(wanted) => {
            let found = Answer::at(emoji(text));
            if *wanted { found } else { found.negated() }
        }
        TextTest::Language(code) => Answer::plain(language::is_in(text, code)),
        TextTest::Imperative(wanted) => Answer::plain(imperative(text) == *wanted),
        TextTest::Indent(indent) => Answer::plain(indented(text, *indent)),
        TextTest::FirstLine(inner) => part(inner, 0..first_line(text)),
        TextTest::FirstSentence(inner) => part(inner, 0..text.unicode_sentences().next().map_or(0, str::len)),
        TextTest::Body(inner) => part(inner, first_line(text)..text.len()),
        TextTest::SomeLine(inner) => {
            let mut start = 0;
            Answer::any(text.split_inclusive('\n').map(|line| {
                let range = start..start + line.trim_end_matches(['\n', '\r']).len();
                start += line.len();
                part(inner, range)
            }))
        }
        counted => Answer::plain(within_count(counted, text)),
    }
}

fn within_count(test: &TextTest, text: &str) -> bool {
    let at_most = |count: usize, limit: u32| count <= usize::try_from(limit).unwrap_or(usize::MAX);
    match test {
        TextTest::MaxChars(n) => at_most(text.trim_end().chars().count(), *n),
        TextTest::MaxWords(n) => at_most(text.unicode_words().count(), *n),
        TextTest::MaxSentences(n) => at_most(sentences(text), *n),
        TextTest::MaxLines(n) => at_most(text.trim_end().lines().count(), *n),
        TextTest::MaxLineChars(n) => text.lines().all(|line| at_most(line.chars().count(), *n)),
        TextTest::MaxQuestions(n) => at_most(questions(text), *n),
        TextTest::MinHeadings(n) => {
            prose(text).filter(|line| line.starts_with('#') && line.trim_start_matches('#').starts_with(' ')).count()
                >= usize::try_from(*n).unwrap_or(usize::MAX)
        }
        _ => false,
    }
}

fn first_line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

/// The lines outside fenced code blocks.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fence && !fenced
    })
}

fn sentences(text: &str) -> usize {
    prose(text).flat_map(str::unicode_sentences).filter(|sentence| sentence.chars().any(char::is_alphanumeric)).count()
}

fn questions(text: &str) -> usize {
    prose(text)
        .flat_map(str::unicode_sentences)
        .filter(|sentence| sentence.trim_end_matches([' ', ')', '"', '*', '_', '\n']).ends_with(['?', '？']))
        .count()
}

/// Finds a phrase as whole words, whatever the case and the white space between its words.
fn mention(text: &str, phrase: &str) -> Option<Range<usize>> {
    let wanted: Vec<char> = phrase.trim().chars().flat_map(char::to_lowercase).collect();
    let bounded = |c: Option<char>, edge: Option<&char>| {
        // Scripts without spaces have no word boundaries to ask for.
        let joins = |c: char| c.is_alphanumeric() && !is_unspaced(c) || c == '_';
        !(c.is_some_and(joins) && edge.copied().is_some_and(joins))
    };
    let mut before = None;
    for (at, c) in text.char_indices() {
        if bounded(before, wanted.first())
            && let Some(end) = phrase_at(text.get(at..).unwrap_or_default(), &wanted)
            && bounded(text.get(at + end..).and_then(|rest| rest.chars().next()), wanted.last())
        {
            return Some(at..at + end);
        }
        before = Some(c);
    }
    None
}

/// The length in bytes of a lower-case phrase at the beginning of a text; one space stands for any white space.
fn phrase_at(text: &str, phrase: &[char]) -> Option<usize> {
    let mut chars =
        text.char_indices().flat_map(|(at, c)| c.to_lowercase().map(move |l| (at + c.len_utf8(), l))).peekable();
    let mut end = 0;
    for wanted in phrase {
        if wanted.is_whitespace() {
            chars.peek().filter(|(_, c)| c.is_whitespace())?;
            while let Some((at, _)) = chars.next_if(|(_, c)| c.is_whitespace()) {
                end = at;
            }
        } else {
            end = chars.next_if(|(_, c)| c == wanted)?.0;
        }
    }
    Some(end)
}

pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{0e00}'..='\u{0e7f}')
}

/// The first emoji: pictographs with emoji presentation, and those made one by a variation selector or a keycap
/// (Unicode Technical Standard 51). Plain typographic marks such as `©`, `™` or arrows are not emoji.
fn emoji(text: &str) -> Option<Range<usize>> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let by_itself = matches!(c,
            '\u{1f300}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6ff}' | '\u{1f7e0}'..='\u{1f7f0}' | '\u{1f900}'..='\u{1faff}'
            | '\u{1f1e6}'..='\u{1f1ff}' | '\u{2705}' | '\u{274c}' | '\u{274e}' | '\u{2728}' | '\u{26a1}' | '\u{2b50}'
            | '\u{2757}' | '\u{2753}'..='\u{2755}' | '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}'
            | '\u{26d4}' | '\u{2795}'..='\u{2797}' | '\u{26aa}' | '\u{26ab}' | '\u{2b1b}' | '\u{2b1c}' | '\u{2b55}'
            | '\u{270a}' | '\u{270b}' | '\u{1f004}' | '\u{1f0cf}' | '\u{1f18e}' | '\u{1f191}'..='\u{1f19a}' | '\u{267f}'
            | '\u{2693}' | '\u{26a0}' | '\u{2714}' | '\u{2716}' | '\u{2764}');
        let selected =
            chars.peek().is_some_and(|(_, next)| matches!(next, '\u{fe0f}' | '\u{20e3}')) && !c.is_alphabetic();
        if by_itself || selected {
            return Some(at..at + c.len_utf8());
        }
    }
    None
}

/// Whether a text begins with a verb in the imperative, as far as its form tells: the first word, after a prefix such
/// as `feat(api):` or `[web]`, is no past tense, no gerund, no third person and no article or pronoun.
fn imperative(text: &str) -> bool {
    const NOT_VERBS: &[&str] = &[
        "a", "an", "the", "this", "that", "these", "those", "i", "we", "it", "they", "my", "our", "some", "all", "new",
        "various", "minor", "small", "more", "no",
    ];
    const LOOK_LIKE_PAST: &[&str] =
        &["embed", "seed", "feed", "need", "speed", "shed", "breed", "proceed", "exceed", "succeed"];
    const LOOK_LIKE_GERUND: &[&str] = &["bring", "ping", "string", "swing", "ring", "spring", "sing", "king"];
    const LOOK_LIKE_THIRD: &[&str] = &["bias", "focus", "alias", "canvas", "https", "tls", "css", "os", "ios"];
    let line = text.trim_start().lines().next().unwrap_or_default();
    let line = match line.split_once(": ") {
        Some((prefix, rest)) if !prefix.contains(' ') || prefix.ends_with(')') => rest,
        _ => line,
    };
    let line = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(line, |(_, rest)| rest);
    let Some(word) = line.unicode_words().next().map(str::to_lowercase) else { return false };
    let like = |words: &[&str]| words.contains(&word.as_str());
    let past = word.ends_with("ed") && !like(LOOK_LIKE_PAST);
    let gerund = word.ends_with("ing") && !like(LOOK_LIKE_GERUND);
    let third = word.ends_with('s') && !word.ends_with("ss") && !like(LOOK_LIKE_THIRD);
    !(past || gerund || third || like(NOT_VERBS))
}

/// Whether what follows a line is indented by one step more: behind an opening brace, a colon, or a tag.
fn opens(line: &str) -> bool {
    let tag = line.starts_with('<')
        && line.ends_with('>')
        && !line.starts_with("</")
        && !line.ends_with("/>")
        && !line.contains("</");
    // A sentence may end with a colon, too, and what stands under the key of a list item is two steps in.
    let key = line.ends_with(':') && !line.contains(' ') && !line.starts_with(['#', '/', '*', '-']);
    line.ends_with('{') || key || tag && !line.starts_with("<!") && !line.starts_with("<?")
}

/// Whether every indented line is indented in this way; a text without indented lines is.
fn indented(text: &str, indent: Indent) -> bool {
    let mut opened = None;
    text.lines().all(|line| {
        if line.trim().is_empty() {
            opened = None;
            return true;
        }
        let blank = line.get(..line.len() - line.trim_start().len()).unwrap_or_default();
        let spaces = blank.bytes().filter(|byte| *byte == b' ').count();
        let tabs = blank.len() - spaces;
        // One space before `*` continues a block comment in most languages.
        let comment = line.trim_start().starts_with('*');
        // What stands behind an opening brace, a colon or a tag is indented by one step.
        let step = opened.replace(spaces).filter(|_| spaces > 0).map(|before| spaces.saturating_sub(before));
        if !opens(line.trim()) {
            opened = None;
        }
        blank.is_empty()
            || match indent {
                Indent::Tabs => blank.starts_with('\t') || comment,
                Indent::Spaces => tabs == 0,
                Indent::TwoSpaces => tabs == 0 && (spaces % 2 == 0 || comment) && step.is_none_or(|step| step <= 2),
                Indent::FourSpaces => tabs == 0 && (spaces % 4 == 0 || comment),
            }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(text_test: &TextTest, text: &str) -> Truth {
        test(text_test, text, &Expressions::default()).truth
    }

    #[test]
    fn two_spaces_are_told_from_four_by_the_step_behind_what_opens() {
        let two = TextTest::Indent(Indent::TwoSpaces);
        for text in [
            "a:\n  b: 1\n",
            "env:\n  - name:\n      value: 1\n",
            "<a>\n  <b/>\n</a>\n",
            "f() {\n  g(a,\n    b);\n",
            "Run it so:\n    make\n",
            "Example:\n\n    make\n",
        ] {
            assert_eq!(holds(&two, text), Truth::Yes, "{text:?}");
        }
        for text in ["a:\n    b: 1\n", "<a>\n    <b/>\n</a>\n", "f() {\n    g();\n", "a:\n   b: 1\n"] {
            assert_eq!(holds(&two, text), Truth::No, "{text:?}");
        }
    }

    #[test]
    fn mentions_are_whole_words_in_any_case() {
        let todo = TextTest::Mentions("to do".into());
        for (text, expected) in [
            ("a TO  do list", Truth::Yes),
            ("a to-do", Truth::No),
            ("into do", Truth::No),
            ("to doing", Truth::No),
            ("", Truth::No),
        ] {
            assert_eq!(holds(&todo, text), expected, "{text:?}");
        }
        assert_eq!(holds(&TextTest::Mentions("禁止".into()), "这里禁止使用"), Truth::Yes);
        assert_eq!(holds(&TextTest::Mentions("@ts-ignore".into()), "// @ts-ignore: x"), Truth::Yes);
    }

    #[test]
    fn a_language_is_told_only_from_enough_text() {
        let german = TextTest::Language("de".into());
        assert_eq!(holds(&german, "Ich habe die Tests ausgeführt, und alle sind grün."), Truth::Yes);
        assert_eq!(holds(&german, "I ran the tests, and every one of them passes now."), Truth::No);
        assert_eq!(holds(&german, "OK."), Truth::Unknown);
        assert_eq!(holds(&TextTest::Language("zh".into()), "我已经运行了所有测试，全部通过。"), Truth::Yes);
    }

    #[test]
    fn imperatives_are_told_by_their_form() {
        for (text, expected) in [
            ("Add a test", true),
            ("fix(api): handle errors", true),
            ("Added a test", false),
            ("feat: adds a test", false),
            ("Adding a test", false),
            ("The test", false),
            ("[web] Process the queue", true),
            ("Seed the table", true),
        ] {
            assert_eq!(holds(&TextTest::Imperative(true), text), expected.into(), "{text}");
        }
    }

    #[test]
    fn emoji_are_pictures_and_not_typography() {
        for (text, expected) in
            [("done 🎉", true), ("✅ ok", true), ("a → b © ™ 100%", false), ("plain", false), ("1️⃣", true)]
        {
            assert_eq!(holds(&TextTest::Emoji(true), text), expected.into(), "{text}");
        }
    }

    #[test]
    fn places_are_exact() {
        let answer =
            test(&TextTest::Body(Box::new(TextTest::Contains("b".into()))), "ab\ncab", &Expressions::default());
        assert_eq!(answer.span, Some(5..6));
        let line = TextTest::SomeLine(Box::new(TextTest::Matches("^x$".into())));
        assert_eq!(test(&line, "a\nx\n", &Expressions::default()).span, Some(2..3));
    }

    #[test]
    fn questions_sentences_and_headings_are_counted_outside_code() {
        let text = "# One\nWhy? Because.\n```\nwhat?\n# no\n```\n## Two\nAnd how?";
        assert_eq!(holds(&TextTest::MaxQuestions(2), text), Truth::Yes);
        assert_eq!(holds(&TextTest::MaxQuestions(1), text), Truth::No);
        assert_eq!(holds(&TextTest::MinHeadings(2), text), Truth::Yes);
        assert_eq!(holds(&TextTest::MinHeadings(3), text), Truth::No);
        assert_eq!(holds(&TextTest::MaxSentences(3), "One. Two. Three."), Truth::Yes);
        assert_eq!(holds(&TextTest::MaxSentences(2), "One. Two. Three."), Truth::No);
    }

    #[test]
    fn a_broken_expression_is_refused() {
        assert!(validate(&TextTest::Matches("(".into())).unwrap_err().contains("not a regular expression"));
        assert!(validate(&TextTest::Matches("(?=x)".into())).is_err());
        assert!(validate(&TextTest::Language("xx".into())).is_err());
    }
}
