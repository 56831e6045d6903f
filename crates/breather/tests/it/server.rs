//! A server with a quota and a cap, in virtual time.

use std::time::Duration;

use breather::{Hint, Outcome, driver::Instant, hint::Window};

/// Counts requests, immediately throttles those above its limits, and reports the remaining quota.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    quota: u64,
    window: Duration,
    cap: u32,
    service: Duration,
    /// The start of the present window, and the number of requests since.
    began: Instant,
    counted: u64,
    in_flight: u32,
}

/// A response and the time that it takes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Answer {
    pub(crate) is_accepted: bool,
    pub(crate) takes: Duration,
    remaining: u64,
    reset: Duration,
}

impl Server {
    /// Permits `quota` calls per `window` and `cap` in flight. Each call takes `service`.
    pub(crate) fn new(quota: u64, window: Duration, cap: u32, service: Duration) -> Self {
        Self {
            quota,
            window,
            cap,
            service,
            began: Instant::ORIGIN,
            counted: 0,
            in_flight: 0,
        }
    }

    /// Spends the first window.
    pub(crate) fn spent(mut self) -> Self {
        self.counted = self.quota;
        self
    }

    /// Receives a request. If it is accepted, call [`leave`](Self::leave) when it is done.
    pub(crate) fn on_request(&mut self, now: Instant) -> Answer {
        while self.began + self.window <= now {
            self.began = self.began + self.window;
            self.counted = 0;
        }
        let is_accepted = self.counted < self.quota && self.in_flight < self.cap;
        self.counted += u64::from(is_accepted);
        self.in_flight += u32::from(is_accepted);
        Answer {
            is_accepted,
            takes: if is_accepted { self.service } else { REFUSAL },
            remaining: self.quota - self.counted,
            reset: (self.began + self.window).duration_since(now),
        }
    }

    /// Ends an accepted request, even if its caller no longer waits.
    pub(crate) fn leave(&mut self) {
        self.in_flight -= 1;
    }
}

impl Answer {
    pub(crate) fn outcome(&self) -> Outcome {
        if self.is_accepted {
            Outcome::success()
        } else {
            Outcome::throttled("status 429")
        }
    }

    /// Returns the hint of this response, received at `now`.
    pub(crate) fn hint(&self, now: Instant) -> Hint<'static> {
        let window = Window::new("").with_remaining(self.remaining);
        let hint = Hint::new(now).with_window(window.with_reset(self.reset));
        if self.is_accepted || self.remaining > 0 {
            hint
        } else {
            hint.with_retry_after(self.reset)
        }
    }
}

/// How long a rejection takes.
const REFUSAL: Duration = Duration::from_millis(2);
