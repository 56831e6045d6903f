//! The right to send one attempt.

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
