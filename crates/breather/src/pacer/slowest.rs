//! How long something takes at most, of late.

use core::time::Duration;

use crate::instant::Instant;

/// The slowest of late, up to [`LONGEST`]. Each new time makes it forget an eighth.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowest {
    // A duration costs several times as much to compare and to shorten.
    nanos: u64,
}

impl Slowest {
    /// Another one took from `sent` to `now`.
    pub(super) const fn on_answer(&mut self, sent: Instant, now: Instant) {
        let took = now.as_nanos().saturating_sub(sent.as_nanos());
        let took = if took < LONGEST { took } else { LONGEST };
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

/// Half a minute in nanoseconds. The pacer gives up on a probe after twice the slowest time, and one slow
/// answer must not make it wait for hours: it sends the next probe after a minute, whatever became of
/// the last one.
const LONGEST: u64 = 30 * 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_answer_does_not_count_for_more_than_the_longest() {
        let mut slowest = Slowest::default();
        slowest.on_answer(
            Instant::ORIGIN,
            Instant::ORIGIN + Duration::from_secs(3_155),
        );
        assert_eq!(slowest.get(), Duration::from_secs(30));
        slowest.on_answer(Instant::ORIGIN, Instant::ORIGIN + Duration::from_secs(1));
        assert_eq!(slowest.get(), Duration::from_millis(26_250));
    }
}
