//! Whether the learnt ways are taken: a test by betting (Waudby-Smith and Ramdas 2024, on estimating means by betting).
//!
//! A capital of 1 is bet, trial after trial, on the learnt ways gaining something. If they gain nothing, no way of betting
//! makes it twenty times as much at any moment with a probability above one in twenty (Ville's inequality); so once it did, they are
//! believed. Then it is bet against them, so that a world that changed is noticed by the same measure.
//!
//! INVARIANT: a bet is made by the gains before it only, and is so small that the capital stays positive.

/// How many times as much the capital has to become.
pub(super) const NEEDED: f64 = 20.0;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Gate {
    is_open: bool,
    /// The capital of whoever bets that what is done now is not the best.
    capital: f64,
    /// Of the gains: how many, their sum and that of their squares.
    count: f64,
    sum: f64,
    squares: f64,
}

impl Default for Gate {
    fn default() -> Gate {
        Gate { is_open: false, capital: 1.0, count: 0.0, sum: 0.0, squares: 0.0 }
    }
}

impl Gate {
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// How many times as much the bet capital is.
    pub(super) fn evidence(&self) -> f64 {
        self.capital
    }

    /// Bets on a gain, which is at most `most` and at least its negative.
    pub(super) fn bet(&mut self, gain: f64, most: f64) {
        let direction = if self.is_open { -1.0 } else { 1.0 };
        // One gain of nothing and of the size 1 is counted beforehand, so that the first bet is 0.
        let (mean, square) = (self.sum / (self.count + 1.0), (self.squares + 1.0) / (self.count + 1.0));
        let stake = (direction * mean / square).clamp(0.0, 0.5 / most);
        self.capital *= 1.0 + stake * direction * gain.clamp(-most, most);
        self.count += 1.0;
        self.sum += gain;
        self.squares += gain * gain;
        if self.capital >= NEEDED {
            *self = Gate { is_open: !self.is_open, ..Gate::default() };
        }
    }
}
