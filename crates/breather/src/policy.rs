//! What to do about a failed or refused attempt.

use core::time::Duration;

use crate::backoff::{self, Backoff};
#[cfg(feature = "std")]
use crate::hint::Dialect;
use crate::jitter::Jitter;

/// What to do about a failed or refused attempt: how often, how late, and when to stop.
///
/// # Defaults
///
/// | setting | default | why |
/// |---|---|---|
/// | [`retries`](Self::with_retries) | 3 | a call that fails costs no more than four sends; more would multiply an outage |
/// | [`backoff`](Self::with_backoff) | exponential from 100 ms, factor 2, cap 20 s | see [`Backoff`] |
/// | [`jitter`](Self::with_jitter) | full | fewest calls in AWS's measurements; see [`Jitter`] |
/// | [`refusals`](Self::with_refusals) | 16 | a shared pacer has a call refused once or twice; more means exhausted credit or a broken server |
/// | [`deadline`](Self::with_deadline) | none | a queue of thousands legitimately takes minutes; the application's own time-out rules |
/// | [`attempt_timeout`](Self::with_attempt_timeout) | none | the client's own time-outs rule |
/// | [`longest_hint`](Self::with_longest_hint) | 5 minutes | windows are seconds to a minute; hours mean a spent contract |
/// | [`polling`](Self::with_polling) | exponential from 1 s, factor 1.5, cap 20 s | short jobs are seen soon, and long ones asked for three times a minute |
///
/// What belongs to a scope and not to a call is set on [`Pacing`](crate::Pacing).
///
/// # Example
///
/// ```
/// use breather::{Backoff, Policy};
/// use core::time::Duration;
///
/// const PATIENT: Policy = Policy::new()
///     .with_retries(10)
///     .with_backoff(Backoff::fibonacci(Duration::from_millis(250)))
///     .with_deadline(Duration::from_secs(60));
/// assert_eq!(PATIENT.retries(), 10);
/// assert_eq!(Policy::default().retries(), 3);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Policy {
    backoff: Backoff,
    jitter: Jitter,
    retries: u32,
    refusals: u32,
    deadline: Option<Duration>,
    attempt_timeout: Option<Duration>,
    longest_hint: Duration,
    polling: Backoff,
    /// Set by `never`, and unset by whatever permits a second attempt.
    once: bool,
    #[cfg(feature = "std")]
    dialects: &'static [Dialect],
}

impl Policy {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            backoff: backoff::DEFAULT,
            jitter: Jitter::full(),
            retries: 3,
            refusals: 16,
            deadline: None,
            attempt_timeout: None,
            longest_hint: Duration::from_secs(5 * 60),
            polling: Backoff::exponential(Duration::from_secs(1)).with_factor(1.5),
            once: false,
            #[cfg(feature = "std")]
            dialects: &[],
        }
    }

    /// No attempt after the first, whatever happens, unless [`with_retries`](Self::with_retries) or
    /// [`with_refusals`](Self::with_refusals) permits some later.
    pub const fn never() -> Self {
        Self::new().once()
    }

    pub(crate) const fn once(self) -> Self {
        let mut policy = self.with_retries(0).with_refusals(0);
        policy.once = true;
        policy
    }

    /// Sets how the delay ceiling grows.
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how delays are drawn from the ceiling.
    pub const fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets how many transient failures of one call are followed by another attempt. Defaults to 3.
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self.once = false;
        self
    }

    /// Sets how many refusals of one call are followed by another attempt. Defaults to 16.
    ///
    /// Refusals don't count as retries: the server did not try and fail, it asked to wait.
    pub const fn with_refusals(mut self, refusals: u32) -> Self {
        self.refusals = refusals;
        self.once = false;
        self
    }

    /// Sets the time from the start of a call to the instant by which it must be over, waits
    /// included. Defaults to none.
    ///
    /// A wait that would pass it is not begun: the call stops at once. What is left of it when an attempt begins is
    /// the attempt's time-out: one in flight is dropped.
    pub const fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Sets the time from the sending of an attempt to the instant by which the head of its response must be there.
    /// Defaults to none.
    ///
    /// An attempt that takes longer is dropped. It may have been executed, and is repeated like any other that was not
    /// answered. If it was the last, the call ends with [`Stopped`](crate::Stopped).
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// Sets how long to wait before what is [pending](crate::Outcome::pending) is asked for again. Defaults to exponential
    /// from 1 second, factor 1.5, cap 20 seconds.
    ///
    /// Drawn by the policy's jitter, and never earlier than the server says. Polls cost no retries, and pass the pacer like any
    /// other call.
    pub const fn with_polling(mut self, polling: Backoff) -> Self {
        self.polling = polling;
        self
    }

    /// Sets the longest wait that a server may ask for. Defaults to 5 minutes.
    ///
    /// A hint that asks for more is not cut down, which would have the call refused again: it stops
    /// the call, and the stop tells the uncut instant.
    pub const fn with_longest_hint(mut self, longest: Duration) -> Self {
        self.longest_hint = longest;
        self
    }

    /// Sets how servers are known to write their headers, where names and values say too little. Of several dialects,
    /// the first that names a header counts. Defaults to none.
    ///
    /// For one scope of many, see [`Breather::read_as`](crate::Breather::read_as).
    #[cfg(feature = "std")]
    pub const fn with_dialects(mut self, dialects: &'static [Dialect]) -> Self {
        self.dialects = dialects;
        self
    }

    /// How servers are known to write their headers.
    #[cfg(feature = "std")]
    pub const fn dialects(&self) -> &'static [Dialect] {
        self.dialects
    }

    /// How the delay ceiling grows.
    pub const fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// How delays are drawn from the ceiling.
    pub const fn jitter(&self) -> Jitter {
        self.jitter
    }

    /// How many transient failures are followed by another attempt.
    #[must_use]
    pub const fn retries(&self) -> u32 {
        self.retries
    }

    /// How many refusals are followed by another attempt.
    #[must_use]
    pub const fn refusals(&self) -> u32 {
        self.refusals
    }

    /// The time a call may take, waits included.
    #[must_use]
    pub const fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    /// The time that an attempt may take.
    #[must_use]
    pub const fn attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    /// How long to wait before what is pending is asked for again.
    pub const fn polling(&self) -> Backoff {
        self.polling
    }

    /// The longest wait that a server may ask for.
    #[must_use]
    pub const fn longest_hint(&self) -> Duration {
        self.longest_hint
    }

    /// Whether any outcome can lead to a second attempt: if none can, nothing need be kept for it.
    #[must_use]
    pub const fn may_repeat(&self) -> bool {
        !self.once
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}
