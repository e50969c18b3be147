//! A sentence as statements, and a statement as clauses: who does what, and before, after, unless or instead of what.
//!
//! This is a grammar of cues, not of words: it knows where a clause begins from the cue in front of it and where a
//! fronted clause ends from the comma or the next cue, and leaves everything between to be named by the lexicon.

use super::thing::is_assignment;
use super::token::{Form, Token, words};
use crate::lexicon::{Cue, Kind, Match, Sense};
use crate::{Lexicon, Predicate};
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

impl Unit<'_, '_> {
    pub(super) fn is(&self, cue: Cue) -> bool {
        self.senses().contains(&Sense::Cue(cue))
    }

    pub(super) fn is_any(&self, cues: &[Cue]) -> bool {
        cues.iter().any(|cue| self.is(*cue))
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

    fn is_unspaced(&self) -> bool {
        self.text.starts_with(|c: char| c > '\u{3000}')
    }
}

/// The part that a clause plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Before,
    After,
    When,
    While,
    Unless,
    Outside,
    Until,
    Between,
    Instead,
}

/// A clause.
#[derive(Debug, Clone)]
pub(super) struct Clause<'a, 'l> {
    pub role: Role,
    pub units: Vec<Unit<'a, 'l>>,
}

impl Clause<'_, '_> {
    pub(super) fn has(&self, cue: Cue) -> bool {
        self.units.iter().any(|unit| unit.is(cue))
    }
}

/// One thing said, with the clauses around it.
#[derive(Debug, Clone)]
pub(super) struct Statement<'a, 'l> {
    pub clauses: Vec<Clause<'a, 'l>>,
    /// The words that join them.
    joints: Vec<Unit<'a, 'l>>,
    pub range: Range<usize>,
}

impl<'a, 'l> Statement<'a, 'l> {
    /// The clause with this part, if there is one.
    pub(super) fn clause(&self, role: Role) -> Option<&Clause<'a, 'l>> {
        self.clauses.iter().find(|clause| clause.role == role)
    }

    /// All the units of its clauses.
    pub(super) fn units(&self) -> impl Iterator<Item = &Unit<'a, 'l>> {
        self.clauses.iter().flat_map(|clause| &clause.units)
    }

    /// The word that joins a clause with this cue to the rest.
    pub(super) fn joint(&self, cue: Cue) -> Option<&'a str> {
        self.joints.iter().find(|unit| unit.is(cue)).map(|unit| unit.text)
    }

    pub(super) fn has(&self, cue: Cue) -> bool {
        self.units().chain(&self.joints).any(|unit| unit.is(cue))
    }

    /// Whether it puts one thing over another, and does not say that it is used.
    pub(super) fn ranks(&self) -> bool {
        self.joints.iter().any(|unit| unit.text.eq_ignore_ascii_case("over")) && !self.has(Cue::Use)
    }
}

/// Finds the known phrases, the commands and the literals among tokens.
pub(super) fn units<'a, 'l>(text: &'a str, tokens: &[Token<'a>], lexicon: &'l Lexicon) -> Vec<Unit<'a, 'l>> {
    let mut found = Vec::new();
    let mut at = 0;
    let done = tokens.first().is_some_and(|token| {
        matches!(&*token.lower, "changed" | "modified" | "edited" | "touched" | "updated") && token.form == Form::Word
    });
    if let (true, Some(token), Some(after)) = (
        done && tokens.iter().take(7).any(|token| token.text == ":"),
        tokens.first(),
        lexicon.longest(std::iter::once("after")),
    ) {
        // `Changed parser/: run make gen` says after what.
        let range = token.range.start..token.range.start;
        found.push(Unit { what: What::Known(after.senses), text: "", range, literal: false, code: &[] });
    }
    if let [there, is, no, ..] = tokens
        && there.lower == "there"
        && matches!(&*is.lower, "is" | "are")
        && no.lower == "no"
    {
        // A sentence that begins so tells what is, and forbids nothing.
        let word = |token: &Token<'a>| Unit {
            what: What::Word,
            text: token.text,
            range: token.range.clone(),
            literal: false,
            code: &[],
        };
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
        let literal = token.form == Form::Code || matches!(what, What::Command | What::Literal(_));
        let (what, code) = told_apart(what);
        found.push(Unit { what, text, range, literal, code });
        at += count;
    }
    let said = |unit: &&mut Unit<'_, '_>| !matches!(unit.what, What::Mark | What::Comma);
    if let Some(last) = found.iter_mut().rfind(said).filter(|last| last.text.ends_with("n't")) {
        // `write it's, don't`: behind it nothing is forbidden.
        last.what = What::Word;
    }
    found
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
        found.push(Unit { what, text: "", range: range.clone(), literal: false, code: &[] });
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
            found.push(Unit {
                what: What::Mark,
                text: "/",
                range: range.start - 1..range.start,
                literal: false,
                code: &[],
            });
        }
        found.push(Unit { what: What::Known(known.senses), text, range, literal: false, code: &[] });
    }
    Some(found)
}

