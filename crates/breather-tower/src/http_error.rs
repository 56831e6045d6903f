//! Describes a service's error type to the classifier.

use std::convert::Infallible;
use std::io;

use breather::ErrorKind;
use breather_hyper::{BoxError, hyper_error_kind};

/// An error of an HTTP service, as far as [`Http`](crate::Http) needs to know it.
///
/// Boxed errors have it, and `io::Error`. A service's own error type implements it in a line, beside the
/// `From<Stopped>` that [`Retry`](crate::Retry) asks for:
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
/// An error type of somebody else's is boxed: [`box_errors`](crate::RetryLayer::box_errors).
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what kind of error it is",
    note = "box the service's errors by `RetryLayer::box_errors()`, or implement `HttpError` for it"
)]
pub trait HttpError {
    /// What went wrong.
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
