//! Rejections in a row.

use core::time::Duration;

use super::permit::Ticket;
use crate::instant::Instant;

/// The probes that the server rejected since it last accepted an attempt.
///
/// Each hold costs only one of the queued calls a rejection, so that 50 of them would go on for 50 times as long as one. So
/// a queued call counts each rejected probe as its own.
#[derive(Debug, Default)]
pub(super) struct Streak {
    /// How many probes were rejected in all.
    count: u64,
    /// How many of them were rejected before the latest acceptance.
    before: u64,
    /// When that was.
    accepted: Instant,
}

impl Streak {
    /// How many probes were rejected in all.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) const fn on_accepted(&mut self, now: Instant) {
        self.before = self.count;
        self.accepted = now;
    }

    pub(super) const fn on_probe_rejected(&mut self) {
        self.count += 1;
    }

    /// Returns when the server last accepted an attempt.
    pub(super) const fn accepted_at(&self) -> Instant {
        self.accepted
    }

    /// Whether the server has rejected a probe since its latest acceptance.
    pub(super) const fn is_on(&self) -> bool {
        self.before < self.count
    }

    /// Returns the instant before which no call gives up.
    pub(super) fn ends_after(&self) -> Instant {
        self.accepted + LONGEST
    }

    /// Whether more than `most` probes were rejected since the call at `ticket` began.
    pub(super) fn exceeds(&self, ticket: Ticket, most: u32) -> bool {
        let before = ticket.rejected.max(self.before);
        self.count.saturating_sub(before) > u64::from(most)
    }
}

/// How long a call stays in a scope that rejects every probe. The longest window of a known server that does not state
/// its end is an hour, and the minute is for clocks that differ.
pub(super) const LONGEST: Duration = Duration::from_secs(61 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(rejected: u64) -> Ticket {
        Ticket { age: 1, rejected }
    }

    #[test]
    fn a_call_counts_the_probes_rejected_since_it_began() {
        let mut streak = Streak::default();
        for count in 1..=70 {
            streak.on_probe_rejected();
            assert_eq!(streak.exceeds(ticket(0), 16), count > 16, "{count}");
            assert_eq!(streak.exceeds(ticket(50), 16), count > 66, "{count}");
        }
    }

    #[test]
    fn one_acceptance_ends_the_streak() {
        let mut streak = Streak::default();
        (0..100).for_each(|_| streak.on_probe_rejected());
        assert!(streak.is_on() && streak.exceeds(ticket(0), 16));
        streak.on_accepted(Instant::ORIGIN);
        assert!(!streak.is_on() && !streak.exceeds(ticket(0), 0));
        streak.on_probe_rejected();
        assert!(streak.is_on() && !streak.exceeds(ticket(0), 16));
    }
}
