//! What is understood of sentences of every kind: a corpus of our own, properties that hold of any text, and figures
//! on recorded messages where those are at hand.

#![expect(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test stops where it cannot go on, and prints its figures"
)]

use proptest::prelude::*;
use rules::{Class, Correction, Decision, Lexicon, Rule, understand};
use serde::Deserialize;
use std::path::PathBuf;

/// A case of the corpus.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    text: String,
    /// `rule`, `one-off` or `none`.
    class: String,
    /// The names of the rules, in order.
    #[serde(default)]
    rules: Vec<String>,
    /// The patterns, in order; `judged` or `reminder` where there is no check.
    #[serde(default)]
    patterns: Vec<String>,
    /// Texts that the rules hold, as JSON.
    #[serde(default)]
    holds: Vec<String>,
    #[serde(default)]
    languages: Vec<String>,
    /// The heading that the sentence stands under, where it is from a document.
    heading: Option<String>,
    /// What follows it, or leads to it.
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Corpus {
    case: Vec<Case>,
}

fn correction(case: &Case) -> Correction {
    let mut correction = Correction::of(&case.text);
    if !case.languages.is_empty() || case.heading.is_some() || case.body.is_some() {
        correction.context = Some(rules::correction::Context {
            languages: case.languages.clone(),
            heading: case.heading.clone(),
            body: case.body.clone(),
            ..rules::correction::Context::default()
        });
    }
    correction
}

fn pattern(rule: &Rule) -> String {
    match (&rule.check, rule.decided_by) {
        (Some(check), _) => check.pattern.name().to_owned(),
        (None, Decision::Reminder) => "reminder".to_owned(),
        (None, _) => "judged".to_owned(),
    }
}

/// What is wrong with a case, if anything is.
fn fault(case: &Case) -> Option<String> {
    let understood = understand(&correction(case), Lexicon::builtin());
    let class = match understood.class {
        Class::Durable => "rule",
        Class::OneOff => "one-off",
        Class::NotACorrection => "none",
    };
    let ids: Vec<_> = understood.rules.iter().map(|rule| rule.id.to_string()).collect();
    let patterns: Vec<_> = understood.rules.iter().map(pattern).collect();
    let json = serde_json::to_string(&understood.rules).expect("rules are JSON");
    let missing: Vec<_> = case.holds.iter().filter(|part| !json.contains(&***part)).collect();
    let right = class == case.class
        && (case.rules.is_empty() || ids == case.rules)
        && (case.patterns.is_empty() || patterns == case.patterns)
        && missing.is_empty();
    (!right).then(|| {
        format!("`{}`\n  is {class}: {ids:?} {patterns:?}\n  lacks {missing:?}\n  {}", case.text, understood.why)
    })
}

fn run(name: &str, text: &str) {
    let corpus: Corpus = toml::from_str(text).expect("the corpus is TOML");
    let faults: Vec<_> = corpus.case.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} cases in {name}:\n{}", faults.len(), corpus.case.len(), faults.join("\n"));
}

#[test]
fn sentences_of_every_pattern_become_their_rules() {
    run("patterns.toml", include_str!("corpus/patterns.toml"));
}

#[test]
fn what_documents_ask_for_becomes_its_rules() {
    run("documents.toml", include_str!("corpus/documents.toml"));
}

#[test]
fn what_projects_commonly_ask_for_becomes_its_rules() {
    run("common.toml", include_str!("corpus/common.toml"));
}

#[test]
fn what_code_may_hold_becomes_its_rules() {
    run("code.toml", include_str!("corpus/code.toml"));
}

#[test]
fn what_is_run_and_when_becomes_its_rules() {
    run("commands.toml", include_str!("corpus/commands.toml"));
}

#[test]
fn what_texts_and_documents_look_like_becomes_their_rules() {
    run("formats.toml", include_str!("corpus/formats.toml"));
}

#[test]
fn what_stands_around_a_sentence_is_read_with_it() {
    run("surroundings.toml", include_str!("corpus/surroundings.toml"));
}

