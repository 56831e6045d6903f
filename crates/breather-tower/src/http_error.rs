//! Describes a service's error type to the classifier.

use std::convert::Infallible;
use std::io;

use breather::ErrorKind;
use breather_hyper::{BoxError, hyper_error_kind};

/// An error of an HTTP service that [`Http`](crate::Http) can classify.
///
/// Boxed errors and `io::Error` implement it. Implement it for your own error type, next to the
/// `From<Stopped>` that [`Retry`](crate::Retry) requires:
///
/// ```
/// use breather_tower::{HttpError, hyper_error_kind};
/// use breather_tower::breather::{ErrorKind, Stopped};
///
/// #[derive(Debug)]
/// enum ApiError {
///     Transport(std::io::Error),
///     Forbidden,
///     Stopped(Stopped),
/// }
///
/// impl From<Stopped> for ApiError {
///     fn from(stopped: Stopped) -> Self {
///         Self::Stopped(stopped)
///     }
/// }
///
/// impl HttpError for ApiError {
///     fn kind(&self) -> ErrorKind {
///         match self {
///             Self::Transport(error) => hyper_error_kind(error),
///             Self::Forbidden | Self::Stopped(_) => ErrorKind::Other,
///         }
///     }
/// }
///
/// let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
/// assert_eq!(ApiError::Transport(refused).kind(), ErrorKind::Connect);
/// ```
///
/// If another crate defines the error type, box it by
/// [`box_errors`](crate::RetryLayer::box_errors).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what kind of error it is",
    note = "box the service's errors by `RetryLayer::box_errors()`, or implement `HttpError` for it"
)]
pub trait HttpError {
    /// Returns the kind of this error.
    fn kind(&self) -> ErrorKind;
}

impl HttpError for BoxError {
    fn kind(&self) -> ErrorKind {
        hyper_error_kind(&**self)
    }
}

impl HttpError for io::Error {
    fn kind(&self) -> ErrorKind {
        hyper_error_kind(self)
    }
}

impl HttpError for Infallible {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }
}
