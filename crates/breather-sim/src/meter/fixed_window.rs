//! A quota for each window.

use std::time::Duration;

use super::{Meter, Statement, from_nanos};

/// A count that restarts with each window.
#[derive(Debug)]
pub(crate) struct FixedWindow {
    quota: u64,
    window: u128,
    current: u128,
    used: u64,
}

impl FixedWindow {
    pub(crate) fn new(quota: u64, window: Duration) -> Self {
        Self {
            quota,
            window: window.as_nanos(),
            current: 0,
            used: 0,
        }
    }

    fn used(&self, at: Duration) -> u64 {
        let is_current = at.as_nanos() / self.window <= self.current;
        if is_current { self.used } else { 0 }
    }

    fn end(&self, at: Duration) -> Duration {
        from_nanos((at.as_nanos() / self.window + 1) * self.window)
    }
}

impl Meter for FixedWindow {
    fn opens(&self, at: Duration, cost: u64) -> Duration {
        let used = self.used(at);
        if used + cost <= self.quota || used == 0 {
            at
        } else {
            self.end(at)
        }
    }

    fn take(&mut self, at: Duration, cost: u64) {
        self.used = self.used(at) + cost;
        self.current = at.as_nanos() / self.window;
    }

    fn charge(&mut self, at: Duration, cost: u64) {
        self.take(at, cost);
    }

    fn set_quota(&mut self, _: Duration, quota: u64) {
        self.quota = quota;
    }

    fn statement(&self, now: Duration, _: u64) -> Statement {
        let remaining = self.quota.saturating_sub(self.used(now));
        let end = self.end(now);
        Statement {
            window: Some((self.quota, remaining, end)),
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
    fn each_window_has_its_quota() {
        let mut meter = FixedWindow::new(3, 10 * SECOND);
        assert_eq!(admitted(&mut meter, SECOND), 3);
        assert_eq!(meter.opens(2 * SECOND, 1), 10 * SECOND);
        assert_eq!(admitted(&mut meter, 9 * SECOND), 0);
        assert_eq!(admitted(&mut meter, 10 * SECOND), 3);
        assert_eq!(admitted(&mut meter, 45 * SECOND), 3);
        let statement = meter.statement(46 * SECOND, 1);
        assert_eq!(statement.window, Some((3, 0, 50 * SECOND)));
        assert_eq!(meter.statement(51 * SECOND, 1).window.unwrap().1, 3);
    }

    #[test]
    fn quota_change_applies_immediately() {
        let mut meter = FixedWindow::new(4, 10 * SECOND);
        assert_eq!(admitted(&mut meter, SECOND), 4);
        meter.set_quota(SECOND, 6);
        assert_eq!(admitted(&mut meter, SECOND), 2);
        meter.set_quota(SECOND, 2);
        assert_eq!(admitted(&mut meter, SECOND), 0);
        assert_eq!(admitted(&mut meter, 10 * SECOND), 2);
    }
}
