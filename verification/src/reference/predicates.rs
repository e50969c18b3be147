//! What predicates mean, on a page: every choice of items is tried.
//!
//! A predicate holds of an event when items can be chosen, one of each kind that it mentions positively, so that it is true
//! of that choice; a kind that is mentioned only under `not` is looked for in the whole event. Of alternatives at the top
//! each is such a predicate by itself. A part of a shell text that cannot be told may be any command.
//!
//! Deliberately absent: places, limits and speed. A single test on a single item is decided here where that takes a line,
//! and otherwise by the product; how tests are combined and items are chosen is decided here alone.

use compiler::code::Grammars;
use compiler::condition::{Condition, Outcome, Situation};
use compiler::facts::{Command, Facts, Workspace};
use compiler::text::Expressions;
use compiler::truth::Truth;
use rules::Predicate;
use rules::predicate::{CommandTest, FileTest, TextTest};
use std::collections::BTreeMap;

/// What a predicate is decided on.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// What the event holds.
    pub facts: &'a Facts,
    /// How the call ended, once it has.
    pub outcome: Option<Outcome>,
    /// The path that a rule per file is about.
    pub file: Option<&'a str>,
    /// What the event does not tell.
    pub workspace: &'a dyn Workspace,
}

/// The kinds of which an event may hold several items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Command,
    File,
    Read,
    Commit,
}

/// An item of each kind that is chosen from; nothing where the event has none.
type Choice = BTreeMap<Kind, Option<usize>>;

/// Whether a predicate holds.
pub fn truth(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    if let Predicate::Any(parts) = predicate {
        return any(parts.iter().map(|part| truth(part, seen)));
    }
    let mut choices = vec![Choice::new()];
    for kind in [Kind::Command, Kind::File, Kind::Read, Kind::Commit] {
        if mentions(predicate, kind, true) {
            let items: Vec<_> = (0..count(kind, seen.facts)).map(Some).collect();
            let items = if items.is_empty() { vec![None] } else { items };
            let with = |choice: &Choice| {
                let one = |item: &Option<usize>| choice.clone().into_iter().chain([(kind, *item)]).collect();
                items.iter().map(one).collect::<Vec<Choice>>()
            };
            choices = choices.iter().flat_map(with).collect();
        }
    }
    any(choices.iter().map(|choice| under(predicate, seen, choice)))
}

fn any(truths: impl Iterator<Item = Truth>) -> Truth {
    truths.max().unwrap_or(Truth::No)
}

/// Whether it holds of one choice.
fn under(predicate: &Predicate, seen: &Seen<'_>, choice: &Choice) -> Truth {
    match predicate {
        Predicate::All(parts) => parts.iter().map(|part| under(part, seen, choice)).min().unwrap_or(Truth::Yes),
        Predicate::Any(parts) => any(parts.iter().map(|part| under(part, seen, choice))),
        Predicate::Not(part) => !under(part, seen, choice),
        test => {
            let Some(kind) = kind(test) else { return alone(test, seen) };
            let of = |item| alone(test, &Seen { facts: &only(kind, item, seen.facts), ..*seen });
            match choice.get(&kind) {
                Some(chosen) => chosen.map_or(Truth::No, of),
                None => any((0..count(kind, seen.facts)).map(of)),
            }
        }
    }
}

fn mentions(predicate: &Predicate, wanted: Kind, positive: bool) -> bool {
    match predicate {
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().any(|part| mentions(part, wanted, positive)),
        Predicate::Not(part) => mentions(part, wanted, !positive),
        test => positive && kind(test) == Some(wanted),
    }
}

fn kind(test: &Predicate) -> Option<Kind> {
    match test {
        Predicate::Command(_) => Some(Kind::Command),
        Predicate::File(_) => Some(Kind::File),
        Predicate::Read(_) => Some(Kind::Read),
        Predicate::Commit(_) => Some(Kind::Commit),
        _ => None,
    }
}

fn count(kind: Kind, facts: &Facts) -> usize {
    match kind {
        Kind::Command => facts.commands.len() + facts.unknown.len(),
        Kind::File => facts.files.len(),
        Kind::Read => facts.reads.len(),
        Kind::Commit => facts.commits.len(),
    }
}

