//! Whether the server counts requests in the order in which they were sent.

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
    /// Whether a request ever overtook another one. Where none does, the least is the latest, so there is no
    /// need to forget it.
    is_mixed: bool,
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
        self.least_in_any_order().filter(|_| self.is_mixed)
    }

    /// Returns the same whatever the order, for costs that may be charged later.
    pub(super) fn least_in_any_order(&self) -> Option<Least> {
        self.least.filter(|_| !self.gains)
    }

    /// Begins a new window.
    pub(super) fn renew(&mut self) {
        self.latest = (0, 0);
        self.least = None;
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::pacer::costs::UNKNOWN;
    use crate::pacer::ledger::Tally;
    use crate::pacer::permit::{Permit, Ticket};

    fn at(seconds: u64) -> Instant {
        Instant::ORIGIN + Duration::from_secs(seconds)
    }

    /// Adds the answer to attempt `number`, which was sent and answered at `now`.
    fn answer(order: &mut Order, number: u64, now: u64, remaining: u64, reset: u64) {
        let ticket = Ticket {
            age: number,
            rejected: 0,
        };
        let permit = Permit {
            ticket,
            number,
            epoch: 0,
            sent: at(now),
            level: 1,
            throttled: 0,
        };
        let tally = Tally {
            now: at(now),
            sent: number,
            in_flight: 0,
            costs: &UNKNOWN,
        };
        let answer = Answer {
            permit: &permit,
            tally,
            base: at(now),
            accepted: Some(0),
        };
        order.on_answer(&answer, remaining, Some(at(reset)));
    }

    #[test]
    fn window_that_begins_anew_at_its_reset_does_not_gain() {
        let mut order = Order::default();
        answer(&mut order, 1, 10, 5, 60);
        answer(&mut order, 2, 61, 9, 120);
        let least = order.least_in_any_order().map(|least| least.remaining);
        assert_eq!(least, Some(9));
    }

    #[test]
    fn window_that_has_more_before_its_reset_gains() {
        let mut order = Order::default();
        answer(&mut order, 1, 10, 5, 60);
        answer(&mut order, 2, 20, 9, 60);
        assert!(order.least_in_any_order().is_none());
    }
}
