//! Work that is done again until it commits: cheaply at first, with leases once that has failed.

use super::{Leased, Outcome, Session, Store, StoreError};
use crate::cell::{Agent, Key, Level, Millis, Version};
use crate::session::Stale;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long and how often work is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// After so many attempts the work is given up.
    pub most: u32,
    /// How long a lease lasts that a retry takes; as long as the work takes, roughly.
    pub lease: Duration,
}

impl Default for Tries {
    /// 16 attempts, leases of ten minutes.
    fn default() -> Tries {
        Tries { most: 16, lease: Duration::from_mins(10) }
    }
}

impl Store {
    /// Does some work in a session and commits it; where what it read has changed meanwhile, does it again.
    ///
    /// The first attempt takes no lease. Later ones are as old as the first, and take leases on the cells that changed
    /// under the earlier ones before they work again, so that the oldest work is always done in the end. The work ends an
    /// attempt early by passing on [`StoreError::Doomed`], as its reads give it.
    ///
    /// # Errors
    /// [`StoreError::GaveUp`] after too many attempts; any other error that the work or the store has.
    pub fn run<T>(
        &self,
        agent: impl Into<Agent>,
        level: Level,
        tries: Tries,
        mut work: impl FnMut(&mut Session) -> Result<T, StoreError>,
    ) -> Result<(T, Version), StoreError> {
        let mut session = self.begin(agent, level)?;
        let mut hot = BTreeSet::new();
        let mut last = None;
        for attempt in 0..tries.most {
            if attempt > 0 {
                session.restart()?;
                self.lease_all(&mut session, &hot, tries.lease)?;
            }
            let stale = match work(&mut session) {
                Ok(done) => match self.insist(&mut session)? {
                    Ok(version) => return Ok((done, version)),
                    Err(stale) => vec![stale],
                },
                Err(StoreError::Doomed(stale)) => stale,
                Err(other) => return Err(other),
            };
            hot.extend(stale.iter().filter_map(Stale::key).cloned());
            last = stale.into_iter().next().or(last);
        }
        Err(StoreError::GaveUp { attempts: tries.most, last })
    }

    /// Commits as soon as no older session's lease is in the way; what has changed, if something has.
    fn insist(&self, session: &mut Session) -> Result<Result<Version, Stale>, StoreError> {
        loop {
            match session.commit(None)? {
                Outcome::Committed { version, .. } => return Ok(Ok(version)),
                Outcome::Conflict(stale) => return Ok(Err(stale)),
                Outcome::Busy { until, .. } => self.wait_for_lease(until)?,
            }
        }
    }

    /// Takes a lease on each cell, in the order of keys; waits for older sessions that have one.
    fn lease_all(&self, session: &mut Session, keys: &BTreeSet<Key>, length: Duration) -> Result<(), StoreError> {
        for key in keys {
            while let Leased::Busy { until, .. } = session.lease(key.as_str(), length)? {
                self.wait_for_lease(until)?;
            }
        }
        Ok(())
    }

    /// Waits until the lease may have been given back: at a commit, or at its end.
    fn wait_for_lease(&self, until: Millis) -> Result<(), StoreError> {
        // A lease may also be given back without a commit, which wakes nobody: hence the cap.
        const CAP: Millis = 20;
        let left = until.saturating_sub(self.world.now()).clamp(1, CAP);
        self.wait(self.clock()?, Duration::from_millis(left)).map(drop)
    }
}
