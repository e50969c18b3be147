//! The ways of choosing, and the loop that leaves one conversation out.

use super::cases::{Case, Cases, Found};
use super::frontier::{Curve, Outcome, Point, chosen, oracle};
use super::report::{Report, Rows};
use crate::boost::{Rows as Examples, boost, sigmoid};
use crate::features::{GROUPS, Scene, width};
use crate::linear::Linear;
use crate::pack::{Parcel, Terms, pack};
use crate::train::{Learning, Sample, train};
use crate::value::Value;
use crate::weights::Weights;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The mean tokens at which ways are compared.
pub const BUDGETS: [f64; 5] = [100.0, 200.0, 400.0, 800.0, 1600.0];
/// The caps of the fixed tiers, in tokens.
const CAPS: [u64; 12] = [60, 100, 150, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200];
/// At most so many parts are conversations split into, each left out in its turn.
const FOLDS: usize = 10;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan<'p> {
    /// How models are learnt.
    pub learning: Learning,
    /// A model that was learnt before, measured as it is.
    pub given: Option<&'p Weights>,
    /// Whether models are learnt from these conversations, leaving one out.
    pub learns: bool,
    /// Whether what the parts of the model contribute is measured too.
    pub ablations: bool,
    /// The conversations that are measured; all, where none is named.
    pub measured: BTreeSet<usize>,
    /// Whether what is measured is left out all at once, and not one conversation after the other.
    pub together: bool,
    /// How many threads learn.
    pub threads: NonZeroUsize,
}

/// The probabilities of one question's candidates.
type Values = Vec<f32>;

/// The probabilities of a measured question, by its place, with the raw scores as if they were such.
type Valued = (usize, (Values, Values));

/// Which candidates a model looks at, and what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Whole,
    Words,
    NoNeighbours,
    Linear,
}

/// Measures everything.
pub fn evaluate(cases: &Cases, plan: &Plan<'_>, progress: &(dyn Fn(usize, usize) + Sync)) -> Report {
    let is_measured =
        |case: &Case| plan.measured.is_empty() || plan.measured.contains(&case.hybrid.sample.conversation);
    let measured: Vec<&Case> = cases.all.iter().filter(|case| is_measured(case)).collect();
    let mut rows = Rows::new(&measured);
    let bm25: Vec<Vec<usize>> = measured.iter().map(|case| case.bm25.clone()).collect();
    let search: Vec<Vec<usize>> = measured.iter().map(|case| case.hybrid.turns.clone()).collect();
    let bm25 = rows.fixed("BM25", &bm25, by_rank(cases, &measured, &bm25));
    let search = rows.fixed("z-scores, date, neighbours", &search, by_rank(cases, &measured, &search));
    rows.reference(Curve::hull(&[&bm25, &search]), &oracle(&[&bm25, &search], &prices()));
    rows.full(full(cases, &measured));
    if let Some(weights) = plan.given {
        for (name, is_dense) in [("given model", true), ("given model, words alone", false)] {
            let Some(model) = weights.of(is_dense) else { continue };
            let values: Vec<Values> = measured.iter().map(|case| probabilities(model, found(case, is_dense))).collect();
            priced(&mut rows, name, cases, &measured, &values, is_dense);
        }
    }
    if plan.learns {
        let has_dense = measured.iter().any(|case| case.hybrid.sample.has_dense());
        let kinds: &[(Kind, &str)] = match (has_dense, plan.ablations) {
            (true, true) => &[
                (Kind::Whole, "learned"),
                (Kind::Words, "learned, words alone"),
                (Kind::NoNeighbours, "learned, no neighbours"),
                (Kind::Linear, "learned, linear"),
            ],
            (true, false) => &[(Kind::Whole, "learned"), (Kind::Words, "learned, words alone")],
            (false, true) => &[
                (Kind::Words, "learned, words alone"),
                (Kind::NoNeighbours, "learned, no neighbours"),
                (Kind::Linear, "learned, linear"),
            ],
            (false, false) => &[(Kind::Words, "learned, words alone")],
        };
        for (done, (kind, name)) in kinds.iter().enumerate() {
            let values = left_out(cases, &measured, *kind, plan, &|fold, folds| {
                progress(done * folds + fold, kinds.len() * folds);
            });
            if matches!(kind, Kind::Whole) || (!has_dense && matches!(kind, Kind::Words)) {
                let raw: Vec<Values> = values.iter().map(|(_, raw)| raw.clone()).collect();
                rows.curve("learned, no calibration", &at_prices(cases, &measured, &raw, *kind != Kind::Words));
            }
            let values: Vec<Values> = values.into_iter().map(|(values, _)| values).collect();
            priced(&mut rows, name, cases, &measured, &values, *kind != Kind::Words);
        }
        if plan.ablations {
            rows.curve("tier by question", &by_question(cases, &measured, &search, plan));
        }
    }
    rows.report(cases.turns.len())
}

