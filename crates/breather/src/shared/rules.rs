//! What the calls of a scope go by.

use std::sync::PoisonError;

use crate::policy::Policy;
use crate::policy::RetryBudget;
use crate::shared::observer::Observers;
use crate::shared::sync::{Mutex, MutexGuard};

/// What the calls of a scope go by, and who is told of them.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) observers: Observers,
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
