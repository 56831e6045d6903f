//! The calls that the callers make.

use std::time::Duration;

use breather::driver::Costs;
use breather::{Pacing, Policy, Priority, Unit};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

use crate::demand::Demand;
use crate::service_times::normal;

/// The number of calls, their start times, and the policy of their handles.
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
    /// The share of callers that give up, and the time within which they do.
    gives_up: Option<(f64, Duration)>,
    cost: Option<Cost>,
    /// Each call whose number is a multiple of this goes to a route that the server always throttles.
    barred: usize,
    /// The priority of a call, and the key of its share.
    priority: fn(usize) -> Priority,
    share: fn(usize) -> u64,
}

/// The costs of calls, which are log-normal.
#[derive(Clone, Copy, Debug)]
struct Cost {
    unit: Unit,
    median: u64,
    p99: u64,
    is_stated: bool,
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
    /// Creates `calls` calls that all start at once, with the default policy.
    pub const fn spike(calls: usize) -> Self {
        Self::new(calls, Shape::Spike)
    }

    /// Creates `calls` calls that start within `over`, at an increasing rate.
    pub const fn ramp(calls: usize, over: Duration) -> Self {
        Self::new(calls, Shape::Ramp { over })
    }

    /// Creates calls that start at a steady rate, regardless of earlier calls.
    pub fn open(per_second: f64, duration: Duration) -> Self {
        let calls = (per_second * duration.as_secs_f64()).round().max(0.0) as usize;
        let interval = duration
            .checked_div(u32::try_from(calls).unwrap_or(u32::MAX))
            .unwrap_or_default();
        Self::new(calls, Shape::Open { interval })
    }

    /// Creates `callers` callers that each make `each` calls, one after another.
    pub const fn sequential(callers: usize, each: usize) -> Self {
        Self::new(callers * each, Shape::Sequential { callers })
    }

    /// Splits the callers among processes that don't know of each other. Defaults to one.
    pub const fn with_processes(mut self, processes: usize) -> Self {
        self.processes = if processes == 0 { 1 } else { processes };
        self
    }

    /// Makes calls use this many tokens in turn. Defaults to 0, which means no tokens.
    ///
    /// Each call then belongs to two scopes, its token's and one that all tokens of its process
    /// share.
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

    /// Makes this share of the callers drop their call within `within` of its start.
    ///
    /// A call may be dropped in any state. If its request is in flight, the server still processes
    /// it to the end.
    pub fn with_giving_up(mut self, share: f64, within: Duration) -> Self {
        self.gives_up = (share > 0.0).then_some((share, within));
        self
    }

    /// Gives each call a cost in `unit`, drawn from the seed of the run. By default, calls cost one request.
    ///
    /// Costs are log-normal. Half of them are at most `median`, and 99 % at most `p99`.
    pub const fn with_cost(mut self, unit: Unit, median: u64, p99: u64) -> Self {
        self.cost = Some(Cost {
            unit,
            median,
            p99,
            is_stated: false,
        });
        self
    }

    /// Makes callers of breather state the cost of each call before it is sent.
    ///
    /// Without this, breather learns the average cost of a call. It has no effect on a load without
    /// [costs](Self::with_cost).
    pub const fn with_stated_costs(mut self) -> Self {
        if let Some(cost) = &mut self.cost {
            cost.is_stated = true;
        }
        self
    }

    /// Makes the first call, and each `nth` after it, go to a route that the server always throttles. See
    /// [`Server::with_barred_route`](crate::Server::with_barred_route).
    pub const fn with_barred_calls(mut self, nth: usize) -> Self {
        self.barred = nth;
        self
    }

    /// Sets the priority of each call, by its number. By default, all are [`Priority::Normal`].
    pub const fn with_priorities(mut self, of: fn(usize) -> Priority) -> Self {
        self.priority = of;
        self
    }

    /// Sets the key whose share each call belongs to, by the number of the call. 0 means none, which is the default.
    pub const fn with_shares(mut self, of: fn(usize) -> u64) -> Self {
        self.share = of;
        self
    }

