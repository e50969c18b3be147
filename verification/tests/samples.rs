//! The shipped samples and the lexicon, through every stage: each rule passes its own tests, and every pattern is there.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

use compiler::{Check, Checker, Checks, Outcome, trial};
use rules::{Code, Correction, Decision, Directive, Event, Lexicon, Rule, RuleId, Scope, State, Strength, understand};
use std::collections::BTreeSet;
use std::path::Path;

fn samples() -> Vec<Correction> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/corrections.jsonl");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_rule_of_the_samples_passes_its_own_tests_and_mutants() {
    let samples = samples();
    assert!(samples.len() >= 60, "at least 60 samples, not {}", samples.len());
    let mut failures = Vec::new();
    let mut enforced = 0;
    for correction in &samples {
        for mut rule in understand(correction, Lexicon::builtin()).rules {
            if rule.decided_by != Decision::Check {
                continue;
            }
            rule.examples.extend(trial::mutants(&rule));
            enforced += 1;
            match Check::of(&rule) {
                Ok(check) => failures.extend(trial::run(&rule, &check, &|_| None).failures),
                Err(faults) => failures.extend(faults),
            }
        }
    }
    // A rule that lacks an example waits for a person; a rule that misjudges one is a mistake of ours.
    failures.retain(|failure| failure.code != Code::Untested);
    let shown: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), shown.join("\n"));
    assert!(enforced >= 50, "{enforced} rules are enforced");
}

#[test]
fn the_samples_cover_every_pattern_scope_and_class() {
    let (mut patterns, mut classes, mut decisions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut features = BTreeSet::new();
    for correction in samples() {
        let understood = understand(&correction, Lexicon::builtin());
        classes.insert(format!("{:?}", understood.class));
        for rule in understood.rules {
            decisions.insert(format!("{:?}", rule.decided_by));
            let Some(check) = &rule.check else { continue };
            patterns.insert(check.pattern.name());
            for (feature, used) in [
                ("during", !check.during.is_globally()),
                ("per", !check.per.is_session()),
                ("scope", !rule.scope.is_everywhere()),
            ] {
                if used {
                    features.insert(feature);
                }
            }
        }
    }
    let all = [
        "absence",
        "bounded existence",
        "existence",
        "precedence",
        "precedence chain",
        "response",
        "response chain",
        "substitution",
        "universality",
    ];
    assert_eq!(patterns.into_iter().collect::<Vec<_>>(), all);
    assert_eq!(classes.len(), 3, "{classes:?}");
    assert_eq!(decisions.len(), 3, "{decisions:?}");
    assert_eq!(features.len(), 3, "{features:?}");
}

#[test]
fn every_entry_of_the_lexicon_fires_on_its_violations_and_leaves_its_clean_actions_alone() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    for entry in Lexicon::builtin().entries() {
        tried += 1;
        let rule = Rule {
            id: RuleId::slug("entry"),
            title: String::new(),
            state: State::Armed,
            strength: Strength::Must,
            decided_by: Decision::Check,
            confidence: None,
            superseded_by: None,
            split_into: Vec::new(),
            refines: None,
            scope: Scope::default(),
            check: Some(Directive::of(rules::Pattern::Absence { never: entry.predicate.clone() })),
            remind_when: None,
            said: Vec::new(),
            examples: Vec::new(),
        };
        let check = match Check::of(&rule) {
            Ok(check) => check,
            Err(faults) => {
                wrong.push(format!("{}: {}", entry.name, faults[0]));
                continue;
            }
        };
        let checks = Checks::of(&[check], [0; 32]);
        let mut checker = Checker::new(&checks);
        let cases =
            entry.violates.iter().map(|event| (event, true)).chain(entry.clean.iter().map(|event| (event, false)));
        for (event, violates) in cases {
            let outcome = checker.judge(std::slice::from_ref(event), &rule.id);
            if (outcome == Outcome::Violated) != violates {
                wrong.push(format!("{}: violates should be {violates}: {event:?}", entry.name));
            }
        }
    }
    assert!(tried > 50, "{tried} entries");
    assert!(wrong.is_empty(), "{} of {tried} entries:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_rule_of_the_documentation_passes_its_own_tests() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let text = std::fs::read_to_string(path).unwrap();
    let blocks: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 10, "{} rules are shown", blocks.len());
    for block in blocks {
        let rule = rules::file::parse(block, "docs/rules.md").unwrap_or_else(|faults| panic!("{}\n{block}", faults[0]));
        let check = Check::of(&rule).unwrap_or_else(|faults| panic!("{}: {}", rule.id, faults[0]));
        let trial = trial::run(&rule, &check, &|_| None);
        assert!(trial.passed(), "{}: {:?}", rule.id, trial.failures);
    }
}

#[test]
fn what_is_done_for_all_files_counts_for_a_file_that_is_named_later() {
    let text = r#"
id = "edit-before-backup"
title = "back up before any edit"
state = "armed"

[check]
pattern = "precedence"
first = { any = [{ command = "backup-all" }, { command = "cp $file" }] }
then = { file = { action = "modify" } }
per = "file"
"#;
    let rule = rules::file::parse(text, "edit-before-backup.toml").unwrap();
    let check = Check::of(&rule).unwrap();
    let checks = Checks::of(std::slice::from_ref(&check), [0; 32]);
    let edit = |path: &str| Event::edit(path, "a", "b");
    let ran = |command: &str| Event::command(command).done(true);
    for (events, violated) in [
        (vec![edit("a.txt")], true),
        (vec![ran("backup-all"), edit("a.txt")], false),
        (vec![ran("cp a.txt a.bak"), edit("a.txt")], false),
        (vec![ran("cp a.txt a.bak"), edit("b.txt")], true),
        (vec![ran("cp a.txt a.bak"), ran("backup-all"), edit("b.txt")], false),
    ] {
        let outcome = Checker::new(&checks).judge(&events, &rule.id);
        assert_eq!(outcome == Outcome::Violated, violated, "{events:?}");
    }
}