fn found(case: &Case, is_dense: bool) -> &Found {
    if is_dense { &case.hybrid } else { &case.words }
}

/// Adds what a model's probabilities come to: as a ranking, at prices, under hard caps.
fn priced(rows: &mut Rows<'_>, name: &str, cases: &Cases, measured: &[&Case], values: &[Values], is_dense: bool) {
    let ranked: Vec<Vec<usize>> =
        measured.iter().zip(values).map(|(case, values)| found(case, is_dense).ranked(values)).collect();
    rows.ranking(name, &ranked);
    let labelled = measured
        .iter()
        .zip(values)
        .flat_map(|(case, values)| values.iter().copied().zip(found(case, is_dense).sample.labels.iter().copied()));
    rows.calibrated(name, labelled);
    rows.curve(name, &at_prices(cases, measured, values, is_dense));
    let cap = |cap: &u64| Terms { cap: Some(*cap), items: usize::MAX, price: 0.0, least: 0.0 };
    rows.curve(&format!("{name}, hard cap"), &packed(cases, measured, values, is_dense, CAPS.iter().map(cap)));
}

fn at_prices(cases: &Cases, measured: &[&Case], values: &[Values], is_dense: bool) -> Curve {
    #[expect(clippy::cast_possible_truncation, reason = "a price has no more digits")]
    let terms = |price: f64| Terms { cap: None, items: usize::MAX, price: price as f32, least: 0.0 };
    packed(cases, measured, values, is_dense, prices().into_iter().map(terms))
}

/// The prices of a token that a frontier is drawn by, in evidence.
fn prices() -> Vec<f64> {
    (0..48).map(|step| 0.03 * 0.82_f64.powi(step)).collect()
}

fn packed(
    cases: &Cases,
    measured: &[&Case],
    values: &[Values],
    is_dense: bool,
    terms: impl Iterator<Item = Terms>,
) -> Curve {
    let parcels: Vec<Vec<Parcel>> =
        measured.iter().zip(values).map(|(case, values)| parcels(cases, case, values, is_dense)).collect();
    let point = |terms: Terms| -> Point {
        let outcomes = measured.iter().zip(&parcels).map(|(case, parcels)| {
            let turns = &found(case, is_dense).turns;
            let (_, chosen) = pack(parcels, &terms);
            outcome(cases, case, chosen.into_iter().filter_map(|at| turns.get(at)).copied())
        });
        outcomes.collect()
    };
    Curve::new(terms.map(point))
}

fn parcels(cases: &Cases, case: &Case, values: &[f32], is_dense: bool) -> Vec<Parcel> {
    let found = found(case, is_dense);
    let scene = Scene::new(&found.sample.question, &found.sample.found);
    let all = found.turns.iter().zip(values).zip(scene.into_terms());
    let parcel = |((turn, value), terms): ((&usize, &f32), Vec<u32>)| Parcel {
        probability: *value,
        tokens: cases.emitted(case, *turn).map_or(u32::MAX, |emitted| emitted.tokens),
        terms,
    };
    all.map(parcel).collect()
}

