//! Rests that are made longer, so that more comes of each.

use core::time::Duration;

use super::expectation::Harvest;
use crate::instant::{Instant, nanos};

/// What is added to a rest where each brings little.
///
/// A bucket gives more the longer it was left alone, and each rest costs a rejection to learn that one is due. A
/// window gives no more for that: then less comes of it in all, and the rest is made short again.
#[derive(Debug, Default)]
pub(super) struct Stretch {
    extra: Duration,
    /// What came in a second when it was shorter, in 1/1,000, and how short it was.
    shorter: Option<(u64, Duration)>,
    /// How many more rests it stays as it is.
    settled: u32,
    /// Whether the latest rest was over when it was expected to be.
    was_right: bool,
    /// When a rest was last due to end.
    due: Instant,
}

impl Stretch {
    /// What to add to a rest of `length` that is due to end at `due`, after `harvest` came since the one before.
    pub(super) fn extra(&mut self, due: Instant, length: Duration, harvest: Harvest) -> Duration {
        let took = nanos(due.duration_since(self.due)).max(1);
        self.due = due;
        let rate = harvest.accepted.saturating_mul(1_000_000_000_000) / took;
        if let Some((before, extra)) = self.shorter.take() {
            if rate < before - before / 8 {
                self.extra = extra;
                self.settled = SETTLED;
                return extra;
            }
        }
        self.settled = self.settled.saturating_sub(1);
        let is_poor = harvest.accepted < harvest.throttled.saturating_mul(GOOD);
        let longer = self.extra + (length + self.extra) / 2;
        if self.was_right && is_poor && self.settled == 0 && length + longer <= LONGEST {
            self.shorter = Some((rate, self.extra));
            self.extra = longer;
        }
        self.extra
    }

    /// The rest is over, after so many throttled probes.
    pub(super) fn on_opened(&mut self, rejections: u32) {
        self.was_right = rejections == 0;
        if !self.was_right {
            self.extra = Duration::ZERO;
            self.shorter = None;
        }
    }
}

/// What is longer keeps callers waiting for the sake of few rejections.
const LONGEST: Duration = Duration::from_secs(10);

/// How many are to be accepted for each that is throttled.
const GOOD: u64 = 20;

/// What a window loses by each attempt, an eighth of which is not noticed, is spread over so many of its rests.
const SETTLED: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// What is added to the rests of a server that gives so many in a period, and each time throttles one. Each rest
    /// is of a second, and so is what follows it.
    fn extras(accepted: impl Fn(Duration) -> u64) -> Vec<Duration> {
        let mut stretch = Stretch::default();
        let mut now = Instant::ORIGIN;
        let mut period = 2 * S;
        let mut extras = Vec::new();
        for _ in 0..16 {
            stretch.on_opened(0);
            now = now + 2 * S;
            let harvest = Harvest {
                accepted: accepted(period),
                throttled: 1,
            };
            let extra = stretch.extra(now, S, harvest);
            extras.push(extra);
            now = now + extra;
            period = 2 * S + extra;
        }
        extras
    }

    #[test]
    fn a_bucket_is_left_alone_for_longer() {
        let extras = extras(|period| period.as_millis() as u64 / 500);
        assert!(extras.is_sorted(), "{extras:?}");
        let last = *extras.last().unwrap();
        assert!(last > 6 * S && S + last <= LONGEST, "{extras:?}");
    }

    #[test]
    fn what_gives_no_more_for_it_is_not() {
        let extras = extras(|_| 5);
        assert_eq!(extras[0], S / 2);
        let settled = SETTLED as usize;
        assert!(
            extras[1..=settled].iter().all(Duration::is_zero),
            "{extras:?}"
        );
        assert_eq!(extras[settled + 1], S / 2);
    }

    #[test]
    fn what_brings_much_is_left_as_it_is() {
        assert!(extras(|_| 50).iter().all(Duration::is_zero));
    }

    #[test]
    fn a_rest_that_was_too_short_anyway_is_not_made_longer() {
        let mut stretch = Stretch::default();
        stretch.on_opened(2);
        let harvest = Harvest {
            accepted: 5,
            throttled: 1,
        };
        assert_eq!(
            stretch.extra(Instant::ORIGIN + S, S, harvest),
            Duration::ZERO
        );
    }
}
