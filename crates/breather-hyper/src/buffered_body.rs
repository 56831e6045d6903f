//! A response body that was read within its attempt.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::box_error::BoxError;

/// A response body that was read within its attempt, completely or in part.
///
/// [`Buffering`](crate::Buffering) creates it. As a [`Body`], it yields everything that the server
/// sends. It starts with the part that was read, and continues with the rest as it arrives.
///
/// # Errors
///
/// A body that was read completely cannot fail. Otherwise you get the errors of the inner body,
/// boxed.
///
/// # Example
///
/// ```
/// use breather_hyper::{BoxError, BufferedBody, Buffering};
/// use http_body_util::BodyExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let attempt = async { Ok::<_, BoxError>(http::Response::new("more than ten bytes".to_owned())) };
/// let body: BufferedBody<_> = Buffering::new(attempt, 10).await?.into_body();
/// assert_eq!(body.bytes(), None);
/// assert_eq!(body.collect().await?.to_bytes(), "more than ten bytes");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct BufferedBody<B> {
    data: [Bytes; 2],
    trailers: Option<HeaderMap>,
    // The number of chunks in `data` that the reader has received.
    handed_on: usize,
    rest: Rest<B>,
}

#[derive(Debug)]
enum Rest<B> {
    // The body was read completely.
    Nothing,
    Body(B),
    // `None` after the reader has received the error.
    Error(Option<BoxError>),
}

impl<B> BufferedBody<B> {
    pub(crate) const fn whole(data: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self::new([data, Bytes::new()], trailers, Rest::Nothing)
    }

    /// Creates a body that was not read completely. `data` was read, and `body` yields the rest.
    pub(crate) const fn long(data: [Bytes; 2], trailers: Option<HeaderMap>, body: B) -> Self {
        Self::new(data, trailers, Rest::Body(body))
    }

    /// Creates a body that failed after `data`.
    pub(crate) const fn cut(data: Bytes, error: BoxError) -> Self {
        Self::new([data, Bytes::new()], None, Rest::Error(Some(error)))
    }

    const fn new(data: [Bytes; 2], trailers: Option<HeaderMap>, rest: Rest<B>) -> Self {
        Self {
            data,
            trailers,
            handed_on: 0,
            rest,
        }
    }

    /// Returns all data of the body if it was read completely.
    ///
    /// The data stays available after you have taken frames from the body.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Bytes> {
        match self.rest {
            Rest::Nothing => Some(&self.data[0]),
            _ => None,
        }
    }

    fn unread(&self) -> u64 {
        let left = self.data.iter().skip(self.handed_on);
        left.fold(0, |sum, data| sum + data.len() as u64)
    }
}

impl<B> Body for BufferedBody<B>
where
    B: Body + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        while let Some(data) = this.data.get(this.handed_on) {
            this.handed_on += 1;
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data.clone()))));
            }
        }
        if let Some(trailers) = this.trailers.take() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        match &mut this.rest {
            Rest::Nothing => Poll::Ready(None),
            Rest::Error(error) => Poll::Ready(error.take().map(Err)),
            Rest::Body(body) => Pin::new(body).poll_frame(cx).map(|frame| {
                let whole = |mut data: B::Data| data.copy_to_bytes(data.remaining());
                frame.map(|frame| frame.map(|frame| frame.map_data(whole)).map_err(Into::into))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_read = self.unread() == 0 && self.trailers.is_none();
        is_read
            && match &self.rest {
                Rest::Nothing => true,
                Rest::Error(error) => error.is_none(),
                Rest::Body(body) => body.is_end_stream(),
            }
    }

    fn size_hint(&self) -> SizeHint {
        let unread = self.unread();
        let rest = match &self.rest {
            Rest::Nothing => SizeHint::with_exact(0),
            Rest::Error(_) => SizeHint::new(),
            Rest::Body(body) => body.size_hint(),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(unread));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(unread)) {
            hint.set_upper(upper);
        }
        hint
    }
}
