//! Quotas whose overage the server bills instead of throttling it.

use core::time::Duration;

use super::ledger::Answer;
use crate::instant::Instant;

/// The evidence that an empty window is not a reason to wait.
///
/// Evidence is an accepted attempt that was sent after the pacer knew that the window was empty. Two of
/// them end pacing by the window. One rejection restores it.
#[derive(Debug, Default)]
pub(super) struct Overage {
    /// When the pacer learned that the window is empty.
    empty_since: Option<Instant>,
    accepted: u32,
}

impl Overage {
    /// Adds an answer that says that the window is empty.
    #[cold]
    pub(super) fn on_empty(&mut self, answer: &Answer<'_>) {
        if answer.accepted.is_none() {
            self.accepted = 0;
        } else if let Some(since) = self.empty_since {
            let is_evidence = answer.permit.sent >= since;
            self.accepted = self.accepted.saturating_add(u32::from(is_evidence));
        } else {
            self.empty_since = Some(answer.tally.now);
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
    /// Returns whether the hold of a spent window until `until` begins with a probe.
    pub(super) fn is_due(&self, now: Instant, until: Instant) -> bool {
        until.duration_since(now) > LONG_HOLD && now >= self.next
    }

    /// Adds an attempt that was throttled because the quota is spent.
    pub(super) fn on_throttled(&mut self, now: Instant) {
        self.next = now + self.interval;
        self.interval = self.interval.saturating_mul(2);
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

/// One accepted attempt may have overtaken the one that emptied the window.
const ENOUGH: u32 = 2;

/// The longest wait that calls accept by default. Most calls wait for the end of a shorter hold.
pub(super) const LONG_HOLD: Duration = Duration::from_secs(300);

/// Probing a window of an hour costs a rejection in the first hour, and then less and less often.
const SHORTEST: Duration = Duration::from_secs(3_600);
