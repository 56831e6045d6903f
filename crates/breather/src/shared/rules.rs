//! The settings that the calls of a scope share.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use crate::policy::Policy;
use crate::policy::RetryBudget;
use crate::shared::observer::Observers;
use crate::shared::sync::{Mutex, MutexGuard};
use crate::unix_time::WallClock;

/// The policy, the observers and the wall clock of a scope's calls.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) observers: Observers,
    /// The clock for reading dates, if it is not the timer.
    pub(crate) wall_clock: Option<SharedWallClock>,
}

/// A wall clock that all calls of a handle read.
#[derive(Clone)]
pub(crate) struct SharedWallClock(Arc<dyn WallClock + Send>);

impl SharedWallClock {
    pub(crate) fn new(clock: impl WallClock + Send + 'static) -> Self {
        Self(Arc::new(clock))
    }
}

impl Deref for SharedWallClock {
    type Target = dyn WallClock + Send;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for SharedWallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedWallClock")
    }
}

/// The rules and the budget of calls that are not paced.
#[derive(Debug)]
pub(crate) struct Unpaced {
    pub(crate) rules: Rules,
    budget: Mutex<Option<RetryBudget>>,
}

impl Unpaced {
    pub(crate) const fn new(rules: Rules, budget: Option<RetryBudget>) -> Self {
        let budget = Mutex::new(budget);
        Self { rules, budget }
    }

    pub(crate) fn budget(&self) -> MutexGuard<'_, Option<RetryBudget>> {
        // No code panics while it holds this lock, so the value is intact even if the lock is
        // poisoned.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
