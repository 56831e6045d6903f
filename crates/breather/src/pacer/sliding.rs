//! Windows that slide.

use super::ledger::BLUR;
use super::recent::Recent;
use crate::instant::{Instant, nanos};

/// When a window permits the next attempt if it is a sliding log.
///
/// A sliding log counts the attempts of the latest period, so it permits one more when the oldest of them is older
/// than that. Servers round that instant up to whole seconds, again and again while the log empties. (1,000 calls
/// of a log of 300 a minute take 1.017 of the ideal time if that is obeyed, and 1.005 with this.)
///
/// The resets of other windows are not earlier than this says, because they count from the same attempts. A window
/// that throttles several probes in a row is no log, until it begins full.
#[derive(Debug, Default)]
pub(super) struct Sliding {
    /// The longest stated time to a reset in nanoseconds. An empty log states its whole period.
    length: u64,
    /// The accepted attempts of the latest `length`.
    recent: Recent,
    /// How many attempts in a row were throttled although a log would have permitted them.
    misses: u32,
}

impl Sliding {
    /// Adds a stated time to the reset, in nanoseconds.
    pub(super) fn on_reset(&mut self, delay: u64) {
        self.length = self.length.max(delay);
    }

    /// Adds that a window began full. It does not count earlier attempts, whatever it is.
    pub(super) fn on_full(&mut self) {
        self.recent = Recent::default();
        self.misses = 0;
    }

    /// Adds an accepted attempt.
    pub(super) fn on_accepted(&mut self, sent: Instant) {
        if self.misses < MOST_MISSES {
            self.misses = 0;
        }
        self.recent.forget(sent, self.length);
        self.recent.on_sent(sent);
    }

    /// Adds an attempt that was throttled now and was alone in flight, because nothing was left.
    pub(super) fn on_throttled(&mut self, now: Instant) {
        if self.frees_at().is_some_and(|at| at <= now) {
            self.misses = self.misses.saturating_add(1);
        }
    }

    /// Returns how many attempts of the latest period were accepted.
    pub(super) const fn count(&self) -> u64 {
        self.recent.count()
    }

    /// Returns when a log permits the next attempt. `None` if the window is no log, or if it is so short that
    /// rounding hides when it begins anew.
    pub(super) fn opens(&self) -> Option<Instant> {
        let is_log = self.misses < MOST_MISSES && self.length > nanos(BLUR);
        self.frees_at().filter(|_| is_log)
    }

    /// Returns when the oldest attempt stops counting.
    fn frees_at(&self) -> Option<Instant> {
        Some(self.recent.oldest()?.add_nanos(self.length))
    }
}

/// A probe may come in a little before the log permits it. The third in a row does not.
const MOST_MISSES: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    /// A log of 10 s after attempts at 100 and 101 s.
    fn after_two() -> Sliding {
        let mut sliding = Sliding::default();
        sliding.on_reset(9 * S);
        sliding.on_reset(10 * S);
        sliding.on_accepted(Instant::from_nanos(100 * S));
        sliding.on_accepted(Instant::from_nanos(101 * S));
        sliding
    }

    fn opens(sliding: &Sliding) -> Option<u64> {
        sliding.opens().map(|at| at.as_nanos() / S)
    }

    #[test]
    fn log_opens_when_its_oldest_attempt_stops_counting() {
        let mut sliding = after_two();
        assert_eq!((sliding.count(), opens(&sliding)), (2, Some(110)));
        sliding.on_accepted(Instant::from_nanos(110 * S));
        assert_eq!((sliding.count(), opens(&sliding)), (2, Some(111)));
        sliding.on_full();
        assert_eq!((sliding.count(), opens(&sliding)), (0, None));
    }

    #[test]
    fn three_misses_in_a_row_show_that_it_is_no_log() {
        let mut sliding = after_two();
        sliding.on_throttled(Instant::from_nanos(109 * S));
        for _ in 1..MOST_MISSES {
            sliding.on_throttled(Instant::from_nanos(110 * S));
        }
        assert_eq!(opens(&sliding), Some(110));
        sliding.on_throttled(Instant::from_nanos(110 * S));
        assert_eq!(opens(&sliding), None);
        sliding.on_accepted(Instant::from_nanos(110 * S));
        assert_eq!(opens(&sliding), None);
        sliding.on_full();
        sliding.on_accepted(Instant::from_nanos(120 * S));
        assert_eq!(opens(&sliding), Some(130));
    }

    #[test]
    fn nothing_is_known_of_a_second() {
        let mut sliding = Sliding::default();
        sliding.on_reset(S);
        sliding.on_accepted(Instant::from_nanos(100 * S));
        assert_eq!(opens(&sliding), None);
    }
}
