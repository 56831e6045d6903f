//! Classifies responses by their bodies as well.

use breather::{
    Hint, Outcome, Report,
    driver::{Moment, NewCall, Responder},
};
use breather_hyper::AnswerBody;
use http::{Method, Request, Response, Uri};

use crate::classify::Classify;
use crate::http::Http;
use crate::http_error::HttpError;
use crate::origin::ScopeBuffer;

/// An [`Http`] classifier that also sees the bodies of responses.
///
/// Created by [`Http::with_bodies`].
///
/// # Example
///
/// This API returns status 200 with an error inside.
///
/// ```
/// use breather_test::{Answer, Script};
/// use breather_tower::breather::{AttemptResult, Executed, Outcome};
/// use breather_tower::{BufferedLayer, Http, HttpWithBodies, RetryLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let classifier: HttpWithBodies<_> = Http::by(|ending: &AttemptResult<'_>| match ending.body {
///     Some(b"busy") => Outcome::transient(Executed::No, "busy"),
///     _ => Outcome::success(),
/// })
/// .with_bodies();
///
/// let answers = ["busy", "rows"].map(|body| Answer::status(200).with_body(body));
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::default().with_classifier(classifier))
///     .layer(BufferedLayer::new(64 * 1024))
///     .service(Script::new(answers));
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// assert_eq!(service.oneshot(request).await?.body().bytes().unwrap(), "rows");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HttpWithBodies<C = breather::DefaultClassifier> {
    http: Http<C>,
}

impl<C> Http<C> {
    /// Shows the classifier the bodies of responses as well.
    ///
    /// The body is in [`AttemptResult::body`](breather::AttemptResult::body). It is available if
    /// the response was read within its attempt, for example by a
    /// [`BufferedLayer`](crate::BufferedLayer).
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::breather::{self, ClassifyHttp, AttemptResult, Executed, Outcome};
    /// use breather_tower::{BufferedLayer, Http, RetryLayer};
    /// use tower::{ServiceBuilder, ServiceExt};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// # let answers = std::sync::Arc::new(std::sync::Mutex::new(vec!["rows", "busy"]));
    /// # let client = tower::service_fn(move |_: http::Request<String>| {
    /// #     let answer = answers.lock().unwrap().pop().unwrap();
    /// #     std::future::ready(Ok::<_, std::io::Error>(http::Response::new(answer.to_owned())))
    /// # });
    /// let busy = |ending: &AttemptResult<'_>| match ending.body {
    ///     Some(b"busy") => Outcome::transient(Executed::No, "busy, it says"),
    ///     _ => breather::DefaultClassifier.classify(ending),
    /// };
    /// let service = ServiceBuilder::new()
    ///     .layer(RetryLayer::default().with_classifier(Http::by(busy).with_bodies()))
    ///     .layer(BufferedLayer::new(64 * 1024))
    ///     .service(client); // returns 200 with "busy", then with "rows"
    /// let request = http::Request::post("http://api.example.com/rows").body(String::new())?;
    /// assert_eq!(service.oneshot(request).await?.body().bytes().unwrap(), "rows");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_bodies(self) -> HttpWithBodies<C> {
        HttpWithBodies { http: self }
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
