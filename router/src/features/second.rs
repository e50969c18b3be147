//! What is known of a candidate once all have a first value: what its neighbours and its session are worth, and whether it is
//! like what looks like an answer (stacking, Wolpert 1992; feedback from the first ranking, Rocchio 1971).

use super::{Column, Group, Scene, Sessions, number, ratio, real};
use memory::embed::cosine;

/// The features that come after those of the first stage.
pub const SECOND: [Group; 1] = [(
    "second",
    &[
        "value", "value rank", "value below best", "value share", "value before", "value after", "value two away", "session mass",
        "best other of session", "session rank", "near the valued", "near the best", "says what the valued say", "repeats the valued",
        "speaker of the best", "distance to the best",
    ],
)];

/// How many of the best say what an answer looks like.
const VALUED: usize = 4;

/// The features of [`SECOND`] for each candidate, by the values of the first stage.
pub fn second(scene: &Scene<'_>, values: &[f32]) -> Vec<Vec<f32>> {
    let column = Column::new(values.iter().copied().map(Some));
    let sessions = Sessions::new(scene, values);
    let mut order: Vec<usize> = (0..scene.len()).collect();
    order.sort_by(|one, other| number(values, *other).total_cmp(&number(values, *one)).then(one.cmp(other)));
    let valued: Vec<(usize, f32)> = order.iter().take(VALUED + 1).map(|at| (*at, number(values, *at))).collect();
    let stage = Stage { scene, values, column, sessions, valued };
    (0..scene.len()).map(|at| stage.row(at).to_vec()).collect()
}

struct Stage<'s> {
    scene: &'s Scene<'s>,
    values: &'s [f32],
    column: Column,
    sessions: Sessions,
    valued: Vec<(usize, f32)>,
}

impl Stage<'_> {
    fn row(&self, at: usize) -> [f32; 16] {
        let value = number(self.values, at);
        let near = |by: i64| self.scene.neighbour(at, by).map_or(0.0, |at| number(self.values, at));
        let session = self.scene.texts.get(at).and_then(|text| text.turn).and_then(|(one, _)| self.sessions.of.get(&one));
        let other = session.map_or(f32::NAN, |session| if value >= session.best { session.second } else { session.best });
        let [mean, best, says, repeats] = self.likeness(at);
        let [speaker, distance] = self.to_the_best(at);
        [
            value,
            number(&self.column.rank, at).ln_1p(),
            self.column.best - value,
            ratio(value, self.values.iter().sum()),
            near(-1),
            near(1),
            near(-2).max(near(2)),
            session.map_or(f32::NAN, |session| session.mass - value),
            other.max(0.0),
            session.map_or(f32::NAN, |session| session.rank.ln_1p()),
            mean,
            best,
            says,
            repeats,
            speaker,
            distance,
        ]
    }

    /// How near it is to the valued ones, by meaning on average and at most, by words, and whether it repeats one of them.
    fn likeness(&self, at: usize) -> [f32; 4] {
        let Some(text) = self.scene.texts.get(at) else { return [f32::NAN; 4] };
        let vector = |at: usize| self.scene.found.views.get(at).and_then(|view| view.vector.as_deref());
        let own = vector(at);
        let (mut mean, mut best, mut says, mut weight, mut repeats) = (0.0, 0.0_f32, 0.0, 0.0, 0.0_f32);
        for (other, value) in self.valued.iter().filter(|(other, _)| *other != at).take(VALUED) {
            let near = own.zip(vector(*other)).map_or(f32::NAN, |(own, other)| cosine(own, other));
            let Some(of) = self.scene.texts.get(*other) else { continue };
            mean += value * near;
            best = if near.is_nan() { f32::NAN } else { best.max(near) };
            says += value * self.scene.share(text, of);
            weight += value;
            repeats = repeats.max(text.likeness(of));
        }
        [ratio(mean, weight), best, ratio(says, weight), repeats]
    }

    /// Whether it is said by whom the best is said by, and how far from it in its conversation.
    fn to_the_best(&self, at: usize) -> [f32; 2] {
        let best = self.valued.iter().find(|(best, _)| *best != at).and_then(|(best, _)| self.scene.texts.get(*best));
        let (Some(text), Some(best)) = (self.scene.texts.get(at), best) else { return [f32::NAN; 2] };
        let same = if text.speaker == best.speaker { 1.0 } else { 0.0 };
        let distance = match (text.turn, best.turn) {
            (Some((one, place)), Some((other, of_best))) if one == other => real(place.abs_diff(of_best)).ln_1p(),
            _ => 9.0,
        };
        [same, distance]
    }
}
