//! What an evaluation came to: rankings and frontiers with their intervals, and whether the router is to be on.

use super::cases::Case;
use super::frontier::{Curve, Outcome, Point};
use super::methods::BUDGETS;
use super::tiers::TierReport;
use memory::evaluation::{Interval, Measures, NAMES, paired_bootstrap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often questions are drawn anew to tell a difference from chance.
const ROUNDS: usize = 2000;
/// Where the random numbers of that begin.
const SEED: u64 = 0;
/// The budget whose difference decides, in mean tokens.
const DECIDES: f64 = 400.0;
/// Into how many bins probabilities are put to see whether they hold.
const BINS: usize = 10;

/// What an evaluation came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// How many conversations there are, and how many questions were measured.
    pub conversations: usize,
    /// How many questions were measured.
    pub questions: usize,
    /// How well each way ranks.
    pub rankings: Vec<Ranking>,
    /// How much each way finds at equal mean tokens.
    pub frontiers: Vec<Frontier>,
    /// What everything costs, in mean tokens.
    pub full_tokens: f64,
    /// Whether the router is to be on.
    pub guard: Guard,
    /// What choosing the tiers of the modules came to, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiers: Option<TierReport>,
}

/// How well one way ranks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The way.
    pub name: String,
    /// The measures, by their names.
    pub measures: BTreeMap<String, f64>,
    /// nDCG@10 over BM25.
    pub over_bm25: Option<Difference>,
    /// nDCG@10 over the product's search.
    pub over_search: Option<Difference>,
    /// R@10 over the product's search.
    pub recall_over_search: Option<Difference>,
    /// Recall at 10 and nDCG at 10 by kind of question, with how many there are.
    pub by_category: BTreeMap<String, (usize, f64, f64)>,
    /// By how much probabilities are off (expected calibration error), for a model's.
    pub calibration_error: Option<f64>,
}

/// How much one way finds at the budgets of [`BUDGETS`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frontier {
    /// The way.
    pub name: String,
    /// At each budget.
    pub at: Vec<At>,
    /// Mean tokens and evidence recall at its own settings.
    pub curve: Vec<(f64, f64)>,
}

/// What one way finds at one budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct At {
    /// The budget, in mean tokens.
    pub budget: f64,
    /// The mean tokens that it emitted: less than the budget where it has no more to say.
    pub tokens: f64,
    /// The share of the evidence.
    pub evidence: f64,
    /// The share of questions with all of it.
    pub all: f64,
    /// The share of the answers' terms.
    pub answer: f64,
    /// Evidence over the hull of the fixed tiers' mixtures.
    pub over_hull: Option<Difference>,
}

/// A difference with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The mean.
    pub mean: f64,
    /// The least that it may well be.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

/// Whether the router is to be on, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// Whether it is.
    pub is_on: bool,
    /// Why, for a person.
    pub reason: String,
}

impl From<Interval> for Difference {
    fn from(Interval { mean, low, high }: Interval) -> Difference {
        Difference { mean, low, high }
    }
}

/// A report in the making.
#[derive(Debug)]
pub(super) struct Rows<'c> {
    measured: &'c [&'c Case],
    rankings: Vec<(Ranking, Vec<Measures>)>,
    frontiers: Vec<Frontier>,
    hull: Curve,
    full_tokens: f64,
}

