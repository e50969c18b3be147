//! The tokens of a sentence as what they can mean: known phrases, commands that are written out, literals and other words.

use super::thing::is_assignment;
use super::token::{Form, Token, lowered, words};
use crate::lexicon::{Cue, Kind, Match, Sense};
use crate::{Lexicon, Predicate};
use std::borrow::Cow;
use std::ops::Range;

/// One step of a sentence: a phrase of the lexicon, a literal, or a word that means nothing here.
#[derive(Debug, Clone)]
pub(super) struct Unit<'a, 'l> {
    pub what: What<'l>,
    /// The text, without quotation marks.
    pub text: &'a str,
    /// Where it stands in the message.
    pub range: Range<usize>,
    /// Whether it is written as it stands in code: a code span, a path, a command.
    pub literal: bool,
    /// The names and texts in code, and the forms of such, that it can mean beside.
    pub code: &'l [Sense],
    cues: Cues,
}

/// A set of cues: nearly every question about a sentence is whether some word of it is one.
///
/// INVARIANT: there are fewer cues than bits.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cues(u128);

impl Cues {
    /// Those of any of these units.
    pub(super) fn in_units<'u>(units: impl IntoIterator<Item = &'u Unit<'u, 'u>>) -> Self {
        units.into_iter().fold(Self::default(), |all, unit| all.and(unit.cues))
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn has(self, cue: Cue) -> bool {
        self.0 & Self::bit(cue) != 0
    }

    fn of(cues: impl IntoIterator<Item = Cue>) -> Self {
        cues.into_iter().fold(Self::default(), |Self(set), cue| Self(set | Self::bit(cue)))
    }

    fn bit(cue: Cue) -> u128 {
        1 << cue as u32
    }
}

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum What<'l> {
    /// A known phrase.
    Known(&'l [Sense]),
    /// A command that is written out.
    Command,
    /// A literal of this form.
    Literal(Form),
    /// A number.
    Number(u32),
    /// Any other word.
    Word,
    /// A comma, a colon, a dash.
    Comma,
    /// Any other punctuation.
    Mark,
}

impl<'a, 'l> Unit<'a, 'l> {
    fn of(what: What<'l>, text: &'a str, range: Range<usize>) -> Self {
        let cues = |sense: &Sense| if let Sense::Cue(cue) = sense { Some(*cue) } else { None };
        let senses = if let What::Known(senses) = what { senses } else { &[] };
        let cues = Cues::of(senses.iter().filter_map(cues));
        Self { what, text, range, literal: false, code: &[], cues }
    }

    /// Takes it for a word like any other.
    fn forget(&mut self) {
        (self.what, self.cues) = (What::Word, Cues::default());
    }

    pub(super) fn is(&self, cue: Cue) -> bool {
        self.cues.has(cue)
    }

    pub(super) fn is_any(&self, cues: &[Cue]) -> bool {
        self.cues.0 & Cues::of(cues.iter().copied()).0 != 0
    }

    /// Its text in lower case.
    pub(super) fn lower(&self) -> Cow<'a, str> {
        lowered(self.text)
    }

    pub(super) fn senses(&self) -> &[Sense] {
        match self.what {
            What::Known(senses) => senses,
            _ => &[],
        }
    }

    /// Whether it says nothing about the noun behind it, as articles do.
    pub(super) fn is_filler(&self) -> bool {
        self.is_any(&[Cue::Filler, Cue::Every, Cue::This])
    }

    /// Whether it can name something that a rule is about.
    pub(super) fn is_content(&self) -> bool {
        match self.what {
            What::Known(senses) => senses
                .iter()
                .any(|sense| !matches!(sense, Sense::Cue(_) | Sense::Number(_) | Sense::Site(_) | Sense::Form(_))),
            What::Command | What::Literal(_) => true,
            _ => false,
        }
    }

    pub(super) fn is_unspaced(&self) -> bool {
        self.text.starts_with(|c: char| c > '\u{3000}')
    }
}

