use std::{num::NonZeroU32, time::Duration};

use breather_sim::ServiceTimes;

use super::Faults;

/// The limits, response times and faults of a [`Server`](super::Server).
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | `quota` | 300 | the quota of the real API |
/// | `window` | 10 s | shorter than the minute of the real API, so that a demonstration is short |
/// | `cap` | 50 | the cap of the real API |
/// | `service_time` | 200 ms | a usual median for a query of this kind |
/// | `seed` | 1 | any seed works; the same seed gives the same service times |
/// | `port` | 0 | any free port |
/// | `org_quota` | unlimited | the calls of one token reach its own quota first |
/// | `conversations` | 1,000 | queries need several pages |
/// | `most_per_query` | 200 | a query is small compared to its response |
/// | `most_per_page` | 100 | the page size that clients of the real API request |
/// | `jobs` | 2 | low, so that a submission can be throttled |
/// | `job_time` | 2 s | long enough for several polls |
/// | `failing_jobs` | no | |
/// | `faults` | none | shows the effect of the limits alone |
///
/// # Example
///
/// ```
/// use breather_examples::analytics::Options;
/// use std::time::Duration;
///
/// let options = Options::default().with_window(Duration::from_secs(60)).with_seed(7);
/// assert_eq!(options.window(), Duration::from_secs(60));
/// assert_eq!(options.quota().get(), 300);
/// ```
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
    /// Sets how many calls of a token the server accepts in each window.
    pub const fn with_quota(mut self, quota: NonZeroU32) -> Self {
        self.quota = quota;
        self
    }

    /// Sets the length of a window, at least one millisecond.
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

    /// Sets the median time of an accepted call.
    pub const fn with_service_time(mut self, median: Duration) -> Self {
        self.service_time = median;
        self
    }

    /// Sets the seed of the service times and the conversations.
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the port to listen on, or 0 for any free port.
    pub const fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets how many calls of all tokens together the server accepts in each window.
    pub const fn with_org_quota(mut self, quota: NonZeroU32) -> Self {
        self.org_quota = Some(quota);
        self
    }

    /// Sets the number of conversations.
    pub const fn with_conversations(mut self, count: u32) -> Self {
        self.conversations = count;
        self
    }

    /// Sets how many conversations one query may name.
    pub const fn with_most_per_query(mut self, count: NonZeroU32) -> Self {
        self.most_per_query = count;
        self
    }

    /// Sets the most rows on a page of a query.
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

    /// Sets whether jobs fail when they are over.
    pub const fn with_failing_jobs(mut self, fail: bool) -> Self {
        self.failing_jobs = fail;
        self
    }

    /// Sets the faults of the server.
    pub const fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Returns the calls of a token that the server accepts in each window.
    #[must_use]
    pub const fn quota(&self) -> NonZeroU32 {
        self.quota
    }

    /// Returns the length of a window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Returns the calls that may be in flight.
    #[must_use]
    pub const fn cap(&self) -> NonZeroU32 {
        self.cap
    }

    /// Returns the median time of an accepted call.
    #[must_use]
    pub const fn service_time(&self) -> Duration {
        self.service_time
    }

    /// Returns the port to listen on, or 0 for any free port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the quota of all tokens together, if it is limited.
    #[must_use]
    pub const fn org_quota(&self) -> Option<NonZeroU32> {
        self.org_quota
    }

    /// Returns the number of conversations.
    #[must_use]
    pub const fn conversations(&self) -> u32 {
        self.conversations
    }

    /// Returns how many conversations one query may name.
    #[must_use]
    pub const fn most_per_query(&self) -> NonZeroU32 {
        self.most_per_query
    }

    /// Returns the most rows on a page of a query.
    #[must_use]
    pub const fn most_per_page(&self) -> NonZeroU32 {
        self.most_per_page
    }

    /// Returns how many jobs may run at once.
    #[must_use]
    pub const fn jobs(&self) -> NonZeroU32 {
        self.jobs
    }

    /// Returns how long a job takes.
    #[must_use]
    pub const fn job_time(&self) -> Duration {
        self.job_time
    }

    /// Returns whether jobs fail when they are over.
    #[must_use]
    pub const fn failing_jobs(&self) -> bool {
        self.failing_jobs
    }

    /// Returns the faults of the server.
    pub const fn faults(&self) -> Faults {
        self.faults
    }

    /// Returns the seed of the service times and the conversations.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns the times that accepted calls take, in the order of their acceptance.
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