#[test]
fn forms_that_were_once_misread_are_read() {
    run("forms.toml", include_str!("corpus/forms.toml"));
}

#[test]
fn messages_that_are_no_rules_make_none() {
    run("detection.toml", include_str!("corpus/detection.toml"));
}

#[test]
fn other_languages_are_understood_in_their_common_forms() {
    run("languages.toml", include_str!("corpus/languages.toml"));
}

#[test]
fn what_is_written_in_several_ways_is_read() {
    run("spellings.toml", include_str!("corpus/spellings.toml"));
}

#[test]
fn what_is_told_is_kept_apart_from_what_is_forbidden() {
    run("bounds.toml", include_str!("corpus/bounds.toml"));
}

#[test]
fn the_sample_corrections_are_understood() {
    let text = include_str!("../../samples/corrections.jsonl");
    let mut durable = 0;
    for line in text.lines() {
        let correction = rules::correction::Form::detect(line).read(line).expect("a correction").expect("not blank");
        durable += usize::from(understand(&correction, Lexicon::builtin()).class == Class::Durable);
    }
    assert!(text.lines().count() >= 70);
    assert!(durable >= 60, "{durable} of the samples are durable");
}

#[test]
fn every_rule_carries_both_kinds_of_examples_and_the_exact_quote() {
    for line in include_str!("../../samples/corrections.jsonl").lines() {
        let correction: Correction = serde_json::from_str(line).expect("a correction");
        for rule in understand(&correction, Lexicon::builtin()).rules {
            assert!(rule.said.iter().all(|said| correction.text.contains(&said.quote)), "{rule:?}");
            assert!(
                rule.said.iter().all(|said| said.correction == correction.key() && said.session == correction.session)
            );
            assert_eq!(rule.check.is_some(), rule.decided_by == Decision::Check, "{}", rule.id);
            if rule.check.is_some() {
                assert!(rule.examples.iter().any(|example| example.violates), "{} has no violation", rule.id);
                assert!(rule.examples.iter().any(|example| !example.violates), "{} has no clean action", rule.id);
            }
            for example in &rule.examples {
                assert!(!example.parse().expect("events").is_empty());
            }
        }
    }
}

#[test]
fn every_entry_of_the_lexicon_has_tests() {
    for entry in Lexicon::builtin().entries() {
        let catch_all = ["files", "moment"].contains(&&*entry.name);
        assert!(catch_all || !entry.violates.is_empty(), "{} has nothing that it finds", entry.name);
        assert!(catch_all || !entry.clean.is_empty(), "{} has nothing that it leaves alone", entry.name);
    }
    assert!(Lexicon::builtin().entries().count() > 150);
}

#[test]
fn every_file_of_the_lexicon_is_well_formed() {
    for (name, text) in [
        ("words.toml", include_str!("../lexicon/words.toml")),
        ("tools.toml", include_str!("../lexicon/tools.toml")),
        ("commands.toml", include_str!("../lexicon/commands.toml")),
        ("files.toml", include_str!("../lexicon/files.toml")),
        ("constructs.toml", include_str!("../lexicon/constructs.toml")),
        ("web.toml", include_str!("../lexicon/web.toml")),
        ("languages.toml", include_str!("../lexicon/languages.toml")),
        ("libraries.toml", include_str!("../lexicon/libraries.toml")),
        ("properties.toml", include_str!("../lexicon/properties.toml")),
    ] {
        if let Err(error) = Lexicon::builtin().with(text, name) {
            panic!("{error}");
        }
    }
}

#[test]
fn a_message_is_read_within_a_millisecond() {
    let corrections: Vec<Correction> = include_str!("../../samples/corrections.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a correction"))
        .collect();
    let lexicon = Lexicon::builtin();
    // The fastest of several rounds: other programs on the machine only make a round slower.
    let round = || {
        let started = std::time::Instant::now();
        let rules: usize = corrections.iter().map(|correction| understand(correction, lexicon).rules.len()).sum();
        assert!(rules > 0);
        started.elapsed() / u32::try_from(corrections.len()).expect("few")
    };
    let each = (0..5).map(|_| round()).min().expect("rounds");
    eprintln!("{each:?} a message without optimisation");
    assert!(each.as_micros() < 1000, "{each:?} a message");
}

