//! Learning a policy from a profile: by proximal policy optimisation, as `BudgetMem` does, or from full information.
//!
//! Settings and reward are the paper's (arXiv 2602.06025, the sections on the reward and on training): one-step PPO (Schulman et
//! al. 2017) with clip 0.2, learning rate 3e-4 and entropy 0.01; reward = task + λ·α·cost, where the cost is square-rooted,
//! brought to 0 to 1 between the 5th and the 95th percentile of a window of 2,000 queries, and α makes it vary as much as the
//! task does. What differs: the budget is drawn for each episode and shown to the network, so that one network serves all
//! budgets; and full information climbs the exact expected reward, since every choice was replayed.
//!
//! INVARIANT: one seed and one profile make the same weights, bit for bit.

use super::network::{Adam, Network};
use super::profile::{CAPS, Got, Profile, Replayed, TIMES_MS, allowance};
use super::{Allowance, MODULES, Plan, Policy, TIERS, chances};
use crate::random::Random;
use memory::module::Tier;
use std::collections::VecDeque;

/// How far a chance may move in one update.
const CLIP: f32 = 0.2;
/// How far a step goes.
const RATE: f32 = 3e-4;
/// What it is worth to stay undecided.
const ENTROPY: f32 = 0.01;
/// How many queries the scale of costs is taken from.
const WINDOW: usize = 2000;
/// Between which shares of the window costs are scaled.
const ENDS: [f64; 2] = [0.05, 0.95];
/// After how many episodes the scale is taken anew.
const RESCALE: usize = 64;
/// How many episodes an update is made of, and how often it goes over them.
const EPISODES: usize = 256;
const PASSES: usize = 4;
/// How many decisions a step is made of.
const BATCH: usize = 256;
/// What the error of the expected reward counts.
const EXPECTED: f32 = 0.5;
/// How many questions a step from full information is made of.
const QUESTIONS: usize = 32;
/// How far a step from full information goes: its slopes are exact, so that it may go farther.
const FULL_RATE: f32 = 1e-3;

/// How a policy is learnt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Training {
    /// From episodes or from full information.
    pub method: Method,
    /// λ: what cost counts next to evidence.
    pub cost: f32,
    /// Whether the network sees the budget.
    pub sees_budget: bool,
    /// How many updates by PPO, or steps from full information.
    pub updates: usize,
    /// Where random numbers begin.
    pub seed: u64,
}

/// Where the slopes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Episodes: one choice of each question is tried at a time.
    Ppo,
    /// Every choice of each question.
    FullInformation,
}

impl Training {
    /// The settings of a method.
    pub fn of(method: Method, seed: u64) -> Training {
        let updates = match method {
            Method::Ppo => 200,
            Method::FullInformation => 400,
        };
        Training { method, cost: 0.1, sees_budget: true, updates, seed }
    }
}

/// The reward: evidence, less what it cost as the window of the last queries scales it.
#[derive(Debug, Clone)]
pub struct Reward {
    cost: f32,
    window: VecDeque<Got>,
    seen: usize,
    low: f32,
    high: f32,
    alpha: f32,
}

impl Reward {
    /// A reward that counts cost so much.
    pub fn new(cost: f32) -> Reward {
        Reward { cost, window: VecDeque::new(), seen: 0, low: 0.0, high: 1.0, alpha: 1.0 }
    }

    /// Takes a query into the window.
    pub fn see(&mut self, got: Got) {
        self.window.push_back(got);
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        if self.seen.is_multiple_of(RESCALE) {
            self.rescale();
        }
        self.seen += 1;
    }

    /// What a choice is worth.
    pub fn of(&self, got: Got) -> f32 {
        got.evidence - self.cost * self.alpha * self.scaled(got)
    }

    fn scaled(&self, got: Got) -> f32 {
        ((got.cost.sqrt() - self.low) / (self.high - self.low).max(1e-6)).clamp(0.0, 1.0)
    }

