//! How long something takes at most, of late.

use core::time::Duration;

use crate::instant::Instant;

/// The slowest of late: with each time that is taken, an eighth of it is forgotten.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowest {
    // A duration costs several times as much to compare and to shorten.
    nanos: u64,
}

impl Slowest {
    /// Another one took from `sent` to `now`.
    pub(super) const fn on_answer(&mut self, sent: Instant, now: Instant) {
        let took = now.as_nanos().saturating_sub(sent.as_nanos());
        let slowest = self.nanos - self.nanos / 8;
        self.nanos = if took > slowest { took } else { slowest };
    }

    /// Whether nothing was taken yet, or no time.
    pub(super) const fn is_zero(self) -> bool {
        self.nanos == 0
    }

    pub(super) const fn get(self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}
