//! What the calls of a scope go by.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, PoisonError};

use crate::policy::Policy;
use crate::policy::RetryBudget;
use crate::shared::observer::Observers;
use crate::shared::sync::{Mutex, MutexGuard};
use crate::unix_time::WallClock;

/// What the calls of a scope go by, and who is told of them.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) observers: Observers,
    /// The clock that reads dates, if it is not the timer.
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

/// What a call goes by that nothing paces.
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
        // Nothing can panic while it is held, so a poisoned lock holds a whole value.
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
