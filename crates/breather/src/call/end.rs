//! The reason why a call ended.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::hint::Evidence;
use crate::instant::Instant;

/// The reason why a call ended, and when to try again if that is known.
///
/// # Example
///
/// ```
/// use breather::{Hint, Outcome, Policy, EndReason, driver::{Call, CallSpec, Decision, Instant}};
/// use core::time::Duration;
///
/// let now = Instant::ORIGIN;
/// let mut call = Call::new(Policy::default(), CallSpec::new(), 1, now);
/// call.on_sent(now);
/// let hint = Hint::new(now).with_retry_after(Duration::from_secs(3_600));
/// let decision = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
///
/// // An hour is longer than the policy accepts, so the call ends immediately.
/// let Decision::End(end) = decision else { panic!() };
/// assert_eq!(end.reason(), EndReason::RetryAfterTooLong);
/// assert_eq!(end.retry_at(), Some(now + Duration::from_secs(3_600)));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct End {
    reason: EndReason,
    detail: &'static str,
    at: Instant,
    retry_at: Option<Instant>,
    evidence: Option<Evidence>,
}

impl End {
    pub(crate) const fn new(reason: EndReason, at: Instant) -> Self {
        Self {
            reason,
            detail: "",
            at,
            retry_at: None,
            evidence: None,
        }
    }

    pub(crate) const fn because(mut self, detail: &'static str) -> Self {
        self.detail = detail;
        self
    }

    pub(crate) const fn until(mut self, retry_at: Instant, evidence: Option<Evidence>) -> Self {
        self.retry_at = Some(retry_at);
        self.evidence = evidence;
        self
    }

    #[cfg(feature = "std")]
    pub(crate) const fn with_evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    /// Returns the rule that ended the call.
    #[must_use]
    pub const fn reason(&self) -> EndReason {
        self.reason
    }

    /// Returns the classifier's reason for the last outcome, in a few words.
    ///
    /// It is empty if the call ended between attempts or before the first one.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        self.detail
    }

    /// Returns the instant at which the call ended.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// Returns the earliest instant at which another attempt could be sent.
    ///
    /// This is the full instant, even if it is later than the policy accepts. It is `None` unless
    /// the length of a wait contributed to the end. If the server did not state it, it is a guess, and has no
    /// [evidence](Self::evidence).
    #[must_use]
    pub const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// Returns the time from the end of the call to [`retry_at`](Self::retry_at).
    ///
    /// Show it to a person, or send it to your own callers as `Retry-After`.
    #[must_use]
    #[doc(alias = "cooldown")]
    pub fn retry_after(&self) -> Option<Duration> {
        let retry_at = self.retry_at?;
        Some(retry_at.duration_since(self.at))
    }

    /// Returns the header that asked for the wait, if there is one.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }
}

