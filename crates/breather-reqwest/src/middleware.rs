//! The middleware.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use breather::{
    AttemptResult, Breather, ClassifyHttp, DefaultClassifier, Hint, Redirects, Report, Scopes,
    driver::{ActiveCall, Decision, NewCall, Responder, Seeds, add_idempotency_key, is_idempotent},
};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use breather_tokio::random_seeds;
use http::{Extensions, HeaderName, HeaderValue, Method};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use uuid::Uuid;

use crate::answer::{Answer, Ended};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use crate::buffered::buffered;
use crate::drain::drain_until;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use crate::entropy::random_seeds;
use crate::origin::{Asked, origin};
use crate::request_fn::RequestFn;
use crate::spare::Spare;
use crate::timer::PlatformTimer;

/// Retries and paces the calls of a client.
///
/// # Example: two clients that share what they learn
///
/// ```
/// use breather_reqwest::{RetryMiddleware, breather::Breather};
/// use reqwest_middleware::ClientBuilder;
///
/// let breather = Breather::default();
/// let one = ClientBuilder::new(reqwest::Client::new())
///     .with(RetryMiddleware::new(breather.clone()))
///     .build();
/// let other = ClientBuilder::new(reqwest::Client::new())
///     .with(RetryMiddleware::new(breather))
///     .build();
/// # let _ = (one, other);
/// ```
#[derive(Clone)]
pub struct RetryMiddleware {
    breather: Breather,
    classify: Arc<dyn ClassifyHttp>,
    scopes: Option<Scopes>,
    seeds: Seeds,
    adds_keys: bool,
    idempotent: Option<bool>,
    redirects: Redirects,
    attempt_header: Option<HeaderName>,
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    buffer: Option<usize>,
}

impl RetryMiddleware {
    /// A middleware that shares `breather` with whoever else has a clone, and classifies by
    /// [`DefaultClassifier`].
    #[must_use]
    pub fn new(breather: Breather) -> Self {
        Self {
            breather,
            classify: Arc::new(DefaultClassifier),
            scopes: None,
            seeds: random_seeds(),
            adds_keys: false,
            idempotent: None,
            redirects: Redirects::Visible,
            attempt_header: None,
            #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
            buffer: None,
        }
    }

    /// Sets the classifier: which answers are rejections, which failures may pass.
    ///
    /// `Outcome::throttled` is a rejection and holds all calls to the host; for what concerns one resource
    /// alone, answer `Outcome::transient`.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::{ClassifyHttp, AttemptResult, Executed, DefaultClassifier, Outcome}};
    ///
    /// let middleware = RetryMiddleware::default().with_classifier(|ending: &AttemptResult<'_>| {
    ///     match ending.result {
    ///         Ok(status) if status == 423 => Outcome::transient(Executed::No, "status 423"),
    ///         _ => DefaultClassifier.classify(ending),
    ///     }
    /// });
    /// # let _ = middleware;
    /// ```
    #[must_use]
    pub fn with_classifier(mut self, classify: impl ClassifyHttp + 'static) -> Self {
        self.classify = Arc::new(classify);
        self
    }

