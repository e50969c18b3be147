//! `trace router explain`: why a context holds what it holds.

use crate::End;
use crate::configured::Configured;
use crate::output::{self, PlainFormat, note};
use crate::render::table::{plain, plural, write_table};
use ::router::decision::{Decision, DecisionId, Weighed};
use ::router::features::names;
use ::router::pack::Verdict;
use ::router::weights::shipped;
use anyhow::{Context, Result};
use server::decisions::kept;
use server::service::Settings;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// How many candidates are shown unless more are asked for.
const SHOWN: usize = 20;
/// How many features are shown of a candidate.
const FEATURES: usize = 6;

/// Show why a context holds what it holds
///
/// The name of a decision is in the reply of `POST /v1/recall` with `explain`. The last thousand are kept. The choice is made
/// again from what was noted, and compared.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router explain 4f1d0c5be2a97763
  trace router explain 4f1d0c5be2a97763 --format json

Exit codes: 0 shown, 1 there is no such decision, or it is not made again, 2 could not run.")]
pub(super) struct Arguments {
    /// The decision
    #[arg(value_name = "DECISION_ID")]
    id: DecisionId,
    /// The file of the shared state [default: the workspace's]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// How many candidates are shown
    #[arg(long, default_value_t = SHOWN)]
    limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(super) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let configured = Configured::read(root)?;
    let store = arguments.store.clone().unwrap_or_else(|| configured.engine.state());
    let decision = match kept(&Settings::beside(&store).index, &arguments.id) {
        Ok(decision) => decision,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            note(&format!("there is no decision `{}`; recall with `explain` keeps one", arguments.id));
            return Ok(End::Findings);
        }
        Err(error) => return Err(error).context("cannot read the decision"),
    };
    let weights = configured.config.router.read()?.weights.or_else(shipped);
    let again = weights.and_then(|weights| decision.replay(&weights));
    let mut out = output::out();
    match arguments.format {
        PlainFormat::Json => output::json(&mut out, &decision)?,
        PlainFormat::Table => write(&mut out, &decision, arguments.limit)?,
    }
    let end = match again {
        Some(again) if again == decision => End::Clean,
        Some(_) => {
            note("made again from what was noted, the choice is another one");
            End::Findings
        }
        None => {
            note(&format!("the model `{}` is not here any more: the choice can't be made again", decision.model));
            End::Clean
        }
    };
    out.flush()?;
    Ok(end)
}

fn write(out: &mut dyn Write, decision: &Decision, limit: usize) -> Result<()> {
    let mut table = plain(&["", "record", "probability", "tokens", "gain", "why", "most telling"]);
    for one in decision.candidates.iter().take(limit) {
        let Weighed { id, parcel, packed, .. } = one;
        let (mark, why) = match packed.verdict {
            Verdict::Chosen => ("✓", "worth its tokens"),
            Verdict::NoRoom => ("", "no room"),
            Verdict::Repeats => ("", "says what is there"),
            Verdict::NotWorth => ("", "not worth its tokens"),
        };
        let (probability, gain) = (format!("{:.3}", parcel.probability), format!("{:.3}", packed.gain));
        table.add_row([mark, &id.to_string(), &probability, &parcel.tokens.to_string(), &gain, why, &telling(one)]);
    }
    write_table(out, &table)?;
    let chosen = decision.candidates.iter().filter(|one| one.packed.verdict == Verdict::Chosen);
    let cap = decision.terms.cap.map_or_else(|| "no cap".to_owned(), |cap| format!("a cap of {cap} tokens"));
    let (tokens, count) = chosen.fold((0, 0), |(tokens, count), one| (tokens + one.parcel.tokens, count + 1));
    let all = plural(decision.candidates.len(), "candidate");
    writeln!(out, "\n{count} of {all} chosen: {tokens} tokens, {cap}; model {}", decision.model)?;
    Ok(())
}

/// The first features that are known and not nothing, by their names.
fn telling(one: &Weighed) -> String {
    let known = names().zip(&one.features).filter_map(|(name, value)| Some((name, (*value)?)));
    let told = known.filter(|(_, value)| value.abs() > 1e-6).map(|(name, value)| format!("{name} {value:.2}"));
    told.take(FEATURES).collect::<Vec<_>>().join(", ")
}
