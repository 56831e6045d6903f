//! Request bodies.

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

/// The body of a request, as a stream.
///
/// If the call ends before the whole body was read, the gateway reads the rest for a while and
/// drops it. Many clients read no response until they have sent everything. They would lose the
/// response if the connection were closed before that.
#[derive(Debug)]
pub(crate) struct Upload {
    /// `None` when the body has been read to its end.
    rest: Option<Incoming>,
    /// Whether the caller is waiting for `100 Continue`, which reading the body would send.
    is_held_back: bool,
}

impl Upload {
    /// Wraps the body of `request`.
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
        // If the runtime is gone, so are the connections.
        if let (Some(mut rest), Ok(runtime)) = (rest, Handle::try_current()) {
            runtime.spawn(timeout(LINGERING, async move {
                while let Some(Ok(_)) = rest.frame().await {}
            }));
        }
    }
}

/// The default of nginx, and long enough for a machine that stalls for some seconds.
const LINGERING: Duration = Duration::from_secs(30);
