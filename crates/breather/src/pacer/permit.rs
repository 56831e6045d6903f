//! The right to send one attempt.

#[cfg(feature = "std")]
use super::hold::{Cause, Hold};
#[cfg(feature = "std")]
use super::phase::Phase;
use crate::instant::Instant;

/// The right to send one attempt, given by a [`Pacer`](super::Pacer) and returned to it with the
/// outcome.
///
/// It is no `Clone`, and the pacer counts it as in flight until it is handed back by
/// [`on_outcome`](super::Pacer::on_outcome) or [`on_drop`](super::Pacer::on_drop).
#[derive(Debug)]
#[must_use = "a permit that is not handed back stays in flight for ever"]
pub struct Permit {
    pub(super) ticket: Ticket,
    /// Counts the sends of a scope from 1, in the order in which they were permitted.
    pub(super) number: u64,
    pub(super) epoch: u32,
    pub(super) sent: Instant,
    /// How many attempts were in flight with this one.
    pub(super) level: u32,
    /// How many had been throttled for concurrency before.
    pub(super) throttled: u32,
}

impl Permit {
    /// Returns the number of the attempt in its scope.
    #[cfg(feature = "std")]
    pub(crate) const fn number(&self) -> u64 {
        self.number
    }
}

/// A call's place in the order of its scope; the smaller one was there first.
///
/// A call keeps its place through all its retries.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Ticket {
    /// Counts the calls of a scope from 1, in the order in which they began. First, so that places compare by it.
    pub(super) age: u64,
    /// How many probes the server had rejected when the call began.
    pub(super) rejected: u64,
}

#[cfg(feature = "std")]
impl super::Pacer {
    /// Returns whether the unsent attempt of `permit` may still be sent. If so, it counts as sent at `now`.
    ///
    /// A hold that rests on our own count does not stop it, because the count includes it.
    pub(crate) fn confirm(&mut self, now: Instant, permit: &mut Permit) -> bool {
        let now = self.advance(now);
        let is_throttled = |hold: Hold| {
            matches!(
                hold.cause,
                Cause::Throttled | Cause::Guessed | Cause::Overloaded
            )
        };
        let is_good = permit.epoch == self.epoch
            && (self.early.is_latest(permit.number)
                || !matches!(self.phase, Phase::Held(hold) if is_throttled(hold)));
        if is_good {
            if now > permit.sent && !self.pacing.is_plain() {
                // It counted earlier than it arrives.
                self.ceiling.on_sent(now);
            }
            permit.sent = now;
            if let Phase::Probing {
                sent: Some((number, at)),
                ..
            } = &mut self.phase
            {
                if *number == permit.number {
                    *at = now;
                }
            }
        }
        is_good
    }

    /// Gives back everything that the unsent attempt of `permit` took.
    pub(crate) fn on_unsent(&mut self, permit: Permit) {
        if permit.epoch == self.epoch {
            self.windows.on_unsent(permit.number);
            self.early.on_unsent(permit.number);
        }
        let (number, epoch) = (permit.number, permit.epoch);
        self.on_drop(permit);
        if epoch == self.epoch {
            self.rate.on_unsent(number);
        }
    }
}
