//! What goes on behind the requests: the indexes follow the log, and what has expired is forgotten.
//!
//! None of it is needed for an answer to be right: searches follow the log themselves, and expired records are passed over
//! until they are forgotten.

use crate::service::Service;
use consistency::store::StoreError;
use consistency::{Millis, Version};
use memory::{MemoryError, RecordId, Tenant};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long it waits for a commit before it looks at the clock, and whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// How many cells it reads at a time.
const PAGE: usize = 1000;
/// Who is written down as the author of what it forgets.
const NAME: &str = "expiry";

/// The thread that follows; it stops when this is dropped.
#[derive(Debug)]
pub struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The records that will expire, by when, as far as the log was read.
#[derive(Debug, Default)]
pub struct Expiry {
    read: Version,
    due: BTreeSet<(Millis, Tenant, RecordId)>,
}

/// What is read of a record.
#[derive(Deserialize)]
struct Expiring {
    expires_at: Option<Millis>,
}

impl Follower {
    /// Begins to follow.
    ///
    /// # Errors
    /// Why the system gives no thread.
    pub fn start(service: Arc<Service>) -> io::Result<Follower> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::Builder::new().name("follower".to_owned()).spawn(move || follow(&service, &stopped))?;
        Ok(Follower { stop, thread: Some(thread) })
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("what follows the log had ended early");
        }
    }
}

fn follow(service: &Service, stop: &AtomicBool) {
    let mut expiry = Expiry::default();
    let mut seen = Version::ZERO;
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = service.index().follow() {
            tracing::warn!(%error, "the indexes could not follow");
        }
        if let Err(error) = service.index().embed_pending(&mut |_| {}) {
            tracing::warn!(%error, "what is new could not be embedded");
        }
        if let Err(error) = expiry.forget(service) {
            tracing::warn!(%error, "what has expired could not be forgotten");
        }
        match service.store().wait(seen, PATIENCE) {
            Ok(now) => seen = now,
            Err(error) => {
                tracing::warn!(%error, "the log could not be followed");
                thread::sleep(PATIENCE);
            }
        }
    }
}

impl Expiry {
    /// Forgets what has expired until now; tells how many.
    ///
    /// # Errors
    /// [`MemoryError`] when the store can't be read or written.
    pub fn forget(&mut self, service: &Service) -> Result<usize, MemoryError> {
        self.follow(service)?;
        let memories = service.memories();
        let (now, mut forgotten) = (memories.now(), 0);
        while let Some((at, tenant, id)) = self.due.first().filter(|(at, ..)| *at <= now).cloned() {
            let done = memories.write(&tenant, NAME, |transaction| {
                // It may have been given more time meanwhile, or be gone.
                let is_over = transaction.get(id)?.is_some_and(|record| !record.is_live(transaction.now()));
                if is_over { transaction.forget(id).map(|()| 1) } else { Ok(0) }
            });
            forgotten += done?.0;
            self.due.remove(&(at, tenant, id));
        }
        Ok(forgotten)
    }

    fn follow(&mut self, service: &Service) -> Result<(), StoreError> {
        loop {
            let cells = service.store().written_since(self.read, PAGE)?;
            let Some((_, last)) = cells.last() else { return Ok(()) };
            self.read = last.version;
            for (key, cell) in &cells {
                let Some((tenant, id)) = Tenant::of_record(key.as_str()) else { continue };
                let record = cell.content.value().and_then(|value| Expiring::deserialize(value.json()).ok());
                self.due.extend(record.and_then(|record| record.expires_at).map(|at| (at, tenant, id)));
            }
        }
    }
}
