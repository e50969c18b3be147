//! `trace mine`: finds the rules that were said in recorded sessions and documents.

use crate::compile::{progress, recordings, told};
use crate::configured::reading;
use crate::output::{self, PlainFormat};
use crate::render::table::{self, plain, plural, write_table};
use crate::{End, engine};
use anyhow::Result;
use comfy_table::ColumnConstraint;
use rules::{Decision, State};
use server::backtest::{Advice, Backtest};
use server::compilation::Plan;
use server::mine::{self, Found, mine, sources};
use server::report::{Mined, Proposal, Record};
use std::io::Write;
use std::path::PathBuf;

/// The most proposals that are listed for a person.
const MAX_LISTED: usize = 200;

/// Find the rules that you said in recorded sessions, or wrote for agents
///
/// Reads transcripts of Claude Code, rollouts of Codex, chats of Gemini CLI, events of Copilot CLI, histories of Aider and
/// exports of `SpecStory`; and CLAUDE.md, AGENTS.md, GEMINI.md, .cursorrules, .cursor/rules/*.mdc, copilot-instructions.md,
/// *.instructions.md and rules of hookify. Each rule is run over the recorded sessions: does it fire on what you corrected,
/// and where else? Nothing is written unless asked for, and nothing that is found is enforced before you arm it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace mine ~/.claude/projects ~/.codex/sessions
  trace mine AGENTS.md .cursor/rules --history ~/.claude/projects
  trace mine ~/.claude/projects --write     keep the rules in shadow
  trace mine . --format json

Exit codes: 0 everything was read, 1 some lines could not be read, 2 could not run.")]
pub(crate) struct Arguments {
    /// Recordings, documents of instructions, or folders that hold some
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Recorded sessions, or a folder of some, over which the rules are run too (may be repeated)
    #[arg(long, value_name = "PATH")]
    history: Vec<PathBuf>,
    /// Keep what is found: rules in shadow, and those that fail their own tests as proposals
    #[arg(long)]
    write: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(crate) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let (sources, history) = (sources(&arguments.paths)?, recordings(&arguments.history)?);
    let engine = engine(root)?;
    let (reader, faults) = reading(&engine)?;
    let plan = Plan { reader: &reader, arm: false, keep: arguments.write, history: &history };
    let bar = progress(mine::size(&sources, &history));
    let found = mine(&engine, &sources, &plan, &mut |bytes| bar.set_position(bytes));
    bar.finish_and_clear();
    let mut found = found?;
    found.diagnostics.extend(faults);
    told(&reader);
    let unread = found.sum.unread;
    match arguments.format {
        PlainFormat::Json => json(found)?,
        PlainFormat::Table => table(&found, arguments.write)?,
    }
    Ok(if unread > 0 { End::Findings } else { End::Clean })
}

fn json(found: Found) -> Result<()> {
    let mut out = output::out();
    let proposals = found.proposals.into_iter().map(|proposal| Record::Proposal(Box::new(proposal)));
    let conflicts = found.conflicts.into_iter().map(Record::Conflict);
    let diagnostics = found.diagnostics.into_iter().map(Record::Diagnostic);
    let mut records = proposals.chain(conflicts).chain(diagnostics).chain([Record::Mined(found.sum)]);
    records.try_for_each(|record| output::json(&mut out, &record))?;
    Ok(out.flush()?)
}

fn table(found: &Found, is_kept: bool) -> Result<()> {
    found.diagnostics.iter().for_each(output::diagnostic);
    let mut out = output::out();
    if !found.proposals.is_empty() {
        let mut table = plain(&["rule", "said", "caught", "elsewhere", "precision", "proposal", "asks"]);
        table.column_mut(0).map(|names| names.set_constraint(ColumnConstraint::ContentWidth));
        for proposal in found.proposals.iter().take(MAX_LISTED) {
            table.add_row(row(proposal));
        }
        write_table(&mut out, &table)?;
        writeln!(out)?;
    }
    for proposal in found.proposals.iter().take(MAX_LISTED) {
        evidence(&mut out, proposal)?;
    }
    for conflict in &found.conflicts {
        table::conflict(&mut out, conflict)?;
    }
    sum(&mut out, &found.sum, is_kept)?;
    Ok(out.flush()?)
}

fn row(proposal: &Proposal) -> Vec<String> {
    let times = plural(proposal.times, "time");
    let said = if proposal.sessions > 1 { format!("{times} in {} sessions", proposal.sessions) } else { times };
    let [caught, elsewhere, precision] =
        proposal.backtest.as_ref().map_or_else(|| ["", "", ""].map(str::to_owned), figures);
    let proposed = match (proposal.decided_by, proposal.state, &proposal.backtest) {
        (Decision::Judged, ..) => "judged",
        (Decision::Reminder, ..) => "reminder",
        (_, State::Proposed, _) => "waits for you",
        (_, State::Armed, _) => "armed already",
        (_, State::Retired, _) => "retired",
        (_, _, Some(Backtest { advice: Advice::Arm, .. })) => "arm",
        _ => "shadow",
    };
    let row = [proposal.rule.to_string(), said, caught, elsewhere, precision, proposed.to_owned()];
    row.into_iter().chain([proposal.title.clone()]).collect()
}

/// What a backtest found: what was corrected, what else, and the precision.
pub(crate) fn figures(backtest: &Backtest) -> [String; 3] {
    let Backtest { said, caught, elsewhere, unanswered, precision, interval, .. } = backtest;
    let open = if *unanswered > 0 { format!(" + {unanswered} unanswered") } else { String::new() };
    let precision = match (precision, interval) {
        (Some(share), Some((low, high))) => format!("{share:.2} ({low:.2}–{high:.2})"),
        _ => "–".to_owned(),
    };
    [format!("{caught} of {said}"), format!("{elsewhere}{open}"), precision]
}

/// The words that a proposal rests on, and what it fires on.
fn evidence(out: &mut dyn Write, proposal: &Proposal) -> Result<()> {
    let Some(first) = proposal.said.first() else { return Ok(()) };
    let place = first.source.as_deref().unwrap_or_default();
    writeln!(out, "{}: “{}” ({place})", proposal.rule, output::shown(&output::shortened(&first.quote, 160)))?;
    if let Some(backtest) = &proposal.backtest {
        table::firings(out, backtest)?;
    }
    Ok(())
}

fn sum(out: &mut dyn Write, sum: &Mined, is_kept: bool) -> Result<()> {
    let replayed = &sum.replayed;
    writeln!(
        out,
        "{}{} and {}: {} read, {} said for good; {} over {}, {} and {}",
        if sum.proposals > 0 { "\n" } else { "" },
        plural(sum.recordings, "recording"),
        plural(sum.documents, "document"),
        plural(sum.messages, "message"),
        sum.durable,
        plural(sum.proposals, "proposal"),
        plural(replayed.sessions, "session"),
        plural(replayed.turns, "turn"),
        plural(replayed.calls, "call"),
    )?;
    let passed: Vec<String> = sum.passed.iter().map(|(why, count)| format!("{count} {why}")).collect();
    if !passed.is_empty() {
        writeln!(out, "passed over: {}", passed.join(", "))?;
    }
    if sum.unread > 0 {
        writeln!(out, "not read: {}", plural(sum.unread, "line"))?;
    }
    match (is_kept, sum.proposals) {
        (_, 0) => {}
        (true, _) => {
            let written = plural(sum.written, "rule file");
            writeln!(out, "{written} written; `trace rules arm NAME` enforces a rule")?;
        }
        (false, _) => writeln!(out, "nothing was written; `--write` keeps the proposals")?,
    }
    Ok(())
}
