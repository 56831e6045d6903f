//! How a request with a streaming body is sent again.

use breather_hyper::{Recording, ReplayBody};
use http::Request;
use http_body::Body;

use crate::repeat::Repeat;

/// Records a body while it is sent, to send it again: for bodies that are streams, and so are not `Clone`.
///
/// An attempt after the first is sent what was recorded, data and trailers, and then what is left of the body.
/// Nothing is read ahead: what an attempt was not asked for is read by the next one. The inner service's
/// requests have a [`ReplayBody`].
///
/// Made by [`RetryLayer::replay`](crate::RetryLayer::replay).
///
/// # What cannot be sent again
///
/// | | what becomes of it |
/// |---|---|
/// | a body of which more was sent than the limit | the attempt in flight goes on, what was recorded is dropped, and the call stops with its result: [`NotReplayable`](breather::EndReason::NotReplayable) |
/// | one that is known to be longer ([`size_hint`](Body::size_hint)) | the same, and nothing of it is recorded; but it is sent again if none of it was read, as after a connection refused |
/// | one that failed | the same |
///
/// A server may answer before it has read the whole body, and the client may then be sending still. The body goes
/// to the next attempt as soon as there is to be one: what was under way ends with an error, so that it cannot be
/// taken for whole.
///
/// # Costs
///
/// An `Arc` for each call and a lock that nobody else waits for. Data of another type is copied into `Bytes`.
///
/// Frames are joined as they are recorded, so that it matters nothing how small they are: what is recorded takes up to
/// twice the limit while it grows. A body of one frame is not copied, and holds what that was cut from, as the
/// buffer of a connection. Trailers are not counted.
///
/// # Example
///
/// ```
/// use breather_tower::{Repeat, Replay, ReplayBody};
/// use http_body::Body;
///
/// let request = http::Request::post("http://api.example.com/rows").body("a row".to_owned())?;
/// let first: http::Request<ReplayBody<String>> = Replay::default().first(request);
/// assert_eq!(first.body().size_hint().exact(), Some(5));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Replay {
    limit: usize,
}

impl Replay {
    /// Records up to `limit` bytes of data of each body, which a call then takes of memory, up to twice of it while it grows.
    ///
    /// With 0, only what has no data is sent again, and what was not read.
    ///
    /// ```
    /// # use breather_tower::Replay;
    /// assert_eq!(Replay::new(1_000_000).limit(), 1_000_000);
    /// assert_eq!(Replay::default().limit(), 64 * 1024);
    /// ```
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { limit }
    }

    /// The most that is recorded of a body, in bytes of data.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}

impl Default for Replay {
    /// Records up to 64 KiB.
    fn default() -> Self {
        // What linkerd's proxy keeps of a request by default; a thousand calls in flight then take 64 MiB, and up to
        // twice of that while it grows.
        Self::new(64 * 1024)
    }
}

impl<B: Body> Repeat<Request<B>> for Replay {
    type Inner = Request<ReplayBody<B>>;
    type Spare = Request<Recording<B>>;

    fn first(&self, request: Request<B>) -> Self::Inner {
        request.map(|body| ReplayBody::new(body, self.limit))
    }

    fn spare(&self, request: &Self::Inner) -> Option<Self::Spare> {
        let mut spare = Request::new(request.body().recording()?);
        spare.method_mut().clone_from(request.method());
        spare.uri_mut().clone_from(request.uri());
        *spare.version_mut() = request.version();
        spare.headers_mut().clone_from(request.headers());
        spare.extensions_mut().clone_from(request.extensions());
        Some(spare)
    }

    fn can_repeat(&self, spare: &Self::Spare) -> bool {
        spare.body().hold()
    }

    fn again(&self, spare: Self::Spare) -> Self::Inner {
        spare.map(Recording::into_body)
    }
}
