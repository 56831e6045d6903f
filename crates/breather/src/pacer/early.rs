//! Probes before the end of a hold that only one answer asked for.

use super::hold::Hold;
use crate::instant::Instant;

/// The probes that went before the end of the latest hold.
///
/// One wrong header can ask for a year. A call that meets such a hold ends at once, but from time to time one of
/// them is sent to find out whether the server meant it.
#[derive(Debug, Default)]
pub(super) struct EarlyProbes {
    /// The number of the latest early probe, and when it was sent.
    number: u64,
    at: Instant,
    /// How many went in a row, with nothing sent between them.
    tries: u32,
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
        if hold.answers() > 1 || until.nanos_since(hold.since()) <= longest {
            return false;
        }
        let (since, tries) = match self.number == sent && sent > 0 {
            true => (self.at, self.tries),
            false => (hold.since(), 0),
        };
        let wait = longest.saturating_mul(1_u64.checked_shl(tries).unwrap_or(u64::MAX));
        now.nanos_since(since) >= wait
    }

    /// Attempt `number` was sent at `now` as an early probe.
    pub(super) fn on_sent(&mut self, number: u64, now: Instant) {
        let follows = self.number > 0 && self.number + 1 == number;
        self.tries = if follows { self.tries + 1 } else { 1 };
        (self.number, self.at) = (number, now);
    }

    /// Whether attempt `number` is the latest early probe.
    pub(super) const fn is_latest(&self, number: u64) -> bool {
        self.number == number
    }
}
