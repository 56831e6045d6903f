//! The layer that adds retries and pacing to a service.

use std::fmt;

use breather::{Breather, Redirects, Scopes, driver::Seeds};
use breather_tokio::random_seeds;
use http::HeaderName;
use tower_layer::Layer;

use crate::attempt_header::AttemptHeader;
use crate::http::Http;
use crate::http_with_bodies::HttpWithBodies;
use crate::repeat::{Cloned, Custom, SendOnce, TrustClone};
use crate::replace_by::ReplaceBy;
use crate::replay::Replay;
use crate::service::Retry;
use crate::settings::Settings;

/// Retries and paces the calls of a service.
///
/// `C` is the classifier, [`Http`] by default. `R` says how a request is sent again, [`Cloned`] by
/// default.
///
/// # Example
///
/// Layers inside this layer apply to each attempt. Layers outside apply to the whole call.
///
/// ```
/// use breather_test::Script;
/// use breather_tower::RetryLayer;
/// use breather_tower::breather::{Breather, Policy};
/// use std::time::Duration;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), breather_tower::BoxError> {
/// let server = Script::new(["nothing", "200"]);
/// let breather = Breather::new(Policy::new().with_deadline(Duration::from_secs(60)));
/// let service = ServiceBuilder::new()
///     .concurrency_limit(1_000) // limits calls, including queued ones
///     .layer(RetryLayer::new(breather))
///     .timeout(Duration::from_secs(10)) // limits each attempt
///     .service(server.clone());
///
/// // The first attempt times out because the server does not respond.
/// let request = http::Request::get("https://api.example.com/rows").body(String::new())?;
/// assert_eq!(service.oneshot(request).await?.status(), 200);
/// assert!(server.times()[1] >= Duration::from_secs(10));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RetryLayer<C = Http, R = Cloned> {
    settings: Settings<C, R>,
}

impl RetryLayer {
    /// Creates a layer that uses `breather`.
    ///
    /// All layers and adapters with a clone of `breather` share the limits that it learns.
    #[must_use]
    pub fn new(breather: Breather) -> Self {
        Self {
            settings: Settings {
                breather,
                classify: Http::default(),
                repeat: Cloned,
                scopes: None,
                idempotent: None,
                adds_keys: false,
                redirects: Redirects::Visible,
                seeds: random_seeds(),
            },
        }
    }
}

impl<C, R> RetryLayer<C, R> {
    /// Sets the classifier of the calls and their attempts.
    ///
    /// Pass a closure, [`Http::by`] with a closure, or any other [`Classify`](crate::Classify).
    /// Defaults to [`Http`].
    #[must_use]
    pub fn with_classifier<D>(self, classify: D) -> RetryLayer<D, R> {
        let Settings {
            breather,
            repeat,
            scopes,
            idempotent,
            adds_keys,
            redirects,
            seeds,
            ..
        } = self.settings;
        RetryLayer {
            settings: Settings {
                breather,
                classify,
                repeat,
                scopes,
                idempotent,
                adds_keys,
                redirects,
                seeds,
            },
        }
    }

    /// Sets how a request is sent again. Defaults to [`Cloned`].
    #[must_use]
    pub fn with_repeat<Q>(self, repeat: Q) -> RetryLayer<C, R::Output>
    where
        R: ReplaceBy<Custom<Q>>,
    {
        self.repeated_by(|before| before.replace(Custom::new(repeat)))
    }

    fn repeated_by<Q>(self, by: impl FnOnce(R) -> Q) -> RetryLayer<C, Q> {
        let Settings {
            breather,
            classify,
            repeat,
            scopes,
            idempotent,
            adds_keys,
            redirects,
            seeds,
        } = self.settings;
        RetryLayer {
            settings: Settings {
                breather,
                classify,
                repeat: by(repeat),
                scopes,
                idempotent,
                adds_keys,
                redirects,
                seeds,
            },
        }
    }

    /// Sends the number of each attempt, from 1, in the header `name`.
    ///
    /// By default there is no such header.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::RetryLayer;
    /// use http::HeaderName;
    ///
    /// let layer = RetryLayer::default()
    ///     .with_attempt_header(HeaderName::from_static("x-retry-attempt"));
    /// # let inner = tower::service_fn(|_: http::Request<String>| async {
    /// #     Ok::<_, tower::BoxError>(http::Response::new(String::new()))
    /// # });
    /// # let service = tower::ServiceBuilder::new().layer(layer).service(inner);
    /// # let _: &dyn tower::Service<http::Request<String>, Response = http::Response<String>, Error = tower::BoxError, Future = _> = &service;
    /// ```
    #[must_use]
    pub fn with_attempt_header(self, name: HeaderName) -> RetryLayer<C, AttemptHeader<R>> {
        self.repeated_by(|repeat| AttemptHeader::new(repeat, name))
    }

    /// Sends each request once and paces it.
    ///
    /// Use this for requests that cannot be sent again.
    #[must_use]
    pub fn send_once(self) -> RetryLayer<C, R::Output>
    where
        R: ReplaceBy<SendOnce>,
    {
        self.repeated_by(|before| before.replace(SendOnce))
    }

