//! Selects std's locks and threads, or shuttle's in models.

#[cfg(all(test, breather_shuttle))]
pub(crate) use shuttle::sync::{Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, breather_shuttle)))]
pub(crate) use std::sync::{Mutex, MutexGuard, RwLock};

/// Returns this thread's number. Threads are numbered from 0, in the order of their first request.
#[cfg(not(all(test, breather_shuttle)))]
pub(crate) fn thread_number() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};

    static NEXT: AtomicUsize = AtomicUsize::new(0);
    std::thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    // A thread may also make a call while it exits, after its thread-locals are gone.
    NUMBER.try_with(|number| *number).unwrap_or(0)
}

#[cfg(all(test, breather_shuttle))]
pub(crate) fn thread_number() -> usize {
    shuttle::thread::current().id().into()
}