/// What a question gets when some turns are emitted.
fn outcome(cases: &Cases, case: &Case, turns: impl Iterator<Item = usize>) -> Outcome {
    let (mut tokens, mut found, mut said) = (0, 0, BTreeSet::new());
    for turn in turns {
        let Some(emitted) = cases.emitted(case, turn) else { continue };
        tokens += u64::from(emitted.tokens);
        found += usize::from(case.evidence.contains(&turn));
        said.extend(case.answer.iter().filter(|term| emitted.terms.contains(*term)));
    }
    let share = |part: usize, whole: usize| if whole == 0 { 0.0 } else { real(part) / real(whole) };
    Outcome {
        tokens: real(usize::try_from(tokens).unwrap_or(usize::MAX)),
        evidence: share(found, case.evidence.len()),
        all: if found == case.evidence.len() { 1.0 } else { 0.0 },
        answer: share(said.len(), case.answer.len()),
    }
}

/// A ranking packed by rank under each cap.
fn by_rank(cases: &Cases, measured: &[&Case], rankings: &[Vec<usize>]) -> Curve {
    let point = |cap: &u64| -> Point {
        let outcomes = measured.iter().zip(rankings).map(|(case, ranked)| {
            let mut left = *cap;
            let fits = ranked.iter().copied().filter(|turn| {
                let tokens = cases.emitted(case, *turn).map_or(u64::MAX, |emitted| emitted.tokens.into());
                let fits = tokens <= left;
                left -= if fits { tokens } else { 0 };
                fits
            });
            outcome(cases, case, fits)
        });
        outcomes.collect()
    };
    Curve::new(CAPS.iter().map(point))
}

fn full(cases: &Cases, measured: &[&Case]) -> Point {
    let all = |case: &&Case| {
        let turns = cases.turns.get(case.hybrid.sample.conversation).map_or(0, Vec::len);
        outcome(cases, case, 0..turns)
    };
    measured.iter().map(all).collect()
}

fn probabilities(model: &Value, found: &Found) -> Values {
    model.probabilities(&Scene::new(&found.sample.question, &found.sample.found))
}

/// The probabilities, and the raw scores as if they were such, of each measured question, by a model that was learnt without
/// its conversation.
fn left_out(
    cases: &Cases,
    measured: &[&Case],
    kind: Kind,
    plan: &Plan<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Vec<(Values, Values)> {
    let of = |case: &Case| -> Sample {
        let mut sample = found(case, kind != Kind::Words).sample.clone();
        if kind == Kind::NoNeighbours {
            sample.rows.iter_mut().for_each(|row| blank(row, &["neighbours", "session"]));
        }
        sample
    };
    let samples: Vec<Sample> = cases.all.iter().map(of).collect();
    let folds = folds(measured, plan);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<Vec<Valued>>> = Mutex::default();
    let work = || {
        while let Some(fold) = folds.get(next.fetch_add(1, Ordering::SeqCst)) {
            let seen: Vec<&Sample> = samples.iter().filter(|sample| !fold.contains(&sample.conversation)).collect();
            let held = measured.iter().enumerate().filter(|(_, case)| fold.contains(&case.hybrid.sample.conversation));
            let valued = valued(kind, &seen, held, &of, plan);
            if let Ok(mut results) = results.lock() {
                results.push(valued);
            }
            progress(done.fetch_add(1, Ordering::SeqCst) + 1, folds.len());
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..plan.threads.get().min(folds.len()) {
            scope.spawn(work);
        }
    });
    let mut all: Vec<Valued> = results.into_inner().unwrap_or_default().into_iter().flatten().collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, values)| values).collect()
}

