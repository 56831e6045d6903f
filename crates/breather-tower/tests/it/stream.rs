//! A streaming body, such as a file or another server's response.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

/// A step of a [`Stream`].
#[derive(Clone, Debug)]
pub(crate) enum Part {
    Data(Bytes),
    /// Wakes the reader immediately.
    Pending,
    Trailers(HeaderMap),
    Error,
    /// Never becomes ready.
    Stall,
    Panic,
}

/// A body that is not `Clone`. It reports its end only after it was polled for it, unless it knows
/// its length.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) parts: VecDeque<Part>,
    pub(crate) knows_length: bool,
    pub(crate) is_over: bool,
}

impl Stream {
    pub(crate) fn new(parts: impl IntoIterator<Item = Part>) -> Self {
        Self {
            parts: parts.into_iter().collect(),
            knows_length: false,
            is_over: false,
        }
    }

    pub(crate) fn of(chunks: &[&'static str]) -> Self {
        Self::new(chunks.iter().map(|chunk| Part::Data((*chunk).into())))
    }

    pub(crate) fn known(mut self) -> Self {
        self.knows_length = true;
        self
    }
}

pub(crate) fn trailers(value: u32) -> HeaderMap {
    let name = HeaderName::from_static("checksum");
    HeaderMap::from_iter([(name, HeaderValue::from(value))])
}

impl Body for Stream {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // Many streams panic like this.
        assert!(!self.is_over, "polled after its end");
        Poll::Ready(match self.parts.pop_front() {
            None => {
                self.is_over = true;
                None
            }
            Some(Part::Pending) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Part::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Part::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Part::Stall) => {
                self.parts.push_front(Part::Stall);
                return Poll::Pending;
            }
            Some(Part::Panic) => panic!("panic in a response body"),
            Some(Part::Error) => Some(Err("the file is gone".into())),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.knows_length && self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.knows_length {
            return SizeHint::default();
        }
        let length = |part: &Part| match part {
            Part::Data(data) => data.len() as u64,
            _ => 0,
        };
        SizeHint::with_exact(self.parts.iter().map(length).sum())
    }
}

/// The part that was read of a body.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Received {
    pub(crate) data: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
    pub(crate) end: End,
}

/// How reading a body ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum End {
    /// The reader stopped before the end.
    #[default]
    Left,
    Clean,
    Error(String),
}

impl Received {
    pub(crate) fn whole(data: &[u8]) -> Self {
        Self {
            data: data.to_vec(),
            trailers: None,
            end: End::Clean,
        }
    }

    /// Polls `body` for frames `polls` times, or until its end.
    pub(crate) fn poll<B>(&mut self, body: &mut B, polls: usize)
    where
        B: Body<Data = Bytes, Error = BoxError> + Unpin,
    {
        for _ in 0..polls {
            match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop())) {
                Poll::Pending => {}
                Poll::Ready(None) => self.end = End::Clean,
                Poll::Ready(Some(Err(error))) => self.end = End::Error(error.to_string()),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.data.extend(data),
                    Err(frame) => self.trailers = frame.into_trailers().ok(),
                },
            }
            if self.end != End::Left {
                break;
            }
        }
    }
}

/// Reads `body` to its end.
pub(crate) fn read<B>(body: &mut B) -> Received
where
    B: Body<Data = Bytes, Error = BoxError> + Unpin,
{
    let mut received = Received::default();
    received.poll(body, usize::MAX);
    received
}
