//! The clock and the timer that a runtime provides.

use core::future::Future;

use crate::instant::Instant;
use crate::shared::alarm::Alarm;
use crate::unix_time::WallClock;

/// A runtime's clocks and timer.
///
/// Implement this trait to use breather with another runtime. breather decides how long to wait,
/// and your implementation reads the clocks and does the waiting. `breather-tokio` has an
/// implementation for tokio that follows tokio's paused time.
///
/// The trait resembles hyper's `rt::Timer`, but has an associated future instead of a boxed one.
/// Waiting therefore allocates nothing, and the future doesn't have to be `Send`. For example, a
/// browser's timer isn't.
///
/// All timers that drive one [`Breather`](crate::Breather) must read one monotonic clock from one
/// origin. breather may call [`now`](Self::now) and [`domain`](Self::domain) while it holds its
/// locks, so these two must not use the `Breather`. The other methods may.
pub trait Timer: Clone + WallClock {
    /// A future that is ready at a given instant.
    type Sleep: Future<Output = ()>;

    /// Returns the time of the monotonic clock.
    fn now(&self) -> Instant;

    /// Returns a future that is ready at `at`, never earlier.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;

    /// Rings `alarm` when it is due, until it needs no more ringing.
    ///
    /// Wait until [`Alarm::at`], then call [`Alarm::ring`] with the current time. If `ring` returns
    /// an instant, wait until then and ring again. Stop when it returns `None`.
    ///
    /// The alarm must ring even if no future of this crate is polled. Use a separate task, a
    /// thread, or a browser's `setTimeout`, for example. While calls wait, a scope has about one
    /// alarm set in each domain. You may drop an alarm if the runtime ends. Waiting calls then set
    /// another one.
    fn set_alarm(&self, alarm: Alarm);

    /// Returns the number of the domain whose alarms stop together.
    ///
    /// Return a different number for each part of the program that can stop separately. For tokio,
    /// a domain is a runtime. Defaults to one domain for all calls.
    ///
    /// Each domain with waiting calls sets its own alarms. A runtime that is no longer driven
    /// therefore doesn't delay the calls of other runtimes.
    fn domain(&self) -> u64 {
        0
    }
}
