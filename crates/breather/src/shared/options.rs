//! Options for one request or one route.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;
use std::time::Duration;

use crate::hint::Unit;
use crate::pacer::{Claim, Costs, Priority};
use crate::policy::Policy;
use crate::shared::scopes::Scopes;

/// Settings for one request or one route.
///
/// They replace the settings of the handle. Put them into the extensions of a request, or pass them
/// to [`Breather::set_route`](crate::Breather::set_route). For each setting, the request's own
/// options win over those of its route, and those of the route win over the handle's policy. There
/// is one exception. If a request sets a policy, that policy also replaces the route's deadline, its longest time in
/// the queue and its [`without_retries`](Self::without_retries).
///
/// # Example
///
/// ```
/// use breather::{CallOptions, Policy};
/// use core::time::Duration;
///
/// let search = CallOptions::new().with_idempotent(true).with_deadline(Duration::from_secs(2));
/// assert_ne!(search, CallOptions::new());
/// let request = http::Request::post("https://api.example.com/search")
///     .extension(search)
///     .body(());
/// # let _ = request;
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct CallOptions {
    // Boxed, because most options have no policy and each call moves its options.
    policy: Option<Box<Policy>>,
    scopes: Option<Scopes>,
    deadline: Option<Duration>,
    max_queue_time: Option<Duration>,
    idempotent: Option<bool>,
    once: bool,
    costs: Option<Box<Costs>>,
    priority: Option<Priority>,
    share: Option<NonZeroU64>,
}

impl CallOptions {
    /// Creates options that change nothing.
    pub const fn new() -> Self {
        Self {
            policy: None,
            scopes: None,
            deadline: None,
            max_queue_time: None,
            idempotent: None,
            once: false,
            costs: None,
            priority: None,
            share: None,
        }
    }

    /// Sets the policy, instead of the handle's.
    ///
    /// If the policy has no [dialects](Policy::with_dialects), the call uses those of its scope.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Sets how long the call may take in all.
    ///
    /// This replaces the policy's deadline. The time counts from the moment when the call first
    /// asks for a permit, so it includes the time in the queue.
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets how long the call may wait for permits in all.
    ///
    /// This replaces the policy's [`max_queue_time`](Policy::with_max_queue_time).
    pub const fn with_max_queue_time(mut self, longest: Duration) -> Self {
        self.max_queue_time = Some(longest);
        self
    }

    /// Sets the scopes, instead of the request's origin.
    pub fn with_scope(mut self, scopes: impl Into<Scopes>) -> Self {
        self.scopes = Some(scopes.into());
        self
    }

    /// Sets whether the call is idempotent, whatever its method and headers say.
    ///
    /// A call is idempotent if executing it twice has the same effect as executing it once.
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Limits the call to one attempt. The call is still paced.
    pub const fn without_retries(mut self) -> Self {
        self.once = true;
        self
    }

    /// Sets the cost of the call in `unit`, for APIs that limit more than requests.
    ///
    /// breather then waits until the windows in that unit have enough left. It also works without a
    /// stated cost, because breather learns the average cost of calls. State the cost if you know it,
    /// for example because you count the tokens of a prompt. Use a [`CostSlot`](crate::CostSlot) to
    /// correct it after the call.
    ///
    /// - A cost in [`Unit::Requests`] has no effect, because each attempt costs one.
    /// - A call that costs more than the window allows is sent when the window is full.
    /// - You can state costs in three units. Further ones have no effect.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{CallOptions, Unit};
    ///
    /// let options = CallOptions::new().with_cost(Unit::Tokens, 1_200);
    /// assert_eq!(options.cost(Unit::Tokens), Some(1_200));
    /// ```
    #[doc(alias = "weight")]
    #[doc(alias = "tokens")]
    pub fn with_cost(mut self, unit: Unit, cost: u64) -> Self {
        let costs = self.costs.as_deref().copied().unwrap_or_default();
        self.costs = Some(Box::new(costs.with(unit, cost)));
        self
    }