/// Learns from what is seen, and values what is held out.
fn valued<'c>(
    kind: Kind,
    seen: &[&Sample],
    held: impl Iterator<Item = (usize, &'c &'c Case)>,
    of: &dyn Fn(&Case) -> Sample,
    plan: &Plan<'_>,
) -> Vec<Valued> {
    if kind == Kind::Linear {
        let linear = Linear::learn(seen);
        return held
            .map(|(at, case)| {
                let values: Values = of(case).rows.iter().map(|row| linear.probability(row)).collect();
                (at, (values.clone(), values))
            })
            .collect();
    }
    let model = train(seen, &plan.learning);
    held.map(|(at, case)| {
        let sample = of(case);
        let raw = sample.rows.iter().map(|row| sigmoid(model.trees.value(row))).collect();
        (at, (sample.rows.iter().map(|row| model.probability(row)).collect(), raw))
    })
    .collect()
}

/// Takes from a row what some groups of features say.
fn blank(row: &mut [f32], groups: &[&str]) {
    let mut rest = row;
    for (group, names) in GROUPS {
        let Some((own, others)) = rest.split_at_mut_checked(names.len()) else { break };
        if groups.contains(&group) {
            own.fill(f32::NAN);
        }
        rest = others;
    }
}

/// The conversations of each part that is left out together.
fn folds(measured: &[&Case], plan: &Plan<'_>) -> Vec<BTreeSet<usize>> {
    let conversations: BTreeSet<usize> = measured.iter().map(|case| case.hybrid.sample.conversation).collect();
    let count = if plan.together { 1 } else { conversations.len().min(FOLDS) };
    let mut folds = vec![BTreeSet::new(); count];
    for (at, conversation) in conversations.into_iter().enumerate() {
        if let Some(fold) = folds.get_mut(at % count.max(1)) {
            fold.insert(conversation);
        }
    }
    folds
}

/// A router that chooses one cap for the whole question, by what it expects of each: trees over what is known of the question
/// and the head of its ranking, and the cap, learnt leaving one conversation out.
fn by_question(cases: &Cases, measured: &[&Case], curve: &Curve, plan: &Plan<'_>) -> Curve {
    let points: Vec<&Point> = curve.points().collect();
    let row = |case: &Case, setting: usize| -> Vec<f32> {
        let rows = &case.hybrid.sample.rows;
        let head = [0, 1, 4, 9].into_iter().map(|at| rows.get(at).cloned().unwrap_or_else(|| vec![f32::NAN; width()]));
        let mut row: Vec<f32> = head.flatten().collect();
        row.push(u8::try_from(setting).map_or(0.0, f32::from));
        row
    };
    let all: Vec<&Case> =
        cases.all.iter().filter(|case| measured.iter().any(|one| std::ptr::eq(*one, *case))).collect();
    let mut expected = vec![vec![0.0; measured.len()]; points.len()];
    for fold in folds(measured, plan) {
        let mut examples = Examples::default();
        for (question, case) in
            all.iter().enumerate().filter(|(_, case)| !fold.contains(&case.hybrid.sample.conversation))
        {
            #[expect(clippy::cast_possible_truncation, reason = "a share has no more digits")]
            let reached = |point: &&Point| point.get(question).map_or(0.0, |outcome| outcome.evidence as f32);
            examples.push((0..points.len()).map(|setting| row(case, setting)), points.iter().map(reached));
        }
        let trees = boost(&examples, &plan.learning.trees, plan.learning.seed);
        for (question, case) in
            measured.iter().enumerate().filter(|(_, case)| fold.contains(&case.hybrid.sample.conversation))
        {
            for (setting, expected) in expected.iter_mut().enumerate() {
                if let Some(expected) = expected.get_mut(question) {
                    *expected = f64::from(sigmoid(trees.value(&row(case, setting))));
                }
            }
        }
    }
    let value = |(setting, question): (usize, usize), _: &Outcome| {
        expected.get(setting).and_then(|expected| expected.get(question)).copied().unwrap_or_default()
    };
    chosen(&points, &prices(), value)
}

fn real(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nobody emits 2^53 tokens")]
    {
        count as f64
    }
}
