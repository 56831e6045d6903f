//! The limits of a server, and the headers in which it reports them.

use std::time::Duration;

use breather::driver::UnixTime;

use crate::changes::{Change, Spell};
use crate::limiter::Limiter;
use crate::service_times::ServiceTimes;

/// A simulated server with its limits, its headers and its faults.
///
/// # Defaults
///
/// - 300 calls in a fixed window of 60 s, and 50 in flight
/// - a median service time of 200 ms (log-normal, σ = 0.25), with rejections answered in 20 ms
/// - all headers, rounded up to whole seconds
/// - `Retry-After: 1` on rejections for concurrency
///
/// This is the server that breather was designed for.
///
/// # Example
///
/// ```
/// use breather_sim::{Headers, Load, Server, run};
/// use std::time::Duration;
///
/// let slow = Server::default()
///     .with_quota(10, Duration::from_secs(10))
///     .with_cap(Some(5))
///     .with_service(Duration::from_secs(2))
///     .with_headers(Headers::RetryAfter);
/// assert_eq!(run(&slow, &Load::spike(20), 1).ok(), 20);
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
    pub(crate) connect: Duration,
    pub(crate) headers: Headers,
    pub(crate) cap_retry_after: Option<u64>,
    pub(crate) cap_status: u16,
    pub(crate) quota_status: u16,
    /// The delay that a route states that is always throttled, in seconds.
    pub(crate) barred_retry_after: Option<u64>,
    /// The share of requests that fail by chance.
    pub(crate) faults: f64,
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

/// The headers in which a server reports its limits.
///
/// # Example
///
/// The server allows two calls in 10 s. The more it reports, the fewer calls it has to throttle:
///
/// ```
/// use breather_sim::{Headers, Load, Server, run};
/// use std::time::Duration;
///
/// let throttled = |headers| {
///     let server = Server::default().with_quota(2, Duration::from_secs(10)).with_headers(headers);
///     run(&server, &Load::sequential(1, 5), 1).throttled_quota()
/// };
/// assert_eq!(throttled(Headers::All), 0);
/// assert!(throttled(Headers::RetryAfter) > 0);
/// assert!(throttled(Headers::None) > throttled(Headers::RetryAfter));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Headers {
    /// Sends limit, remaining and reset on every response, and `Retry-After` on rejections.
    ///
    /// The first limiter uses `x-rate-limit-*`, the second `x-ratelimit-*` and the third
    /// `inin-ratelimit-*`. Further limiters are not reported.
    All,
    /// Sends limit, remaining and reset of the limiter with the least remaining, always under the
    /// same names, and `Retry-After` on rejections.
    Tightest,
    /// Sends OpenAI's headers for requests and for one other unit, which it calls tokens, and
    /// `Retry-After` on rejections. Resets are durations such as `1m26.4s`.
    OpenAi,
    /// Sends Anthropic's headers for requests and for one other unit, which it calls tokens, and
    /// `Retry-After` on rejections. Resets are timestamps, and the remaining tokens are rounded to
    /// thousands.
    Anthropic,
    /// Sends only `Retry-After`, on rejections.
    RetryAfter,
    /// Sends only the status.
    None,
}

/// How a server rounds a time to whole seconds.
///
/// # Example
///
/// A client that waits only as long as `Retry-After` says is too early if the server rounds down:
///
/// ```
/// use breather_sim::{Client, Load, Rounding, Server, run_client};
/// use std::time::Duration;
///
/// let throttled = |rounding| {
///     let window = Duration::from_secs(10);
///     let server = Server::default().with_quota(1, window).with_rounding(rounding);
///     run_client(&server, &Load::spike(2), &Client::RetryAfter, 1).throttled_quota()
/// };
/// assert_eq!(throttled(Rounding::Up), 1);
/// assert!(throttled(Rounding::Down) > 1);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Rounding {
    /// Rounds up, so times are never too early.
    Up,
    /// Rounds down, so times are up to a second too early.
    Down,
}

