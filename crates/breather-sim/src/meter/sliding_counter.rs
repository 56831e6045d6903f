//! A sliding window that is computed from two counts.

use std::time::Duration;

use super::{Meter, Statement, from_nanos};

/// The counts of this window and of the previous one, which is weighted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlidingCounter {
    quota: u64,
    window: u128,
    current: u128,
    used: u64,
    used_before: u64,
}

impl SlidingCounter {
    pub(crate) fn new(quota: u64, window: Duration) -> Self {
        Self {
            quota,
            window: window.as_nanos(),
            current: 0,
            used: 0,
            used_before: 0,
        }
    }

    /// Returns the counts as of the window that contains `at`.
    fn rolled(mut self, at: u128) -> Self {
        let index = at / self.window;
        if index > self.current {
            let is_next = index == self.current + 1;
            self.used_before = if is_next { self.used } else { 0 };
            self.used = 0;
            self.current = index;
        }
        self
    }

    /// Returns the weighted count at `at`, which lies in this window.
    fn counted(&self, at: u128) -> u64 {
        let covered = self.window - at % self.window;
        let before = u128::from(self.used_before) * covered / self.window;
        before as u64 + self.used
    }
}

impl Meter for SlidingCounter {
    fn opens(&self, at: Duration, cost: u64) -> Duration {
        let cost = cost.min(self.quota);
        let mut at = at.as_nanos();
        loop {
            let rolled = self.rolled(at);
            if rolled.counted(at) + cost <= rolled.quota {
                return from_nanos(at);
            }
            let start = rolled.current * rolled.window;
            at = match (rolled.quota + 1).checked_sub(rolled.used + cost) {
                // The share of the previous window has to drop below the remaining quota.
                Some(left @ 1..) => {
                    let covered =
                        (u128::from(left) * rolled.window - 1) / u128::from(rolled.used_before);
                    start + rolled.window - covered
                }
                _ => start + rolled.window,
            };
        }
    }

    fn take(&mut self, at: Duration, cost: u64) {
        *self = self.rolled(at.as_nanos());
        self.used += cost;
    }

    fn charge(&mut self, at: Duration, cost: u64) {
        self.take(at, cost);
    }

    fn set_quota(&mut self, _: Duration, quota: u64) {
        self.quota = quota;
    }

    fn statement(&self, now: Duration, _: u64) -> Statement {
        let rolled = self.rolled(now.as_nanos());
        let remaining = rolled.quota.saturating_sub(rolled.counted(now.as_nanos()));
        let end = from_nanos((rolled.current + 1) * rolled.window);
        Statement {
            window: Some((rolled.quota, remaining, end)),
            retry: end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::admitted;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn previous_window_counts_by_its_covered_share() {
        let mut meter = SlidingCounter::new(4, 10 * SECOND);
        assert_eq!(admitted(&mut meter, 5 * SECOND), 4);
        assert_eq!(
            meter.statement(6 * SECOND, 1).window,
            Some((4, 0, 10 * SECOND))
        );
        // All of it counts at 10 s, three quarters at 12.5 s. Just after 10 s, fewer than four
        // calls count.
        assert_eq!(admitted(&mut meter, 10 * SECOND), 0);
        let first = meter.opens(6 * SECOND, 1);
        assert_eq!(first, 10 * SECOND + Duration::from_nanos(1));
        assert_eq!(admitted(&mut meter, first), 1);
        assert_eq!(meter.opens(first, 1), Duration::from_nanos(12_500_000_001));
        assert_eq!(admitted(&mut meter, 16 * SECOND), 2);
        // Three calls in the previous window, of which nine tenths round down to two.
        assert_eq!(admitted(&mut meter, 21 * SECOND), 2);
        assert_eq!(admitted(&mut meter, 100 * SECOND), 4);
    }
}
