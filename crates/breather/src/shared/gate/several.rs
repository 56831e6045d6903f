//! Passes a call through the pacers of several scopes.

use std::sync::Arc;
use std::task::Waker;

use crate::call::Call;
use crate::call::End;
use crate::call::Outcome;
use crate::hint::Evidence;
use crate::hint::Hint;
use crate::instant::Instant;
use crate::pacer::{Claim, Permit, Ticket, WaitLimits};
use crate::pacer::{JointAdmission, ScopeRequest};
use crate::shared::rules::Rules;
use crate::shared::scope::{Scope, SharedScope, State};
use crate::shared::sync::MutexGuard;
use crate::shared::timer::Timer;

/// The state of a call in several scopes. The most specific scope comes first.
///
/// The call locks all scopes while it requests permits and while it reports an outcome. It waits in
/// one queue at a time.
#[derive(Debug)]
pub(crate) struct Several {
    scopes: Vec<Arc<SharedScope>>,
    stands: Vec<Stand>,
    /// The order in which to lock the scopes. All calls use the same order to avoid deadlocks.
    order: Vec<usize>,
    /// The index of the scope that the call waits for.
    waits: Option<usize>,
}

/// The state of a call in one of its scopes.
#[derive(Debug, Default)]
struct Stand {
    /// Drawn at the call's first request and kept until the call ends.
    ticket: Option<Ticket>,
    permit: Option<Permit>,
}

impl Several {
    pub(super) fn new(scopes: Vec<Arc<SharedScope>>) -> Self {
        let mut order: Vec<_> = (0..scopes.len()).collect();
        order.sort_unstable_by_key(|&index| key(&scopes[index]));
        Self {
            stands: scopes.iter().map(|_| Stand::default()).collect(),
            scopes,
            order,
            waits: None,
        }
    }

    /// Returns the name of the most specific scope.
    pub(super) fn name(&self) -> &str {
        self.scopes[0].name()
    }

    pub(super) fn is_unshared(&self) -> bool {
        self.scopes.iter().any(|scope| !scope.by_all())
    }

    /// Returns the rules of the most specific scope that has its own dialects.
    ///
    /// If no scope has its own dialects, all scopes have the same rules.
    pub(super) fn rules(&self) -> &Rules {
        let own = self.scopes.iter().find(|scope| scope.has_own_dialects());
        own.unwrap_or(&self.scopes[0]).rules()
    }

    /// Returns the most specific scope.
    pub(super) fn first(&self) -> &SharedScope {
        &self.scopes[0]
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waits.is_some()
    }

    pub(super) fn attempt(&self) -> Vec<(Arc<SharedScope>, u64)> {
        let stands = self.scopes.iter().zip(&self.stands);
        let attempt = stands.filter_map(|(scope, stand)| {
            let permit = stand.permit.as_ref()?;
            Some((Arc::clone(scope), permit.number()))
        });
        attempt.collect()
    }

    pub(super) fn ask_first<T: Timer>(&mut self, now: Instant, timer: &T, claim: &Claim) -> bool {
        let mut states = lock(&self.scopes, &self.order);
        // The states are in the order of the scopes. The call counts in the budget of the most
        // specific one.
        states[0].on_call(now);
        let passing = request(
            now,
            &self.scopes,
            &mut self.stands,
            &mut states,
            WaitLimits::endless().with_claim(*claim),
        );
        if !matches!(passing, JointAdmission::Send) {
            return false;
        }
        settle(&self.scopes, states, now, timer);
        true
    }

    pub(super) fn ask<T: Timer>(
        &mut self,
        call: &mut Call,
        now: Instant,
        timer: &T,
        waker: &Waker,
        limits: WaitLimits,
    ) -> Option<End> {
        // Cloning a waker runs foreign code, which must not run under a lock.
        let kept = waker.clone();
        let mut states = lock(&self.scopes, &self.order);
        let mut former = Vec::new();
        for (stand, state) in self.stands.iter_mut().zip(&mut states) {
            if let Some(permit) = stand.permit.take() {
                state.pacer.on_drop(permit);
            }
            former.extend(stand.ticket.and_then(|ticket| state.wakers.remove(&ticket)));
        }
        let mut end = None;
        self.waits = None;
        match request(now, &self.scopes, &mut self.stands, &mut states, limits) {
            JointAdmission::Send => former.push(kept),
            JointAdmission::QueueFull { .. } => {
                end = Some(call.on_queue_full(now));
                former.push(kept);
            }
            JointAdmission::Rejected { at, opens } => {
                end = Some(call.on_rejected(now, opens, states[at].pacer.evidence()));
                former.push(kept);
            }
            JointAdmission::Wait { at, opens } => {
                call.on_limited(states[at].pacer.stated_limit());
                let waiting = call.on_waiting(now, opens, states[at].pacer.evidence());
                end = waiting.map(|end| call.expects(end, states[at].pacer.expected_at()));
                if let Some(ticket) = self.stands[at].ticket {
                    if end.is_none() {
                        states[at].wakers.insert(ticket, kept);
                        self.waits = Some(at);
                    } else {
                        states[at].pacer.leave(ticket);
                        former.push(kept);
                    }
                }
            }
        }
        settle(&self.scopes, states, now, timer);
        drop(former);
        end
    }