    /// Reads responses whole within their attempt, up to `limit` bytes, so that a download which is cut off is an attempt that
    /// failed, and is sent again as such; and so that classifiers see [the body](AttemptResult::body). Not in browsers. Defaults to
    /// no: a call is over when the head of its response has come.
    ///
    /// What is longer is handed on as it is, all of it: what was read, and then the rest as it comes. Of a response whose status
    /// is 400 or more, head and status are the attempt's end though its body be cut off, or take longer than a second. In these
    /// cases classifiers see no body, since it is not whole. What headers say is obeyed when the body has been read, and a `Retry-After` counted from then. It is not for responses that
    /// stay open, as a feed of events.
    ///
    /// # Example
    ///
    /// An API that answers 200 with an error inside.
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::{ClassifyHttp, AttemptResult, Executed, DefaultClassifier, Outcome}};
    ///
    /// let middleware = RetryMiddleware::default()
    ///     .with_buffered_bodies(64 * 1024)
    ///     .with_classifier(|ending: &AttemptResult<'_>| match ending.body {
    ///         Some(body) if body.starts_with(br#"{"error":"busy""#) => {
    ///             Outcome::transient(Executed::No, "busy")
    ///         }
    ///         _ => DefaultClassifier.classify(ending),
    ///     });
    /// # let _ = middleware;
    /// ```
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    #[must_use]
    pub const fn with_buffered_bodies(mut self, limit: usize) -> Self {
        self.buffer = Some(limit);
        self
    }

    /// Sets the scope of all calls that don't choose one by their [`CallOptions`]: one, or several, the most specific first.
    /// Defaults to the origin of the URL (scheme, host and port), for example `https://api.example.com`.
    ///
    /// For a client that has a token of its own with limits of its own: one that is throttled holds no other's calls.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::Breather};
    ///
    /// let breather = Breather::default();
    /// // A token of which no more is kept than its name: those of scopes are no secret.
    /// let of_token = |token| RetryMiddleware::new(breather.clone()).with_scope([token, "organisation 3"]);
    /// let (one, other) = (of_token("token 7"), of_token("token 8"));
    /// # let _ = (one, other);
    /// ```
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.scopes = Some(scope.into());
        self
    }

    /// Gives each request that is not idempotent by its method an `Idempotency-Key`, a random UUID, if it has none. All attempts
    /// of the call have the same, so that a server that knows the header executes it once, and the call is repeated like an
    /// idempotent one. Only for servers that do: others execute it again.
    ///
    /// See the [draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). The key is sent without
    /// the quotes that the draft asks for, as Stripe, Adyen, PayPal and Square have it. A request whose [`CallOptions`] say that
    /// it is not idempotent has one, too, and is not repeated for all that.
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.adds_keys = true;
        self
    }

    /// Sets whether calls are idempotent, unless a request's [`CallOptions`] say otherwise.
    ///
    /// With `true`, breather retries a call although the server may have processed it. By default the method and the
    /// `Idempotency-Key` decide.
    #[must_use]
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Says whether the client follows redirects, as reqwest does by default. Defaults to [`Redirects::Visible`].
    ///
    /// With the default, a `POST` is not repeated if its response came from another URL, nor if its connection failed,
    /// because the client may have followed a redirect before, and then the server processed the first request. If your client follows no
    /// redirects, say so, and failed connections are retried whatever the method.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::Redirects};
    /// use reqwest::redirect;
    ///
    /// let plain = reqwest::Client::builder().redirect(redirect::Policy::none()).build()?;
    /// let client = reqwest_middleware::ClientBuilder::new(plain)
    ///     .with(RetryMiddleware::default().with_redirects(Redirects::Never))
    ///     .build();
    /// # let _ = client;
    /// # Ok::<(), reqwest::Error>(())
    /// ```
    #[must_use]
    pub const fn with_redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Sends the number of each attempt, from 1, in the header `name`, as in `x-retry-attempt`. Defaults to no such header.
    #[must_use]
    pub fn with_attempt_header(mut self, name: HeaderName) -> Self {
        self.attempt_header = Some(name);
        self
    }

    /// Draws the delays of all calls from a sequence that begins at `seed`.
    ///
    /// The same calls in the same order then wait for the same time. Use it in tests. By default each sequence is random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seeds = Seeds::new(seed);
        self
    }
}

impl Default for RetryMiddleware {
    /// A middleware with a handle of its own and the default policy.
    fn default() -> Self {
        Self::new(Breather::default())
    }
}

impl fmt::Debug for RetryMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryMiddleware")
            .field("breather", &self.breather)
            .finish_non_exhaustive()
    }
}

// Under the same condition as the trait's own attribute.
#[cfg_attr(not(target_arch = "wasm32"), async_trait::async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait::async_trait(?Send))]
impl Middleware for RetryMiddleware {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let mut attempt = request;
        let method = attempt.method().clone();
        if self.adds_keys {
            add_idempotency_key(&method, attempt.headers_mut(), || {
                Uuid::new_v4().to_string()
            });
        }
        let mut call = self.start(&attempt, extensions);
        let can_retry = call.policy().can_retry();
        let make = extensions.get::<RequestFn>();
        let mut spare = can_retry.then(|| Spare::of(&mut attempt, make)).flatten();
        call.set_replayable(spare.is_some());
        // What inner middlewares put in during one attempt is not for the next one to find.
        let pristine = spare.is_some().then(|| extensions.clone());
        let asked = Asked::of(&attempt, call.scope());