    /// Clones each request to send it again, whatever the type of its body.
    ///
    /// Use this if the body is not a [`CloneableBody`](crate::CloneableBody) and you know that its
    /// clones are copies.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::RetryLayer;
    ///
    /// /// Rows that are serialized when they are sent.
    /// #[derive(Clone)]
    /// struct Rows(Vec<u32>);
    ///
    /// let layer = RetryLayer::default().trust_clone();
    /// # let inner = tower::service_fn(|_: http::Request<Rows>| async {
    /// #     Ok::<_, tower::BoxError>(http::Response::new(String::new()))
    /// # });
    /// # let service = tower::ServiceBuilder::new().layer(layer).service(inner);
    /// # let _: &dyn tower::Service<http::Request<Rows>, Response = http::Response<String>, Error = tower::BoxError, Future = _> = &service;
    /// # let _ = Rows(vec![1]).0;
    /// ```
    #[must_use]
    pub fn trust_clone(self) -> RetryLayer<C, R::Output>
    where
        R: ReplaceBy<TrustClone>,
    {
        self.repeated_by(|before| before.replace(TrustClone))
    }

    /// Records each request's body while it is sent, to send it again.
    ///
    /// Use this if your request bodies are streams. The layer records up to `limit` bytes. A longer
    /// body is sent only once. See [`Replay`] for the details.
    ///
    /// The inner service gets requests with a [`ReplayBody`](crate::ReplayBody).
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::{Replay, ReplayBody, RetryLayer};
    /// use http_body_util::combinators::UnsyncBoxBody;
    /// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    /// use tower::Layer;
    ///
    /// type Upload = UnsyncBoxBody<bytes::Bytes, std::io::Error>;
    ///
    /// let client = Client::builder(TokioExecutor::new()).build_http::<ReplayBody<Upload>>();
    /// let service = RetryLayer::default().replay(Replay::default().limit()).box_errors().layer(client);
    /// # let _: &dyn tower::Service<http::Request<Upload>, Response = _, Error = tower::BoxError, Future = _> = &service;
    /// ```
    #[must_use]
    pub fn replay(self, limit: usize) -> RetryLayer<C, R::Output>
    where
        R: ReplaceBy<Replay>,
    {
        self.repeated_by(|before| before.replace(Replay::new(limit)))
    }

    /// Sets the scope of all calls that don't name their own.
    ///
    /// Pass one name, such as `"db"`, or several with the most specific first, such as `["tenant
    /// 7", "db"]`. A call names its own scopes in its [`CallOptions`](breather::CallOptions).
    /// Defaults to the classifier's scope. For HTTP, this is the origin, for example
    /// `https://api.example.com`.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.settings.scopes = Some(scope.into());
        self
    }

    /// Sets whether calls are idempotent.
    ///
    /// With `true`, breather retries a call even if the server may already have processed it. A
    /// request's [`CallOptions`](breather::CallOptions) take precedence. By default the classifier
    /// decides. For HTTP, it looks at the method and the `Idempotency-Key`.
    #[must_use]
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = Some(idempotent);
        self
    }

    /// Sets whether the inner service follows redirects.
    ///
    /// This also matters for a service that makes several requests for one attempt for another
    /// reason.
    ///
    /// | value | use it if |
    /// |---|---|
    /// | [`Redirects::Visible`] (default) | the service may follow redirects, and tower-http's `FollowRedirect` or [`AnsweredBy`](crate::AnsweredBy) says where a response came from |
    /// | [`Redirects::Never`] | the service follows no redirects, for example hyper-util's client |
    /// | [`Redirects::Hidden`] | the service makes several requests and does not say so |
    ///
    /// With `Visible`, breather does not retry a `POST` if its response came from another URL or if
    /// its connection failed. With `Never`, breather retries failed connections for every method.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::{RetryLayer, breather::Redirects};
    /// use hyper_util::{client::legacy::Client, rt::TokioExecutor};
    /// use tower::Layer;
    ///
    /// let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    /// let layer = RetryLayer::default().with_redirects(Redirects::Never).box_errors();
    /// let service = layer.layer(client);
    /// # let _: &dyn tower::Service<http::Request<String>, Response = _, Error = tower::BoxError, Future = _> = &service;
    /// ```
    #[must_use]
    pub const fn with_redirects(mut self, redirects: Redirects) -> Self {
        self.settings.redirects = redirects;
        self
    }

    /// Seeds the sequence from which the delays of all calls are drawn.
    ///
    /// The same calls in the same order then wait for the same time. Use this in tests. By default
    /// each sequence is random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.settings.seeds = Seeds::new(seed);
        self
    }
}

impl<C, R> RetryLayer<Http<C>, R> {
    /// Adds an `Idempotency-Key` to requests whose method is not idempotent.
    ///
    /// The key is a random UUID. A request that already has a key keeps it. All attempts of a call
    /// share one key, so a server that supports the header executes the call once, and breather
    /// retries it like an idempotent call. Use this only if your server supports the header,
    /// because another server would execute the call again.
    ///
    /// The header is specified in a
    /// [draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). The
    /// key is sent without the quotes that the draft asks for, as Stripe, Adyen, PayPal and Square
    /// do. If a request's [`CallOptions`](breather::CallOptions) say that it is not idempotent, it
    /// gets a key but is not retried as an idempotent call.
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.settings.adds_keys = true;
        self
    }
}

impl<C, R> RetryLayer<HttpWithBodies<C>, R> {
    /// Adds an `Idempotency-Key` to requests whose method is not idempotent.
    ///
    /// This works like the same method of a layer with [`Http`].
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.settings.adds_keys = true;
        self
    }
}

impl Default for RetryLayer {
    /// Creates a layer with its own [`Breather`] and the default policy.
    fn default() -> Self {
        Self::new(Breather::default())
    }
}

impl<S, C: Clone, R: Clone> Layer<S> for RetryLayer<C, R> {
    type Service = Retry<S, C, R>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, self.settings.clone())
    }
}

impl<C, R> fmt::Debug for RetryLayer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.debug(&mut f.debug_struct("RetryLayer"))
    }
}
