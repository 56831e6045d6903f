//! Passes a call through the pacer of its only scope.

use std::sync::Arc;
use std::task::Waker;

use crate::call::Call;
use crate::call::End;
use crate::call::Outcome;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::pacer::{Admission, Claim, Permit, Ticket, WaitLimits};
use crate::shared::rules::Rules;
use crate::shared::scope::SharedScope;
use crate::shared::timer::Timer;

/// The state of a call in its only scope.
#[derive(Debug)]
pub(crate) struct One {
    scope: Arc<SharedScope>,
    /// Drawn at the call's first request and kept until the call ends.
    ticket: Option<Ticket>,
    waiting: bool,
    permit: Option<Permit>,
}

impl One {
    pub(super) const fn new(scope: Arc<SharedScope>) -> Self {
        Self {
            scope,
            ticket: None,
            waiting: false,
            permit: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.scope.name()
    }

    pub(super) fn is_unshared(&self) -> bool {
        !self.scope.by_all()
    }

    pub(super) fn rules(&self) -> &Rules {
        self.scope.rules()
    }

    pub(super) fn scope(&self) -> &SharedScope {
        &self.scope
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting
    }

    pub(super) fn on_outcome<T: Timer>(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        timer: &T,
    ) -> (Outcome, Option<Instant>) {
        let mut state = self.scope.lock();
        let outcome = match self.permit.take() {
            Some(permit) => state.pacer.on_outcome(now, permit, outcome, hint),
            None => outcome,
        };
        let opens = state.pacer.opens_at();
        self.scope.settle(state, now, timer);
        (outcome, opens)
    }

    pub(super) fn attempt(&self) -> Vec<(Arc<SharedScope>, u64)> {
        let permit = self.permit.iter();
        let attempt = permit.map(|permit| (Arc::clone(&self.scope), permit.number()));
        attempt.collect()
    }

    pub(super) fn ask_first<T: Timer>(&mut self, now: Instant, timer: &T, claim: &Claim) -> bool {
        let mut state = self.scope.lock();
        state.on_call(now);
        let ticket = state.pacer.arrive();
        self.ticket = Some(ticket);
        if !state.pacer.has_turn(now, ticket, claim) {
            return false;
        }
        self.permit = Some(state.pacer.grant(ticket, claim));
        self.scope.settle(state, now, timer);
        true
    }

    pub(super) fn confirm(&mut self, now: Instant) -> bool {
        let Some(permit) = &mut self.permit else {
            return false;
        };
        self.scope.lock().pacer.confirm(now, permit)
    }

    pub(super) fn put_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        if let Some(permit) = self.permit.take() {
            let mut state = self.scope.lock();
            state.pacer.on_unsent(permit);
            // Wake others now. If the call has passed its deadline, it ends and won't offer the
            // permit.
            self.scope.settle(state, now, timer);
        }
    }

    pub(super) fn ask<T: Timer>(
        &mut self,
        call: &mut Call,
        now: Instant,
        timer: &T,
        waker: &Waker,
        limits: WaitLimits,
    ) -> Option<End> {
        // Cloning a waker runs foreign code, which must not run under the lock.
        let kept = waker.clone();
        let mut state = self.scope.lock();
        if let Some(permit) = self.permit.take() {
            state.pacer.on_drop(permit);
        }
        let ticket = *self.ticket.get_or_insert_with(|| state.pacer.arrive());
        let mut end = None;
        match state.pacer.request(now, ticket, limits) {
            Admission::Send(permit) => self.permit = Some(permit),
            Admission::QueueFull => end = Some(call.on_queue_full(now)),
            Admission::Rejected { opens } => {
                end = Some(call.on_rejected(now, opens, state.pacer.evidence()));
            }
            Admission::Wait { opens } => {
                call.on_limited(state.pacer.stated_limit());
                let waiting = call.on_waiting(now, opens, state.pacer.evidence());
                end = waiting.map(|end| call.expects(end, state.pacer.expected_at()));
            }
        }
        let waited = self.waiting;
        self.waiting = self.permit.is_none() && end.is_none();
        let mut former = None;
        let mut unused = None;
        if self.waiting {
            former = state.wakers.insert(ticket, kept);
        } else {
            unused = Some(kept);
            if waited || end.is_some() {
                state.pacer.leave(ticket);
                former = state.wakers.remove(&ticket);
            }
        }
        self.scope.settle(state, now, timer);
        drop((former, unused));
        end
    }

    pub(super) fn give_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        if self.permit.is_none() && !self.waiting {
            return;
        }
        self.waiting = false;
        let mut state = self.scope.lock();
        if let Some(permit) = self.permit.take() {
            state.pacer.on_drop(permit);
        }
        let former = self.ticket.and_then(|ticket| {
            state.pacer.leave(ticket);
            state.wakers.remove(&ticket)
        });
        let now = now.max(state.pacer.latest());
        self.scope.settle(state, now, timer);
        drop(former);
    }
}
