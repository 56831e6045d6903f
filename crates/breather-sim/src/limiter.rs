//! The quotas by which a server limits calls.

use std::time::Duration;

use breather::hint::Unit;

use crate::meter::{Bucket, FixedWindow, LockOut, Meter, SlidingCounter, SlidingLog};

/// A quota of a server, and the rule that counts it.
///
/// A [`Server`](crate::Server) has any number of limiters at once, for example one for a user and
/// one for the user's organisation. The server accepts a call if all limiters admit it.
///
/// Each limiter reports itself in headers like real servers of its kind:
///
/// | limiter | remaining | reset | `Retry-After` |
/// |---|---|---|---|
/// | [`fixed_window`](Self::fixed_window) | in this window | end of the window | end of the window |
/// | [`sliding_log`](Self::sliding_log) | now | when the oldest entry leaves | the same |
/// | [`sliding_counter`](Self::sliding_counter) | now | end of this window | the same, which is too early |
/// | [`token_bucket`](Self::token_bucket) | whole tokens | when the bucket is full | when the next token comes |
/// | [`lock_out`](Self::lock_out) | not sent | not sent | when it opens |
/// | [`leaky_bucket`](Self::leaky_bucket) | not sent | not sent | when its queue has a place |
///
/// # Example
///
/// ```
/// use breather_sim::{Limiter, Load, Server};
/// use std::time::Duration;
///
/// let user = Limiter::token_bucket(300, Duration::from_secs(60), 50);
/// let organisation = Limiter::fixed_window(10_000, Duration::from_secs(3_600));
/// let server = Server::unlimited().with_limiter(user).with_limiter(organisation);
///
/// let seconds = |calls| server.ideal(&Load::spike(calls), 1).makespan().as_secs();
/// // The bucket gives 50 tokens at once and then 5 a second.
/// assert_eq!(seconds(60), 2);
/// // The last call waits for the organisation's next hour.
/// assert_eq!(seconds(10_001), 3_600);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limiter {
    rule: Rule,
    quota: u64,
    window: Duration,
    unit: Unit,
    charges_at_response: bool,
    permits_overage: bool,
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    FixedWindow,
    SlidingLog,
    SlidingCounter,
    TokenBucket { burst: u64, resets_at_next: bool },
    LeakyBucket { queue: u64 },
    LockOut { lock: Duration, is_extended: bool },
}

impl Limiter {
    /// Creates a quota of `quota` calls in each fixed window.
    ///
    /// Windows follow one another from the start of the run.
    pub const fn fixed_window(quota: u64, window: Duration) -> Self {
        Self::new(Rule::FixedWindow, quota, window)
    }

    /// Creates a quota of `quota` calls in any period of length `window`.
    ///
    /// The limiter keeps a list of the times of calls.
    pub const fn sliding_log(quota: u64, window: Duration) -> Self {
        Self::new(Rule::SlidingLog, quota, window)
    }

    /// Creates a quota of `quota` calls in about any period of length `window`.
    ///
    /// The limiter keeps the counts of two fixed windows. The count of the previous window is
    /// weighted by the share of it that a window ending now would cover, rounded down. Cloudflare
    /// (<https://blog.cloudflare.com/counting-things-a-lot-of-different-things/>) and the clients
    /// of Upstash count this way.
    pub const fn sliding_counter(quota: u64, window: Duration) -> Self {
        Self::new(Rule::SlidingCounter, quota, window)
    }

    /// Creates a token bucket of `burst` tokens, which is full at first.
    ///
    /// `quota` tokens come evenly in each `window`. A call takes one token.
    pub const fn token_bucket(quota: u64, window: Duration, burst: u64) -> Self {
        let resets_at_next = false;
        let rule = Rule::TokenBucket {
            burst,
            resets_at_next,
        };
        Self::new(rule, quota, window)
    }

    /// Creates a leaky bucket, which serves `quota` calls in each `window`, evenly.
    ///
    /// The server keeps calls that come too early waiting, behind at most `queue` others. It
    /// throttles calls beyond that.
    pub const fn leaky_bucket(quota: u64, window: Duration, queue: u64) -> Self {
        Self::new(Rule::LeakyBucket { queue }, quota, window)
    }