/// The form in which a server states the reset of a window.
///
/// # Example
///
/// The server's clock is 5 s behind. A client cannot know that from an epoch without a `Date`:
///
/// ```
/// use breather_sim::{Load, ResetForm, Server, run};
/// use std::time::Duration;
///
/// let throttled = |form| {
///     let server = Server::default()
///         .with_quota(2, Duration::from_secs(10))
///         .with_reset_form(form)
///         .with_skew(-5);
///     run(&server, &Load::sequential(1, 5), 1).throttled_quota()
/// };
/// assert_eq!(throttled(ResetForm::Delta), 0);
/// assert_eq!(throttled(ResetForm::Epoch { date: true }), 0);
/// assert!(throttled(ResetForm::Epoch { date: false }) > 0);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ResetForm {
    /// In seconds from when the server processed the request.
    Delta,
    /// In seconds since 1970, by the server's clock.
    Epoch {
        /// Whether the response has a `Date`.
        date: bool,
    },
}

/// How a server fails during an outage.
///
/// # Example
///
/// A client that obeys `Retry-After` fails only once. With lost connections, it has to keep trying:
///
/// ```
/// use breather_sim::{Client, Load, Outage, Server, run_client};
/// use std::time::Duration;
///
/// let failed = |outage| {
///     let server = Server::default().with_outage(Duration::ZERO, Duration::from_secs(5), outage);
///     run_client(&server, &Load::spike(1), &Client::RetryAfter, 1).failed()
/// };
/// assert_eq!(failed(Outage::Unavailable(Some(5))), 1);
/// assert!(failed(Outage::Lost) > 1);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outage {
    /// Connections fail.
    Lost,
    /// The server responds with 503, and with this `Retry-After` in seconds, if any.
    Unavailable(Option<u64>),
}

impl Server {
    /// Creates a server that accepts everything.
    ///
    /// It has no limiter and no cap. All else is as in the default.
    pub fn unlimited() -> Self {
        Self {
            limiters: Vec::new(),
            token_limiters: Vec::new(),
            cap: None,
            ..Self::default()
        }
    }

    /// Makes `limiter` the only one.
    pub fn limited_by(self, limiter: Limiter) -> Self {
        let limiters = vec![limiter];
        Self { limiters, ..self }
    }

    /// Adds a limiter.
    pub fn with_limiter(mut self, limiter: Limiter) -> Self {
        self.limiters.push(limiter);
        self
    }

    /// Adds a limiter that counts each token's calls separately.
    ///
    /// See [`Load::with_tokens`](crate::Load::with_tokens). Responses report this limiter before
    /// those that all tokens share. The ideal schedule ignores it, and is then a lower bound.
    pub fn with_token_limiter(mut self, limiter: Limiter) -> Self {
        self.token_limiters.push(limiter);
        self
    }

    /// Makes a quota in fixed windows the only limiter.
    pub fn with_quota(self, quota: u64, window: Duration) -> Self {
        self.limited_by(Limiter::fixed_window(quota, window))
    }

    /// Sets the cap on calls in flight. `None` removes it.
    pub const fn with_cap(mut self, cap: Option<u32>) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the median service time, as a caller sees it.
    ///
    /// It includes the time in the network, from the send to the response.
    pub const fn with_service(mut self, service: Duration) -> Self {
        self.service = service;
        self
    }

    /// Sets the time from a send to its rejection.
    ///
    /// All of it is spent in the network, half in each direction.
    pub const fn with_rejection(mut self, rejection: Duration) -> Self {
        self.rejection = rejection;
        self
    }

    /// Sets the longest additional delay of a request or a response in the network.
    ///
    /// Delays are drawn evenly, so requests and responses overtake each other.
    pub const fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets the time that a new connection takes before it can carry a request.
    ///
    /// A call uses the connection of a response that is back, or a new one if there is none. So
    /// calls on used connections overtake earlier calls on new ones. The ideal schedule ignores
    /// this setting.
    pub const fn with_connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the headers that the server sends.
    pub const fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets how times in headers are rounded.
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

    /// Makes the server state resets and `Retry-After` for quota this much too early.
    pub const fn with_early_hints(mut self, early: Duration) -> Self {
        self.early = early;
        self
    }

    /// Sets the `Retry-After` of rejections for concurrency, in seconds. `None` omits it.
    pub const fn with_cap_retry_after(mut self, seconds: Option<u64>) -> Self {
        self.cap_retry_after = seconds;
        self
    }

    /// Sets the status of rejections for concurrency.
    ///
    /// It is usually 429, or 503 for an overloaded server.
    pub const fn with_cap_status(mut self, status: u16) -> Self {
        self.cap_status = status;
        self
    }

