//! A scope of a handle, with its pacer behind a lock.

mod name;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::hint;
use std::ops::Range;
use std::sync::{Arc, PoisonError, TryLockError};
use std::task::Waker;
use std::time::Duration;

pub(crate) use self::table::{ScopeTable, SharedScope};
use crate::hint::Unit;
use crate::instant::Instant;
use crate::pacer::{Pacer, Pacing, Ticket};
use crate::policy::RetryBudget;
use crate::shared::sync::{Mutex, MutexGuard};

/// A scope's pacer, the wakers of its queued calls, and its alarms, behind a lock.
///
/// All logic is in [`Pacer`]. No foreign code runs under this lock. Wakers are cloned, called and
/// dropped after it is released, and alarms are set then, too.
pub(crate) struct Scope {
    name: Arc<str>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) pacer: Pacer,
    pub(crate) budget: Option<RetryBudget>,
    pub(crate) wakers: HashMap<Ticket, Waker>,
    /// The domain and the time of each alarm that is set.
    alarms: Vec<(u64, Instant)>,
}

impl Scope {
    fn new(name: Arc<str>, pacing: Pacing, budget: Option<RetryBudget>) -> Self {
        let state = State {
            pacer: Pacer::new(pacing),
            budget,
            wakers: HashMap::new(),
            alarms: Vec::new(),
        };
        let state = Mutex::new(state);
        Self { name, state }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        for spins in SPINS {
            match self.state.try_lock() {
                Ok(state) => return state,
                Err(TryLockError::Poisoned(state)) => return state.into_inner(),
                Err(TryLockError::WouldBlock) => (0..1 << spins).for_each(|_| hint::spin_loop()),
            }
        }
        // The pacer runs no foreign code. If it panics all the same, other calls continue with its
        // last state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the pacer the actual cost of attempt `number`, and wakes calls that may be sent now.
    pub(crate) fn settle_cost(&self, number: u64, unit: Unit, cost: u64) {
        let mut state = self.lock();
        state.pacer.settle(number, unit, cost);
        let now = state.pacer.latest();
        let woken = state.offer(now);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Resets the pacer, and wakes calls that may be sent now.
    pub(crate) fn forget(&self) {
        let mut state = self.lock();
        state.pacer.forget();
        let now = state.pacer.latest();
        let woken = state.offer(now);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Counts a new call in the budget.
    pub(crate) fn on_call(&mut self, now: Instant) {
        if let Some(budget) = &mut self.budget {
            budget.on_call(now);
        }
    }

    /// Returns the wakers of all calls that should ask again.
    pub(super) fn offer(&mut self, now: Instant) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(ticket) = self.pacer.poll_offer(now) {
            woken.extend(self.wakers.remove(&ticket));
        }
        woken
    }

    /// Records and returns the alarm that the domain has to set, if it needs one.
    ///
    /// While calls wait, each domain with calls in this scope has an alarm. It rings at least once
    /// per [`HEARTBEAT`] even if no call is due, because the alarms of another domain never ring if
    /// its runtime is no longer driven.
    pub(super) fn alarm_at(
        &mut self,
        now: Instant,
        domain: impl Fn() -> u64,
    ) -> Option<(u64, Instant)> {
        if self.pacer.queued() == 0 {
            return None;
        }
        let domain = domain();
        let beat = now + HEARTBEAT;
        let at = self.pacer.next_wake().map_or(beat, |wake| wake.min(beat));
        let is_set = self
            .alarms
            .iter()
            .any(|&(by, set)| by == domain && set <= at);
        if is_set {
            return None;
        }
        self.alarms.push((domain, at));
        Some((domain, at))
    }

    /// Removes an alarm that has rung, or that never will.
    pub(super) fn forget(&mut self, domain: u64, at: Instant) {
        let set = self.alarms.iter().position(|&set| set == (domain, at));
        if let Some(index) = set {
            self.alarms.swap_remove(index);
        }
    }

    fn is_idle(&self, now: Instant) -> bool {
        let pacer = &self.pacer;
        pacer.in_flight() == 0 && pacer.queued() == 0 && !pacer.is_held(now)
    }
}

impl fmt::Debug for Scope {
    /// Omits the name, because code that prints a call may not know whether the name is sensitive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// How long a runtime that is no longer driven can delay the calls of other runtimes.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The pauses between tries for a scope's lock, as powers of two.
///
/// A thread sleeps after the last pause. The pauses double from 512 to 4,096 spins, some
/// microseconds each. A thread holds the lock for far less. While the others pause, it makes tens
/// of calls in a row with the shared data in its processor's cache.
///
/// 8 threads on 2 processors reach this part of one thread's rate (`cargo bench --bench scope`):
///
/// | spins in the first pause | rate |
/// |---|---|
/// | no pauses | 0.22 |
/// | 64 | 0.64 |
/// | 256 | 0.89 |
/// | 512 | 0.91 to 0.95 |
/// | 1,024 | 0.96 |
///
/// 1,024 spins would double the pause of a thread that finds the lock taken by chance.
const SPINS: Range<u32> = 9..13;
