//! `trace rules`: the rule book, and the life of each rule.

use crate::output::{self, PlainFormat};
use crate::render::table;
use crate::{End, engine, explain};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use comfy_table::ColumnConstraint;
use rules::book::Action;
use rules::{Decision, RuleId, State};
use serde::Serialize;
use server::Engine;
use server::folder::{Loaded, RuleFile};
use std::io::Write;
use std::path::PathBuf;

/// List, show and change rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace rules list --state armed
  trace rules shadow npm-instead-of-pnpm --reason 'the build image has only npm'
  trace rules undo npm-instead-of-pnpm
  trace rules test                          every rule on its own examples and mutants

Exit codes: 0 done, 1 a rule fails its tests, 2 could not run.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// How to print
    #[arg(long, global = true, value_enum, default_value_t)]
    format: PlainFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the rules
    #[command(after_help = "Example: trace rules list --state armed")]
    List {
        /// Only those in this state: proposed, shadow, armed or retired
        #[arg(long, value_parser = state)]
        state: Option<State>,
    },
    /// Print a rule's file
    #[command(after_help = "Example: trace rules show npm-instead-of-pnpm")]
    Show {
        /// The rule
        name: String,
    },
    /// Open a rule's file in `$VISUAL` or `$EDITOR`, and check what was changed
    #[command(after_help = "Example: EDITOR=vi trace rules edit npm-instead-of-pnpm")]
    Edit {
        /// The rule
        name: String,
    },
    /// Enforce a rule, if it passes its own tests
    #[command(after_help = "Example: trace rules arm npm-instead-of-pnpm")]
    Arm(Named),
    /// Log a rule's violations, without standing in the way
    #[command(after_help = "Example: trace rules shadow npm-instead-of-pnpm --reason 'the build image has only npm'")]
    Shadow(Named),
    /// Keep a rule for the record only
    #[command(after_help = "Example: trace rules retire npm-instead-of-pnpm --reason 'we moved to npm'")]
    Retire(Named),
    /// Take a rule's last change back
    #[command(after_help = "Example: trace rules undo npm-instead-of-pnpm")]
    Undo {
        /// The rule
        name: String,
    },
    /// Run rules on their own examples and mutants
    #[command(after_help = "Example: trace rules test npm-instead-of-pnpm")]
    Test {
        /// The rules; all of them where none is named
        names: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The rule
    name: String,
    /// Why, for the history
    #[arg(long)]
    reason: Option<String>,
}

/// A rule in a list, for scripts.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a RuleId,
    title: &'a str,
    state: State,
    decided_by: Decision,
    pattern: Option<&'a str>,
    bites: Option<&'a str>,
    scope: String,
    overridden: bool,
}

/// How a rule did on its tests, for scripts.
#[derive(Debug, Serialize)]
struct Tested<'a> {
    rule: &'a RuleId,
    passed: bool,
    violating: usize,
    clean: usize,
    failures: &'a [rules::Diagnostic],
}

fn state(text: &str) -> Result<State, String> {
    [State::Proposed, State::Shadow, State::Armed, State::Retired]
        .into_iter()
        .find(|state| state.to_string() == text)
        .ok_or_else(|| "name one of proposed, shadow, armed, retired".to_owned())
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let engine = engine(root)?;
    let mut out = output::out();
    let format = arguments.format;
    let end = match arguments.command {
        Command::List { state } => list(&engine, &mut out, state, format),
        Command::Show { name } => show(&engine, &mut out, &name, format),
        Command::Edit { name } => edit(&engine, &mut out, &name, format),
        Command::Arm(named) => change(&engine, &mut out, &named, Action::Arm, format),
        Command::Shadow(named) => change(&engine, &mut out, &named, Action::Shadow, format),
        Command::Retire(named) => change(&engine, &mut out, &named, Action::Retire, format),
        Command::Undo { name } => {
            engine.undo(&name)?;
            now(&engine, &mut out, &name, "undone", format)
        }
        Command::Test { names } => test(&engine, &mut out, &names, format),
    }?;
    out.flush()?;
    Ok(end)
}

