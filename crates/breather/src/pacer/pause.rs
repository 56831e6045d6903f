//! How long a scope rests where nobody says until when.

use core::time::Duration;

use super::hold::{Cause, Hold};
use crate::instant::Instant;

/// The learned length of a hold whose end nobody states.
///
/// A window ends when it ends: a probe a little before that is to be expected, and others follow until one is
/// accepted.
#[derive(Debug)]
pub(super) struct Pause {
    length: Duration,
    /// Whether the two latest holds were over after about the same time. Others may have had what came back in
    /// the meantime, so that a single one tells little.
    is_confirmed: bool,
    /// What the two holds before the latest one made of it. The least of three is taken: where others are first
    /// at what comes back, a hold is over when we are lucky, and luck must not make the next one longer.
    before: [Duration; 2],
}

impl Pause {
    pub(super) const fn new() -> Self {
        Self {
            length: SHORTEST,
            is_confirmed: true,
            before: [Duration::MAX; 2],
        }
    }

    pub(super) const fn length(&self) -> Duration {
        self.length
    }

    /// A hold that begins at `now`.
    pub(super) fn hold(&self, now: Instant) -> Hold {
        let due = now + self.length;
        if self.is_confirmed {
            return Hold::new(now, Cause::Guessed, now, due).elastic(true);
        }
        Hold::new(now, Cause::Guessed, now, now + self.length / 2).due(due)
    }

    /// A probe that was sent at `sent` ended `hold`: it was accepted.
    pub(super) fn on_opened(&mut self, hold: &Hold, sent: Instant) {
        if hold.rejections == 0 && self.is_confirmed {
            return;
        }
        let late = sent.duration_since(hold.from);
        let start = (late - late / 100 * 15).clamp(SHORTEST, LONGEST);
        let [older, old] = self.before;
        self.is_confirmed = start.max(old) <= start.min(old) / 3 * 4;
        self.before = [old, start];
        self.length = start.min(old).min(older);
    }
}

/// As long as a cap's rejections take to be told from a quota's, and a tenth of a percent of a minute's window.
const SHORTEST: Duration = Duration::from_millis(250);

/// The longest that a scope rests on a guess alone.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    /// When the first probe goes after the holds were over so late.
    fn first_probe(lates: &[u32]) -> Duration {
        let mut pause = Pause::new();
        for &late in lates {
            let mut hold = pause.hold(Instant::ORIGIN);
            hold.rejections = 1;
            pause.on_opened(&hold, Instant::ORIGIN + late * S);
        }
        pause
            .hold(Instant::ORIGIN)
            .until
            .duration_since(Instant::ORIGIN)
    }

    #[test]
    fn a_window_is_probed_a_little_before_it_ends() {
        assert_eq!(first_probe(&[60, 60]), 51 * S);
        assert_eq!(first_probe(&[60, 60, 80, 60]), 51 * S);
    }

    #[test]
    fn one_hold_alone_is_not_believed() {
        assert_eq!(first_probe(&[20]), 8 * S + S / 2);
        assert_eq!(first_probe(&[20, 20]), 17 * S);
        assert_eq!(first_probe(&[20, 20, 80]), 8 * S + S / 2);
        assert_eq!(first_probe(&[20, 64, 64, 64]), 54 * S + S * 2 / 5);
    }

    #[test]
    fn the_longest_rest_is_a_minute() {
        assert_eq!(first_probe(&[3_600, 3_600]), LONGEST);
    }

    #[test]
    fn the_probe_after_an_early_one_waits_for_the_rest() {
        let mut pause = Pause::new();
        let mut hold = pause.hold(Instant::ORIGIN);
        hold.rejections = 1;
        pause.on_opened(&hold, Instant::ORIGIN + 20 * S);

        let hold = pause.hold(Instant::ORIGIN);
        let throttled = hold.on_probe_throttled(hold.until, None);
        assert_eq!(throttled.until, Instant::ORIGIN + 17 * S);
        let again = throttled.on_probe_throttled(throttled.until, None);
        assert_eq!(again.until, Instant::ORIGIN + 17 * S + 17 * S / 10);
    }
}
