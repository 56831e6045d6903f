//! Reads a response completely within its attempt.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use breather::driver::Timer;
use breather_tokio::TokioTimer;
use bytes::{Buf, Bytes};
use http::{HeaderMap, Response, response::Parts};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::box_error::BoxError;
use crate::buffered_body::BufferedBody;
use crate::read::Read;

pin_project! {
    /// A future that reads an attempt's response completely.
    ///
    /// If the body is cut off, the attempt fails, so you can retry a broken download.
    ///
    /// | case | result |
    /// |---|---|
    /// | the body fails, and the status is below 400 | the body's error; the server may have processed the request |
    /// | the body fails, and the status is 400 or more | the response, with the part of the body that arrived, then the error |
    /// | the body takes longer than a second, and the status is 400 or more | the response, with the part of the body that arrived, then the rest as it arrives |
    /// | the body is longer than the limit | the response, with the part of the body that was read, then the rest as it arrives |
    ///
    /// Only a body that was read completely has [`bytes`](BufferedBody::bytes).
    ///
    /// # Errors
    ///
    /// You get the errors of the attempt and of the body, boxed.
    ///
    /// # Example
    ///
    /// ```
    /// use breather_hyper::{BoxError, Buffering};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let attempt = async { Ok::<_, BoxError>(http::Response::new("rows".to_owned())) };
    /// let response = Buffering::new(attempt, 1024).await?;
    /// assert_eq!(response.body().bytes().unwrap(), "rows");
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Buffering<F, B> {
        limit: usize,
        #[pin]
        state: State<F, B>,
        // Limits how long the body of a response with status 400 or more may take.
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

impl<F, B> Buffering<F, B> {
    /// Reads the response of `attempt`, with up to `limit` bytes of its body.
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

    /// Reads until the body ends or exceeds the limit.
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
    /// The body exceeds the limit or is too slow. Holds the frame that did not fit, if any.
    Long(Bytes),
}

impl<F, B, E> Future for Buffering<F, B>
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
            let under_way = reading.as_mut().expect("polled after completion");
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
            } = reading.take().expect("the body was still being read");
            let body = match ended {
                Ok(Ending::Whole) => BufferedBody::whole(read.take(), trailers),
                Ok(Ending::Long(more)) => BufferedBody::long([read.take(), more], trailers, body),
                // The head of an error response is enough to act on.
                Err(error) if is_error => BufferedBody::cut(read.take(), error),
                Err(error) => return Poll::Ready(Err(error)),
            };
            return Poll::Ready(Ok(Response::from_parts(head, body)));
        }
    }
}

/// The head of a throttled response is enough to act on. If the server never finishes the body, the
/// call must still get that head, and the attempt's timeout must not discard it.
const PATIENCE: Duration = Duration::from_secs(1);
