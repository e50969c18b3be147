//! What each choice of tiers comes to: every choice that can run, replayed on every question under several budgets.
//!
//! This is the full information that a policy is learnt from, that the guard judges by, and that the choices worth keeping
//! (`pareto`) are found in. What a choice costs is counted, not timed, so that one profile is the same on any machine: the tokens
//! that an embedder reads for it, and nothing for what is computed by rules.
//!
//! Deliberately absent: high tiers. No language model takes part in a replay: its answers and its bill would be another one's.

use super::{Allowance, Available, MODULES, Plan, available, state};
use crate::features::Scene;
use crate::recall::{Reply, Request, Sources, Tiers, replay};
use crate::weights::Weights;
use memory::budget::{Clock, Limits};
use memory::embed::{EmbedError, Embedder, EmbedderId};
use memory::filter::Filter;
use memory::index::{Candidates, Index};
use memory::module::{self, Tier};
use memory::{RecordId, tokens};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The caps under which choices are replayed, in tokens.
pub const CAPS: [u32; 3] = [200, 400, 800];
/// What may be spent on time, in milliseconds; nothing where it is not capped.
pub const TIMES_MS: [Option<f32>; 3] = [Some(20.0), Some(100.0), None];
/// How long an embedder takes for a token, in milliseconds: a small model on one core. What is counted becomes time by it.
pub const MS_PER_TOKEN: f32 = 0.1;
/// What every recall costs before any tier: with it no cost is 0, and mixtures can be drawn.
pub const BASE: f32 = 1.0;
/// How many candidates a replay looks at, and how many questions are replayed at most, spread evenly.
const CONSIDERED: usize = 40;
const QUESTIONS: usize = 600;
/// How many choices there may be: three tiers for each module.
const CHOICES: usize = 3_usize.pow(5);

/// What one choice got for one question.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Got {
    /// The share of the evidence in the context.
    pub evidence: f32,
    /// The tokens that an embedder read, and [`BASE`].
    pub cost: f32,
}

/// One question, replayed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// Which conversation it is about.
    pub conversation: usize,
    /// What a policy sees of it.
    pub state: Vec<f32>,
    /// For each of [`CAPS`], what each choice got; by the choice's number.
    pub got: Vec<Vec<Option<Got>>>,
}

/// All questions, replayed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profile {
    /// Which tiers could run.
    pub available: Available,
    /// The questions.
    pub questions: Vec<Replayed>,
}

/// A question with what was found for it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Which conversation it is about.
    pub conversation: usize,
    /// The question.
    pub question: &'a str,
    /// What was found.
    pub found: &'a Candidates,
    /// Which of it is evidence.
    pub labels: &'a [f32],
    /// How many pieces of evidence there are in all.
    pub evidence: f32,
}

/// An embedder that counts what it reads.
#[derive(Debug)]
pub struct Metered {
    inner: Arc<dyn Embedder>,
    read: AtomicU64,
}

impl Metered {
    /// Counts what an embedder reads.
    pub fn new(inner: Arc<dyn Embedder>) -> Metered {
        Metered { inner, read: AtomicU64::new(0) }
    }

    fn take(&self) -> u64 {
        self.read.swap(0, Ordering::Relaxed)
    }
}

impl Embedder for Metered {
    fn id(&self) -> &EmbedderId {
        self.inner.id()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.read.fetch_add(texts.iter().map(|text| tokens::of(text)).sum(), Ordering::Relaxed);
        self.inner.embed(texts)
    }

    fn is_semantic(&self) -> bool {
        self.inner.is_semantic()
    }
}

/// A clock that stands still: what a replay may spend is not its own time.
#[derive(Debug)]
struct Still;

impl Clock for Still {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}

/// The number of a choice.
pub fn number(plan: &Plan) -> usize {
    plan.iter().fold(0, |number, tier| 3 * number + usize::from(*tier as u8))
}

/// All choices of tiers that can run.
pub fn plans(available: &Available) -> Vec<Plan> {
    let mut plans = vec![Vec::new()];
    for tiers in available {
        let there = || super::TIERS.into_iter().zip(tiers).filter(|(_, is)| **is).map(|(tier, _)| tier);
        plans =
            plans.into_iter().flat_map(|plan| there().map(move |tier| [plan.clone(), vec![tier]].concat())).collect();
    }
    plans.into_iter().filter_map(|plan| plan.try_into().ok()).collect()
}

