//! `trace check`: judges events, or a git diff, by the compiled checks.

use crate::output::Format;
use crate::render::Report;
use crate::{End, engine};
use anyhow::{Context, Result, bail};
use compiler::Checker;
use compiler::facts::Workspace;
use rules::{Code, Diagnostic, Event, EventKind, Severity, Span};
use server::report::{Checked, Record};
use server::workspace::Before;
use server::{Engine, git, lines};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

/// The longest line of an event file, in bytes.
const MAX_LINE_BYTES: usize = 64 << 20;

/// Judge an agent's events, or a git diff, by the rules
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace check events.jsonl              one JSON event a line (`trace schema event`)
  trace check - < events.jsonl          the same from standard input
  trace check --staged                  what is about to be committed, for a pre-commit hook
  trace check --diff origin/main        what has changed since a revision, for CI

Exit codes: 0 nothing found, 1 a rule is violated, 2 could not run.")]
pub(crate) struct Arguments {
    /// The file of events, or `-` for standard input
    #[arg(value_name = "EVENTS", required_unless_present_any = ["staged", "diff"])]
    events: Option<PathBuf>,
    /// Judge what is staged for the next commit
    #[arg(long, conflicts_with_all = ["events", "diff"])]
    staged: bool,
    /// Judge what differs from a revision
    #[arg(long, value_name = "REV", conflicts_with = "events")]
    diff: Option<String>,
    /// Show the events that nothing is wrong with, too
    #[arg(long)]
    all: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: Arguments) -> Result<End> {
    let engine = engine(root)?;
    let mut report = Report::new(arguments.format, arguments.all);
    let (checks, diagnostics) = engine.checks();
    let broken = diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count();
    for diagnostic in diagnostics {
        report.add(&Record::Diagnostic(diagnostic))?;
    }
    let of_diff = arguments.staged || arguments.diff.is_some();
    let mut checker = if of_diff { Checker::of_diff(&checks) } else { Checker::new(&checks) };
    let mut sum = Checked { rules: checks.len(), ..Checked::default() };
    if of_diff {
        let text = match &arguments.diff {
            Some(revision) => git::diff(engine.root(), revision)?,
            None => git::staged(engine.root())?,
        };
        let before = Before::of(engine.workspace(), &text);
        for event in git::events(&text) {
            judge(&before, &mut checker, &event, &mut sum, &mut report)?;
        }
    } else {
        let (input, name) = open(arguments.events)?;
        read(&engine, &mut checker, input, &name, &mut sum, &mut report)?;
    }
    // A diff does not tell what was run after it, so nothing is owed for it.
    for verdict in checker.pending().into_iter().filter(|_| !of_diff) {
        sum.count(&verdict);
        report.add(&Record::Verdict(verdict))?;
    }
    let findings = sum.has_findings();
    let unread = sum.unread;
    report.add(&Record::Checked(sum))?;
    report.finish()?;
    match (findings, broken, unread) {
        (true, ..) => Ok(End::Findings),
        // Nothing was found, but not everything was looked at.
        (false, 1.., _) => bail!("{broken} fault(s) in rules, see above; those rules were left out"),
        (false, 0, 1..) => bail!("{unread} line(s) of the input are not events, see above; all others were judged"),
        (false, 0, 0) => Ok(End::Clean),
    }
}

fn open(path: Option<PathBuf>) -> Result<(Box<dyn BufRead>, String)> {
    match path {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            Ok((Box::new(BufReader::new(file)), path.display().to_string()))
        }
        _ => Ok((Box::new(BufReader::new(std::io::stdin())), "standard input".to_owned())),
    }
}

fn read(
    engine: &Engine,
    checker: &mut Checker<'_>,
    input: Box<dyn BufRead>,
    name: &str,
    sum: &mut Checked,
    report: &mut Report,
) -> Result<()> {
    for line in lines::bounded(input, MAX_LINE_BYTES) {
        let line = line.with_context(|| format!("cannot read `{name}`"))?;
        let event = line.text().and_then(|text| {
            if text.trim().is_empty() {
                return Ok(None);
            }
            serde_json::from_str::<Event>(text).map(Some).map_err(|error| {
                let error = rules::correction::LineError::of(text, &error);
                let span = Span::on(name, line.number, error.column, 1, text);
                Diagnostic::of(Code::NotAnEvent, error.message).at(span)
            })
        });
        match event {
            Ok(None) => {}
            Ok(Some(event)) => judge(engine.workspace(), checker, &event, sum, report)?,
            Err(diagnostic) => {
                sum.unread += 1;
                let place = diagnostic.span.clone().unwrap_or_else(|| Span::on(name, line.number, 1, 1, ""));
                report.add(&Record::Diagnostic(diagnostic.at(place)))?;
            }
        }
    }
    Ok(())
}

fn judge(
    workspace: &dyn Workspace,
    checker: &mut Checker<'_>,
    event: &Event,
    sum: &mut Checked,
    report: &mut Report,
) -> Result<()> {
    sum.events += 1;
    let verdicts = checker.observe(event, workspace);
    report.event(sum.events, &summary(event), &verdicts)?;
    for verdict in verdicts {
        sum.count(&verdict);
        report.add(&Record::Verdict(verdict))?;
    }
    Ok(())
}

/// An event in a few words, for a person.
pub(crate) fn summary(event: &Event) -> String {
    let text = match &event.kind {
        EventKind::PreToolUse { tool, input, .. } | EventKind::PostToolUse { tool, input, .. } => {
            let said = ["command", "file_path", "path", "filePath"].iter().find_map(|name| input.get(name)?.as_str());
            let done = matches!(event.kind, EventKind::PostToolUse { .. });
            format!("{tool}{}: {}", if done { " (done)" } else { "" }, said.unwrap_or_default())
        }
        EventKind::UserPromptSubmit { text } => format!("prompt: {text}"),
        EventKind::Reply { text } => format!("reply: {text}"),
        EventKind::Stop { reply, .. } | EventKind::SubagentStop { reply } => {
            format!("stop: {}", reply.as_deref().unwrap_or_default())
        }
        EventKind::SessionStart => "session start".to_owned(),
        EventKind::SubagentStart => "subagent start".to_owned(),
        EventKind::PreCompact => "compaction".to_owned(),
    };
    let line = text.lines().next().unwrap_or_default();
    let end = line.floor_char_boundary(100);
    line.get(..end).unwrap_or_default().to_owned()
}