/// Finds the known phrases, the commands and the literals among tokens.
pub(super) fn units<'a, 'l>(text: &'a str, tokens: &[Token<'a>], lexicon: &'l Lexicon) -> Vec<Unit<'a, 'l>> {
    let mut found = Vec::with_capacity(tokens.len());
    let mut at = 0;
    let done = tokens.first().is_some_and(|token| {
        matches!(&*token.lower, "changed" | "modified" | "edited" | "touched" | "updated") && token.form == Form::Word
    });
    if let Some(token) = tokens.first().filter(|_| done && tokens.iter().take(7).any(|token| token.text == ":")) {
        // `Changed parser/: run make gen` says after what.
        let after = lexicon.longest(std::iter::once("after"));
        let range = token.range.start..token.range.start;
        found.extend(after.map(|after| Unit::of(What::Known(after.senses), "", range)));
    }
    if let [there, is, no, ..] = tokens
        && there.lower == "there"
        && matches!(&*is.lower, "is" | "are")
        && no.lower == "no"
    {
        // A sentence that begins so tells what is, and forbids nothing.
        let word = |token: &Token<'a>| Unit::of(What::Word, token.text, token.range.clone());
        found.extend([there, is, no].map(word));
        at = 3;
    }
    while let Some(token) = tokens.get(at) {
        let rest = tokens.get(at..).unwrap_or_default();
        if let Some(parts) = alternatives(token, lexicon).or_else(|| split_words(token, lexicon)) {
            found.extend(parts);
            at += 1;
            continue;
        }
        let (what, count) = unit(token, rest, lexicon);
        let last = tokens.get(at + count - 1).unwrap_or(token);
        let range = token.range.start..last.range.end;
        let text = if count == 1 { token.text } else { text.get(range.clone()).unwrap_or_default() };
        if let What::Known(senses) = what
            && let Some(means) = senses.iter().find_map(|sense| idiom(*sense, lexicon))
        {
            found.extend(spelled_out(means, &range, lexicon));
            at += count;
            continue;
        }
        let code = rest.iter().take(count).any(|token| token.form == Form::Code);
        let literal = code || matches!(what, What::Command | What::Literal(_));
        let (what, code) = told_apart(what);
        found.push(Unit { literal, code, ..Unit::of(what, text, range) });
        at += count;
    }
    forget(&mut found);
    bring_exception(&mut found, lexicon);
    bid(&mut found, lexicon);
    found
}

/// Takes for a word like any other what says how things are, and forbids or demands nothing.
fn forget(found: &mut [Unit<'_, '_>]) {
    for at in 1..found.len() {
        // `it will always run` tells what happens.
        let tells = found.get(at - 1).is_some_and(|unit| matches!(&*unit.lower(), "will" | "would"));
        if let Some(unit) = found.get_mut(at).filter(|unit| tells && unit.text == "always") {
            unit.forget();
        }
    }
    for at in 1..found.len() {
        // `your migration had no down` misses it, and forbids nothing.
        let had = found.get(at - 1).is_some_and(|unit| matches!(unit.text, "had" | "contained"));
        if let Some(unit) = found.get_mut(at).filter(|unit| had && unit.text == "no") {
            unit.forget();
        }
    }
    for at in 1..found.len() {
        // `for cases that can't happen, use X` tells what does not, and forbids nothing.
        let which = found.get(at - 1).is_some_and(|unit| matches!(unit.text, "that" | "which" | "who"));
        let may_not_be = found.get(at + 1).is_some_and(|unit| unit.text == "be");
        let cannot = |unit: &Unit<'_, '_>| matches!(unit.text, "can't" | "can’t" | "cannot" | "can not");
        if let Some(unit) = found.get_mut(at).filter(|unit| which && !may_not_be && cannot(unit)) {
            unit.forget();
        }
    }
    let said = |unit: &&mut Unit<'_, '_>| !matches!(unit.what, What::Mark | What::Comma);
    if let Some(last) = found.iter_mut().rfind(said).filter(|last| last.text.ends_with("n't")) {
        // `write it's, don't`: behind it nothing is forbidden.
        last.forget();
    }
}