        let mut first = Some(attempt);
        let mut last_error = None;
        let mut unread = None;
        let mut response = loop {
            let ready = match unread.take() {
                // In a box, so that calls which are not repeated have no room for it.
                Some(unread) => Box::pin(drain_until(unread, call.ready())).await,
                None => call.ready().await,
            };
            if let Err(stopped) = ready {
                // The call is over without another attempt. An error of the one before says more, and a
                // response of the one before is gone.
                return Err(last_error.unwrap_or_else(|| Error::middleware(stopped)));
            }
            let mut attempt = match first.take() {
                Some(first) => first,
                None => {
                    let kept = spare.take().expect("a call without is not replayable");
                    let (again, kept) = kept.request()?;
                    spare = kept;
                    again
                }
            };
            if let Some(name) = &self.attempt_header {
                let number = HeaderValue::from(call.attempt());
                attempt.headers_mut().insert(name, number);
            }
            let attempt = self.answer(next.clone().run(attempt, extensions));
            let result = call.in_time(attempt).await;
            last_error = None;
            match result {
                None => {
                    let _ = call.on_timed_out().map_err(Error::middleware)?;
                }
                Some(result) => {
                    let url = spare.as_ref().map(Spare::url);
                    let answered = asked.answered(call.scope(), url, &result);
                    let decision = self.decide(&mut call, &method, answered, &result);
                    let is_over = matches!(decision, Decision::End(_));
                    match result {
                        Ok(answer) if is_over => break answer.response,
                        Ok(answer) => {
                            let is_empty = answer.response.content_length() == Some(0);
                            unread = Some(answer.response).filter(|_| !is_empty);
                        }
                        Err(failure) if is_over => return Err(failure.error),
                        Err(failure) => last_error = Some(failure.error),
                    }
                }
            }
            if let Some(pristine) = &pristine {
                extensions.clone_from(pristine);
            }
        };
        if let Some(report) = call.eventful_report() {
            attach(&mut response, report);
        }
        Ok(response)
    }
}

impl RetryMiddleware {
    fn start(&self, request: &Request, extensions: &Extensions) -> ActiveCall<PlatformTimer> {
        let url = request.url();
        let is_idempotent = || is_idempotent(request.method(), request.headers());
        let origin = origin(url);
        let new = NewCall::new()
            .with_origin(&*origin)
            .with_path(url.path())
            .with_scope(self.scopes.as_ref())
            .with_extensions(extensions)
            .with_idempotent(self.idempotent.unwrap_or_else(is_idempotent));
        self.breather.start(new, PlatformTimer, self.seeds.draw())
    }

    /// Waits for the response's head, and for its body if that is to be read within the attempt.
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    async fn answer(&self, attempt: impl Future<Output = Result<Response>>) -> Ended {
        match self.buffer {
            // In a box, as above.
            Some(limit) => Box::pin(buffered(attempt, limit)).await,
            None => Ok(attempt.await?.into()),
        }
    }

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    async fn answer(&self, attempt: impl Future<Output = Result<Response>>) -> Ended {
        Ok(attempt.await?.into())
    }

    /// Tells the call how its attempt ended.
    fn decide(
        &self,
        call: &mut ActiveCall<PlatformTimer>,
        method: &Method,
        answered: Responder,
        result: &Ended,
    ) -> Decision {
        let moment = call.moment();
        let answer = result.as_ref().ok();
        let body = answer.and_then(|answer| answer.body.as_deref());
        let mut hint = match answer {
            Some(answer) => Hint::from_headers(answer.response.headers(), moment),
            None => Hint::new(moment.instant()),
        };
        if let (Some(answer), Some(body)) = (answer, body) {
            hint = hint.with_body(answer.response.status(), body);
        }
        let mut ending = match result {
            Ok(Answer { response, .. }) => AttemptResult::new(method, Ok(response.status()), &hint)
                .with_headers(response.headers()),
            Err(failure) => AttemptResult::new(method, Err(failure.kind), &hint),
        };
        ending.body = body;
        let outcome = self.classify.classify(&ending);
        call.on_answer(self.redirects, answered, outcome, &hint)
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn attach(response: &mut Response, report: &Report) {
    response.extensions_mut().insert(*report);
}

/// Responses of a browser have no extensions; there, the report is in the call's slot alone.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn attach(_: &mut Response, _: &Report) {}
