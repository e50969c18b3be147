//! What a store needs of the world: the time, and numbers that nobody else has.

use crate::cell::Millis;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock and a source of identities. Neither is trusted with safety: leases use the clock for progress only.
pub trait World: Send + Sync + std::fmt::Debug {
    /// The time now.
    fn now(&self) -> Millis;
    /// A number that no other session of the store has.
    fn fresh(&self) -> u64;
}

/// The system's clock, and random numbers: for stores that several processes share.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl World for System {
    fn now(&self) -> Millis {
        // Before 1970 counts as 1970: leases then end early, which is safe.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }

    fn fresh(&self) -> u64 {
        // Without a source of randomness, time and process still tell sessions apart.
        getrandom::u64().unwrap_or_else(|_| self.now() << 22 | u64::from(std::process::id()))
    }
}

/// The system's clock, and numbers in order: for a store that lives in one process.
#[derive(Debug, Default)]
pub struct Sequence {
    last: AtomicU64,
}

impl World for Sequence {
    fn now(&self) -> Millis {
        System.now()
    }

    fn fresh(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed)
    }
}
