//! What an error of a service means.

use std::convert::Infallible;
use std::error::Error;
use std::io;

use breather::{ErrorKind, Stopped};

use crate::box_errors::BoxError;

/// An error of an HTTP service, as far as [`Http`](crate::Http) needs to know it.
///
/// Boxed errors have it, and `io::Error`. A service's own error type implements it in a line, beside the
/// `From<Stopped>` that [`Retry`](crate::Retry) asks for:
///
/// ```
/// use breather_tower::{HttpError, error_kind};
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
///             Self::Transport(error) => error_kind(error),
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
        error_kind(&**self)
    }
}

impl HttpError for io::Error {
    fn kind(&self) -> ErrorKind {
        error_kind(self)
    }
}

impl HttpError for Infallible {
    fn kind(&self) -> ErrorKind {
        match *self {}
    }
}

/// What went wrong, by the first error in the chain of sources that tells.
///
/// | error | kind |
/// |---|---|
/// | `io::Error`: connection refused, address not available | `Connect`: nothing was sent |
/// | `io::Error`: timed out | `Timeout` |
/// | [`Stopped`], of another layer that retries | `Other` |
/// | none of these, a `tower::timeout` and what hyper itself says among them | `Interrupted`: it may pass, and may have been executed |
///
/// A host that cannot be looked up is thus repeated only if the request is idempotent, though nothing was sent;
/// and a URI that cannot be asked is asked in vain until the retries are used up.
///
/// # Example
///
/// ```
/// use breather_tower::{breather::ErrorKind, error_kind};
///
/// let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
/// assert_eq!(error_kind(&error), ErrorKind::Interrupted);
/// ```
#[must_use]
pub fn error_kind(error: &(dyn Error + 'static)) -> ErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Stopped>() {
            return ErrorKind::Other;
        }
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            // These two come from connecting alone. Unreachable hosts and networks don't: the kernel
            // reports them on open connections, too.
            Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable) => {
                return ErrorKind::Connect;
            }
            Some(io::ErrorKind::TimedOut) => return ErrorKind::Timeout,
            _ => next = source(error),
        }
    }
    ErrorKind::Interrupted
}

/// The next error in the chain. An `io::Error` that wraps another hides it: its source is the source of
/// what it wraps.
fn source<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e (dyn Error + 'static)> {
    let wrapped = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("client error")]
    struct Wrapper(#[source] io::Error);

    fn kind(error: impl Into<BoxError>) -> ErrorKind {
        error.into().kind()
    }

    #[test]
    fn the_chain_of_sources_is_searched() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(refused()), ErrorKind::Connect);
        assert_eq!(kind(Wrapper(refused())), ErrorKind::Connect);
        assert_eq!(
            kind(Wrapper(io::Error::other(refused()))),
            ErrorKind::Connect
        );
        let late = io::Error::new(io::ErrorKind::TimedOut, "read");
        assert_eq!(kind(Wrapper(late)), ErrorKind::Timeout);
    }

    #[test]
    fn what_is_not_known_may_pass_and_may_have_been_executed() {
        assert_eq!(kind("out of luck"), ErrorKind::Interrupted);
        for of in [
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::HostUnreachable,
            io::ErrorKind::UnexpectedEof,
        ] {
            assert_eq!(kind(Wrapper(of.into())), ErrorKind::Interrupted, "{of}");
        }
    }
}
