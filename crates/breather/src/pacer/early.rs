//! Probes before the end of a hold that only one answer asked for.

use super::hold::Hold;
use crate::instant::Instant;

/// The probes that went before the end of the latest hold.
///
/// One wrong header can ask for a year. A call that meets such a hold ends at once, but from time to time one of
/// them is sent to find out whether the server meant it.
#[derive(Debug, Default)]
pub(super) struct EarlyProbes {
    /// The number of the latest early probe.
    number: u64,
    latest: Try,
    /// The one before it, in case that the latest is not sent after all.
    before: Try,
}

/// An early probe.
#[derive(Clone, Copy, Debug, Default)]
struct Try {
    at: Instant,
    /// How many early probes followed each other without another attempt between them.
    count: u32,
}

impl EarlyProbes {
    /// Whether a call that accepts waits of up to `longest` nanoseconds may probe `hold` at `now`. `sent` is the
    /// number of the latest send.
    ///
    /// The first probe goes when the hold has lasted for `longest`, and each further one after twice the time of
    /// the one before.
    pub(super) fn is_due(&self, hold: &Hold, now: Instant, sent: u64, longest: u64) -> bool {
        let Some(until) = hold.stated() else {
            return false;
        };
        // Who accepts the rest of the hold waits for it.
        if hold.answers() > 1 || until.nanos_since(now) <= longest {
            return false;
        }
        let Try { at, count } = self.latest;
        let (since, count) = match self.number == sent && count > 0 {
            true => (at, count),
            false => (hold.since(), 0),
        };
        let factor = 1_u64.checked_shl(count).unwrap_or(u64::MAX);
        let wait = longest.max(SHORTEST).saturating_mul(factor);
        now.nanos_since(since) >= wait
    }

    /// Attempt `number` was sent at `now` as an early probe.
    pub(super) fn on_sent(&mut self, number: u64, now: Instant) {
        let follows = self.number > 0 && self.number + 1 == number;
        self.before = if follows { self.latest } else { Try::default() };
        let count = self.before.count + 1;
        self.latest = Try { at: now, count };
        self.number = number;
    }

    /// Attempt `number` was not sent after all.
    #[cfg(feature = "std")]
    pub(super) const fn on_unsent(&mut self, number: u64) {
        if self.number == number {
            self.latest = self.before;
        }
    }

    /// Whether attempt `number` is the latest early probe.
    pub(super) const fn is_latest(&self, number: u64) -> bool {
        self.number == number
    }
}

/// A minute, in nanoseconds. If the policy accepts no wait, one call a minute finds out whether the server meant it.
/// The pacer gives up on an attempt after a minute, so that no two early probes count at once.
const SHORTEST: u64 = 60 * 1_000_000_000;
