//! Passes a call through the pacers of its scopes.

mod one;
mod several;

use std::sync::Arc;
use std::task::Waker;

use self::one::One;
use self::several::Several;
use crate::call::Call;
use crate::call::End;
use crate::call::Outcome;
use crate::hint::Evidence;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::pacer::Claim;
use crate::policy::{RetryBudget, Withdrawal};
use crate::shared::rules::{Rules, Unpaced};
use crate::shared::scope::SharedScope;
use crate::shared::timer::Timer;

/// The state of a call in its scopes, with the rules for its retries. Most calls have one scope.
#[derive(Debug)]
pub(crate) enum Gate {
    /// The call is not paced.
    Absent(Arc<Unpaced>),
    One(One),
    Several(Box<Several>),
}

impl Gate {
    pub(crate) fn one(scope: Arc<SharedScope>) -> Self {
        Self::One(One::new(scope))
    }

    /// Creates the gate of a call in several scopes, with the most specific one first.
    pub(crate) fn several(scopes: Vec<Arc<SharedScope>>) -> Self {
        Self::Several(Box::new(Several::new(scopes)))
    }

    /// Returns the name of the most specific scope, if the call is paced.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Absent(_) => None,
            Self::One(one) => Some(one.name()),
            Self::Several(several) => Some(several.name()),
        }
    }

    pub(crate) const fn is_paced(&self) -> bool {
        !matches!(self, Self::Absent(_))
    }

    /// Returns whether one of the scopes is not shared, because the table of scopes was full.
    pub(crate) fn is_unshared(&self) -> bool {
        match self {
            Self::Absent(_) => false,
            Self::One(one) => one.is_unshared(),
            Self::Several(several) => several.is_unshared(),
        }
    }

    pub(crate) fn rules(&self) -> &Rules {
        match self {
            Self::Absent(unpaced) => &unpaced.rules,
            Self::One(one) => one.rules(),
            Self::Several(several) => several.rules(),
        }
    }

    /// Withdraws `cost` from the budget of the most specific scope, or of unpaced calls.
    pub(crate) fn withdraw(&self, now: Instant, cost: u32) -> Option<Withdrawal> {
        self.with_budget(|budget| match budget {
            Some(budget) => budget.withdraw(now, cost),
            None => Some(Withdrawal::unbudgeted()),
        })
    }

    pub(crate) fn refund(&self, draw: Withdrawal) {
        self.with_budget(|budget| {
            if let Some(budget) = budget {
                budget.refund(draw);
            }
        });
    }

    fn with_budget<R>(&self, then: impl FnOnce(&mut Option<RetryBudget>) -> R) -> R {
        match self {
            Self::Absent(unpaced) => then(&mut unpaced.budget()),
            Self::One(one) => then(&mut one.scope().lock().budget),
            Self::Several(several) => then(&mut several.first().lock().budget),
        }
    }

    pub(crate) const fn is_waiting(&self) -> bool {
        match self {
            Self::Absent(_) => false,
            Self::One(one) => one.is_waiting(),
            Self::Several(several) => several.is_waiting(),
        }
    }

    /// Draws the call's tickets, and takes permits if they are available. Returns whether it has
    /// permits.
    ///
    /// If it has none, the call must [`ask`](Self::ask), which stores a waker or says why the call
    /// ends.
    pub(crate) fn ask_first<T: Timer>(&mut self, now: Instant, timer: &T, claim: &Claim) -> bool {
        match self {
            Self::Absent(unpaced) => {
                if let Some(budget) = &mut *unpaced.budget() {
                    budget.on_call(now);
                }
                true
            }
            Self::One(one) => one.ask_first(now, timer, claim),
            Self::Several(several) => several.ask_first(now, timer, claim),
        }
    }

    /// Requests permits, and stores the waker if the call has to wait. Returns the end of a call
    /// that can do neither.
    pub(crate) fn ask<T: Timer>(
        &mut self,
        call: &mut Call,
        now: Instant,
        timer: &T,
        waker: &Waker,
        claim: &Claim,
    ) -> Option<End> {
        let limits = call.wait_limits().with_claim(*claim);
        match self {
            Self::Absent(_) => None,
            Self::One(one) => one.ask(call, now, timer, waker, limits),
            Self::Several(several) => several.ask(call, now, timer, waker, limits),
        }
    }

    /// Returns the scopes of the attempt in flight, with its number in each.
    pub(crate) fn attempt(&self) -> Vec<(Arc<SharedScope>, u64)> {
        match self {
            Self::Absent(_) => Vec::new(),
            Self::One(one) => one.attempt(),
            Self::Several(several) => several.attempt(),
        }
    }

    /// Returns whether the call's permits are still valid. If they are, they count as used now.
    pub(crate) fn confirm(&mut self, now: Instant) -> bool {
        match self {
            Self::Absent(_) => true,
            Self::One(one) => one.confirm(now),
            Self::Several(several) => several.confirm(now),
        }
    }

    /// Returns the unused permits to the pacers.
    pub(crate) fn put_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        match self {
            Self::Absent(_) => {}
            Self::One(one) => one.put_back(now, timer),
            Self::Several(several) => several.put_back(now, timer),
        }
    }

    /// Ends the attempt. Returns the outcome as it is for the call, and when the scopes open, if a server's response
    /// holds one of them.
    pub(crate) fn on_outcome<T: Timer>(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        timer: &T,
    ) -> (Outcome, Option<Instant>) {
        match self {
            Self::Absent(_) => (outcome, None),
            Self::One(one) => one.on_outcome(now, outcome, hint, timer),
            Self::Several(several) => several.on_outcome(now, outcome, hint, timer),
        }
    }

    /// Returns the header that said that the scopes open at `opens`.
    pub(crate) fn evidence(&self, opens: Instant) -> Option<Evidence> {
        match self {
            Self::Absent(_) => None,
            Self::One(one) => one.scope().lock().pacer.evidence_of(opens),
            Self::Several(several) => several.evidence(opens),
        }
    }

    /// Gives up the permits or the place in the queue.
    pub(crate) fn give_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        match self {
            Self::Absent(_) => {}
            Self::One(one) => one.give_back(now, timer),
            Self::Several(several) => several.give_back(now, timer),
        }
    }
}
