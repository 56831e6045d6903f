//! A wall clock that follows tokio's time.

use breather::driver::{UnixTime, WallClock};
use tokio::time::Instant;

/// A wall clock that moves with tokio's clock, which tests can pause.
///
/// You choose the time at which it starts. Pass it to
/// [`BreatherBuilder::with_wall_clock`](breather::BreatherBuilder::with_wall_clock) to test
/// responses with dates or epochs.
///
/// # Example
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use breather_test::PausedClock;
/// use breather_test::breather::driver::{UnixTime, WallClock};
/// use std::time::Duration;
///
/// let start = UnixTime::from_secs(1_800_000_000);
/// let clock = PausedClock::new(start);
/// tokio::time::advance(Duration::from_secs(60)).await;
/// assert_eq!(clock.unix_time().duration_since(start), Some(Duration::from_secs(60)));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PausedClock {
    start: UnixTime,
    since: Instant,
}

impl PausedClock {
    /// Creates a clock that starts at `start`.
    #[must_use]
    pub fn new(start: UnixTime) -> Self {
        Self {
            start,
            since: Instant::now(),
        }
    }
}

impl WallClock for PausedClock {
    fn unix_time(&self) -> UnixTime {
        let passed = i64::try_from(self.since.elapsed().as_micros()).unwrap_or(i64::MAX);
        UnixTime::from_micros(self.start.as_micros().saturating_add(passed))
    }
}
