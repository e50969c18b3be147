//! Learning from feedback: a conservative contextual bandit over the ways to make a context.
//!
//! What is done without it is the *usual* way. With a small probability another one is tried, and the probability with which
//! the way that was taken was taken (its *propensity*) is noted. Feedback says which items of the context were used; from that
//! each way's reward is estimated for a question and a budget, by ridge regression (Li et al. 2010, `LinUCB`), and the *learnt*
//! way is the one whose lower confidence bound is above what is expected of the usual one.
//!
//! No harm is done beyond a bound, which holds whatever the rewards are. Until the learnt ways are adopted, a question is answered
//! in the usual way with a probability of at least `1 - explore`, so that the expected loss is at most `explore` of a reward.
//! They are adopted where a test by betting rejects that they gain nothing (`gate`): wrongly at most once in twenty logs, at
//! whatever moment one looks.
//!
//! INVARIANT: the same trials with the same rewards in the same order make the same bandit, bit for bit.
//!
//! Deliberately absent: randomness, which comes as an argument, and any storage.

mod estimate;
mod gate;
mod ridge;

pub use estimate::Estimate;

use crate::features::QUESTION;
use crate::policy::{Allowance, Available, Plan};
use estimate::Sums;
use gate::Gate;
use memory::module::Tier;
use ridge::Ridge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// How many numbers the context of a trial has: of the question, of the budget, and one that is always 1.
pub const WIDTH: usize = QUESTION + Allowance::NUMBERS + 1;
/// How far below its estimate a way's lower confidence bound is, in standard widths of the estimate.
const CAUTION: f64 = 1.0;
/// How many rewards of a way there must be before it can be the learnt one.
const LEAST_TRIALS: u64 = 20;

/// A way to make a context: what is done without learning, or that with one difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// What is done without learning.
    Usual,
    /// Packed by rank, where the value model is used usually.
    Ranked,
    /// Modules whose tier nobody asked for run in their mid tier, where it is there.
    Mid,
    /// The same in their high tier.
    High,
}

impl Arm {
    /// All of them.
    pub const ALL: [Arm; 4] = [Arm::Usual, Arm::Ranked, Arm::Mid, Arm::High];

    /// The tiers of the modules, where the arm says so.
    pub fn plan(self, available: &Available) -> Option<Plan> {
        let wanted = match self {
            Arm::Usual | Arm::Ranked => return None,
            Arm::Mid => Tier::Mid,
            Arm::High => Tier::High,
        };
        Some(available.map(|[_, mid, high]| match wanted {
            Tier::High if high => Tier::High,
            Tier::Mid | Tier::High if mid => Tier::Mid,
            _ => Tier::Low,
        }))
    }

    fn place(self) -> usize {
        match self {
            Arm::Usual => 0,
            Arm::Ranked => 1,
            Arm::Mid => 2,
            Arm::High => 3,
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Arm::Usual => "usual",
            Arm::Ranked => "ranked",
            Arm::Mid => "mid",
            Arm::High => "high",
        })
    }
}

/// What was known when a way was taken, and by which chance it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The question and the budget, as [`WIDTH`] numbers from -1 to 1.
    pub context: Vec<f32>,
    /// The arms that there were; the usual one is always among them.
    pub available: BTreeSet<Arm>,
    /// The one that was taken.
    pub arm: Arm,
    /// With which probability it was.
    pub propensity: f64,
    /// The least probability with which any of the arms would have been.
    pub least: f64,
}

/// How much of a reward is lost where all of the time or the money is spent: as much as in the rewards that policies learn from.
const COST: f64 = 0.1;

/// What a context was worth, from 0 to 1: nine tenths are the share of tokens of use in those that were judged, one tenth is the
/// share of the budget's time or money that was not spent.
pub fn reward(used: u64, useless: u64, spent: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a context has fewer than 2^53 tokens")]
    let share = if used == 0 { 0.0 } else { used as f64 / used.saturating_add(useless) as f64 };
    let spent = if spent.is_nan() { 1.0 } else { spent.clamp(0.0, 1.0) };
    (1.0 - COST) * share + COST * (1.0 - spent)
}

/// A bandit, and the chance by which it chooses once.
#[derive(Debug, Clone)]
pub struct Draw {
    /// What was learnt so far.
    pub bandit: std::sync::Arc<Bandit>,
    /// A random number from 0 to 1, 1 excluded, that nobody can foresee.
    pub share: f64,
}

/// What was learnt from trials and their rewards.
#[derive(Debug, Clone, PartialEq)]
pub struct Bandit {
    explore: f64,
    models: [Ridge; Arm::ALL.len()],
    gate: Gate,
    arms: [Sums; Arm::ALL.len()],
    learnt: Sums,
}

