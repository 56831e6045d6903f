//! A quota for any period as long as a window.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Meter, Statement};

/// The times of the calls that still count.
#[derive(Debug)]
pub(crate) struct SlidingLog {
    quota: u64,
    window: Duration,
    /// The times of the calls, in ascending order, and their costs.
    entries: VecDeque<(Duration, u64)>,
    /// The sum of the costs.
    used: u64,
}

impl SlidingLog {
    pub(crate) fn new(quota: u64, window: Duration) -> Self {
        Self {
            quota,
            window,
            entries: VecDeque::new(),
            used: 0,
        }
    }

    /// Returns how many kept entries have left the window.
    fn gone(&self, now: Duration) -> usize {
        self.entries
            .partition_point(|&(entry, _)| entry + self.window <= now)
    }
}

impl Meter for SlidingLog {
    fn opens(&self, at: Duration, cost: u64) -> Duration {
        let spare = self.quota.saturating_sub(cost);
        // The costs drop to the spare quota when one of these entries leaves.
        let mut used = self.used;
        let mut opens = at;
        for &(entry, cost) in &self.entries {
            if used <= spare {
                break;
            }
            used -= cost;
            opens = at.max(entry + self.window);
        }
        opens
    }

    fn take(&mut self, at: Duration, cost: u64) {
        let gone = self.gone(at);
        self.used -= self
            .entries
            .drain(..gone)
            .map(|(_, cost)| cost)
            .sum::<u64>();
        self.entries.push_back((at, cost));
        self.used += cost;
    }

    fn charge(&mut self, at: Duration, cost: u64) {
        self.take(at, cost);
    }

    fn set_quota(&mut self, _: Duration, quota: u64) {
        self.quota = quota;
    }

    fn statement(&self, now: Duration, cost: u64) -> Statement {
        let gone = self.gone(now);
        let left = self.entries.iter().take(gone).map(|&(_, cost)| cost);
        let used = self.used - left.sum::<u64>();
        let oldest = self.entries.get(gone);
        let reset = oldest.map_or(now, |&(oldest, _)| oldest + self.window);
        Statement {
            window: Some((self.quota, self.quota.saturating_sub(used), reset)),
            retry: self.opens(now, cost),
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
        meter.take(SECOND, 1);
        assert_eq!(admitted(&mut meter, 4 * SECOND), 2);
        assert_eq!(
            meter.statement(5 * SECOND, 1).window,
            Some((3, 0, 11 * SECOND))
        );
        assert_eq!(meter.opens(5 * SECOND, 1), 11 * SECOND);
        assert_eq!(admitted(&mut meter, 11 * SECOND), 1);
        assert_eq!(admitted(&mut meter, 13 * SECOND), 0);
        assert_eq!(admitted(&mut meter, 14 * SECOND), 2);
    }

    #[test]
    fn smaller_quota_waits_for_more_entries() {
        let mut meter = SlidingLog::new(3, 10 * SECOND);
        for at in 1..=3 {
            meter.take(at * SECOND, 1);
        }
        meter.set_quota(4 * SECOND, 1);
        assert_eq!(meter.opens(4 * SECOND, 1), 13 * SECOND);
    }

    #[test]
    fn throttled_calls_may_count() {
        let mut meter = SlidingLog::new(1, 10 * SECOND);
        meter.take(SECOND, 1);
        meter.charge(9 * SECOND, 1);
        assert_eq!(meter.opens(11 * SECOND, 1), 19 * SECOND);
    }
}
