//! The clock and the waiting that a runtime lends.

use core::future::Future;

use crate::instant::Instant;
use crate::shared::alarm::Alarm;
use crate::unix_time::WallClock;

/// A runtime's clocks and timer.
///
/// The core decides; whoever implements this reads clocks and waits. `breather-tokio` has one for
/// tokio, which follows tokio's paused time. After hyper's `rt::Timer`, with an associated future in
/// place of a box, so that waiting allocates nothing and a browser's timer, which is not `Send`, fits.
///
/// All timers that drive one [`Breather`](crate::Breather) must read one monotonic clock from one
/// origin. [`now`](Self::now) and [`domain`](Self::domain) may be asked under its locks, and must not use it;
/// what else is called may.
pub trait Timer: Clone + WallClock {
    /// A future that is ready at an instant.
    type Sleep: Future<Output = ()>;

    /// The monotonic clock.
    fn now(&self) -> Instant;

    /// A future that is ready at `at`, never before.
    fn sleep_until(&self, at: Instant) -> Self::Sleep;

    /// Sees to it that `alarm` rings: waits until [`Alarm::at`], calls [`Alarm::ring`] with the time,
    /// and goes on so with each instant that it answers, until it answers `None`.
    ///
    /// This must not depend on any future of this crate being polled: a task of its own, a browser's
    /// `setTimeout`, a thread. While calls wait, a scope has about one alarm set in each domain. An
    /// alarm may be dropped if the runtime ends; waiting calls then set another.
    fn set_alarm(&self, alarm: Alarm);

    /// Tells apart what can stop separately: alarms of one domain ring together or not at all. Tokio's is
    /// the runtime. Defaults to one for all.
    ///
    /// Each domain whose calls wait sets alarms of its own, so that a runtime that is not driven any more
    /// holds up no other.
    fn domain(&self) -> u64 {
        0
    }
}
