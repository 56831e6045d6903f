//! A limit that the caller states.

use core::mem;
use core::time::Duration;

use super::recent::Recent;
use crate::instant::{Instant, nanos};

/// Counts attempts against a limit that the caller [states](super::Pacing::with_limit).
///
/// The server may count in another way, or the limit may be wrong. If the server throttles some of the attempts up to
/// the limit and accepts others, the limit is lowered by as many. If the server accepts no attempt, it has locked the
/// scope out, and the limit stays. A lowered limit rises by one after many periods.
#[derive(Debug, Default)]
pub(super) struct Ceiling {
    recent: Recent,
    /// By how much the limit is lowered, and since when, without holds.
    lowered: u64,
    since: Instant,
    /// How many attempts were accepted and throttled since the latest hold.
    accepted: u64,
    throttled: u64,
}

impl Ceiling {
    /// Adds an attempt that is sent now. It counts even if the caller does not send it after all.
    pub(super) fn on_sent(&mut self, now: Instant) {
        self.recent.on_sent(now);
    }

    /// Adds an attempt that was accepted.
    pub(super) const fn on_accepted(&mut self) {
        self.accepted += 1;
    }

    /// Adds an attempt that was throttled although the limit was kept.
    pub(super) const fn on_throttled(&mut self) {
        self.throttled += 1;
    }

    /// Adds that a hold is over.
    pub(super) fn on_held(&mut self, now: Instant) {
        let (accepted, throttled) = (
            mem::take(&mut self.accepted),
            mem::take(&mut self.throttled),
        );
        if accepted > 0 {
            self.lowered = self.lowered.saturating_add(throttled);
        }
        self.since = now;
    }

    /// Returns how many more attempts may be sent now, of `number` in each `period`.
    pub(super) fn left(&mut self, now: Instant, number: u64, period: Duration) -> u64 {
        self.recent.forget(now, spaced(period));
        self.rise(now, period);
        self.lowered = self.lowered.min(number - 1);
        (number - self.lowered).saturating_sub(self.recent.count())
    }

    /// Returns when the oldest attempt stops counting.
    pub(super) fn frees_at(&self, period: Duration) -> Option<Instant> {
        Some(self.recent.oldest()?.add_nanos(spaced(period)))
    }

    fn rise(&mut self, now: Instant, period: Duration) {
        if self.lowered > 0 && now.duration_since(self.since) / PATIENCE >= period {
            self.lowered -= 1;
            self.since = now;
        }
    }
}

/// Returns the length of the period on our side, in nanoseconds. Attempts that are sent further apart may arrive closer
/// together.
fn spaced(period: Duration) -> u64 {
    nanos(period.saturating_add(period / SLACK))
}

/// The part of a period by which it is longer on our side. For a second, that is 16 ms.
const SLACK: u32 = 64;

/// The number of periods after which a lowered limit rises by one. If that is wrong, one attempt in as many periods is
/// throttled.
const PATIENCE: u32 = 256;

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Instant {
        Instant::ORIGIN + Duration::from_millis(millis)
    }

    #[test]
    fn no_period_has_more_than_the_limit() {
        let mut ceiling = Ceiling::default();
        let mut sent = Vec::new();
        for ms in 0..10_000 {
            if ceiling.left(at(ms), 5, S) > 0 {
                ceiling.on_sent(at(ms));
                sent.push(ms);
            }
        }
        // Attempts may arrive 15 ms closer together than they were sent.
        let is_kept = |six: &[u64]| six[5] - six[0] >= 1_015;
        assert!(sent.windows(6).all(is_kept));
        assert!(sent.len() >= 48, "{}", sent.len());
    }

    #[test]
    fn throttled_attempts_lower_it_and_many_periods_raise_it() {
        let mut ceiling = Ceiling::default();
        ceiling.on_accepted();
        (0..2).for_each(|_| ceiling.on_throttled());
        ceiling.on_held(at(0));
        assert_eq!(ceiling.left(at(1), 6, S), 4);
        assert_eq!(ceiling.left(at(255_000), 6, S), 4);
        assert_eq!(ceiling.left(at(256_000), 6, S), 5);
        assert_eq!(ceiling.left(at(600_000), 6, S), 6);
        ceiling.on_accepted();
        (0..100).for_each(|_| ceiling.on_throttled());
        ceiling.on_held(at(600_000));
        assert_eq!(ceiling.left(at(600_000), 6, S), 1);
    }

    #[test]
    fn longest_period_causes_no_panic() {
        let mut ceiling = Ceiling::default();
        ceiling.on_sent(at(0));
        assert_eq!(ceiling.left(at(1), 1, Duration::MAX), 0);
        assert_eq!(ceiling.frees_at(Duration::MAX), Some(Instant::MAX));
    }

    #[test]
    fn lock_out_does_not_lower_it() {
        let mut ceiling = Ceiling::default();
        (0..5).for_each(|_| ceiling.on_throttled());
        ceiling.on_held(at(0));
        assert_eq!(ceiling.left(at(1), 6, S), 6);
    }
}
