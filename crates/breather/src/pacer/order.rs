//! Whether the server counts requests in the order in which they were sent.

use core::mem;

use super::ledger::Answer;
use crate::instant::Instant;

/// The least that was left of a window, if requests overtake each other on the way.
///
/// The server counts such requests in another order than they were sent in. The answer to the
/// latest-sent request then says too much, because the server has not counted some of the earlier
/// ones yet. (A server that allows 60 requests in 6 s gets 278 for 240 calls without this, if its
/// new connections take 20 ms longer than its used ones, and 240 with it.)
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The number of the latest-sent request among those answered, and its `remaining`.
    latest: (u64, u64),
    least: Option<Least>,
    /// Whether a request overtook another one in this window, and in the one before.
    is_mixed: bool,
    was_mixed: bool,
    /// Whether quota came back before the window reset. Then more may be left than before.
    gains: bool,
}

/// The least that was left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Least {
    pub(super) remaining: u64,
    /// When that was so.
    pub(super) at: Instant,
    /// When the answer was back.
    told: Instant,
    /// When the window was to reset, as known then.
    reset: Option<Instant>,
}

impl Order {
    /// Adds an answer that says that `remaining` was left. The window was to reset at `reset`.
    ///
    /// The least is replaced by an answer that cannot have overtaken it, because its request was sent
    /// after the other answer was back.
    pub(super) fn on_answer(
        &mut self,
        answer: &Answer<'_>,
        remaining: u64,
        reset: Option<Instant>,
    ) {
        let (permit, now) = (answer.permit, answer.tally.now);
        let (latest, left) = self.latest;
        self.is_mixed |= permit.number < latest && remaining < left;
        if permit.number >= latest {
            self.latest = (permit.number, remaining);
        }
        if let Some(least) = self.least.filter(|least| remaining > least.remaining) {
            if permit.sent < least.told {
                return;
            }
            self.gains |= least.reset.is_some_and(|reset| reset > now);
        }
        self.least = Some(Least {
            remaining,
            at: answer.base,
            told: now,
            reset,
        });
    }

    /// Returns the least that was left, unless requests come in the order in which they were sent or
    /// the window gains.
    pub(super) fn least(&self) -> Option<Least> {
        let is_mixed = self.is_mixed || self.was_mixed;
        self.least_in_any_order().filter(|_| is_mixed)
    }

    /// Returns the same whatever the order, for costs that may be charged later.
    pub(super) fn least_in_any_order(&self) -> Option<Least> {
        self.least.filter(|_| !self.gains)
    }

    /// Begins a new window. A whole window in order ends the caution.
    pub(super) fn renew(&mut self) {
        self.latest = (0, 0);
        self.least = None;
        self.was_mixed = mem::take(&mut self.is_mixed);
    }
}
