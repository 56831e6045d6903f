//! Redirects that a client follows before an adapter sees the response.

use crate::call::{Executed, Outcome};

/// Tells an adapter whether its client follows redirects, and whether they can be seen.
///
/// A client that follows redirects makes several requests for one attempt. For example, a
/// `POST /buy` with the response `303 See Other` has been processed. If the server throttles the
/// page that the redirect leads to, a retry of the attempt would buy twice.
///
/// | setting | a response from the requested URL | a response from another URL | an error before anything was sent, such as a refused connection |
/// |---|---|---|---|
/// | [`Visible`](Self::Visible) (default) | is believed | shows that the first request was processed | is not a proof, because a redirect may have caused it |
/// | [`Never`](Self::Never) | is believed | is believed | is believed |
/// | [`Hidden`](Self::Hidden) | is not a proof | shows that the first request was processed | is not a proof |
///
/// This affects only calls that are not idempotent. breather does not retry them if the server may
/// have processed an attempt. A call is idempotent because of its method, because of an
/// `Idempotency-Key`, or because you say so.
///
/// `docs/redirects.md` in the repository says which redirects each adapter can see.
///
/// # Example
///
/// ```
/// use breather::{Executed, Outcome, Redirects, driver::Responder};
///
/// let throttled = Outcome::throttled("status 429");
/// let redirects = Redirects::Visible;
/// assert_eq!(redirects.judge(throttled, Responder::Expected).executed(), Executed::No);
/// assert_eq!(redirects.judge(throttled, Responder::OtherUrl).executed(), Executed::Yes);
///
/// let refused = Outcome::transient(Executed::No, "no connection");
/// assert_eq!(redirects.judge(throttled, Responder::None).executed(), Executed::Unknown);
/// assert_eq!(Redirects::Never.judge(throttled, Responder::None).executed(), Executed::No);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Redirects {
    /// The client may follow redirects, and a response tells its own URL. The default.
    ///
    /// A redirect back to the requested URL looks like a response to the first request. Choose
    /// [`Hidden`](Self::Hidden) for an API that does this.
    #[default]
    Visible,
    /// The client makes one request for each attempt.
    Never,
    /// The client may make several requests for one attempt, and you cannot tell which of them a
    /// response belongs to.
    Hidden,
}

/// Tells which request of an attempt a response belongs to.
///
/// # Example
///
/// ```
/// use breather::driver::{Decision, NewCall, Responder, Step, Timer};
/// use breather::{Breather, Hint, Outcome, Redirects};
/// use breather_test::VirtualTimer;
/// use std::{task::Waker, time::Duration};
///
/// let (breather, timer) = (Breather::default(), VirtualTimer::default());
/// let new = NewCall::new().with_origin("https://api.example.com").with_idempotent(true);
/// let mut call = breather.start(new, timer.clone(), 1);
/// assert_eq!(call.poll_step(Waker::noop()), Step::Send);
///
/// // The client followed a redirect to another server, which throttled the request.
/// let hint = Hint::new(timer.now()).with_retry_after(Duration::from_secs(7));
/// let throttled = Outcome::throttled("status 429");
/// let decision = call.on_answer(Redirects::Visible, Responder::OtherServer, throttled, &hint);
/// assert!(matches!(decision, Decision::Retry(_)));
///
/// // That server's limit does not hold other calls to the API.
/// let mut next = breather.start(new, timer, 2);
/// assert_eq!(next.poll_step(Waker::noop()), Step::Send);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Responder {
    /// The requested server, at the requested URL or at an unknown one.
    Expected,
    /// The requested server, at another URL. The client followed a redirect.
    OtherUrl,
    /// Another server, after a redirect. Its limits do not apply to the call's scope.
    OtherServer,
    /// There is no response, only an error.
    None,
}

impl Redirects {
    /// Corrects whether `outcome` was executed, in case the client followed redirects.
    pub const fn judge(self, outcome: Outcome, answered: Responder) -> Outcome {
        match (self, answered) {
            (Self::Never, _) | (Self::Visible, Responder::Expected) => outcome,
            (_, Responder::OtherUrl | Responder::OtherServer) => outcome.unproven(Executed::Yes),
            (Self::Visible, Responder::None) | (Self::Hidden, _) => {
                outcome.unproven(Executed::Unknown)
            }
        }
    }
}