    /// Returns the number of calls.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.calls
    }

    /// Returns the number of processes that make the calls.
    #[must_use]
    pub const fn processes(&self) -> usize {
        self.processes
    }

    /// Returns how many tokens the calls use in turn.
    pub(crate) const fn tokens(&self) -> usize {
        self.tokens
    }

    /// Returns the token of a call.
    pub(crate) const fn token(&self, call: usize) -> Option<usize> {
        call.checked_rem(self.tokens)
    }

    /// Returns how many calls start by themselves. Each other call follows one that has ended.
    pub(crate) const fn starters(&self) -> usize {
        match self.shape {
            Shape::Sequential { callers } if callers < self.calls => callers,
            _ => self.calls,
        }
    }

    /// Returns when such a call starts, or the earliest start of a call that follows another. Calls
    /// are ordered by their starts.
    pub(crate) fn arrival(&self, call: usize) -> Duration {
        match self.shape {
            Shape::Spike | Shape::Sequential { .. } => Duration::ZERO,
            // The share of calls that have started is the square of the share of time that has
            // passed.
            Shape::Ramp { over } => over.mul_f64((call as f64 / self.calls as f64).sqrt()),
            Shape::Open { interval } => {
                interval.saturating_mul(u32::try_from(call).unwrap_or(u32::MAX))
            }
        }
    }

    /// Returns how many calls can be active at once.
    pub(crate) const fn at_once(&self) -> usize {
        match self.shape {
            Shape::Sequential { callers } => callers,
            Shape::Spike | Shape::Ramp { .. } | Shape::Open { .. } => usize::MAX,
        }
    }

    /// Returns the call that starts when this one ends.
    pub(crate) const fn follower(&self, call: usize) -> Option<usize> {
        let Shape::Sequential { callers } = self.shape else {
            return None;
        };
        let next = call + callers;
        if next < self.calls { Some(next) } else { None }
    }

    /// Returns the process that makes a call.
    pub(crate) const fn process(&self, call: usize) -> usize {
        call % self.starters() % self.processes
    }

    /// Returns how long after its start the call of that seed is dropped, if it is.
    pub(crate) fn gives_up_after(&self, seed: u64) -> Option<Duration> {
        let (share, within) = self.gives_up?;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed);
        let gives_up = random.random::<f64>() < share;
        gives_up.then(|| within.mul_f64(random.random::<f64>()))
    }

    /// Returns the token and the cost of a call in the run with `seed`.
    pub(crate) fn demand(&self, call: usize, seed: u64) -> Demand {
        let cost = self.cost.map(|cost| {
            let seed = seed.wrapping_mul(0xd134_2543_de82_ef95) ^ call as u64;
            (cost.unit, cost.drawn(seed))
        });
        let token = self.token(call);
        let is_barred = self.is_barred(call);
        Demand {
            token,
            cost,
            is_barred,
        }
    }

    /// Returns whether a call goes to a route that the server always throttles.
    pub(crate) const fn is_barred(&self, call: usize) -> bool {
        matches!(call.checked_rem(self.barred), Some(0))
    }

    /// Returns the cost that the caller of a call states.
    pub(crate) fn stated_costs(&self, call: usize, seed: u64) -> Costs {
        let is_stated = self.cost.is_some_and(|cost| cost.is_stated);
        match self.demand(call, seed).cost.filter(|_| is_stated) {
            Some((unit, cost)) => Costs::new().with(unit, cost),
            None => Costs::new(),
        }
    }

    /// Returns the priority of a call, and the key of its share.
    pub(crate) fn order(&self, call: usize) -> (Priority, u64) {
        ((self.priority)(call), (self.share)(call))
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
            cost: None,
            barred: 0,
            priority: |_| Priority::Normal,
            share: |_| 0,
        }
    }
}

impl Cost {
    fn drawn(&self, seed: u64) -> u64 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let median = self.median.max(1) as f64;
        let sigma = (self.p99 as f64 / median).ln() / NORMAL_P99;
        let cost = median * (sigma * normal(&mut random)).exp();
        (cost.round() as u64).max(1)
    }
}

/// The 99 % quantile of the standard normal distribution.
const NORMAL_P99: f64 = 2.326_347_9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_shapes_set_start_times() {
        let ramp = Load::ramp(4, Duration::from_secs(10));
        assert_eq!(ramp.arrival(1), Duration::from_secs(5));
        let open = Load::open(4.0, Duration::from_secs(3));
        assert_eq!(open.calls(), 12);
        assert_eq!(open.arrival(2), Duration::from_millis(500));
        assert_eq!(open.starters(), 12);
    }

    #[test]
    fn caller_keeps_its_process() {
        let load = Load::sequential(3, 2).with_processes(2);
        assert_eq!((load.calls(), load.starters()), (6, 3));
        assert_eq!(load.follower(2), Some(5));
        assert_eq!(load.follower(5), None);
        let processes: Vec<_> = (0..6).map(|call| load.process(call)).collect();
        assert_eq!(processes, [0, 1, 0, 0, 1, 0]);
    }
}
