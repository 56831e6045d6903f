//! What came of a run.

use std::time::Duration;

use breather::{Report, driver::Instant};

use crate::quantile::quantile;

/// What came of a run: what the server counted, and how the calls ended.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub(crate) sends: Vec<Instant>,
    /// Of each of the sends.
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

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fate {
    /// The server let it in.
    Accepted,
    /// The server throttled it since a quota was spent.
    ThrottledQuota,
    /// The server throttled it since too many were in flight.
    ThrottledCap,
    /// It failed in an outage.
    Failed,
}

impl Run {
    /// How many calls succeeded.
    #[must_use]
    pub fn ok(&self) -> usize {
        self.completed.len()
    }

    /// How many requests were sent: those that reached the server, and those that no connection came about for.
    #[must_use]
    pub fn sends(&self) -> usize {
        self.sends.len()
    }

    /// When each request reached the server.
    #[must_use]
    pub fn send_times(&self) -> &[Instant] {
        &self.sends
    }

    /// What became of each request, in the order of [`send_times`](Self::send_times).
    #[must_use]
    pub fn fates(&self) -> &[Fate] {
        &self.fates
    }

    /// When each successful call was over, in this order.
    #[must_use]
    pub fn completions(&self) -> &[Duration] {
        &self.completed
    }

    /// How many the server throttled since a quota was spent.
    #[must_use]
    pub const fn throttled_quota(&self) -> usize {
        self.throttled_quota
    }

    /// How many it throttled since too many were in flight.
    #[must_use]
    pub const fn throttled_cap(&self) -> usize {
        self.throttled_cap
    }

    /// How many failed in an outage.
    #[must_use]
    pub const fn failed(&self) -> usize {
        self.failed
    }

    /// How many calls were given up by their callers.
    #[must_use]
    pub const fn given_up(&self) -> usize {
        self.given_up
    }

    /// Sends per call.
    #[must_use]
    pub fn sends_per_call(&self) -> f64 {
        self.sends.len() as f64 / self.reports.len() as f64
    }

    /// When the last successful call was over.
    #[must_use]
    pub fn makespan(&self) -> Duration {
        self.completed.last().copied().unwrap_or_default()
    }

    /// The time by which `share` of the successful calls were over.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        quantile(&self.completed, share)
    }

    /// The most requests that reached the server within any second.
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

    /// The reports of all calls, in the order of their arrival. Clients other than breather write none: theirs are
    /// empty.
    #[must_use]
    pub fn reports(&self) -> &[Report] {
        &self.reports
    }

    /// What the pacers held when all calls were over: attempts in flight and waiting calls. Neither should be
    /// anything but 0.
    #[must_use]
    pub fn leaked(&self) -> (u32, usize) {
        self.leaks
            .iter()
            .fold((0, 0), |sum, leak| (sum.0 + leak.0, sum.1 + leak.1))
    }

    /// The same of each process.
    #[must_use]
    pub fn leaks(&self) -> &[(u32, usize)] {
        &self.leaks
    }
}
