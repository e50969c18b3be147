//! `trace explain`: what a rule means, where it came from, what it fires on and what it leaves alone; or what a
//! diagnostic's code means.

use crate::output::{self, PlainFormat};
use crate::{End, engine};
use anyhow::Result;
use owo_colors::OwoColorize;
use rules::{Code, Decision, Event, Rule};
use serde::Serialize;
use server::folder::{Layer, RuleFile};
use std::io::Write;
use std::path::PathBuf;

/// Explain a rule, or the code of a diagnostic
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace explain npm-instead-of-pnpm
  trace explain T101")]
pub(crate) struct Arguments {
    /// The name of a rule, or a code such as T101
    name: String,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

/// The page of a diagnostic, for scripts.
#[derive(Debug, Serialize)]
struct Page<'a> {
    code: &'a str,
    title: &'a str,
    help: &'a str,
    text: &'a str,
}

/// A rule with what follows from it, for scripts.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    rule: &'a Rule,
    layer: Layer,
    file: String,
    means: String,
    bites: Option<&'a str>,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let mut out = output::out();
    if let Some(code) = Code::named(&arguments.name) {
        page(&mut out, code, arguments.format)?;
    } else {
        let engine = engine(root)?;
        let found = engine.rule(&arguments.name)?;
        rule(&mut out, &found, arguments.format)?;
    }
    out.flush()?;
    Ok(End::Clean)
}

fn page(out: &mut dyn Write, code: Code, format: PlainFormat) -> Result<()> {
    let page = code.page();
    if format == PlainFormat::Json {
        let page = Page { code: page.name, title: page.title, help: page.help, text: page.text };
        return output::json(out, &page);
    }
    writeln!(out, "{}: {}\n\n{}\n\nhelp: {}", page.name.bold(), page.title, page.text, page.help)?;
    Ok(())
}

fn rule(out: &mut dyn Write, found: &RuleFile, format: PlainFormat) -> Result<()> {
    let rule = &found.rule;
    let means = meaning(rule);
    let bites = rule.check.as_ref().map(|check| check.pattern.bites());
    let file = found.path.display().to_string();
    if format == PlainFormat::Json {
        return output::json(out, &Explained { rule, layer: found.layer, file, means, bites });
    }
    writeln!(out, "{}  {} ({})", rule.id.bold(), rule.title, rule.state)?;
    writeln!(out, "\nMeans      {means}")?;
    if let (Some(bites), Some(check)) = (bites, &rule.check) {
        writeln!(out, "Bites      {bites} ({})", check.pattern.name())?;
    }
    writeln!(out, "Scope      {}", scope(found))?;
    for quote in &rule.said {
        let place = quote.source.as_ref().map(|source| format!("  ({source})")).unwrap_or_default();
        writeln!(out, "You said   “{}”{place}", quote.quote)?;
    }
    writeln!(out, "File       {file}")?;
    for (title, violates) in [("Fires on", true), ("Leaves alone", false)] {
        let examples: Vec<_> = rule.examples.iter().filter(|example| example.violates == violates).collect();
        if examples.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", title.bold())?;
        for example in examples {
            let events = example.parse()?;
            let steps: Vec<String> = events.iter().map(step).collect();
            let note = example.note.as_ref().map(|note| format!("  ({note})")).unwrap_or_default();
            writeln!(out, "  {}{note}", steps.join("  →  "))?;
        }
    }
    Ok(())
}

/// What a rule asks, in one sentence.
pub(crate) fn meaning(rule: &Rule) -> String {
    match (&rule.check, rule.decided_by) {
        (Some(check), _) => rules::explain(check),
        (None, Decision::Judged) => {
            "Only a model can decide it; without one it is put in front of the agent.".to_owned()
        }
        (None, _) => "Nothing decides it; it is put in front of the agent.".to_owned(),
    }
}

/// Where a rule applies, the widest part first.
pub(crate) fn scope(found: &RuleFile) -> String {
    let scope = &found.rule.scope;
    let mut parts = vec![found.layer.to_string()];
    for (name, globs) in
        [("directory", &scope.directory), ("branch", &scope.branch), ("host", &scope.host), ("session", &scope.session)]
    {
        if !globs.is_empty() {
            parts.push(format!("{name} {}", globs.join(" or ")));
        }
    }
    parts.join(", ")
}

fn step(event: &Event) -> String {
    let text = crate::check::summary(event);
    if text.is_empty() { "an event".to_owned() } else { text }
}