/// What was learnt, for people.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Standing {
    /// How many trials were rewarded.
    pub trials: u64,
    /// Whether the learnt ways are taken.
    pub is_adopted: bool,
    /// How strongly the rewards speak for the learnt ways: they are adopted at [`Standing::NEEDED`].
    pub evidence: f64,
    /// What each arm is worth where it is there, and last what the learnt ways are.
    pub ways: Vec<Way>,
}

/// A way, and what it is worth.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Way {
    /// The name of an arm, or `learnt`.
    pub name: String,
    /// What it is worth.
    #[serde(flatten)]
    pub estimate: Estimate,
}

impl Standing {
    /// The evidence at which the learnt ways are adopted.
    pub const NEEDED: f64 = gate::NEEDED;
}

impl Bandit {
    /// One that has learnt nothing, and tries other ways with a probability: at most a half.
    pub fn new(explore: f64) -> Bandit {
        let explore = if explore.is_finite() { explore.clamp(0.0, 0.5) } else { 0.0 };
        let (models, arms) = (std::array::from_fn(|_| Ridge::new(WIDTH)), std::array::from_fn(|_| Sums::default()));
        Bandit { explore, models, gate: Gate::default(), arms, learnt: Sums::default() }
    }

    /// The context of a trial.
    pub fn context(question: &[f32], allowance: Allowance) -> Vec<f32> {
        // What is not known tells nothing; the rest is brought between -1 and 1, whatever its unit.
        let squashed = |value: f32| if value.is_finite() { value / (1.0 + value.abs()) } else { 0.0 };
        let known = (0..QUESTION).map(|place| question.get(place).copied().unwrap_or(f32::NAN));
        known.chain(allowance.numbers()).map(squashed).chain([1.0]).collect()
    }

    /// Chooses an arm, of those that there are, by a random number from 0 to 1.
    pub fn choose(&self, context: Vec<f32>, mut available: BTreeSet<Arm>, share: f64) -> Trial {
        available.insert(Arm::Usual);
        let target = if self.gate.is_open() { self.learnt_arm(&context, &available) } else { Arm::Usual };
        let least = self.explore / real(available.len());
        let chance = |arm: Arm| least + if arm == target { 1.0 - self.explore } else { 0.0 };
        let (mut arm, mut passed) = (target, 0.0);
        for one in &available {
            passed += chance(*one);
            if share < passed {
                arm = *one;
                break;
            }
        }
        Trial { context, arm, propensity: chance(arm), least, available }
    }

    /// Learns from the reward of a trial, from 0 to 1. What tried nothing else teaches nothing.
    pub fn learn(&mut self, trial: &Trial, reward: f64) {
        let is_sound = trial.context.len() == WIDTH && trial.propensity > 0.0 && trial.least > 0.0;
        if !is_sound || !reward.is_finite() || trial.available.len() < 2 {
            return;
        }
        let reward = reward.clamp(0.0, 1.0);
        let learnt = self.learnt_arm(&trial.context, &trial.available);
        // All estimates are made before the models learn of the reward: else they would have seen what they are judged by.
        let doubly_robust = |arm: Arm| self.doubly_robust(trial, arm, reward);
        if learnt != Arm::Usual {
            let gain = doubly_robust(learnt) - doubly_robust(Arm::Usual);
            // An estimate is off by one at most; and of two arms at most one was taken.
            self.gate.bet(gain, 1.0 + 1.0 / trial.least);
        }
        let worth = |arm: Arm| {
            let weight = if trial.arm == arm { 1.0 / trial.propensity } else { 0.0 };
            (weight, self.doubly_robust(trial, arm, reward))
        };
        let (weight, robust) = worth(learnt);
        let arms: Vec<(Arm, (f64, f64))> = trial.available.iter().map(|arm| (*arm, worth(*arm))).collect();
        self.learnt.add(weight, reward, robust);
        for (arm, (weight, robust)) in arms {
            if let Some(sums) = self.arms.get_mut(arm.place()) {
                sums.add(weight, reward, robust);
            }
        }
        if let Some(model) = self.models.get_mut(trial.arm.place()) {
            model.learn(&trial.context, reward);
        }
    }

    /// What was learnt so far.
    pub fn standing(&self) -> Standing {
        let way = |name: String, sums: &Sums| Way { name, estimate: sums.estimate() };
        let arms = Arm::ALL.iter().zip(&self.arms).map(|(arm, sums)| way(arm.to_string(), sums));
        let learnt = way("learnt".to_owned(), &self.learnt);
        Standing {
            trials: self.learnt.trials(),
            is_adopted: self.gate.is_open(),
            evidence: self.gate.evidence(),
            ways: arms.chain([learnt]).filter(|way| way.estimate.trials > 0).collect(),
        }
    }

