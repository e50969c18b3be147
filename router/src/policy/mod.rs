//! The policy of the module tiers: one small network that says for each module which tier it runs in, with the budget among
//! what it looks at (after `BudgetMem`, arXiv 2602.06025, the section on the policy).
//!
//! For each module in its turn the network sees the question and the head of what was found (the mean features of the ten best
//! candidates: the paper's query and state embeddings, without a language), what may be spent, which module it is, and which
//! tiers were chosen before. A tier that is not there is never chosen.
//!
//! INVARIANT: what was not measured to beat every mixture of fixed tiers does not choose: [`Policy::is_on`].
//!
//! Deliberately absent: any knowledge of what a tier does. `profile` replays that, and `learn` learns from it.

pub mod learn;
pub mod network;
pub mod profile;

use crate::features::width;
use crate::file::{Card, Read, Tensors, WeightsError};
use memory::budget::{Budget, Limits};
use memory::module::{self, Tier};
use network::{Layer, Network};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the format.
const FORMAT: &str = "trace-policy-1";
/// How many modules there are.
pub const MODULES: usize = module::ALL.len();
/// The tiers.
pub const TIERS: [Tier; 3] = [Tier::Low, Tier::Mid, Tier::High];
/// How many candidates the state is the mean of.
const HEAD: usize = 10;
/// The units of the two hidden layers.
const HIDDEN: usize = 48;
/// The tiers and the expected reward.
const OUTPUTS: usize = TIERS.len() + 1;
/// How many numbers tell of the budget.
const ALLOWANCE: usize = Allowance::NUMBERS;

/// A tier for each module, in the order in which they run.
pub type Plan = [Tier; MODULES];

/// Which tiers of each module can run at all.
pub type Available = [[bool; TIERS.len()]; MODULES];

/// What may still be spent, as the network sees it: what is not capped is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Allowance {
    /// Tokens of context.
    pub tokens: Option<f32>,
    /// Milliseconds.
    pub ms: Option<f32>,
    /// Thousandths of a US dollar.
    pub millis_usd: Option<f32>,
}

/// What a policy says of one module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Routed {
    /// The module.
    pub module: String,
    /// The tier.
    pub tier: Tier,
    /// How much each tier was preferred, low to high; nothing where it is not there.
    pub preference: Vec<Option<f32>>,
}

/// A policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    pub(crate) network: Network,
    /// Mean and deviation of each number of the state, where it was learnt.
    pub(crate) scale: Vec<[f32; 2]>,
    /// Whether it looks at the budget.
    pub(crate) sees_budget: bool,
    /// What it was learnt from, with which command and seed, and how well it did.
    pub card: Card,
    name: String,
}

impl Allowance {
    /// What the limits of a request allow.
    pub fn of(limits: Limits) -> Allowance {
        #[expect(clippy::cast_possible_truncation, reason = "a budget has no more digits")]
        let usd = limits.usd.map(|usd| (usd * 1e3) as f32);
        let real = |count: u32| f32::from(u16::try_from(count).unwrap_or(u16::MAX));
        Allowance { tokens: limits.tokens.map(real), ms: limits.ms.map(real), millis_usd: usd }
    }

    /// What is left of a budget.
    pub fn left(budget: &Budget) -> Allowance {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "a network sees no more digits"
        )]
        Allowance {
            tokens: budget.tokens_left().map(|tokens| tokens as f32),
            ms: budget.time_left().map(|time| time.as_secs_f32() * 1e3),
            millis_usd: budget.money_left().map(|money| (money.usd() * 1e3) as f32),
        }
    }

    /// How many numbers tell of a budget.
    pub const NUMBERS: usize = 6;

    /// The budget as numbers: of tokens, time and money whether it is known, and the logarithm.
    pub(crate) fn numbers(self) -> [f32; Allowance::NUMBERS] {
        // Logarithms, about 0 where budgets are usual: some 400 tokens, 50 milliseconds, a thousandth of a dollar.
        let told = |cap: Option<f32>, usual: f32| cap.map_or([0.0; 2], |cap| [1.0, cap.max(0.0).ln_1p() - usual]);
        let [[tokens_known, tokens], [ms_known, ms], [usd_known, usd]] =
            [told(self.tokens, 6.0), told(self.ms, 4.0), told(self.millis_usd, 0.7)];
        [tokens_known, tokens, ms_known, ms, usd_known, usd]
    }
}

