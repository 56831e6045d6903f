//! The state of limiters during a run.

mod bucket;
mod fixed_window;
mod lock_out;
mod sliding_counter;
mod sliding_log;

use std::fmt;
use std::time::Duration;

pub(crate) use self::bucket::Bucket;
pub(crate) use self::fixed_window::FixedWindow;
pub(crate) use self::lock_out::LockOut;
pub(crate) use self::sliding_counter::SlidingCounter;
pub(crate) use self::sliding_log::SlidingLog;

/// Counts the calls of one limiter by their costs.
///
/// Times are since the start of the run and never run backwards. A call that costs more than the
/// quota is admitted when the quota is unused.
pub(crate) trait Meter: fmt::Debug {
    /// Returns when a call of this `cost` that arrives at `at` may be admitted, if no other call
    /// comes before.
    fn opens(&self, at: Duration, cost: u64) -> Duration;

    /// Returns how long a call that comes too early may be kept waiting before it is throttled.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Returns whether a call that arrives at `at` is admitted, possibly after a wait.
    fn admits(&self, at: Duration, cost: u64) -> bool {
        self.opens(at, cost) <= at + self.patience()
    }

    /// Counts a call that is admitted at `at`.
    fn take(&mut self, at: Duration, cost: u64);

    /// Counts a call that was throttled.
    fn charge(&mut self, at: Duration, cost: u64) {
        if self.opens(at, cost) <= at {
            self.take(at, cost);
        }
    }

    /// Adds a call that was throttled at `at`, whether it is counted or not.
    fn on_throttled(&mut self, _at: Duration) {}

    /// Changes the quota from `now` on.
    fn set_quota(&mut self, now: Duration, quota: u64);

    /// Returns the values for the response headers, for a call of this `cost`.
    fn statement(&self, now: Duration, cost: u64) -> Statement;
}

/// The values that a limiter reports in headers. Instants are since the start of the run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Statement {
    /// Limit, remaining and reset, if the limiter has them.
    pub(crate) window: Option<(u64, u64, Duration)>,
    /// When a throttled call should retry.
    pub(crate) retry: Duration,
}

/// Converts `nanos` to a duration, capped at the longest one in 64 bits.
pub(crate) fn from_nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Admits as many calls as possible at `at` and returns their number.
#[cfg(test)]
fn admitted(meter: &mut dyn Meter, at: Duration) -> u64 {
    let mut count = 0;
    while meter.admits(at, 1) {
        meter.take(meter.opens(at, 1), 1);
        count += 1;
    }
    count
}