    /// The way that the rewards so far speak for.
    fn learnt_arm(&self, context: &[f32], available: &BTreeSet<Arm>) -> Arm {
        let usual = self.expected(Arm::Usual, context);
        let cautious = |arm: Arm| {
            let model = self.models.get(arm.place()).filter(|model| model.count() >= LEAST_TRIALS)?;
            let (value, width) = model.expected(context);
            Some((arm, value - CAUTION * width))
        };
        let others = available.iter().filter(|arm| **arm != Arm::Usual).filter_map(|arm| cautious(*arm));
        others.fold((Arm::Usual, usual), |best, one| if one.1 > best.1 { one } else { best }).0
    }

    /// What is expected of an arm, from 0 to 1.
    fn expected(&self, arm: Arm, context: &[f32]) -> f64 {
        self.models.get(arm.place()).map_or(0.0, |model| model.expected(context).0.clamp(0.0, 1.0))
    }

    /// What an arm would have come to, by the model and, where it was taken, by what it did come to (Dudík et al. 2011).
    fn doubly_robust(&self, trial: &Trial, arm: Arm, reward: f64) -> f64 {
        let expected = self.expected(arm, &trial.context);
        expected + if trial.arm == arm { (reward - expected) / trial.propensity } else { 0.0 }
    }
}

fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use proptest::prelude::*;

    /// A world: what each arm is worth for a question of one of two kinds.
    type World = fn(usize, bool) -> f64;

    /// Mid tiers help questions of one kind, and harm those of the other.
    const MIXED: World = |arm, kind| match (arm, kind) {
        (2, true) => 0.8,
        (2, false) => 0.2,
        _ => 0.5,
    };
    /// Nothing is better than what is usual.
    const BEST: World = |arm, _| if arm == 0 { 0.6 } else { 0.4 };
    /// Everything is worth the same.
    const SAME: World = |_, _| 0.5;

    fn question(random: &mut Random) -> (bool, Vec<f32>) {
        let kind = random.share() < 0.5;
        let mut features = vec![0.0; QUESTION];
        features[0] = if kind { 3.0 } else { -3.0 };
        features[1] = if random.share() < 0.5 { 1.0 } else { 0.0 };
        (kind, Bandit::context(&features, Allowance::default()))
    }

    /// Runs a bandit in a world; gives back it, the mean reward that is expected of what it did, and when it adopted first.
    fn run(world: World, explore: f64, trials: u32, seed: u64) -> (Bandit, f64, Option<u32>) {
        let (mut bandit, mut random) = (Bandit::new(explore), Random::new(seed));
        let (mut expected, mut adopted) = (0.0, None);
        for number in 0..trials {
            let (kind, context) = question(&mut random);
            let trial = bandit.choose(context, [Arm::Ranked, Arm::Mid].into(), random.share());
            let worth = world(trial.arm.place(), kind);
            expected += worth / f64::from(trials);
            bandit.learn(&trial, if random.share() < worth { 1.0 } else { 0.0 });
            if bandit.gate.is_open() {
                adopted = adopted.or(Some(number));
            }
        }
        (bandit, expected, adopted)
    }

    #[test]
    fn what_helps_some_questions_is_adopted_for_those() {
        let (bandit, expected, adopted) = run(MIXED, 0.3, 6000, 7);
        assert!(adopted.is_some_and(|first| first < 4000), "{adopted:?}");
        let mut random = Random::new(8);
        let arms = BTreeSet::from(Arm::ALL);
        for _ in 0..100 {
            let (kind, context) = question(&mut random);
            assert_eq!(bandit.learnt_arm(&context, &arms) == Arm::Mid, kind);
        }
        // The best possible is 0.65; always the usual way 0.5.
        assert!(expected > 0.52, "{expected}");
        let learnt = bandit.standing().ways.into_iter().find(|way| way.name == "learnt").unwrap().estimate;
        assert!(learnt.interval[0] > 0.55, "{learnt:?}");
    }

    /// How many bandits are run: `TRACE_BANDITS`, if it says so; the figures of `docs/router.md` are of a thousand.
    fn runs(unless_said: u64) -> u64 {
        std::env::var("TRACE_BANDITS").ok().and_then(|said| said.parse().ok()).unwrap_or(unless_said)
    }

    #[test]
    fn where_nothing_is_better_nearly_nothing_is_lost() {
        let (mut wrongly, mut by_chance, runs) = (0, 0, runs(100));
        for seed in 0..runs {
            let (_, expected, adopted) = run(BEST, 0.1, 1500, seed);
            wrongly += u64::from(adopted.is_some());
            // Two of three tries in ten lose a fifth: less than the bound of 0.1.
            assert!(adopted.is_some() || expected > 0.6 - 0.1, "{expected}");
            by_chance += u64::from(run(SAME, 0.5, 3000, seed).2.is_some());
        }
        println!("adopted in {wrongly} of {runs} where nothing is better, in {by_chance} where all is the same");
        assert!(wrongly * 20 <= runs && by_chance * 20 <= runs, "{wrongly} and {by_chance} of {runs}");
    }

    #[test]
    fn what_helps_is_adopted_the_sooner_the_more_is_tried() {
        let mut medians = Vec::new();
        for (explore, trials) in [(0.3, 6000), (0.1, 20_000)] {
            let mut first: Vec<u32> = (0..runs(5)).filter_map(|seed| run(MIXED, explore, trials, seed).2).collect();
            assert!(first.len() as u64 * 10 >= runs(5) * 9, "adopted in {} runs", first.len());
            first.sort_unstable();
            let [early, median, late] = [1, 5, 9].map(|tenth| first[(first.len() - 1) * tenth / 10]);
            println!("explore {explore}: adopted after {median} rewards, {early} to {late} in eight of ten runs");
            medians.push(median);
        }
        assert!(medians[0] < medians[1], "{medians:?}");
    }

    #[test]
    fn estimates_of_what_was_hardly_done_are_right() {
        let (mut covered, mut bias, runs) = (0, 0.0, 200_u32);
        for seed in 0..runs {
            let (bandit, ..) = run(BEST, 0.2, 800, seed.into());
            let standing = bandit.standing();
            let mid = standing.ways.iter().find(|way| way.name == "mid").unwrap().estimate;
            assert!(mid.taken < mid.trials / 5, "{mid:?}");
            covered += u32::from(mid.interval[0] <= 0.4 && 0.4 <= mid.interval[1]);
            bias += (mid.inverse_propensity - 0.4) / f64::from(runs);
            assert!((mid.self_normalised - 0.4).abs() < 0.35, "{mid:?}");
        }
        assert!(covered >= runs * 9 / 10, "{covered} of {runs}");
        assert!(bias.abs() < 0.02, "{bias}");
    }

    #[test]
    fn a_world_that_turns_is_noticed() {
        let (mut bandit, ..) = run(|arm, _| if arm == 2 { 0.9 } else { 0.3 }, 0.3, 3000, 7);
        assert!(bandit.gate.is_open());
        let mut random = Random::new(9);
        for _ in 0..6000 {
            let (_, context) = question(&mut random);
            let trial = bandit.choose(context, [Arm::Mid].into(), random.share());
            let worth = if trial.arm == Arm::Mid { 0.1 } else { 0.7 };
            bandit.learn(&trial, if random.share() < worth { 1.0 } else { 0.0 });
        }
        let (_, context) = question(&mut random);
        let trial = bandit.choose(context, [Arm::Mid].into(), 0.5);
        assert_eq!(trial.arm, Arm::Usual);
    }

    proptest! {
        #[test]
        fn propensities_are_probabilities_and_unsound_trials_teach_nothing(
            explore in prop_oneof![Just(f64::NAN), -1.0..2.0_f64], share in 0.0..1.0_f64,
            question in proptest::collection::vec(any::<f32>(), 0..40), reward in any::<f64>(),
            arms in proptest::collection::btree_set(prop::sample::select(Arm::ALL.to_vec()), 0..4))
        {
            let mut bandit = Bandit::new(explore);
            let allowance = Allowance { tokens: Some(f32::INFINITY), ..Allowance::default() };
            let trial = bandit.choose(Bandit::context(&question, allowance), arms, share);
            prop_assert!(trial.available.contains(&trial.arm));
            prop_assert!(trial.propensity > 0.0 && trial.propensity <= 1.0 + 1e-9, "{:?}", trial);
            prop_assert!(trial.context.iter().all(|value| (-1.0..=1.0).contains(value)));
            bandit.learn(&trial, reward);
            bandit.learn(&Trial { context: vec![1.0], ..trial.clone() }, 1.0);
            let again = bandit.choose(trial.context, trial.available, share);
            prop_assert!(again.propensity.is_finite());
        }

        #[test]
        fn arms_are_taken_as_often_as_their_propensity_says(seed in any::<u64>()) {
            let (bandit, mut random) = (Bandit::new(0.3), Random::new(seed));
            let (_, context) = question(&mut random);
            let mut others = 0.0;
            for _ in 0..3000 {
                let trial = bandit.choose(context.clone(), [Arm::Mid].into(), random.share());
                if trial.arm == Arm::Mid {
                    others += 1.0;
                    prop_assert!((trial.propensity - 0.15).abs() < 1e-9);
                }
            }
            // Six deviations of a share of 0.15 over 3,000.
            prop_assert!((others / 3000.0 - 0.15_f64).abs() < 0.04, "{}", others);
        }
    }
}
