//! A server with a quota and a cap, in virtual time.

use std::time::Duration;

use breather::{Hint, Outcome, driver::Instant, hint::Window};

/// It counts what comes in, throttles at once what is too much, and says what remains.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    quota: u64,
    window: Duration,
    cap: u32,
    service: Duration,
    /// When the present window began, and what was counted since.
    began: Instant,
    counted: u64,
    in_flight: u32,
}

/// What it says, and when that is back.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Answer {
    pub(crate) is_accepted: bool,
    pub(crate) takes: Duration,
    remaining: u64,
    reset: Duration,
}

impl Server {
    /// `quota` calls in each `window`, `cap` at once, each of which takes `service`.
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

    /// Others have used up the first window.
    pub(crate) fn spent(mut self) -> Self {
        self.counted = self.quota;
        self
    }

    /// A request comes in. If it is accepted, it has to [`leave`](Self::leave) when it is answered.
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

    /// A request that was accepted is done, whether or not anybody waits for it.
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

    /// The hint of this answer, received at `now`.
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
