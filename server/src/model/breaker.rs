//! The circuit breaker: a provider that failed several times in a row is left alone for a while, then asked once.
//!
//! A pure state machine: the time is an argument.

use std::time::Duration;

/// After so many failures in a row the provider is left alone.
const FAILURES: u32 = 5;
/// For how long first, and at most; twice as long after each trial that fails.
const FIRST_REST: Duration = Duration::from_secs(15);
const LONGEST_REST: Duration = Duration::from_mins(5);

/// A circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaker {
    /// Everything passes; so many attempts failed in a row.
    Closed(u32),
    /// Nothing passes before some time; then one attempt does.
    Open {
        /// Until when.
        until: Duration,
        /// How long that was.
        rest: Duration,
    },
    /// One attempt is under way that decides.
    HalfOpen {
        /// When it began; another is let through if it never comes back.
        since: Duration,
        /// How long the last rest was.
        rest: Duration,
    },
    /// Nothing happened yet.
    #[default]
    Fresh,
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The provider answered, be it with a refusal.
    Answered,
    /// It failed.
    Failed,
    /// Nothing can be told: there was too little time.
    Unknown,
}

impl Breaker {
    /// Tells whether an attempt may begin now.
    pub fn admits(&mut self, now: Duration) -> bool {
        match *self {
            Breaker::Fresh | Breaker::Closed(_) => true,
            Breaker::Open { until, rest } | Breaker::HalfOpen { since: until, rest } => {
                let over = match self {
                    Breaker::HalfOpen { .. } => now >= until.saturating_add(rest),
                    _ => now >= until,
                };
                if over {
                    *self = Breaker::HalfOpen { since: now, rest };
                }
                over
            }
        }
    }

    /// Takes note of what came of an attempt.
    pub fn note(&mut self, outcome: Outcome, now: Duration) {
        let open = |rest: Duration| Breaker::Open { until: now.saturating_add(rest), rest };
        *self = match (*self, outcome) {
            (_, Outcome::Answered) => Breaker::Closed(0),
            (Breaker::HalfOpen { rest, .. }, Outcome::Failed) => open((rest * 2).min(LONGEST_REST)),
            // The trial told nothing: the next attempt is one.
            (Breaker::HalfOpen { rest, .. }, Outcome::Unknown) => Breaker::Open { until: now, rest },
            (Breaker::Fresh, Outcome::Failed) => Breaker::Closed(1),
            (Breaker::Closed(failures), Outcome::Failed) if failures + 1 >= FAILURES => open(FIRST_REST),
            (Breaker::Closed(failures), Outcome::Failed) => Breaker::Closed(failures + 1),
            (same, _) => same,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, FAILURES, FIRST_REST, LONGEST_REST, Outcome};
    use std::time::Duration;

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        (0..FAILURES).for_each(|_| breaker.note(Outcome::Failed, Duration::ZERO));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_an_answer_between_them_does_not() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            (0..FAILURES - 1).for_each(|_| breaker.note(Outcome::Failed, Duration::ZERO));
            assert!(breaker.admits(Duration::ZERO));
            breaker.note(Outcome::Answered, Duration::ZERO);
            breaker.note(Outcome::Unknown, Duration::ZERO);
        }
        assert!(!opened().admits(Duration::ZERO));
    }

    #[test]
    fn after_its_rest_one_attempt_decides() {
        let mut breaker = opened();
        assert!(!breaker.admits(FIRST_REST.saturating_sub(Duration::from_millis(1))));
        assert!(breaker.admits(FIRST_REST));
        assert!(!breaker.admits(FIRST_REST), "only one");
        breaker.note(Outcome::Answered, FIRST_REST);
        assert!(breaker.admits(FIRST_REST) && breaker.admits(FIRST_REST));
    }

    #[test]
    fn rests_grow_up_to_the_longest() {
        let (mut breaker, mut now) = (opened(), FIRST_REST);
        for _ in 0..10 {
            assert!(breaker.admits(now));
            breaker.note(Outcome::Failed, now);
            let Breaker::Open { until, rest } = breaker else { panic!("{breaker:?}") };
            assert!(rest <= LONGEST_REST && !breaker.admits(now));
            now = until;
        }
        assert!(matches!(breaker, Breaker::Open { rest: LONGEST_REST, .. }));
    }

    #[test]
    fn an_attempt_that_never_comes_back_does_not_close_it_for_ever() {
        let mut breaker = opened();
        assert!(breaker.admits(FIRST_REST));
        assert!(!breaker.admits((FIRST_REST * 2).saturating_sub(Duration::from_millis(1))));
        assert!(breaker.admits(FIRST_REST * 2));
    }

    #[test]
    fn a_trial_that_tells_nothing_is_followed_by_another() {
        let mut breaker = opened();
        assert!(breaker.admits(FIRST_REST));
        breaker.note(Outcome::Unknown, FIRST_REST);
        assert!(breaker.admits(FIRST_REST));
    }
}
