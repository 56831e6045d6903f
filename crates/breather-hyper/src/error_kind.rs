//! Kinds of errors of hyper and its client.

use std::error::Error;
use std::io;

use breather::{ErrorKind, Stopped};
use hyper_util::client::legacy;

/// What went wrong, by the first error in the chain of sources that tells.
///
/// | error | kind |
/// |---|---|
/// | hyper-util's client: no connection, since the host cannot be looked up or refuses, say | `Connect`: nothing was sent |
/// | the same, by an `io::Error` of invalid data, as rustls has it | `Tls`: nothing was sent |
/// | the same: a URI that it cannot ask, a version or method that it does not speak | `Other`: it would repeat itself |
/// | hyper: the request was never begun, as on a pooled connection that has just been closed | `Unprocessed` |
/// | hyper: timed out | `Timeout` |
/// | hyper: the caller's part failed, as the stream of a request's body | `Other` |
/// | hyper: what it cannot read | `Protocol`: it may have been executed |
/// | `io::Error`: connection refused, address not available | `Connect` |
/// | `io::Error`: timed out | `Timeout` |
/// | [`Stopped`], of another layer that retries | `Other` |
/// | none of these, a `tower::timeout` among them | `Interrupted`: it may pass, and may have been executed |
///
/// # Example
///
/// ```
/// use breather_hyper::{breather::ErrorKind, hyper_error_kind};
///
/// let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
/// assert_eq!(hyper_error_kind(&error), ErrorKind::Interrupted);
/// ```
#[must_use]
pub fn hyper_error_kind(error: &(dyn Error + 'static)) -> ErrorKind {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Stopped>() {
            return ErrorKind::Other;
        }
        if let Some(kind) = of_client(error).or_else(|| of_hyper(error)) {
            return kind;
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

/// What hyper-util's client says by itself, and not by the error of hyper's that it has as its source.
fn of_client(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let error = error.downcast_ref::<legacy::Error>()?;
    match error.source() {
        // So its connector begins what it says of a URI; there is no other way to tell it from a network's fault,
        // and if the words change, such a URI is asked as often as the policy permits.
        Some(source) if error.is_connect() && source.to_string().starts_with("invalid URL") => {
            Some(ErrorKind::Other)
        }
        _ if error.is_connect() && is_invalid_data(error) => Some(ErrorKind::Tls),
        _ if error.is_connect() => Some(ErrorKind::Connect),
        Some(_) => None,
        // What it refuses to send; all else that it hands out has a source.
        None => Some(ErrorKind::Other),
    }
}

/// Whether the bytes of a peer were not what they should be: while connecting, that is a handshake of TLS.
fn is_invalid_data(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| source(*error))
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::InvalidData)
}

fn of_hyper(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let error = error.downcast_ref::<hyper::Error>()?;
    // It gives the request back in the first case, and has not taken it in the second.
    if error.is_canceled() || error.is_closed() {
        Some(ErrorKind::Unprocessed)
    } else if error.is_timeout() {
        Some(ErrorKind::Timeout)
    } else if error.is_user() {
        Some(ErrorKind::Other)
    } else if error.is_parse() {
        Some(ErrorKind::Protocol)
    } else {
        None
    }
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
    use crate::box_error::BoxError;

    #[derive(Debug, thiserror::Error)]
    #[error("client error")]
    struct Wrapper(#[source] io::Error);

    fn kind(error: impl Into<BoxError>) -> ErrorKind {
        hyper_error_kind(&*error.into())
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
