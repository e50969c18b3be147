//! Tells whoever waits that something was committed, by this process or another.
//!
//! One thread follows the store for everybody, and only while somebody waits. What was committed is not kept here: whoever
//! is woken reads it from the store, from where it stands, so that a slow one loses nothing and holds nothing up.

use consistency::Version;
use consistency::store::{Store, StoreError};
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::sync::watch;

/// How long the follower waits for the store at a time; after that it looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(500);

/// Where the store's last commit is told.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    follower: Arc<Follower>,
}

#[derive(Debug)]
struct Follower {
    /// The last commit; nothing once no more are told.
    last: watch::Sender<Option<Version>>,
    is_at_work: Mutex<bool>,
}

impl Feed {
    /// The commits of a store.
    pub fn of(store: Store) -> Feed {
        let (last, _) = watch::channel(Some(Version::ZERO));
        Feed { store, follower: Arc::new(Follower { last, is_at_work: Mutex::new(false) }) }
    }

    /// Waits for commits from now on: the version of the last one, or nothing once no more are told.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read.
    pub fn wait(&self) -> Result<watch::Receiver<Option<Version>>, StoreError> {
        let clock = self.store.clock()?;
        let mut is_at_work = self.follower.is_at_work.lock();
        let waits = self.follower.last.subscribe();
        if !*is_at_work {
            let (store, follower) = (self.store.clone(), self.follower.clone());
            let spawned = thread::Builder::new().name("feed".to_owned()).spawn(move || follower.follow(&store, clock));
            *is_at_work = spawned.is_ok();
            if let Err(error) = spawned {
                return Err(StoreError::Stopped(format!("no thread to follow it: {error}")));
            }
        }
        Ok(waits)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.follower.last.receiver_count()
    }

    /// Tells everybody that nothing more comes.
    pub fn end(&self) {
        self.follower.last.send_replace(None);
    }
}

impl Follower {
    fn follow(&self, store: &Store, mut since: Version) {
        loop {
            match store.wait(since, LOOK) {
                Ok(clock) if clock > since => {
                    since = clock;
                    self.last.send_if_modified(|last| last.as_mut().map(|last| *last = clock).is_some());
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the store can't be followed");
                    thread::sleep(LOOK);
                }
            }
            let mut is_at_work = self.is_at_work.lock();
            if self.last.receiver_count() == 0 {
                *is_at_work = false;
                return;
            }
        }
    }
}