    /// Sets the status of rejections for quota.
    ///
    /// It is usually 429. nginx's `limit_req` answers with 503 by default, without headers about its limits.
    pub const fn with_quota_status(mut self, status: u16) -> Self {
        self.quota_status = status;
        self
    }

    /// Makes this share of requests fail by chance, with a bare 503.
    ///
    /// They cost no quota, and take as long as a rejection.
    pub const fn with_faults(mut self, share: f64) -> Self {
        self.faults = share;
        self
    }

    /// Sets the `Retry-After` of a route that the server always throttles, in seconds. `None` omits it.
    ///
    /// The route costs no quota, and states no other header. See
    /// [`Load::with_barred_calls`](crate::Load::with_barred_calls).
    pub const fn with_barred_route(mut self, retry_after: Option<u64>) -> Self {
        self.barred_retry_after = retry_after;
        self
    }

    /// Sets whether throttled calls cost quota.
    pub const fn with_throttled_counted(mut self, counts: bool) -> Self {
        self.counts_throttled = counts;
        self
    }

    /// Sets whether calls are counted when they end instead of when they arrive.
    ///
    /// A leaky bucket ignores this setting, because it counts calls by its queue.
    pub const fn with_counting_at_response(mut self, at_response: bool) -> Self {
        self.counts_at_response = at_response;
        self
    }

    /// Makes other users take this share of the first limiter's quota.
    ///
    /// Their calls come evenly and are not retried. They count against all limiters, but take no
    /// place in flight.
    pub fn with_others(mut self, share: f64) -> Self {
        self.others = (share > 0.0).then_some(share);
        self
    }

    /// Changes the quota of the first limiter from `at` on.
    pub fn with_quota_from(mut self, at: Duration, quota: u64) -> Self {
        self.changes.push((at, Change::Quota(quota)));
        self
    }

    /// Changes the cap on calls in flight from `at` on. `None` removes it.
    pub fn with_cap_from(mut self, at: Duration, cap: Option<u32>) -> Self {
        self.changes.push((at, Change::Cap(cap)));
        self
    }

    /// Makes the quotas throttle everything for a time.
    ///
    /// The server meanwhile states a reset and a `Retry-After` that are only a moment away, so its
    /// hints turn out to be wrong.
    pub fn with_closed(mut self, from: Duration, until: Duration) -> Self {
        self.closed.push(Spell { from, until });
        self
    }

    /// Makes the server fail for a time.
    pub fn with_outage(mut self, from: Duration, until: Duration, outage: Outage) -> Self {
        self.outages.push((Spell { from, until }, outage));
        self
    }

    /// Multiplies the service times of calls that arrive within a time.
    pub fn with_brownout(mut self, from: Duration, until: Duration, factor: f64) -> Self {
        self.brownouts.push((Spell { from, until }, factor));
        self
    }

    /// Returns the service times that the server draws with `seed`, the n-th for the n-th accepted
    /// call.
    pub(crate) fn service_times(&self, seed: u64) -> ServiceTimes {
        ServiceTimes::new(self.service, seed)
    }

    /// Returns the shortest time that a request or a response spends in the network.
    pub(crate) fn one_way(&self) -> Duration {
        self.rejection / 2
    }

    /// Returns the service time of a call that is accepted at `at`, with any brownout.
    pub(crate) fn slowed(&self, at: Duration, service: Duration) -> Duration {
        let spells = self
            .brownouts
            .iter()
            .filter(|(spell, _)| spell.contains(at));
        service.mul_f64(spells.map(|(_, factor)| factor).product())
    }

    /// Returns the time on the server's clock.
    pub(crate) fn clock(&self, now: Duration) -> UnixTime {
        let skew = self.skew.saturating_mul(1_000_000);
        UnixTime::from_micros(wall_clock(now).as_micros().saturating_add(skew))
    }
}

/// Returns the time on the callers' clocks.
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
            connect: Duration::ZERO,
            headers: Headers::All,
            cap_retry_after: Some(1),
            cap_status: 429,
            quota_status: 429,
            barred_retry_after: None,
            faults: 0.0,
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

/// The start of every run, in microseconds since 1970: 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000_000_000;
