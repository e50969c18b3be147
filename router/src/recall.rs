//! Recall: from a question and a budget to a context.

use memory::budget::{Budget, Clock, Cost, Limits};
use memory::filter::Filter;
use memory::index::{Hit, Index, IndexError, Mode, Query};
use memory::model::Model;
use memory::{Tenant, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How much effort a module makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Rules and counting: no model.
    Low,
    /// Models on this machine.
    Mid,
    /// A language model.
    High,
}

/// The tiers that are wanted; a module that is not named runs in the lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tiers {
    /// Of what was found, what is about the question.
    #[serde(default)]
    pub filter: Option<Tier>,
    /// Who and what is spoken of.
    #[serde(default)]
    pub entity: Option<Tier>,
    /// When things happened.
    #[serde(default)]
    pub temporal: Option<Tier>,
    /// What belongs together.
    #[serde(default)]
    pub topic: Option<Tier>,
    /// What it comes to.
    #[serde(default)]
    pub summary: Option<Tier>,
}

/// A question to the memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What is asked.
    pub query: String,
    /// Among which records.
    pub filter: Filter,
    /// What may be spent.
    pub limits: Limits,
    /// The tiers of the modules.
    pub tiers: Tiers,
    /// How many items are wanted at most.
    pub limit: usize,
}

/// What was recalled.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The items of the context, best first.
    pub items: Vec<Item>,
    /// The context: what is to be put in front of a model, within the token budget.
    pub context: String,
    /// What was spent.
    pub spending: Spending,
}

/// One item of a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The record and its scores.
    pub hit: Hit,
    /// How many tokens of the context it has.
    pub tokens: u64,
}

/// What was spent, in all and by module.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spending {
    /// Tokens and money.
    pub cost: Cost,
    /// Milliseconds.
    pub ms: f64,
    /// By module, in the order in which they ran.
    pub steps: Vec<Step>,
}

/// What one module did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// The module.
    pub module: String,
    /// The tier that was asked for.
    pub asked: Tier,
    /// The tier that answered; nothing where none could within the budget.
    pub ran: Option<Tier>,
    /// What it cost.
    pub cost: Cost,
    /// Milliseconds.
    pub ms: f64,
    /// Why it ran in another tier, or not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What recall works with.
#[derive(Debug, Clone)]
pub struct Sources<'s> {
    /// The indexes.
    pub index: &'s Index,
    /// The language model of the high tiers, where one is configured.
    pub model: Option<Arc<dyn Model>>,
    /// The clock of the time budget.
    pub clock: Arc<dyn Clock>,
}

/// Recalls what fits a question, within its budget.
///
/// # Errors
/// [`IndexError`] when nothing could be searched at all.
pub fn recall(sources: &Sources<'_>, tenant: &Tenant, request: &Request) -> Result<Reply, IndexError> {
    let begun = sources.clock.elapsed();
    let mut budget = Budget::new(request.limits, sources.clock.clone());
    let query = Query {
        text: request.query.clone(),
        filter: request.filter.clone(),
        limit: request.limit,
        mode: Mode::Hybrid,
        neighbours: true,
    };
    let (mut items, mut context) = (Vec::new(), String::new());
    for hit in sources.index.search(tenant, &query)? {
        let line = match hit.stored.record.provenance.trust {
            Trust::User => format!("- {}\n", hit.stored.record.text),
            Trust::Agent | Trust::Outside => format!("- (quoted) {}\n", hit.stored.record.text),
        };
        let tokens = line.len().div_ceil(4) as u64;
        if budget.spend(Cost { tokens, ..Cost::default() }).is_ok() {
            context.push_str(&line);
            items.push(Item { hit, tokens });
        }
    }
    let ms = sources.clock.elapsed().saturating_sub(begun).as_secs_f64() * 1e3;
    Ok(Reply { items, context, spending: Spending { cost: budget.spent(), ms, steps: Vec::new() } })
}
