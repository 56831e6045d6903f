use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// A body that breaks its connection, after its first part or before the response head is sent.
#[derive(Debug)]
pub(super) struct Broken {
    part: Option<Bytes>,
    promised: u64,
    /// Whether hyper may flush the part before the connection breaks.
    pauses: bool,
}

/// Marks a response whose connection breaks before any byte is sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsent;

impl Broken {
    /// Returns a body that promises all of `whole` and sends the first half.
    pub(super) fn halfway(whole: &Bytes) -> Body {
        Body::new(Self {
            part: Some(whole.slice(..whole.len() / 2)),
            promised: whole.len() as u64,
            pauses: true,
        })
    }

    /// Returns a body that breaks the connection before any byte is sent.
    ///
    /// hyper polls the body before it flushes the head. If the body returns an error, hyper closes
    /// the connection.
    pub(super) fn unsent() -> Body {
        Body::new(Self {
            part: None,
            promised: 1,
            pauses: false,
        })
    }
}

impl HttpBody for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(part) = self.part.take() {
            return Poll::Ready(Some(Ok(Frame::data(part))));
        }
        // hyper flushes when the body returns `Pending`.
        if std::mem::take(&mut self.pauses) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::Error::other(
            "a fault of the server's options",
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}
