//! The outcome of an attempt.

use core::fmt;
use core::time::Duration;

use crate::hint::Hint;
use crate::hint::moment::Moment;

/// The classified result of an attempt, with a reason.
///
/// A classifier creates it from a response or an error. The [`Call`](crate::driver::Call) uses it
/// to decide about a retry, and the [`Pacer`](crate::driver::Pacer) learns from it.
///
/// # Example
///
/// ```
/// use breather::{Executed, OutcomeKind, Outcome};
///
/// let outcome = Outcome::transient(Executed::Unknown, "connection reset");
/// assert_eq!(outcome.kind(), OutcomeKind::Transient);
/// assert_eq!(outcome.reason(), "connection reset");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Outcome {
    kind: OutcomeKind,
    executed: Executed,
    /// The bits [`OVERLOAD`] and [`OWN`].
    flags: u8,
    cost: u8,
    /// In milliseconds. [`NONE`] if the classifier stated none. An outcome is copied often, and has to stay small.
    retry_after: u32,
    reason: &'static str,
}

impl Outcome {
    /// Creates the outcome of a successful attempt.
    pub const fn success() -> Self {
        Self::new(OutcomeKind::Success, Executed::Yes, "success").with_budget_cost(0)
    }

    /// Creates the outcome of a response whose result is not ready yet.
    ///
    /// The call asks again. See [`OutcomeKind::Pending`].
    pub const fn pending(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Pending, Executed::Yes, reason).with_budget_cost(0)
    }

    /// Creates the outcome of a failure that may pass.
    pub const fn transient(executed: Executed, reason: &'static str) -> Self {
        Self::new(OutcomeKind::Transient, executed, reason)
    }

    /// Creates the outcome of an attempt without a response in time.
    ///
    /// It is unknown whether the server executed the attempt. A retry costs 2 of the budget.
    pub const fn timed_out() -> Self {
        Self::transient(Executed::Unknown, "no response in time").with_budget_cost(2)
    }

    /// Creates the outcome of a failure because of an overloaded server.
    ///
    /// Use it if the server did not say when to retry. The call treats it as a
    /// [`transient`](Self::transient) failure that the server may have executed. If many attempts of
    /// the scope end so while others are accepted, the pacer takes it for a limit. Then the call treats
    /// it as [`throttled`](Self::throttled), and it costs no retry.
    pub const fn overloaded(reason: &'static str) -> Self {
        let mut outcome = Self::transient(Executed::Unknown, reason);
        outcome.flags |= OVERLOAD;
        outcome
    }

    /// Creates the outcome of a rejection by a rate limit.
    ///
    /// The server did not execute the request, and for now would reject other calls in the scope as
    /// well.
    #[doc(alias = "429")]
    #[doc(alias = "too many requests")]
    #[doc(alias = "rate limit")]
    pub const fn throttled(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Throttled, Executed::No, reason).with_budget_cost(0)
    }

    /// Creates the outcome of a failure that would repeat itself.
    pub const fn permanent(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Permanent, Executed::Unknown, reason)
    }

    /// Applies the server's advice on retrying, if there is any.
    ///
    /// - "Don't retry" makes every outcome permanent except a success.
    /// - "Retry" makes a permanent failure transient.
    ///
    /// The advice never changes whether the server may have executed the attempt.
    /// [`Call::on_outcome`](crate::driver::Call::on_outcome) applies it for you.
    pub fn with_server_advice(self, hint: &Hint<'_>) -> Self {
        match (hint.retry(), self.kind) {
            (None, _) | (_, OutcomeKind::Success) | (Some(true), OutcomeKind::Pending) => self,
            (Some(false), _) => Self {
                kind: OutcomeKind::Permanent,
                reason: "the server said not to send it again",
                ..self
            },
            (Some(true), OutcomeKind::Permanent) => Self {
                kind: OutcomeKind::Transient,
                reason: "the server said to send it again",
                ..self
            },
            (Some(true), OutcomeKind::Throttled | OutcomeKind::Transient) => self,
        }
    }

    /// Takes an overload for a limit. Whether the server executed the attempt is as uncertain as before.
    pub(crate) const fn shed(self) -> Self {
        Self {
            kind: OutcomeKind::Throttled,
            cost: 0,
            ..self
        }
    }

    /// Adds that the server throttled this call alone, although quota is left.
    pub(crate) const fn own(mut self) -> Self {
        self.flags |= OWN;
        self
    }

    /// Returns whether the server throttled this call alone, although quota is left.
    pub(crate) const fn is_own(self) -> bool {
        self.flags & OWN != 0
    }

    const fn new(kind: OutcomeKind, executed: Executed, reason: &'static str) -> Self {
        Self {
            kind,
            executed,
            flags: 0,
            cost: 1,
            retry_after: NONE,
            reason,
        }
    }

    /// Sets the cost of a retry in the [`RetryBudget`](crate::RetryBudget).
    ///
    /// Defaults to 1 for a failure, and to 0 for other outcomes.
    /// [`DefaultClassifier`](crate::DefaultClassifier) sets 2 for a timeout, because the attempt
    /// has kept the server busy for a long time. AWS's SDKs use the same ratio, with 10 tokens
    /// instead of 5.
    pub const fn with_budget_cost(mut self, cost: u8) -> Self {
        self.cost = cost;
        self
    }

    /// Sets the delay before which the server forbids another attempt.
    ///
    /// Use it in a classifier that finds the delay where breather does not read it, for example in the body. It counts from
    /// the receipt of the response, and takes the place of a delay in its headers. It is rounded up to milliseconds, and
    /// cut to 49 days.
    ///
    /// # Example
    ///
    /// ```
    /// use breather::{AttemptResult, ClassifyHttp, DefaultClassifier, Outcome};
    /// use core::time::Duration;
    ///
    /// let classifier = |ending: &AttemptResult<'_>| {
    ///     let outcome = DefaultClassifier.classify(ending);
    ///     match ending.body {
    ///         Some(b"come back in a minute") => outcome.with_retry_after(Duration::from_secs(60)),
    ///         _ => outcome,
    ///     }
    /// };
    /// # let _: &dyn ClassifyHttp = &classifier;
    /// let outcome = Outcome::throttled("in the body").with_retry_after(Duration::from_secs(60));
    /// assert_eq!(outcome.retry_after(), Some(Duration::from_secs(60)));
    /// ```
    pub const fn with_retry_after(mut self, delay: Duration) -> Self {
        let millis = delay.as_nanos().div_ceil(1_000_000);
        self.retry_after = if millis < NONE as u128 {
            millis as u32
        } else {
            NONE - 1
        };
        self
    }

    /// Returns the delay that the classifier stated.
    #[must_use]
    pub const fn retry_after(self) -> Option<Duration> {
        match self.retry_after {
            NONE => None,
            millis => Some(Duration::from_millis(millis as u64)),
        }
    }

    /// Returns whether the classifier stated a delay.
    #[inline]
    pub(crate) const fn states_delay(&self) -> bool {
        self.retry_after != NONE
    }

    /// Moves the delay that the classifier stated to the hint.
    #[cold]
    pub(crate) fn with_delay_in<'a>(mut self, hint: &Hint<'a>) -> (Self, Hint<'a>) {
        let mut hint = hint.clone();
        if let Some(delay) = self.retry_after() {
            hint = hint.with_retry_after(delay);
            self.retry_after = NONE;
        }
        (self, hint)
    }

    /// Replaces [`Executed::No`] with `executed`, because redirects make it unproven.
    pub(crate) const fn unproven(mut self, executed: Executed) -> Self {
        if let Executed::No = self.executed {
            self.executed = executed;
        }
        self
    }

    /// Sets whether the server may have executed the attempt.
    pub const fn with_executed(mut self, executed: Executed) -> Self {
        self.executed = executed;
        self
    }

    /// Returns the kind of the outcome.
    #[must_use]
    pub const fn kind(self) -> OutcomeKind {
        self.kind
    }

    /// Returns whether the server may have executed the attempt.
    #[must_use]
    pub const fn executed(self) -> Executed {
        self.executed
    }

    /// Returns whether the server is overloaded.
    ///
    /// See [`overloaded`](Self::overloaded).
    #[must_use]
    pub const fn is_overload(self) -> bool {
        self.flags & OVERLOAD != 0
    }

    /// Returns the cost of a retry in the budget.
    ///
    /// See [`with_budget_cost`](Self::with_budget_cost).
    #[must_use]
    pub const fn budget_cost(self) -> u8 {
        self.cost
    }

    /// Returns the classifier's reason, in a few words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        self.reason
    }
}

