//! Sends a request with a streaming body again.

use breather_hyper::{Recording, ReplayBody};
use http::Request;
use http_body::Body;

use crate::repeat::Repeat;

/// Records a body while it is sent, to send it again.
///
/// Use it for bodies that are streams and so are not `Clone`. An attempt after the first sends the
/// recorded data and trailers, then continues with the rest of the body. The layer never reads
/// ahead. It reads from your body only as much as an attempt asks for.
///
/// The inner service's requests have a [`ReplayBody`]. Created by
/// [`RetryLayer::replay`](crate::RetryLayer::replay).
///
/// # Bodies that cannot be sent again
///
/// | body | result |
/// |---|---|
/// | an attempt sent more of it than the limit | The attempt in flight continues, the recording is dropped, and the call ends with its result and the reason [`NotReplayable`](breather::EndReason::NotReplayable). |
/// | it is known to be longer than the limit ([`size_hint`](Body::size_hint)) | The same, and it is not recorded at all. It is sent again if no part of it was read, for example because the connection was refused. |
/// | it failed | The same as a body that exceeds the limit. |
///
/// A server may respond before it has read the whole body, while the client is still sending. The
/// next attempt then takes the body over. The body of the earlier attempt ends with an error, so
/// the server cannot mistake it for a complete one.
///
/// # Costs
///
/// Each call takes an `Arc`, and a lock that other calls never wait for. Data of another type is
/// copied into `Bytes`.
///
/// Frames are joined as they are recorded, so small frames cost no extra memory. The recording
/// takes up to twice the limit while it grows. A body of one frame is not copied, and keeps the
/// buffer alive that the frame was cut from, such as a connection's buffer. Trailers don't count
/// towards the limit.
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
    /// Records up to `limit` bytes of data of each body.
    ///
    /// Each call takes up to that much memory, and up to twice as much while the recording grows.
    /// With a limit of 0, a body is sent again only if it has no data or no part of it was read.
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

    /// Returns the most bytes of data that are recorded of a body.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}

impl Default for Replay {
    /// Records up to 64 KiB.
    fn default() -> Self {
        // linkerd's proxy keeps as much of a request by default. A thousand calls in flight then
        // take 64 MiB, and up to twice as much while the recordings grow.
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
