//! Whether a hold that one call caused is the scope's.

/// When a hold is contested, so that other calls probe it at once.
///
/// A call may be throttled although the server accepts others, for example because of a limit of its route. If a
/// probe is accepted, the hold is lifted, and all further holds of this kind are contested. If probes are throttled,
/// too, the hold is confirmed, and the number of holds until the next one is contested doubles.
#[derive(Debug, Default)]
pub(super) struct Contest {
    /// The number of holds that are not contested before one is.
    wait: u32,
    interval: u32,
    /// How many holds were lifted since one was confirmed, up to [`MOST_DOUBTS`].
    doubts: u32,
    /// How many attempts of other calls were throttled in the hold.
    throttled: u32,
}

impl Contest {
    /// Returns whether the hold that begins now is contested.
    pub(super) const fn begins(&mut self) -> bool {
        let is_due = self.wait == 0;
        self.wait = self.wait.saturating_sub(1);
        self.throttled = 0;
        is_due
    }

    /// Adds a probe of a contested hold that was accepted.
    pub(super) fn on_lifted(&mut self) {
        (self.wait, self.interval) = (0, 0);
        self.doubts = (self.doubts + 1).min(MOST_DOUBTS);
    }

    /// Adds an attempt of another call that was throttled in a contested hold. Returns whether that confirms the hold.
    ///
    /// After holds that were lifted, it takes one more attempt for each, because these calls may also have limits of
    /// their own.
    pub(super) fn confirms(&mut self) -> bool {
        self.throttled += 1;
        if self.throttled <= self.doubts {
            return false;
        }
        self.doubts = 0;
        self.interval = (self.interval * 2).clamp(1, LONGEST_INTERVAL);
        self.wait = self.interval;
        true
    }
}

/// The most holds until the next one is contested.
const LONGEST_INTERVAL: u32 = 64;

/// If a tenth of all calls go to a route that is always throttled, so many probes and one more are throttled once in
/// 10,000 times.
const MOST_DOUBTS: u32 = 3;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn confirmed_holds_are_contested_less_and_less_often() {
        let mut contest = Contest::default();
        let mut due = Vec::new();
        for hold in 0..300 {
            if contest.begins() {
                due.push(hold);
                assert!(contest.confirms());
            }
        }
        assert_eq!(due, [0, 2, 5, 10, 19, 36, 69, 134, 199, 264]);
    }

    #[test]
    fn lifted_holds_contest_the_next_ones_and_make_them_harder_to_confirm() {
        let mut contest = Contest::default();
        (0..10).for_each(|_| _ = contest.confirms());
        contest.on_lifted();
        assert!((0..10).all(|_| contest.begins()));
        (0..10).for_each(|_| contest.on_lifted());
        let confirms: Vec<_> = (0..4).map(|_| contest.confirms()).collect();
        assert_eq!(confirms, [false, false, false, true]);
    }
}
