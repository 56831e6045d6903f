//! Callers that decide by themselves when to send.

use std::time::Duration;

use http::StatusCode;

/// The callers of one process: what they share, if anything, and how each of them retries.
///
/// Times are since the start of the run. See [`Client::custom`](crate::Client::custom) for an example.
pub trait Callers {
    /// A call begins, or is about to be repeated: when may it be sent?
    ///
    /// At once, unless something stands in front of all calls.
    fn admit(&mut self, now: Duration) -> Admission {
        Admission::At(now)
    }

    /// A call begins, and gets what decides on its retries. It draws from `seed` alone, so that runs can be
    /// repeated.
    fn call(&mut self, seed: u64) -> Box<dyn Retries>;
}

/// When a call may be sent.
///
/// Exhaustive on purpose: whoever drives both drives everything.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It is sent at this time, or at once if that has passed.
    At(Duration),
    /// It is to ask again at this time, and may be put off again.
    AskAgain(Duration),
}

/// The retries of one call.
pub trait Retries {
    /// An attempt failed. After how long the call is repeated, or `None` if it is given up.
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration>;

    /// The call succeeded.
    fn on_success(&mut self, _now: Duration) {}
}

/// An attempt that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// When the answer was back, since the start of the run.
    pub now: Duration,
    /// Which retry would follow, counted from 0.
    pub retry: u32,
    /// The answer's status; `None` if no connection came about.
    pub status: Option<StatusCode>,
    /// What its `Retry-After` says, if it has one.
    pub retry_after: Option<Duration>,
}
