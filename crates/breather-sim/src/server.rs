//! What a server limits, and what it says about that.

use std::time::Duration;

use breather::driver::UnixTime;

use crate::changes::{Change, Spell};
use crate::limiter::Limiter;
use crate::service_times::ServiceTimes;

/// The limits of a server, what it says about them, and what befalls it.
///
/// # Defaults
///
/// 300 calls in a fixed window of 60 s, 50 in flight, a median service time of 200 ms (log-normal,
/// σ = 0.25), rejections answered in 20 ms, all headers, rounded up to whole seconds, `Retry-After: 1` on rejections
/// for concurrency. This is the server of the case that breather was made for.
///
/// # Example
///
/// ```
/// use breather_sim::{Headers, Server};
/// use std::time::Duration;
///
/// let slow = Server::default()
///     .with_quota(10, Duration::from_secs(10))
///     .with_cap(Some(5))
///     .with_service(Duration::from_secs(2))
///     .with_headers(Headers::RetryAfter);
/// # let _ = slow;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Server {
    pub(crate) limiters: Vec<Limiter>,
    pub(crate) token_limiters: Vec<Limiter>,
    pub(crate) cap: Option<u32>,
    pub(crate) service: Duration,
    pub(crate) rejection: Duration,
    pub(crate) jitter: Duration,
    pub(crate) headers: Headers,
    pub(crate) cap_retry_after: Option<u64>,
    pub(crate) cap_status: u16,
    pub(crate) rounding: Rounding,
    pub(crate) reset_form: ResetForm,
    /// How far the server's clock is ahead of the callers', in seconds.
    pub(crate) skew: i64,
    /// How much too early its hints are.
    pub(crate) early: Duration,
    pub(crate) counts_throttled: bool,
    pub(crate) counts_at_response: bool,
    pub(crate) others: Option<f64>,
    pub(crate) changes: Vec<(Duration, Change)>,
    pub(crate) closed: Vec<Spell>,
    pub(crate) outages: Vec<(Spell, Outage)>,
    pub(crate) brownouts: Vec<(Spell, f64)>,
}

/// What a server says about its limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Headers {
    /// Limit, remaining and reset of each limiter on every answer, and `Retry-After` on rejections.
    ///
    /// The first limiter speaks by `x-rate-limit-*`, the second by `x-ratelimit-*`, the third by
    /// `inin-ratelimit-*`, and more not at all.
    All,
    /// `Retry-After` on rejections alone.
    RetryAfter,
    /// Nothing but the status.
    None,
}

/// How a server brings a time to whole seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rounding {
    /// Never too early.
    Up,
    /// Up to a second too early.
    Down,
}

/// How a server states when its window resets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResetForm {
    /// In seconds from when it looked at the request.
    Delta,
    /// As seconds since 1970 by its own clock.
    Epoch {
        /// Whether the answer carries a `Date`.
        date: bool,
    },
}

/// How a server fails for a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outage {
    /// No connection comes about.
    Lost,
    /// It answers 503, with this `Retry-After` in seconds or none.
    Unavailable(Option<u64>),
}

impl Server {
    /// A server that accepts everything: without limiter and cap, else as the default.
    pub fn unlimited() -> Self {
        Self {
            limiters: Vec::new(),
            token_limiters: Vec::new(),
            cap: None,
            ..Self::default()
        }
    }

    /// Lets `limiter` be the only one.
    pub fn limited_by(self, limiter: Limiter) -> Self {
        let limiters = vec![limiter];
        Self { limiters, ..self }
    }

    /// Adds a limiter.
    pub fn with_limiter(mut self, limiter: Limiter) -> Self {
        self.limiters.push(limiter);
        self
    }

    /// Adds a limiter that each token has for itself: see [`Load::with_tokens`](crate::Load::with_tokens). Answers
    /// tell of it first, and of the others after it.
    ///
    /// The ideal schedule knows nothing of it, and so is a bound from below.
    pub fn with_token_limiter(mut self, limiter: Limiter) -> Self {
        self.token_limiters.push(limiter);
        self
    }

    /// Lets a quota in fixed windows be the only limiter.
    pub fn with_quota(self, quota: u64, window: Duration) -> Self {
        self.limited_by(Limiter::fixed_window(quota, window))
    }

    /// Sets the cap on calls in flight, or none.
    pub const fn with_cap(mut self, cap: Option<u32>) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the median service time, as a caller sees it: from sending to answer, however short the network.
    pub const fn with_service(mut self, service: Duration) -> Self {
        self.service = service;
        self
    }

    /// Sets the time from sending to a rejection. It is all spent in the network, half of it each way.
    pub const fn with_rejection(mut self, rejection: Duration) -> Self {
        self.rejection = rejection;
        self
    }

    /// Sets how much longer a request, and an answer, may be under way: evenly drawn, so that they overtake one
    /// another.
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets what the server says.
    pub const fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets how times are rounded in headers.
    pub const fn with_rounding(mut self, rounding: Rounding) -> Self {
        self.rounding = rounding;
        self
    }