    fn rescale(&mut self) {
        let mut roots: Vec<f32> = self.window.iter().map(|got| got.cost.sqrt()).collect();
        roots.sort_by(f32::total_cmp);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "of 2,000"
        )]
        let at =
            |share: f64| roots.get((share * (roots.len() - 1) as f64).round() as usize).copied().unwrap_or_default();
        [self.low, self.high] = ENDS.map(at);
        let task = deviation(self.window.iter().map(|got| got.evidence));
        let cost = deviation(self.window.iter().map(|got| self.scaled(*got)));
        self.alpha = if cost > 1e-6 { (task / cost).min(10.0) } else { 1.0 };
    }
}

fn deviation(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let count = values.clone().map(|_| 1.0_f32).sum::<f32>().max(1.0);
    let mean = values.clone().sum::<f32>() / count;
    (values.map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt()
}

/// Learns a policy from the questions of some conversations.
pub fn learn(profile: &Profile, is_seen: &dyn Fn(usize) -> bool, training: &Training) -> Policy {
    let seen: Vec<&Replayed> = profile.questions.iter().filter(|one| is_seen(one.conversation)).collect();
    let policy = Policy::new(seen.iter().map(|one| &one.state), training.sees_budget, training.seed);
    let teacher = Teacher {
        profile,
        seen,
        training,
        random: Random::new(training.seed ^ 0x5eed),
        reward: Reward::new(training.cost),
    };
    match training.method {
        Method::Ppo => teacher.by_episodes(policy),
        Method::FullInformation => teacher.with_full_information(policy),
    }
}

/// One module's turn in an episode.
#[derive(Debug)]
struct Turn {
    module: usize,
    input: Vec<f32>,
    chosen: usize,
    chance: f32,
    expected: f32,
    reward: f32,
}

struct Teacher<'p> {
    profile: &'p Profile,
    seen: Vec<&'p Replayed>,
    training: &'p Training,
    random: Random,
    reward: Reward,
}

impl<'p> Teacher<'p> {
    fn by_episodes(mut self, mut policy: Policy) -> Policy {
        let mut adam = Adam::new(&policy.network, RATE);
        for _ in 0..self.training.updates {
            let mut turns: Vec<Turn> = Vec::new();
            for _ in 0..EPISODES {
                turns.extend(self.episode(&policy));
            }
            let advantages = advantages(&turns);
            let mut order: Vec<usize> = (0..turns.len()).collect();
            for _ in 0..PASSES {
                self.random.shuffle(&mut order);
                for batch in order.chunks(BATCH) {
                    let mut slopes = policy.network.zeros();
                    for at in batch {
                        if let (Some(turn), Some(advantage)) = (turns.get(*at), advantages.get(*at)) {
                            self.clipped(&policy, turn, *advantage, &mut slopes);
                        }
                    }
                    adam.step(&mut policy.network, &slopes, 1.0 / real(batch.len()));
                }
            }
        }
        policy
    }

    /// A question under a budget, and what was chosen for it.
    fn episode(&mut self, policy: &Policy) -> Vec<Turn> {
        let Some((question, cap, time)) = self.drawn() else { return Vec::new() };
        let (mut plan, mut turns) = ([Tier::Low; MODULES], Vec::new());
        for (module, available) in self.profile.available.iter().enumerate() {
            let before = plan.get(..module).unwrap_or_default();
            let input = policy.input(&question.state, allowance(cap, time), module, before);
            let output = policy.network.output(&input);
            let chances = chances(&output, *available);
            let mut left = self.random.share();
            let passes = |chance: &f32| {
                left -= f64::from(*chance);
                left < 0.0
            };
            let drawn = chances.iter().position(passes);
            let chosen = drawn.or_else(|| available.iter().rposition(|is| *is)).unwrap_or_default();
            if let (Some(tier), Some(of)) = (TIERS.get(chosen), plan.get_mut(module)) {
                *of = *tier;
            }
            let chance = chances.get(chosen).copied().unwrap_or_default();
            turns.push(Turn { module, input, chosen, chance, expected: expected(&output), reward: 0.0 });
        }
        let got = question.settled(cap, time, &plan);
        self.reward.see(got);
        let reward = self.reward.of(got);
        for turn in &mut turns {
            turn.reward = reward;
        }
        turns
    }

