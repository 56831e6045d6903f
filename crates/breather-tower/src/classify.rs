//! Tells breather which scope a call belongs to and how each attempt ended.

use breather::{
    Hint, Outcome, Report,
    driver::{Moment, NewCall, Responder},
};

use crate::origin::ScopeBuffer;

/// Classifies the calls of a service.
///
/// A classifier says which scope a call belongs to, whether the call is idempotent, and how each
/// attempt ended. Use [`Http`](crate::Http) for `http::Request` and `http::Response`.
///
/// For any other request and response, you can use a closure that returns an [`Outcome`]. Its calls
/// have no scope until you set one by [`with_scope`](crate::RetryLayer::with_scope), and are not
/// idempotent unless you say so by [`with_idempotent`](crate::RetryLayer::with_idempotent).
///
/// # Example
///
/// ```
/// use breather_tower::RetryLayer;
/// use breather_tower::breather::{Executed, Outcome};
/// # use breather_tower::breather::Stopped;
/// # use std::sync::{Arc, Mutex};
/// use tower::{Layer, ServiceExt};
///
/// # #[derive(Debug)]
/// # struct Row;
/// # #[derive(Debug)]
/// # enum DbError { Busy, Closed, Stopped(Stopped) }
/// # impl From<Stopped> for DbError {
/// #     fn from(stopped: Stopped) -> Self { Self::Stopped(stopped) }
/// # }
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # let answers = Arc::new(Mutex::new(vec![Err(DbError::Closed), Ok(Row), Err(DbError::Busy)]));
/// # let left = answers.clone();
/// # let answer = move || answers.lock().unwrap().pop().unwrap();
/// # let db = tower::service_fn(move |_: &str| std::future::ready(answer()));
/// let layer = RetryLayer::default()
///     .with_scope("db")
///     .with_classifier(|result: &Result<Row, DbError>| match result {
///         Ok(_) => Outcome::success(),
///         Err(DbError::Busy) => Outcome::throttled("busy"),
///         Err(DbError::Closed) => Outcome::transient(Executed::Unknown, "connection closed"),
/// #       Err(DbError::Stopped(_)) => Outcome::permanent("stopped"),
///     });
/// // `db` is busy first, then returns a row, and then closes the connection.
/// let db = layer.layer(db);
/// assert!(db.clone().oneshot("INSERT").await.is_ok());
/// // The database may have executed this query, so breather does not repeat it.
/// assert!(matches!(db.oneshot("INSERT").await, Err(DbError::Closed)));
/// # assert!(left.lock().unwrap().is_empty());
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what calls mean that answer with `Result<{Res}, {E}>`",
    note = "for HTTP, the service takes `http::Request`, answers with `http::Response`, and its error is an `HttpError`: `RetryLayer::box_errors()` makes it one",
    note = "a closure over `&AttemptResult` goes into `Http::by(…)`; one over `&Result<_, _>` is a classifier as it is"
)]
pub trait Classify<Req, Res, E> {
    /// The part of a request that is kept to classify its responses.
    type Kept;

    /// Adds an idempotency key to `request` if it needs one.
    ///
    /// All attempts of a call share the key.
    ///
    /// The layer calls this only if it adds keys. The default does not change the request.
    fn add_key(&self, request: &mut Req) {
        let _ = request;
    }

    /// Returns the part of `request` that the other methods need later.
    ///
    /// Called once for each call, before the request is sent.
    fn keep(&self, request: &Req) -> Self::Kept;

    /// Returns the outcome of an attempt.
    ///
    /// Called once for each attempt, while no lock is held. `result` can also be an error of the
    /// inner service's readiness. The layer then treats the attempt as not executed, whatever
    /// outcome this returns.
    fn classify(&self, kept: &Self::Kept, result: &Result<Res, E>, hint: &Hint<'_>) -> Outcome;

    /// Returns the hint that a response gives about time.
    ///
    /// The head of the response was received at `moment`. By default the hint is empty.
    fn hint<'r>(&self, result: &'r Result<Res, E>, moment: Moment<'_>) -> Hint<'r> {
        let _ = result;
        Hint::new(moment.instant())
    }

    /// Describes the call that `request` starts.
    ///
    /// The description holds the origin, path, options, idempotency and report slot. You can build
    /// the origin's name in `buffer`. By default the call has no scope, so it is not paced, and it
    /// is not idempotent.
    fn describe<'r>(&self, request: &'r Req, buffer: &'r mut ScopeBuffer) -> NewCall<'r> {
        let _ = (request, buffer);
        NewCall::new()
    }

    /// Returns which request of an attempt `result` belongs to.
    ///
    /// Defaults to the request that was sent. Override this for a service that may make several
    /// requests for one attempt, for example because it follows redirects. See
    /// [`Redirects`](breather::Redirects).
    fn answered(&self, kept: &Self::Kept, result: &Result<Res, E>) -> Responder {
        let _ = (kept, result);
        Responder::Expected
    }

    /// Puts the report of a call into its response.
    ///
    /// Called if the call waited or was sent more than once. By default the report is dropped.
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
