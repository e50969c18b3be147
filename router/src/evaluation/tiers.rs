//! Whether choosing tiers by question pays: policies beside every fixed choice, their mixtures, the compiled choices and the
//! oracle, on the same questions, under the same budgets.
//!
//! Whatever is learnt is learnt leaving the measured conversation out. A budget is a cap of tokens and a time for embedding. In
//! each, ways are compared at equal mean cost: the hull holds all random mixtures of fixed choices, chosen with the measured
//! questions in sight, so that beating it is hard. A difference is a question's mean over the budgets.

use super::frontier::{Curve, Outcome, Point};
use super::report::{Difference, Guard};
use crate::pareto::Compiled;
use crate::policy::learn::{Method, Training, learn};
use crate::policy::profile::{CAPS, Got, Profile, Replayed, TIMES_MS, allowance, plans};
use crate::policy::{MODULES, Plan, Policy};
use memory::evaluation::paired_bootstrap;
use memory::module::Tier;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How often questions are drawn anew to tell a difference from chance, and where the random numbers of that begin.
const ROUNDS: usize = 2000;
const SEED: u64 = 0;

/// What choosing tiers came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TierReport {
    /// How many questions were replayed.
    pub questions: usize,
    /// How many fixed choices there are.
    pub choices: usize,
    /// The ways, over all budgets.
    pub ways: Vec<Way>,
    /// Whether a policy is to choose.
    pub guard: Guard,
}

/// One way of choosing tiers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// The way.
    pub name: String,
    /// The share of the evidence, a mean over questions and budgets.
    pub evidence: f64,
    /// The tokens that were embedded, likewise.
    pub embedded: f64,
    /// Evidence over the hull of the fixed choices at the same cost.
    pub over_hull: Option<Difference>,
}

/// What a way got for each question under one budget.
type Gained = Vec<Got>;

/// A budget: a place among [`CAPS`], and a time.
type Budgeted = (usize, Option<f32>);

/// Measures the ways; on as many threads as are named.
pub fn tiers(profile: &Profile, seed: u64, threads: usize, progress: &(dyn Fn(usize, usize) + Sync)) -> TierReport {
    let budgets: Vec<Budgeted> =
        (0..CAPS.len()).flat_map(|cap| TIMES_MS.into_iter().map(move |time| (cap, time))).collect();
    let plans = plans(&profile.available);
    let hulls: Vec<Curve> = budgets.iter().map(|budget| hull(profile, &plans, *budget)).collect();
    let way = |name: &str, plan: &dyn Fn(&Replayed, Budgeted) -> Plan| {
        let gained = |budget: &Budgeted| -> Gained {
            let got = |one: &Replayed| one.settled(budget.0, budget.1, &plan(one, *budget));
            profile.questions.iter().map(got).collect()
        };
        measured(name, &budgets.iter().map(gained).collect::<Vec<_>>(), &hulls)
    };
    let learned = learned(profile, seed, threads, progress);
    let of = |which: usize| {
        let learned = &learned;
        move |one: &Replayed, (cap, time): Budgeted| {
            let policy =
                learned.iter().find(|(held, _)| *held == one.conversation).and_then(|(_, of)| of.policies.get(which));
            policy.map_or([Tier::Low; MODULES], |policy| {
                policy.plan(&one.state, allowance(cap, time), &profile.available)
            })
        }
    };
    let compiled = |one: &Replayed, (cap, time): Budgeted| {
        let of = learned.iter().find(|(held, _)| *held == one.conversation).map(|(_, of)| &of.compiled);
        let chosen = of.and_then(|compiled| compiled.choose(CAPS.get(cap).copied(), time));
        chosen.map_or([Tier::Low; MODULES], |chosen| chosen.tiers)
    };
    let best = |one: &Replayed, (cap, time): Budgeted| {
        let got = |plan: &Plan| one.settled(cap, time, plan);
        let better = |best: Plan, plan: &Plan| {
            let (before, after) = (got(&best), got(plan));
            let is =
                after.evidence > before.evidence || (after.evidence >= before.evidence && after.cost < before.cost);
            if is { *plan } else { best }
        };
        plans.iter().fold([Tier::Low; MODULES], better)
    };
    let lowest = [Tier::Low; MODULES];
    let highest = plans.iter().max().unwrap_or(&lowest);
    let ways = vec![
        way("all tiers low", &|_, _| [Tier::Low; MODULES]),
        way("all tiers as high as there are", &|_, _| *highest),
        way("compiled choices, by budget", &compiled),
        way("policy, PPO", &of(0)),
        way("policy, full information", &of(1)),
        way("policy, full information, no budget input", &of(2)),
        way("best tiers by question (oracle)", &best),
    ];
    let guard = guard(&ways);
    TierReport { questions: profile.questions.len(), choices: plans.len(), ways, guard }
}

