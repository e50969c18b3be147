//! The store under violence: processes that are killed at random and at every boundary, a disk that is full, a clock that
//! jumps, and many writers at once whose histories are judged.
//!
//! `TRACE_LONG=1` runs ten times as much. `TRACE_SEED=n` runs with other random numbers; every failure names its seed.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that can't go on has failed")]
#![expect(clippy::print_stdout, reason = "the figures of a run are worth reading")]

mod append;
mod boundary;
mod child;
mod clock;
mod disk;
mod kill;
mod record;
mod stress;
mod tools;
mod verdict;

use std::path::PathBuf;

/// Random numbers that a seed repeats (`SplitMix64`).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn new(stream: u64) -> Dice {
        let seed: u64 = std::env::var("TRACE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
        let mut dice = Dice(seed ^ stream.wrapping_mul(0xA24B_AED4_963E_E407));
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in `often` times.
    fn once_in(&mut self, often: u64) -> bool {
        self.below(often) == 0
    }
}

/// How much to run, given what fits a change's continuous integration.
fn times(usual: u64) -> u64 {
    if std::env::var_os("TRACE_LONG").is_some() { usual * 10 } else { usual }
}

/// A folder for a store and what its tools did, gone with the value.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }
}