    /// Returns the cost of the call in `unit`, if you set it.
    #[must_use]
    pub fn cost(&self, unit: Unit) -> Option<u64> {
        self.costs.as_deref()?.get(unit)
    }

    /// Sets which of a scope's queued calls is served first. Defaults to [`Priority::Normal`].
    ///
    /// See [`Priority`] for an example.
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }

    /// Returns the priority of the call, if you set it.
    #[must_use]
    pub const fn priority(&self) -> Option<Priority> {
        self.priority
    }

    /// Gives the calls of `key` a fair share of the queue, for example those of a tenant or a user.
    ///
    /// The keys of a scope take turns, so a tenant with five calls does not wait behind a thousand calls of another.
    /// Within a key, the oldest call goes first. All calls without a key take turns as one more key. Shares apply to calls
    /// of the same [priority](Self::with_priority), and each call counts as one, whatever it costs.
    ///
    /// A scope keeps the turns of at most 1,024 keys that have calls in its queue. Calls of further keys share the turn of those
    /// without one. breather keeps a hash of the key, not the key itself.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::CallOptions;
    ///
    /// let of_acme = CallOptions::new().with_share("acme");
    /// assert_eq!(of_acme, CallOptions::new().with_share("acme"));
    /// assert_ne!(of_acme, CallOptions::new().with_share("zenith"));
    /// ```
    #[doc(alias = "tenant")]
    #[doc(alias = "fair queueing")]
    pub fn with_share(mut self, key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        self.share = Some(NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MAX));
        self
    }

    /// Returns what the call asks for, if that is more than a plain turn.
    pub(crate) fn claim(&self) -> Option<Claim> {
        if self.costs.is_none() && self.priority.is_none() && self.share.is_none() {
            return None;
        }
        Some(Claim {
            costs: self.costs.as_deref().copied().unwrap_or_default(),
            priority: self.priority.unwrap_or_default(),
            share: self.share.map_or(0, NonZeroU64::get),
        })
    }

    /// Returns the scopes, if you set them.
    pub const fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Returns whether the call is idempotent, if you set it.
    #[must_use]
    pub const fn is_idempotent(&self) -> Option<bool> {
        self.idempotent
    }

    /// Fills unset options from `others`. A policy also counts as a set deadline, time in the queue and `once`.
    pub(crate) fn or(self, mut others: Self) -> Self {
        if self.policy.is_some() {
            others.deadline = None;
            others.max_queue_time = None;
            others.once = false;
        }
        Self {
            policy: self.policy.or(others.policy),
            scopes: self.scopes.or(others.scopes),
            deadline: self.deadline.or(others.deadline),
            max_queue_time: self.max_queue_time.or(others.max_queue_time),
            idempotent: self.idempotent.or(others.idempotent),
            once: self.once || others.once,
            costs: match (self.costs, others.costs) {
                (Some(own), Some(others)) => Some(Box::new(own.or(&others))),
                (own, others) => own.or(others),
            },
            priority: self.priority.or(others.priority),
            share: self.share.or(others.share),
        }
    }

    /// Returns the call's policy, if these options change `base`.
    pub(crate) fn policy_over(&self, base: &Policy) -> Option<Policy> {
        if self.policy.is_none()
            && self.deadline.is_none()
            && self.max_queue_time.is_none()
            && !self.once
        {
            return None;
        }
        let mut policy = self.policy.as_deref().copied().unwrap_or(*base);
        if policy.dialects().is_empty() {
            policy = policy.with_dialects(base.dialects());
        }
        if let Some(deadline) = self.deadline {
            policy = policy.with_deadline(deadline);
        }
        if let Some(longest) = self.max_queue_time {
            policy = policy.with_max_queue_time(longest);
        }
        Some(if self.once { policy.once() } else { policy })
    }
}