/// Whether a policy that was learnt by a method pays, on conversations that it did not see.
pub fn judged(policy: &Policy, profile: &Profile, is_held: &dyn Fn(usize) -> bool) -> Guard {
    let questions = profile.questions.iter().filter(|one| is_held(one.conversation)).cloned().collect();
    let held = Profile { available: profile.available, questions };
    let plans = plans(&held.available);
    let (mut gained, mut hulls): (Vec<Gained>, Vec<Curve>) = (Vec::new(), Vec::new());
    for budget in (0..CAPS.len()).flat_map(|cap| TIMES_MS.into_iter().map(move |time| (cap, time))) {
        let (cap, time) = budget;
        let plan = |one: &Replayed| policy.plan(&one.state, allowance(cap, time), &held.available);
        gained.push(held.questions.iter().map(|one| one.settled(cap, time, &plan(one))).collect());
        hulls.push(hull(&held, &plans, budget));
    }
    guard(&[measured("policy", &gained, &hulls)])
}

/// What was learnt without one conversation.
struct Learned {
    policies: [Policy; 3],
    compiled: Compiled,
}

fn learned(
    profile: &Profile,
    seed: u64,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<(usize, Learned)> {
    let conversations: BTreeSet<usize> = profile.questions.iter().map(|one| one.conversation).collect();
    let conversations: Vec<usize> = conversations.into_iter().collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<(usize, Learned)>> = Mutex::default();
    let work = || {
        while let Some(held) = conversations.get(next.fetch_add(1, Ordering::SeqCst)) {
            let is_seen = |conversation: usize| conversation != *held;
            let full = Training::of(Method::FullInformation, seed);
            let trainings = [Training::of(Method::Ppo, seed), full, Training { sees_budget: false, ..full }];
            let policies = trainings.map(|training| learn(profile, &is_seen, &training));
            let learned = Learned { policies, compiled: Compiled::new(profile, &is_seen) };
            if let Ok(mut results) = results.lock() {
                results.push((*held, learned));
            }
            progress(done.fetch_add(1, Ordering::SeqCst) + 1, conversations.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, conversations.len().max(1)) {
            scope.spawn(work);
        }
    });
    results.into_inner().unwrap_or_default()
}

/// All random mixtures of fixed choices under a budget, by their cost.
fn hull(profile: &Profile, plans: &[Plan], (cap, time): Budgeted) -> Curve {
    let point =
        |plan: &Plan| -> Point { profile.questions.iter().map(|one| outcome(one.settled(cap, time, plan))).collect() };
    Curve::hull(&[&Curve::new(plans.iter().map(point))])
}

fn outcome(got: Got) -> Outcome {
    Outcome { tokens: got.cost.into(), evidence: got.evidence.into(), ..Outcome::default() }
}

/// A way under all budgets, beside the hull of each at the same mean cost.
fn measured(name: &str, gained: &[Gained], hulls: &[Curve]) -> Way {
    let questions = gained.first().map_or(0, Vec::len);
    let (mut differences, mut means) = (vec![0.0_f64; questions], Vec::new());
    for (gained, hull) in gained.iter().zip(hulls) {
        let own: Point = gained.iter().map(|got| outcome(*got)).collect();
        let mean = Outcome::mean(&own);
        for ((difference, own), other) in differences.iter_mut().zip(&own).zip(hull.at(mean.tokens)) {
            *difference += own.evidence - other.evidence;
        }
        means.push(mean);
    }
    let mean = Outcome::mean(&means);
    let budgets = means.iter().map(|_| 1.0).sum::<f64>().max(1.0);
    for difference in &mut differences {
        *difference /= budgets;
    }
    let over_hull = paired_bootstrap(&differences, ROUNDS, SEED).map(Difference::from);
    Way {
        name: name.to_owned(),
        evidence: mean.evidence,
        embedded: mean.tokens - f64::from(crate::policy::profile::BASE),
        over_hull,
    }
}

/// A policy chooses only where one is surely better than every mixture of fixed tiers.
fn guard(ways: &[Way]) -> Guard {
    let policies = ways.iter().filter(|way| way.name.starts_with("policy") && !way.name.ends_with("no budget input"));
    let best =
        policies.filter_map(|way| Some((way, way.over_hull?))).max_by(|one, other| one.1.low.total_cmp(&other.1.low));
    let Some((way, Difference { mean, low, high })) = best else {
        return Guard { is_on: false, reason: "no policy was measured: fixed tiers serve".to_owned() };
    };
    let [mean, low_points, high] = [mean, low, high].map(|share| share * 100.0);
    let found = format!(
        "{}: {mean:+.1} points of evidence ({low_points:+.1} to {high:+.1}) over the hull of the fixed tiers at equal cost",
        way.name
    );
    let is_on = low > 0.0;
    let reason = if is_on { found } else { format!("{found}; not surely more than zero: fixed tiers serve") };
    Guard { is_on, reason }
}
