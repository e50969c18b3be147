//! What is known of each candidate for a question, as numbers: the input of the value model.
//!
//! A candidate is compared with the others of the same search, as ranks, z-scores and shares, so that the numbers mean the
//! same in a conversation of a hundred turns and in a store of a hundred thousand. What is not known is not a number, and the
//! model learns what that means. Of the language only one small list is used, which tells what a question asks for.
//!
//! INVARIANT: the numbers depend on nothing but the question and the candidates.

mod asked;
mod text;

use asked::Asked;
use memory::index::{Candidates, Said};
use memory::rank::sorted;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use text::{Lexicon, Text};

/// What is known beforehand of a feature: that the chance of being evidence rises with it, or falls; or nothing.
const RISES: f32 = 1.0;
const FALLS: f32 = -1.0;
const OPEN: f32 = 0.0;

/// Features that tell of one thing, each with its name and the direction in which everybody would say beforehand that it
/// counts: what an ablation leaves out at once.
pub type Group = (&'static str, &'static [(&'static str, f32)]);

/// The features in their order.
pub const GROUPS: [Group; 7] = [
    (
        "words",
        &[
            ("lexical z", RISES),
            ("lexical share of best", RISES),
            ("lexical per weight", RISES),
            ("lexical rank", FALLS),
        ],
    ),
    (
        "dense",
        &[
            ("cosine", OPEN),
            ("cosine z", RISES),
            ("cosine below best", FALLS),
            ("cosine rank", FALLS),
            ("cosine rank to lexical", OPEN),
        ],
    ),
    ("fused", &[("score z", RISES), ("score below best", FALLS), ("score rank", FALLS), ("reciprocal ranks", RISES)]),
    (
        "neighbours",
        &[
            ("lexical before", RISES),
            ("lexical after", RISES),
            ("lexical two away", RISES),
            ("cosine before", RISES),
            ("cosine after", RISES),
            ("cosine two away", RISES),
            ("window cosine", RISES),
            ("window below best", FALLS),
            ("question before", OPEN),
            ("cover with neighbours", RISES),
            ("cover before", OPEN),
        ],
    ),
    (
        "session",
        &[
            ("share of lexical mass", OPEN),
            ("share of candidates", OPEN),
            ("best other", OPEN),
            ("rank of session", FALLS),
            ("place", OPEN),
            ("relative place", OPEN),
            ("age", OPEN),
        ],
    ),
    (
        "text",
        &[
            ("cover", RISES),
            ("heaviest term", RISES),
            ("terms found", RISES),
            ("rarest term", RISES),
            ("adjacent terms", RISES),
            ("cover by beginnings", RISES),
            ("name found", OPEN),
            ("speaker named", RISES),
            ("other speaker named", FALLS),
            ("length", RISES),
            ("is question", FALLS),
            ("digits", OPEN),
            ("times", OPEN),
            ("repeats better", OPEN),
            ("density", OPEN),
            ("like the best", RISES),
            ("time asked for", RISES),
        ],
    ),
    (
        "question",
        &[
            ("asks when", OPEN),
            ("asks where", OPEN),
            ("asks who", OPEN),
            ("asks how many", OPEN),
            ("asks why", OPEN),
            ("asks how", OPEN),
            ("asks what may be", OPEN),
            ("asks what", OPEN),
            ("question length", OPEN),
            ("question weight", OPEN),
            ("best cover", OPEN),
            ("best cosine", OPEN),
            ("lead of the best", OPEN),
            ("candidates", OPEN),
        ],
    ),
];

/// How many of the features, the last ones, tell of the question, and are the same for all candidates.
pub const QUESTION: usize = 14;

/// How many better candidates a text is compared with.
const BETTER: usize = 20;
/// The best candidates whose terms say what an answer looks like.
const LEADERS: usize = 5;

/// The question, the candidates, and everything about them that several features need.
#[derive(Debug)]
pub struct Scene<'c> {
    found: &'c Candidates,
    asked: Asked,
    texts: Vec<Text<'c>>,
    /// The weights of the terms of the candidates, by their numbers; of terms that are not asked for, by the candidates alone.
    weights: Vec<f32>,
    lexical: Column,
    dense: Column,
    window: Column,
    score: Column,
    /// The places of candidates by conversation and place in it.
    turns: FxHashMap<(u32, u32), usize>,
    /// When the first candidate was said, and the last.
    span: [u64; 2],
}

/// The terms of the text that is looked at, marked by number: what asks for them again and again searches for none.
#[derive(Debug)]
struct Marks(Vec<bool>);

impl Marks {
    fn set(&mut self, terms: &[u32], to: bool) {
        for term in terms {
            if let Some(mark) = usize::try_from(*term).ok().and_then(|term| self.0.get_mut(term)) {
                *mark = to;
            }
        }
    }

    fn has(&self, term: u32) -> bool {
        usize::try_from(term).ok().and_then(|term| self.0.get(term)).copied().unwrap_or_default()
    }
}

/// One of the best candidates: what it says that was not asked for.
#[derive(Debug)]
struct Leader {
    /// Terms with their weights.
    unasked: Vec<(u32, f32)>,
    /// The sum of the weights.
    weight: f32,
}

impl<'c> Scene<'c> {
    /// Reads the question and the candidates.
    pub fn new(question: &str, found: &'c Candidates) -> Scene<'c> {
        let mut lexicon = Lexicon::of(found.views.iter().map(|view| view.terms.len()).sum());
        let asked = Asked::new(question, &found.terms, &mut lexicon);
        let both = found.hits.iter().zip(&found.views);
        let texts: Vec<Text<'_>> =
            both.map(|(hit, view)| Text::new(&hit.stored.record, &view.terms, &asked, &mut lexicon)).collect();
        let weights = lexicon.weights(&texts, &asked);
        let column = |value: &dyn Fn(usize) -> Option<f32>| Column::new((0..found.hits.len()).map(value));
        let hit = |at: usize| found.hits.get(at);
        let turns = texts.iter().enumerate().filter_map(|(at, text)| Some((text.turn?, at)));
        let times = || texts.iter().map(|text| text.said_at);
        Scene {
            lexical: column(&|at| Some(hit(at)?.lexical.unwrap_or_default())),
            dense: column(&|at| hit(at)?.dense),
            window: column(&|at| found.views.get(at)?.window),
            score: column(&|at| Some(hit(at)?.score)),
            turns: turns.collect(),
            span: [times().min().unwrap_or_default(), times().max().unwrap_or_default()],
            found,
            asked,
            texts,
            weights,
        }
    }

    /// How many candidates there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Tells whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// The terms of each candidate by number, ascending, each once.
    pub fn into_terms(self) -> impl Iterator<Item = Vec<u32>> {
        self.texts.into_iter().map(|text| text.set)
    }

    /// Whether there are vectors.
    pub fn has_dense(&self) -> bool {
        self.dense.best.is_finite() && self.dense.deviation > 0.0
    }

    /// What is known of the question: the last group of [`GROUPS`].
    pub fn of_question(&self) -> [f32; QUESTION] {
        self.question()
    }

    /// The features of [`GROUPS`] for each candidate.
    pub fn rows(&self) -> Vec<Vec<f32>> {
        let (sessions, question) = (Sessions::new(self), self.question());
        let leaders: Vec<Leader> = self.texts.iter().take(LEADERS + 1).map(|text| self.leader(text)).collect();
        let mut marks = Marks(vec![false; self.weights.len()]);
        let all = self.texts.iter().enumerate().map(|(at, text)| {
            marks.set(&text.set, true);
            let row = [
                self.words(at).as_slice(),
                &self.meaning(at),
                &self.fused(at),
                &self.neighbours(at),
                &self.session(at, &sessions),
                &self.text(at, text, &marks, &leaders),
                &question,
            ]
            .concat();
            marks.set(&text.set, false);
            row
        });
        all.collect()
    }

    fn leader(&self, text: &Text<'_>) -> Leader {
        let weight = |term: &u32| usize::try_from(*term).ok().map_or(0.0, |term| number(&self.weights, term));
        let unasked = text.set.iter().filter(|term| !self.asked.has(**term)).map(|term| (*term, weight(term)));
        let unasked: Vec<(u32, f32)> = unasked.collect();
        Leader { weight: unasked.iter().fold(0.0, |sum, (_, weight)| sum + weight), unasked }
    }

    fn words(&self, at: usize) -> [f32; 4] {
        let Column { z, value, rank, best, .. } = &self.lexical;
        let lexical = number(value, at);
        [number(z, at), ratio(lexical, *best), ratio(lexical, self.asked.weight), number(rank, at).ln_1p()]
    }

    fn meaning(&self, at: usize) -> [f32; 5] {
        let Column { z, value, rank, best, .. } = &self.dense;
        let (cosine, rank) = (number(value, at), number(rank, at).ln_1p());
        [cosine, number(z, at), best - cosine, rank, rank - number(&self.lexical.rank, at).ln_1p()]
    }

    fn fused(&self, at: usize) -> [f32; 4] {
        let Column { z, value, rank, best, deviation, .. } = &self.score;
        let reciprocal = |column: &Column| {
            let rank = number(&column.rank, at);
            if rank.is_nan() { 0.0 } else { 10.0 / (10.0 + rank) }
        };
        let below = ratio(best - number(value, at), *deviation);
        [number(z, at), below, number(rank, at).ln_1p(), reciprocal(&self.lexical) + reciprocal(&self.dense)]
    }

    fn neighbours(&self, at: usize) -> [f32; 11] {
        let around = self.found.views.get(at).map(|view| view.around).unwrap_or_default();
        let [two_before, before, after, two_after] = around;
        let lexical = |said: Option<Said>| said.map_or(f32::NAN, |said| ratio(said.lexical, self.lexical.best));
        let dense = |said: Option<Said>| {
            said.and_then(|said| said.dense)
                .map_or(f32::NAN, |cosine| ratio(cosine - self.dense.mean, self.dense.deviation))
        };
        let text = |by: i64| self.neighbour(at, by).and_then(|at| self.texts.get(at));
        let (before_it, after_it) = (text(-1), text(1));
        let question = before_it.map_or(f32::NAN, |text| text.is_question);
        let window = number(&self.window.value, at);
        [
            lexical(before),
            lexical(after),
            lexical(two_before).max(lexical(two_after)),
            dense(before),
            dense(after),
            dense(two_before).max(dense(two_after)),
            window,
            self.window.best - window,
            question,
            self.cover([before_it, self.texts.get(at), after_it]),
            self.cover([before_it, None, None]),
        ]
    }

    fn session(&self, at: usize, sessions: &Sessions) -> [f32; 7] {
        let Some(text) = self.texts.get(at) else { return [f32::NAN; 7] };
        let Some(session) = text.turn.and_then(|(session, _)| sessions.of.get(&session)) else {
            return [f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::NAN, f32::NAN, self.age(text)];
        };
        let place = text.turn.map_or(f32::NAN, |(_, place)| real(place));
        let own = number(&self.score.z, at);
        let other = if own >= session.best { session.second } else { session.best };
        [
            ratio(session.lexical, sessions.lexical),
            ratio(session.count, real(self.len())),
            other,
            session.rank.ln_1p(),
            place.ln_1p(),
            ratio(place, session.last),
            self.age(text),
        ]
    }

    fn text(&self, at: usize, text: &Text<'_>, marks: &Marks, leaders: &[Leader]) -> [f32; 17] {
        let better = self.texts.get(at.saturating_sub(BETTER)..at).unwrap_or_default();
        let repeats = better.iter().map(|other| likeness(text, other, marks)).fold(0.0, f32::max);
        let cover = self.cover([Some(text), None, None]);
        let found = || self.asked.terms.iter().zip(&text.found).filter(|(_, found)| **found).map(|(term, _)| term.1);
        let weights = self.asked.terms.iter().map(|(_, weight)| *weight).fold(0.0, f32::max);
        let rarest = self.asked.rarest.map_or(f32::NAN, |term| flag(marks.has(term)));
        let [speaker, other] = self.asked.speakers(text);
        let length = real(text.length).ln_1p();
        [
            cover,
            ratio(found().fold(0.0, f32::max), weights),
            ratio(real(found().count()), real(self.asked.terms.len())),
            rarest,
            text.adjacent,
            self.asked.by_beginnings(text),
            self.asked.names(|term| marks.has(term)),
            speaker,
            other,
            length,
            text.is_question,
            text.digits,
            text.times,
            repeats,
            ratio(cover, length),
            like_the_best(at, marks, leaders),
            text.time_asked,
        ]
    }

    fn question(&self) -> [f32; QUESTION] {
        let best_cover = self.texts.iter().map(|text| self.cover([Some(text), None, None])).fold(0.0, f32::max);
        let lead = number(&self.score.z, 0) - number(&self.score.z, 1.max(self.len().min(10)) - 1);
        let [when, place, who, many, why, how, may, what] = self.asked.kinds;
        let length = real(self.asked.terms.len());
        let weight = ratio(self.asked.weight, length);
        [
            when,
            place,
            who,
            many,
            why,
            how,
            may,
            what,
            length,
            weight,
            best_cover,
            self.dense.best,
            lead,
            real(self.len()),
        ]
    }

    /// How much of what weighs in the question some texts have together.
    fn cover(&self, texts: [Option<&Text<'_>>; 3]) -> f32 {
        let held = |at: usize| texts.iter().flatten().any(|text| text.found.get(at).copied().unwrap_or_default());
        let found = self.asked.terms.iter().enumerate().filter(|(at, _)| held(*at)).map(|(_, (_, weight))| *weight);
        ratio(found.sum(), self.asked.weight)
    }

    fn age(&self, text: &Text<'_>) -> f32 {
        let [first, last] = self.span;
        ratio(real(text.said_at - first), real(last - first))
    }

    /// The candidate that was said so far after another one.
    fn neighbour(&self, at: usize, by: i64) -> Option<usize> {
        let (conversation, place) = self.texts.get(at)?.turn?;
        self.turns.get(&(conversation, u32::try_from(i64::from(place) + by).ok()?)).copied()
    }
}

/// How alike two texts are in their terms: 1 for the same, 0 for none in common (Jaccard). The first one's are marked.
fn likeness(text: &Text<'_>, other: &Text<'_>, marks: &Marks) -> f32 {
    let common = other.set.iter().filter(|term| marks.has(**term)).count();
    let all = text.set.len() + other.set.len() - common;
    if all == 0 { 0.0 } else { real(common) / real(all) }
}

/// How much of the terms of the best candidates a text has, itself left out: what the question did not say, and its answers
/// may (pseudo-relevance feedback).
fn like_the_best(at: usize, marks: &Marks, leaders: &[Leader]) -> f32 {
    let share = |leader: &Leader| {
        let held = leader.unasked.iter().filter(|(term, _)| marks.has(*term));
        ratio(held.fold(0.0, |sum, (_, weight)| sum + weight), leader.weight)
    };
    let others = leaders.iter().enumerate().filter(|(other, _)| *other != at).take(LEADERS);
    others.map(|(_, leader)| share(leader)).sum::<f32>() / real(LEADERS)
}

/// What the candidates of each conversation come to.
#[derive(Debug, Default)]
struct Sessions {
    /// In their order: sums of numbers depend on it.
    of: BTreeMap<u32, Session>,
    lexical: f32,
}

#[derive(Debug, Default, Clone)]
struct Session {
    lexical: f32,
    count: f32,
    best: f32,
    second: f32,
    third: f32,
    last: f32,
    rank: f32,
}

impl Sessions {
    /// Sums up by session.
    fn new(scene: &Scene<'_>) -> Sessions {
        let mut of: BTreeMap<u32, Session> = BTreeMap::new();
        for (at, text) in scene.texts.iter().enumerate() {
            let Some((session, place)) = text.turn else { continue };
            let none = Session { best: -9.0, second: -9.0, third: -9.0, ..Session::default() };
            let session = of.entry(session).or_insert(none);
            session.lexical += number(&scene.lexical.value, at);
            session.count += 1.0;
            session.last = session.last.max(real(place));
            let value = number(&scene.score.z, at);
            let Session { best, second, third, .. } = session;
            if value > *best {
                (*third, *second, *best) = (*second, *best, value);
            } else if value > *second {
                (*third, *second) = (*second, value);
            } else {
                *third = third.max(value);
            }
        }
        let strength = |session: &Session| f64::from(session.best + session.second.max(-1.0) + session.third.max(-1.0));
        let ranked = sorted(of.iter().map(|(number, session)| (*number, strength(session))).collect());
        for (rank, (number, _)) in ranked.iter().enumerate() {
            if let Some(session) = of.get_mut(number) {
                session.rank = real(rank);
            }
        }
        Sessions { lexical: of.values().map(|session| session.lexical).sum(), of }
    }
}

/// One score of all candidates, and what it comes to.
#[derive(Debug, Default)]
struct Column {
    value: Vec<f32>,
    z: Vec<f32>,
    rank: Vec<f32>,
    best: f32,
    /// Of what is known; 0 where nothing is.
    mean: f32,
    deviation: f32,
}

impl Column {
    fn new(values: impl Iterator<Item = Option<f32>>) -> Column {
        let value: Vec<f32> = values.map(|value| value.unwrap_or(f32::NAN)).collect();
        let known = || value.iter().copied().filter(|value| !value.is_nan());
        let count = real(known().count()).max(1.0);
        let mean = known().sum::<f32>() / count;
        let deviation = (known().map(|value| (value - mean).powi(2)).sum::<f32>() / count).sqrt();
        let z = value.iter().map(|value| ratio(value - mean, deviation)).collect();
        let places = value.iter().enumerate().filter(|(_, value)| !value.is_nan());
        let mut rank = vec![f32::NAN; value.len()];
        for (place, (at, _)) in sorted(places.map(|(at, value)| (at, f64::from(*value))).collect()).iter().enumerate() {
            if let Some(rank) = rank.get_mut(*at) {
                *rank = real(place);
            }
        }
        let best = known().reduce(f32::max).unwrap_or(f32::NAN);
        let mean = ratio(known().sum(), real(known().count()));
        Column { value, z, rank, best, mean, deviation }
    }
}

/// The names of the features, in their order.
pub fn names() -> impl Iterator<Item = &'static str> {
    GROUPS.iter().flat_map(|(_, features)| features.iter().map(|(name, _)| *name))
}

/// In which direction each feature counts, as far as that is known beforehand: 1 rising, -1 falling, 0 unknown.
pub fn directions() -> Vec<f32> {
    GROUPS.iter().flat_map(|(_, features)| features.iter().map(|(_, direction)| *direction)).collect()
}

/// How many features there are.
pub fn width() -> usize {
    GROUPS.iter().map(|(_, features)| features.len()).sum()
}

/// A number at a place; not a number where there is none.
fn number(numbers: &[f32], at: usize) -> f32 {
    numbers.get(at).copied().unwrap_or(f32::NAN)
}

/// A part of a whole; 0 of nothing.
fn ratio(part: f32, whole: f32) -> f32 {
    if whole > 0.0 { part / whole } else { part * 0.0 }
}

fn flag(is: bool) -> f32 {
    if is { 1.0 } else { 0.0 }
}

/// A count as a number that features are made of.
fn real<N: TryInto<u64>>(count: N) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "features are compared, not counted with")]
    {
        count.try_into().unwrap_or_default() as f32
    }
}
