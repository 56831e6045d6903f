//! Responses that are read whole within their attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use breather::Timer;
use breather_tokio::TokioTimer;
use bytes::{Buf, Bytes};
use http::{HeaderMap, Response, response::Parts};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::box_errors::BoxError;
use crate::buffered_body::BufferedBody;
use crate::read::Read;

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
/// In the last three, classifiers see no [body](breather::Ending::body), since it is not whole: the response counts by its
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
    type Future = BufferedFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        BufferedFuture::new(self.inner.call(request), self.limit)
    }
}

pin_project! {
    /// The future of a [`Buffered`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BufferedFuture<F, B> {
        limit: usize,
        #[pin]
        state: State<F, B>,
        // Of a refusal or a failure whose body has begun.
        #[pin]
        patience: Option<<TokioTimer as Timer>::Sleep>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F, B> {
        Head {
            #[pin]
            attempt: F,
        },
        Body { reading: Option<Reading<B>> },
    }
}

impl<F, B> BufferedFuture<F, B> {
    /// Reads the response of `attempt` whole, up to `limit` bytes: what a [`Buffered`] does, for clients that are no
    /// service.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_tower::{BoxError, BufferedFuture};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let attempt = async { Ok::<_, BoxError>(http::Response::new("rows".to_owned())) };
    /// let response = BufferedFuture::new(attempt, 1024).await?;
    /// assert_eq!(response.body().bytes().unwrap(), "rows");
    /// # Ok(())
    /// # }
    /// ```
    pub const fn new(attempt: F, limit: usize) -> Self {
        Self {
            limit,
            state: State::Head { attempt },
            patience: None,
        }
    }
}

/// A response whose body is being read.
#[derive(Debug)]
struct Reading<B> {
    head: Parts,
    body: B,
    read: Read,
    trailers: Option<HeaderMap>,
}

impl<B> Reading<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    fn new(response: Response<B>) -> Self {
        let (head, body) = response.into_parts();
        let (read, trailers) = (Read::default(), None);
        Self {
            head,
            body,
            read,
            trailers,
        }
    }

    /// Reads on until there is no more, or it was enough.
    fn poll(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Result<Ending, BoxError>> {
        loop {
            let at_least = (self.read.len() as u64).saturating_add(self.body.size_hint().lower());
            if at_least > limit as u64 {
                return Poll::Ready(Ok(Ending::Long(Bytes::new())));
            }
            if self.body.is_end_stream() {
                return Poll::Ready(Ok(Ending::Whole));
            }
            let frame = match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                None => return Poll::Ready(Ok(Ending::Whole)),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
            };
            match frame.into_data() {
                Ok(mut data) if data.remaining() > limit.saturating_sub(self.read.len()) => {
                    let data = data.copy_to_bytes(data.remaining());
                    return Poll::Ready(Ok(Ending::Long(data)));
                }
                Ok(data) => self.read.push(data),
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        match &mut self.trailers {
                            Some(before) => before.extend(trailers),
                            none => *none = Some(trailers),
                        }
                    }
                }
            }
        }
    }
}

/// How reading ended.
enum Ending {
    Whole,
    /// With this, it was more than the limit.
    Long(Bytes),
}

impl<F, B, E> Future for BufferedFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<BufferedBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let reading = match this.state.as_mut().project() {
                StateProjection::Head { attempt } => {
                    let response = ready!(attempt.poll(cx)).map_err(Into::into)?;
                    let reading = Some(Reading::new(response));
                    this.state.set(State::Body { reading });
                    continue;
                }
                StateProjection::Body { reading } => reading,
            };
            let under_way = reading.as_mut().expect("polled after it was ready");
            let is_error = under_way.head.status.as_u16() >= 400;
            let ended = match under_way.poll(cx, *this.limit) {
                Poll::Ready(ended) => ended,
                Poll::Pending if !is_error => return Poll::Pending,
                Poll::Pending => {
                    if this.patience.is_none() {
                        let until = TokioTimer.now() + PATIENCE;
                        this.patience.set(Some(TokioTimer.sleep_until(until)));
                    }
                    if let Some(patience) = this.patience.as_mut().as_pin_mut() {
                        ready!(patience.poll(cx));
                    }
                    Ok(Ending::Long(Bytes::new()))
                }
            };
            let Reading {
                head,
                body,
                mut read,
                trailers,
            } = reading.take().expect("it has just ended");
            let body = match ended {
                Ok(Ending::Whole) => BufferedBody::whole(read.take(), trailers),
                Ok(Ending::Long(more)) => BufferedBody::long([read.take(), more], trailers, body),
                // A refusal is one, however little of it came.
                Err(error) if is_error => BufferedBody::cut(read.take(), error),
                Err(error) => return Poll::Ready(Err(error)),
            };
            return Poll::Ready(Ok(Response::from_parts(head, body)));
        }
    }
}

/// What a refusal says is in its head. A server that does not come to the end of the rest is not to keep that from the call,
/// nor its attempt's time-out to end what has an answer.
const PATIENCE: Duration = Duration::from_secs(1);