impl End {
    /// Writes everything except the reason.
    pub(crate) fn fmt_details(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.detail.is_empty() && self.reason != EndReason::Success {
            write!(f, ": {}", self.detail)?;
        }
        if let Some(wait) = self.retry_after() {
            write!(f, "; retry possible in {wait:?}")?;
        }
        match self.evidence {
            Some(evidence) => write!(f, " ({evidence})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for End {
    /// Writes the reason, its details, and when a retry is possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        self.fmt_details(f)
    }
}

/// The rule that ended a call.
///
/// # Example
///
/// ```
/// use breather::EndReason;
///
/// assert_eq!(EndReason::MaxRetries.as_str(), "max_retries");
/// assert_eq!(EndReason::MaxRetries.to_string(), "retry limit reached");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[doc(alias = "StopReason")]
pub enum EndReason {
    /// The [retry budget](crate::RetryBudget) is spent.
    Budget,
    /// The next wait would have outlasted the call's deadline, or the deadline has passed.
    Deadline,
    /// The server asked for a longer wait than the policy accepts.
    RetryAfterTooLong,
    /// The server may have executed the call, and executing it twice may do harm.
    NotIdempotent,
    /// The request's body cannot be sent again.
    NotReplayable,
    /// The policy permits only one attempt.
    RetriesDisabled,
    /// The failure would repeat itself.
    Permanent,
    /// The server throttled the call more often than the policy permits.
    MaxThrottles,
    /// The call failed more often than the policy permits.
    MaxRetries,
    /// The server has rejected every attempt in the call's scope for over an hour.
    ///
    /// The number of these rejections also exceeds the policy's limit for one call.
    ScopeThrottled,
    /// The server throttles this call although quota is left, and accepts others of the scope.
    ///
    /// It did so several times. Other calls are not held.
    ThrottledAlone,
    /// The call succeeded.
    Success,
    /// The queue of the call's scope is full.
    QueueFull,
    /// The call has waited for permits for as long as the policy permits, or would have to.
    MaxQueueTime,
}

impl EndReason {
    /// Returns a short name for metric labels and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Deadline => "deadline",
            Self::RetryAfterTooLong => "retry_after_too_long",
            Self::NotIdempotent => "not_idempotent",
            Self::NotReplayable => "not_replayable",
            Self::RetriesDisabled => "retries_disabled",
            Self::Permanent => "permanent",
            Self::MaxThrottles => "max_throttles",
            Self::MaxRetries => "max_retries",
            Self::ScopeThrottled => "scope_throttled",
            Self::ThrottledAlone => "throttled_alone",
            Self::Success => "success",
            Self::QueueFull => "queue_full",
            Self::MaxQueueTime => "max_queue_time",
        }
    }
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "retry budget spent",
            Self::Deadline => "deadline reached",
            Self::RetryAfterTooLong => "Retry-After longer than the policy accepts",
            Self::NotIdempotent => "may have been processed, and is not idempotent",
            Self::NotReplayable => "body cannot be sent again",
            Self::RetriesDisabled => "retries disabled",
            Self::Permanent => "permanent failure",
            Self::MaxThrottles => "throttle limit reached",
            Self::MaxRetries => "retry limit reached",
            Self::ScopeThrottled => "scope throttled for over an hour",
            Self::ThrottledAlone => "throttled although others are accepted",
            Self::Success => "succeeded",
            Self::QueueFull => "queue full",
            Self::MaxQueueTime => "no permit in time",
        })
    }
}

/// The error of a call that ended without a response or a client error.
///
/// If a call ends after an attempt, you get the response or error of that attempt unchanged. You
/// get `Stopped` if the call ended while it waited for its turn, or if breather dropped its last
/// attempt because its time was up.
///
/// # Example
///
/// ```
/// use breather::{Breather, EndReason, Policy, driver::{NewCall, Step}};
/// use breather_test::VirtualTimer;
/// use std::task::Waker;
/// use std::time::Duration;
///
/// // This call has no time to be sent.
/// let breather = Breather::new(Policy::new().with_deadline(Duration::ZERO));
/// let mut call = breather.start(NewCall::new(), VirtualTimer::default(), 1);
/// let Step::End(stopped) = call.poll_step(Waker::noop()) else { panic!("it is sent") };
/// assert_eq!(stopped.end().reason(), EndReason::Deadline);
/// assert_eq!(stopped.to_string(), "call ended without a response: deadline reached");
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("call ended without a response: {end}")]
pub struct Stopped {
    // Boxed, so that a `Result` with this rare error stays small.
    end: Box<End>,
}

impl Stopped {
    /// Finds a `Stopped` in `error` or in one of its sources.
    ///
    /// Use it on the error of a tower service, or of a client that wraps one. For
    /// reqwest-middleware, use `breather_reqwest::stopped`, because its error hides the first
    /// source.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::Stopped;
    /// use std::error::Error;
    /// use std::time::Duration;
    ///
    /// fn retry_after(error: &(dyn Error + 'static)) -> Option<Duration> {
    ///     Stopped::find(error)?.end().retry_after()
    /// }
    /// assert_eq!(retry_after(&std::io::Error::other("no token")), None);
    /// ```
    #[must_use]
    pub fn find<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        core::iter::successors(Some(error), |&error| error.source())
            .find_map(|error| error.downcast_ref())
    }

    #[cfg(feature = "std")]
    pub(crate) fn new(end: End) -> Self {
        let end = Box::new(end);
        Self { end }
    }

    /// Returns why the call ended, and when to try again if that is known.
    pub fn end(&self) -> &End {
        &self.end
    }
}