    /// Adds the slopes of one turn: of the clipped surrogate, the entropy, and the error of the expected reward.
    fn clipped(&self, policy: &Policy, turn: &Turn, advantage: f32, slopes: &mut Network) {
        let available = self.profile.available.get(turn.module).copied().unwrap_or_default();
        let trace = policy.network.trace(&turn.input);
        let output = trace.last().map_or(&[][..], Vec::as_slice);
        let chances = chances(output, available);
        let ratio = chances.get(turn.chosen).copied().unwrap_or_default() / turn.chance.max(1e-6);
        // Beyond the clip the surrogate is flat.
        let is_flat = if advantage > 0.0 { ratio > 1.0 + CLIP } else { ratio < 1.0 - CLIP };
        let by = if is_flat { 0.0 } else { advantage * ratio };
        let entropy: f32 = chances.iter().map(|chance| -chance * chance.max(1e-9).ln()).sum();
        let slope = |(place, chance): (usize, &f32)| {
            let towards = if place == turn.chosen { 1.0 } else { 0.0 } - chance;
            let of_entropy = -chance * (chance.max(1e-9).ln() + entropy);
            -(by * towards) - ENTROPY * of_entropy
        };
        let mut output_slopes: Vec<f32> = chances.iter().enumerate().map(slope).collect();
        output_slopes.push(2.0 * EXPECTED * (expected(output) - turn.reward));
        policy.network.descend(&trace, output_slopes, slopes);
    }

    fn with_full_information(mut self, mut policy: Policy) -> Policy {
        let mut adam = Adam::new(&policy.network, FULL_RATE);
        for _ in 0..self.training.updates {
            let mut slopes = policy.network.zeros();
            for _ in 0..QUESTIONS {
                if let Some((question, cap, time)) = self.drawn() {
                    let any = self.any_plan();
                    self.reward.see(question.settled(cap, time, &any));
                    let climb = Climb { teacher: &self, policy: &policy, question, cap, time };
                    climb.from(&[], 1.0, &mut slopes);
                }
            }
            adam.step(&mut policy.network, &slopes, 1.0 / real(QUESTIONS));
        }
        policy
    }

    /// Any choice: what the window of costs is made of where no policy draws.
    fn any_plan(&mut self) -> Plan {
        let mut plan = [Tier::Low; MODULES];
        for (tier, available) in plan.iter_mut().zip(self.profile.available) {
            let there: Vec<Tier> =
                TIERS.into_iter().zip(available).filter(|(_, is)| *is).map(|(tier, _)| tier).collect();
            *tier = self.random.pick(&there).copied().unwrap_or(Tier::Low);
        }
        plan
    }

    /// Any question under any budget.
    fn drawn(&mut self) -> Option<(&'p Replayed, usize, Option<f32>)> {
        let question = *self.random.pick(&self.seen)?;
        let time = self.random.pick(&TIMES_MS).copied().flatten();
        Some((question, self.random.below(CAPS.len()), time))
    }
}

/// The exact expected reward of one question, and its slopes.
struct Climb<'a> {
    teacher: &'a Teacher<'a>,
    policy: &'a Policy,
    question: &'a Replayed,
    cap: usize,
    time: Option<f32>,
}