/// The state of a question: the mean of each feature over the best candidates; 0 where it is not known of any.
pub fn state(rows: &[Vec<f32>]) -> Vec<f32> {
    let mean = |feature: usize| {
        let known = rows.iter().take(HEAD).filter_map(|row| row.get(feature)).filter(|value| value.is_finite());
        let (sum, count) = known.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0_f32));
        sum / count.max(1.0)
    };
    (0..width()).map(mean).collect()
}

/// Which tiers there are: mid ones where there is an embedder or none is needed, high ones where there is a model.
pub fn available(has_embedder: bool, has_model: bool) -> Available {
    module::ALL.map(|module| [true, has_embedder || !module.needs_embedder(), has_model])
}

/// The chance of each tier by what the network says, of those that are there.
pub(crate) fn chances(output: &[f32], available: [bool; TIERS.len()]) -> [f32; TIERS.len()] {
    let mut chances = [0.0; TIERS.len()];
    let best = output.iter().zip(available).filter(|(_, is)| *is).map(|(value, _)| *value).fold(f32::MIN, f32::max);
    for ((chance, value), _) in chances.iter_mut().zip(output).zip(available).filter(|(_, is)| *is) {
        *chance = (value - best).exp();
    }
    let all: f32 = chances.iter().sum();
    chances.map(|chance| chance / all.max(f32::MIN_POSITIVE))
}

impl Policy {
    /// A policy that has learnt nothing, for states like these.
    pub(crate) fn new<'s>(states: impl Iterator<Item = &'s Vec<f32>>, sees_budget: bool, seed: u64) -> Policy {
        let states: Vec<&Vec<f32>> = states.collect();
        let scale = |feature: usize| {
            let values = || states.iter().filter_map(|state| state.get(feature).copied());
            let count = values().map(|_| 1.0_f32).sum::<f32>().max(1.0);
            let mean = values().sum::<f32>() / count;
            [mean, (values().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt().max(1e-3)]
        };
        let scale: Vec<[f32; 2]> = (0..width()).map(scale).collect();
        let sizes = [inputs(), HIDDEN, HIDDEN, OUTPUTS];
        let network = Network::new(&sizes, &mut crate::random::Random::new(seed));
        Policy { network, scale, sees_budget, card: Card::new(), name: String::new() }
    }

    /// What the network sees when it is a module's turn.
    pub(crate) fn input(&self, state: &[f32], allowance: Allowance, module: usize, before: &[Tier]) -> Vec<f32> {
        let scaled = state.iter().zip(&self.scale).map(|(value, [mean, by])| ((value - mean) / by).clamp(-4.0, 4.0));
        let allowance = if self.sees_budget { allowance.numbers() } else { [0.0; ALLOWANCE] };
        let modules = (0..MODULES).map(|other| if other == module { 1.0 } else { 0.0 });
        let chosen = (0..MODULES).map(|other| match before.get(other) {
            Some(Tier::High) => 1.0,
            Some(Tier::Mid) => 0.5,
            Some(Tier::Low) => -0.5,
            None => 0.0,
        });
        scaled.chain(allowance).chain(modules).chain(chosen).collect()
    }

    /// Chooses a tier for each module: the likeliest of those that are there.
    pub fn route(&self, state: &[f32], allowance: Allowance, available: &Available) -> Vec<Routed> {
        let mut before: Vec<Tier> = Vec::new();
        let routed = module::ALL.iter().zip(available).enumerate().map(|(place, (module, available))| {
            let output = self.network.output(&self.input(state, allowance, place, &before));
            let chances = chances(&output, *available);
            let likelier = |best: (Tier, f32), (tier, chance): (Tier, f32)| {
                if chance > best.1 { (tier, chance) } else { best }
            };
            let (tier, _) = TIERS.into_iter().zip(chances).fold((Tier::Low, 0.0), likelier);
            before.push(tier);
            let preference = chances.into_iter().zip(*available).map(|(chance, is)| is.then_some(chance)).collect();
            Routed { module: module.name().to_owned(), tier, preference }
        });
        routed.collect()
    }

    /// The tiers that it chooses.
    pub fn plan(&self, state: &[f32], allowance: Allowance, available: &Available) -> Plan {
        let mut plan = [Tier::Low; MODULES];
        for (tier, routed) in plan.iter_mut().zip(self.route(state, allowance, available)) {
            *tier = routed.tier;
        }
        plan
    }

    /// Whether it was measured to pay.
    pub fn is_on(&self) -> bool {
        self.card.get("is_on").is_some_and(|is_on| is_on == "true")
    }

    /// What the guard said of it.
    pub fn guard(&self) -> &str {
        self.card.get("guard").map_or("it was not measured", String::as_str)
    }

    /// The name of this policy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same with a card, named by its file.
    ///
    /// # Errors
    /// [`WeightsError`] when it can't be written.
    pub fn with_card(self, card: Card) -> Result<Policy, WeightsError> {
        Policy::from_bytes(&Policy { card, ..self }.to_bytes()?)
    }

    /// The file.
    ///
    /// # Errors
    /// [`WeightsError`] when it can't be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let mut tensors = Tensors::default();
        for (place, layer) in self.network.layers.iter().enumerate() {
            tensors.put(format!("layer.{place}.weights"), layer.inputs, &layer.weights);
            tensors.put(format!("layer.{place}.bias"), 1, &layer.bias);
        }
        tensors.put("scale".to_owned(), 2, &self.scale.concat());
        tensors.put("sees_budget".to_owned(), 1, &[if self.sees_budget { 1.0 } else { 0.0 }]);
        tensors.file(FORMAT, &self.card)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`WeightsError`] when it is none, or of other features.
    pub fn from_bytes(bytes: &[u8]) -> Result<Policy, WeightsError> {
        let file = Read::new(FORMAT, bytes)?;
        let sizes = [inputs(), HIDDEN, HIDDEN, OUTPUTS];
        let layer = |(place, size): (usize, &[usize])| {
            let [inputs, outputs] = [size.first(), size.last()].map(|size| size.copied().unwrap_or_default());
            let weights = file.numbers(&format!("layer.{place}.weights"), inputs)?;
            let bias = file.numbers(&format!("layer.{place}.bias"), 1)?;
            let is_whole = weights.len() == inputs * outputs && bias.len() == outputs;
            let is_finite = weights.iter().chain(&bias).all(|number| number.is_finite());
            let name = || WeightsError::Tensor(format!("layer.{place}"));
            if is_whole && is_finite { Ok(Layer { inputs, weights, bias }) } else { Err(name()) }
        };
        let layers = sizes.windows(2).enumerate().map(layer).collect::<Result<_, WeightsError>>()?;
        let scale = file.numbers("scale", 2)?.as_chunks::<2>().0.to_vec();
        if scale.len() != width() {
            return Err(WeightsError::Tensor("scale".to_owned()));
        }
        let sees_budget = file.numbers("sees_budget", 1)?.first().is_some_and(|sees| *sees > 0.0);
        let (card, name) = (file.card.clone(), file.name.clone());
        Ok(Policy { network: Network { layers }, scale, sees_budget, card, name })
    }
}

