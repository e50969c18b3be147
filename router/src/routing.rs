//! How candidates are valued and which tiers run, before any module does: by the value model, the policy, the compiled choices,
//! or as feedback taught.
//!
//! INVARIANT: what was not measured to pay does not choose; what nobody asked to learn does not try.

use crate::features::Scene;
use crate::online::{Arm, Bandit, Trial};
use crate::pareto::Compiled;
use crate::policy::{Allowance, Available, Plan, Policy, Routed, available, state};
use crate::pricing::{Prices, is_talk, price};
use crate::recall::{Request, Sources};
use memory::budget::{Budget, Cost, Limits};
use memory::index::Candidates;
use memory::module::Tier;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who chose the tiers that were not asked for, and why.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Routing {
    /// Whether the policy did; else they are the lowest.
    pub is_by_policy: bool,
    /// Why.
    pub why: String,
    /// What the policy chose and refused for each module, where it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routed: Vec<Routed>,
    /// The tier of each module, in the order in which they run.
    #[serde(skip)]
    pub(crate) plan: Plan,
}

/// What is chosen before the modules run.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) prices: Option<Prices>,
    pub(crate) routing: Routing,
    pub(crate) trial: Option<Trial>,
}

/// Chooses how candidates are valued and which tiers run.
pub(crate) fn choose(sources: &Sources<'_>, request: &Request, found: &Candidates, budget: &Budget) -> Choice {
    if budget.affords(Cost::default()).is_err() {
        return Choice { routing: Routing::fixed("the time budget is used up"), ..Choice::default() };
    }
    let weights = sources.weights.filter(|_| is_talk(found));
    let policy = sources.policy.filter(|policy| policy.is_on());
    let online = sources.online.as_ref().filter(|_| !found.hits.is_empty());
    // Looking at the candidates takes most of the time of a choice: it is done once, and only for somebody.
    let is_looked_at = weights.is_some() || policy.is_some() || online.is_some();
    let scene = is_looked_at.then(|| Scene::new(&request.query, found));
    let has_dense = scene.as_ref().is_some_and(Scene::has_dense);
    let weights = weights.filter(|weights| weights.of(has_dense).is_some());
    let rows = scene.as_ref().filter(|_| weights.is_some() || policy.is_some()).map(Scene::rows).unwrap_or_default();
    let (allowance, there) =
        (Allowance::left(budget), available(sources.index.embedder().is_some(), sources.model.is_some()));
    let mut routing = match (policy, sources.policy, sources.choices) {
        (Some(policy), ..) => Routing::by_policy(policy, &state(&rows), allowance, &there),
        (None, _, Some(choices)) => Routing::compiled(choices, &request.limits, &there),
        (None, Some(policy), None) => Routing::fixed(&format!("the policy is off: {}", policy.guard())),
        (None, None, None) => Routing::fixed("there is no policy of the tiers"),
    };
    let trial = online.zip(scene.as_ref()).and_then(|(draw, scene)| {
        let arms = arms(request, weights.is_some(), routing.plan, &there);
        let context = Bandit::context(&scene.of_question(), allowance);
        (!arms.is_empty()).then(|| draw.bandit.choose(context, arms, draw.share))
    });
    let weights = weights.filter(|_| trial.as_ref().is_none_or(|trial| trial.arm != Arm::Ranked));
    let prices = weights.zip(scene).and_then(|(weights, scene)| price(weights, found, scene, rows));
    if let Some(plan) = trial.as_ref().and_then(|trial| trial.arm.plan(&there)) {
        routing = Routing { plan, ..Routing::fixed("another way was tried, to learn from feedback") };
    }
    Choice { prices, routing, trial }
}

/// The ways to make the context that differ from what is done usually, and from each other.
fn arms(request: &Request, is_priced: bool, usual: Plan, available: &Available) -> BTreeSet<Arm> {
    let mut plans = vec![request.tiers.over(usual)];
    let mut arms: BTreeSet<Arm> = is_priced.then_some(Arm::Ranked).into_iter().collect();
    for arm in [Arm::Mid, Arm::High] {
        let Some(plan) = arm.plan(available).map(|plan| request.tiers.over(plan)) else { continue };
        if !plans.contains(&plan) {
            plans.push(plan);
            arms.insert(arm);
        }
    }
    arms
}

impl Routing {
    fn fixed(why: &str) -> Routing {
        Routing { why: why.to_owned(), ..Routing::default() }
    }

    fn by_policy(policy: &Policy, state: &[f32], allowance: Allowance, available: &Available) -> Routing {
        let routed = policy.route(state, allowance, available);
        let mut plan = Plan::default();
        for (tier, routed) in plan.iter_mut().zip(&routed) {
            *tier = routed.tier;
        }
        Routing { is_by_policy: true, why: policy.guard().to_owned(), routed, plan }
    }

    /// The compiled choice that finds most within a budget, as far as its tiers are there.
    fn compiled(choices: &Compiled, limits: &Limits, available: &Available) -> Routing {
        #[expect(clippy::cast_precision_loss, reason = "nobody tells hours from an hour and a millisecond")]
        let ms = limits.ms.map(|ms| ms as f32);
        let Some(choice) = choices.choose(limits.tokens, ms) else {
            return Routing::fixed("none of the compiled choices is within the budget");
        };
        let mut plan = choice.tiers;
        for (tier, [_, mid, high]) in plan.iter_mut().zip(available) {
            let is_there = match tier {
                Tier::Low => true,
                Tier::Mid => *mid,
                Tier::High => *high,
            };
            if !is_there {
                *tier = Tier::Low;
            }
        }
        let why = format!("compiled: {:.1} % of the evidence at {} tokens", 100.0 * choice.evidence, choice.tokens);
        Routing { plan, ..Routing::fixed(&why) }
    }
}