impl Climb<'_> {
    /// The expected reward after some choices, which are made with a chance; adds its slopes.
    fn from(&self, before: &[Tier], chance: f32, slopes: &mut Network) -> f32 {
        let Some(available) = self.teacher.profile.available.get(before.len()) else {
            let plan: Plan = before.try_into().unwrap_or([Tier::Low; MODULES]);
            return self.teacher.reward.of(self.question.settled(self.cap, self.time, &plan));
        };
        let input = self.policy.input(&self.question.state, self.allowance(), before.len(), before);
        let trace = self.policy.network.trace(&input);
        let chances = chances(trace.last().map_or(&[][..], Vec::as_slice), *available);
        let value = |((tier, own), is): ((Tier, f32), &bool)| {
            if *is { self.from(&[before, &[tier]].concat(), chance * own, slopes) } else { 0.0 }
        };
        let values: Vec<f32> = TIERS.into_iter().zip(chances).zip(available).map(value).collect();
        let expected: f32 = values.iter().zip(chances).map(|(value, chance)| value * chance).sum();
        let entropy: f32 = chances.iter().map(|chance| -chance * chance.max(1e-9).ln()).sum();
        let slope = |(own, value): (&f32, &f32)| {
            let of_entropy = -own * (own.max(1e-9).ln() + entropy);
            -chance * (own * (value - expected) + ENTROPY * of_entropy)
        };
        let mut output: Vec<f32> = chances.iter().zip(&values).map(slope).collect();
        output.push(0.0);
        self.policy.network.descend(&trace, output, slopes);
        expected
    }

    fn allowance(&self) -> Allowance {
        allowance(self.cap, self.time)
    }
}

/// What a network expects.
fn expected(output: &[f32]) -> f32 {
    output.get(TIERS.len()).copied().unwrap_or_default()
}

/// By how much each turn's reward was better than expected, brought to deviation 1.
fn advantages(turns: &[Turn]) -> Vec<f32> {
    let over = turns.iter().map(|turn| turn.reward - turn.expected);
    let mean = over.clone().sum::<f32>() / real(turns.len().max(1));
    let deviation = deviation(over.clone()).max(1e-6);
    over.map(|over| (over - mean) / deviation).collect()
}

