//! Readings of the definition that are wrong on purpose: each is a mistake that is easily made, and each must be caught by
//! the comparison with the product.

use super::predicates::{Known, decided};
use super::sessions::{by_the_page, by_the_product, checks};
use super::strategy;
use compiler::Facts;
use compiler::truth::Truth;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rules::predicate::Moment;
use rules::{Predicate, Rule};
use verification::reference::predicates::{Seen, truth};
use verification::reference::sessions::Reading;

/// Decides a predicate.
type Decides = fn(&Predicate, &Seen<'_>) -> Truth;

/// The most cases that a mistake may hide in.
const CASES: usize = 20_000;

fn mixes_items(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    match predicate {
        Predicate::All(parts) => parts.iter().map(|part| mixes_items(part, seen)).min().unwrap_or(Truth::Yes),
        Predicate::Any(parts) => parts.iter().map(|part| mixes_items(part, seen)).max().unwrap_or(Truth::No),
        Predicate::Not(part) => !mixes_items(part, seen),
        test => truth(test, seen),
    }
}

fn needs_every_kind(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    let Facts { commands, unknown, files, .. } = seen.facts;
    let text = format!("{predicate:?}");
    let lacks = |name: &str, none: bool| none && text.contains(name);
    if lacks("Command(", commands.is_empty() && unknown.is_empty()) || lacks("File(", files.is_empty()) {
        return Truth::No;
    }
    truth(predicate, seen)
}

fn denies_some_item(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    match predicate {
        Predicate::Not(part) if matches!(**part, Predicate::File(_)) => {
            let alone = |file: &_| Facts { files: vec![Clone::clone(file)], ..seen.facts.clone() };
            let not = |facts: Facts| !truth(part, &Seen { facts: &facts, ..*seen });
            seen.facts.files.iter().map(alone).map(not).max().unwrap_or(Truth::Yes)
        }
        _ => truth(predicate, seen),
    }
}

fn reads_fragments_as_files(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    let mut facts = seen.facts.clone();
    facts.files.iter_mut().for_each(|file| file.whole = true);
    truth(predicate, &Seen { facts: &facts, ..*seen })
}

fn trusts_computed_messages(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    let mut facts = seen.facts.clone();
    facts.commits.iter_mut().for_each(|commit| commit.message.exact = true);
    truth(predicate, &Seen { facts: &facts, ..*seen })
}

fn ignores_unknown_commands(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    let facts = Facts { unknown: Vec::new(), ..seen.facts.clone() };
    truth(predicate, &Seen { facts: &facts, ..*seen })
}

fn forgets_the_path(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    truth(predicate, &Seen { file: None, ..*seen })
}

fn forgets_the_outcome(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    truth(predicate, &Seen { outcome: None, ..*seen })
}

fn unknown_is_yes(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    (truth(predicate, seen) != Truth::No).into()
}

fn unknown_is_no(predicate: &Predicate, seen: &Seen<'_>) -> Truth {
    (truth(predicate, seen) == Truth::Yes).into()
}

const PREDICATES: &[(&str, Decides)] = &[
    ("two tests are met by two files", mixes_items),
    ("a choice needs an item of every kind", needs_every_kind),
    ("not is some item that is not", denies_some_item),
    ("a fragment is the whole file", reads_fragments_as_files),
    ("a computed message is what is written", trusts_computed_messages),
    ("what cannot be told runs nothing", ignores_unknown_commands),
    ("any file is the file of the rule", forgets_the_path),
    ("how a call ended is not asked", forgets_the_outcome),
    ("unknown is yes", unknown_is_yes),
    ("unknown is no", unknown_is_no),
];

/// Whether a rule mentions something, by the text of its check.
fn mentions(rule: &Rule, words: &[&str]) -> bool {
    let text = serde_json::to_string(&rule.check).unwrap();
    words.iter().any(|word| text.contains(word))
}

fn readings() -> Vec<(&'static str, Reading)> {
    let right = Reading::default;
    let looks = |looks: fn(&Rule, &Facts) -> bool| Reading { looks, ..right() };
    vec![
        ("what is denied happens", Reading { denies: false, ..right() }),
        ("what failed is done", Reading { failures: false, ..right() }),
        ("a turn never begins", Reading { turns: false, ..right() }),
        ("sessions are one", Reading { apart: false, ..right() }),
        ("two tests are met by two items", Reading { truth: mixes_items, ..right() }),
        ("unknown is yes", Reading { truth: unknown_is_yes, ..right() }),
        ("unknown is no", Reading { truth: unknown_is_no, ..right() }),
        ("the index forgets folders", looks(|rule, _| !mentions(rule, &["src/", "docs/**"]))),
        ("the index forgets languages", looks(|rule, _| !mentions(rule, &["rust"]))),
        ("the index forgets literals", looks(|rule, _| !mentions(rule, &["\"todo\""]))),
        ("the index forgets programs by pattern", looks(|rule, _| !mentions(rule, &["\"?", "\"*"]))),
        ("the index forgets reads", looks(|_, facts| facts.reads.is_empty())),
        ("the index forgets commits", looks(|_, facts| facts.commits.is_empty())),
        ("the index forgets prompts", looks(|_, facts| facts.prompt.is_none())),
        ("the index forgets the end of a turn", looks(|_, facts| facts.moment != Some(Moment::Stop))),
        (
            "the index needs something to look at",
            looks(|_, facts| {
                !facts.commands.is_empty() || !facts.files.is_empty() || facts.reply.is_some() || facts.prompt.is_some()
            }),
        ),
        ("the index takes an exit for an attempt", looks(|rule, _| !mentions(rule, &["\"exit\""]))),
    ]
}

/// The number of the first case of a deterministic sequence that shows a difference.
fn caught<S: Strategy>(strategy: &S, differs: impl Fn(S::Value) -> bool) -> Option<usize> {
    let mut runner = TestRunner::deterministic();
    (1..=CASES).find(|_| differs(strategy.new_tree(&mut runner).unwrap().current()))
}

#[test]
fn predicates_broken_on_purpose_are_caught() {
    let file = proptest::option::weighted(0.3, proptest::sample::select(strategy::PATHS));
    let cases = (strategy::predicate(), strategy::facts(), proptest::option::of(proptest::bool::ANY), file);
    let mut missed = Vec::new();
    for (mistake, broken) in PREDICATES {
        let found = caught(&cases, |(predicate, facts, ok, file)| {
            let outcome = ok.map(|ok| compiler::condition::Outcome { ok, code: None });
            let seen = Seen { facts: &facts, outcome, file, workspace: &Known };
            decided(&predicate, &seen) != broken(&predicate, &seen)
        });
        match found {
            Some(case) => eprintln!("{mistake:<44} | caught by case {case}"),
            None => missed.push(mistake),
        }
    }
    assert_eq!(missed, Vec::<&&str>::new(), "not caught");
}

#[test]
fn sessions_broken_on_purpose_are_caught() {
    let cases = (strategy::rules(), strategy::session());
    let mut missed = Vec::new();
    for (mistake, reading) in readings() {
        let found = caught(&cases, |(rules, (told, events))| {
            checks(&rules).is_some_and(|checks| {
                by_the_product(&checks, told, &events) != by_the_page(&rules, told, &events, reading)
            })
        });
        match found {
            Some(case) => eprintln!("{mistake:<44} | caught by case {case}"),
            None => missed.push(mistake),
        }
    }
    assert_eq!(missed, Vec::<&str>::new(), "not caught");
}