    pub(super) fn confirm(&mut self, now: Instant) -> bool {
        let mut states = lock(&self.scopes, &self.order);
        let mut stands = self.stands.iter_mut().zip(&mut states);
        stands.all(|(stand, state)| {
            let permit = stand.permit.as_mut();
            permit.is_some_and(|permit| state.pacer.confirm(now, permit))
        })
    }

    pub(super) fn put_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        let mut states = lock(&self.scopes, &self.order);
        for (stand, state) in self.stands.iter_mut().zip(&mut states) {
            if let Some(permit) = stand.permit.take() {
                state.pacer.on_unsent(permit);
            }
        }
        settle(&self.scopes, states, now, timer);
    }

    pub(super) fn on_outcome<T: Timer>(
        &mut self,
        now: Instant,
        outcome: Outcome,
        hint: &Hint<'_>,
        timer: &T,
    ) -> (Outcome, Option<Instant>) {
        let mut states = lock(&self.scopes, &self.order);
        let mut requests = requests(&self.scopes, &mut self.stands, &mut states);
        let outcome = ScopeRequest::tell_all(now, &mut requests, outcome, hint);
        drop(requests);
        let opens = states
            .iter()
            .filter_map(|state| state.pacer.opens_at())
            .max();
        settle(&self.scopes, states, now, timer);
        (outcome, opens)
    }

    pub(super) fn evidence(&self, opens: Instant) -> Option<Evidence> {
        let mut scopes = self.scopes.iter();
        scopes.find_map(|scope| scope.lock().pacer.evidence_of(opens))
    }

    pub(super) fn give_back<T: Timer>(&mut self, now: Instant, timer: &T) {
        let has_permits = self.stands.iter().any(|stand| stand.permit.is_some());
        if !has_permits && self.waits.is_none() {
            return;
        }
        self.waits = None;
        let mut states = lock(&self.scopes, &self.order);
        let mut former = Vec::new();
        let mut now = now;
        for (stand, state) in self.stands.iter_mut().zip(&mut states) {
            if let Some(permit) = stand.permit.take() {
                state.pacer.on_drop(permit);
            }
            if let Some(ticket) = stand.ticket {
                state.pacer.leave(ticket);
                former.extend(state.wakers.remove(&ticket));
            }
            now = now.max(state.pacer.latest());
        }
        settle(&self.scopes, states, now, timer);
        drop(former);
    }
}

/// Returns a key that is unique while the scope exists.
fn key(shared: &SharedScope) -> u64 {
    let scope: &Arc<Scope> = shared;
    Arc::as_ptr(scope) as usize as u64
}

fn lock<'s>(scopes: &'s [Arc<SharedScope>], order: &[usize]) -> Vec<MutexGuard<'s, State>> {
    let mut states: Vec<_> = scopes.iter().map(|_| None).collect();
    for &index in order {
        states[index] = Some(scopes[index].lock());
    }
    states.into_iter().flatten().collect()
}

/// Returns the call's requests to all scopes, with the permits that it holds.
fn requests<'s>(
    scopes: &[Arc<SharedScope>],
    stands: &mut [Stand],
    states: &'s mut [MutexGuard<'_, State>],
) -> Vec<ScopeRequest<'s>> {
    let stands = scopes.iter().zip(stands);
    let requests = stands.zip(states).map(|((scope, stand), state)| {
        let ticket = *stand.ticket.get_or_insert_with(|| state.pacer.arrive());
        let request = ScopeRequest::new(&mut state.pacer, ticket, key(scope));
        request.with_permit(stand.permit.take())
    });
    requests.collect()
}

fn request(
    now: Instant,
    scopes: &[Arc<SharedScope>],
    stands: &mut [Stand],
    states: &mut [MutexGuard<'_, State>],
    limits: WaitLimits,
) -> JointAdmission {
    let mut requests = requests(scopes, stands, states);
    let passing = ScopeRequest::request_all(now, &mut requests, limits);
    for (stand, request) in stands.iter_mut().zip(&mut requests) {
        stand.permit = request.take_permit();
    }
    passing
}

/// Releases the locks, sets due alarms, and wakes the calls that should ask again.
fn settle<T: Timer>(
    scopes: &[Arc<SharedScope>],
    mut states: Vec<MutexGuard<'_, State>>,
    now: Instant,
    timer: &T,
) {
    let dues: Vec<_> = states
        .iter_mut()
        .map(|state| state.dues(now, timer))
        .collect();
    drop(states);
    for (scope, dues) in scopes.iter().zip(dues) {
        dues.settle(scope, timer);
    }
}
