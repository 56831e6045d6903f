//! Functions that make a body again if it cannot be cloned.

use std::fmt;
use std::sync::Arc;

use reqwest::Request;
use reqwest_middleware::RequestBuilder;

/// Makes a request's body again if it cannot be cloned.
///
/// Streams, files and multipart forms are such bodies. Put the function in a request's extensions
/// with [`RequestBuilderExt::with_request_fn`].
#[derive(Clone)]
pub struct RequestFn(Arc<dyn Fn() -> reqwest::Result<Request> + Send + Sync>);

impl RequestFn {
    /// Creates a function that calls `make` for each attempt after the first.
    ///
    /// breather takes the body of the new request and the headers that describe it. These are
    /// `Content-Type`, because a multipart form has another boundary each time, `Content-Length`
    /// and `Content-Encoding`. The rest stays as it was in the first attempt, including changes by
    /// other middlewares.
    #[must_use]
    pub fn new(make: impl Fn() -> reqwest::Result<Request> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn make(&self) -> reqwest::Result<Request> {
        (self.0)()
    }
}

impl fmt::Debug for RequestFn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestFn").finish_non_exhaustive()
    }
}

/// Adds settings for retries to a [`RequestBuilder`].
pub trait RequestBuilderExt: sealed::Sealed + Sized {
    /// Calls `make` to make the request's body again for each retry.
    ///
    /// Use it if the body is a stream, because breather sends such a request only once otherwise.
    /// breather calls `make` just before it sends a retry. It never calls `make` if the body can be
    /// cloned.
    ///
    /// # Errors
    ///
    /// If `make` fails, the call ends and returns that error.
    ///
    /// # Example
    ///
    /// ```no_run
    /// use breather_reqwest::{RequestBuilderExt, RetryMiddleware};
    /// use reqwest::Body;
    ///
    /// # async fn example() -> reqwest_middleware::Result<()> {
    /// fn rows() -> Body {
    ///     let rows = ["a", "b"].map(|row| Ok::<_, std::io::Error>(row));
    ///     Body::wrap_stream(futures_util::stream::iter(rows))
    /// }
    ///
    /// let plain = reqwest::Client::new();
    /// let client = reqwest_middleware::ClientBuilder::new(plain.clone())
    ///     .with(RetryMiddleware::default())
    ///     .build();
    /// let url = "https://api.example.com/rows";
    /// let response = client
    ///     .put(url)
    ///     .body(rows())
    ///     .with_request_fn(move || plain.put(url).body(rows()).build())
    ///     .send()
    ///     .await?;
    /// # let _ = response;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    fn with_request_fn(
        self,
        make: impl Fn() -> reqwest::Result<Request> + Send + Sync + 'static,
    ) -> Self;
}

impl RequestBuilderExt for RequestBuilder {
    fn with_request_fn(
        self,
        make: impl Fn() -> reqwest::Result<Request> + Send + Sync + 'static,
    ) -> Self {
        self.with_extension(RequestFn::new(make))
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "others must not implement it")]
    pub trait Sealed {}

    impl Sealed for reqwest_middleware::RequestBuilder {}
}
