//! What a service's calls mean.

use breather::{
    Hint, Outcome, Report,
    driver::{Moment, NewCall, Responder},
};

use crate::origin::ScopeBuffer;

/// What the calls of a service mean: whom they ask, and how an attempt ended.
///
/// [`Http`](crate::Http) is the one for `http::Request` and `http::Response`. A closure that answers with
/// an [`Outcome`] is one too, for any request and response: its calls belong to no scope unless
/// [`with_scope`](crate::RetryLayer::with_scope) names one, and are not idempotent unless
/// [`with_idempotent`](crate::RetryLayer::with_idempotent) says so.
///
/// # Example
///
/// ```
/// use breather_tower::RetryLayer;
/// use breather_tower::breather::{Executed, Outcome};
///
/// # struct Row;
/// # enum DbError { Busy, Closed }
/// let layer = RetryLayer::default()
///     .with_scope("db")
///     .with_classifier(|result: &Result<Row, DbError>| match result {
///         Ok(_) => Outcome::success(),
///         Err(DbError::Busy) => Outcome::throttled("busy"),
///         Err(DbError::Closed) => Outcome::transient(Executed::Unknown, "connection closed"),
///     });
/// # let _ = layer;
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what calls mean that answer with `Result<{Res}, {E}>`",
    note = "for HTTP, the service takes `http::Request`, answers with `http::Response`, and its error is an `HttpError`: `RetryLayer::box_errors()` makes it one",
    note = "a closure over `&AttemptResult` goes into `Http::by(…)`; one over `&Result<_, _>` is a classifier as it is"
)]
pub trait Classify<Req, Res, E> {
    /// What is kept of a request to classify its answers by.
    type Kept;

    /// Adds an idempotency key to `request` if it needs one. All its attempts share the key.
    ///
    /// The layer calls this only if it adds keys. The default does not change the request.
    fn add_key(&self, request: &mut Req) {
        let _ = request;
    }

    /// Keeps what is needed of `request`, before it is sent.
    fn keep(&self, request: &Req) -> Self::Kept;

    /// What an attempt's end means. Called once for each attempt, without a lock held.
    ///
    /// An error may also be one of the inner service's readiness; it is then taken as not executed,
    /// whatever this answers.
    fn classify(&self, kept: &Self::Kept, result: &Result<Res, E>, hint: &Hint<'_>) -> Outcome;

    /// What the answer says about time; its head was received at `moment`. Defaults to nothing.
    fn hint<'r>(&self, result: &'r Result<Res, E>, moment: Moment<'_>) -> Hint<'r> {
        let _ = result;
        Hint::new(moment.instant())
    }

    /// Describes the call that `request` begins: its origin, path, options, idempotency and report slot.
    ///
    /// You can put the origin's name together in `buffer`. By default the call has no scope, so it is not paced, and it is
    /// not idempotent.
    fn describe<'r>(&self, request: &'r Req, buffer: &'r mut ScopeBuffer) -> NewCall<'r> {
        let _ = (request, buffer);
        NewCall::new()
    }

    /// Which request of an attempt `result` belongs to. Defaults to the one that was sent.
    ///
    /// Override it for a service that may make several requests for one attempt, for example one that follows redirects:
    /// see [`Redirects`](breather::Redirects).
    fn answered(&self, kept: &Self::Kept, result: &Result<Res, E>) -> Responder {
        let _ = (kept, result);
        Responder::Expected
    }

    /// Puts the report of a call that waited, or was sent more than once, into its response. Defaults to
    /// dropping it.
    fn on_report(&self, response: &mut Res, report: &Report) {
        let _ = (response, report);
    }
}

impl<F, Req, Res, E> Classify<Req, Res, E> for F
where
    F: Fn(&Result<Res, E>) -> Outcome,
{
    type Kept = ();

    fn keep(&self, _: &Req) {}

    fn classify(&self, (): &(), result: &Result<Res, E>, _: &Hint<'_>) -> Outcome {
        self(result)
    }
}
