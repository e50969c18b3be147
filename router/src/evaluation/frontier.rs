//! Quality against tokens: what a way of choosing emits at each of its settings, and what mixtures of settings reach.
//!
//! Ways are compared at equal mean tokens. Between two settings lies their random mixture: each question takes one or the other
//! with a fixed chance, so that its expected outcome is the line between the two.

use std::cmp::Ordering;

/// What one question got.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Outcome {
    /// Tokens emitted.
    pub tokens: f64,
    /// The share of the evidence among what was emitted.
    pub evidence: f64,
    /// Whether all of it is.
    pub all: f64,
    /// The share of the answer's terms in what was emitted.
    pub answer: f64,
}

impl Outcome {
    fn mixed(self, other: Outcome, share: f64) -> Outcome {
        let mix = |one: f64, other: f64| one + share * (other - one);
        Outcome {
            tokens: mix(self.tokens, other.tokens),
            evidence: mix(self.evidence, other.evidence),
            all: mix(self.all, other.all),
            answer: mix(self.answer, other.answer),
        }
    }

    /// The mean over questions.
    pub fn mean(all: &[Outcome]) -> Outcome {
        let count = real(all.len().max(1));
        let sum = |value: fn(&Outcome) -> f64| all.iter().map(value).sum::<f64>() / count;
        Outcome {
            tokens: sum(|one| one.tokens),
            evidence: sum(|one| one.evidence),
            all: sum(|one| one.all),
            answer: sum(|one| one.answer),
        }
    }
}

/// One setting of a way of choosing: what each question got.
pub type Point = Vec<Outcome>;

/// A way of choosing at all its settings, by mean tokens ascending.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curve(Vec<(Outcome, Point)>);

impl Curve {
    /// The curve of some settings.
    pub fn new(points: impl IntoIterator<Item = Point>) -> Curve {
        let mut points: Vec<(Outcome, Point)> =
            points.into_iter().map(|point| (Outcome::mean(&point), point)).collect();
        points.sort_by(|one, other| one.0.tokens.total_cmp(&other.0.tokens));
        Curve(points)
    }

    /// The random mixtures that no other mixture beats: the upper concave hull of several curves, emitting nothing included.
    pub fn hull(curves: &[&Curve]) -> Curve {
        let questions =
            curves.iter().flat_map(|curve| &curve.0).map(|(_, point)| point.len()).next().unwrap_or_default();
        let mut hull: Vec<(Outcome, Point)> = vec![(Outcome::default(), vec![Outcome::default(); questions])];
        let mut all: Vec<&(Outcome, Point)> = curves.iter().flat_map(|curve| &curve.0).collect();
        all.sort_by(|one, other| one.0.tokens.total_cmp(&other.0.tokens));
        for next in all {
            while let [.., before, last] = hull.as_slice() {
                let slope =
                    |from: &Outcome, to: &Outcome| (to.evidence - from.evidence) / (to.tokens - from.tokens).max(1e-9);
                if slope(&before.0, &last.0) > slope(&last.0, &next.0) {
                    break;
                }
                hull.pop();
            }
            if hull.last().is_none_or(|last| next.0.evidence > last.0.evidence) {
                hull.push(next.clone());
            }
        }
        Curve(hull)
    }

    /// The mean tokens and outcomes of the settings.
    pub fn means(&self) -> impl Iterator<Item = Outcome> {
        self.0.iter().map(|(mean, _)| *mean)
    }

    /// What each question got at each setting.
    pub fn points(&self) -> impl Iterator<Item = &Point> {
        self.0.iter().map(|(_, point)| point)
    }

    /// What each question gets at some mean number of tokens; at the end of the curve, what it has there.
    pub fn at(&self, tokens: f64) -> Point {
        let after = self.0.partition_point(|(mean, _)| mean.tokens.partial_cmp(&tokens) == Some(Ordering::Less));
        let at = |place: usize| self.0.get(place);
        match (after.checked_sub(1).and_then(at), at(after)) {
            (Some((less, before)), Some((more, next))) if more.tokens > less.tokens => {
                let share = (tokens - less.tokens) / (more.tokens - less.tokens);
                before.iter().zip(next).map(|(one, other)| one.mixed(*other, share)).collect()
            }
            (None, Some((more, next))) => {
                // Below the least setting lies its mixture with nothing at all.
                let share = if more.tokens > 0.0 { tokens / more.tokens } else { 1.0 };
                next.iter().map(|one| Outcome::default().mixed(*one, share)).collect()
            }
            (Some((_, point)), _) => point.clone(),
            (None, None) => Point::new(),
        }
    }
}

/// For each question the best of several settings, for each of some prices of a token: what no choice by question can beat.
pub fn oracle(curves: &[&Curve], prices: &[f64]) -> Curve {
    let points: Vec<&Point> = curves.iter().flat_map(|curve| curve.0.iter().map(|(_, point)| point)).collect();
    chosen(&points, prices, |_, outcome| outcome.evidence)
}

/// For each question the setting that some value, less the price of its tokens, says is best.
pub fn chosen(points: &[&Point], prices: &[f64], value: impl Fn((usize, usize), &Outcome) -> f64) -> Curve {
    let questions = points.first().map_or(0, |point| point.len());
    let best = |price: &f64| -> Point {
        let of = |question: usize| {
            let settings =
                points.iter().enumerate().filter_map(|(setting, point)| Some((setting, point.get(question)?)));
            let worth =
                |setting: usize, outcome: &Outcome| value((setting, question), outcome) - price * outcome.tokens;
            let best = settings.max_by(|one, other| worth(one.0, one.1).total_cmp(&worth(other.0, other.1)));
            best.map(|(_, outcome)| *outcome).unwrap_or_default()
        };
        (0..questions).map(of).collect()
    };
    Curve::new(prices.iter().map(best))
}

fn real(count: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nobody asks 2^53 questions")]
    {
        count as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(outcomes: &[(f64, f64)]) -> Point {
        outcomes
            .iter()
            .map(|(tokens, evidence)| Outcome { tokens: *tokens, evidence: *evidence, ..Outcome::default() })
            .collect()
    }

    #[test]
    fn between_settings_lies_their_mixture_and_the_hull_leaves_out_what_one_beats() {
        let curve = Curve::new([
            point(&[(10.0, 0.5), (10.0, 0.0)]),
            point(&[(30.0, 0.5), (30.0, 0.0)]),
            point(&[(50.0, 1.0); 2]),
        ]);
        let at = Outcome::mean(&curve.at(40.0));
        assert!((at.evidence - 0.625).abs() < 1e-12 && (at.tokens - 40.0).abs() < 1e-12, "{at:?}");
        let hull = Curve::hull(&[&curve]);
        assert_eq!(hull.means().map(|mean| mean.tokens).collect::<Vec<_>>(), [0.0, 10.0, 50.0]);
        let at = Outcome::mean(&hull.at(30.0));
        assert!((at.evidence - 0.625).abs() < 1e-12, "half way from a quarter to all: {at:?}");
    }

    #[test]
    fn an_oracle_takes_for_each_question_what_is_best_for_it() {
        let curve = Curve::new([point(&[(10.0, 1.0), (10.0, 0.0)]), point(&[(50.0, 1.0); 2])]);
        let best = oracle(&[&curve], &[0.001]);
        assert_eq!(best.at(30.0), point(&[(10.0, 1.0), (50.0, 1.0)]));
    }
}
