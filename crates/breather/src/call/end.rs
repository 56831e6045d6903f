//! Why no further attempt is made.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;
use core::time::Duration;

use crate::hint::Evidence;
use crate::instant::Instant;

/// Why no further attempt is made, and when one might have been.
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
/// // An hour is longer than the policy obeys. Nothing is cut down, and nobody waits in vain.
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

    /// The rule that stopped the call.
    #[must_use]
    pub const fn reason(&self) -> EndReason {
        self.reason
    }

    /// What the classifier said of the last attempt, in a few words; empty if there was none.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        self.detail
    }

    /// When the call stopped.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.at
    }

    /// The earliest instant at which another attempt would have been sent, uncut, where that is why
    /// the call stopped.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }

    /// How long after the stop [`retry_at`](Self::retry_at) is: what to tell a person, or an own
    /// caller by `Retry-After`.
    #[must_use]
    #[doc(alias = "cooldown")]
    pub fn retry_after(&self) -> Option<Duration> {
        let retry_at = self.retry_at?;
        Some(retry_at.duration_since(self.at))
    }

    /// The header that asked for the wait, if one did.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }
}

impl End {
    /// Writes all but the reason.
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
    /// Writes the reason, what the server said, and when a retry is possible.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        self.fmt_details(f)
    }
}

/// The rules that stop a call.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[doc(alias = "StopReason")]
pub enum EndReason {
    /// The [budget](crate::RetryBudget) for retries is spent.
    Budget,
    /// The wait would have passed the call's deadline, or the deadline passed while the call waited.
    Deadline,
    /// The server asked for a longer wait than the policy obeys.
    RetryAfterTooLong,
    /// It may have been executed, and executing it twice may do harm.
    NotIdempotent,
    /// Its body cannot be sent again.
    NotReplayable,
    /// The policy permits no more than one attempt.
    RetriesDisabled,
    /// It would fail again.
    Permanent,
    /// It was throttled once more than the policy permits.
    MaxThrottles,
    /// It failed once more than the policy permits.
    MaxRetries,
    /// The server has rejected every attempt in the call's scope for over an hour, and more of them than the policy
    /// permits for one call.
    ScopeThrottled,
    /// It succeeded.
    Success,
    /// As many calls wait in its scope as may.
    QueueFull,
}

impl EndReason {
    /// A word for it, as a label of metrics and traces.
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
            Self::Success => "success",
            Self::QueueFull => "queue_full",
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
            Self::Success => "succeeded",
            Self::QueueFull => "queue full",
        })
    }
}

/// The error of a call that ended with nothing to hand on: no response and no error of the client's.
///
/// A call that stops after an attempt hands on that attempt's response or error as it is. This error
/// is for a call that stopped while it waited for its turn, or whose last attempt was dropped since its time was up.
///
/// # Example
///
/// ```
/// use breather::{Stopped, EndReason};
///
/// fn hint_for_our_own_caller(stopped: &Stopped) -> Option<u64> {
///     match stopped.end().reason() {
///         EndReason::Deadline | EndReason::RetryAfterTooLong => stopped.end().retry_after().map(|w| w.as_secs() + 1),
///         _ => None,
///     }
/// }
/// # let _ = hint_for_our_own_caller;
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("call ended without a response: {end}")]
pub struct Stopped {
    // Boxed so that results stay small where the error is the rare case.
    end: Box<End>,
}

impl Stopped {
    /// Finds a `Stopped` in `error` or in one of its sources.
    ///
    /// Use it on the error of a tower service or of a client that wraps one. For reqwest-middleware, use
    /// `breather_reqwest::stopped`, because its error hides the first source.
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

    /// Why, and when it might have gone on.
    pub fn end(&self) -> &End {
        &self.end
    }
}
