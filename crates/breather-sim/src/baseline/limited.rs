//! A limit that somebody wrote down.

use std::time::Duration;

use super::Growing;
use crate::callers::{Admission, Callers, Retries};

/// At most so many sends a second, by the generic cell rate algorithm, and a loop behind it for what is throttled.
///
/// Each send books the next cell that is free, so that who came first is served first.
#[derive(Debug)]
pub(crate) struct Limited {
    /// From one cell to the next.
    interval: Duration,
    /// How much earlier than its cell a send may be.
    tolerance: Duration,
    /// When the next cell begins.
    next: Duration,
}

impl Limited {
    /// Rates that are none are very low, and a burst of 0 is one of 1.
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

/// Once in a day.
const SLOWEST: f64 = 1.0 / 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let mut limited = Limited::new(5.0, 3);
        let at = |limited: &mut Limited, now_ms| match limited.admit(Duration::from_millis(now_ms))
        {
            Admission::At(at) => at.as_millis(),
            Admission::AskAgain(_) => panic!("it books"),
        };
        let sends: Vec<_> = (0..6).map(|_| at(&mut limited, 0)).collect();
        assert_eq!(sends, [0, 0, 0, 200, 400, 600]);
        // After a pause there is a burst again, and no larger one.
        let sends: Vec<_> = (0..5).map(|_| at(&mut limited, 10_000)).collect();
        assert_eq!(sends, [10_000, 10_000, 10_000, 10_200, 10_400]);
    }

    #[test]
    fn senseless_rates_are_slow() {
        for rate in [0.0, -1.0, f64::NAN] {
            let mut limited = Limited::new(rate, 0);
            let day = Duration::from_secs(86_400);
            assert_eq!(limited.admit(Duration::ZERO), Admission::At(Duration::ZERO));
            assert_eq!(limited.admit(Duration::ZERO), Admission::At(day));
        }
    }
}