/// How many numbers the network sees.
fn inputs() -> usize {
    width() + ALLOWANCE + 2 * MODULES
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_tier_that_is_not_there_is_never_chosen(
            state in proptest::collection::vec(prop_oneof![Just(f32::NAN), Just(f32::INFINITY), -9.0..9.0_f32], width()),
            seed in any::<u64>(), embedder in any::<bool>(), model in any::<bool>(),
            tokens in proptest::option::of(0.0..1e9_f32), ms in proptest::option::of(0.0..1e9_f32))
        {
            let policy = Policy::new(std::iter::empty(), true, seed);
            let available = available(embedder, model);
            let allowance = Allowance { tokens, ms, millis_usd: None };
            for (routed, there) in policy.route(&state, allowance, &available).iter().zip(available) {
                let place = TIERS.iter().position(|tier| *tier == routed.tier).unwrap();
                prop_assert!(there[place], "{:?}", routed);
                prop_assert!(routed.preference.iter().zip(there).all(|(chance, is)| chance.is_some() == is));
            }
        }

        #[test]
        fn damaged_files_are_refused_or_harmless(at in any::<prop::sample::Index>(), with in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let mut bytes = Policy::new(std::iter::empty(), true, 7).to_bytes().unwrap();
            let place = at.index(bytes.len());
            bytes[place] = with;
            for bytes in [&bytes[..], &bytes[..cut.index(bytes.len())]] {
                if let Ok(policy) = Policy::from_bytes(bytes) {
                    prop_assert_eq!(policy.route(&vec![0.0; width()], Allowance::default(), &available(true, true)).len(), MODULES);
                }
            }
        }
    }
}
