use std::{num::NonZeroU32, time::Duration};

use breather_sim::ServiceTimes;

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
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Options {
    quota: NonZeroU32,
    window: Duration,
    cap: NonZeroU32,
    service_time: Duration,
    seed: u64,
    port: u16,
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
        }
    }
}