/// The units of words with slashes between them that are no path: `SLF4J/JUL/Log4j`.
fn split_words<'a, 'l>(token: &Token<'a>, lexicon: &'l Lexicon) -> Option<Vec<Unit<'a, 'l>>> {
    let plain = token.text.chars().all(|c| c.is_alphanumeric() || c == '/');
    let known = lexicon.longest(std::iter::once(&*token.lower)).is_some();
    if token.form != Form::Word || !plain || known || !token.text.contains('/') || lexicon.is_prose_path(token.text) {
        return None;
    }
    let mut found = Vec::new();
    let mut start = token.range.start;
    for text in token.text.split('/').filter(|text| !text.is_empty()) {
        let range = start..start + text.len();
        start = range.end + 1;
        if !found.is_empty() {
            found.push(Unit {
                what: What::Mark,
                text: "/",
                range: range.start - 1..range.start,
                literal: false,
                code: &[],
            });
        }
        let what = lexicon
            .longest(std::iter::once(&*text.to_lowercase()))
            .map_or(What::Word, |known| What::Known(known.senses));
        let (what, code) = told_apart(what);
        found.push(Unit { what, text, range, literal: false, code });
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
        (Some(tool), Some(next)) if tool.subcommands.contains(&next.lower) || next.form == Form::Flag => {
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

const STANCES: [Cue; 6] = [Cue::Never, Cue::Always, Cue::Must, Cue::Use, Cue::Only, Cue::Told];
const JOINTS: [Cue; 9] = [
    Cue::Before,
    Cue::After,
    Cue::When,
    Cue::While,
    Cue::Unless,
    Cue::Outside,
    Cue::Until,
    Cue::Between,
    Cue::InsteadOf,
];

/// What a part of a sentence between two breaks holds.
#[derive(Debug, Clone, Copy, Default)]
struct Part {
    stance: bool,
    never: bool,
    content: bool,
}

impl Part {
    fn of(units: &[Unit<'_, '_>]) -> Self {
        Self {
            stance: units.iter().any(|unit| unit.is_any(&STANCES)) || forbids(units),
            never: units.iter().any(|unit| unit.is(Cue::Never)),
            content: units.iter().any(|unit| unit.is_content() || unit.what == What::Word),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            stance: self.stance || other.stance,
            never: self.never || other.never,
            content: self.content || other.content,
        }
    }

    fn stands(self) -> bool {
        self.stance && self.content
    }
}

/// Whether a part begins with `no` or `never`.
fn forbids(units: &[Unit<'_, '_>]) -> bool {
    units.first().is_some_and(|unit| unit.is_any(&[Cue::No, Cue::Never]))
}

/// Whether a word asks for something to be done: behind what is forbidden and a colon, it is what to do instead.
fn urges(unit: &Unit<'_, '_>) -> bool {
    unit.is_any(&[Cue::Run, Cue::Edit, Cue::Create, Cue::Place, Cue::Read])
        && !unit.literal
        && !unit.text.ends_with("ing")
}

/// Whether a part says what to do instead of what stands before it: `…, simply run X`, `…, regenerate it with X`.
fn turns(units: &[Unit<'_, '_>]) -> bool {
    let first = units.iter().find(|unit| !unit.is_filler());
    let adverb = units.first().is_some_and(Unit::is_filler);
    let bare = |unit: &&Unit<'_, '_>| !unit.text.ends_with("ing");
    let means = units.iter().any(|unit| matches!(unit.text, "with" | "via" | "instead"));
    let instead = units.iter().rfind(|unit| unit.what != What::Mark).is_some_and(|unit| unit.text == "instead");
    instead
        || first
            .filter(bare)
            .is_some_and(|unit| (unit.is(Cue::Run) && adverb) || (means && !unit.literal && unit.what != What::Word))
}

/// Splits a sentence into statements: at a comma or a conjunction with a stance on either side.
pub(super) fn statements<'a, 'l>(mut units: Vec<Unit<'a, 'l>>) -> Vec<Statement<'a, 'l>> {
    let mut found = Vec::new();
    while let Some((open, close)) = example(&units) {
        units.drain(open..=close);
    }
    if let Some((joint, open, close)) = spelled_late(&units) {
        // `format before committing (`make fmt`)`: how it is written belongs to what is done.
        if let Some(part) = units.get_mut(joint..=close) {
            part.rotate_left(open - joint);
        }
    }
    while let Some((open, close)) = aside(&units) {
        let inside: Vec<_> = units.drain(open..=close).collect();
        let inside = inside.into_iter().filter(|unit| !matches!(unit.text, "(" | ")" | "（" | "）")).collect();
        found.extend(sequence(inside));
    }
    found.splice(0..0, sequence(units));
    found
}

fn opens(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.text, "(" | "（")
}

fn closes(unit: &Unit<'_, '_>) -> bool {
    matches!(unit.text, ")" | "）")
}

/// Where a parenthesis gives examples of what is named in front of it, or of what cannot be told by them alone.
fn example(units: &[Unit<'_, '_>]) -> Option<(usize, usize)> {
    let at = units.windows(2).position(|two| {
        let lead = two.get(1).map(|unit| unit.text.to_lowercase()).unwrap_or_default();
        two.first().is_some_and(opens)
            && matches!(&*lead, "e.g" | "e.g." | "eg" | "for" | "such" | "like" | "i.e" | "i.e.")
    })?;
    let close = units.iter().skip(at).position(closes)? + at;
    let inside = units.get(at + 1..close).unwrap_or_default();
    let outside = || units.iter().take(at).chain(units.iter().skip(close + 1));
    let written = outside().any(|unit| unit.literal) || outside().any(Unit::is_content);
    let whole = inside.iter().any(|unit| unit.literal && unit.text.contains(' '));
    let shown = inside.iter().any(|unit| unit.literal)
        && !inside.iter().any(|unit| unit.is(Cue::Not) || unit.is(Cue::InsteadOf));
    let options =
        inside.iter().any(|unit| unit.what == What::Literal(Form::Flag) || unit.literal && unit.text.starts_with('-'));
    let timed = inside.iter().skip(1).take(2).any(|unit| unit.is_any(&[Cue::After, Cue::Before, Cue::When]));
    // Of commands that are forbidden by their kind, the examples are what can be told.
    let commands = inside.iter().any(|unit| unit.what == What::Command && unit.literal)
        && outside().any(|unit| unit.is(Cue::Never))
        && outside()
            .any(|unit| matches!(&*unit.text.to_lowercase(), "commands" | "command" | "operations" | "команды"));
    (shown
        && !commands
        && (options && !outside().any(|unit| unit.literal)
            || timed && outside().any(Unit::is_content)
            || outside().any(|unit| unit.literal)
            || whole && !written
            || whole && outside().any(|unit| unit.is_any(&[Cue::Never]))))
    .then_some((at, close))
}

/// Where a parenthesis behind `before …` or `after …` holds nothing but how what stands in front of that is written.
fn spelled_late(units: &[Unit<'_, '_>]) -> Option<(usize, usize, usize)> {
    let timed = |unit: &Unit<'_, '_>| unit.is_any(&[Cue::Before, Cue::After]);
    let names = |unit: &Unit<'_, '_>| unit.is_content() || unit.what == What::Word;
    let joint = units.iter().position(timed).filter(|at| units.iter().take(*at).any(names))?;
    let open = units.iter().skip(joint).position(opens)? + joint;
    let close = units.iter().skip(open).position(closes)? + open;
    let inside = units.get(open + 1..close)?;
    let written = |unit: &Unit<'_, '_>| unit.literal || unit.what == What::Comma || unit.is_any(&[Cue::And, Cue::Or]);
    let said = units.get(joint + 1..open)?;
    let apart = said.iter().any(Unit::is_content) && !said.iter().any(|unit| unit.literal);
    (apart && inside.iter().any(|unit| unit.literal) && inside.iter().all(written)).then_some((joint, open, close))
}

/// Where a parenthesis stands that says something of its own: what else is done, and when.
fn aside(units: &[Unit<'_, '_>]) -> Option<(usize, usize)> {
    let open = |from: usize| units.iter().skip(from).position(opens).map(|at| at + from);
    let mut from = 0;
    while let Some(at) = open(from) {
        let close = units.iter().skip(at).position(closes)? + at;
        let inside = units.get(at + 1..close).unwrap_or_default();
        let joins = inside.iter().any(|unit| unit.is_any(&JOINTS));
        let leads = inside.iter().take(2).any(|unit| unit.is_any(&STANCES) || unit.is_any(&[Cue::And, Cue::Run]));
        let instead = at > 0 && inside.len() > 1 && inside.first().is_some_and(|unit| unit.is(Cue::Use));
        if (inside.len() > 3 || instead) && leads && (joins || inside.iter().any(Unit::is_content)) {
            return Some((at, close));
        }
        from = close + 1;
    }
    None
}

/// Splits a sentence without parentheses.
fn sequence<'a, 'l>(units: Vec<Unit<'a, 'l>>) -> Vec<Statement<'a, 'l>> {
    let breaks = (units.iter().enumerate())
        .filter(|(_, unit)| {
            matches!(unit.what, What::Comma | What::Mark) || unit.is_any(&[Cue::And, Cue::Then, Cue::Reason])
        })
        .map(|(at, _)| at)
        .chain([units.len()]);
    let mut cuts = Vec::new();
    let (mut start, mut from) = (0, 0);
    let mut left = Part::default();
    for at in breaks {
        let segment = units.get(from..at).unwrap_or_default();
        let right = Part::of(segment);
        let fronted = units.get(start).is_some_and(|unit| unit.is_any(&JOINTS) || unit.is(Cue::In));
        let early = segment.iter().take(2).any(|unit| unit.is_any(&STANCES)) || segment.iter().any(Unit::is_unspaced);
        let after_comma =
            from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, "," | "(" | "-" | "--" | "—" | "–"));
        let dash = from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, "-" | "--" | "—" | "–"));
        let contrary =
            after_comma && (left.content && right.content && forbids(segment) || left.never && turns(segment));
        let colon = from > 0 && units.get(from - 1).is_some_and(|unit| matches!(unit.text, ":" | "："));
        let begins =
            |unit: &Unit<'_, '_>| !unit.literal && unit.text.starts_with(char::is_uppercase) && !unit.is_content();
        let named = || units.get(start..from).unwrap_or_default().iter().any(Unit::is_content);
        let conditioned = colon
            && left.stands()
            && left.never
            && segment.first().is_some_and(|unit| {
                unit.is_any(&JOINTS) || named() && urges(unit) || segment.len() > 2 && begins(unit)
            });
        // `use X - not Y` goes on to say what is not to be used.
        let goes_on = segment.first().is_some_and(|unit| unit.is(Cue::Not));
        if !fronted
            && (conditioned
                || left.stands() && right.stands() && early
                || contrary
                || dash && left.stands() && !goes_on)
        {
            cuts.push(from);
            start = from;
            left = right;
        } else {
            left = left.and(right);
        }
        from = at + 1;
        let reason = units.get(at).is_some_and(|unit| unit.is(Cue::Reason));
        if reason && !fronted && left.stands() {
            cuts.push(at);
            start = at;
            left = Part::default();
        }
    }
    let mut found = Vec::new();
    let mut rest = units;
    for cut in cuts.into_iter().rev() {
        let part = rest.split_off(cut);
        // Why something is so is no rule of its own.
        if !part.first().is_some_and(|unit| unit.is(Cue::Reason)) {
            found.push(statement(part));
        }
    }
    found.push(statement(rest));
    found.reverse();
    found.retain(|statement| !statement.range.is_empty());
    found
}

