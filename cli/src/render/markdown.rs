//! Reports in Markdown.

use super::effect;
use crate::mine::figures;
use anyhow::Result;
use rules::{Diagnostic, Span};
use server::report::{Checked, Fate, Record};
use std::io::Write;

/// Writes a record.
pub(super) fn write(out: &mut dyn Write, record: &Record) -> Result<()> {
    match record {
        Record::Input(input) if input.rules.is_empty() => {
            writeln!(out, "- line {}: **{}**, “{}”: {}", input.line, input.fate, escaped(&input.text), input.why)?;
        }
        Record::Input(input) => {
            for made in &input.rules {
                let pattern = made.pattern.as_deref().unwrap_or_default();
                let bites = made.bites.as_deref().unwrap_or(&input.why);
                let comma = if pattern.is_empty() { "" } else { ", " };
                let quote = escaped(&made.quote);
                writeln!(
                    out,
                    "- line {}: **{}** `{}`, “{quote}”: {pattern}{comma}{bites}",
                    input.line, input.fate, made.rule
                )?;
            }
        }
        Record::Conflict(conflict) => {
            writeln!(out, "- **conflict** between `{}` and `{}`: {}", conflict.newer, conflict.older, conflict.why)?;
            writeln!(out, "  - earlier: “{}”", escaped(&conflict.older_said))?;
            writeln!(out, "  - later: “{}”", escaped(&conflict.newer_said))?;
        }
        Record::Verdict(verdict) => {
            let text = verdict.witness.as_ref().map(|witness| witness.text.replace('`', "'").replace('\n', "⏎"));
            let witness = text.map(|text| format!(": `{text}`")).unwrap_or_default();
            writeln!(out, "- **{}** event {}{witness} (`{}`)", effect(verdict), verdict.event, verdict.rule)?;
            if let Some(said) = &verdict.said {
                writeln!(out, "  - you said “{}”", escaped(said))?;
            }
            if let Some(fix) = &verdict.fix {
                writeln!(
                    out,
                    "  - {} `{}`",
                    if verdict.witness.is_some() { "instead:" } else { "owed:" },
                    fix.replace('`', "")
                )?;
            }
        }
        Record::Diagnostic(diagnostic) => {
            let Diagnostic { code, message, help, span, .. } = diagnostic;
            let place = span.as_ref().map(|Span { file, line, column, .. }| format!("{file}:{line}:{column}: "));
            let text = format!("{}{message} (help: {help})", place.unwrap_or_default());
            writeln!(out, "- **{code}** {}", escaped(&text))?;
        }
        Record::Backtest(backtest) => {
            let [caught, elsewhere, precision] = figures(backtest);
            writeln!(
                out,
                "- history of `{}`: caught {caught}, elsewhere {elsewhere}, precision {precision}",
                backtest.rule
            )?;
        }
        // `trace mine` prints no pages.
        Record::Proposal(_) | Record::Mined(_) => {}
        Record::Compiled(sum) => {
            writeln!(out, "\n| fate | messages |\n|---|---|")?;
            for fate in Fate::ALL {
                if let Some(count) = sum.fates.get(&fate) {
                    writeln!(out, "| {fate} | {count} |")?;
                }
            }
        }
        Record::Checked(sum) => {
            let Checked { events, rules, blocked, violated, warned, shadow, pending, unread } = sum;
            writeln!(out, "\n| events | rules | blocked | violated | warned | shadow | owed | unread |")?;
            writeln!(out, "|---|---|---|---|---|---|---|---|")?;
            let counts = [events, rules, blocked, violated, warned, shadow, pending, unread];
            writeln!(out, "| {} |", counts.map(usize::to_string).join(" | "))?;
        }
    }
    Ok(())
}

/// Takes the power from characters that Markdown or HTML reads.
fn escaped(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c {
            '\n' => plain.push(' '),
            '<' | '>' | '*' | '_' | '`' | '[' | ']' | '|' | '\\' => plain.extend(['\\', c]),
            _ => plain.push(c),
        }
    }
    plain
}
