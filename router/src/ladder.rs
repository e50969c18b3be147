//! The ladder: a module runs in the tier that is asked for, or in the next lower one that can, and says why.
//!
//! INVARIANT: a language model is asked only once what the answer can cost at most is set aside, so that no bill exceeds the
//! cap; and what the answer did cost is spent even where it can't be used.

use crate::recall::{Sources, Step};
use memory::budget::{Budget, Cost, NanoUsd, Overdrawn};
use memory::model::{Ask, Model, ModelError, Price, Usage};
use memory::module::{Change, Fact, Halt, Module, Pool, Question, Tier};
use memory::tokens;
use std::time::Duration;

/// How long a model is waited for where time is not capped.
const PATIENCE: Duration = Duration::from_mins(1);
/// What providers put around a question, in tokens.
const FRAME_TOKENS: u64 = 64;

/// Why a tier was left.
#[derive(Debug, thiserror::Error)]
enum Fall {
    #[error("no language model is configured")]
    NoModel,
    #[error(transparent)]
    Halt(#[from] Halt),
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl From<Overdrawn> for Fall {
    fn from(overdrawn: Overdrawn) -> Fall {
        Fall::Halt(overdrawn.into())
    }
}

/// What a module's tiers used on the way.
#[derive(Debug, Default)]
struct Bill {
    cost: Cost,
    usage: Usage,
    notes: Vec<String>,
}

/// Runs a module and applies what it proposes; where candidates have a learnt value, what the low tier finds does not change it.
pub(crate) fn run(
    module: &dyn Module,
    asked: Tier,
    pool: &mut Pool,
    sources: &Sources<'_>,
    budget: &mut Budget,
    is_priced: bool,
) -> (Step, Vec<Fact>) {
    let begun = sources.clock.elapsed();
    let (mut bill, mut ran, mut facts) = (Bill::default(), None, Vec::new());
    for tier in [Tier::High, Tier::Mid, Tier::Low].into_iter().filter(|tier| *tier <= asked) {
        if pool.candidates().is_empty() {
            bill.notes.push("nothing is left to work on".to_owned());
            break;
        }
        match climb(module, tier, pool, sources, budget, &mut bill) {
            Ok(mut change) => {
                if is_priced && tier == Tier::Low {
                    // What rules and counting find is what the value model was learnt from: it would count twice.
                    change.gains.clear();
                    change.shown.clear();
                }
                facts = pool.apply(change);
                ran = Some(tier);
                break;
            }
            Err(fall) => bill.notes.push(format!("{tier}: {fall}")),
        }
    }
    let note = (!bill.notes.is_empty()).then(|| bill.notes.join("; "));
    let ms = sources.clock.elapsed().saturating_sub(begun).as_secs_f64() * 1e3;
    let step = Step { module: module.name().to_owned(), asked, ran, cost: bill.cost, usage: bill.usage, ms, note };
    (step, facts)
}

fn climb(
    module: &dyn Module,
    tier: Tier,
    pool: &Pool,
    sources: &Sources<'_>,
    budget: &mut Budget,
    bill: &mut Bill,
) -> Result<Change, Fall> {
    budget.affords(Cost::default())?;
    match tier {
        Tier::Low => Ok(module.low(pool, budget)?),
        Tier::Mid => {
            let embedder = sources.index.embedder().map(|embedder| &**embedder);
            let change = module.mid(pool, embedder, budget)?;
            if module.needs_embedder() && embedder.is_some_and(|embedder| !embedder.is_semantic()) {
                bill.notes.push("mid: the embedder compares words, not meaning".to_owned());
            }
            Ok(change)
        }
        Tier::High => {
            let model = sources.model.as_deref().ok_or(Fall::NoModel)?;
            let question = module.question(pool, budget);
            let answer = ask(model, question, budget, bill)?;
            Ok(module.read(pool, &answer, budget)?)
        }
    }
}

/// Asks a model with a part of the budget that covers the dearest answer.
fn ask(model: &dyn Model, question: Question, budget: &mut Budget, bill: &mut Bill) -> Result<String, Fall> {
    let (price, input) = (model.price(), most_input(&question));
    let max_tokens = affordable(&question, price, input, budget.money_left())?;
    let most = Usage { input, output: max_tokens.into() };
    let reserve = Cost { tokens: 0, nano_usd: price.of(most) };
    // An eighth of the time is kept for the tier below.
    let time = budget.time_left().map_or(PATIENCE, |left| left.saturating_sub(left / 8).min(PATIENCE));
    let mut part = budget.split(reserve, Some(time))?;
    let Question { system, prompt, .. } = question;
    let answer = model.ask(&Ask { system, prompt, max_tokens, time });
    let (used, billed) = match &answer {
        Ok(answer) => (answer.usage, Cost { tokens: 0, nano_usd: price.of(answer.usage) }),
        Err(error) if error.may_be_billed() => {
            bill.notes.push("high: counted as if the whole answer had come".to_owned());
            (most, reserve)
        }
        Err(_) => (Usage::default(), Cost::default()),
    };
    if part.settle(billed).nano_usd > NanoUsd::default() {
        let Usage { input, output } = used;
        let told = format!("high: the provider reports {input} tokens in and {output} out, more than it was asked for");
        bill.notes.push(format!("{told}; counted up to what was set aside"));
    }
    bill.cost += part.spent();
    bill.usage.input = bill.usage.input.saturating_add(used.input);
    bill.usage.output = bill.usage.output.saturating_add(used.output);
    budget.refund(part);
    Ok(answer?.text)
}

/// The most tokens that a provider counts in a question: ours, and a quarter more for vocabularies that nobody publishes.
fn most_input(question: &Question) -> u64 {
    let own = tokens::of(&question.system) + tokens::of(&question.prompt);
    own + own.div_ceil(4) + FRAME_TOKENS
}

/// How many tokens of an answer the money is enough for.
fn affordable(question: &Question, price: Price, input: u64, money: Option<NanoUsd>) -> Result<u32, Overdrawn> {
    let Some(money) = money else { return Ok(question.most_tokens) };
    let input = price.of(Usage { input, output: 0 });
    let left = money.0.checked_sub(input.0).ok_or(Overdrawn::Money)?;
    let tokens = left.checked_div(price.output).map_or(u32::MAX, |tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
    if tokens < question.least_tokens { Err(Overdrawn::Money) } else { Ok(tokens.min(question.most_tokens)) }
}