#[test]
fn a_users_own_lexicon_adds_to_the_built_in_one() {
    let own = r#"
        [[tool]]
        name = "shipit"
        run = "shipit"
        group = "our deploys"
        violates = ["shipit now"]
        clean = ["ls"]
    "#;
    let lexicon = Lexicon::builtin().with(own, "own.toml").expect("a lexicon");
    let rules = understand(&Correction::of("never run shipit"), &lexicon).rules;
    assert_eq!(rules[0].id.as_str(), "run-shipit");
    let error = Lexicon::builtin().with("[[tool]]\nname = 3\n", "own.toml").expect_err("a wrong type");
    assert_eq!(error.span.map(|span| (span.file, span.line)), Some(("own.toml".to_owned(), 2)));
}

/// Where recorded messages lie, if they are at hand.
fn recorded(name: &str) -> Option<String> {
    let root = std::env::var_os("TRACE_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let path = root.join("corpora").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("not measured: {} is not there", path.display());
    }
    text
}

#[derive(Debug, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "they are the labels of the records")]
struct Recorded {
    id: String,
    text: String,
    #[serde(default)]
    durable: bool,
    #[serde(default)]
    is_correction: bool,
    #[serde(default)]
    synthetic: bool,
    #[serde(default)]
    deterministic: bool,
}

