//! Recalling a context for a question, within a budget.

use super::{Narrowing, Work};
use crate::End;
use crate::output::{self, PlainFormat, note};
use crate::render::table::plural;
use ::memory::budget::Limits;
use anyhow::{Context, Result, bail};
use router::recall::{Reply, Request, Tier, Tiers};
use serde_json::{Value, json};

/// Recall what fits a question, as a context for a model within a budget
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  trace memory recall 'what may ann eat' --user ann --tokens 400
  trace memory recall 'when did we move' --tokens 800 --ms 50 --tier temporal=mid
  trace memory recall 'what may ann eat' --tokens 400 --format json

The context is printed, and what it cost is noted beside it.

Exit codes: 0 recalled, 1 not enough evidence for an answer, 2 could not run.")]
pub(super) struct Recall {
    /// What is asked
    query: String,
    #[command(flatten)]
    narrowing: Narrowing,
    /// The most tokens of the context
    #[arg(long, value_name = "N")]
    tokens: Option<u32>,
    /// The most milliseconds
    #[arg(long, value_name = "N")]
    ms: Option<u32>,
    /// The most US dollars
    #[arg(long, value_name = "AMOUNT")]
    usd: Option<f64>,
    /// How much effort a module makes: filter, entity, temporal, topic or summary; low, mid or high [default: low]
    #[arg(long = "tier", value_name = "MODULE=TIER", value_parser = tier)]
    tiers: Vec<(String, Tier)>,
    /// The most records that are considered
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

fn tier(text: &str) -> Result<(String, Tier), String> {
    let (module, tier) = text.split_once('=').ok_or("write `MODULE=TIER`")?;
    let tier = serde_json::from_value(tier.into()).map_err(|_| format!("`{tier}` is not `low`, `mid` or `high`"))?;
    Ok((module.to_owned(), tier))
}

impl Recall {
    pub(super) fn run(&self, work: &mut Work<'_>) -> Result<End> {
        if self.usd.is_some_and(|usd| usd.is_nan() || usd < 0.0) {
            bail!("a budget in dollars is zero or more");
        }
        let limits = Limits { tokens: self.tokens, ms: self.ms, usd: self.usd };
        let (query, filter, tiers) = (self.query.clone(), self.narrowing.filter()?, self.tiers()?);
        let request = Request { query, filter, limits, tiers, limit: self.limit };
        let reply = work.service.recall(&work.tenant, &request)?;
        match work.format {
            PlainFormat::Json => output::json(work.out, &told(&reply))?,
            PlainFormat::Table => {
                for line in reply.context.lines() {
                    writeln!(work.out, "{}", output::shown(line))?;
                }
                self.note(&reply);
            }
        }
        Ok(if reply.abstains { End::Findings } else { End::Clean })
    }

    fn tiers(&self) -> Result<Tiers> {
        let tiers = self.tiers.iter().map(|(module, tier)| Ok((module.clone(), serde_json::to_value(tier)?)));
        let tiers = Value::Object(tiers.collect::<Result<_>>()?);
        serde_json::from_value(tiers).context("a module is filter, entity, temporal, topic or summary")
    }

    /// What it cost, and why it cost less or found less than was asked for.
    fn note(&self, reply: &Reply) {
        let cost = reply.spending.cost;
        let cap = self.tokens.map_or_else(String::new, |cap| format!(" of {cap}"));
        let (items, usd) = (plural(reply.items.len(), "item"), cost.nano_usd.usd());
        note(&format!("{items}, {}{cap} tokens, {:.1} ms, ${usd:.4}", cost.tokens, reply.spending.ms));
        if reply.items.is_empty() && !reply.abstains {
            note("nothing that was found fits into so few tokens");
        }
        for step in &reply.spending.steps {
            if let Some(why) = &step.note {
                note(&format!("{}: {why}", step.module));
            }
        }
        if reply.abstains {
            note("there is not enough evidence for an answer");
        }
    }
}

fn told(reply: &Reply) -> Value {
    let items = reply.items.iter().map(|item| {
        let record = &item.hit.stored.record;
        json!({"number": item.number, "id": record.id, "text": record.text, "tokens": item.tokens, "value": item.value})
    });
    let items: Vec<Value> = items.collect();
    json!({"items": items, "context": reply.context, "spending": reply.spending, "abstains": reply.abstains})
}
