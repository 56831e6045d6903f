//! What the callers want.

use std::time::Duration;

use breather::{Pacing, Policy};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// How many calls there are, when they start, and the policy of their handles.
///
/// # Example
///
/// ```
/// use breather::Policy;
/// use breather_sim::Load;
///
/// let load = Load::spike(200).with_policy(Policy::no_retries());
/// assert_eq!(load.calls(), 200);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Load {
    calls: usize,
    shape: Shape,
    processes: usize,
    tokens: usize,
    policy: Policy,
    pacing: Pacing,
    /// The share of callers that give up, and within which time.
    gives_up: Option<(f64, Duration)>,
}

/// When calls start.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Spike,
    Ramp { over: Duration },
    Open { interval: Duration },
    Sequential { callers: usize },
}

impl Load {
    /// `calls` calls that all start at once, with the default policy.
    pub const fn spike(calls: usize) -> Self {
        Self::new(calls, Shape::Spike)
    }

    /// `calls` calls that start within `over`, first seldom, then ever more often.
    pub const fn ramp(calls: usize, over: Duration) -> Self {
        Self::new(calls, Shape::Ramp { over })
    }

    /// Calls that start at a steady rate, whether those before are over or not.
    pub fn open(per_second: f64, duration: Duration) -> Self {
        let calls = (per_second * duration.as_secs_f64()).round().max(0.0) as usize;
        let interval = duration
            .checked_div(u32::try_from(calls).unwrap_or(u32::MAX))
            .unwrap_or_default();
        Self::new(calls, Shape::Open { interval })
    }

    /// Callers that make `each` calls, one when the one before is over.
    pub const fn sequential(callers: usize, each: usize) -> Self {
        Self::new(callers * each, Shape::Sequential { callers })
    }

    /// Splits the callers among processes that don't know of one another. Defaults to one.
    pub const fn with_processes(mut self, processes: usize) -> Self {
        self.processes = if processes == 0 { 1 } else { processes };
        self
    }

    /// Lets calls take turns with so many tokens. Each call then belongs to two scopes: its token's, and that which
    /// the tokens of its process share. Defaults to none.
    pub const fn with_tokens(mut self, tokens: usize) -> Self {
        self.tokens = tokens;
        self
    }

    /// Sets the policy of all calls.
    pub const fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets how each process paces its calls.
    pub const fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// Lets this share of the callers drop their call, wherever it is, at some time within `within` of its start.
    ///
    /// A request that is in flight then comes to its end at the server all the same.
    pub fn with_giving_up(mut self, share: f64, within: Duration) -> Self {
        self.gives_up = (share > 0.0).then_some((share, within));
        self
    }

    /// How many calls there are.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.calls
    }

    /// How many processes make them.
    #[must_use]
    pub const fn processes(&self) -> usize {
        self.processes
    }

    /// How many tokens the calls take turns with.
    pub(crate) const fn tokens(&self) -> usize {
        self.tokens
    }

    /// The token of a call.
    pub(crate) const fn token(&self, call: usize) -> Option<usize> {
        call.checked_rem(self.tokens)
    }

    /// How many calls start of themselves; each other follows one that is over.
    pub(crate) const fn starters(&self) -> usize {
        match self.shape {
            Shape::Sequential { callers } if callers < self.calls => callers,
            _ => self.calls,
        }
    }

    /// When such a call starts, and from when on others may. The order of the calls is that of their starts.
    pub(crate) fn arrival(&self, call: usize) -> Duration {
        match self.shape {
            Shape::Spike | Shape::Sequential { .. } => Duration::ZERO,
            // So many have come by a share of the time as is its square.
            Shape::Ramp { over } => over.mul_f64((call as f64 / self.calls as f64).sqrt()),
            Shape::Open { interval } => {
                interval.saturating_mul(u32::try_from(call).unwrap_or(u32::MAX))
            }
        }
    }

    /// How many calls can be under way at once.
    pub(crate) const fn at_once(&self) -> usize {
        match self.shape {
            Shape::Sequential { callers } => callers,
            Shape::Spike | Shape::Ramp { .. } | Shape::Open { .. } => usize::MAX,
        }
    }

    /// The call that starts when this one is over.
    pub(crate) const fn follower(&self, call: usize) -> Option<usize> {
        let Shape::Sequential { callers } = self.shape else {
            return None;
        };
        let next = call + callers;
        if next < self.calls { Some(next) } else { None }
    }

    /// The process that makes a call.
    pub(crate) const fn process(&self, call: usize) -> usize {
        call % self.starters() % self.processes
    }

    /// How long after its start the call of that seed is dropped, if it is.
    pub(crate) fn gives_up_after(&self, seed: u64) -> Option<Duration> {
        let (share, within) = self.gives_up?;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
        let gives_up = random.random::<f64>() < share;
        gives_up.then(|| within.mul_f64(random.random::<f64>()))
    }

    pub(crate) const fn policy(&self) -> Policy {
        self.policy
    }

    pub(crate) const fn pacing(&self) -> Pacing {
        self.pacing
    }

    const fn new(calls: usize, shape: Shape) -> Self {
        Self {
            calls,
            shape,
            processes: 1,
            tokens: 0,
            policy: Policy::new(),
            pacing: Pacing::new(),
            gives_up: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_calls_start() {
        let ramp = Load::ramp(4, Duration::from_secs(10));
        assert_eq!(ramp.arrival(1), Duration::from_secs(5));
        let open = Load::open(4.0, Duration::from_secs(3));
        assert_eq!(open.calls(), 12);
        assert_eq!(open.arrival(2), Duration::from_millis(500));
        assert_eq!(open.starters(), 12);
    }

    #[test]
    fn each_caller_has_its_process() {
        let load = Load::sequential(3, 2).with_processes(2);
        assert_eq!((load.calls(), load.starters()), (6, 3));
        assert_eq!(load.follower(2), Some(5));
        assert_eq!(load.follower(5), None);
        let processes: Vec<_> = (0..6).map(|call| load.process(call)).collect();
        assert_eq!(processes, [0, 1, 0, 0, 1, 0]);
    }
}