    /// Creates a quota of `quota` calls in any period of length `window`, which locks callers out.
    ///
    /// After a throttled call, the limiter admits no call for the time `lock`. If the lock `is_extended`, each call
    /// that comes too early starts it anew. The limiter only reports when it opens.
    pub const fn lock_out(quota: u64, window: Duration, lock: Duration, is_extended: bool) -> Self {
        Self::new(Rule::LockOut { lock, is_extended }, quota, window)
    }

    /// Makes a token bucket report the next token as its reset.
    ///
    /// By default, it reports when it is full. This setting does not affect other limiters.
    pub const fn with_reset_at_next(mut self) -> Self {
        if let Rule::TokenBucket { resets_at_next, .. } = &mut self.rule {
            *resets_at_next = true;
        }
        self
    }

    /// Makes the limiter count the costs of calls in `unit`. Defaults to requests.
    ///
    /// A call costs one request. [`Load::with_cost`](crate::Load::with_cost) sets the costs in
    /// another unit. A call that costs more than the quota is admitted if the quota is unused.
    pub const fn with_unit(mut self, unit: Unit) -> Self {
        self.unit = unit;
        self
    }

    /// Makes the limiter charge a call for its cost when it ends instead of when it arrives.
    ///
    /// Servers do so if they learn the cost only then, as for the output of a language model. The
    /// limiter admits a call if anything is left, so the costs of calls in flight can exceed the
    /// quota. A bucket refills the excess first, and a fixed window forgets it. The ideal schedule
    /// charges on arrival, and does not exploit that.
    pub const fn with_charge_at_response(mut self) -> Self {
        self.charges_at_response = true;
        self
    }

    /// Makes the limiter admit calls beyond the quota, which it bills instead of throttling them.
    ///
    /// Its headers then report 0 remaining calls.
    pub const fn with_overage(mut self) -> Self {
        self.permits_overage = true;
        self
    }

    /// Returns the unit that the limiter counts.
    #[must_use]
    pub const fn unit(&self) -> Unit {
        self.unit
    }

    pub(crate) const fn charges_at_response(&self) -> bool {
        self.charges_at_response
    }

    /// Returns the same limiter, but with charges on arrival.
    pub(crate) const fn with_charge_on_arrival(mut self) -> Self {
        self.charges_at_response = false;
        self
    }

    pub(crate) const fn permits_overage(&self) -> bool {
        self.permits_overage
    }

    /// Returns how many calls are allowed in each [`window`](Self::window).
    #[must_use]
    pub const fn quota(&self) -> u64 {
        self.quota
    }

    /// Returns the length of the window in which [`quota`](Self::quota) calls are allowed.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    const fn new(rule: Rule, quota: u64, window: Duration) -> Self {
        Self {
            rule,
            quota: if quota == 0 { 1 } else { quota },
            window: if window.is_zero() {
                Duration::from_nanos(1)
            } else {
                window
            },
            unit: Unit::Requests,
            charges_at_response: false,
            permits_overage: false,
        }
    }

    /// Creates a meter that follows this rule, at the start of a run.
    pub(crate) fn meter(&self) -> Box<dyn Meter> {
        let Self { quota, window, .. } = *self;
        match self.rule {
            Rule::FixedWindow => Box::new(FixedWindow::new(quota, window)),
            Rule::SlidingLog => Box::new(SlidingLog::new(quota, window)),
            Rule::SlidingCounter => Box::new(SlidingCounter::new(quota, window)),
            Rule::TokenBucket {
                burst,
                resets_at_next,
            } => Box::new(Bucket::tokens(quota, window, burst, resets_at_next)),
            Rule::LockOut { lock, is_extended } => {
                Box::new(LockOut::new(quota, window, lock, is_extended))
            }
            Rule::LeakyBucket { queue } => Box::new(Bucket::queue(quota, window, queue)),
        }
    }
}
