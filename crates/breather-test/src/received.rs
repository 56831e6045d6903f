//! A request that a script received.

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Uri};
use tokio::time::Instant;

/// A request that a [`Script`](crate::Script) received.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Received {
    /// When it came, on tokio's clock.
    pub at: Instant,
    /// Its method.
    pub method: Method,
    /// Its URI, as the client wrote it.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, or nothing if it was a stream that the script could not read.
    pub body: Bytes,
    /// How many requests came with these extensions, this one included. It is more than 1 if a retry passes on the
    /// extensions of the attempt before.
    pub extensions_seen: usize,
}

/// Counts in a request's extensions how often it came by.
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