/// Takes what begins with `do not pass` and says what for what forbids; of tests it says that they fail.
fn bid<'l>(found: &mut [Unit<'_, 'l>], lexicon: &'l Lexicon) {
    let passes = |unit: &Unit<'_, '_>| {
        unit.is(Cue::Fail) && matches!(&*unit.lower(), "do not pass" | "don't pass" | "don’t pass")
    };
    let Some(at) = found.iter().position(passes) else { return };
    let before = at.checked_sub(1).and_then(|before| found.get(before));
    let begins = before.is_none_or(|unit| matches!(unit.what, What::Mark | What::Comma));
    let what = found.get(at + 1).is_some_and(|unit| unit.what == What::Word || unit.is_content());
    if let (Some(unit), true, Some(never)) =
        (found.get_mut(at), begins && what, lexicon.longest(std::iter::once("never")))
    {
        *unit = Unit::of(What::Known(never.senses), unit.text, unit.range.clone());
    }
}

/// Takes what is excepted at the end for an exception: `every module begins with X, __init__.py excepted`.
fn bring_exception<'l>(found: &mut Vec<Unit<'_, 'l>>, lexicon: &'l Lexicon) {
    let last = found.iter().rposition(|unit| !matches!(unit.what, What::Mark));
    let late = last.filter(|at| {
        found.get(*at).is_some_and(|unit| matches!(&*unit.lower(), "excepted" | "excluded" | "exempt" | "exempted"))
    });
    let comma = late.and_then(|late| found.get(..late)?.iter().rposition(|unit| unit.text == ","));
    if let (Some(late), Some(comma), Some(except)) = (late, comma, lexicon.longest(std::iter::once("except"))) {
        found.truncate(late);
        if let Some(unit) = found.get_mut(comma) {
            *unit = Unit::of(What::Known(except.senses), "", unit.range.clone());
        }
    }
}

/// What names nothing but names and texts in code, or a form of such, is a word like any other, and kept beside.
fn told_apart(what: What<'_>) -> (What<'_>, &[Sense]) {
    let What::Known(senses) = what else { return (what, &[]) };
    let code = |sense: &Sense| matches!(sense, Sense::Site(_) | Sense::Form(_));
    let what = if senses.iter().all(code) { What::Word } else { what };
    (what, if senses.iter().any(code) { senses } else { &[] })
}

fn idiom(sense: Sense, lexicon: &Lexicon) -> Option<&[String]> {
    match sense {
        Sense::Idiom(at) => Some(lexicon.idiom(at)),
        _ => None,
    }
}

/// The units that an idiom stands for, all where it stands; none of them is written there.
fn spelled_out<'a, 'l>(means: &'l [String], range: &Range<usize>, lexicon: &'l Lexicon) -> Vec<Unit<'a, 'l>> {
    let mut found = Vec::new();
    let mut rest = means;
    while let Some(first) = rest.first() {
        let known = lexicon.longest(rest.iter().map(String::as_str));
        let what = match known {
            Some(known) => What::Known(known.senses),
            None if first == "," => What::Comma,
            None => What::Word,
        };
        found.push(Unit::of(what, "", range.clone()));
        rest = rest.get(known.map_or(1, |known| known.words)..).unwrap_or_default();
    }
    found
}

/// The units of known words with slashes between them: `stash/revert`, `npm/yarn`.
fn alternatives<'a, 'l>(token: &Token<'a>, lexicon: &'l Lexicon) -> Option<Vec<Unit<'a, 'l>>> {
    let plain = token.form == Form::Word && token.text.contains('/') && !token.text.contains(['.', '*', '~', '{']);
    if !plain || lexicon.longest(std::iter::once(&*token.lower)).is_some() {
        return None;
    }
    let mut found = Vec::new();
    let mut start = token.range.start;
    for (text, lower) in token.text.split('/').zip(token.lower.split('/')) {
        let known = lexicon.longest(std::iter::once(lower))?;
        let range = start..start + text.len();
        start = range.end + 1;
        if !found.is_empty() {
            found.push(Unit::of(What::Mark, "/", range.start - 1..range.start));
        }
        found.push(Unit::of(What::Known(known.senses), text, range));
    }
    Some(found)
}

