use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

/// A body that breaks its connection: after its first part, or before anything was sent, its head included.
#[derive(Debug)]
pub(super) struct Broken {
    part: Option<Bytes>,
    promised: u64,
    pause: Pin<Box<Sleep>>,
}

impl Broken {
    /// Sends the first half of `whole`, and promises all of it.
    pub(super) fn halfway(whole: &Bytes) -> Body {
        Body::new(Self {
            part: Some(whole.slice(..whole.len() / 2)),
            promised: whole.len() as u64,
            pause: Box::pin(sleep(FLUSH)),
        })
    }

    /// Sends nothing: hyper flushes a head only when the body has had its say, and gives the connection up
    /// when that was an error.
    pub(super) fn unsent() -> Body {
        Body::new(Self {
            part: None,
            promised: 1,
            pause: Box::pin(sleep(Duration::ZERO)),
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
        if self.promised > 1 {
            ready!(self.pause.as_mut().poll(cx));
        }
        Poll::Ready(Some(Err(io::Error::other(
            "a fault of the server's options",
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

/// Time for what was sent to get out before the connection closes.
const FLUSH: Duration = Duration::from_millis(5);