    /// Sets how resets are stated. `Retry-After` is always in seconds.
    pub const fn with_reset_form(mut self, form: ResetForm) -> Self {
        self.reset_form = form;
        self
    }

    /// Sets how many seconds the server's clock is ahead of the callers'.
    pub const fn with_skew(mut self, seconds: i64) -> Self {
        self.skew = seconds;
        self
    }

    /// Lets resets and `Retry-After` for quota be stated this much too early.
    pub const fn with_early_hints(mut self, early: Duration) -> Self {
        self.early = early;
        self
    }

    /// Sets the `Retry-After` of rejections for concurrency, in seconds, or none.
    pub const fn with_cap_retry_after(mut self, seconds: Option<u64>) -> Self {
        self.cap_retry_after = seconds;
        self
    }

    /// Sets the status of rejections for concurrency: 429, or 503 as of an overloaded server.
    pub const fn with_cap_status(mut self, status: u16) -> Self {
        self.cap_status = status;
        self
    }

    /// Sets whether throttled calls cost quota.
    pub const fn with_throttled_counted(mut self, counts: bool) -> Self {
        self.counts_throttled = counts;
        self
    }

    /// Sets whether a call is counted when it is done, instead of when it comes in. (No leaky bucket can do that,
    /// as its queue is what it counts by.)
    pub const fn with_counting_at_response(mut self, at_response: bool) -> Self {
        self.counts_at_response = at_response;
        self
    }

    /// Lets others use this share of the first limiter's quota, in calls that come evenly and are not repeated.
    /// They take from all limiters, and no place in flight.
    pub fn with_others(mut self, share: f64) -> Self {
        self.others = (share > 0.0).then_some(share);
        self
    }

    /// From `at` on, the first limiter has another quota.
    pub fn with_quota_from(mut self, at: Duration, quota: u64) -> Self {
        self.changes.push((at, Change::Quota(quota)));
        self
    }

    /// From `at` on, there is another cap on calls in flight, or none.
    pub fn with_cap_from(mut self, at: Duration, cap: Option<u32>) -> Self {
        self.changes.push((at, Change::Cap(cap)));
        self
    }

    /// Lets the quotas throttle everything for a time, with a reset and a `Retry-After` that lie right ahead: a hint
    /// that doesn't come true.
    pub fn with_closed(mut self, from: Duration, until: Duration) -> Self {
        self.closed.push(Spell { from, until });
        self
    }

    /// Lets the server fail for a time.
    pub fn with_outage(mut self, from: Duration, until: Duration, outage: Outage) -> Self {
        self.outages.push((Spell { from, until }, outage));
        self
    }

    /// Multiplies the service times of what comes in within that time.
    pub fn with_brownout(mut self, from: Duration, until: Duration, factor: f64) -> Self {
        self.brownouts.push((Spell { from, until }, factor));
        self
    }

    /// The service times that the server draws with `seed`, the n-th for the n-th accepted call.
    pub(crate) fn service_times(&self, seed: u64) -> ServiceTimes {
        ServiceTimes::new(self.service, seed)
    }

    /// How long a request is under way to the server, and an answer from it, at least.
    pub(crate) fn one_way(&self) -> Duration {
        self.rejection / 2
    }

    /// What a service time becomes for a call that is let in at `at`.
    pub(crate) fn slowed(&self, at: Duration, service: Duration) -> Duration {
        let spells = self
            .brownouts
            .iter()
            .filter(|(spell, _)| spell.contains(at));
        service.mul_f64(spells.map(|(_, factor)| factor).product())
    }

    /// What the server's clock shows.
    pub(crate) fn clock(&self, now: Duration) -> UnixTime {
        let skew = self.skew.saturating_mul(1_000_000);
        UnixTime::from_micros(wall_clock(now).as_micros().saturating_add(skew))
    }
}

/// What the callers' clocks show.
pub(crate) fn wall_clock(now: Duration) -> UnixTime {
    let micros = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
    UnixTime::from_micros(START.saturating_add(micros))
}

impl Default for Server {
    fn default() -> Self {
        Self {
            limiters: vec![Limiter::fixed_window(300, Duration::from_secs(60))],
            token_limiters: Vec::new(),
            cap: Some(50),
            service: Duration::from_millis(200),
            rejection: Duration::from_millis(20),
            jitter: Duration::ZERO,
            headers: Headers::All,
            cap_retry_after: Some(1),
            cap_status: 429,
            rounding: Rounding::Up,
            reset_form: ResetForm::Delta,
            skew: 0,
            early: Duration::ZERO,
            counts_throttled: false,
            counts_at_response: false,
            others: None,
            changes: Vec::new(),
            closed: Vec::new(),
            outages: Vec::new(),
            brownouts: Vec::new(),
        }
    }
}

/// When runs start, in microseconds since 1970: 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000_000;
