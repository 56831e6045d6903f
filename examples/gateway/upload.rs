//! The body of a request.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, header::EXPECT};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{runtime::Handle, time::timeout};

/// The body of a request, as it comes.
///
/// If nobody wants the rest of it, since the call is over, it is read for a while all the same: many callers read no answer before
/// they have sent all, and a connection that is closed under them takes the answer with it.
#[derive(Debug)]
pub(crate) struct Upload {
    /// None once there is nothing left to read.
    rest: Option<Incoming>,
    /// Whether the caller sends it only when it is told to, which it has not been: reading it would tell it so.
    is_held_back: bool,
}

impl Upload {
    /// The body of `request`.
    pub(crate) fn of(request: Request<Incoming>) -> Request<Self> {
        let expected = request.headers().get(EXPECT);
        let is_held_back =
            expected.is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"100-continue"));
        request.map(|body| Self {
            rest: Some(body),
            is_held_back,
        })
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_held_back = false;
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(rest).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.rest = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref();
        rest.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let is_held_back = self.is_held_back;
        let rest = self
            .rest
            .take()
            .filter(|rest| !is_held_back && !rest.is_end_stream());
        // When the runtime ends, so do the connections.
        if let (Some(mut rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(LINGERING, async move {
                while let Some(Ok(_)) = rest.frame().await {}
            }));
        }
    }
}

/// As nginx does by default. A machine that stands still for some seconds loses no answer.
const LINGERING: Duration = Duration::from_secs(30);
