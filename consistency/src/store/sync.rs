//! The locks of the shells: `parking_lot` in programs, loom's under the model checker of threads (`--cfg trace_loom`).

#[cfg(trace_loom)]
pub(super) use explored::{Condvar, Mutex, wait_for};
#[cfg(not(trace_loom))]
pub(super) use parking_lot::{Condvar, Mutex};

/// Gives the lock back, waits to be notified, at most so long, and takes the lock again.
#[cfg(not(trace_loom))]
pub(super) fn wait_for<'a, T>(
    condvar: &Condvar,
    mut guard: parking_lot::MutexGuard<'a, T>,
    timeout: std::time::Duration,
) -> parking_lot::MutexGuard<'a, T> {
    condvar.wait_for(&mut guard, timeout);
    guard
}

#[cfg(trace_loom)]
mod explored {
    //! loom's locks with the signatures of `parking_lot`. A run that panics while it holds a lock has failed already, so
    //! poisoning is not looked at. Loom has no time: a wait ends when somebody notifies, and a lost notice is a deadlock.
    pub(crate) use loom::sync::Condvar;
    use loom::sync::MutexGuard;
    use std::sync::PoisonError;
    use std::time::Duration;

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    pub(crate) fn wait_for<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>, _: Duration) -> MutexGuard<'a, T> {
        condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }
}
