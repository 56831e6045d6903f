//! Buckets of tokens and of waiting calls.

use std::time::Duration;

use super::{Meter, Statement, from_nanos};

/// A bucket that fills evenly.
///
/// Its state is the instant at which it is full. This is exact because the missing tokens come in
/// that time.
#[derive(Debug)]
pub(crate) struct Bucket {
    quota: u64,
    window: Duration,
    burst: u64,
    queue: u64,
    full_at: Duration,
    says: Says,
}

/// The values that a bucket reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Says {
    UntilFull,
    UntilNext,
    Nothing,
}

impl Bucket {
    pub(crate) fn tokens(quota: u64, window: Duration, burst: u64, resets_at_next: bool) -> Self {
        let says = if resets_at_next {
            Says::UntilNext
        } else {
            Says::UntilFull
        };
        Self {
            quota,
            window,
            burst: burst.max(1),
            queue: 0,
            full_at: Duration::ZERO,
            says,
        }
    }

    pub(crate) fn queue(quota: u64, window: Duration, queue: u64) -> Self {
        Self {
            quota,
            window,
            burst: 1,
            queue,
            full_at: Duration::ZERO,
            says: Says::Nothing,
        }
    }

    /// Returns the time in which `count` tokens come.
    fn period(&self, count: u64) -> Duration {
        let nanos = self.window.as_nanos() * u128::from(count) / u128::from(self.quota);
        from_nanos(nanos)
    }

    fn tokens_at(&self, now: Duration) -> u64 {
        let missing = self.full_at.saturating_sub(now).as_nanos() * u128::from(self.quota);
        self.burst
            .saturating_sub(missing.div_ceil(self.window.as_nanos()) as u64)
    }
}

impl Meter for Bucket {
    fn opens(&self, at: Duration, cost: u64) -> Duration {
        let spare = self.burst.saturating_sub(cost);
        at.max(self.full_at.saturating_sub(self.period(spare)))
    }

    fn patience(&self) -> Duration {
        self.period(self.queue)
    }

    fn take(&mut self, at: Duration, cost: u64) {
        self.full_at = self.full_at.max(at) + self.period(cost);
    }

    fn set_quota(&mut self, now: Duration, quota: u64) {
        let tokens = self.tokens_at(now);
        let burst = u128::from(self.burst) * u128::from(quota) / u128::from(self.quota);
        self.burst = (burst as u64).max(1);
        self.quota = quota;
        let missing = self.burst.saturating_sub(tokens);
        self.full_at = now + self.period(missing);
    }

    fn statement(&self, now: Duration, cost: u64) -> Statement {
        // A call that a full queue throttled may come when the queue has a place again.
        let next = self
            .opens(now, cost)
            .saturating_sub(self.patience())
            .max(now);
        let reset = match self.says {
            Says::UntilFull => self.full_at.max(now),
            Says::UntilNext => next,
            Says::Nothing => {
                return Statement {
                    window: None,
                    retry: next,
                };
            }
        };
        Statement {
            window: Some((self.burst, self.tokens_at(now), reset)),
            retry: next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::admitted;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn burst_then_the_rate() {
        // One token in two seconds.
        let mut meter = Bucket::tokens(5, 10 * SECOND, 3, false);
        assert_eq!(admitted(&mut meter, SECOND), 3);
        assert_eq!(meter.opens(SECOND, 1), 3 * SECOND);
        let statement = meter.statement(2 * SECOND, 1);
        assert_eq!(statement.window, Some((3, 0, 7 * SECOND)));
        assert_eq!(statement.retry, 3 * SECOND);
        assert_eq!(admitted(&mut meter, 3 * SECOND), 1);
        assert_eq!(meter.statement(6 * SECOND, 1).window.unwrap().1, 1);
        assert_eq!(admitted(&mut meter, 8 * SECOND), 2);
        assert_eq!(admitted(&mut meter, 60 * SECOND), 3);
    }

    #[test]
    fn reset_at_next_states_the_next_token() {
        let mut meter = Bucket::tokens(5, 10 * SECOND, 3, true);
        assert_eq!(admitted(&mut meter, SECOND), 3);
        assert_eq!(
            meter.statement(2 * SECOND, 1).window,
            Some((3, 0, 3 * SECOND))
        );
    }

    #[test]
    fn quota_change_keeps_the_tokens() {
        let mut meter = Bucket::tokens(10, 10 * SECOND, 10, false);
        for _ in 0..4 {
            meter.take(SECOND, 1);
        }
        meter.set_quota(SECOND, 5);
        // There were six tokens, but only five fit.
        assert_eq!(admitted(&mut meter, SECOND), 5);
        assert_eq!(meter.opens(SECOND, 1), 3 * SECOND);
        meter.set_quota(SECOND, 20);
        assert_eq!(meter.opens(SECOND, 1), SECOND + SECOND / 2);
    }

    #[test]
    fn queue_delays_early_calls() {
        // The queue serves one call a second. The first call passes immediately and two wait.
        let mut meter = Bucket::queue(10, 10 * SECOND, 2);
        assert_eq!(admitted(&mut meter, SECOND), 3);
        assert_eq!(meter.opens(SECOND, 1), 4 * SECOND);
        let statement = meter.statement(SECOND, 1);
        assert_eq!(statement.window, None);
        assert_eq!(statement.retry, 2 * SECOND);
        assert_eq!(admitted(&mut meter, 2 * SECOND), 1);
    }

    #[test]
    fn costs_take_several_tokens() {
        // 100 tokens a second.
        let mut meter = Bucket::tokens(1_000, 10 * SECOND, 500, false);
        meter.take(SECOND, 450);
        assert_eq!(meter.opens(SECOND, 50), SECOND);
        assert_eq!(meter.opens(SECOND, 250), 3 * SECOND);
        assert_eq!(
            meter.statement(2 * SECOND, 200).retry,
            2 * SECOND + SECOND / 2
        );
        // More than the bucket holds waits until it is full.
        assert_eq!(meter.opens(SECOND, 2_000), SECOND + SECOND * 9 / 2);
    }

    #[test]
    fn debt_is_refilled_first() {
        let mut meter = Bucket::tokens(1_000, 10 * SECOND, 500, false);
        meter.take(SECOND, 800);
        assert_eq!(
            meter.statement(SECOND, 1).window,
            Some((500, 0, 9 * SECOND))
        );
        assert_eq!(meter.opens(SECOND, 100), 5 * SECOND);
    }
}
