//! Recall: from a question and a budget to a context.
//!
//! A search, then the modules one after the other: filter, entity, temporal, topic, summary. Each runs in the tier that is
//! asked for, or a lower one. The candidates are ranked at any moment, so that when time or money is up what is left is
//! skipped, and the context is made of what there is.
//!
//! Where there is a value model, candidates are worth the probability that they are evidence, and the context is packed by value
//! per token (`pricing`); else they are worth what the search and the modules say, and are packed by rank.
//!
//! INVARIANT: the context has at most as many tokens as the budget, delimiters included, and is paid for from it. Nothing is
//! begun after the deadline, and a language model is given less time than is left; what is computed on this machine is looked
//! at between two steps (a search, a text, a batch of eight vectors), so that the step under way may end after the deadline.

use crate::decision::Decision;
use crate::ladder;
use crate::online::{Draw, Trial};
use crate::pareto::Compiled;
use crate::policy::{Plan, Policy};
use crate::pricing::Prices;
use crate::routing::{Choice, choose};
use crate::weights::Weights;
use memory::Tenant;
use memory::budget::{Budget, Clock, Cost, Limits};
use memory::context::{Block, Entry};
use memory::filter::Filter;
use memory::index::{Candidates, Hit, Index, IndexError, Mode, Query};
use memory::model::{Model, Usage};
use memory::module::{self, Candidate, Fact, Pool};
use memory::record::RecordId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use crate::routing::Routing;
pub use memory::module::Tier;

/// How many more records are searched for than are wanted, at least and at most how many.
const MORE: usize = 3;
const LEAST: usize = 20;
const MOST: usize = 100;

/// The tiers that are wanted; a module that is not named runs in the one that the policy chooses, or in the lowest where the
/// policy is off.
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
    /// Whether there is not enough evidence for an answer: nothing was found, or a model judged it not to answer the question.
    pub abstains: bool,
    /// What each module found out.
    pub facts: BTreeMap<String, Vec<Fact>>,
    /// Who chose the tiers of the modules that the request did not name, and why.
    pub routing: Routing,
    /// What was chosen from what, and why; nothing where there is no value model, or nothing was found.
    pub decision: Option<Decision>,
    /// What feedback on this reply teaches; nothing where nothing is learnt from feedback, or there was nothing to choose.
    pub trial: Option<Trial>,
}

/// One item of a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number in the context, counted from 1.
    pub number: usize,
    /// The record and its scores.
    pub hit: Hit,
    /// What it is worth for the question after all modules; comparable within one reply only.
    pub value: f64,
    /// As much of its text as the context shows.
    pub shown: String,
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
    /// Milliseconds of the search.
    #[serde(default)]
    pub search_ms: f64,
    /// Milliseconds of reading what was found, for the modules, and of letting go of it.
    #[serde(default)]
    pub reading_ms: f64,
    /// By module, in the order in which they ran.
    pub steps: Vec<Step>,
}

impl Spending {
    /// The share of the time or of the money that was spent, whichever is larger; 0 where neither is capped.
    pub fn share(&self, limits: &Limits) -> f64 {
        let of = |spent: f64, cap: f64| if spent <= 0.0 { 0.0 } else { (spent / cap).min(1.0) };
        let time = limits.ms.map_or(0.0, |cap| of(self.ms, cap.into()));
        let money = limits.usd.map_or(0.0, |cap| of(self.cost.nano_usd.usd(), cap));
        time.max(money)
    }
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
    /// The tokens that a language model read and wrote for it.
    #[serde(default)]
    pub usage: Usage,
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
    /// The value models, where there are some that were measured to pay.
    pub weights: Option<&'s Weights>,
    /// The policy of the module tiers, where there is one; it chooses only where it was measured to pay.
    pub policy: Option<&'s Policy>,
    /// The choices of tiers that were compiled from a profile, where there are some: one of them is chosen by the budget, where
    /// no policy chooses.
    pub choices: Option<&'s Compiled>,
    /// What was learnt from feedback, where that is wanted.
    pub online: Option<Draw>,
}

