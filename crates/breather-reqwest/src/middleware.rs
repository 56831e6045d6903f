//! The middleware that retries and paces requests.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use breather::{
    AttemptResult, Breather, ClassifyHttp, DefaultClassifier, Hint, Redirects, Report, Scopes,
    driver::{ActiveCall, Decision, NewCall, Responder, Seeds, add_idempotency_key, is_idempotent},
};
use http::{Extensions, HeaderName, HeaderValue, Method};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use uuid::Uuid;

use crate::answer::{Answer, Ended};
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use crate::buffered::buffered;
use crate::drain::drain_until;
use crate::origin::{Asked, origin};
use crate::random_seeds;
use crate::request_fn::RequestFn;
use crate::spare::Spare;
use crate::timer::PlatformTimer;

/// Retries and paces the calls of a client.
///
/// # Example
///
/// Two clients share the limits that they learn:
///
/// ```
/// use breather_reqwest::{RetryMiddleware, breather::Breather};
/// use breather_test::Script;
/// use reqwest_middleware::ClientBuilder;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// // The first response says that the quota is used up for a minute.
/// let server = Script::new(["200 ratelimit: \"minute\";r=0;t=60", "200"]);
/// let breather = Breather::default();
/// let one = ClientBuilder::new(reqwest::Client::new())
///     .with(RetryMiddleware::new(breather.clone()))
///     .with(server.clone())
///     .build();
/// let other = ClientBuilder::new(reqwest::Client::new())
///     .with(RetryMiddleware::new(breather))
///     .with(server.clone())
///     .build();
///
/// one.get("https://api.example.com/rows").send().await?;
/// other.get("https://api.example.com/rows").send().await?;
/// assert!(server.times()[1].as_secs() >= 60);
/// # Ok(())
/// # }
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
    /// Creates a middleware that shares `breather` with all of its clones.
    ///
    /// It classifies responses and errors with [`DefaultClassifier`].
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

    /// Sets the classifier, which decides the outcome of each attempt.
    ///
    /// Return `Outcome::throttled` for a rejection. It holds all calls to the host. Return
    /// `Outcome::transient` for a failure that concerns only one resource.
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

    /// Reads each response body of up to `limit` bytes within its attempt.
    ///
    /// If a download is cut off, the attempt fails and breather can retry it. Classifiers see
    /// [the body](AttemptResult::body). By default a call ends with the head of its response.
    ///
    /// - You still get a body that is longer than `limit`. breather passes on the part that it
    ///   read, and then the rest as it arrives.
    /// - If the status is 400 or more and the body is cut off, or takes longer than a second, the
    ///   status and the headers still decide the outcome of the attempt.
    /// - Classifiers see only complete bodies, so they see no body in both of these cases.
    /// - breather obeys the headers after it has read the body. A `Retry-After` counts from then.
    ///
    /// Do not use it for responses that stay open, such as a feed of events. It is not available in
    /// browsers.
    ///
    /// # Example
    ///
    /// This API returns 200 with an error inside:
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

    /// Sets the scope of calls whose [`CallOptions`](breather::CallOptions) do not name one.
    ///
    /// Pass one scope, or several with the most specific first. The default is the origin of the
    /// URL (scheme, host and port), for example `https://api.example.com`.
    ///
    /// Use it if each client has its own token with its own limits. A throttled token then holds
    /// only its own calls.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::Breather};
    ///
    /// let breather = Breather::default();
    /// // Scope names are not secret, so this passes a token's name and not the token.
    /// let of_token = |token| RetryMiddleware::new(breather.clone()).with_scope([token, "organisation 3"]);
    /// let (one, other) = (of_token("token 7"), of_token("token 8"));
    /// # let _ = (one, other);
    /// ```
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.scopes = Some(scope.into());
        self
    }

    /// Adds an `Idempotency-Key` to requests whose method is not idempotent.
    ///
    /// The key is a random UUID. All attempts of a call send the same key, so a server that
    /// supports the header executes the request once, and breather retries the call like an
    /// idempotent one. Use it only for servers that support the header, because others execute the
    /// request again.
    ///
    /// - A request that already has a key keeps it.
    /// - A request whose [`CallOptions`](breather::CallOptions) say that it is not idempotent gets a key but is not
    ///   retried.
    /// - The key is sent without the quotes that the
    ///   [draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/) asks
    ///   for, like the keys of Stripe, Adyen, PayPal and Square.
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.adds_keys = true;
        self
    }

    /// Sets whether calls are idempotent, unless a request's [`CallOptions`](breather::CallOptions) say otherwise.
    ///
    /// If you set `true`, breather retries a call although the server may already have processed
    /// it. By default the method and the `Idempotency-Key` header decide.
    #[must_use]
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Sets whether the client follows redirects, like reqwest does by default.
    ///
    /// The default is [`Redirects::Visible`]. breather then does not retry a `POST` if its response
    /// came from another URL, or if its connection failed. In both cases the client may have
    /// followed a redirect, and then the server has processed the first request.
    ///
    /// If your client follows no redirects, set [`Redirects::Never`]. breather then retries failed
    /// connections for all methods.
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

    /// Sends the number of each attempt in the header `name`, for example `x-retry-attempt`.
    ///
    /// The first attempt is number 1. By default breather sends no such header.
    #[must_use]
    pub fn with_attempt_header(mut self, name: HeaderName) -> Self {
        self.attempt_header = Some(name);
        self
    }

    /// Draws the delays of all calls from a sequence that begins at `seed`.
    ///
    /// The same calls in the same order then wait for the same time. Use it in tests. By default
    /// each sequence is random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seeds = Seeds::new(seed);
        self
    }
}

impl Default for RetryMiddleware {
    /// Creates a middleware with its own [`Breather`] and the default policy.
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

// The condition must match the one on the trait.
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
        // Inner middlewares may add extensions during an attempt. The next attempt must not see
        // them.
        let pristine = spare.is_some().then(|| extensions.clone());
        let asked = Asked::of(&attempt, call.scope());

        let mut first = Some(attempt);
        let mut last_error = None;
        let mut unread = None;
        let mut response = loop {
            let ready = match unread.take() {
                // The box keeps the future small for calls that are not retried.
                Some(unread) => Box::pin(drain_until(unread, call.ready())).await,
                None => call.ready().await,
            };
            if let Err(stopped) = ready {
                // An error of the previous attempt says more than `stopped`. A response of it is
                // gone.
                return Err(last_error.unwrap_or_else(|| Error::middleware(stopped)));
            }
            let mut attempt = match first.take() {
                Some(first) => first,
                None => {
                    let kept = spare.take().expect("replayable calls have a spare");
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

    /// Waits for the response's head, and for its body if bodies are buffered.
    #[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
    async fn answer(&self, attempt: impl Future<Output = Result<Response>>) -> Ended {
        match self.buffer {
            // The box keeps the future small for calls without buffering.
            Some(limit) => Box::pin(buffered(attempt, limit)).await,
            None => Ok(attempt.await?.into()),
        }
    }

    #[cfg(all(target_family = "wasm", target_os = "unknown"))]
    async fn answer(&self, attempt: impl Future<Output = Result<Response>>) -> Ended {
        Ok(attempt.await?.into())
    }

    /// Classifies the result of an attempt and passes it to the call.
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

/// Does nothing, because responses in a browser have no extensions. The slot has the report.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn attach(_: &mut Response, _: &Report) {}
