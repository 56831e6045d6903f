//! Reads responses completely within their attempt.

use std::task::{Context, Poll};

use breather_hyper::{BoxError, BufferedBody, Buffering};
use http::Response;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

/// Reads each response completely within its attempt.
///
/// If a download is cut off, its attempt fails and breather retries it. Without this layer, a call
/// ends when the head of its response arrives. The body then streams, and you handle its errors.
///
/// Put this layer inside a [`RetryLayer`](crate::RetryLayer). It boxes the inner service's errors,
/// so you don't need [`box_errors`](crate::RetryLayer::box_errors) as well.
///
/// Don't use it for responses that stay open, such as a feed of events. A call would last until the
/// feed ends or exceeds the limit.
///
/// # Failures and long bodies
///
/// | case | result |
/// |---|---|
/// | the body fails, and the status is below 400 | The attempt fails. The server may have processed it, so breather retries it only if that is safe. |
/// | the body fails, and the status is 400 or more | The attempt ends with the response, so that a `Retry-After` is not lost. The reader of the body gets the error. |
/// | the body takes longer than a second, and the status is 400 or more | The attempt ends with the response. Its body is the part that was read, then the rest as it arrives. |
/// | the body is longer than the limit | The attempt ends with the response. Its body is the part that was read, then the rest as it arrives. |
///
/// In the last three cases, classifiers see only the status and the headers. They get no
/// [body](breather::AttemptResult::body), because it is not complete.
///
/// The attempt returns its permit, and breather uses the response's headers, when the body has been
/// read, not when the head arrives. A `Retry-After` counts from then, which can be later than
/// necessary but never earlier.
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
    /// Creates a layer that reads up to `limit` bytes of each body.
    ///
    /// A call in flight takes up to that much memory, and up to twice as much while its buffer
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

/// A service whose responses are read completely. Created by a [`BufferedLayer`].
///
/// # Example
///
/// A download that is cut off fails its attempt.
///
/// ```
/// use breather_tower::{Buffered, BufferedLayer};
/// use futures_util::stream;
/// use http::{Request, Response};
/// use http_body::Frame;
/// use http_body_util::StreamBody;
/// use std::io;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let client = service_fn(|_: Request<String>| async {
///     let cut_off = io::Error::from(io::ErrorKind::UnexpectedEof);
///     let frames = [Ok(Frame::data(&b"ro"[..])), Err(cut_off)];
///     Ok::<_, io::Error>(Response::new(StreamBody::new(stream::iter(frames))))
/// });
/// let service: Buffered<_> = BufferedLayer::new(64 * 1024).layer(client);
/// let error = service.oneshot(Request::default()).await.unwrap_err();
/// assert!(error.is::<io::Error>());
/// # }
/// ```
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