/// The units of words with slashes between them that are no path: `SLF4J/JUL/Log4j`.
fn split_words<'a, 'l>(token: &Token<'a>, lexicon: &'l Lexicon) -> Option<Vec<Unit<'a, 'l>>> {
    // The hyphen that no line breaks at stands in prose, and in no path.
    let plain = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '\u{2011}'));
    if token.form != Form::Word || !token.text.contains('/') || !plain(token.text) {
        return None;
    }
    if lexicon.longest(std::iter::once(&*token.lower)).is_some() || lexicon.is_prose_path(token.text) {
        return None;
    }
    let mut found = Vec::new();
    let mut start = token.range.start;
    for text in token.text.split('/').filter(|text| !text.is_empty()) {
        let range = start..start + text.len();
        start = range.end + 1;
        if !found.is_empty() {
            found.push(Unit::of(What::Mark, "/", range.start - 1..range.start));
        }
        let what =
            lexicon.longest(std::iter::once(&*lowered(text))).map_or(What::Word, |known| What::Known(known.senses));
        let (what, code) = told_apart(what);
        found.push(Unit { code, ..Unit::of(what, text, range) });
    }
    (found.len() > 1).then_some(found)
}

/// The unit that some tokens begin with, and how many of them it takes.
fn unit<'l>(token: &Token<'_>, rest: &[Token<'_>], lexicon: &'l Lexicon) -> (What<'l>, usize) {
    let lower = rest.iter().map(|token| &*token.lower);
    match token.form {
        Form::Mark if matches!(token.text, "," | "，" | "、" | ":" | "：" | "—" | "–" | "--") => {
            return (What::Comma, 1);
        }
        Form::Mark => return (What::Mark, 1),
        Form::Code => {
            // A code span may begin a phrase: `` `await` in loops `` is less than `` `await` ``.
            let phrase = lexicon.longest(lower).filter(|found| found.words > 1);
            return phrase.map_or_else(|| (code(token, lexicon), 1), |found| (What::Known(found.senses), found.words));
        }
        // What is quoted is spoken of, not said: no cue is looked for in it.
        Form::Quote => {
            let inside = words(token.text);
            let whole = lexicon.longest(inside.iter().map(String::as_str)).filter(|found| {
                found.words == inside.len() && found.senses.iter().all(|sense| is_of_commits(*sense, lexicon))
            });
            let found = lexicon.longest(lower).filter(|found| found.senses.iter().any(is_name)).or(whole);
            // `the 'any' type` is a phrase though a part of it is quoted; what is quoted whole is one token.
            let quoted =
                |found: Match<'l>| (What::Known(found.senses), if rest.len() < found.words { 1 } else { found.words });
            return found.map_or((What::Literal(Form::Quote), 1), quoted);
        }
        _ => {}
    }
    let Some(found) = lexicon.longest(lower) else {
        if token.form == Form::Number {
            return (token.text.parse().map_or(What::Word, What::Number), 1);
        }
        let what = match token.form {
            Form::Flag => What::Literal(Form::Flag),
            _ if lexicon.is_path(token.text) && lexicon.is_prose_path(token.text) => What::Literal(Form::Path),
            _ if !token.text.contains(char::is_alphanumeric) => What::Mark,
            _ => What::Word,
        };
        return (what, 1);
    };
    let behind = rest.get(found.words..).unwrap_or_default();
    let tool = found.senses.iter().find_map(|sense| match sense {
        Sense::Entry(at) => lexicon.entry(*at).filter(|entry| entry.kind == Kind::Tool),
        _ => None,
    });
    match (tool, behind.first()) {
        (Some(tool), Some(next))
            if tool.subcommands.iter().any(|name| *name == next.lower) || next.form == Form::Flag =>
        {
            (What::Command, found.words + command_length(behind, lexicon))
        }
        _ => (What::Known(found.senses), found.words),
    }
}

