//! A scope of a handle: its pacer behind a lock.

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
use crate::instant::Instant;
use crate::pacer::{Pacer, Pacing, Ticket};
use crate::policy::RetryBudget;
use crate::shared::sync::{Mutex, MutexGuard};

/// One scope's pacer, the wakers of those who wait, and the alarms that are set.
///
/// All logic is in [`Pacer`]; this is its lock. No foreign code runs while it is held: wakers are
/// cloned, called and dropped, and alarms set, outside.
pub(crate) struct Scope {
    name: Arc<str>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) pacer: Pacer,
    pub(crate) budget: Option<RetryBudget>,
    pub(crate) wakers: HashMap<Ticket, Waker>,
    /// The alarms that are set: by whom they will be rung, and when.
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
        // The pacer runs no code but its own; should it panic all the same, other calls go on with
        // what it knew.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resets the pacer, and wakes the calls that may be sent now.
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
    /// A call begins.
    pub(crate) fn on_call(&mut self, now: Instant) {
        if let Some(budget) = &mut self.budget {
            budget.on_call(now);
        }
    }

    /// The wakers of all who should ask again.
    pub(super) fn offer(&mut self, now: Instant) -> Vec<Waker> {
        let mut woken = Vec::new();
        while let Some(ticket) = self.pacer.poll_offer(now) {
            woken.extend(self.wakers.remove(&ticket));
        }
        woken
    }

    /// An alarm that the domain has to set, and now has.
    ///
    /// While anybody waits, each domain that takes part has one, and looks at the scope once a
    /// [`HEARTBEAT`] even if nothing is due: another domain's alarm may never ring, since its runtime is
    /// not driven any more.
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

    /// An alarm has rung, or never will.
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
    /// Without its name: calls are printed by those who know nothing of what a scope is named for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// How long calls of one runtime can be held up by another that is not driven any more.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How often the pauses double between two tries for a scope's lock, before a thread sleeps for it: from 512 spins to
/// 4,096, some microseconds each. Whoever has the lock has it for far less, and then makes tens of calls in a row while what
/// they share stays in its processor's cache. Of one thread's rate, 8 threads on 2 processors reach 0.22 without
/// it, 0.64 if the first pause is of 64 spins, 0.89 with 256, 0.91 to 0.95 with 512, 0.96 with 1,024, which is as long again
/// for whoever comes upon the lock by chance (`cargo bench --bench scope`).
const SPINS: Range<u32> = 9..13;
