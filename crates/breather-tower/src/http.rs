//! Classifies HTTP calls.

use breather::{
    AttemptResult, Hint, Outcome, Report,
    driver::{Moment, NewCall, Responder, add_idempotency_key, is_idempotent},
};
use http::{Method, Request, Response, Uri};
use uuid::Uuid;

use crate::answered_by::answered;
use crate::classify::Classify;
use crate::http_error::HttpError;
use crate::origin::{ScopeBuffer, origin};

/// The classifier for HTTP calls.
///
/// # Scopes
///
/// The scope of a call is the origin of its URI. This is the scheme, the host in lower case, and
/// the port unless it is the scheme's default, for example `https://api.example.com` or
/// `http://127.0.0.1:8080`. `breather-reqwest` uses the same names, so both share one scope. You
/// can name other scopes by putting [`Scopes`](breather::Scopes) into the request's extensions.
///
/// If a URI has no authority, its call has no scope and is not paced. The `Host` header is not
/// used, because a proxy's clients can send any value in it.
///
/// # Idempotent calls
///
/// A call is idempotent if its method is, according to [RFC 9110 section
/// 9.2.2](https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2), or if it has an `Idempotency-Key`
/// header.
///
/// # Reports
///
/// Put a [`ReportSlot`](breather::ReportSlot) into a request's extensions to get the report of its
/// call. If a call waited or was sent more than once, its response also has the [`Report`] in its
/// extensions.
///
/// # Example
///
/// This classifier changes one row of the default table.
///
/// ```
/// use breather_test::Script;
/// use breather_tower::{Http, RetryLayer};
/// use breather_tower::breather::{self, ClassifyHttp, AttemptResult, Executed, Outcome};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let layer = RetryLayer::default().with_classifier(Http::by(|ending: &AttemptResult<'_>| {
///     match ending.result {
///         Ok(status) if status == 423 => Outcome::transient(Executed::No, "status 423"),
///         _ => breather::DefaultClassifier.classify(ending),
///     }
/// }));
///
/// let server = Script::new(["423", "200"]);
/// let request = http::Request::post("https://api.example.com/rows").body(String::new())?;
/// let response = layer.layer(server).oneshot(request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Http<C = breather::DefaultClassifier> {
    by: C,
}

impl<C: breather::ClassifyHttp> Http<C> {
    /// Creates a classifier that calls `by`.
    ///
    /// Pass a closure or any other classifier that `breather-reqwest` takes.
    pub const fn by(by: C) -> Self {
        Self { by }
    }
}

impl<C> Http<C> {
    pub(crate) fn outcome<R, E>(
        &self,
        (method, _): &(Method, Uri),
        result: &Result<Response<R>, E>,
        body: Option<&[u8]>,
        hint: &Hint<'_>,
    ) -> Outcome
    where
        C: breather::ClassifyHttp,
        E: HttpError,
    {
        let mut ending = match result {
            Ok(response) => AttemptResult::new(method, Ok(response.status()), hint)
                .with_headers(response.headers()),
            Err(error) => AttemptResult::new(method, Err(error.kind()), hint),
        };
        ending.body = body;
        self.by.classify(&ending)
    }
}

impl Default for Http {
    /// Uses breather's default table, [`breather::DefaultClassifier`].
    fn default() -> Self {
        Self::by(breather::DefaultClassifier)
    }
}

impl<C, B, R, E> Classify<Request<B>, Response<R>, E> for Http<C>
where
    C: breather::ClassifyHttp,
    E: HttpError,
{
    type Kept = (Method, Uri);

    fn add_key(&self, request: &mut Request<B>) {
        let method = request.method().clone();
        add_idempotency_key(&method, request.headers_mut(), || {
            Uuid::new_v4().to_string()
        });
    }

    fn keep(&self, request: &Request<B>) -> (Method, Uri) {
        (request.method().clone(), request.uri().clone())
    }

    fn classify(
        &self,
        asked: &(Method, Uri),
        result: &Result<Response<R>, E>,
        hint: &Hint<'_>,
    ) -> Outcome {
        self.outcome(asked, result, None, hint)
    }

    fn answered(&self, asked: &(Method, Uri), result: &Result<Response<R>, E>) -> Responder {
        match result {
            Ok(response) => answered(&asked.1, response),
            Err(_) => Responder::None,
        }
    }

    fn hint<'r>(&self, result: &'r Result<Response<R>, E>, moment: Moment<'_>) -> Hint<'r> {
        match result {
            Ok(response) => Hint::from_headers(response.headers(), moment),
            Err(_) => Hint::new(moment.instant()),
        }
    }

    fn describe<'r>(&self, request: &'r Request<B>, buffer: &'r mut ScopeBuffer) -> NewCall<'r> {
        let uri = request.uri();
        NewCall::new()
            .with_origin(origin(uri, buffer))
            .with_path(uri.path())
            .with_extensions(request.extensions())
            .with_idempotent(is_idempotent(request.method(), request.headers()))
    }

    fn on_report(&self, response: &mut Response<R>, report: &Report) {
        response.extensions_mut().insert(*report);
    }
}
