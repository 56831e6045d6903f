//! The next step of a call.

use core::fmt;
use core::time::Duration;

use crate::call::End;
use crate::hint::Evidence;
use crate::instant::Instant;

/// The next step after an attempt.
///
/// This enum is exhaustive on purpose. A driver that handles both variants is complete, and it
/// should stop compiling if that changes.
///
/// # Example
///
/// ```
/// use breather::{EndReason, Executed, Hint, Outcome, Policy};
/// use breather::driver::{Call, CallSpec, Decision, Instant};
///
/// let mut now = Instant::ORIGIN;
/// let mut call = Call::new(Policy::new().with_max_retries(2), CallSpec::new(), 1, now);
/// let mut attempts = 0;
/// let end = loop {
///     call.on_sent(now);
///     attempts += 1;
///     let outcome = Outcome::transient(Executed::No, "connection refused");
///     match call.on_outcome(now, outcome, &Hint::new(now), None) {
///         Decision::Retry(wait) => now = wait.until(),
///         Decision::End(end) => break end,
///     }
/// };
/// assert_eq!(attempts, 3);
/// assert_eq!(end.reason(), EndReason::MaxRetries);
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a decision does nothing until the caller waits or stops"]
pub enum Decision {
    /// Send the request again, but not before the wait is over.
    Retry(Wait),
    /// Return the last response or error to the application.
    End(End),
}

/// A wait before the next attempt, with its reason.
///
/// # Example
///
/// ```
/// use breather::{Hint, Outcome, Policy, WaitReason, driver::{Call, CallSpec, Decision, Instant}};
/// use core::time::Duration;
///
/// let now = Instant::ORIGIN;
/// let mut call = Call::new(Policy::default(), CallSpec::new().with_paced(true), 1, now);
/// call.on_sent(now);
/// let hint = Hint::new(now).with_retry_after(Duration::from_secs(3));
/// let decision = call.on_outcome(now, Outcome::throttled("status 429"), &hint, None);
///
/// let Decision::Retry(wait) = decision else { panic!() };
/// assert_eq!(wait.delay(), Duration::from_secs(3));
/// assert_eq!(wait.reason(), WaitReason::Hint);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Wait {
    pub(crate) since: Instant,
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
    pub(crate) evidence: Option<Evidence>,
}

impl Wait {
    /// Returns the instant before which the next attempt must not be sent.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// Returns the length of the wait, counted from the decision.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.until.duration_since(self.since)
    }

    /// Returns the reason for the wait.
    #[must_use]
    pub const fn reason(&self) -> WaitReason {
        self.reason
    }

    /// Returns the header that asked for the wait, if there is one.
    #[must_use]
    pub const fn evidence(&self) -> Option<&Evidence> {
        self.evidence.as_ref()
    }
}

impl fmt::Display for Wait {
    /// Writes how long and why, such as `waiting 3s (retry-after: 3)` or `waiting 120ms (backoff)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "waiting {:?} ", self.delay())?;
        match self.evidence {
            Some(evidence) => write!(f, "({evidence})"),
            None => write!(f, "({})", self.reason),
        }
    }
}

/// The reason for a wait.
///
/// # Example
///
/// ```
/// use breather::WaitReason;
///
/// assert_eq!(WaitReason::Pacer.as_str(), "pacer");
/// assert_eq!(WaitReason::Pacer.to_string(), "paced");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The policy's backoff and jitter.
    Backoff,
    /// An instant that the server named.
    Hint,
    /// The scope's pacer. The call waits for the end of a hold or a spent window, or for its turn.
    Pacer,
}

impl WaitReason {
    /// Returns a short name for metric labels and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Hint => "hint",
            Self::Pacer => "pacer",
        }
    }
}

impl fmt::Display for WaitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Backoff => "backoff",
            Self::Hint => "server's hint",
            Self::Pacer => "paced",
        })
    }
}
