//! The result of a run.

use std::time::Duration;

use breather::{Report, driver::Instant};

use crate::quantile::quantile;

/// The result of a run, with the server's counts and the end of each call.
///
/// # Example
///
/// ```
/// use breather_sim::{Fate, Load, Server, run};
///
/// let run = run(&Server::default(), &Load::spike(100), 1);
/// assert_eq!(run.ok(), 100);
/// let accepted = run.fates().iter().filter(|&&fate| fate == Fate::Accepted);
/// assert_eq!(accepted.count(), 100);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub(crate) sends: Vec<Instant>,
    /// One for each send.
    pub(crate) fates: Vec<Fate>,
    pub(crate) throttled_quota: usize,
    pub(crate) throttled_cap: usize,
    pub(crate) failed: usize,
    pub(crate) given_up: usize,
    /// In ascending order.
    pub(crate) completed: Vec<Duration>,
    pub(crate) reports: Vec<Report>,
    pub(crate) leaks: Vec<(u32, usize)>,
}

/// The fate of a request at the server.
///
/// # Example
///
/// The server allows two calls in 10 s, so it throttles the third one once:
///
/// ```
/// use breather_sim::{Fate, Load, Server, run};
/// use std::time::Duration;
///
/// let server = Server::default().with_quota(2, Duration::from_secs(10));
/// let run = run(&server, &Load::spike(3), 1);
/// let (accepted, throttled) = (Fate::Accepted, Fate::ThrottledQuota);
/// assert_eq!(run.fates(), [accepted, accepted, throttled, accepted]);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fate {
    /// The server accepted the request.
    Accepted,
    /// The server throttled the request because a quota was spent.
    ThrottledQuota,
    /// The server throttled the request because too many calls were in flight.
    ThrottledCap,
    /// The request failed in an outage.
    Failed,
}

impl Run {
    /// Returns how many calls succeeded.
    #[must_use]
    pub fn ok(&self) -> usize {
        self.completed.len()
    }

    /// Returns how many requests were sent, including those whose connection failed.
    #[must_use]
    pub fn sends(&self) -> usize {
        self.sends.len()
    }

    /// Returns when each request reached the server.
    #[must_use]
    pub fn send_times(&self) -> &[Instant] {
        &self.sends
    }

    /// Returns the fate of each request, in the order of [`send_times`](Self::send_times).
    #[must_use]
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// Returns when each successful call ended, in ascending order.
    #[must_use]
    pub fn completions(&self) -> &[Duration] {
        &self.completed
    }

    /// Returns how many requests were throttled because a quota was spent.
    #[must_use]
    pub const fn throttled_quota(&self) -> usize {
        self.throttled_quota
    }

    /// Returns how many requests were throttled because too many were in flight.
    #[must_use]
    pub const fn throttled_cap(&self) -> usize {
        self.throttled_cap
    }

    /// Returns how many requests failed in an outage.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// Returns how many calls their callers gave up.
    #[must_use]
    pub const fn given_up(&self) -> usize {
        self.given_up
    }

    /// Returns the number of sends per call.
    #[must_use]
    pub fn sends_per_call(&self) -> f64 {
        self.sends.len() as f64 / self.reports.len() as f64
    }

    /// Returns when the last successful call ended.
    #[must_use]
    pub fn makespan(&self) -> Duration {
        self.completed.last().copied().unwrap_or_default()
    }

    /// Returns the time by which `share` of the successful calls had ended.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.completed, share)
    }

    /// Returns the most requests that reached the server within any second.
    #[must_use]
    pub fn peak_sends_1s(&self) -> usize {
        let mut first = 0;
        let mut peak = 0;
        for (last, &at) in self.sends.iter().enumerate() {
            while self.sends[first] + Duration::from_secs(1) <= at {
                first += 1;
            }
            peak = peak.max(last - first + 1);
        }
        peak
    }

    /// Returns the reports of all calls, in the order of their arrival.
    ///
    /// Clients other than breather write no reports, so theirs are empty.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// Returns the attempts in flight and waiting calls that pacers still counted in the end.
    ///
    /// All calls have ended by then, so both numbers should be 0.
    #[must_use]
    pub fn leaked(&self) -> (u32, usize) {
        self.leaks
            .iter()
            .fold((0, 0), |sum, leak| (sum.0 + leak.0, sum.1 + leak.1))
    }

    /// Returns [`leaked`](Self::leaked) for each process.
    #[must_use]
    pub fn leaks(&self) -> &[(u32, usize)] {
        &self.leaks
    }
}
