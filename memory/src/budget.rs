//! What a recall may spend: a hard cap in tokens, time and money that can be split, but neither copied nor overdrawn.
//!
//! Whoever delegates work gives a part of the budget away and has that much less; what the part did not spend comes back
//! with [`Budget::refund`]. Fan-out can therefore not spend the same allowance twice: [`Budget`] is neither `Clone` nor `Copy`.
//!
//! INVARIANT: what a budget and all its parts have spent is never more than its caps, and a part's deadline is never after
//! that of what it was split from. Time itself can't be given back: only tokens and money are refunded.
//!
//! A budget can't be copied:
//! ```compile_fail,E0382
//! # fn twice(mut whole: memory::Budget) {
//! let copy = whole;
//! whole.spend(memory::Cost::default());
//! # }
//! ```
//! nor can a part be used once it was given back:
//! ```compile_fail,E0382
//! # fn twice(mut whole: memory::Budget, mut part: memory::Budget) {
//! whole.refund(part);
//! part.spend(memory::Cost::default());
//! # }
//! ```
//! nor given back twice:
//! ```compile_fail,E0382
//! # fn twice(mut whole: memory::Budget, part: memory::Budget) {
//! whole.refund(part);
//! whole.refund(part);
//! # }
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

/// The caps of one request; what is not named is not capped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The most tokens that the context may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// The most time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// The most money, in US dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<f64>,
}

/// Money, in billionths of a US dollar: prices per million tokens come out whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// An amount in dollars; what is negative or no number counts as nothing.
    pub fn from_usd(usd: f64) -> NanoUsd {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        NanoUsd((usd * 1e9).round() as u64)
    }

    /// The amount in dollars.
    pub fn usd(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "for showing")]
        {
            self.0 as f64 / 1e9
        }
    }
}

/// What something costs or cost, time aside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cost {
    /// Tokens of context.
    pub tokens: u64,
    /// Money.
    pub nano_usd: NanoUsd,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Cost) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.nano_usd.0 = self.nano_usd.0.saturating_add(other.nano_usd.0);
    }
}

/// Time that only goes forward, from whenever the clock was made.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// How long it has been running.
    fn elapsed(&self) -> Duration;
}

/// An allowance. See the module's text.
#[derive(Debug)]
#[must_use = "a budget that is dropped is spent"]
pub struct Budget {
    tokens: Option<u64>,
    nano_usd: Option<NanoUsd>,
    deadline: Option<Duration>,
    spent: Cost,
    clock: Arc<dyn Clock>,
    /// What all parts of one budget share, and no other budget does.
    request: Arc<()>,
}

/// What was to be spent is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Overdrawn {
    /// There are not so many tokens left.
    #[error("the token budget is used up")]
    Tokens,
    /// There is not so much money left.
    #[error("the money budget is used up")]
    Money,
    /// The time is up.
    #[error("the time budget is used up")]
    Time,
}

impl Budget {
    /// The budget of a request that begins now.
    pub fn new(limits: Limits, clock: Arc<dyn Clock>) -> Budget {
        let deadline = limits.ms.map(|ms| clock.elapsed().saturating_add(Duration::from_millis(ms.into())));
        let (tokens, nano_usd) = (limits.tokens.map(u64::from), limits.usd.map(NanoUsd::from_usd));
        Budget { tokens, nano_usd, deadline, spent: Cost::default(), clock, request: Arc::default() }
    }

    /// How many tokens are left; nothing where they are not capped.
    pub fn tokens_left(&self) -> Option<u64> {
        self.tokens
    }

    /// How much money is left; nothing where it is not capped.
    pub fn money_left(&self) -> Option<NanoUsd> {
        self.nano_usd
    }

    /// How much time is left; nothing where it is not capped.
    pub fn time_left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_sub(self.clock.elapsed()))
    }

    /// What this budget has paid for, parts that came back included.
    pub fn spent(&self) -> Cost {
        self.spent
    }

    /// Tells whether something can still be paid for and begun.
    ///
    /// # Errors
    /// [`Overdrawn`] says what is missing.
    pub fn affords(&self, cost: Cost) -> Result<(), Overdrawn> {
        if self.tokens.is_some_and(|left| cost.tokens > left) {
            return Err(Overdrawn::Tokens);
        }
        if self.nano_usd.is_some_and(|left| cost.nano_usd > left) {
            return Err(Overdrawn::Money);
        }
        if self.time_left().is_some_and(|left| left.is_zero()) {
            return Err(Overdrawn::Time);
        }
        Ok(())
    }

    /// Pays.
    ///
    /// # Errors
    /// [`Overdrawn`] says what is missing; then nothing is paid.
    pub fn spend(&mut self, cost: Cost) -> Result<(), Overdrawn> {
        self.affords(cost)?;
        self.take(cost);
        self.spent += cost;
        Ok(())
    }

    /// Splits off a part for work that is delegated: at most this cost, and no longer than this time.
    ///
    /// # Errors
    /// [`Overdrawn`] says what is missing; then nothing is split off.
    pub fn split(&mut self, part: Cost, time: Option<Duration>) -> Result<Budget, Overdrawn> {
        self.affords(part)?;
        self.take(part);
        let own = time.map(|time| self.clock.elapsed().saturating_add(time));
        let deadline = [self.deadline, own].into_iter().flatten().min();
        let (tokens, nano_usd) = (Some(part.tokens), Some(part.nano_usd));
        let (clock, request) = (self.clock.clone(), self.request.clone());
        Ok(Budget { tokens, nano_usd, deadline, spent: Cost::default(), clock, request })
    }

    /// Takes a part back: what it did not spend can be spent again, and what it spent counts here. A part of another
    /// request's budget is dropped: it was never this one's to spend.
    pub fn refund(&mut self, part: Budget) {
        let Budget { tokens, nano_usd, spent, request, .. } = part;
        if !Arc::ptr_eq(&self.request, &request) {
            return;
        }
        if let (Some(left), Some(unspent)) = (&mut self.tokens, tokens) {
            *left = left.saturating_add(unspent);
        }
        if let (Some(left), Some(unspent)) = (&mut self.nano_usd, nano_usd) {
            left.0 = left.0.saturating_add(unspent.0);
        }
        self.spent += spent;
    }

    /// Pays for what has happened already, whether or not there is time left: as much as is there. Gives back what it did
    /// not cover, which is nothing where enough was set aside.
    pub fn settle(&mut self, cost: Cost) -> Cost {
        let tokens = self.tokens.map_or(cost.tokens, |left| left.min(cost.tokens));
        let nano_usd = self.nano_usd.map_or(cost.nano_usd, |left| left.min(cost.nano_usd));
        let paid = Cost { tokens, nano_usd };
        self.take(paid);
        self.spent += paid;
        Cost { tokens: cost.tokens - tokens, nano_usd: NanoUsd(cost.nano_usd.0 - nano_usd.0) }
    }

    fn take(&mut self, cost: Cost) {
        if let Some(left) = &mut self.tokens {
            *left = left.saturating_sub(cost.tokens);
        }
        if let Some(left) = &mut self.nano_usd {
            left.0 = left.0.saturating_sub(cost.nano_usd.0);
        }
    }
}
