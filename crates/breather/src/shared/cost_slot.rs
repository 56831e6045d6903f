//! Actual costs of calls, which are known late.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hint::Unit;
use crate::shared::scope::SharedScope;

/// Reports the actual cost of a call, once you know it.
///
/// APIs of language models report the tokens of a call in the body of its response, or in the last
/// event of a stream. Put a clone of the slot into the request's extensions, and
/// [`settle`](Self::settle) it when you have read that. Until then, breather goes by the cost that
/// you [stated](crate::CallOptions::with_cost), or by the mean of earlier calls.
///
/// You do not have to settle a slot. If you drop it, the estimate stands. A later response that
/// reports the remaining quota takes precedence over the estimate and over the settled cost.
///
/// # Example
///
/// ```
/// use breather::driver::{NewCall, Step};
/// use breather::hint::Window;
/// use breather::{Breather, CallOptions, CostSlot, Hint, Outcome, Unit};
/// use breather_test::VirtualTimer;
/// use core::time::Duration;
/// use std::task::Waker;
///
/// let breather = Breather::default();
/// let start = |slot: &CostSlot, tokens| {
///     let options = CallOptions::new().with_cost(Unit::Tokens, tokens);
///     let new = NewCall::new().with_origin("llm").with_options(&options).with_cost_slot(slot);
///     breather.start(new, VirtualTimer::default(), 1)
/// };
/// let window = Window::new("tokens").with_unit(Unit::Tokens).with_limit(10_000);
/// let slot = CostSlot::new();
/// let mut first = start(&slot, 10);
/// assert_eq!(first.poll_step(Waker::noop()), Step::Send);
/// let hint = Hint::new(first.moment().instant())
///     .with_window(window.with_remaining(5_000).with_reset(Duration::from_secs(60)));
/// let _ = first.on_outcome(Outcome::success(), &hint);
///
/// // A second call is expected to cost 4,500 of the 5,000 tokens, so a third one waits.
/// let mut second = start(&slot, 4_500);
/// assert_eq!(second.poll_step(Waker::noop()), Step::Send);
/// let mut third = start(&CostSlot::new(), 3_000);
/// assert!(matches!(third.poll_step(Waker::noop()), Step::Wait { .. }));
///
/// // It costs only 200, so there is room.
/// slot.settle(Unit::Tokens, 200);
/// assert_eq!(third.poll_step(Waker::noop()), Step::Send);
/// ```
#[derive(Clone, Default)]
pub struct CostSlot(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The scopes of the latest attempt, with its number in each.
    attempt: Vec<(Arc<SharedScope>, u64)>,
    settled: Vec<(Unit, u64)>,
}

impl CostSlot {
    /// Creates a slot for one call.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports the actual cost of the call in `unit`.
    ///
    /// Call this at any time after the request was sent, once for each unit. Settling the same unit
    /// again has no effect. It never delays an attempt that was already sent. A call without a scope
    /// ignores it, and so does a window whose `remaining` was reported for a later attempt. A slot
    /// keeps four units.
    pub fn settle(&self, unit: Unit, actual: u64) {
        let mut state = self.lock();
        let is_settled = state.settled.iter().any(|&(settled, _)| settled == unit);
        if is_settled || state.settled.len() >= MOST {
            return;
        }
        state.settled.push((unit, actual));
        let attempt = state.attempt.clone();
        drop(state);
        for (scope, number) in attempt {
            scope.settle_cost(number, unit, actual);
        }
    }

    /// Connects the slot with an attempt that was sent.
    pub(crate) fn on_sent(&self, attempt: Vec<(Arc<SharedScope>, u64)>) {
        let mut state = self.lock();
        let before = mem::replace(&mut state.attempt, attempt);
        // The costs of an earlier attempt are not those of this one.
        state.settled.clear();
        drop(state);
        // The last owner of a scope runs its observers' destructors, which must not run under a lock.
        drop(before);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, so a poisoned lock still guards a complete value.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CostSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settled = self.lock().settled.clone();
        f.debug_struct("CostSlot")
            .field("settled", &settled)
            .finish_non_exhaustive()
    }
}

/// A call costs requests, and tokens of input, of output and of both.
const MOST: usize = 4;