/// A clause while it is read.
#[derive(Debug)]
struct Open<'a, 'l> {
    clause: Clause<'a, 'l>,
    /// Whether it holds anything but cues.
    said: bool,
    /// Whether it names something that a rule can be about.
    named: bool,
}

impl<'a, 'l> Open<'a, 'l> {
    fn of(role: Role) -> Self {
        Self { clause: Clause { role, units: Vec::new() }, said: false, named: false }
    }

    fn push(&mut self, unit: Unit<'a, 'l>) {
        self.named |= unit.is_content();
        self.said |= self.named || unit.what == What::Word;
        self.clause.units.push(unit);
    }
}

/// Splits a statement into clauses.
fn statement<'a, 'l>(units: Vec<Unit<'a, 'l>>) -> Statement<'a, 'l> {
    // What joins it to others is no part of its quote.
    let joins = |unit: &&Unit<'_, '_>| {
        matches!(unit.what, What::Comma | What::Mark) || unit.is_any(&[Cue::And, Cue::Or, Cue::Then])
    };
    let said = || units.iter().filter(|unit| !joins(unit));
    let range = match (said().next(), said().next_back()) {
        (Some(first), Some(last)) => first.range.start..last.range.end,
        _ => 0..0,
    };
    let mut clauses: Vec<Clause<'a, 'l>> = Vec::new();
    let mut open = Open::of(Role::Main);
    let mut joints = Vec::new();
    let mut main_said = false;
    let lists = lists(&units);
    for (at, unit) in units.into_iter().enumerate() {
        let role = open.clause.role;
        if role == Role::Main && matches!(unit.text, "requires" | "require") && is_change(&open.clause.units) {
            // `a new page requires an entry in …`: what stands in front is when.
            clauses.push(Clause { role: Role::After, ..std::mem::replace(&mut open, Open::of(Role::Main)).clause });
            continue;
        }
        if let Some(next) = joint(&unit, &open) {
            main_said |= role == Role::Main && open.named;
            let timed = matches!(next, Role::Before | Role::After | Role::When);
            let postponed = unit.is_unspaced() && timed && role == Role::Main && open.said;
            if postponed || unit.is(Cue::Rejected) {
                // The cue stands behind its clause, and what follows is the main one.
                let clause = std::mem::replace(&mut open, Open::of(Role::Main)).clause;
                clauses.push(Clause { role: next, ..clause });
            } else {
                clauses.push(std::mem::replace(&mut open, Open::of(next)).clause);
            }
            joints.push(unit);
            continue;
        }
        let returns = role != Role::Main
            && (role == Role::Instead && unit.text == ")"
                || (open.said || matches!(unit.text, ":" | "：") && !open.clause.units.is_empty())
                    && unit.what == What::Comma
                    && role != Role::Between
                    && (main_said || !lists.contains(&at))
                || !main_said && unit.is_any(&STANCES)
                || !main_said && open.said && unit.is_any(&[Cue::Then, Cue::Run]) && !unit.text.ends_with("ing"));
        if returns {
            clauses.push(std::mem::replace(&mut open, Open::of(Role::Main)).clause);
        }
        open.push(unit);
    }
    clauses.push(open.clause);
    clauses.retain(|clause| !clause.units.is_empty());
    Statement { clauses: joined(clauses), joints, range }
}