/// Tiers as a request names them.
pub fn tiers(plan: &Plan) -> Tiers {
    let [filter, entity, temporal, topic, summary] = plan.map(Some);
    Tiers { filter, entity, temporal, topic, summary }
}

/// Replays questions, those of the meter's index.
pub fn profile<'a>(
    index: &Index,
    meter: Option<&Metered>,
    weights: Option<&Weights>,
    asked: impl Iterator<Item = Asked<'a>>,
    progress: &mut dyn FnMut(usize, usize),
) -> Profile {
    let available = available(meter.is_some(), false);
    let plans = plans(&available);
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let sources = Sources { weights, ..Sources::new(index, clock) };
    let all: Vec<Asked<'a>> = asked.collect();
    let step = all.len().div_ceil(QUESTIONS).max(1);
    let question = |(done, asked): (usize, &Asked<'a>)| {
        progress(done, all.len() / step);
        let found = head(asked.found);
        let got = |cap: u32| {
            let mut got = vec![None; CHOICES];
            for plan in &plans {
                let reply = replay(&sources, &request(asked.question, cap, *plan), found.clone());
                let cost = BASE + real(meter.map_or(0, Metered::take));
                if let Some(got) = got.get_mut(number(plan)) {
                    *got = Some(Got { evidence: asked.share(&reply), cost });
                }
            }
            got
        };
        let got = CAPS.into_iter().map(got).collect();
        Replayed { conversation: asked.conversation, state: state(&Scene::new(asked.question, &found).rows()), got }
    };
    let _ = meter.map(Metered::take);
    Profile { available, questions: all.iter().step_by(step).enumerate().map(question).collect() }
}

fn head(found: &Candidates) -> Candidates {
    let (hits, views) = (found.hits.iter().take(CONSIDERED), found.views.iter().take(CONSIDERED));
    Candidates { hits: hits.cloned().collect(), views: views.cloned().collect(), terms: found.terms.clone() }
}

fn request(question: &str, cap: u32, plan: Plan) -> Request {
    let limits = Limits { tokens: Some(cap), ..Limits::default() };
    Request { query: question.to_owned(), filter: Filter::everything(), limits, tiers: tiers(&plan), limit: CONSIDERED }
}

impl Asked<'_> {
    /// The share of the evidence that a reply shows.
    fn share(&self, reply: &Reply) -> f32 {
        let hits = self.found.hits.iter().zip(self.labels).filter(|(_, label)| **label > 0.5);
        let evidence: BTreeSet<RecordId> = hits.map(|(hit, _)| hit.stored.record.id).collect();
        let shown = reply.items.iter().filter(|item| evidence.contains(&item.hit.stored.record.id)).map(|_| 1.0_f32);
        shown.sum::<f32>() / self.evidence.max(1.0)
    }
}

impl Replayed {
    /// What a choice comes to under a cap where embedding may take so long: a tier that would take longer runs as the low one,
    /// as it does in a recall.
    pub fn settled(&self, cap: usize, time_ms: Option<f32>, plan: &Plan) -> Got {
        let got = |plan: &Plan| self.got.get(cap).and_then(|got| *got.get(number(plan))?).unwrap_or_default();
        let Some(time) = time_ms else { return got(plan) };
        let mut ran = [Tier::Low; MODULES];
        for (place, tier) in plan.iter().enumerate() {
            let mut tried = ran;
            tried.iter_mut().skip(place).take(1).for_each(|of| *of = *tier);
            if (got(&tried).cost - BASE) * MS_PER_TOKEN <= time {
                ran = tried;
            }
        }
        got(&ran)
    }
}

/// What a policy is told of a cap and a time.
pub fn allowance(cap: usize, time_ms: Option<f32>) -> Allowance {
    let tokens = CAPS.get(cap).and_then(|cap| u16::try_from(*cap).ok()).map(f32::from);
    Allowance { tokens, ms: time_ms, millis_usd: None }
}

/// The names of the modules in the order of a choice.
pub fn modules() -> impl Iterator<Item = &'static str> {
    module::ALL.iter().map(|module| module.name())
}

fn real(count: u64) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "no question reads 2^24 tokens")]
    {
        count as f32
    }
}
