//! What the callers want.

use breather::{Pacing, Policy};

/// How many calls there are, and the policy of their handle.
///
/// # Example
///
/// ```
/// use breather::Policy;
/// use breather_sim::Load;
///
/// let load = Load::spike(200).with_policy(Policy::never());
/// assert_eq!(load.calls(), 200);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Load {
    calls: usize,
    policy: Policy,
    pacing: Pacing,
}

impl Load {
    /// `calls` calls that all start at once, with the default policy.
    pub const fn spike(calls: usize) -> Self {
        Self {
            calls,
            policy: Policy::new(),
            pacing: Pacing::new(),
        }
    }

    /// Sets the policy of all calls.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many calls there are.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.calls
    }

    pub(crate) const fn policy(&self) -> Policy {
        self.policy
    }

    pub(crate) const fn pacing(&self) -> Pacing {
        self.pacing
    }
}