/// The commas between things that are listed in front of what is to be done: `before running A, B or C, run D`.
fn lists(units: &[Unit<'_, '_>]) -> Vec<usize> {
    let comma = |at: &usize| units.get(*at).is_some_and(|unit| unit.text == ",");
    let urges = |at: usize| units.iter().skip(at + 1).find(|unit| !unit.is_filler()).is_some_and(urges);
    let Some(last) = (0..units.len()).rev().find(|at| comma(at) && urges(*at)) else { return Vec::new() };
    // `before changing A, B, or C, read D`
    let closed =
        (0..last).rev().find(|at| comma(at) && units.get(at + 1).is_some_and(|next| next.is_any(&[Cue::And, Cue::Or])));
    let goes_on =
        |at: &usize| closed.is_some_and(|closed| *at <= closed) || units.get(at + 1).is_some_and(|next| next.literal);
    (0..last).filter(comma).filter(goes_on).collect()
}

/// Whether a clause so far names a change, as `schema changes` and `adding a page` do.
fn is_change(units: &[Unit<'_, '_>]) -> bool {
    let change = |unit: &Unit<'_, '_>| {
        matches!(&*unit.text.to_lowercase(), "changes" | "change" | "adding" | "changing" | "editing" | "modifying")
    };
    units.len() > 1 && units.iter().any(change) && !units.iter().any(|unit| unit.is_any(&STANCES))
}

