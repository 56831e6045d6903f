//! Answers that are classified by their bodies, too.

use breather::{
    Hint, Outcome, Report,
    driver::{Moment, NewCall, Responder},
};
use breather_hyper::BufferedBody;
use http::{Method, Request, Response, Uri};

use crate::classify::Classify;
use crate::http::Http;
use crate::http_error::HttpError;
use crate::origin::ScopeBuffer;

/// A response's body that a classifier can look into, since it is there already.
///
/// A [`BufferedBody`] has it. For others it is a line:
///
/// ```
/// use breather_tower::AnswerBody;
///
/// struct Json(String);
///
/// impl AnswerBody for Json {
///     fn read(&self) -> Option<&[u8]> {
///         Some(self.0.as_bytes())
///     }
/// }
///
/// assert_eq!(Json("{}".to_owned()).read(), Some(&b"{}"[..]));
/// ```
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` is not read before its answer is classified",
    note = "put a `BufferedLayer` inside of the `RetryLayer`"
)]
pub trait AnswerBody {
    /// All of the body, if it was read. Looks, and takes nothing.
    fn read(&self) -> Option<&[u8]>;
}

impl<B> AnswerBody for BufferedBody<B> {
    fn read(&self) -> Option<&[u8]> {
        self.bytes().map(|bytes| &bytes[..])
    }
}

/// An [`Http`] classifier that shows what it classifies by the bodies of the answers.
///
/// Made by [`Http::with_bodies`].
#[derive(Clone, Copy, Debug)]
pub struct HttpWithBodies<C = breather::DefaultClassifier> {
    http: Http<C>,
}

impl<C> HttpWithBodies<C> {
    pub(crate) const fn new(http: Http<C>) -> Self {
        Self { http }
    }
}

impl<C, B, R, E> Classify<Request<B>, Response<R>, E> for HttpWithBodies<C>
where
    C: breather::ClassifyHttp,
    R: AnswerBody,
    E: HttpError,
{
    type Kept = (Method, Uri);

    fn add_key(&self, request: &mut Request<B>) {
        Classify::<_, Response<R>, E>::add_key(&self.http, request);
    }

    fn keep(&self, request: &Request<B>) -> (Method, Uri) {
        Classify::<_, Response<R>, E>::keep(&self.http, request)
    }

    fn classify(
        &self,
        asked: &(Method, Uri),
        result: &Result<Response<R>, E>,
        hint: &Hint<'_>,
    ) -> Outcome {
        let body = result.as_ref().ok().and_then(|answer| answer.body().read());
        self.http.outcome(asked, result, body, hint)
    }

    fn answered(&self, asked: &(Method, Uri), result: &Result<Response<R>, E>) -> Responder {
        Classify::<Request<B>, _, _>::answered(&self.http, asked, result)
    }

    fn hint<'r>(&self, result: &'r Result<Response<R>, E>, moment: Moment<'_>) -> Hint<'r> {
        let hint = Classify::<Request<B>, _, _>::hint(&self.http, result, moment);
        match result {
            Ok(answer) => match answer.body().read() {
                Some(body) => hint.with_body(answer.status(), body),
                None => hint,
            },
            Err(_) => hint,
        }
    }

    fn describe<'r>(&self, request: &'r Request<B>, buffer: &'r mut ScopeBuffer) -> NewCall<'r> {
        Classify::<_, Response<R>, E>::describe(&self.http, request, buffer)
    }

    fn on_report(&self, response: &mut Response<R>, report: &Report) {
        Classify::<Request<B>, _, E>::on_report(&self.http, response, report);
    }
}