impl<'s> Sources<'s> {
    /// An index and a clock, and nothing else.
    pub fn new(index: &'s Index, clock: Arc<dyn Clock>) -> Sources<'s> {
        Sources { index, model: None, clock, weights: None, policy: None, choices: None, online: None }
    }
}

/// Recalls what fits a question, within its budget.
///
/// # Errors
/// [`IndexError`] when nothing could be searched at all.
pub fn recall(sources: &Sources<'_>, tenant: &Tenant, request: &Request) -> Result<Reply, IndexError> {
    let begun = sources.clock.elapsed();
    let millis = || sources.clock.elapsed().saturating_sub(begun).as_secs_f64() * 1e3;
    let budget = Budget::new(request.limits, sources.clock.clone());
    let found =
        if budget.affords(Cost::default()).is_ok() { search(sources, tenant, request)? } else { Candidates::default() };
    let search_ms = millis();
    let mut reply = made(sources, request, found, budget);
    (reply.spending.ms, reply.spending.search_ms) = (millis(), search_ms);
    Ok(reply)
}

/// The same from what a search found before: what profiles are made of.
pub(crate) fn replay(sources: &Sources<'_>, request: &Request, found: Candidates) -> Reply {
    made(sources, request, found, Budget::new(request.limits, sources.clock.clone()))
}

/// Makes a reply of what was found.
fn made(sources: &Sources<'_>, request: &Request, found: Candidates, mut budget: Budget) -> Reply {
    let Choice { prices, routing, trial } = choose(sources, request, &found, &budget);
    let is_empty = found.hits.is_empty();
    let chosen = sources.clock.elapsed();
    let mut pool = Pool::new(&request.query, sources.index.now(), found.hits, &budget);
    let mut reading = sources.clock.elapsed().saturating_sub(chosen);
    if let Some(prices) = &prices {
        prices.apply(&mut pool);
    }
    let (mut steps, mut facts) = (Vec::new(), BTreeMap::new());
    for (module, tier) in module::ALL.into_iter().zip(request.tiers.over(routing.plan)) {
        let (step, found) = ladder::run(module, tier, &mut pool, sources, &mut budget, prices.is_some());
        facts.insert(step.module.clone(), found);
        steps.push(step);
    }
    let says_nothing = prices.as_ref().is_some_and(Prices::say_nothing);
    let decision = prices.map(|prices| prices.decide(&pool, request.limit, budget.tokens_left()));
    let (items, block) = pack(&pool, request.limit, budget.tokens_left(), decision.as_ref());
    // What is packed fits what is left; it is paid for even where the time is up by now.
    budget.settle(Cost { tokens: block.tokens(), ..Cost::default() });
    let abstains = is_empty || pool.is_insufficient() || says_nothing;
    // What was read for the modules is let go of on their account.
    let read = sources.clock.elapsed();
    drop(pool);
    reading += sources.clock.elapsed().saturating_sub(read);
    let reading_ms = reading.as_secs_f64() * 1e3;
    let spending = Spending { cost: budget.spent(), steps, reading_ms, ..Spending::default() };
    Reply { items, context: block.render(), spending, abstains, facts, routing, decision, trial }
}

fn search(sources: &Sources<'_>, tenant: &Tenant, request: &Request) -> Result<Candidates, IndexError> {
    let more = request.limit.saturating_mul(MORE).clamp(LEAST, MOST);
    let query = Query {
        text: request.query.clone(),
        filter: request.filter.clone(),
        // A model that values candidates looks at many; without one more than are wanted only cost time.
        limit: if sources.weights.is_some() { MOST } else { more }.max(request.limit),
        mode: Mode::Hybrid,
        neighbours: true,
    };
    sources.index.candidates(tenant, &query)
}

/// Puts into the block what fits: the summary's sentences with what they cite, then item after item; of a decision, those that
/// it chose.
fn pack(pool: &Pool, limit: usize, cap: Option<u64>, decision: Option<&Decision>) -> (Vec<Item>, Block) {
    let fits = |block: &Block, entry: &Entry| cap.is_none_or(|cap| block.tokens() + block.price(entry) <= cap);
    let rank: BTreeMap<RecordId, usize> = (1..).zip(pool.candidates()).map(|(rank, one)| (one.id(), rank)).collect();
    // A number in the block is at most the rank, so that what fits with ranks fits with numbers.
    let mut plan = Block::default();
    for statement in pool.statements() {
        let ranks: Vec<usize> = statement.items.iter().filter_map(|item| rank.get(item)).copied().collect();
        let entry = Entry::statement(&statement.text, &ranks);
        if fits(&plan, &entry) {
            plan.push(entry);
        }
    }
    let mut chosen: Vec<(&Candidate, String)> = Vec::new();
    let of_decision: Option<BTreeSet<RecordId>> = decision.map(|decision| decision.chosen().collect());
    let is_chosen = |candidate: &Candidate| of_decision.as_ref().is_none_or(|of| of.contains(&candidate.id()));
    let wanted = |(_, candidate): &(usize, &Candidate)| !candidate.is_left_out() && is_chosen(candidate);
    for (rank, candidate) in (1..).zip(pool.candidates()).filter(wanted) {
        let shown = candidate.excerpt();
        let entry = Entry::item(rank, &candidate.hit().stored.record, &shown);
        if chosen.len() < limit && fits(&plan, &entry) {
            plan.push(entry);
            chosen.push((candidate, shown));
        }
    }
    numbered(pool, chosen, fits)
}

fn numbered(
    pool: &Pool,
    chosen: Vec<(&Candidate, String)>,
    fits: impl Fn(&Block, &Entry) -> bool,
) -> (Vec<Item>, Block) {
    let number: BTreeMap<RecordId, usize> = (1..).zip(&chosen).map(|(number, (one, _))| (one.id(), number)).collect();
    let (mut items, mut block) = (Vec::new(), Block::default());
    for statement in pool.statements() {
        let cites: Vec<usize> = statement.items.iter().filter_map(|item| number.get(item)).copied().collect();
        let entry = Entry::statement(&statement.text, &cites);
        if !cites.is_empty() && fits(&block, &entry) {
            block.push(entry);
        }
    }
    for (number, (candidate, shown)) in (1..).zip(chosen) {
        let hit = candidate.hit().clone();
        let entry = Entry::item(number, &hit.stored.record, &shown);
        // Always so, by the plan; a cap is not left to reasoning alone.
        if fits(&block, &entry) {
            let tokens = block.push(entry);
            items.push(Item { number, hit, value: candidate.value(), shown, tokens });
        }
    }
    (items, block)
}

impl Tiers {
    /// A plan with the tiers that were asked for in place of its own.
    pub(crate) fn over(self, plan: Plan) -> Plan {
        let mut plan = plan;
        for (tier, module) in plan.iter_mut().zip(module::ALL) {
            *tier = self.of(module.name()).unwrap_or(*tier);
        }
        plan
    }

    /// The tier that is asked of a module.
    fn of(self, module: &str) -> Option<Tier> {
        match module {
            "filter" => self.filter,
            "entity" => self.entity,
            "temporal" => self.temporal,
            "topic" => self.topic,
            "summary" => self.summary,
            _ => None,
        }
    }
}
