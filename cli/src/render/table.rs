//! Reports on a terminal.

use super::effect;
use crate::mine::figures;
use crate::output;
use anyhow::Result;
use comfy_table::{Cell, ContentArrangement, Table, presets};
use compiler::{Outcome, Verdict, Witness};
use owo_colors::{OwoColorize, Style};
use server::backtest::{Advice, Backtest};
use server::report::{Compiled, Conflict, Fate, Input, Record};
use std::io::Write;

/// Messages, kept until their table is whole.
#[derive(Default)]
pub(crate) struct Inputs {
    rows: Vec<[String; 5]>,
}

impl Inputs {
    pub(crate) fn write(&mut self, out: &mut dyn Write, record: &Record) -> Result<()> {
        match record {
            Record::Input(input) => self.add(input),
            Record::Conflict(conflict) => {
                self.flush(out)?;
                self::conflict(out, conflict)?;
            }
            Record::Verdict(verdict) => self::verdict(out, verdict)?,
            Record::Backtest(backtest) => {
                self.flush(out)?;
                self::backtest(out, backtest)?;
            }
            // `trace mine` has a table of its own.
            Record::Diagnostic(_) | Record::Proposal(_) | Record::Mined(_) => {}
            Record::Compiled(sum) => {
                self.flush(out)?;
                compiled(out, sum)?;
            }
            Record::Checked(sum) => {
                let rules = plural(sum.rules, "rule");
                let found = [
                    (sum.blocked, "blocked"),
                    (sum.violated, "violated"),
                    (sum.warned, "warned"),
                    (sum.shadow, "in shadow"),
                    (sum.pending, "owed at the end"),
                    (sum.unread, "unread"),
                ];
                let found = found.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
                let found = found.collect::<Vec<_>>().join(", ");
                let found = if found.is_empty() { "nothing found".to_owned() } else { found };
                writeln!(out, "{} against {rules}: {found}", plural(sum.events, "event"))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, input: &Input) {
        if input.rules.is_empty() {
            let words = format!("“{}”", input.text);
            self.rows.push([input.line.to_string(), input.fate.to_string(), String::new(), words, input.why.clone()]);
        }
        for made in &input.rules {
            let bites = made.bites.clone().unwrap_or_else(|| input.why.clone());
            let pattern = made.pattern.clone().map(|pattern| format!("{pattern}, ")).unwrap_or_default();
            let row = [
                input.line.to_string(),
                input.fate.to_string(),
                made.rule.to_string(),
                format!("“{}”", made.quote),
                pattern + &bites,
            ];
            self.rows.push(row);
        }
    }

    fn flush(&mut self, out: &mut dyn Write) -> Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut table = plain(&["line", "fate", "rule", "your words", "what it does"]);
        for row in self.rows.drain(..) {
            table.add_row(row);
        }
        write_table(out, &table)?;
        writeln!(out)?;
        Ok(())
    }
}

/// A table without lines.
pub(crate) fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(output::width());
    table.set_header(header.iter().map(|name| Cell::new(name.to_uppercase())));
    table
}

/// Prints a table without the blanks at the ends of its lines.
pub(crate) fn write_table(out: &mut dyn Write, table: &Table) -> Result<()> {
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

pub(crate) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn backtest(out: &mut dyn Write, backtest: &Backtest) -> Result<()> {
    let [caught, elsewhere, precision] = figures(backtest);
    let advice = match backtest.advice {
        Advice::Arm => "nothing speaks against it",
        Advice::Quiet => "it fires nowhere that you answered",
        Advice::Shadow => "put in shadow, where it is new",
    };
    writeln!(
        out,
        "history {}: caught {caught}, elsewhere {elsewhere}, precision {precision}: {advice}",
        backtest.rule
    )?;
    firings(out, backtest)
}

/// What a rule fires on in recorded sessions.
pub(crate) fn firings(out: &mut dyn Write, backtest: &Backtest) -> Result<()> {
    for firing in &backtest.examples {
        let mark = match firing.corrected {
            Some(true) => "✓ you minded",
            Some(false) => "✗ you did not",
            None => "· unanswered",
        };
        let (source, line, turn) = (&firing.source, firing.line, firing.turn);
        let place = if line > 0 { format!("{source}:{line}") } else { source.clone() };
        let what = output::shown(&output::shortened(&firing.what, 100));
        writeln!(out, "    {mark}  {what}  ({place}, turn {turn} of {})", firing.session)?;
    }
    Ok(())
}

pub(crate) fn conflict(out: &mut dyn Write, conflict: &Conflict) -> Result<()> {
    writeln!(out, "{} {} and {}", "conflict".style(Style::new().yellow().bold()), conflict.newer, conflict.older)?;
    writeln!(out, "   {}", conflict.why)?;
    writeln!(out, "   earlier you said: “{}”", conflict.older_said)?;
    writeln!(out, "   later you said:   “{}”  (not armed until you decide)", conflict.newer_said)?;
    writeln!(out)?;
    Ok(())
}

fn compiled(out: &mut dyn Write, sum: &Compiled) -> Result<()> {
    let fates = Fate::ALL.iter().filter_map(|fate| Some((fate, *sum.fates.get(fate)?)));
    let fates: Vec<String> = fates.map(|(fate, count)| format!("{count} {fate}")).collect();
    writeln!(out, "{}: {}", plural(sum.inputs, "message"), fates.join(", "))?;
    let rules: Vec<String> = sum.rules.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let rules = if rules.is_empty() { "empty".to_owned() } else { rules.join(", ") };
    let written = plural(sum.written, "rule file");
    writeln!(out, "rule book: {rules}; {written} written, {} compiled", plural(sum.checks, "check"))?;
    Ok(())
}

/// One judged event.
pub(crate) fn event(out: &mut dyn Write, number: usize, summary: &str, verdicts: &[Verdict]) -> Result<()> {
    let allowed = !verdicts.iter().any(|verdict| verdict.blocks);
    if allowed {
        writeln!(out, "{} event {number}: {summary}", "✓ allowed".style(Style::new().green()))?;
    }
    Ok(())
}

fn verdict(out: &mut dyn Write, verdict: &Verdict) -> Result<()> {
    let (mark, style) = match effect(verdict) {
        "blocked" => ("✗ blocked", Style::new().red().bold()),
        "violated" => ("✗ violated", Style::new().red()),
        "warned" => ("! warned", Style::new().yellow()),
        "owed" => ("… owed", Style::new().cyan()),
        _ => ("~ shadow", Style::new().dimmed()),
    };
    let witness = verdict.witness.as_ref().map(shown).unwrap_or_default();
    let colon = if witness.is_empty() { "" } else { ": " };
    let event = if verdict.outcome == Outcome::Pending { String::new() } else { format!(" event {}", verdict.event) };
    writeln!(out, "{}{event}{colon}{witness}", mark.style(style))?;
    writeln!(out, "    rule     {} ({})", verdict.rule.bold(), verdict.title)?;
    if let Some(said) = &verdict.said {
        writeln!(out, "    you said “{said}”")?;
    }
    if let Some(fix) = &verdict.fix {
        let label = if verdict.witness.is_some() { "instead " } else { "owed    " };
        writeln!(out, "    {label} {fix}")?;
    }
    Ok(())
}

fn shown(witness: &Witness) -> String {
    let text = witness.text.replace('\n', "⏎");
    match (&witness.path, witness.line) {
        (Some(path), Some(line)) => format!("{path}:{line}: {text}"),
        (Some(path), None) if *path != witness.text => format!("{path}: {text}"),
        _ => text,
    }
}
