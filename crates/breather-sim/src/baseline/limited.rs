//! A static rate limit.

use std::time::Duration;

use super::Growing;
use crate::callers::{Admission, Callers, Retries};

/// Limits sends to a fixed rate and retries throttled calls in a loop.
///
/// The limit is the generic cell rate algorithm. Each send books the next free cell, so calls are
/// served in the order of their arrival.
#[derive(Debug)]
pub(crate) struct Limited {
    /// The time between two cells.
    interval: Duration,
    /// How much earlier than its cell a send may be.
    tolerance: Duration,
    /// The start of the next cell.
    next: Duration,
}

impl Limited {
    /// Creates a limit. A rate of zero or less counts as a very low one, and a burst of 0 as 1.
    pub(crate) fn new(rate: f64, burst: u32) -> Self {
        let rate = if rate > SLOWEST { rate } else { SLOWEST };
        let interval = Duration::from_secs_f64(1.0 / rate);
        Self {
            interval,
            tolerance: interval.saturating_mul(burst.saturating_sub(1)),
            next: Duration::ZERO,
        }
    }
}

impl Callers for Limited {
    fn admit(&mut self, now: Duration) -> Admission {
        let at = now.max(self.next.saturating_sub(self.tolerance));
        self.next = self.next.max(at).saturating_add(self.interval);
        Admission::At(at)
    }

    fn call(&mut self, seed: u64) -> Box<dyn Retries> {
        Growing::capped().call(seed)
    }
}

/// One send a day.
const SLOWEST: f64 = 1.0 / 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_then_the_rate() {
        let mut limited = Limited::new(5.0, 3);
        let at = |limited: &mut Limited, now_ms| match limited.admit(Duration::from_millis(now_ms))
        {
            Admission::At(at) => at.as_millis(),
            Admission::AskAgain(_) => panic!("the limiter books a cell"),
        };
        let sends: Vec<_> = (0..6).map(|_| at(&mut limited, 0)).collect();
        assert_eq!(sends, [0, 0, 0, 200, 400, 600]);
        // A pause allows another burst, of the same size.
        let sends: Vec<_> = (0..5).map(|_| at(&mut limited, 10_000)).collect();
        assert_eq!(sends, [10_000, 10_000, 10_000, 10_200, 10_400]);
    }

    #[test]
    fn invalid_rates_are_slow() {
        for rate in [0.0, -1.0, f64::NAN] {
            let mut limited = Limited::new(rate, 0);
            let day = Duration::from_secs(86_400);
            assert_eq!(limited.admit(Duration::ZERO), Admission::At(Duration::ZERO));
            assert_eq!(limited.admit(Duration::ZERO), Admission::At(day));
        }
    }
}
