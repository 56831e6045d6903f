//! Rejections in a row.

use core::time::Duration;

use super::permit::Place;
use crate::instant::Instant;

/// The probes that the server rejected since it last accepted an attempt.
///
/// Each hold costs only one of the queued calls a rejection, so that each of them alone would hope for many holds.
/// Together they know better: a queued call counts each rejected probe as its own.
#[derive(Debug, Default)]
pub(super) struct Streak {
    /// How many probes were rejected in all.
    count: u64,
    /// How many of them were rejected before the streak began.
    before: u64,
    since: Instant,
}

impl Streak {
    /// How many probes were rejected in all.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn on_accepted(&mut self) {
        self.before = self.count;
    }

    pub(super) fn on_probe_rejected(&mut self, now: Instant) {
        if self.before == self.count {
            self.since = now;
        }
        self.count += 1;
    }

    /// Whether the streak has lasted for so long that calls should give up.
    pub(super) fn is_long(&self, now: Instant) -> bool {
        self.before < self.count && now.duration_since(self.since) > LONGEST
    }

    /// The number of rejected probes at which the call at `place` gives up if it accepts `most` of them.
    pub(super) fn end_of(&self, place: Place, most: u32) -> u64 {
        place.rejected.max(self.before).saturating_add(most.into())
    }

    /// Whether the call at `place` should give up.
    pub(super) fn is_over(&self, now: Instant, place: Place, most: u32) -> bool {
        self.is_long(now) && self.count > self.end_of(place, most)
    }
}

/// The longest window of a known server that says nothing about its end is an hour, and a minute is for clocks that
/// differ.
const LONGEST: Duration = Duration::from_secs(61 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn place(rejected: u64) -> Place {
        Place { age: 1, rejected }
    }

    #[test]
    fn a_call_gives_up_after_enough_probes_and_enough_time() {
        let mut streak = Streak::default();
        let mut now = Instant::ORIGIN;
        for count in 1..=70 {
            now = now + MINUTE;
            streak.on_probe_rejected(now);
            assert_eq!(streak.is_over(now, place(0), 16), count > 62, "{count}");
        }
        // A call that came late has seen too little of it.
        assert!(!streak.is_over(now, place(60), 16));
    }

    #[test]
    fn one_acceptance_ends_the_streak() {
        let mut streak = Streak::default();
        (0..100).for_each(|minute| streak.on_probe_rejected(Instant::ORIGIN + minute * MINUTE));
        let now = Instant::ORIGIN + 100 * MINUTE;
        assert!(streak.is_over(now, place(0), 16));
        streak.on_accepted();
        assert!(!streak.is_over(now, place(0), 16));
        streak.on_probe_rejected(now);
        assert!(!streak.is_over(now + MINUTE, place(0), 0));
    }
}