/// The server is overloaded.
const OVERLOAD: u8 = 1;

/// The server throttled this call alone, although quota is left.
const OWN: u8 = 2;

const NONE: u32 = u32::MAX;

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind, self.reason)
    }
}

/// An error type that knows the outcome of its attempt.
///
/// Implement it for the error type of a client, so that users of the client do not need a
/// classifier.
///
/// # Example
///
/// ```
/// use breather::{AsOutcome, Executed, Hint, Outcome, driver::{Instant, Moment}};
/// use core::time::Duration;
///
/// enum DbError {
///     Busy { retry_after: Duration },
///     Syntax,
/// }
///
/// impl AsOutcome for DbError {
///     fn as_outcome(&self) -> Outcome {
///         match self {
///             Self::Busy { .. } => Outcome::throttled("the database is busy"),
///             Self::Syntax => Outcome::permanent("syntax error"),
///         }
///     }
///
///     fn hint(&self, received: Moment<'_>) -> Hint<'_> {
///         let hint = Hint::new(received.instant());
///         match self {
///             Self::Busy { retry_after } => hint.with_retry_after(*retry_after),
///             Self::Syntax => hint,
///         }
///     }
/// }
///
/// let received = Moment::new(Instant::ORIGIN);
/// let busy = DbError::Busy { retry_after: Duration::from_secs(2) };
/// assert_eq!(busy.hint(received).not_before(), Some(received.instant() + Duration::from_secs(2)));
/// assert_eq!(DbError::Syntax.hint(received).not_before(), None);
/// ```
pub trait AsOutcome {
    /// Returns the outcome of the attempt.
    fn as_outcome(&self) -> Outcome;

