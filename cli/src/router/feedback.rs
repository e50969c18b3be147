//! `trace router feedback`: what feedback on recalls has taught.

use crate::End;
use crate::configured::Configured;
use crate::output::{self, PlainFormat, note};
use crate::render::table::{plain, plural, write_table};
use ::router::online::Standing;
use anyhow::Result;
use memory::Tenant;
use server::learning::Learning;
use server::service::feedback_of;
use std::io::Write;
use std::path::PathBuf;

/// Show what feedback on recalls has taught
///
/// With `online = true` in the section `[router]` of `.trace/config.toml`, recall over HTTP and MCP tries another way than the
/// usual one now and then, and learns from `POST /v1/recall/{trial}/feedback` which is worth more, and for which questions. What
/// a way is worth is estimated from all recalls, also from those in which another one was taken.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace router feedback
  trace router feedback --tenant desk --format json

Exit codes: 0 shown, 1 there was no feedback yet, 2 could not run.")]
pub(super) struct Arguments {
    /// Whose feedback
    #[arg(long, value_name = "TENANT", default_value = Tenant::LOCAL)]
    tenant: String,
    /// The file of the shared state [default: the workspace's]
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: PlainFormat,
}

pub(super) fn run(root: Option<PathBuf>, arguments: &Arguments) -> Result<End> {
    let configured = Configured::read(root)?;
    let store = arguments.store.clone().unwrap_or_else(|| configured.engine.state());
    let explore = configured.config.router.read()?.explore;
    let tenant = Tenant::new(&arguments.tenant)?;
    let standing = Learning::new(feedback_of(&store), explore.unwrap_or_default()).standing(&tenant)?;
    let mut out = output::out();
    match arguments.format {
        PlainFormat::Json => output::json(&mut out, &standing)?,
        PlainFormat::Table => write(&mut out, &standing)?,
    }
    out.flush()?;
    if explore.is_none() {
        note(
            "feedback is not learnt from: `online = true` in the section `[router]` of `.trace/config.toml` turns it on",
        );
    }
    Ok(if standing.trials == 0 { End::Findings } else { End::Clean })
}

fn write(out: &mut dyn Write, standing: &Standing) -> Result<()> {
    let mut table =
        plain(&["way", "recalls", "taken", "worth", "95 % interval", "self-normalised", "inverse propensity"]);
    for way in &standing.ways {
        let one = &way.estimate;
        let [low, high] = one.interval;
        table.add_row([
            way.name.clone(),
            one.trials.to_string(),
            one.taken.to_string(),
            format!("{:.3}", one.doubly_robust),
            format!("{low:.3} to {high:.3}"),
            format!("{:.3}", one.self_normalised),
            format!("{:.3}", one.inverse_propensity),
        ]);
    }
    write_table(out, &table)?;
    let trials = usize::try_from(standing.trials).unwrap_or(usize::MAX);
    let (evidence, needed) = (standing.evidence, Standing::NEEDED);
    let what = if standing.is_adopted {
        format!("what was learnt is done; evidence against it {evidence:.2}, and {needed} would end that")
    } else {
        format!("the usual way is kept; evidence for what was learnt {evidence:.2} of {needed}")
    };
    writeln!(out, "\n{} with feedback: {what}", plural(trials, "recall"))?;
    Ok(())
}
