//! How much of real rule sentences is understood and enforced: each record's text is understood, its rules are compiled,
//! and its violating and its clean action are judged.
//!
//! The records are other people's and lie outside of the project; without them there is nothing to measure. The floors
//! are far below what is reached: they notice that something broke, the printed figures say how good it is. With
//! `TRACE_SHOW=1` every failure is printed with what was made of the sentence.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test stops where it cannot go on, and prints its figures"
)]

use compiler::Checks;
use rules::correction::Context;
use rules::{Class, Event, Understanding};
use serde_json::Value;
use server::evaluation::{self, Judgement, checks};
use std::collections::BTreeMap;
use std::path::Path;

/// The records of a corpus, if it is at hand.
fn records(name: &str) -> Option<Vec<Value>> {
    let root = std::env::var_os("TRACE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), Into::into);
    let path = root.join("corpora").join(name);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        eprintln!("not measured: {} is not there", path.display());
    }
    Some(text?.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn word<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// What is understood of a record, as a sentence of a file with instructions.
fn read(record: &Value) -> Understanding {
    let context: Option<Context> = serde_json::from_value(record["context"].clone()).unwrap();
    evaluation::read(word(record, "text"), context.as_ref())
}

/// Whether an action violates any of the checks, now or in its history.
fn violates(checks: &Checks, action: &Value) -> bool {
    let event: Event = serde_json::from_value(action.clone()).unwrap();
    evaluation::judged(checks, &event) == Judgement::Violate
}

fn show(understood: &Understanding) -> String {
    let mut text = format!("  {:?}: {}\n", understood.class, understood.why);
    for rule in &understood.rules {
        let check = serde_json::to_string(&rule.check).unwrap();
        text += &format!("  {} | {} | {:?} | {}\n", rule.id, rule.title, rule.decided_by, check);
    }
    text
}

/// What became of the records of one kind.
#[derive(Debug, Default)]
struct Tally {
    records: u32,
    compiled: u32,
    pair_correct: u32,
    missed: u32,
    false_blocks: u32,
}

impl Tally {
    fn add(&mut self, compiled: bool, caught: bool, blocked: bool) {
        self.records += 1;
        self.compiled += u32::from(compiled);
        self.pair_correct += u32::from(caught && !blocked);
        self.missed += u32::from(compiled && !caught);
        self.false_blocks += u32::from(blocked);
    }
}

#[test]
fn rule_sentences_of_real_repositories_catch_their_violations_and_pass_clean_actions() {
    let Some(records) = records("directives_dev.jsonl") else { return };
    let loud = std::env::var_os("TRACE_SHOW").is_some();
    let (mut kinds, mut all) = (BTreeMap::<&str, Tally>::new(), Tally::default());
    let (mut semantic, mut abstained, mut durable) = (0, 0, 0);
    for record in &records {
        let understood = read(record);
        let checks = checks(&understood.rules);
        let compiled = !checks.is_empty();
        durable += u32::from(understood.class == Class::Durable);
        let (kind, id, text) = (word(record, "kind"), word(record, "id"), word(record, "text"));
        if record["deterministic"] == false {
            semantic += 1;
            abstained += u32::from(!compiled);
            if loud && compiled {
                eprintln!("CLAIMED {kind} {id}\n  {text}\n{}", show(&understood));
            }
            continue;
        }
        let (positive, negative) = (&record["positive_example"], &record["negative_example"]);
        let (caught, blocked) = (violates(&checks, positive), violates(&checks, negative));
        for tally in [&mut all, kinds.entry(kind).or_default()] {
            tally.add(compiled, caught, blocked);
        }
        if loud && (!caught || blocked) {
            let word = if blocked {
                "BLOCKED"
            } else if compiled {
                "MISSED"
            } else {
                "SILENT"
            };
            eprintln!("{word} {kind} {id}\n  {text}\n  + {positive}\n  - {negative}\n{}", show(&understood));
        }
    }
    for (kind, tally) in &kinds {
        eprintln!("{kind:24} {tally:?}");
    }
    eprintln!("all: {all:?}; durable {durable} of {}; abstained on {abstained} of {semantic}", records.len());
    assert!(all.pair_correct * 10 > all.records * 3, "pairs judged right fell to {}", all.pair_correct);
    assert!(
        all.false_blocks * 10 < all.compiled,
        "{} of {} checks block a clean action",
        all.false_blocks,
        all.compiled
    );
    assert!(abstained * 4 > semantic * 3, "abstained on {abstained} of {semantic}");
}

#[test]
fn evasions_of_real_rules_are_seen_and_near_misses_let_go() {
    let Some(records) = records("hard_examples.jsonl") else { return };
    let loud = std::env::var_os("TRACE_SHOW").is_some();
    let (mut answered, mut agreed) = (0, 0);
    for record in &records {
        let understood = read(record);
        let checks = checks(&understood.rules);
        let right = violates(&checks, &record["action"]) == record["official_violates"].as_bool().unwrap();
        answered += usize::from(!checks.is_empty());
        agreed += usize::from(right && !checks.is_empty());
        if loud && (!right || checks.is_empty()) {
            eprintln!(
                "{}\n  {}\n  {}\n{}",
                word(record, "id"),
                word(record, "text"),
                record["action"],
                show(&understood)
            );
        }
    }
    eprintln!("agreed on {agreed} of {answered} that were answered, of {}", records.len());
    assert!(agreed * 3 > answered * 2, "agreed on {agreed} of {answered}");
}
