//! A body that is recorded while it is sent.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::box_error::BoxError;
use crate::read::Read;

/// The body of one attempt. It repeats the part that earlier attempts sent, then goes on with the call's own body.
///
/// It records up to a limit while it is read. [`size_hint`](Body::size_hint) and [`is_end_stream`](Body::is_end_stream) are
/// those of the whole body, so that it goes out with the same `Content-Length`.
///
/// # Errors
///
/// Those of the call's body, as they are but boxed. A body that was still being sent when the next attempt took it
/// over fails too.
///
/// # Example
///
/// ```
/// use breather_hyper::ReplayBody;
/// use http_body_util::BodyExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), breather_hyper::BoxError> {
/// let first = ReplayBody::new("a row".to_owned(), 64 * 1024);
/// let recording = first.recording().unwrap();
/// assert_eq!(first.collect().await?.to_bytes(), "a row");
/// assert!(recording.hold());
/// let second = recording.into_body();
/// assert_eq!(second.collect().await?.to_bytes(), "a row");
/// # Ok(())
/// # }
/// ```
pub struct ReplayBody<B> {
    shared: Arc<Mutex<Shared<B>>>,
    attempt: u32,
    // How much of the recording was handed on: the trailers are one more, after the last byte.
    handed_on: usize,
    is_over: bool,
}

/// A body that can be sent again. Made by [`ReplayBody::recording`].
pub struct Recording<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

/// What the attempts of a call share. The body is here, and not in its attempt's hands: an attempt whose answer
/// came early may be with a connection's task still, which gives nothing back in time.
struct Shared<B> {
    body: B,
    limit: usize,
    data: Read,
    trailers: Option<HeaderMap>,
    // Something was sent that was not recorded.
    is_lost: bool,
    // The body has said that it is at its end, and is not to be asked again.
    is_ended: bool,
    // Whose the body is. Those before fail.
    attempt: u32,
    // Whether there is to be another attempt is being decided: nothing is read meanwhile, lest what can be
    // sent again cannot be any more once that is decided.
    is_held: bool,
    // Of the attempt that waits for the body: it is to learn that the body is gone, or no longer held.
    waker: Option<Waker>,
}

/// Of no attempt: they are counted from 1.
const DEFUNCT: u32 = 0;

/// Why a body ends that was not sent whole.
#[derive(Debug)]
struct TakenOver;

impl fmt::Display for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body was taken over by the call's next attempt")
    }
}

impl std::error::Error for TakenOver {}

impl<B> ReplayBody<B> {
    /// Records up to `limit` bytes of `body` while it is read. A longer body goes on, and cannot be sent again.
    pub fn new(body: B, limit: usize) -> Self {
        let shared = Shared {
            body,
            limit,
            data: Read::default(),
            trailers: None,
            is_lost: false,
            is_ended: false,
            attempt: DEFUNCT + 1,
            is_held: false,
            waker: None,
        };
        Self {
            attempt: shared.attempt,
            shared: Arc::new(Mutex::new(shared)),
            handed_on: 0,
            is_over: false,
        }
    }

    /// The recording, from which the body of one more attempt is made. `None` if it is known to become too long.
    #[must_use]
    pub fn recording(&self) -> Option<Recording<B>> {
        let is_lost = lock(&self.shared).is_lost;
        (!is_lost).then(|| Recording {
            shared: Arc::clone(&self.shared),
        })
    }
}

impl<B> Recording<B> {
    /// Whether the body can be sent again. If it can, that stays so: nothing more of it is read until this is
    /// dropped or used.
    #[must_use]
    pub fn hold(&self) -> bool {
        // A body that panicked has shown nobody where it stands.
        if self.shared.is_poisoned() {
            return false;
        }
        let mut shared = lock(&self.shared);
        shared.is_held = !shared.is_lost;
        shared.is_held
    }

    /// Takes the body over for one more attempt.
    #[must_use]
    pub fn into_body(self) -> ReplayBody<B> {
        let mut shared = lock(&self.shared);
        // Who asks without having been told that it is possible gets an error, and never a part of the body.
        let attempt = if shared.is_lost || self.shared.is_poisoned() {
            DEFUNCT
        } else {
            shared.attempt += 1;
            shared.attempt
        };
        drop(shared);
        ReplayBody {
            shared: Arc::clone(&self.shared),
            attempt,
            handed_on: 0,
            is_over: false,
        }
    }
}

