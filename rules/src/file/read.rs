//! Reading a rule file: everything that is wrong with it, each at its place.
//!
//! Serde reads a flattened table through a buffer and forgets where its parts stood, and it passes over names it does
//! not know there. A misspelt `unless` must not be passed over, so the fields of `[check]` are first read one by one.

use crate::diagnostic::{Code, Diagnostic, Span};
use crate::directive::{Directive, During, Fail, Per, Replacement, Undecided};
use crate::predicate::Predicate;
use crate::rule::Rule;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::de::{DeTable, DeValue, Deserializer, Error, ValueDeserializer};
use toml::{Spanned, de::DeString};

/// The fields of each pattern. Those of a chain that are lists are named again in [`LISTS`].
const PATTERNS: &[(&str, &[&str])] = &[
    ("absence", &["never"]),
    ("substitution", &["never", "instead"]),
    ("universality", &["every", "must"]),
    ("precedence", &["first", "then", "again_after"]),
    ("response", &["trigger", "require"]),
    ("existence", &["require"]),
    ("bounded_existence", &["of", "at_most"]),
    ("response_chain", &["trigger", "require"]),
    ("precedence_chain", &["first", "then"]),
];

/// The fields that hold predicates in an order.
const LISTS: &[(&str, &str)] = &[("response_chain", "require"), ("precedence_chain", "first")];

/// The fields that every pattern has.
const COMMON: &[&str] = &["pattern", "when", "unless", "during", "per", "undecided", "fail"];

/// How many faults of a file are told: a text that is no rule file at all has one at every line.
const MOST_FAULTS: usize = 20;

/// Reads a rule file; `file` is its name as the diagnostics shall show it.
///
/// # Errors
/// What is wrong with the text, in order of place.
pub fn parse(text: &str, file: &str) -> Result<Rule, Vec<Diagnostic>> {
    rule(text).map_err(|mut faults| {
        faults.sort_by_key(|fault| fault.at.start);
        faults.iter().take(MOST_FAULTS).map(|fault| fault.diagnostic(text, file)).collect()
    })
}

/// What is wrong with the file's name, if it is not the rule's.
pub fn misnamed(rule: &Rule, text: &str, file: &str) -> Option<Diagnostic> {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    if name.strip_suffix(".toml") == Some(rule.id.as_str()) {
        return None;
    }
    let (document, _) = DeTable::parse_recoverable(text);
    let place = document.get_ref().get("id").map_or(0..0, Spanned::span);
    let message = format!("`{name}` holds the rule `{}`", rule.id);
    let help = format!("rename the file to `{}.toml`", rule.id);
    Some(Diagnostic::of(Code::RuleFileName, message).help(help).at(Span::within(file, text, place)))
}

/// Reads the check by itself, because only so its faults keep their places, and the rest by derivation.
fn rule(text: &str) -> Result<Rule, Vec<Fault>> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| Fault::of(error, 0..0)).collect());
    }
    let check = document.get_mut().remove("check").map(directive).transpose();
    let rest = Rule::deserialize(Deserializer::from(document)).map_err(|error| Fault::of(&error, 0..0));
    match (rest, check) {
        (Ok(rule), Ok(check)) => Ok(Rule { check, ..rule }),
        (rest, check) => Err(rest.err().into_iter().chain(check.err().into_iter().flatten()).collect()),
    }
}

/// Reads the table `[check]`.
fn directive(check: Spanned<DeValue<'_>>) -> Result<Directive, Vec<Fault>> {
    let place = check.span();
    if let DeValue::Table(fields) = check.get_ref()
        && let Some(value) = fields.get("pattern")
    {
        let (name, known) = pattern(value).map_err(|fault| vec![fault])?;
        let faults: Vec<Fault> = fields.iter().filter_map(|(key, value)| field(name, known, key, value)).collect();
        if !faults.is_empty() {
            return Err(faults);
        }
    }
    Directive::deserialize(ValueDeserializer::from(check)).map_err(|error| vec![Fault::of(&error, place)])
}

