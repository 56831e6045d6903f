//! Callers that decide by themselves when to send.

use std::time::Duration;

use http::StatusCode;

/// Decides for the callers of one process when to send and retry.
///
/// An implementation holds the state that these callers share, and creates the [`Retries`] of each
/// call. Times are since the start of the run. [`Client::custom`](crate::Client::custom) has an
/// example.
pub trait Callers {
    /// Returns when a call that begins or is due for a retry may be sent.
    ///
    /// By default, the call is sent immediately. Override this if a limiter stands in front of all
    /// calls.
    fn admit(&mut self, now: Duration) -> Admission {
        Admission::At(now)
    }

    /// Starts a call and returns the rules for its retries.
    ///
    /// Draw random numbers from `seed` only, so that runs are reproducible.
    fn call(&mut self, seed: u64) -> Box<dyn Retries>;
}

/// When a call may be sent.
///
/// This enum is exhaustive on purpose, because every driver has to handle every variant.
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// The call is sent at this time, or immediately if that has passed.
    At(Duration),
    /// The call asks again at this time, and may be told to wait once more.
    AskAgain(Duration),
}

/// Decides on the retries of one call.
pub trait Retries {
    /// Returns the delay before the retry of a failed attempt.
    ///
    /// `None` gives the call up.
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration>;

    /// Handles the success of the call.
    fn on_success(&mut self, _now: Duration) {}
}

/// A failed attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// When the response was back, since the start of the run.
    pub now: Duration,
    /// The number of the retry that would follow, from 0.
    pub retry: u32,
    /// The status of the response, or `None` if the connection failed.
    pub status: Option<StatusCode>,
    /// The wait that the response's `Retry-After` asks for, if it has one.
    pub retry_after: Option<Duration>,
}
