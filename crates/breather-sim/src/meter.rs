//! The limiters at work.

mod bucket;
mod fixed_window;
mod sliding_counter;
mod sliding_log;

use std::fmt;
use std::time::Duration;

pub(crate) use self::bucket::Bucket;
pub(crate) use self::fixed_window::FixedWindow;
pub(crate) use self::sliding_counter::SlidingCounter;
pub(crate) use self::sliding_log::SlidingLog;

/// A limiter at work. Times are since the start of the run, and never run backwards.
pub(crate) trait Meter: fmt::Debug {
    /// When a call that comes at `at` may be let in, if nobody else comes before.
    fn opens(&self, at: Duration) -> Duration;

    /// How long a call that comes too early is kept waiting before it is throttled.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether a call that comes at `at` is let in, be it that it is kept waiting.
    fn admits(&self, at: Duration) -> bool {
        self.opens(at) <= at + self.patience()
    }

    /// Counts a call that is let in at `at`.
    fn take(&mut self, at: Duration);

    /// Counts a call that was throttled.
    fn charge(&mut self, at: Duration) {
        if self.opens(at) <= at {
            self.take(at);
        }
    }

    /// From now on there is another quota.
    fn set_quota(&mut self, now: Duration, quota: u64);

    /// What it says in headers.
    fn statement(&self, now: Duration) -> Statement;
}

/// What a limiter says of itself; instants are since the start of the run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Statement {
    /// Limit, remaining and reset, if it has a notion of them.
    pub(crate) window: Option<(u64, u64, Duration)>,
    /// When to come again, for who was throttled.
    pub(crate) retry: Duration,
}

/// `nanos` as a duration; the longest there is in 64 bits, if it is longer.
pub(crate) fn from_nanos(nanos: u128) -> Duration {
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

/// Admits as many as come at `at`; how many that were.
#[cfg(test)]
fn admitted(meter: &mut dyn Meter, at: Duration) -> u64 {
    let mut count = 0;
    while meter.admits(at) {
        meter.take(meter.opens(at));
        count += 1;
    }
    count
}
