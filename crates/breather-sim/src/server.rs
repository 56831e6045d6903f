//! A server with a quota per window and a cap on calls in flight.

use std::time::Duration;

use breather::{Hint, Instant, Moment};

use crate::ideal::Ideal;
use crate::load::Load;
use crate::service_times::ServiceTimes;

/// The limits of a server, and what it says about them.
///
/// # Defaults
///
/// 300 calls in a fixed window of 60 s, 50 in flight, a median service time of 200 ms (log-normal,
/// σ = 0.25), refusals answered in 20 ms, all headers, `Retry-After: 1` on refusals for concurrency.
/// This is the server of the case that breather was made for.
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
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Server {
    pub(crate) quota: u64,
    pub(crate) window: Duration,
    pub(crate) cap: Option<u32>,
    pub(crate) service: Duration,
    pub(crate) refusal: Duration,
    pub(crate) headers: Headers,
    pub(crate) cap_retry_after: Option<u64>,
}

/// What a server says about its limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Headers {
    /// Limit, remaining and reset on every answer, and `Retry-After` on refusals.
    All,
    /// `Retry-After` on refusals alone.
    RetryAfter,
    /// Nothing but the status.
    None,
}

impl Server {
    /// Sets the quota and the length of its window.
    pub const fn with_quota(mut self, quota: u64, window: Duration) -> Self {
        self.quota = quota;
        self.window = window;
        self
    }

    /// Sets the cap on calls in flight, or none.
    pub const fn with_cap(mut self, cap: Option<u32>) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the median service time.
    pub const fn with_service(mut self, service: Duration) -> Self {
        self.service = service;
        self
    }

    /// Sets what the server says.
    pub const fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Sets the `Retry-After` of refusals for concurrency, in seconds, or none.
    pub const fn with_cap_retry_after(mut self, seconds: Option<u64>) -> Self {
        self.cap_retry_after = seconds;
        self
    }

    /// The service times that the server draws with `seed`, the n-th for the n-th accepted call.
    pub(crate) fn service_times(&self, seed: u64) -> ServiceTimes {
        ServiceTimes::new(self.service, seed)
    }

    /// The schedule of someone who knows this server in advance, for the service times that it draws
    /// with `seed`.
    #[must_use]
    pub fn ideal(&self, load: &Load, seed: u64) -> Ideal {
        let places = self.cap.map_or(usize::MAX, |cap| cap as usize);
        let times = self.service_times(seed).take(load.calls());
        Ideal::new(self.quota, self.window, places, times)
    }

    /// When the window that `now` lies in ends.
    pub(crate) fn reset_after(&self, now: Duration) -> Duration {
        let window = self.window.as_nanos();
        let windows = now.as_nanos() / window + 1;
        Duration::from_nanos((windows * window) as u64)
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            quota: 300,
            window: Duration::from_secs(60),
            cap: Some(50),
            service: Duration::from_millis(200),
            refusal: Duration::from_millis(20),
            headers: Headers::All,
            cap_retry_after: Some(1),
        }
    }
}

/// A server at work.
#[derive(Debug)]
pub(crate) struct State {
    server: Server,
    service_times: ServiceTimes,
    resets: Duration,
    used: u64,
    in_flight: u32,
}

/// What the server does with a request.
pub(crate) struct Reply {
    pub(crate) verdict: Verdict,
    pub(crate) said: Said,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// Accepted; the answer is back after this time.
    Accepted(Duration),
    RefusedQuota,
    RefusedCap,
}

/// The header lines of an answer.
#[derive(Debug, Default)]
pub(crate) struct Said(Vec<(&'static str, String)>);

impl Said {
    pub(crate) fn hint(&self, received: Instant) -> Hint<'_> {
        let lines = self.0.iter().map(|(name, value)| (*name, value.as_bytes()));
        Hint::read(lines, Moment::new(received))
    }
}

impl State {
    pub(crate) fn new(server: Server, seed: u64) -> Self {
        Self {
            service_times: server.service_times(seed),
            server,
            resets: server.window,
            used: 0,
            in_flight: 0,
        }
    }

    /// A request arrives.
    pub(crate) fn on_request(&mut self, now: Duration) -> Reply {
        if now >= self.resets {
            self.resets = self.server.reset_after(now);
            self.used = 0;
        }
        let verdict = if self.used >= self.server.quota {
            Verdict::RefusedQuota
        } else if self.server.cap.is_some_and(|cap| self.in_flight >= cap) {
            Verdict::RefusedCap
        } else {
            self.used += 1;
            self.in_flight += 1;
            Verdict::Accepted(self.service_times.next().unwrap_or_default())
        };
        Reply {
            verdict,
            said: self.said(now, verdict),
        }
    }

    /// An accepted call is done.
    pub(crate) fn on_done(&mut self) {
        self.in_flight -= 1;
    }

    fn said(&self, now: Duration, verdict: Verdict) -> Said {
        let reset = (self.resets - now).as_secs_f64().ceil() as u64;
        let mut lines = Vec::new();
        if self.server.headers == Headers::All {
            let remaining = self.server.quota - self.used;
            lines.push(("x-rate-limit-limit", self.server.quota.to_string()));
            lines.push(("x-rate-limit-remaining", remaining.to_string()));
            lines.push(("x-rate-limit-reset", reset.to_string()));
        }
        if self.server.headers != Headers::None {
            let retry_after = match verdict {
                Verdict::Accepted(_) => None,
                Verdict::RefusedQuota => Some(reset),
                Verdict::RefusedCap => self.server.cap_retry_after,
            };
            lines.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        }
        Said(lines)
    }
}
