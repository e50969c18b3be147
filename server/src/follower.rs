//! What goes on behind the requests: the indexes follow the log, and what has expired is forgotten.
//!
//! None of it is needed for an answer to be right: searches follow the log themselves, and expired records are passed over
//! until they are forgotten. What can't be done now is told in the log and tried again.

use crate::service::Service;
use consistency::Version;
use memory::MemoryError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long it waits for a commit before it looks whether it is to stop.
const PATIENCE: Duration = Duration::from_millis(250);
/// How often it looks for what has expired, which reads the store once for each tenant.
const SWEEP: Duration = Duration::from_secs(1);
/// The most that one look forgets, so that the indexes are not kept waiting.
const MOST: usize = 1000;
/// Who is written down as the author of what it forgets.
const NAME: &str = "expiry";

/// The thread that follows; it stops when this is dropped.
#[derive(Debug)]
pub struct Follower {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
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
    let (mut seen, mut swept) = (Version::ZERO, None::<Instant>);
    while !stop.load(Ordering::Relaxed) {
        if let Err(error) = service.index().tend(&mut |_| {}) {
            tracing::warn!(%error, "the indexes could not follow");
        }
        if swept.is_none_or(|last| last.elapsed() >= SWEEP) {
            match sweep(service) {
                // As much as one look forgets: there may be more.
                Ok(MOST..) => swept = None,
                Ok(_) => swept = Some(Instant::now()),
                Err(error) => {
                    tracing::warn!(%error, "what has expired could not be forgotten");
                    swept = Some(Instant::now());
                }
            }
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

/// Forgets what has expired until now, of all tenants, a bounded part of it; tells how much.
///
/// # Errors
/// [`MemoryError`] when the store can't be read or written.
pub fn sweep(service: &Service) -> Result<usize, MemoryError> {
    service.memories().expire(None, NAME, MOST)
}
