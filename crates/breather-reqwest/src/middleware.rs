//! The middleware.

use std::fmt;
use std::sync::Arc;

use breather::{
    ActiveCall, Breather, CallSpec, Classify, Decision, Ending, Hint, Http, Report, ReportSlot,
    Scopes, is_idempotent,
};
use http::{Extensions, Method};
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Middleware, Next, Result};
use url::Position;

use crate::Seeds;
use crate::error_kind::error_kind;
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
    classify: Arc<dyn Classify>,
    seeds: Seeds,
}

impl RetryMiddleware {
    /// A middleware that shares `breather` with whoever else has a clone, and classifies by
    /// [`Http`].
    #[must_use]
    pub fn new(breather: Breather) -> Self {
        Self {
            breather,
            classify: Arc::new(Http),
            seeds: Seeds::random(),
        }
    }

    /// Sets the classifier: which answers are refusals, which failures may pass.
    ///
    /// `Outcome::throttled` is a refusal and holds all calls to the host; for what concerns one resource
    /// alone, answer `Outcome::transient`.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_reqwest::{RetryMiddleware, breather::{Classify, Ending, Executed, Http, Outcome}};
    ///
    /// let middleware = RetryMiddleware::default().with_classifier(|ending: &Ending<'_>| {
    ///     match ending.result {
    ///         Ok(status) if status == 423 => Outcome::transient(Executed::No, "status 423"),
    ///         _ => Http.classify(ending),
    ///     }
    /// });
    /// # let _ = middleware;
    /// ```
    #[must_use]
    pub fn with_classifier(mut self, classify: impl Classify + 'static) -> Self {
        self.classify = Arc::new(classify);
        self
    }

    /// Sets where the seeds of calls come from: with [`Seeds::fixed`], the same calls in the same order
    /// draw the same delays. Defaults to [`Seeds::random`].
    #[must_use]
    pub fn with_seeds(mut self, seeds: Seeds) -> Self {
        self.seeds = seeds;
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
        let method = request.method().clone();
        let slot = extensions.get::<ReportSlot>().cloned();
        let may_repeat = self.breather.policy().may_repeat();
        let mut spare = may_repeat.then(|| request.try_clone()).flatten();
        // What inner middlewares put in during one attempt is not for the next one to find.
        let pristine = spare.is_some().then(|| extensions.clone());
        let spec = CallSpec::new()
            .idempotent(is_idempotent(&method, request.headers()))
            .replayable(spare.is_some());
        let seed = self.seeds.draw();
        let scopes = extensions.get::<Scopes>().cloned();
        let asked = authority(request.url());
        let mut call = match &scopes {
            Some(scopes) => self
                .breather
                .start(scopes.iter(), spec, PlatformTimer, seed),
            None => self.breather.start(Some(asked), spec, PlatformTimer, seed),
        };
        call.set_slot(slot);
        // Where no scope has its name, it is kept to tell who answered.
        let asked = scopes.is_some().then(|| asked.to_owned());

        let mut attempt = request;
        let mut last_error = None;
        let result = loop {
            if let Err(stopped) = call.ready().await {
                // The call is over without another attempt. An error of the one before says more, and a
                // response of the one before is gone.
                break Err(last_error.unwrap_or_else(|| Error::middleware(stopped)));
            }
            let result = next.clone().run(attempt, extensions).await;
            let decision = self.decide(&mut call, &method, asked.as_deref(), &result);
            let (Decision::Retry(_), Some(copy)) = (decision, spare.take()) else {
                break result;
            };
            // The response goes before the wait, not after it, and its connection with it.
            last_error = result.err();
            if let Some(pristine) = &pristine {
                extensions.clone_from(pristine);
            }
            spare = copy.try_clone();
            attempt = copy;
        };

        let mut response = result?;
        if let Some(report) = call.eventful_report() {
            attach(&mut response, report);
        }
        Ok(response)
    }
}

impl RetryMiddleware {
    /// Tells the call how its attempt ended.
    fn decide(
        &self,
        call: &mut ActiveCall<PlatformTimer>,
        method: &Method,
        asked: Option<&str>,
        result: &Result<Response>,
    ) -> Decision {
        let moment = call.moment();
        let hint = match result {
            Ok(response) => Hint::from_headers(response.headers(), moment),
            Err(_) => Hint::new(moment.instant()),
        };
        let ending = match result {
            Ok(response) => Ok(response.status()),
            Err(error) => Err(error_kind(error)),
        };
        let outcome = self.classify.classify(&Ending::new(method, ending, &hint));
        // After a redirect, what is said is said by and of another server.
        let is_elsewhere = match (result, asked.or_else(|| call.scope())) {
            (Ok(response), Some(asked)) => authority(response.url()) != asked,
            _ => false,
        };
        if is_elsewhere {
            call.on_outcome_elsewhere(outcome, &hint)
        } else {
            call.on_outcome(outcome, &hint)
        }
    }
}

/// The host and port of `url`, without credentials: whom a limit belongs to.
fn authority(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn attach(response: &mut Response, report: &Report) {
    response.extensions_mut().insert(*report);
}

/// Responses of a browser have no extensions; there, the report is in the call's slot alone.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn attach(_: &mut Response, _: &Report) {}
