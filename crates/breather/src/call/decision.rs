//! What a call does next.

use core::fmt;
use core::time::Duration;

use crate::call::End;
use crate::hint::Evidence;
use crate::instant::Instant;

/// What the caller does next.
///
/// Exhaustive on purpose: a driver that handles both variants handles everything, and the compiler
/// should say so if that ever stops being true.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a decision does nothing until the caller waits or stops"]
pub enum Decision {
    /// Send again, not before the wait is over.
    Retry(Wait),
    /// Hand the last response or error to the application.
    End(End),
}

/// A wait before the next attempt, and why it is as long as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub struct Wait {
    pub(crate) since: Instant,
    pub(crate) until: Instant,
    pub(crate) reason: WaitReason,
    pub(crate) evidence: Option<Evidence>,
}

impl Wait {
    /// The instant before which nothing may be sent.
    #[must_use]
    pub const fn until(&self) -> Instant {
        self.until
    }

    /// How long that was from the decision on.
    #[must_use]
    pub const fn delay(&self) -> Duration {
        self.until.duration_since(self.since)
    }

    /// What the wait comes from.
    #[must_use]
    pub const fn reason(&self) -> WaitReason {
        self.reason
    }

    /// The header that asked for it, if one did.
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

/// What a wait comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum WaitReason {
    /// The policy's backoff and jitter.
    Backoff,
    /// An instant that the server named.
    Hint,
    /// The scope's pacer: a hold, a spent window, or a place in the order.
    Pacer,
}

impl WaitReason {
    /// A word for it, as a label of metrics and traces.
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
