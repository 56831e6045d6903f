//! A request that a script received.

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Uri};
use tokio::time::Instant;

/// A request that a [`Script`](crate::Script) received.
///
/// # Example
///
/// ```
/// # #[cfg(feature = "tower")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), breather_test::BoxError> {
/// use breather_test::Script;
/// use tower::ServiceExt;
///
/// let server = Script::new(["200"]);
/// let request = http::Request::put("https://api.example.com/rows").body("a row".to_owned())?;
/// server.clone().oneshot(request).await?;
/// let received = &server.requests()[0];
/// assert_eq!(received.method, http::Method::PUT);
/// assert_eq!(received.body, "a row");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "tower"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// When the request arrived, on tokio's clock.
    pub at: Instant,
    /// The method.
    pub method: Method,
    /// The URI, as the client sent it.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body. It is empty if it was a stream that the script could not read.
    pub body: Bytes,
    /// The number of requests with these extensions, including this one.
    ///
    /// It is more than 1 if a retry passes on the extensions of the attempt before.
    pub extensions_seen: usize,
}

/// Counts, in a request's extensions, how often scripts received them.
#[derive(Clone, Copy, Debug, Default)]
struct Seen(usize);

impl Received {
    pub(crate) fn new(
        method: &Method,
        uri: Uri,
        headers: &HeaderMap,
        extensions: &mut Extensions,
    ) -> Self {
        let seen: &mut Seen = extensions.get_or_insert_default();
        seen.0 += 1;
        Self {
            at: Instant::now(),
            method: method.clone(),
            uri,
            headers: headers.clone(),
            body: Bytes::new(),
            extensions_seen: seen.0,
        }
    }
}
