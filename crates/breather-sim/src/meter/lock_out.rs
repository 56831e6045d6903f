//! A quota that locks callers out who exceed it.

use std::time::Duration;

use super::{Meter, SlidingLog, Statement};

/// A sliding log that admits nothing for a time after it has throttled a call.
#[derive(Debug)]
pub(crate) struct LockOut {
    log: SlidingLog,
    lock: Duration,
    /// Whether each call that comes too early makes it longer.
    is_extended: bool,
    until: Duration,
}

impl LockOut {
    pub(crate) fn new(quota: u64, window: Duration, lock: Duration, is_extended: bool) -> Self {
        Self {
            log: SlidingLog::new(quota, window),
            lock,
            is_extended,
            until: Duration::ZERO,
        }
    }
}

impl Meter for LockOut {
    fn opens(&self, at: Duration, cost: u64) -> Duration {
        self.log.opens(at.max(self.until), cost)
    }

    fn take(&mut self, at: Duration, cost: u64) {
        self.log.take(at, cost);
    }

    fn on_throttled(&mut self, at: Duration) {
        if self.is_extended || at >= self.until {
            self.until = at + self.lock;
        }
    }

    fn set_quota(&mut self, now: Duration, quota: u64) {
        self.log.set_quota(now, quota);
    }

    fn statement(&self, now: Duration, cost: u64) -> Statement {
        Statement {
            window: None,
            retry: self.opens(now, cost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::admitted;
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn lock_begins_with_a_throttled_call() {
        let mut meter = LockOut::new(2, S, 30 * S, false);
        assert_eq!(admitted(&mut meter, S), 2);
        assert_eq!(admitted(&mut meter, 2 * S), 2);
        meter.on_throttled(2 * S);
        meter.on_throttled(20 * S);
        assert_eq!(admitted(&mut meter, 31 * S), 0);
        assert_eq!(admitted(&mut meter, 32 * S), 2);
    }

    #[test]
    fn lock_that_is_extended_counts_from_the_latest_call() {
        let mut meter = LockOut::new(2, S, 30 * S, true);
        meter.on_throttled(2 * S);
        meter.on_throttled(20 * S);
        assert_eq!(admitted(&mut meter, 49 * S), 0);
        assert_eq!(admitted(&mut meter, 50 * S), 2);
    }
}
