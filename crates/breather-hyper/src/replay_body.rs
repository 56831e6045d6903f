//! A request body that is recorded while it is sent.

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

/// A request body that is recorded while it is sent.
///
/// Each attempt has its own `ReplayBody`. The body of a later attempt repeats the recorded part,
/// then continues with the call's own body. [`size_hint`](Body::size_hint) and
/// [`is_end_stream`](Body::is_end_stream) describe the whole body, so each attempt has the same
/// `Content-Length`.
///
/// # Errors
///
/// You get the errors of the call's body, boxed. If the next attempt takes the body over while an
/// earlier attempt is still sending it, the earlier attempt's body fails too.
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
    // The length of the recording that this attempt has sent. The trailers count as one more byte.
    handed_on: usize,
    is_over: bool,
}

/// A recorded body that can be sent again. Created by [`ReplayBody::recording`].
///
/// # Example
///
/// ```
/// use breather_hyper::{BoxError, ReplayBody};
/// use http_body_util::BodyExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let first = ReplayBody::new("a row".to_owned(), 64 * 1024);
/// let recording = first.recording().unwrap();
/// first.collect().await?;
/// assert!(recording.hold());
/// assert_eq!(recording.into_body().collect().await?.to_bytes(), "a row");
///
/// // This body is longer than its limit, so it cannot be sent again.
/// let first = ReplayBody::new("a long row".to_owned(), 5);
/// let recording = first.recording().unwrap();
/// first.collect().await?;
/// assert!(!recording.hold());
/// # Ok(())
/// # }
/// ```
pub struct Recording<B> {
    shared: Arc<Mutex<Shared<B>>>,
}

/// The state that all attempts of a call share.
///
/// It owns the body, because an attempt that got an early response may still belong to a
/// connection's task, which does not give the body back in time.
struct Shared<B> {
    body: B,
    limit: usize,
    data: Read,
    trailers: Option<HeaderMap>,
    // A part of the body was sent that was not recorded.
    is_lost: bool,
    // The body has ended, so it must not be polled again.
    is_ended: bool,
    // The attempt that owns the body. Earlier attempts get an error.
    attempt: u32,
    // The call is deciding whether to make another attempt. No attempt reads the body meanwhile,
    // because a read could exceed the limit and make the body impossible to send again.
    is_held: bool,
    // Wakes the attempt that waits for the body when the body is taken over or no longer held.
    waker: Option<Waker>,
}

/// A number that belongs to no attempt, because attempts count from 1.
const DEFUNCT: u32 = 0;

/// The error of a body that the next attempt has taken over.
#[derive(Debug)]
struct TakenOver;

impl fmt::Display for TakenOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body was taken over by the call's next attempt")
    }
}

impl std::error::Error for TakenOver {}

impl<B> ReplayBody<B> {
    /// Records up to `limit` bytes of `body` while it is read.
    ///
    /// A longer body is sent completely, but cannot be sent again.
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

    /// Returns a recording, from which you can create the next attempt's body.
    ///
    /// Returns `None` if the body can no longer be sent again, for example because part of it was
    /// read and it is longer than the limit.
    #[must_use]
    pub fn recording(&self) -> Option<Recording<B>> {
        let is_lost = lock(&self.shared).is_lost;
        (!is_lost).then(|| Recording {
            shared: Arc::clone(&self.shared),
        })
    }
}

impl<B> Recording<B> {
    /// Returns whether the body can be sent again.
    ///
    /// If it returns `true`, this stays true. No attempt reads more of the body until you drop or
    /// use this recording.
    #[must_use]
    pub fn hold(&self) -> bool {
        // After a panic, the state of the body is unknown.
        if self.shared.is_poisoned() {
            return false;
        }
        let mut shared = lock(&self.shared);
        shared.is_held = !shared.is_lost;
        shared.is_held
    }

    /// Takes the body over for the next attempt.
    ///
    /// Call [`hold`](Self::hold) first. If the body cannot be sent again, the new body yields an
    /// error.
    #[must_use]
    pub fn into_body(self) -> ReplayBody<B> {
        let mut shared = lock(&self.shared);
        // A caller that ignored the result of `hold` gets an error, never a part of the body.
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
        // The waiting attempt either continues or fails together with its connection. If it weren't
        // woken, the connection would wait forever for a body.
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

    /// Returns the length of the recording. The trailers count as one more byte.
    fn recorded(&self) -> usize {
        self.data.len() + usize::from(self.trailers.is_some())
    }

    /// Returns the next recorded frame for an attempt that has sent `handed_on`.
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
            // Empty frames carry no data, and there can be any number of them.
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
        // If there is no recording, this body is never sent again and need not be recorded.
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

/// Locks the shared state, even after the body panicked.
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
