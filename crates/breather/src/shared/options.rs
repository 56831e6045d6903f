//! What one request asks for otherwise than its handle does.

use std::time::Duration;

use crate::policy::Policy;
use crate::shared::scopes::Scopes;

/// What one request, or all requests of a route, ask for otherwise than their handle does.
///
/// Put into the extensions of a request, or given to [`Breather::set_route`](crate::Breather::set_route). What a request says
/// counts before what its route says, and that before the handle's policy; each setting by itself, except that a policy
/// takes the place of a route's deadline and of its [`without_retries`](Self::without_retries), too.
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
    // In a box, since most options have none, and are moved about with each call.
    policy: Option<Box<Policy>>,
    scopes: Option<Scopes>,
    deadline: Option<Duration>,
    idempotent: Option<bool>,
    once: bool,
}

impl CallOptions {
    /// Nothing otherwise.
    pub const fn new() -> Self {
        Self {
            policy: None,
            scopes: None,
            deadline: None,
            idempotent: None,
            once: false,
        }
    }

    /// Sets the policy, in place of the handle's. Without [dialects](Policy::with_dialects) it reads answers by those of
    /// its scope.
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = Some(Box::new(policy));
        self
    }

    /// Sets the time from the start of the call to the instant by which it must be over, in place of the policy's.
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the scopes, in place of the request's origin.
    pub fn with_scope(mut self, scopes: impl Into<Scopes>) -> Self {
        self.scopes = Some(scopes.into());
        self
    }

    /// Sets whether executing the call twice does no more than executing it once, in place of what method and headers
    /// say.
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Sends it once, whatever happens. It is paced all the same.
    pub const fn without_retries(mut self) -> Self {
        self.once = true;
        self
    }

    /// The scopes that were set.
    pub const fn scopes(&self) -> Option<&Scopes> {
        self.scopes.as_ref()
    }

    /// Whether the call is idempotent, if that was set.
    #[must_use]
    pub const fn is_idempotent(&self) -> Option<bool> {
        self.idempotent
    }

    /// These, and where they say nothing, what `others` say. A policy says all that there is to say of deadline and
    /// retries.
    pub(crate) fn or(self, mut others: Self) -> Self {
        if self.policy.is_some() {
            others.deadline = None;
            others.once = false;
        }
        Self {
            policy: self.policy.or(others.policy),
            scopes: self.scopes.or(others.scopes),
            deadline: self.deadline.or(others.deadline),
            idempotent: self.idempotent.or(others.idempotent),
            once: self.once || others.once,
        }
    }

    /// The policy of the call, if it is another than `base`.
    pub(crate) fn policy_over(&self, base: &Policy) -> Option<Policy> {
        if self.policy.is_none() && self.deadline.is_none() && !self.once {
            return None;
        }
        let mut policy = self.policy.as_deref().copied().unwrap_or(*base);
        if policy.dialects().is_empty() {
            policy = policy.with_dialects(base.dialects());
        }
        if let Some(deadline) = self.deadline {
            policy = policy.with_deadline(deadline);
        }
        Some(if self.once { policy.once() } else { policy })
    }
}
