//! What rules want texts to be like: every reply, every commit message, every file of a kind. Claims that cannot both hold
//! are told by their structure: two languages, tabs and spaces, two beginnings, something and its opposite.

use super::{MAX_SUSPECTS, Pair, Subject, meet};
use crate::facts::language::language;
use fast_glob::glob_match;
use rules::predicate::{FileTest, Indent, Moment, TextTest};
use rules::{Directive, Pattern, Predicate, RuleId};
use std::collections::BTreeMap;

/// A claim on a text: a test without `all`, `any` and `not`, and whether it is to hold.
#[derive(Debug, Clone)]
struct Literal {
    /// The part of the text, as tests name it.
    place: String,
    test: TextTest,
    holds: bool,
}

/// What a rule claims.
#[derive(Debug, Clone)]
struct Claim {
    /// The place of its rule.
    at: usize,
    literal: Literal,
    /// Whether it is about each text, and not about some one.
    every: bool,
    files: Files,
}

/// The files that a claim is about; an empty list allows all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Files {
    /// Of each list, one glob must match.
    globs: Vec<Vec<String>>,
    language: Vec<String>,
}

/// Reports pairs of rules whose claims contradict each other; `work` is told how many pairs were looked at.
pub(super) fn contradictions(subjects: &[Subject<'_>], work: impl Fn(usize), mut report: impl FnMut(Pair, String)) {
    // Claims of one group are about the same kind of text under the same guards; a group holds the claims by their value.
    let mut groups: BTreeMap<(String, String), BTreeMap<String, Vec<Claim>>> = BTreeMap::new();
    for (at, subject) in subjects.iter().enumerate() {
        for (kind, claim) in claims(at, subject) {
            let group = (kind, format!("{}{}", claim.literal.place, family(&claim.literal.test)));
            let value = format!("{:?}{}", claim.literal.test, claim.literal.holds);
            groups.entry(group).or_default().entry(value).or_default().push(claim);
        }
    }
    for ((kind, _), values) in &groups {
        let values: Vec<&Vec<Claim>> = values.values().collect();
        for (at, some) in values.iter().enumerate() {
            for others in values.iter().skip(at + 1) {
                work(1);
                if some.iter().zip(*others).next().is_some_and(|(one, other)| one.literal.contradicts(&other.literal)) {
                    against(some, others, subjects, &work, |pair, both| report(pair, says(kind, both)));
                }
            }
        }
    }
}

/// Pairs the claims of two contradicting values where they are about the same texts.
fn against<'c>(
    some: &'c [Claim],
    others: &'c [Claim],
    subjects: &[Subject<'_>],
    work: &impl Fn(usize),
    mut report: impl FnMut(Pair, [(&RuleId, &'c Claim); 2]),
) {
    let mut by_root: BTreeMap<Option<&str>, Vec<&Claim>> = BTreeMap::new();
    for other in others {
        by_root.entry(other.files.root()).or_default().push(other);
    }
    let subject = |claim: &Claim| subjects.get(claim.at);
    for one in some {
        let root = one.files.root();
        let near = by_root.iter().filter(|(other, _)| root.is_none() || other.is_none() || **other == root);
        let near = near.flat_map(|(_, claims)| claims).inspect(|_| work(1)).filter(|other| {
            let both = subject(one).zip(subject(other));
            let together = both.is_some_and(|(a, b)| meet(&a.check.reach, &b.check.reach));
            one.at != other.at && (one.every || other.every) && together && one.files.may_meet(&other.files)
        });
        for other in near.take(MAX_SUSPECTS) {
            let Some((first, second)) = subject(one).zip(subject(other)) else { continue };
            report((one.at.min(other.at), one.at.max(other.at)), [(&first.rule.id, one), (&second.rule.id, other)]);
        }
    }
}

/// What one rule asks for and the other rules out, in one line.
fn says(kind: &str, [one, other]: [(&RuleId, &Claim); 2]) -> String {
    let what = kind.split('/').next().unwrap_or_default();
    let wants = |(id, claim): (&RuleId, &Claim)| {
        let Literal { place, test, holds } = claim.literal.clone();
        let test = if holds { test } else { TextTest::Not(Box::new(test)) };
        let says = rules::describe(&Predicate::Reply(test)).replacen("a reply that", "", 1);
        let whose = if place.is_empty() { "that".to_owned() } else { format!("whose {}", place.trim()) };
        (format!("`{id}`"), format!("{what} {whose}{says}"))
    };
    let ((one, first), (other, second)) = (wants(one), wants(other));
    format!("{one} asks for {first}, and {other} for {second}")
}

impl Literal {
    fn contradicts(&self, other: &Self) -> bool {
        use TextTest::{EndsWith, Indent as Indented, Language, MinHeadings, StartsWith};
        match (&self.test, self.holds, &other.test, other.holds) {
            (Language(one), true, Language(another), true) => one != another,
            (Indented(one), true, Indented(another), true) => !(one == another || are_spaces(*one, *another)),
            (StartsWith(one), true, StartsWith(another), true) => {
                !one.starts_with(another) && !another.starts_with(one)
            }
            (EndsWith(one), true, EndsWith(another), true) => !one.ends_with(another) && !another.ends_with(one),
            (MinHeadings(one), true, MinHeadings(another), false) => one >= another,
            (MinHeadings(one), false, MinHeadings(another), true) => another >= one,
            (one, holds, another, other_holds) if holds != other_holds => match (most(one), most(another)) {
                (Some(one), Some(another)) => {
                    if holds {
                        one <= another
                    } else {
                        another <= one
                    }
                }
                _ => one == another,
            },
            _ => false,
        }
    }
}

/// Whether one way of indenting is the other said more exactly.
fn are_spaces(one: Indent, other: Indent) -> bool {
    one != Indent::Tabs && other != Indent::Tabs && (one == Indent::Spaces || other == Indent::Spaces)
}

/// The limit of a test that sets one.
fn most(test: &TextTest) -> Option<u32> {
    match test {
        TextTest::MaxChars(n)
        | TextTest::MaxWords(n)
        | TextTest::MaxSentences(n)
        | TextTest::MaxLines(n)
        | TextTest::MaxLineChars(n)
        | TextTest::MaxQuestions(n) => Some(*n),
        _ => None,
    }
}

/// What tests of one family can contradict; of most, only the opposite.
fn family(test: &TextTest) -> String {
    let whole = format!("{test:?}");
    match test {
        TextTest::Language(_)
        | TextTest::Indent(_)
        | TextTest::MinHeadings(_)
        | TextTest::StartsWith(_)
        | TextTest::EndsWith(_) => {}
        limit if most(limit).is_some() => {}
        _ => return whole,
    }
    whole.split('(').next().unwrap_or_default().to_owned()
}

/// What a rule claims of texts, each with the kind of text and the guards as a name.
fn claims(at: usize, subject: &Subject<'_>) -> Vec<(String, Claim)> {
    let directive = subject.directive;
    let mut claims = Vec::new();
    let mut claim = |(kind, test, files): (&str, &TextTest, Files), holds: bool, (every, guard): (bool, &str)| {
        let mut files = files;
        if !subject.rule.scope.directory.is_empty() && !files.globs.is_empty() {
            let inside = subject.rule.scope.directory.iter().map(|glob| format!("{}/**", glob.trim_end_matches('/')));
            files.globs.push(inside.collect());
        }
        for literal in literals(test, holds, "") {
            let kind = format!("{kind}/{guard}{}", guards(directive));
            claims.push((kind, Claim { at, literal, every, files: files.clone() }));
        }
    };
    match &directive.pattern {
        Pattern::Universality { every, must } => {
            for (kind, test, files) in conjuncts(must).into_iter().flat_map(texts) {
                let (guard, selected) = selector(kind, every);
                claim((kind, test, selected.and(files)), true, (true, &guard));
            }
        }
        Pattern::Absence { never } | Pattern::Substitution { never, .. } => {
            for part in disjuncts(never) {
                if let [(kind, test, files)] = texts(part).as_slice() {
                    claim((kind, test, files.clone()), false, (true, ""));
                }
            }
        }
        Pattern::Existence { require } => {
            for (kind, test, files) in conjuncts(require).into_iter().flat_map(texts) {
                claim((kind, test, files), true, (false, ""));
            }
        }
        _ => {}
    }
    claims
}

fn guards(directive: &Directive) -> String {
    let Directive { when, unless, during, .. } = directive;
    if when.is_none() && unless.is_none() && during.is_globally() {
        return String::new();
    }
    format!("{when:?}{unless:?}{during:?}")
}

/// The guard, and the files, that the kind of a universality comes to.
fn selector(kind: &str, every: &Predicate) -> (String, Files) {
    let everything = |test: &TextTest| literals(test, true, "").is_empty() && *test == TextTest::All(Vec::new());
    let plain = match every {
        Predicate::All(parts) if parts.is_empty() => true,
        Predicate::Reply(test) => kind == REPLIES && everything(test),
        Predicate::Event(moment) => kind == REPLIES && matches!(moment, Moment::Reply | Moment::Stop),
        Predicate::Commit(test) => kind == MESSAGES && everything(test),
        Predicate::PullRequest(test) => kind == REQUESTS && everything(test),
        Predicate::Prompt(test) => kind == PROMPTS && everything(test),
        Predicate::Command(test) => kind == MESSAGES && test.run == "git commit",
        Predicate::File(test) => {
            let FileTest { path, not_path, language, action, name, added, removed, content, code } = test.as_ref();
            let texts = [name, added, removed, content].into_iter().flatten();
            let narrow = code.is_some() || texts.into_iter().any(|test| !everything(test));
            let guard = if narrow {
                format!("{test:?}")
            } else if not_path.is_empty() && action.is_none() {
                String::new()
            } else {
                format!("{not_path:?}{action:?}")
            };
            return (guard, Files::of(path, language));
        }
        _ => false,
    };
    let guard = if plain { String::new() } else { format!("{every:?}") };
    (guard, Files::default())
}

fn conjuncts(predicate: &Predicate) -> Vec<&Predicate> {
    match predicate {
        Predicate::All(parts) => parts.iter().flat_map(conjuncts).collect(),
        one => vec![one],
    }
}

fn disjuncts(predicate: &Predicate) -> Vec<&Predicate> {
    match predicate {
        Predicate::Any(parts) => parts.iter().flat_map(disjuncts).collect(),
        one => vec![one],
    }
}

const REPLIES: &str = "a reply";
const MESSAGES: &str = "a commit message";
const REQUESTS: &str = "a pull request";
const PROMPTS: &str = "a prompt";
const NAMES: &str = "a file name";
const LINES: &str = "added text";
const CONTENTS: &str = "a file";

/// The tests on texts that a leaf holds; none where it tests something else about the same file as well.
fn texts(leaf: &Predicate) -> Vec<(&'static str, &TextTest, Files)> {
    match leaf {
        Predicate::Reply(test) => vec![(REPLIES, test, Files::default())],
        Predicate::Commit(test) => vec![(MESSAGES, test, Files::default())],
        Predicate::PullRequest(test) => vec![(REQUESTS, test, Files::default())],
        Predicate::Prompt(test) => vec![(PROMPTS, test, Files::default())],
        Predicate::File(test) => {
            let FileTest { path, not_path, language, action, name, added, removed, content, code } = test.as_ref();
            if code.is_some() || removed.is_some() || action.is_some() || !not_path.is_empty() {
                return Vec::new();
            }
            let tests = [(NAMES, name), (LINES, added), (CONTENTS, content)];
            let tests = tests.into_iter().filter_map(|(kind, test)| Some((kind, test.as_ref()?)));
            tests.map(|(kind, test)| (kind, test, Files::of(path, language))).collect()
        }
        _ => Vec::new(),
    }
}

/// The claims that a test comes to. Of alternatives nothing follows for one of them.
fn literals(test: &TextTest, holds: bool, place: &str) -> Vec<Literal> {
    let inner = |part: &TextTest, name: &str| literals(part, holds, &format!("{place}{name} "));
    let literal = |test: TextTest, holds: bool| vec![Literal { place: place.to_owned(), test, holds }];
    match test {
        TextTest::All(parts) if holds || parts.len() == 1 => {
            parts.iter().flat_map(|part| literals(part, holds, place)).collect()
        }
        TextTest::Any(parts) if !holds || parts.len() == 1 => {
            parts.iter().flat_map(|part| literals(part, holds, place)).collect()
        }
        TextTest::All(_) | TextTest::Any(_) => Vec::new(),
        TextTest::Not(part) => literals(part, !holds, place),
        TextTest::FirstLine(part) => inner(part, "first line"),
        TextTest::FirstSentence(part) => inner(part, "first sentence"),
        TextTest::Body(part) => inner(part, "body"),
        TextTest::Emoji(yes) => literal(TextTest::Emoji(true), *yes == holds),
        TextTest::Empty(yes) => literal(TextTest::Empty(true), *yes == holds),
        TextTest::Imperative(yes) => literal(TextTest::Imperative(true), *yes == holds),
        other => literal(other.clone(), holds),
    }
}

impl Files {
    fn of(path: &[String], language: &[String]) -> Self {
        // A list is there for files even when it is empty, so that a directory can be added to it.
        Self {
            globs: vec![path.iter().flat_map(|glob| braces(glob)).flat_map(|glob| whole(&glob)).collect()],
            language: language.to_vec(),
        }
    }

    /// The files of both.
    fn and(self, other: Self) -> Self {
        let language = if self.language.is_empty() { other.language } else { self.language };
        Self { globs: [self.globs, other.globs].concat(), language }
    }

    /// The folder at the root that all of them lie in, where there is one.
    fn root(&self) -> Option<&str> {
        self.globs.iter().find_map(|list| {
            let first = root(list.first()?)?;
            list.iter().all(|glob| root(glob) == Some(first)).then_some(first)
        })
    }

    /// The languages that the files are in, where that is told.
    fn languages(&self) -> Option<Vec<String>> {
        if !self.language.is_empty() {
            return Some(self.language.clone());
        }
        let told = |list: &Vec<String>| list.iter().map(|glob| language(glob).map(str::to_owned)).collect();
        self.globs.iter().filter(|list| !list.is_empty()).find_map(told)
    }

    /// Whether one file can be meant by both.
    fn may_meet(&self, other: &Self) -> bool {
        let apart = match (self.languages(), other.languages()) {
            (Some(one), Some(another)) => !one.iter().any(|name| another.contains(name)),
            _ => false,
        };
        let lists = |one: &[String], another: &[String]| {
            one.is_empty() || another.is_empty() || one.iter().any(|a| another.iter().any(|b| may_meet(a, b)))
        };
        !apart && self.globs.iter().all(|one| other.globs.iter().all(|another| lists(one, another)))
    }
}

/// The folder at the root that a glob names.
fn root(glob: &str) -> Option<&str> {
    glob.split_once('/').map(|(root, _)| root).filter(|root| !root.contains(GLOB))
}

const GLOB: [char; 6] = ['*', '?', '[', '{', '!', '\\'];

/// Whether a name can match both globs; of two globs, the literal beginnings and endings must fit each other.
pub(super) fn may_meet(one: &str, other: &str) -> bool {
    match (one.contains(GLOB), other.contains(GLOB)) {
        (false, _) => one == other || glob_match(other, one),
        (_, false) => glob_match(one, other),
        _ => {
            let head = |glob: &str| glob.split(GLOB).next().unwrap_or_default().len();
            let tail = |glob: &str| glob.rsplit(GLOB).next().unwrap_or_default().len();
            let (heads, tails) = (head(one).min(head(other)), tail(one).min(tail(other)));
            let ends = |glob: &str| glob.len() - tails;
            one.as_bytes().get(..heads) == other.as_bytes().get(..heads)
                && one.as_bytes().get(ends(one)..) == other.as_bytes().get(ends(other)..)
        }
    }
}

/// The globs for whole paths that a path glob stands for. The name of a file matches at any depth; that of a folder, which
/// does so too, is taken for one at the root: `web/` and `api/` would meet only in a folder that has both names above it.
fn whole(glob: &str) -> Vec<String> {
    let plain = glob.strip_prefix("./").unwrap_or(glob);
    let folder = plain.trim_end_matches('/');
    let is_file = folder.rsplit('/').next().is_some_and(|name| name.contains('.') || name.contains(GLOB));
    match (plain.ends_with('/'), is_file) {
        (true, _) => vec![format!("{folder}/**")],
        (false, true) if folder.contains('/') => vec![folder.to_owned()],
        (false, true) => vec![format!("**/{folder}")],
        (false, false) => vec![folder.to_owned(), format!("{folder}/**")],
    }
}

/// The globs that a glob with one pair of braces stands for.
fn braces(glob: &str) -> Vec<String> {
    let parts = glob.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?)));
    match parts {
        Some((head, (inside, tail))) => inside.split(',').map(|part| format!("{head}{part}{tail}")).collect(),
        None => vec![glob.to_owned()],
    }
}