impl<'c> Rows<'c> {
    pub(super) fn new(measured: &'c [&'c Case]) -> Rows<'c> {
        Rows { measured, rankings: Vec::new(), frontiers: Vec::new(), hull: Curve::default(), full_tokens: 0.0 }
    }

    /// A way without a model, with its curve, which is given back.
    pub(super) fn fixed(&mut self, name: &str, ranked: &[Vec<usize>], curve: Curve) -> Curve {
        self.ranking(name, ranked);
        self.frontiers.push(frontier(name, &curve, None));
        curve
    }

    pub(super) fn reference(&mut self, hull: Curve, oracle: &Curve) {
        self.frontiers.push(frontier("random mixtures (hull)", &hull, None));
        self.frontiers.push(frontier("best tier by question (oracle)", oracle, None));
        self.hull = hull;
    }

    pub(super) fn full(&mut self, point: Point) {
        self.full_tokens = Outcome::mean(&point).tokens;
        self.frontiers.push(frontier("full context", &Curve::new([point]), None));
    }

    pub(super) fn curve(&mut self, name: &str, curve: &Curve) {
        self.frontiers.push(frontier(name, curve, Some(&self.hull)));
    }

    pub(super) fn ranking(&mut self, name: &str, ranked: &[Vec<usize>]) {
        let each: Vec<Measures> =
            self.measured.iter().zip(ranked).map(|(case, ranked)| case.measures(ranked)).collect();
        let over =
            |place: usize, measure: &str| self.rankings.get(place).and_then(|(_, other)| over(&each, other, measure));
        let mut kinds: BTreeMap<String, Vec<Measures>> = BTreeMap::new();
        for (case, measures) in self.measured.iter().zip(&each) {
            kinds.entry(case.category.clone()).or_default().push(*measures);
        }
        let of = |measures: &Measures, name: &str| measure(measures, name);
        let by_category = kinds.into_iter().map(|(kind, each)| {
            let mean = Measures::mean(&each);
            (kind, (each.len(), of(&mean, "R@10"), of(&mean, "nDCG@10")))
        });
        let ranking = Ranking {
            name: name.to_owned(),
            measures: NAMES.map(str::to_owned).into_iter().zip(Measures::mean(&each).0).collect(),
            over_bm25: over(0, "nDCG@10"),
            over_search: over(1, "nDCG@10"),
            recall_over_search: over(1, "R@10"),
            by_category: by_category.collect(),
            calibration_error: None,
        };
        self.rankings.push((ranking, each));
    }

    /// Says of the last ranking how well its probabilities hold.
    pub(super) fn calibrated(&mut self, name: &str, labelled: impl Iterator<Item = (f32, f32)>) {
        let mut bins = [[0.0_f64; 3]; BINS];
        for (probability, label) in labelled {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability has ten tenths")]
            let bin = ((probability * 10.0) as usize).min(BINS - 1);
            if let Some(bin) = bins.get_mut(bin) {
                *bin = [bin[0] + f64::from(probability), bin[1] + f64::from(label), bin[2] + 1.0];
            }
        }
        let all: f64 = bins.iter().map(|bin| bin[2]).sum();
        let off: f64 = bins.iter().map(|bin| (bin[0] - bin[1]).abs()).sum();
        if let Some((ranking, _)) = self.rankings.iter_mut().find(|(ranking, _)| ranking.name == name) {
            ranking.calibration_error = (all > 0.0).then(|| off / all);
        }
    }

    pub(super) fn report(self, conversations: usize) -> Report {
        let guard = guard(&self.frontiers);
        Report {
            conversations,
            questions: self.measured.len(),
            rankings: self.rankings.into_iter().map(|(ranking, _)| ranking).collect(),
            frontiers: self.frontiers,
            full_tokens: self.full_tokens,
            guard,
            tiers: None,
        }
    }
}

/// The router is on only where it is surely better than mixing fixed tiers.
fn guard(frontiers: &[Frontier]) -> Guard {
    let routers = ["given model", "given model, words alone", "learned", "learned, words alone"];
    let router = routers.iter().find_map(|name| frontiers.iter().find(|frontier| frontier.name == *name));
    let decides = |frontier: &&Frontier| frontier.at.iter().find(|at| at.budget >= DECIDES).and_then(|at| at.over_hull);
    match router.and_then(|router| Some((router, decides(&router)?))) {
        Some((router, Difference { mean, low, high })) => {
            let found = format!(
                "{}: {:+.1} points of evidence ({:+.1} to {:+.1}) over the hull of the fixed tiers at {DECIDES} mean tokens",
                router.name,
                mean * 100.0,
                low * 100.0,
                high * 100.0
            );
            let is_on = low > 0.0;
            let reason = if is_on { found } else { format!("{found}; not surely more than zero: the router is off") };
            Guard { is_on, reason }
        }
        None => Guard { is_on: false, reason: "no model was measured: the router is off".to_owned() },
    }
}

fn frontier(name: &str, curve: &Curve, hull: Option<&Curve>) -> Frontier {
    let at = |budget: f64| {
        let point = curve.at(budget);
        let Outcome { tokens, evidence, all, answer } = Outcome::mean(&point);
        let over_hull = hull.and_then(|hull| {
            let other = hull.at(budget);
            let differences: Vec<f64> =
                point.iter().zip(&other).map(|(one, other)| one.evidence - other.evidence).collect();
            paired_bootstrap(&differences, ROUNDS, SEED).map(Difference::from)
        });
        At { budget, tokens, evidence, all, answer, over_hull }
    };
    Frontier {
        name: name.to_owned(),
        at: BUDGETS.into_iter().map(at).collect(),
        curve: curve.means().map(|mean| (mean.tokens, mean.evidence)).collect(),
    }
}

fn over(each: &[Measures], other: &[Measures], name: &str) -> Option<Difference> {
    let differences: Vec<f64> =
        each.iter().zip(other).map(|(one, other)| measure(one, name) - measure(other, name)).collect();
    paired_bootstrap(&differences, ROUNDS, SEED).map(Difference::from)
}

fn measure(measures: &Measures, name: &str) -> f64 {
    NAMES.iter().zip(measures.0).find(|(known, _)| **known == name).map_or(0.0, |(_, value)| value)
}