/// The event with one item of a kind and nothing else.
fn only(kind: Kind, item: usize, facts: &Facts) -> Facts {
    let mut one = Facts::default();
    match kind {
        Kind::Command => {
            one.commands.extend(facts.commands.get(item).cloned());
            one.unknown.extend(item.checked_sub(facts.commands.len()).and_then(|at| facts.unknown.get(at)).cloned());
        }
        Kind::File => one.files.extend(facts.files.get(item).cloned()),
        Kind::Read => one.reads.extend(facts.reads.get(item).cloned()),
        Kind::Commit => one.commits.extend(facts.commits.get(item).cloned()),
    }
    one
}

/// One test on an event with at most one item of its kind.
fn alone(test: &Predicate, seen: &Seen<'_>) -> Truth {
    let simple = match test {
        Predicate::Command(test) => seen.facts.commands.first().and_then(|command| runs(test, command)),
        Predicate::File(test) => seen.facts.files.first().and_then(|file| {
            let about = seen.file.is_none_or(|path| path == file.path);
            lies(test, &file.path).map(|lies| lies && about)
        }),
        Predicate::Commit(test) => {
            let commit = seen.facts.commits.first().filter(|commit| commit.message.exact);
            commit.and_then(|commit| says(test, &commit.message.text))
        }
        Predicate::PullRequest(test) => match &seen.facts.pull_request {
            None => Some(false),
            Some(text) => Some(text).filter(|text| text.exact).and_then(|text| says(test, &text.text)),
        },
        Predicate::Reply(test) => seen.facts.reply.as_deref().and_then(|text| says(test, text)),
        Predicate::Prompt(test) => seen.facts.prompt.as_deref().and_then(|text| says(test, text)),
        Predicate::Event(moment) => Some(seen.facts.moment == Some(*moment)),
        _ => None,
    };
    simple.map_or_else(|| by_the_product(test, seen), Truth::from)
}

fn by_the_product(test: &Predicate, seen: &Seen<'_>) -> Truth {
    let Seen { facts, outcome, file, workspace } = *seen;
    let (expressions, grammars) = (&Expressions::default(), &Grammars::default());
    let situation = Situation { facts, outcome, file, workspace, expressions, grammars };
    Condition::of(test).map_or(Truth::No, |condition| condition.decide(&situation).truth)
}

/// A program and its first arguments, for plain words and no flags.
fn runs(test: &CommandTest, command: &Command) -> Option<bool> {
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '|');
    let is_plain = test.run.split(' ').all(plain) && CommandTest { run: String::new(), ..test.clone() } == "".into();
    let all_known = command.args.iter().all(|arg| arg.exact && plain(&arg.text));
    (is_plain && all_known).then(|| {
        let words = [command.program.as_str()].into_iter().chain(command.args.iter().map(|arg| arg.text.as_str()));
        let wanted = test.run.split(' ');
        wanted.clone().count() <= words.clone().count()
            && wanted.zip(words).all(|(wanted, word)| wanted.split('|').any(|one| one == word))
    })
}

/// A path, for the globs `*.x` and `x/`.
fn lies(test: &FileTest, path: &str) -> Option<bool> {
    let [glob] = test.path.as_slice() else { return None };
    if *test != (FileTest { path: test.path.clone(), ..FileTest::default() }) {
        return None;
    }
    let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric());
    let names: Vec<&str> = path.split('/').collect();
    if let Some(extension) = glob.strip_prefix("*.").filter(|rest| plain(rest)) {
        return Some(names.last().is_some_and(|name| name.ends_with(&format!(".{extension}"))));
    }
    let folder = glob.strip_suffix('/').filter(|rest| plain(rest))?;
    Some(names.iter().rev().skip(1).any(|name| *name == folder))
}

/// What a text says, for literal tests.
fn says(test: &TextTest, text: &str) -> Option<bool> {
    let each = |parts: &[TextTest]| parts.iter().map(|part| says(part, text)).collect::<Option<Vec<bool>>>();
    Some(match test {
        TextTest::All(parts) => !each(parts)?.contains(&false),
        TextTest::Any(parts) => each(parts)?.contains(&true),
        TextTest::Not(part) => !says(part, text)?,
        TextTest::Contains(words) => text.contains(words),
        TextTest::StartsWith(words) => text.trim_start().starts_with(words),
        _ => return None,
    })
}