fn list(engine: &Engine, out: &mut dyn Write, state: Option<State>, format: PlainFormat) -> Result<End> {
    let Loaded { files: all, diagnostics } = engine.rules();
    diagnostics.iter().for_each(output::diagnostic);
    let mut table = table::plain(&["rule", "state", "decided by", "bites", "scope", "asks"]);
    // From here names are copied into other commands, so that they are not broken in two.
    table.column_mut(0).map(|names| names.set_constraint(ColumnConstraint::ContentWidth));
    let wanted = all.iter().filter(|found| state.is_none_or(|state| state == found.rule.state));
    let mut count = 0;
    for found in wanted {
        count += 1;
        let rule = &found.rule;
        let check = rule.check.as_ref();
        let listed = Listed {
            id: &rule.id,
            title: &rule.title,
            state: rule.state,
            decided_by: rule.decided_by,
            pattern: check.map(|check| check.pattern.name()),
            bites: check.map(|check| check.pattern.bites()),
            scope: explain::scope(found),
            overridden: found.overridden,
        };
        if format == PlainFormat::Json {
            output::json(out, &listed)?;
            continue;
        }
        let decided = match rule.decided_by {
            Decision::Check => listed.pattern.unwrap_or("check"),
            Decision::Judged => "a model",
            Decision::Reminder => "reminder only",
        };
        let scope = listed.scope + if listed.overridden { " (overridden)" } else { "" };
        table.add_row([
            rule.id.as_str(),
            &rule.state.to_string(),
            decided,
            listed.bites.unwrap_or("-"),
            &scope,
            &rule.title,
        ]);
    }
    if format == PlainFormat::Table {
        if count > 0 {
            table::write_table(out, &table)?;
            writeln!(out)?;
        }
        writeln!(out, "{}", table::plural(count, "rule"))?;
    }
    Ok(End::Clean)
}

fn show(engine: &Engine, out: &mut dyn Write, name: &str, format: PlainFormat) -> Result<End> {
    let found = engine.rule(name)?;
    match format {
        PlainFormat::Json => output::json(out, &found.rule)?,
        PlainFormat::Table => {
            writeln!(out, "# {}", found.path.display())?;
            write!(out, "{}", found.text)?;
        }
    }
    Ok(End::Clean)
}

fn edit(engine: &Engine, out: &mut dyn Write, name: &str, format: PlainFormat) -> Result<End> {
    let found = engine.rule(name)?;
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|variable| std::env::var(variable).ok());
    let Some(editor) = editor.filter(|editor| !editor.trim().is_empty()) else {
        bail!("no editor is set; set `$EDITOR`, or edit `{}` yourself", found.path.display());
    };
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = std::process::Command::new(program)
        .args(words)
        .arg(&found.path)
        .status()
        .with_context(|| format!("cannot start the editor `{editor}`"))?;
    if !status.success() {
        bail!("the editor `{editor}` ended with {status}; nothing was recorded");
    }
    let diagnostics = engine.edited(&found)?;
    diagnostics.iter().for_each(output::diagnostic);
    if !diagnostics.is_empty() {
        return Ok(End::Findings);
    }
    now(engine, out, name, "edited", format)
}

fn change(engine: &Engine, out: &mut dyn Write, named: &Named, action: Action, format: PlainFormat) -> Result<End> {
    let failures = engine.change(&named.name, action, named.reason.clone())?;
    if !failures.is_empty() {
        failures.iter().for_each(output::diagnostic);
        return Ok(End::Findings);
    }
    now(engine, out, &named.name, "changed", format)
}

/// Says where a rule stands after a change.
fn now(engine: &Engine, out: &mut dyn Write, name: &str, did: &str, format: PlainFormat) -> Result<End> {
    match (engine.rule(name), format) {
        (Ok(found), PlainFormat::Json) => output::json(out, &found.rule)?,
        (Ok(found), PlainFormat::Table) => writeln!(out, "{did}: {} is now {}", found.rule.id, found.rule.state)?,
        // An undo of the change that made a rule takes it away.
        (Err(_), _) => writeln!(out, "{did}: {name} is no longer there")?,
    }
    Ok(End::Clean)
}

fn test(engine: &Engine, out: &mut dyn Write, names: &[String], format: PlainFormat) -> Result<End> {
    let Loaded { files: all, diagnostics } = engine.rules();
    diagnostics.iter().for_each(output::diagnostic);
    for name in names {
        engine.rule(name)?;
    }
    let wanted = |found: &&RuleFile| names.is_empty() || names.iter().any(|name| name == found.rule.id.as_str());
    let mut failed = diagnostics.len();
    let mut passed = 0;
    for found in all.iter().filter(wanted).filter(|found| found.rule.decided_by.is_check()) {
        let trial = engine.test(found);
        let is_fine = trial.passed();
        if is_fine {
            passed += 1;
        } else {
            failed += 1;
        }
        if format == PlainFormat::Json {
            let (violating, clean, failures) = (trial.violating, trial.clean, trial.failures.as_slice());
            output::json(out, &Tested { rule: &found.rule.id, passed: is_fine, violating, clean, failures })?;
        } else {
            let mark = if is_fine { "✓" } else { "✗" };
            writeln!(out, "{mark} {}: {} violating, {} clean", found.rule.id, trial.violating, trial.clean)?;
            out.flush()?;
            trial.failures.iter().for_each(output::diagnostic);
        }
    }
    if format == PlainFormat::Table {
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    Ok(if failed > 0 { End::Findings } else { End::Clean })
}
