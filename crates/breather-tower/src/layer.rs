//! The layer.

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
/// `C` says what the calls mean, [`Http`] by default; `R` how a request is sent again, [`Cloned`] by
/// default.
///
/// # Example: a stack
///
/// What is inside of the layer is done for each attempt, what is outside once for a call.
///
/// ```
/// use breather_tower::RetryLayer;
/// use breather_tower::breather::{Breather, Policy};
/// use std::time::Duration;
/// use tower::ServiceBuilder;
///
/// # let inner = tower::service_fn(|_: http::Request<String>| async {
/// #     Ok::<_, tower::BoxError>(http::Response::new(String::new()))
/// # });
/// let breather = Breather::new(Policy::new().with_deadline(Duration::from_secs(60)));
/// let service = ServiceBuilder::new()
///     .concurrency_limit(1_000) // of calls, those that wait included
///     .layer(RetryLayer::new(breather))
///     .timeout(Duration::from_secs(10)) // of an attempt
///     .service(inner);
/// # let _: &dyn tower::Service<http::Request<String>, Response = http::Response<String>, Error = tower::BoxError, Future = _> = &service;
/// ```
#[derive(Clone)]
pub struct RetryLayer<C = Http, R = Cloned> {
    settings: Settings<C, R>,
}

impl RetryLayer {
    /// A layer that shares `breather` with whoever else has a clone.
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
    /// Sets what the calls mean: a closure, [`Http::by`] with a closure, or any other
    /// [`Classify`](crate::Classify). Defaults to [`Http`].
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

    /// Sends the number of each attempt, from 1, in the header `name`, as in `x-retry-attempt`. Defaults to no such header.
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

    /// Sends each request once and paces it, for requests that cannot be sent again.
    #[must_use]
    pub fn send_once(self) -> RetryLayer<C, R::Output>
    where
        R: ReplaceBy<SendOnce>,
    {
        self.repeated_by(|before| before.replace(SendOnce))
    }

    /// Clones each request to send it again, though its body is no [`CloneableBody`](crate::CloneableBody). Use it for bodies
    /// whose clones you know to be copies.
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

    /// Records up to `limit` bytes of each request's body while it is sent, to send it again: for bodies that are
    /// streams. What is longer is sent once; [`Replay`] has the details.
    ///
    /// The inner service's requests have a [`ReplayBody`](crate::ReplayBody).
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

    /// Sets the scope of all calls that don't choose one by their [`CallOptions`](breather::CallOptions): one, as in `"db"`, or several, as in `["tenant 7", "db"]`, the most specific
    /// first. Defaults to the classifier's scope. For HTTP, this is the origin, for example `https://api.example.com`.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<Scopes>) -> Self {
        self.settings.scopes = Some(scope.into());
        self
    }

    /// Sets whether calls are idempotent, unless a request's [`CallOptions`](breather::CallOptions) say otherwise.
    ///
    /// With `true`, breather retries a call although the server may have processed it. By default the classifier decides.
    /// For HTTP, it looks at the method and the `Idempotency-Key`.
    #[must_use]
    pub const fn with_idempotent(mut self, idempotent: bool) -> Self {
        self.settings.idempotent = Some(idempotent);
        self
    }

    /// Says whether the inner service follows redirects, or makes several requests for one attempt for another reason.
    /// Defaults to [`Redirects::Visible`].
    ///
    /// With the default, a `POST` is not repeated if its response came from another URL, which tower-http's `FollowRedirect` and
    /// [`AnsweredBy`](crate::AnsweredBy) tell, nor if its connection failed. Choose [`Redirects::Never`] for a client that
    /// follows no redirects, such as hyper-util's, and failed connections are retried whatever the method. Choose
    /// [`Redirects::Hidden`] for a service that makes several requests and does not tell.
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

    /// Draws the delays of all calls from a sequence that begins at `seed`.
    ///
    /// The same calls in the same order then wait for the same time. Use it in tests. By default each sequence is random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.settings.seeds = Seeds::new(seed);
        self
    }
}

impl<C, R> RetryLayer<Http<C>, R> {
    /// Gives each request that is not idempotent by its method an `Idempotency-Key`, a random UUID, if it has none. All attempts
    /// of the call have the same, so that a server that knows the header executes it once, and the call is repeated like an
    /// idempotent one. Only for servers that do: others execute it again.
    ///
    /// See the [draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). The key is sent without
    /// the quotes that the draft asks for, as Stripe, Adyen, PayPal and Square have it. A request whose
    /// [`CallOptions`](breather::CallOptions) say that it is not idempotent has one, too, and is not repeated for all that.
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.settings.adds_keys = true;
        self
    }
}

impl<C, R> RetryLayer<HttpWithBodies<C>, R> {
    /// Gives each request that is not idempotent by its method an `Idempotency-Key`, as a layer with [`Http`] does.
    #[must_use]
    pub const fn with_idempotency_keys(mut self) -> Self {
        self.settings.adds_keys = true;
        self
    }
}

impl Default for RetryLayer {
    /// A layer with a handle of its own and the default policy.
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
