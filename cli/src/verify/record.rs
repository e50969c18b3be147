//! What was found, for people and for scripts.

use crate::output;
use anyhow::Result;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::io::Write;
use verification::model::ladder::{ANOMALIES, Rung};
use verification::model::mutants::{Fate, Mutant};
use verification::model::run::{Checked, Counterexample, Search};
use verification::model::suite::Row;

/// What became of one piece of work.
pub(super) struct Record {
    pub(super) kind: Kind,
    /// What is not as expected, in words.
    pub(super) unexpected: Vec<String>,
    pub(super) seconds: f64,
}

pub(super) enum Kind {
    Model(Box<Row>, Checked),
    Rung(Box<Rung>),
    Mutant(&'static Mutant, Option<Counterexample>),
}

impl Record {
    /// One line for scripts.
    pub(super) fn json(&self) -> Value {
        let seconds = (self.seconds * 1000.0).round() / 1000.0;
        let unexpected = &self.unexpected;
        match &self.kind {
            Kind::Model(row, checked) => {
                let setup = &row.setup;
                let levels: Vec<String> = setup.levels.iter().map(ToString::to_string).collect();
                let words = |words: &'static str| words;
                json!({
                    "kind": "model", "model": setup.name, "about": setup.about, "levels": levels,
                    "agents": setup.agents, "keys": setup.keys, "transactions": setup.transactions,
                    "states": checked.states, "depth": row.depth.map(|_| checked.depth), "complete": checked.complete,
                    "held": row.promises.iter().map(|promise| words(promise.words())).collect::<Vec<_>>(),
                    "sometimes": checked.happened.iter().map(|event| words(event.words())).collect::<Vec<_>>(),
                    "seconds": seconds, "unexpected": unexpected,
                })
            }
            Kind::Rung(rung) => {
                let story = |found: &Option<Counterexample>| found.as_ref().map(|found| found.story.clone());
                let anomalies = ANOMALIES.iter().zip(&rung.found).map(|(promise, found)| {
                    let name = promise.anomaly().map(|(name, _)| name);
                    json!({ "anomaly": name, "promise": promise.words(), "found": story(found) })
                });
                json!({
                    "kind": "separation", "level": rung.level, "states": rung.checked.states,
                    "anomalies": anomalies.collect::<Vec<_>>(), "seconds": seconds, "unexpected": unexpected,
                })
            }
            Kind::Mutant(mutant, found) => {
                let reason = if let Fate::Survives(reason) = mutant.fate { Some(reason) } else { None };
                json!({
                    "kind": "mutant", "guard": format!("{:?}", mutant.guard), "model": mutant.model,
                    "promise": found.as_ref().map(|found| found.promise.words()),
                    "depth": found.as_ref().map(Counterexample::depth),
                    "story": found.as_ref().map(|found| &found.story), "survives": reason,
                    "seconds": seconds, "unexpected": unexpected,
                })
            }
        }
    }
}

/// A table as its head and its rows.
pub(super) type Grid<const N: usize> = ([&'static str; N], Vec<[String; N]>);

/// The models.
pub(super) fn models(records: &[Record]) -> Grid<8> {
    let rows = records.iter().filter_map(|record| {
        let Kind::Model(row, checked) = &record.kind else { return None };
        let levels: Vec<String> = row.setup.levels.iter().map(ToString::to_string).collect();
        let walks = if matches!(row.search, Search::Walks(..)) { " walked" } else { "" };
        let held = row.promises.iter().filter(|promise| {
            checked.judged.contains(promise) && !checked.broken.iter().any(|found| found.promise == **promise)
        });
        let seen = row.sometimes.iter().filter(|event| checked.happened.contains(event));
        Some([
            row.setup.name.to_owned(),
            levels.join(" "),
            row.setup.size(),
            format!("{}{walks}", grouped(checked.states)),
            row.depth.map_or_else(|| "–".to_owned(), |_| checked.depth.to_string()),
            format!("{:.1}", record.seconds),
            format!("{}/{}", held.count(), row.promises.len()),
            format!("{}/{}", seen.count(), row.sometimes.len()),
        ])
    });
    (["model", "level", "size", "states", "depth", "seconds", "held", "sometimes"], rows.collect())
}

/// What each level does about each anomaly.
pub(super) fn ladder(records: &[Record]) -> Grid<6> {
    let rows = records.iter().filter_map(|record| {
        let Kind::Rung(rung) = &record.kind else { return None };
        let told = |found: &Option<Counterexample>| {
            found.as_ref().map_or_else(|| "excluded".to_owned(), |found| format!("found at {}", found.depth()))
        };
        let [a1, a3, a6, a2] = &rung.found;
        let states = grouped(rung.checked.states);
        Some([rung.level.to_string(), states, told(a1), told(a3), told(a6), told(a2)])
    });
    (["level", "states", "A1 stale", "A3 cascade", "A6 order", "A2 tool"], rows.collect())
}

/// What catches each mutant.
pub(super) fn mutants(records: &[Record]) -> Grid<4> {
    let rows = records.iter().filter_map(|record| {
        let Kind::Mutant(mutant, found) = &record.kind else { return None };
        let (promise, depth) = match (found, mutant.fate) {
            (Some(found), _) => (found.promise.to_string(), found.depth().to_string()),
            (None, Fate::Survives(reason)) => (format!("survives: {reason}"), "–".to_owned()),
            (None, Fate::Caught(..)) => ("not caught".to_owned(), "–".to_owned()),
        };
        Some([format!("{:?}", mutant.guard), mutant.model.to_owned(), promise, depth])
    });
    (["guard off", "model", "promise broken", "depth"], rows.collect())
}

/// How many mutants were caught, of how many.
pub(super) fn caught(records: &[Record]) -> (usize, usize) {
    let all = records.iter().filter(|record| matches!(record.kind, Kind::Mutant(..)));
    let caught = all.clone().filter(|record| matches!(record.kind, Kind::Mutant(_, Some(_))));
    (caught.count(), all.count())
}

/// Prints tables for a person, and what was not expected.
pub(super) fn table(out: &mut dyn Write, records: &[Record]) -> Result<()> {
    grid(out, models(records))?;
    grid(out, ladder(records))?;
    grid(out, mutants(records))?;
    let (caught, mutants) = caught(records);
    if mutants > 0 {
        writeln!(out, "mutants caught: {caught} of {mutants}")?;
    }
    let unexpected: Vec<&String> = records.iter().flat_map(|record| &record.unexpected).collect();
    for found in &unexpected {
        writeln!(out, "\nunexpected: {found}")?;
    }
    if unexpected.is_empty() {
        writeln!(out, "all as expected")?;
    }
    Ok(())
}

fn grid<const N: usize>(out: &mut dyn Write, (head, rows): Grid<N>) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(output::width()).set_header(head).add_rows(rows);
    writeln!(out, "{table}\n")?;
    Ok(())
}

/// A number with its thousands set apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