impl<B> Drop for Recording<B> {
    fn drop(&mut self) {
        let mut shared = lock(&self.shared);
        let waker = if mem::take(&mut shared.is_held) {
            shared.waker.take()
        } else {
            None
        };
        drop(shared);
        // Either it may go on, or it fails, and its connection with it: else that would wait for a body
        // that never comes.
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<B> Shared<B> {
    fn lose(&mut self) {
        self.is_lost = true;
        self.data = Read::default();
        self.trailers = None;
    }

    fn wake_later(&mut self, waker: &Waker) {
        match &mut self.waker {
            Some(kept) => kept.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
    }

    /// How much there is to be sent again.
    fn recorded(&self) -> usize {
        self.data.len() + usize::from(self.trailers.is_some())
    }

    /// What the attempt is to be sent again that was handed `handed_on`.
    fn replay(&mut self, handed_on: usize) -> Option<Frame<Bytes>> {
        if handed_on < self.data.len() {
            return Some(Frame::data(self.data.share().slice(handed_on..)));
        }
        let trailers = self.trailers.as_ref()?;
        (handed_on == self.data.len()).then(|| Frame::trailers(trailers.clone()))
    }
}

impl<B: Body> Shared<B> {
    fn record(&mut self, frame: &Frame<Bytes>) {
        if self.is_lost {
            return;
        }
        let is_at_end = self.trailers.is_some();
        match (frame.data_ref(), frame.trailers_ref()) {
            // They say nothing, and could be any number.
            (Some(data), _) if data.is_empty() => {}
            (Some(data), _) if !is_at_end => {
                let so_far = self.data.len().saturating_add(data.len());
                let at_least = (so_far as u64).saturating_add(self.body.size_hint().lower());
                if at_least > self.limit as u64 {
                    self.lose();
                } else {
                    self.data.push(data.clone());
                }
            }
            (None, Some(trailers)) if !is_at_end => self.trailers = Some(trailers.clone()),
            _ => self.lose(),
        }
    }
}

impl<B> Body for ReplayBody<B>
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
        if this.is_over {
            return Poll::Ready(None);
        }
        // Alone, it is not to be sent again: a recording is made of a body or another recording only.
        let is_alone = Arc::strong_count(&this.shared) == 1;
        let mut shared = lock(&this.shared);
        if shared.attempt != this.attempt {
            return Poll::Ready(Some(Err(TakenOver.into())));
        }
        if let Some(frame) = shared.replay(this.handed_on) {
            this.handed_on += frame.data_ref().map_or(1, Bytes::len);
            return Poll::Ready(Some(Ok(frame)));
        }
        if shared.is_held {
            shared.wake_later(cx.waker());
            return Poll::Pending;
        }
        if shared.is_ended {
            this.is_over = true;
            return Poll::Ready(None);
        }
        match Pin::new(&mut shared.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                if is_alone {
                    shared.lose();
                }
                let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
                shared.record(&frame);
                this.handed_on = shared.recorded();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                shared.lose();
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(None) => {
                shared.is_ended = true;
                this.is_over = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                shared.wake_later(cx.waker());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        if self.is_over {
            return true;
        }
        let shared = lock(&self.shared);
        shared.attempt == self.attempt
            && self.handed_on >= shared.recorded()
            && (shared.is_ended || shared.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let shared = lock(&self.shared);
        if shared.attempt != self.attempt {
            return SizeHint::default();
        }
        let again = shared.data.len().saturating_sub(self.handed_on) as u64;
        let left = shared.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(left.lower().saturating_add(again));
        if let Some(upper) = left.upper().and_then(|upper| upper.checked_add(again)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// A body that panicked is what it was: who polls it again has to know.
fn lock<B>(shared: &Mutex<Shared<B>>) -> MutexGuard<'_, Shared<B>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayBody")
            .field("attempt", &self.attempt)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl<B> fmt::Debug for Recording<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recording").finish_non_exhaustive()
    }
}
