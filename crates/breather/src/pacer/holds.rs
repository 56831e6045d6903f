//! Holds of spent windows: when they begin, move and end, by the latest answers.

use core::time::Duration;

use super::Pacer;
use super::costs::{Costs, UNKNOWN};
use super::hold::{Cause, Hold};
use super::phase::Phase;
use super::windows::Spent;
use crate::instant::Instant;

impl Pacer {
    /// Holds the scope if a window is spent, and lifts or moves a hold by the latest answer. Returns whether
    /// the scope is now held until an instant that the server stated.
    #[inline]
    pub(super) fn recount(&mut self, now: Instant) -> bool {
        let is_free = matches!(self.phase, Phase::Running)
            && self.windows.has_spare()
            && (self.waiters.is_empty() || self.windows.is_empty());
        !is_free && self.recount_for_next(now)
    }

    fn recount_for_next(&mut self, now: Instant) -> bool {
        if self.waiters.is_empty() {
            return self.recount_for(now, &UNKNOWN);
        }
        let costs = self.costs_of_next().unwrap_or_default();
        self.recount_for(now, &costs)
    }

    /// Does the same for a next call with these `costs`.
    #[inline]
    pub(super) fn recount_for(&mut self, now: Instant, costs: &Costs) -> bool {
        if matches!(self.phase, Phase::Running) {
            // Calls wait for a bucket one by one, without a hold.
            return match self.windows.spent(self.tally(now, costs)) {
                None => false,
                Some(Spent::Refills) => {
                    self.evidence = None;
                    true
                }
                Some(Spent::Until(reset, limit)) => self.hold_as_spent(now, reset, limit),
            };
        }
        self.revise(now, costs)
    }

    #[cold]
    fn revise(&mut self, now: Instant, costs: &Costs) -> bool {
        let Phase::Held(hold) = self.phase else {
            return false;
        };
        if hold.rejections > 0 {
            return false;
        }
        self.phase = self.revised(now, hold, costs);
        hold.stated().is_none() && self.opens_at().is_some()
    }

    #[cold]
    fn hold_as_spent(&mut self, now: Instant, reset: Option<Instant>, limit: Option<u64>) -> bool {
        let hold = match reset {
            Some(at) => {
                let is_of_one = limit == Some(1) && self.in_flight == 0;
                self.rhythm.on_spent(is_of_one.then_some(self.sent_at));
                Hold::new(now, Cause::Counted, at, at + self.guard(at))
                    .stated_by(self.windows.answers(at))
            }
            // The attempts in flight will show it. If they do not come back, a probe has to.
            None if self.in_flight > 0 => {
                Hold::new(now, Cause::Spent, now, now + self.long_service())
            }
            None => Hold::new(now, Cause::Spent, now, self.rate.next_period(now)),
        };
        self.phase = Phase::Held(hold);
        self.evidence = None;
        self.concurrency.on_slack(now);
        if hold.stated().is_some_and(|at| self.overage.is_due(now, at)) {
            self.phase = self.probing(hold);
            return false;
        }
        hold.stated().is_some()
    }

    /// Returns the time to add to `at`, the stated reset of a spent window.
    fn guard(&self, at: Instant) -> Duration {
        let guard = self.rhythm.guard(at);
        guard.unwrap_or_else(|| self.lateness.guard())
    }

    /// Returns the phase in place of a `hold` in which no probe was throttled, by the latest answers.
    fn revised(&mut self, now: Instant, mut hold: Hold, costs: &Costs) -> Phase {
        let guard = self.lateness.guard();
        let tally = self.tally(now, costs);
        let spent = self.windows.spent(tally);
        let reset = match spent {
            Some(Spent::Until(reset, _)) => reset,
            Some(Spent::Refills) | None => None,
        };
        let left = self.windows.left(tally, 0);
        let is_left = || left.is_some_and(|left| left > 0);
        match (hold.cause, reset) {
            (Cause::Counted | Cause::Spent, _) if is_left() => Phase::Running,
            (Cause::Counted, Some(at)) => {
                let hold = hold.moved_to(at, guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            (Cause::Spent, Some(at)) => {
                let hold = Hold::new(now, Cause::Counted, at, at + guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            (Cause::Spent, None) if self.in_flight == 0 => {
                // All attempts are back, and no answer stated the reset.
                hold.until = hold.until.min(self.rate.next_period(now));
                Phase::Held(hold)
            }
            (Cause::Throttled, _) => {
                let at = self.windows.tightened(hold.from, self.tally(now, &UNKNOWN));
                let hold = hold.moved_to(at, guard);
                Phase::Held(hold.stated_by(self.windows.answers(at)))
            }
            _ => Phase::Held(hold),
        }
    }

    /// Returns a hold that the server asks for.
    pub(super) fn throttled_until(&self, now: Instant, at: Instant) -> Hold {
        Hold::new(now, Cause::Throttled, at, at + self.lateness.guard())
    }
}
