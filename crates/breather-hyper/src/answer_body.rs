//! Response bodies that a classifier can read.

use crate::buffered_body::BufferedBody;

/// A response's body that a classifier can look into, since it is there already.
///
/// A [`BufferedBody`] has it. For others it is a line:
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
    /// All of the body, if it was read. Looks, and takes nothing.
    fn read(&self) -> Option<&[u8]>;
}

impl<B> AnswerBody for BufferedBody<B> {
    fn read(&self) -> Option<&[u8]> {
        self.bytes().map(|bytes| &bytes[..])
    }
}
