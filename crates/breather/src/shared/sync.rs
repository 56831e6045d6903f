//! What calls share its memory by: std's locks and threads, and shuttle's in the models.

#[cfg(all(test, breather_shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, breather_shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

/// The number of this thread, counted from 0 as each first asks.
#[cfg(not(all(test, breather_shuttle)))]
pub(crate) fn thread_number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A call may be made while the thread ends, too.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(all(test, breather_shuttle))]
pub(crate) fn thread_number() -> usize {
    shuttle::thread::current().id().into()
}
