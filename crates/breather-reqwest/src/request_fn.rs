//! Functions that make a body again if it cannot be cloned.

use std::fmt;
use std::sync::Arc;

use reqwest::Request;
use reqwest_middleware::RequestBuilder;

/// Makes a request's body again if it cannot be cloned.
///
/// Streams, files and multipart forms are such bodies. Put the function in a request's extensions
/// with [`RequestBuilderExt::with_request_fn`].
///
/// # Example
///
/// This adds the function as an extension, which has the same effect.
///
/// ```
/// use breather_reqwest::{RequestFn, RetryMiddleware};
/// use breather_test::Script;
/// use reqwest::{Body, Client};
/// use reqwest_middleware::ClientBuilder;
/// use std::sync::{Arc, atomic::{AtomicU32, Ordering}};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// let server = Script::new(["503", "503", "200"]);
/// let client = ClientBuilder::new(Client::new())
///     .with(RetryMiddleware::default())
///     .with(server.clone())
///     .build();
///
/// let rows = || Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>("a row")]));
/// let made = Arc::new(AtomicU32::new(0));
/// let counter = Arc::clone(&made);
/// let again = RequestFn::new(move || {
///     counter.fetch_add(1, Ordering::Relaxed);
///     Client::new().put("https://api.example.com/rows").body(rows()).build()
/// });
/// let request = client.put("https://api.example.com/rows").body(rows()).with_extension(again);
/// assert_eq!(request.send().await?.status(), 200);
/// // Each retry had a body of its own.
/// assert_eq!(made.load(Ordering::Relaxed), 2);
/// # Ok(())
/// # }
/// ```
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
///
/// # Example
///
/// ```
/// use breather_reqwest::{RequestBuilderExt, RetryMiddleware};
/// use breather_test::Script;
/// use reqwest::Body;
///
/// fn rows() -> Body {
///     let rows = ["a", "b"].map(|row| Ok::<_, std::io::Error>(row));
///     Body::wrap_stream(futures_util::stream::iter(rows))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> reqwest_middleware::Result<()> {
/// let server = Script::new(["503", "200"]);
/// let plain = reqwest::Client::new();
/// let client = reqwest_middleware::ClientBuilder::new(plain.clone())
///     .with(RetryMiddleware::default())
///     .with(server.clone())
///     .build();
/// let url = "https://api.example.com/rows";
/// let response = client
///     .put(url)
///     .body(rows())
///     .with_request_fn(move || plain.put(url).body(rows()).build())
///     .send()
///     .await?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(server.requests().len(), 2);
/// # Ok(())
/// # }
/// ```
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