/// The part of the clause that this unit begins, if it begins one.
fn joint(unit: &Unit<'_, '_>, open: &Open<'_, '_>) -> Option<Role> {
    let role = |cue| match cue {
        Cue::Before => Some(Role::Before),
        Cue::After => Some(Role::After),
        Cue::When => Some(Role::When),
        Cue::While => Some(Role::While),
        Cue::Unless => Some(Role::Unless),
        Cue::Outside => Some(Role::Outside),
        Cue::Until => Some(Role::Until),
        Cue::Between => Some(Role::Between),
        Cue::InsteadOf | Cue::Rejected => Some(Role::Instead),
        Cue::Not
            if open.named
                || open
                    .clause
                    .units
                    .last()
                    .is_some_and(|last| last.what == What::Comma || matches!(last.text, "(" | "-")) =>
        {
            Some(Role::Instead)
        }
        _ => None,
    };
    unit.senses().iter().find_map(|sense| match sense {
        Sense::Cue(cue) => role(*cue),
        _ => None,
    })
}

/// Brings the pieces of the main clause together, in order, at the front.
fn joined<'a, 'l>(clauses: Vec<Clause<'a, 'l>>) -> Vec<Clause<'a, 'l>> {
    let (main, mut others): (Vec<_>, Vec<_>) = clauses.into_iter().partition(|clause| clause.role == Role::Main);
    let units = main.into_iter().flat_map(|clause| clause.units).collect();
    others.insert(0, Clause { role: Role::Main, units });
    others
}
