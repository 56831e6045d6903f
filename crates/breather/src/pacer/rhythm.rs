//! Intervals at which a window of one was found open.

use core::mem;
use core::time::Duration;

use super::hold::{Hold, LONGEST_GUARD};
use crate::instant::Instant;

/// At which interval a window of one is asked for its next call, where the stated reset is not it.
///
/// Others who use it, too, may take what comes back before we ask. If they come at a beat of their own, what was free
/// at one moment is free again whole beats later, and the stated reset, in whole seconds, knows nothing of that: how
/// long it was between two calls that were let in does. What others do at random, no interval fits better than
/// another.
#[derive(Debug, Default)]
pub(super) struct Rhythm {
    /// When the one call of the latest window was sent; `None` if there were more.
    since: Option<Instant>,
    /// When the next one goes, by the interval.
    next: Option<Instant>,
    /// The interval that is gone by, and how many calls in a row it let in.
    interval: Option<Duration>,
    run: u32,
    /// The one that let in the most, and how many that were, half of it forgotten with each that ended.
    best: Option<Duration>,
    best_run: u32,
    /// Whether the latest window was not open when it was first asked.
    was_late: bool,
    /// How many probes were throttled.
    throttled: u32,
}

impl Rhythm {
    /// A window is used up, and `since`, if it was one of one, its call was sent.
    pub(super) fn on_spent(&mut self, since: Option<Instant>) {
        self.since = since;
        let next = since.zip(self.interval);
        self.next = next.map(|(since, interval)| since + interval);
    }

    /// What to add to a reset that is stated as `at`, after a window of one.
    pub(super) fn guard(&self, at: Instant) -> Option<Duration> {
        self.since?;
        let late = self.next.map(|next| next.duration_since(at));
        Some(
            late.filter(|&late| late <= LONGEST_GUARD)
                .unwrap_or_default(),
        )
    }

    /// A probe was throttled: how long after the stated instant the next one goes.
    ///
    /// At the same fraction of a second each time, it would meet others at the same moment of their beat. Multiples of
    /// the golden ratio are the fractions that lie furthest apart, however many there are.
    pub(super) fn apart(&mut self) -> Duration {
        if self.since.is_none() || (self.interval.is_none() && !self.was_late) {
            return Duration::ZERO;
        }
        self.throttled = self.throttled.wrapping_add(1);
        let fraction = self.throttled.wrapping_mul(GOLDEN);
        SPREAD / 1024 * (fraction >> 22)
    }

    /// A probe that was sent at `sent` ended `hold`: it was accepted. Whether the hold was one that followed a window
    /// of one.
    pub(super) fn on_opened(&mut self, hold: &Hold, sent: Instant) -> bool {
        let Some(since) = self.since.take() else {
            return false;
        };
        let is_late = hold.rejections > 0;
        let was_late = mem::replace(&mut self.was_late, is_late);
        if !is_late {
            if self.interval.is_none() {
                self.best_run /= 2;
                return true;
            }
            self.run += 1;
            if self.run == TRUSTED {
                // The stated reset may be right by now.
                self.end_run();
            }
            return true;
        }
        if self.interval.is_some() {
            self.end_run();
        }
        self.interval = if self.best_run > 1 {
            self.best
        } else {
            // One alone may be an outage.
            let is_sane = was_late && sent.duration_since(hold.from) <= LONGEST_GUARD;
            is_sane.then(|| sent.duration_since(since))
        };
        true
    }

    fn end_run(&mut self) {
        let interval = self.interval.take();
        let run = mem::take(&mut self.run);
        self.best_run /= 2;
        if run > self.best_run {
            (self.best, self.best_run) = (interval, run);
        }
    }
}

/// After so many calls the stated reset is tried again, in case that others have gone.
const TRUSTED: u32 = 16;

/// The golden ratio's fraction, in 2³² parts.
const GOLDEN: u32 = 0x9e37_79b9;

/// What whole seconds leave open.
const SPREAD: Duration = Duration::from_secs(1);
