//! How an attempt ended.

use core::fmt;

use crate::hint::Hint;
use crate::hint::moment::Moment;

/// How an attempt ended, classified, with the reason for the answer.
///
/// A classifier makes one from what came back; the [`Call`](crate::driver::Call) decides by it, and the
/// [`Pacer`](crate::driver::Pacer) learns from it.
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
    is_overload: bool,
    cost: u8,
    reason: &'static str,
}

impl Outcome {
    /// The call is done.
    pub const fn success() -> Self {
        Self::new(OutcomeKind::Success, Executed::Yes, "success").with_budget_cost(0)
    }

    /// What was asked for is not ready yet; ask again.
    pub const fn pending(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Pending, Executed::Yes, reason).with_budget_cost(0)
    }

    /// It failed in a way that may pass.
    pub const fn transient(executed: Executed, reason: &'static str) -> Self {
        Self::new(OutcomeKind::Transient, executed, reason)
    }

    /// Nothing came back in time; nobody knows whether it was executed. Another attempt takes 2 of the budget.
    pub const fn timed_out() -> Self {
        Self::transient(Executed::Unknown, "no response in time").with_budget_cost(2)
    }

    /// It failed since the server has too much to do, and did not say until when.
    ///
    /// To the call it is a [`transient`](Self::transient) failure of which nobody knows whether it was
    /// executed; its scope is sent less.
    pub const fn overloaded(reason: &'static str) -> Self {
        let mut outcome = Self::transient(Executed::Unknown, reason);
        outcome.is_overload = true;
        outcome
    }

    /// The server throttled it for now, without having executed it, and would throttle other calls of the scope
    /// as well.
    #[doc(alias = "429")]
    #[doc(alias = "too many requests")]
    #[doc(alias = "rate limit")]
    pub const fn throttled(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Throttled, Executed::No, reason).with_budget_cost(0)
    }

    /// It failed and would fail again.
    pub const fn permanent(reason: &'static str) -> Self {
        Self::new(OutcomeKind::Permanent, Executed::Unknown, reason)
    }

    /// The same to its call, if the server did not say whether to send it again. If it did, that counts: a failure
    /// is permanent or passing by what it says.
    ///
    /// [`Call::on_outcome`](crate::driver::Call::on_outcome) asks for it. What may have been executed stays so, and a success is
    /// one whatever else was said.
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

    const fn new(kind: OutcomeKind, executed: Executed, reason: &'static str) -> Self {
        Self {
            kind,
            executed,
            is_overload: false,
            cost: 1,
            reason,
        }
    }

    /// Sets what another attempt after this one takes of the [`RetryBudget`](crate::RetryBudget). Defaults to 1 for what failed,
    /// and to nothing for the others.
    ///
    /// [`DefaultClassifier`](crate::DefaultClassifier) takes 2 after a time-out, which has kept the server busy for long: AWS's SDKs weigh it so,
    /// with 10 tokens instead of 5.
    pub const fn with_budget_cost(mut self, cost: u8) -> Self {
        self.cost = cost;
        self
    }

    /// Counts the attempt as `executed`, because it is no longer proved that it was not.
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

    /// What the outcome is.
    #[must_use]
    pub const fn kind(self) -> OutcomeKind {
        self.kind
    }

    /// Whether the server may have executed the attempt.
    #[must_use]
    pub const fn executed(self) -> Executed {
        self.executed
    }

    /// Whether the server has too much to do: see [`overloaded`](Self::overloaded).
    #[must_use]
    pub const fn is_overload(self) -> bool {
        self.is_overload
    }

    /// What another attempt takes of the budget: see [`with_budget_cost`](Self::with_budget_cost).
    #[must_use]
    pub const fn budget_cost(self) -> u8 {
        self.cost
    }

    /// Why the classifier answered so, in a few words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.kind, self.reason)
    }
}

/// An error that says itself how its attempt ended, and what the server said about time.
///
/// For error types of clients that know it, so that their users need not classify.
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
    /// How the attempt ended.
    fn as_outcome(&self) -> Outcome;

    /// What the server said about time, with the error that was received at `received`. Defaults to
    /// nothing.
    fn hint(&self, received: Moment<'_>) -> Hint<'_> {
        Hint::new(received.instant())
    }
}

/// The kinds of outcome.
///
/// Exhaustive on purpose: the five exclude one another and leave nothing out, and whoever decides by
/// them should hear from the compiler if that ever changes.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum OutcomeKind {
    /// The call is done.
    Success,
    /// What was asked for is not ready yet; asking again costs no retries, and goes on until the deadline. The waits are
    /// those of the policy's polling, and failures and rejections on the way are counted anew after each such answer.
    ///
    /// A call that polls has to be idempotent: what is [`pending`](Outcome::pending) was executed, so that asking again is
    /// to execute it again, and one that is not idempotent stops.
    Pending,
    /// A failure that may pass; repeated as often as the policy's retries permit.
    Transient,
    /// A rejection: the whole scope is asked to wait, and its pacer holds the calls of all. Waiting costs no
    /// retries. What is throttled for a reason of this call alone is [`Transient`](Self::Transient).
    Throttled,
    /// A failure that would repeat itself.
    Permanent,
}

impl OutcomeKind {
    /// Returns a word for labels of metrics and traces.
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

/// Whether the server may have executed an attempt that failed.
///
/// Only what was surely not executed, or may be executed twice without harm, is repeated unasked.
///
/// Exhaustive on purpose: there is no fourth answer.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Executed {
    /// It was not: no connection, or refused before execution.
    No,
    /// It was, in whole or in part.
    Yes,
    /// Nobody knows: the answer was lost, or does not tell.
    Unknown,
}