/// The pattern that a value names, with its fields.
fn pattern(value: &Spanned<DeValue<'_>>) -> Result<(&'static str, &'static [&'static str]), Fault> {
    let name = value.get_ref().as_str().unwrap_or_default();
    PATTERNS.iter().find(|(pattern, _)| *pattern == name).copied().ok_or_else(|| {
        let all = PATTERNS.iter().map(|(pattern, _)| *pattern);
        Fault { message: unknown("pattern", name, all), at: value.span() }
    })
}

/// What is wrong with one field of a check.
fn field(
    pattern: &str,
    known: &'static [&'static str],
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
) -> Option<Fault> {
    let name = key.get_ref().as_ref();
    let result = match name {
        "pattern" => Ok(()),
        _ if !COMMON.contains(&name) && !known.contains(&name) => {
            let all = known.iter().chain(COMMON).copied();
            return Some(Fault { message: unknown("field", name, all), at: key.span() });
        }
        "instead" => read::<Vec<Replacement>>(value),
        "during" => read::<During>(value),
        "per" => read::<Per>(value),
        "undecided" => read::<Undecided>(value),
        "fail" => read::<Fail>(value),
        "at_most" => read::<u8>(value),
        _ if LISTS.contains(&(pattern, name)) => read::<Vec<Predicate>>(value),
        _ => read::<Predicate>(value),
    };
    result.err().map(|error| Fault::of(&error, value.span()))
}

/// Whether a value is one of this type.
fn read<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<(), Error> {
    T::deserialize(ValueDeserializer::from(value.clone())).map(drop)
}

/// The message that serde has for a name that is not known.
fn unknown(what: &str, name: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    format!("unknown {what} `{name}`, expected one of {}", known.join(", "))
}

/// Something wrong at a place of the text.
struct Fault {
    message: String,
    at: Range<usize>,
}

impl Fault {
    /// From the parser's error, with a place for where it has none.
    fn of(error: &Error, place: Range<usize>) -> Self {
        Self { message: error.message().to_owned(), at: error.span().unwrap_or(place) }
    }

    /// As a diagnostic. Of a name that is not known, serde lists the known ones; here the list becomes the next step.
    fn diagnostic(&self, text: &str, file: &str) -> Diagnostic {
        let message = self.message.replace('\n', ", ");
        let diagnostic = match message.split_once(", expected ") {
            Some((problem, known)) if problem.starts_with("unknown ") => {
                Diagnostic::of(Code::RuleFileSyntax, problem).help(suggestion(problem, known))
            }
            _ if message.starts_with("wanted ") => Diagnostic::of(Code::RuleFileSyntax, message).help(ONE_TEST),
            _ => Diagnostic::of(Code::RuleFileSyntax, message),
        };
        diagnostic.at(Span::within(file, text, self.at.clone()))
    }
}

/// The next step where something else stands in the place of a predicate.
const ONE_TEST: &str =
    "write one test to a table, as in `{ command = \"npm\" }`, and join several in `{ all = […] }` or `{ any = […] }`";

/// The name nearest to the one that the problem is about, or all that are known.
fn suggestion(problem: &str, known: &str) -> String {
    let wrong = problem.split('`').nth(1).unwrap_or_default();
    let names = known.split('`').skip(1).step_by(2);
    match names.map(|name| (distance(wrong, name), name)).min() {
        Some((errors, name)) if errors <= 1 + name.len() / 4 => format!("did you mean `{name}`?"),
        _ => format!("known here: {}", known.trim_start_matches("one of ")),
    }
}

/// The Levenshtein distance in characters, of names up to 32; anything longer is as far as its length.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(33).collect(), b.chars().take(33).collect());
    if a.len() > 32 || b.len() > 32 {
        return 33;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut last = i + 1;
        let mut next = vec![last];
        for ((above_left, above), y) in row.iter().zip(row.iter().skip(1)).zip(&b) {
            last = (above_left + usize::from(x != y)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
