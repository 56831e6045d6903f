//! Response bodies that a classifier can read.

use crate::buffered_body::BufferedBody;

/// A response body whose bytes a classifier can read.
///
/// [`BufferedBody`] implements it. Implement it for a body type of your own if its bytes are in
/// memory:
///
/// ```
/// use breather_hyper::AnswerBody;
///
/// struct Json(String);
///
/// impl AnswerBody for Json {
///     fn read(&self) -> Option<&[u8]> {
///         Some(self.0.as_bytes())
///     }
/// }
///
/// assert_eq!(Json("{}".to_owned()).read(), Some(&b"{}"[..]));
/// ```
#[diagnostic::on_unimplemented(
    message = "the body `{Self}` is not read before its answer is classified",
    note = "put a `BufferedLayer` inside of the `RetryLayer`"
)]
pub trait AnswerBody {
    /// Returns the whole body if it has been read. Does not consume it.
    fn read(&self) -> Option<&[u8]>;
}

impl<B> AnswerBody for BufferedBody<B> {
    fn read(&self) -> Option<&[u8]> {
        self.bytes().map(|bytes| &bytes[..])
    }
}
