//! Quota that refills call by call.

use crate::hint::Window;

/// Detects quota that refills call by call, as in a token bucket whose `reset` says when it will be full.
///
/// The reset of a bucket moves with each call, in proportion to the used quota. The reset of a window stands
/// still. (Waiting for the stated reset took 1.31 of the ideal time for 1,000 calls of a bucket of 300 that
/// gains 5 a second, and with this 1.00.)
#[derive(Debug, Default)]
pub(super) struct Refill {
    /// The used quota and the time to the reset in an earlier answer.
    reference: Option<(u64, u64)>,
    /// In nanoseconds, as all times here.
    per_unit: Option<u64>,
    /// The same by the server's statements alone, which is never longer.
    stated: u64,
    /// The least time, because calls came too early with less.
    least: u64,
    /// The longest stated reset. One call does not take longer to come back than all of them.
    longest: u64,
}

impl Refill {
    /// Adds an answer that reported `window`.
    pub(super) fn on_answer(&mut self, window: &Window<'_>) {
        let Some((limit, remaining)) = window.limit().zip(window.remaining()) else {
            return;
        };
        let used = limit.saturating_sub(remaining);
        // A bucket that has lost a call is not full.
        let reset = window.reset_nanos().filter(|&reset| reset > 0);
        let (Some(reset), 1..) = (reset, used) else {
            return;
        };
        let per_unit = reset / used;
        if let Some(known) = self.per_unit {
            if is_line(known, used, reset) {
                self.longest = self.longest.max(reset);
                // Seconds are rounded up, so that the least is right, of those that are no mere rounding.
                if reset > ROUNDING {
                    self.per_unit = Some(known.min(per_unit.max(self.least)));
                    self.stated = self.stated.min(per_unit);
                }
            } else if remaining > 0 || per_unit < known {
                *self = Self::default();
                self.reference = Some((used, reset));
            }
            return;
        }
        match self.reference {
            Some((before, then)) if before < used => {
                if !is_line(per_unit, before, then) {
                    self.reference = Some((used, reset));
                } else if reset > then.saturating_add(ROUNDING) {
                    self.per_unit = Some(per_unit);
                    self.stated = per_unit;
                    self.longest = reset;
                }
            }
            _ => self.reference = Some((used, reset)),
        }
    }

    /// Adds a throttled call for which the bucket should have refilled.
    ///
    /// Servers round the used quota up to whole calls, so a small bucket seems to refill faster than it does. If
    /// the server goes on throttling, it has another reason. So the time never exceeds the longest reset.
    pub(super) fn on_throttled(&mut self) {
        if let Some(per_unit) = &mut self.per_unit {
            let longer = per_unit.saturating_add(*per_unit / 16);
            *per_unit = longer.min(self.longest);
            self.least = *per_unit;
        }
    }

    /// Adds an accepted call. So the pacer forgets by and by what rejections taught.
    #[inline]
    pub(super) fn on_accepted(&mut self) {
        if let Some(per_unit) = self.per_unit.as_mut().filter(|it| **it > self.stated) {
            *per_unit -= (*per_unit - self.stated) / FORGETS;
            self.least = *per_unit;
        }
    }

    /// How much comes back in `time`, if that is how the quota comes back.
    pub(super) fn in_time(&self, time: u64) -> u64 {
        let per_unit = self.per_unit.filter(|&it| it > 0);
        per_unit.map_or(0, |per_unit| time / per_unit)
    }

    /// Returns the time in which one unit refills, in nanoseconds, if the quota is a bucket.
    pub(super) const fn per_unit(&self) -> Option<u64> {
        self.per_unit
    }

    /// Returns the same by the server's statements alone.
    pub(super) fn stated_per_unit(&self) -> Option<u64> {
        self.per_unit.map(|_| self.stated)
    }
}

/// A rejection makes a call's time a sixteenth longer. If that is needed, one in 100 calls is throttled.
const FORGETS: u64 = 128;

/// Returns whether `used` calls refill in about the time `reset`.
#[inline]
fn is_line(per_unit: u64, used: u64, reset: u64) -> bool {
    let expected = per_unit.saturating_mul(used);
    reset.max(expected)
        <= reset
            .min(expected)
            .saturating_mul(2)
            .saturating_add(ROUNDING)
}

/// Whole seconds, and the network.
const ROUNDING: u64 = 1_500_000_000;

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn after(answers: &[(u64, u64)]) -> Option<Duration> {
        let mut refill = Refill::default();
        for &(remaining, seconds) in answers {
            let window = Window::new("").with_limit(300).with_remaining(remaining);
            refill.on_answer(&window.with_reset(seconds as u32 * S));
        }
        refill.per_unit().map(Duration::from_nanos)
    }

    #[test]
    fn a_bucket_tells_by_its_reset() {
        // 5 a second, and the time until it is full, rounded up.
        assert_eq!(after(&[(299, 1), (290, 2), (250, 10)]), Some(S / 5));
        // In the order in which answers come.
        assert_eq!(after(&[(250, 10), (299, 1), (200, 20)]), Some(S / 5));
    }

    #[test]
    fn a_window_does_not() {
        assert_eq!(after(&[(299, 60), (250, 60), (100, 59), (0, 58)]), None);
        // The next window, seen after more of it is used than of the one before.
        assert_eq!(after(&[(295, 1), (290, 55), (280, 54), (200, 30)]), None);
        // A window that begins anew with each call.
        assert_eq!(after(&[(299, 60), (200, 60), (0, 60)]), None);
    }

    #[test]
    fn a_bucket_that_names_its_next_call_is_not_taken_for_one_that_says_when_it_is_full() {
        assert_eq!(after(&[(298, 0), (297, 2), (299, 0), (297, 1)]), None);
    }

    #[test]
    fn a_small_bucket_is_waited_for_longer_than_it_says() {
        // One in 2.6 s, of which two are missing from the first call on: in 5.1 s, it says, and in 4.7.
        let answer = |remaining, millis| {
            let window = Window::new("").with_limit(2).with_remaining(remaining);
            window.with_reset(Duration::from_millis(millis))
        };
        let mut refill = Refill::default();
        refill.on_answer(&answer(1, 2_600));
        refill.on_answer(&answer(0, 4_700));
        let said = refill.per_unit().map(Duration::from_nanos).unwrap();
        assert_eq!(said, Duration::from_millis(2_350));

        refill.on_throttled();
        refill.on_throttled();
        let learned = refill.per_unit().map(Duration::from_nanos).unwrap();
        assert!(learned > Duration::from_millis(2_600), "{learned:?}");
        // By its words it would be less again.
        refill.on_answer(&answer(0, 4_800));
        assert_eq!(refill.per_unit().map(Duration::from_nanos), Some(learned));
    }

    #[test]
    fn no_rejections_make_one_call_take_longer_than_the_bucket_says_that_all_do() {
        let mut refill = Refill::default();
        for (remaining, seconds) in [(299, 1), (250, 10), (200, 20)] {
            let window = Window::new("").with_limit(300).with_remaining(remaining);
            refill.on_answer(&window.with_reset(seconds * S));
        }
        (0..10_000).for_each(|_| refill.on_throttled());
        assert_eq!(refill.per_unit().map(Duration::from_nanos), Some(20 * S));
    }

    #[test]
    fn a_bucket_that_becomes_a_window_is_one() {
        let bucket = [(299, 1), (250, 10), (200, 20)];
        assert_eq!(after(&[&bucket[..], &[(100, 10)]].concat()), None);
    }
}