fn real(count: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "no batch has 2^24 turns")]
    {
        count as f32
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::{BASE, plans};
    use super::*;
    use crate::evaluation::{judged, tiers};
    use crate::features::width;

    /// Questions of eight conversations. The first number of the state tells whether a mid filter finds the evidence or loses
    /// it, where the cap is at least 400; other tiers only cost.
    fn told() -> Profile {
        // Two modules have a choice: enough to see, and quickly learnt.
        let choice = [true, true, false];
        let available = [choice, choice, [true, false, false], [true, false, false], [true, false, false]];
        let mut random = Random::new(11);
        let question = |at: usize| {
            let mut state: Vec<f32> = (0..width()).map(|_| real(random.below(1000)) / 1000.0).collect();
            let helps = at.is_multiple_of(2);
            state[0] = if helps { 1.0 } else { -1.0 };
            let of = |cap: usize| {
                let mut got = vec![None; 243];
                for plan in plans(&available) {
                    let mids: f32 = plan.iter().map(|tier| f32::from(u8::from(*tier == Tier::Mid))).sum();
                    let is_mid = plan[0] == Tier::Mid;
                    let gain = if is_mid && cap > 0 { if helps { 0.3 } else { -0.3 } } else { 0.0 };
                    got[super::super::profile::number(&plan)] =
                        Some(Got { evidence: 0.5 + gain, cost: BASE + 100.0 * mids });
                }
                got
            };
            Replayed { conversation: at % 8, state, got: (0..CAPS.len()).map(of).collect() }
        };
        Profile { available, questions: (0..160).map(question).collect() }
    }

    fn small(method: Method) -> Training {
        Training { updates: 160, ..Training::of(method, 7) }
    }

    #[test]
    fn one_seed_makes_one_policy_bit_for_bit_and_another_seed_another() {
        let profile = told();
        for method in [Method::Ppo, Method::FullInformation] {
            let training = Training { updates: 3, ..small(method) };
            let bytes = |training: &Training| learn(&profile, &|_| true, training).to_bytes().unwrap();
            assert_eq!(bytes(&training), bytes(&training));
            assert_ne!(bytes(&training), bytes(&Training { seed: 8, ..training }));
            let policy = Policy::from_bytes(&bytes(&training)).unwrap();
            assert_eq!(policy.to_bytes().unwrap(), bytes(&training));
            assert!(!policy.is_on(), "what was not measured is off");
        }
    }

    #[test]
    fn both_methods_learn_what_a_question_and_a_budget_need_and_the_guard_sees_it() {
        let profile = told();
        for method in [Method::Ppo, Method::FullInformation] {
            let policy = learn(&profile, &|conversation| conversation < 6, &small(method));
            let guard = judged(&policy, &profile, &|conversation| conversation >= 6);
            assert!(guard.is_on, "{method:?}: {}", guard.reason);
            let blind = Training { sees_budget: false, ..small(method) };
            let blind = learn(&profile, &|_| true, &blind);
            let state = &profile.questions[0].state;
            let routed = |policy: &Policy, cap: usize| {
                policy.route(state, allowance(cap, None), &profile.available).swap_remove(0)
            };
            let mid = |policy: &Policy, cap: usize| routed(policy, cap).preference[1].unwrap();
            assert_eq!(routed(&policy, 2).tier, Tier::Mid, "{method:?}: it finds more");
            assert!(mid(&policy, 0) < mid(&policy, 2), "{method:?}: under a small cap it only costs");
            assert_eq!(routed(&blind, 0), routed(&blind, 2), "{method:?}: who does not see the budget can't tell");
        }
    }

    #[test]
    fn where_no_question_differs_the_guard_keeps_policies_off() {
        let mut profile = told();
        let first = profile.questions[0].clone();
        for (at, one) in profile.questions.iter_mut().enumerate() {
            *one = Replayed { conversation: at % 8, ..first.clone() };
        }
        let policy = learn(&profile, &|conversation| conversation < 6, &small(Method::FullInformation));
        let guard = judged(&policy, &profile, &|conversation| conversation >= 6);
        assert!(!guard.is_on && guard.reason.contains("fixed tiers serve"), "{}", guard.reason);
    }

    #[test]
    fn a_report_has_all_ways_and_its_hull_is_above_each_fixed_one() {
        let mut profile = told();
        // Of one conversation nothing is left to learn from: the ways are measured all the same.
        profile.questions.truncate(40);
        profile.questions.iter_mut().for_each(|one| one.conversation = 0);
        let report = tiers(&profile, 7, 1, &|_, _| {});
        assert_eq!((report.ways.len(), report.choices), (7, 4));
        let over = |name: &str| {
            let way = report.ways.iter().find(|way| way.name.starts_with(name)).unwrap();
            way.over_hull.unwrap().mean
        };
        assert!(over("all tiers low") < 1e-6 && over("all tiers as high") < 1e-6 && over("best tiers") > 0.05);
    }

    #[test]
    fn the_reward_is_the_papers() {
        let mut reward = Reward::new(0.5);
        // Costs whose roots are 0 to 100, evidence of deviation 0.5.
        for at in 0..=100_u16 {
            let root = f32::from(at);
            reward.see(Got { evidence: f32::from(at % 2), cost: root * root });
        }
        reward.rescale();
        assert_eq!((reward.low, reward.high), (5.0, 95.0));
        let scaled = |root: f32| reward.scaled(Got { evidence: 0.0, cost: root * root });
        assert!((scaled(50.0) - 0.5).abs() < 1e-6 && scaled(1.0) < 1e-6 && scaled(99.0) > 1.0 - 1e-6);
        let costs = deviation((0..=100_u16).map(|at| scaled(at.into())));
        assert!((reward.alpha * costs - 0.5).abs() < 1e-3, "cost varies as much as the task");
        let worth = reward.of(Got { evidence: 1.0, cost: 2500.0 });
        assert!((worth - (1.0 - 0.5 * reward.alpha * 0.5)).abs() < 1e-6);
        for _ in 0..WINDOW {
            reward.see(Got { evidence: 1.0, cost: 4.0 });
        }
        assert_eq!(reward.window.len(), WINDOW, "older queries do not count");
    }
}