/// How many tokens behind a program's name belong to the command.
fn command_length(behind: &[Token<'_>], lexicon: &Lexicon) -> usize {
    let mut count = 0;
    let mut takes_name = false;
    for (at, token) in behind.iter().enumerate() {
        let known = lexicon.longest(std::iter::once(&*token.lower));
        let cue = known.is_some_and(|known| known.senses.iter().any(|sense| matches!(sense, Sense::Cue(_))));
        let takes = match token.form {
            Form::Flag => true,
            // `npm audit fix`, `docker system prune`
            Form::Word if at == 1 && matches!(&*token.lower, "prune" | "fix" | "rm") => true,
            Form::Word => at == 0 || (takes_name && !cue),
            _ => false,
        };
        if !takes {
            break;
        }
        takes_name = matches!(&*token.lower, "run" | "exec" | "dlx" | "task" | "compose" | "pip" | "pr" | "issue");
        count += 1;
    }
    count
}

/// A code span is what the lexicon knows under this very text, a command if it begins with a program, or a literal.
fn code<'l>(token: &Token<'_>, lexicon: &'l Lexicon) -> What<'l> {
    let type_like = token.text.starts_with(char::is_uppercase) && token.text.chars().all(char::is_alphanumeric);
    // `Test` names no tests, but `Dockerfile` is the name of a file.
    let files = |at: usize| match lexicon.entry(at).map(|entry| &entry.predicate) {
        Some(Predicate::File(test)) => {
            test.path.iter().any(|glob| glob.trim_start_matches("**/").starts_with(token.text))
        }
        _ => false,
    };
    let other = |found: &Match<'_>| {
        type_like && !found.senses.iter().any(|sense| matches!(sense, Sense::Entry(at) if files(*at)))
    };
    if let Some(found) = lexicon.longest(std::iter::once(&*token.lower)) {
        let cues = found.senses.iter().all(|sense| matches!(sense, Sense::Cue(_) | Sense::Number(_) | Sense::Idiom(_)));
        // The name of a type is not the word that it looks like.
        return if other(&found) || cues { What::Literal(Form::Code) } else { What::Known(found.senses) };
    }
    let inside = words(token.text);
    match lexicon.longest(inside.iter().map(String::as_str)) {
        Some(found)
            if found.words == inside.len()
                && found.senses.iter().any(is_name)
                && !is_action(&found, type_like, lexicon) =>
        {
            What::Known(found.senses)
        }
        Some(found) if found.senses.iter().any(|sense| is_program(*sense, lexicon)) => What::Command,
        _ if token.text.starts_with("./") && token.text.contains(' ') => What::Command,
        _ if token.text.split_once(' ').is_some_and(|(first, rest)| is_assignment(first) && !rest.contains('=')) => {
            What::Command
        }
        _ if token.text.starts_with(|c: char| c.is_alphanumeric() || c == '.')
            && token.text.contains(' ')
            && token.text.split(' ').any(|word| word.starts_with("--")) =>
        {
            What::Command
        }
        _ => What::Literal(Form::Code),
    }
}

/// Whether the name of a type looks like something that is done: `Test`, `Build`.
fn is_action(found: &Match<'_>, type_like: bool, lexicon: &Lexicon) -> bool {
    let action = |at: usize| lexicon.entry(at).is_some_and(|entry| entry.kind == Kind::Action);
    type_like && found.senses.iter().any(|sense| matches!(sense, Sense::Entry(at) if action(*at)))
}

fn is_of_commits(sense: Sense, lexicon: &Lexicon) -> bool {
    let Sense::Property(at) = sense else { return false };
    lexicon.property(at).is_some_and(|property| property.of.first() == Some(&crate::lexicon::Of::Commit))
}

fn is_name(sense: &Sense) -> bool {
    matches!(sense, Sense::Entry(_) | Sense::Property(_))
}

fn is_program(sense: Sense, lexicon: &Lexicon) -> bool {
    let Sense::Entry(at) = sense else { return false };
    lexicon.entry(at).is_some_and(|entry| entry.kind == Kind::Tool)
}
