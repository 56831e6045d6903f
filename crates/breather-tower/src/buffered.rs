//! Responses that are read whole within their attempt.

use std::task::{Context, Poll};

use breather_hyper::{BoxError, BufferedBody, Buffering};
use http::Response;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

/// Reads responses whole within their attempt, so that a download which is cut off is an attempt that failed, and
/// is sent again as such.
///
/// It belongs inside of a [`RetryLayer`](crate::RetryLayer). Without it, a call is over when the head of its response
/// has come; its body streams, and an error of it is the caller's.
///
/// It boxes the inner service's errors, so that [`box_errors`](crate::RetryLayer::box_errors) isn't needed beside it.
/// It is not for responses that stay open, as a feed of events: no call would end before such a feed does, or has
/// said as much as the limit.
///
/// # Which failures are an attempt's
///
/// | | |
/// |---|---|
/// | the body fails, and the status is below 400 | an attempt's error, and it may have been executed: sent again if that is safe |
/// | it fails, and the status is another | the response is the attempt's end, as its status and its headers have it, lest a `Retry-After` be lost; whoever reads the body has the error |
/// | it takes longer than a second, and the status is 400 or more | as above: what was read, and then the rest as it comes |
/// | it is longer than the limit | the response is handed on with all of its body: what was read, and then the rest as it comes |
///
/// In the last three, classifiers see no [body](breather::AttemptResult::body), since it is not whole: the response counts by its
/// status and its headers alone.
///
/// The attempt's permit and what its headers say are used when the body has been read, not when the head has come:
/// a `Retry-After` is counted from then, later than it might be and never earlier.
///
/// # Example
///
/// ```
/// use breather_tower::{BufferedBody, BufferedLayer, RetryLayer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower::BoxError> {
/// # let client = tower::service_fn(|_: http::Request<String>| async {
/// #     Ok::<_, std::io::Error>(http::Response::new("rows".to_owned()))
/// # });
/// let service = ServiceBuilder::new()
///     .layer(RetryLayer::default())
///     .layer(BufferedLayer::new(1024 * 1024))
///     .service(client);
/// let request = http::Request::get("http://api.example.com/rows").body(String::new())?;
/// let response: http::Response<BufferedBody<_>> = service.oneshot(request).await?;
/// assert_eq!(response.body().bytes().unwrap(), "rows");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BufferedLayer {
    limit: usize,
}

impl BufferedLayer {
    /// Reads up to `limit` bytes of a body, which a call in flight then takes of memory, up to twice of it while it
    /// grows.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit }
    }
}

impl<S> Layer<S> for BufferedLayer {
    type Service = Buffered<S>;

    fn layer(&self, inner: S) -> Buffered<S> {
        let limit = self.limit;
        Buffered { inner, limit }
    }
}

/// A service whose responses are read whole. Made by a [`BufferedLayer`].
#[derive(Clone, Debug)]
pub struct Buffered<S> {
    inner: S,
    limit: usize,
}

impl<S, Req, B> Service<Req> for Buffered<S>
where
    S: Service<Req, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Response = Response<BufferedBody<B>>;
    type Error = BoxError;
    type Future = Buffering<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        Buffering::new(self.inner.call(request), self.limit)
    }
}
