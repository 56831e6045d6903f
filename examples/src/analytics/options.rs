use std::{num::NonZeroU32, time::Duration};

use breather_sim::ServiceTimes;

use super::Faults;

/// The limits of a [`Server`](super::Server), and how long it takes to answer.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | `quota` | 300 | what the API that this one stands in for grants |
/// | `window` | 10 s | the API's minute, shortened so that a demonstration is short |
/// | `cap` | 50 | what the API that this one stands in for grants |
/// | `service_time` | 200 ms | a usual median for a query of this kind |
/// | `seed` | 1 | any will do; the same one gives the same service times |
/// | `port` | 0 | any that is free |
/// | `org_quota` | none | one token's calls meet its own quota first |
/// | `conversations` | 1,000 | more than fit into one page of any kind |
/// | `most_per_query` | 200 | a query that stays small beside its answer |
/// | `most_per_page` | 100 | what clients of the API that this one stands in for ask for |
/// | `jobs` | 2 | few, so that a submission can be throttled |
/// | `job_time` | 2 s | more than a poll or two |
/// | `failing_jobs` | no | |
/// | `faults` | none | limits alone are to be seen |
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    quota: NonZeroU32,
    window: Duration,
    cap: NonZeroU32,
    service_time: Duration,
    seed: u64,
    port: u16,
    org_quota: Option<NonZeroU32>,
    conversations: u32,
    most_per_query: NonZeroU32,
    most_per_page: NonZeroU32,
    jobs: NonZeroU32,
    job_time: Duration,
    failing_jobs: bool,
    faults: Faults,
}

impl Options {
    /// Sets how many calls are accepted in each window.
    pub const fn with_quota(mut self, quota: NonZeroU32) -> Self {
        self.quota = quota;
        self
    }

    /// Sets the length of a window. Anything shorter than a millisecond is taken as a millisecond.
    pub const fn with_window(mut self, window: Duration) -> Self {
        self.window = if window.as_millis() == 0 {
            Duration::from_millis(1)
        } else {
            window
        };
        self
    }

    /// Sets how many calls may be in flight.
    pub const fn with_cap(mut self, cap: NonZeroU32) -> Self {
        self.cap = cap;
        self
    }

    /// Sets the median of the time that an accepted call takes.
    pub const fn with_service_time(mut self, median: Duration) -> Self {
        self.service_time = median;
        self
    }

    /// Sets the seed that the service times are drawn from.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the port to listen on; 0 leaves the choice to the system.
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets how many calls of all tokens together are accepted in each window.
    pub const fn with_org_quota(mut self, quota: NonZeroU32) -> Self {
        self.org_quota = Some(quota);
        self
    }

    /// Sets how many conversations there are.
    pub const fn with_conversations(mut self, count: u32) -> Self {
        self.conversations = count;
        self
    }

    /// Sets how many conversations one query may name.
    pub const fn with_most_per_query(mut self, count: NonZeroU32) -> Self {
        self.most_per_query = count;
        self
    }

    /// Sets how many rows a page of a query has at most.
    pub const fn with_most_per_page(mut self, count: NonZeroU32) -> Self {
        self.most_per_page = count;
        self
    }

    /// Sets how many jobs may run at once.
    pub const fn with_jobs(mut self, count: NonZeroU32) -> Self {
        self.jobs = count;
        self
    }

    /// Sets how long a job takes.
    pub const fn with_job_time(mut self, time: Duration) -> Self {
        self.job_time = time;
        self
    }

    /// Sets whether jobs fail in the end.
    pub const fn with_failing_jobs(mut self, fail: bool) -> Self {
        self.failing_jobs = fail;
        self
    }

    /// Sets what goes wrong.
    pub const fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// The calls that are accepted in each window.
    #[must_use]
    pub const fn quota(&self) -> NonZeroU32 {
        self.quota
    }

    /// The length of a window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The calls that may be in flight.
    #[must_use]
    pub const fn cap(&self) -> NonZeroU32 {
        self.cap
    }

    /// The median of the time that an accepted call takes.
    #[must_use]
    pub const fn service_time(&self) -> Duration {
        self.service_time
    }

    /// The port to listen on, or 0 for any that is free.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The calls of all tokens together that are accepted in each window, if there is such a limit.
    #[must_use]
    pub const fn org_quota(&self) -> Option<NonZeroU32> {
        self.org_quota
    }

    /// How many conversations there are.
    #[must_use]
    pub const fn conversations(&self) -> u32 {
        self.conversations
    }

    /// The conversations that one query may name.
    #[must_use]
    pub const fn most_per_query(&self) -> NonZeroU32 {
        self.most_per_query
    }

    /// The most rows of a page of a query.
    #[must_use]
    pub const fn most_per_page(&self) -> NonZeroU32 {
        self.most_per_page
    }

    /// The jobs that may run at once.
    #[must_use]
    pub const fn jobs(&self) -> NonZeroU32 {
        self.jobs
    }

    /// How long a job takes.
    #[must_use]
    pub const fn job_time(&self) -> Duration {
        self.job_time
    }

    /// Whether jobs fail in the end.
    #[must_use]
    pub const fn failing_jobs(&self) -> bool {
        self.failing_jobs
    }

    /// What goes wrong.
    pub const fn faults(&self) -> Faults {
        self.faults
    }

    /// The seed of service times and conversations.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How long the accepted calls take, in the order in which they are accepted.
    pub fn service_times(&self) -> ServiceTimes {
        ServiceTimes::new(self.service_time, self.seed)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            quota: const { NonZeroU32::new(300).unwrap() },
            window: Duration::from_secs(10),
            cap: const { NonZeroU32::new(50).unwrap() },
            service_time: Duration::from_millis(200),
            seed: 1,
            port: 0,
            org_quota: None,
            conversations: 1000,
            most_per_query: const { NonZeroU32::new(200).unwrap() },
            most_per_page: const { NonZeroU32::new(100).unwrap() },
            jobs: const { NonZeroU32::new(2).unwrap() },
            job_time: Duration::from_secs(2),
            failing_jobs: false,
            faults: Faults::none(),
        }
    }
}
