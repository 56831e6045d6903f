//! Callers that decide by themselves when to send.

use std::time::Duration;

use http::StatusCode;

/// Decides for the callers of one process when to send and retry.
///
/// An implementation holds the state that these callers share, and creates the [`Retries`] of each
/// call. Times are since the start of the run. Use [`Client::custom`](crate::Client::custom) to
/// create a client from it.
///
/// # Example
///
/// The calls of this process share three retries, so two of the five throttled calls fail:
///
/// ```
/// use breather_sim::{Callers, Client, Failure, Load, Retries, Server, run_client};
/// use std::{cell::Cell, rc::Rc, time::Duration};
///
/// struct Budget(Rc<Cell<u32>>);
///
/// impl Callers for Budget {
///     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
///         Box::new(Budget(Rc::clone(&self.0)))
///     }
/// }
///
/// impl Retries for Budget {
///     fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
///         self.0.set(self.0.get().checked_sub(1)?);
///         failure.retry_after
///     }
/// }
///
/// let client = Client::custom("budget", || Box::new(Budget(Rc::new(Cell::new(3)))));
/// let server = Server::default().with_quota(5, Duration::from_secs(10));
/// let run = run_client(&server, &Load::spike(10), &client, 1);
/// assert_eq!((run.ok(), run.sends()), (8, 13));
/// ```
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
///
/// # Example
///
/// These callers send one call a second. A call that comes too early asks again, because another
/// call may take its turn:
///
/// ```
/// use breather_sim::{Admission, Callers, Client, Load, Server, run_client};
/// # use breather_sim::{Failure, Retries};
/// use std::time::Duration;
///
/// const SECOND: Duration = Duration::from_secs(1);
///
/// #[derive(Default)]
/// struct Spaced {
///     next: Duration,
/// }
///
/// impl Callers for Spaced {
///     fn admit(&mut self, now: Duration) -> Admission {
///         if now < self.next {
///             return Admission::AskAgain(self.next);
///         }
///         self.next = now + SECOND;
///         Admission::At(now)
///     }
/// #
/// #     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
/// #         Box::new(NoRetries)
/// #     }
///     // …
/// }
/// #
/// # struct NoRetries;
/// #
/// # impl Retries for NoRetries {
/// #     fn on_failure(&mut self, _: &Failure) -> Option<Duration> {
/// #         None
/// #     }
/// # }
///
/// let client = Client::custom("spaced", || Box::<Spaced>::default());
/// let run = run_client(&Server::default(), &Load::spike(4), &client, 1);
/// let gaps = run.send_times().windows(2).map(|pair| pair[1].duration_since(pair[0]));
/// assert_eq!(gaps.collect::<Vec<_>>(), [SECOND; 3]);
/// ```
#[expect(clippy::exhaustive_enums)]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// The call is sent at this time, or immediately if that has passed.
    At(Duration),
    /// The call asks again at this time, and may be told to wait once more.
    AskAgain(Duration),
}

/// Decides on the retries of one call.
///
/// # Example
///
/// This call doubles its wait after each failure. The server is down for 10 s:
///
/// ```
/// use breather::driver::Instant;
/// use breather_sim::{Callers, Client, Failure, Load, Outage, Retries, Server, run_client};
/// use std::time::Duration;
///
/// const SECOND: Duration = Duration::from_secs(1);
///
/// struct Doubling(Duration);
///
/// impl Retries for Doubling {
///     fn on_failure(&mut self, _: &Failure) -> Option<Duration> {
///         let wait = self.0;
///         self.0 *= 2;
///         Some(wait)
///     }
/// }
///
/// struct AllDoubling;
///
/// impl Callers for AllDoubling {
///     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
///         Box::new(Doubling(SECOND))
///     }
/// }
///
/// let client = Client::custom("doubling", || Box::new(AllDoubling));
/// let server = Server::default().with_outage(Duration::ZERO, 10 * SECOND, Outage::Lost);
/// let run = run_client(&server, &Load::spike(1), &client, 1);
/// let sends = run.send_times().iter().map(|at| at.duration_since(Instant::ORIGIN).as_secs());
/// assert_eq!(sends.collect::<Vec<_>>(), [0, 1, 3, 7, 15]);
/// ```
pub trait Retries {
    /// Returns the delay before the retry of a failed attempt.
    ///
    /// `None` gives the call up.
    fn on_failure(&mut self, failure: &Failure) -> Option<Duration>;

    /// Handles the success of the call.
    fn on_success(&mut self, _now: Duration) {}
}

/// A failed attempt.
///
/// # Example
///
/// This client obeys `Retry-After`, and retries a failed connection only once:
///
/// ```
/// use breather_sim::{Client, Failure, Load, Outage, Retries, Server, run_client};
/// # use breather_sim::Callers;
/// use std::time::Duration;
///
/// struct Careful;
///
/// impl Retries for Careful {
///     fn on_failure(&mut self, failure: &Failure) -> Option<Duration> {
///         match failure.status {
///             Some(_) => failure.retry_after,
///             None => (failure.retry < 1).then_some(Duration::from_secs(1)),
///         }
///     }
/// }
/// #
/// # impl Callers for Careful {
/// #     fn call(&mut self, _seed: u64) -> Box<dyn Retries> {
/// #         Box::new(Careful)
/// #     }
/// # }
///
/// let client = Client::custom("careful", || Box::new(Careful));
/// let play = |outage| {
///     let server = Server::default().with_outage(Duration::ZERO, Duration::from_secs(7), outage);
///     let run = run_client(&server, &Load::spike(1), &client, 1);
///     (run.ok(), run.sends())
/// };
/// assert_eq!(play(Outage::Unavailable(Some(7))), (1, 2));
/// assert_eq!(play(Outage::Lost), (0, 2));
/// ```
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
