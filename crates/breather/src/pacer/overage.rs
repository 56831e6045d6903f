//! Quotas whose overage the server bills instead of throttling it.

use core::time::Duration;

use crate::instant::Instant;

/// The evidence that a window is no reason to wait when it is empty.
///
/// Evidence is an attempt that was sent after the pacer knew that nothing was left, and accepted. Two of
/// them end pacing by the window. One rejection restores it.
#[derive(Debug, Default)]
pub(super) struct Overage {
    /// Since when the pacer knows that nothing is left.
    empty_since: Option<Instant>,
    accepted: u32,
}

impl Overage {
    /// Adds an answer at `now` to a request that was sent at `sent`, which says that nothing is left.
    pub(super) fn on_empty(&mut self, now: Instant, sent: Instant, is_accepted: bool) {
        if !is_accepted {
            self.accepted = 0;
        } else if let Some(since) = self.empty_since {
            self.accepted = self.accepted.saturating_add(u32::from(sent >= since));
        } else {
            self.empty_since = Some(now);
        }
    }

    /// Something is left, or the window has begun anew.
    pub(super) const fn on_left(&mut self) {
        self.empty_since = None;
    }

    /// Returns whether the server bills overage.
    pub(super) const fn is_billed(&self) -> bool {
        self.accepted >= ENOUGH
    }
}

/// When a scope whose quota is spent sends one more attempt, to find out whether the server bills it.
#[derive(Debug)]
pub(super) struct OverageProbes {
    /// No probe goes before that.
    next: Instant,
    /// How long after a rejection the next one goes.
    interval: Duration,
}

impl OverageProbes {
    /// Returns whether a hold until `until`, because nothing is left, begins with a probe.
    pub(super) fn is_due(&self, now: Instant, until: Instant) -> bool {
        until.duration_since(now) > LONG_HOLD && now >= self.next
    }

    /// The server throttled an attempt because nothing is left.
    pub(super) fn on_throttled(&mut self, now: Instant) {
        self.next = now + self.interval;
        self.interval = (self.interval * 2).min(LONGEST);
    }
}

impl Default for OverageProbes {
    fn default() -> Self {
        Self {
            next: Instant::ORIGIN,
            interval: SHORTEST,
        }
    }
}

/// One acceptance may have overtaken the attempt that left nothing.
const ENOUGH: u32 = 2;

/// The longest wait that calls accept by default. Most calls wait for the end of a shorter hold.
pub(super) const LONG_HOLD: Duration = Duration::from_secs(300);

/// Probing a window of an hour costs a rejection in the first hour, and then less and less often.
const SHORTEST: Duration = Duration::from_secs(3_600);

/// A quota that is enforced for months may be billed one day.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
