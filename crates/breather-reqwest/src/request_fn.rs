//! Making a body again that cannot be cloned.

use std::fmt;
use std::sync::Arc;

use reqwest::Request;
use reqwest_middleware::RequestBuilder;

/// Makes a request's body again, for bodies that cannot be cloned: streams, files, multipart forms.
///
/// Put into a request's extensions; [`RequestBuilderExt::with_request_fn`] does that.
#[derive(Clone)]
pub struct RequestFn(Arc<dyn Fn() -> reqwest::Result<Request> + Send + Sync>);

impl RequestFn {
    /// Asks `make` for each attempt after the first.
    ///
    /// Of the request that it makes, the body is taken, and the headers that describe it: `Content-Type`, as a multipart
    /// form has another boundary each time, `Content-Length` and `Content-Encoding`. All else is as it was in the first
    /// attempt, what other middlewares added included.
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

/// What a request can be given for its retries.
pub trait RequestBuilderExt: sealed::Sealed + Sized {
    /// Has `make` make the request's body again for each attempt after the first; without it, a request whose body is a stream is
    /// sent once. It is not called where the body can be cloned, nor before another attempt is sent.
    ///
    /// # Errors
    ///
    /// An error of `make` ends the call, and is its error.
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
