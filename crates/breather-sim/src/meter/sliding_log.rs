//! A quota for any period as long as a window.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Meter, Statement};

/// The times of the calls that still count.
#[derive(Debug)]
pub(crate) struct SlidingLog {
    quota: u64,
    window: Duration,
    /// In ascending order.
    entries: VecDeque<Duration>,
}

impl SlidingLog {
    pub(crate) fn new(quota: u64, window: Duration) -> Self {
        Self {
            quota,
            window,
            entries: VecDeque::new(),
        }
    }

    /// Returns how many kept entries have left the window.
    fn gone(&self, now: Duration) -> usize {
        self.entries
            .partition_point(|&entry| entry + self.window <= now)
    }
}

impl Meter for SlidingLog {
    fn opens(&self, at: Duration) -> Duration {
        // The calls drop below the quota when this entry leaves.
        let last = self.entries.len().checked_sub(self.quota as usize);
        match last.and_then(|last| self.entries.get(last)) {
            Some(&entry) => at.max(entry + self.window),
            None => at,
        }
    }

    fn take(&mut self, at: Duration) {
        self.entries.drain(..self.gone(at));
        self.entries.push_back(at);
    }

    fn charge(&mut self, at: Duration) {
        self.take(at);
    }

    fn set_quota(&mut self, _: Duration, quota: u64) {
        self.quota = quota;
    }

    fn statement(&self, now: Duration) -> Statement {
        let gone = self.gone(now);
        let used = (self.entries.len() - gone) as u64;
        let reset = self
            .entries
            .get(gone)
            .map_or(now, |&oldest| oldest + self.window);
        Statement {
            window: Some((self.quota, self.quota.saturating_sub(used), reset)),
            retry: reset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::admitted;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn entry_leaves_one_window_after_it_came() {
        let mut meter = SlidingLog::new(3, 10 * SECOND);
        meter.take(SECOND);
        assert_eq!(admitted(&mut meter, 4 * SECOND), 2);
        assert_eq!(
            meter.statement(5 * SECOND).window,
            Some((3, 0, 11 * SECOND))
        );
        assert_eq!(meter.opens(5 * SECOND), 11 * SECOND);
        assert_eq!(admitted(&mut meter, 11 * SECOND), 1);
        assert_eq!(admitted(&mut meter, 13 * SECOND), 0);
        assert_eq!(admitted(&mut meter, 14 * SECOND), 2);
    }

    #[test]
    fn smaller_quota_waits_for_more_entries() {
        let mut meter = SlidingLog::new(3, 10 * SECOND);
        for at in 1..=3 {
            meter.take(at * SECOND);
        }
        meter.set_quota(4 * SECOND, 1);
        assert_eq!(meter.opens(4 * SECOND), 13 * SECOND);
    }

    #[test]
    fn throttled_calls_may_count() {
        let mut meter = SlidingLog::new(1, 10 * SECOND);
        meter.take(SECOND);
        meter.charge(9 * SECOND);
        assert_eq!(meter.opens(11 * SECOND), 19 * SECOND);
    }
}