    /// Returns the hint in an error that was received at `received`.
    ///
    /// Defaults to an empty hint.
    fn hint(&self, received: Moment<'_>) -> Hint<'_> {
        Hint::new(received.instant())
    }
}

/// The kind of an outcome.
///
/// This enum is exhaustive on purpose. The five kinds exclude one another and cover every case, and
/// code that matches on them should stop compiling if that changes.
///
/// # Example
///
/// ```
/// use breather::{Outcome, OutcomeKind};
///
/// let outcome = Outcome::throttled("status 429");
/// assert_eq!(outcome.kind(), OutcomeKind::Throttled);
/// assert_eq!(outcome.kind().as_str(), "throttled");
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutcomeKind {
    /// The attempt succeeded.
    Success,
    /// The result is not ready yet, so breather polls until the deadline.
    ///
    /// Polls cost no retries, and the policy's polling backoff sets their delays. Each pending
    /// response resets the call's counts of failures and rejections.
    ///
    /// A call that polls has to be idempotent. The server executed a [`pending`](Outcome::pending)
    /// attempt, so each poll executes it again. breather ends the call if it is not idempotent.
    Pending,
    /// A failure that may pass. breather retries it as often as the policy permits.
    Transient,
    /// A rejection that applies to the whole scope.
    ///
    /// The pacer holds all calls in the scope. Waiting costs no retries. Use
    /// [`Transient`](Self::Transient) if the server throttled this call for a reason that does not
    /// apply to others.
    Throttled,
    /// A failure that would repeat itself.
    Permanent,
}

impl OutcomeKind {
    /// Returns a short name for metric labels and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pending => "pending",
            Self::Transient => "transient",
            Self::Throttled => "throttled",
            Self::Permanent => "permanent",
        }
    }
}

impl fmt::Display for OutcomeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Tells whether the server may have executed a failed attempt.
///
/// Unless you opt in, breather retries an attempt only if it was certainly not executed, or if
/// executing it twice is harmless.
///
/// This enum is exhaustive on purpose, because there is no fourth case.
///
/// # Example
///
/// ```
/// use breather::{Executed, Outcome};
///
/// assert_eq!(Outcome::throttled("status 429").executed(), Executed::No);
/// assert_eq!(Outcome::timed_out().executed(), Executed::Unknown);
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Executed {
    /// The server did not execute it. It rejected the attempt first, or there was no connection.
    No,
    /// The server executed it, at least in part.
    Yes,
    /// It is unknown. The response was lost, or does not say.
    Unknown,
}
