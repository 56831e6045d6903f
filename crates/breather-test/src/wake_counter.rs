//! A waker that counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

/// A waker that counts its wake-ups.
///
/// # Example
///
/// ```
/// use breather_test::WakeCounter;
/// use std::task::Waker;
///
/// let counter = WakeCounter::new();
/// Waker::from(counter.clone()).wake();
/// assert_eq!((counter.take(), counter.take()), (1, 0));
/// ```
#[derive(Debug, Default)]
pub struct WakeCounter(AtomicUsize);

impl WakeCounter {
    /// Creates a counter. Convert a clone into a [`Waker`](std::task::Waker).
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns the number of wake-ups since the last call of `take`.
    #[must_use]
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for WakeCounter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