fn lines(text: &str) -> Vec<Recorded> {
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// Prints precision, recall and F1, and returns the last.
fn figures(name: &str, pairs: impl Iterator<Item = (bool, bool)>) -> f64 {
    let (mut both, mut wanted, mut found) = (0_u32, 0_u32, 0_u32);
    for (gold, ours) in pairs {
        both += u32::from(gold && ours);
        wanted += u32::from(gold);
        found += u32::from(ours);
    }
    let ratio = |of: u32| if of == 0 { 0.0 } else { f64::from(both) / f64::from(of) };
    let (precision, recall) = (ratio(found), ratio(wanted));
    let f1 = 2.0 * precision * recall / (precision + recall).max(1e-9);
    eprintln!("{name}: precision {precision:.3}, recall {recall:.3}, F1 {f1:.3} (of {wanted}, found {found})");
    f1
}

#[test]
fn figures_on_recorded_messages() {
    let show = std::env::var_os("TRACE_SHOW").is_some();
    if let Some(text) = recorded("corrections_dev.jsonl") {
        let read: Vec<_> =
            lines(&text).into_iter().map(|r| (understand(&Correction::of(&r.text), Lexicon::builtin()), r)).collect();
        for (understood, record) in read.iter().filter(|_| show) {
            let durable = understood.class == Class::Durable;
            if durable != record.durable {
                let ids: Vec<_> = understood.rules.iter().map(|rule| rule.id.as_str()).collect();
                eprintln!("{} {} {ids:?}\n     {}", if durable { "+" } else { "-" }, record.id, record.text);
            }
        }
        let natural = || read.iter().filter(|(_, record)| !record.synthetic);
        let f1 = figures("durable, real", natural().map(|(u, r)| (r.durable, u.class == Class::Durable)));
        figures("durable, all", read.iter().map(|(u, r)| (r.durable, u.class == Class::Durable)));
        figures("is a correction", natural().map(|(u, r)| (r.is_correction, u.class != Class::NotACorrection)));
        assert!(f1 > 0.3, "durable F1 fell to {f1:.3}");
    }
    if let (Some(rules), Some(others)) = (recorded("directives_dev.jsonl"), recorded("nonrules_dev.jsonl")) {
        let durable = |record: &Recorded| {
            let source = Some("AGENTS.md".to_owned());
            understand(&Correction { source, ..Correction::of(&record.text) }, Lexicon::builtin())
        };
        let rules: Vec<_> = lines(&rules).into_iter().map(|record| (durable(&record), record)).collect();
        let others: Vec<_> = lines(&others).into_iter().map(|record| (durable(&record), record)).collect();
        let found = |(u, _): &(rules::Understanding, Recorded)| u.class == Class::Durable;
        let pairs = rules.iter().map(|each| (true, found(each))).chain(others.iter().map(|each| (false, found(each))));
        figures("rule sentences", pairs);
        let checked = |(u, _): &&(rules::Understanding, Recorded)| u.rules.iter().any(|rule| rule.check.is_some());
        let decidable = rules.iter().filter(|(_, record)| record.deterministic);
        eprintln!(
            "of {} decidable sentences {} have a check",
            decidable.clone().count(),
            decidable.filter(checked).count()
        );
        let semantic = rules.iter().filter(|(_, record)| !record.deterministic);
        eprintln!(
            "of {} undecidable sentences {} have a check",
            semantic.clone().count(),
            semantic.filter(checked).count()
        );
        for (u, record) in rules.iter().chain(&others).filter(|_| show) {
            let drawn: Vec<_> = u.rules.iter().map(|rule| format!("{} ({})", rule.id, pattern(rule))).collect();
            eprintln!(
                "{} {} {drawn:?}\n     {}",
                if u.class == Class::Durable { "+" } else { "-" },
                record.id,
                record.text
            );
        }
    }
}

fn keeps_its_word(text: &str) {
    let correction = Correction::of(text);
    let first = understand(&correction, Lexicon::builtin());
    assert_eq!(first, understand(&correction, Lexicon::builtin()), "the same message is read in two ways");
    for range in &first.evidence {
        assert!(text.get(range.clone()).is_some(), "{range:?} is not within {text:?}");
    }
    for rule in &first.rules {
        assert!(rule.said.iter().all(|said| text.contains(&said.quote)));
        assert!(rules::RuleId::try_from(rule.id.to_string()).is_ok());
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_with_exact_evidence(text in "\\PC{0,200}") {
        keeps_its_word(&text);
    }

    #[test]
    fn any_mix_of_cues_and_marks_is_read(parts in prop::collection::vec(prop::sample::select(vec![
        "never", "use", "npm", "pnpm", "before", "after", "`", "\"", "'", "*", "**", "“", "”", ",", ".", "not", "instead of",
        "src/", "*.rs", "{a,b}", "--force", "git push", "不要", "用", "commit", "in", "the", "folder", "main", "between", "and",
        "at most", "3", "sentences", "replies", "\n", "> ", "```", "unless", "until", "while", "TODO.md", "é", "\u{1F600}", "(", ")",
    ]), 0..24)) {
        keeps_its_word(&parts.join(" "));
        keeps_its_word(&parts.concat());
    }
}

#[test]
fn long_messages_are_read_in_linear_time() {
    // The fastest of several rounds, and a ratio within one run: what else the machine does must not count.
    let time = |text: String| {
        let correction = Correction::of(text);
        let round = || {
            let started = std::time::Instant::now();
            understand(&correction, Lexicon::builtin());
            started.elapsed()
        };
        (0..3).map(|_| round()).min().expect("rounds")
    };
    for piece in [
        "never use npm here, use pnpm. ",
        "`",
        "\"a",
        "“",
        "{a,",
        "before ",
        "never ",
        "npm npm ",
        "a\n",
        "leave ",
        "named exports (`a`) ",
        "tests (e.g. `a`) ",
        "tests (always run `a` before committing) ",
    ] {
        let [short, long] = [6, 60].map(|kib| time(piece.repeat((kib << 10) / piece.len())));
        // Ten times the text: ten times the time, or a hundred times where it grows with the square.
        assert!(long < short * 40, "6 KiB of {piece:?} took {short:?}, and 60 KiB {long:?}");
    }
}
