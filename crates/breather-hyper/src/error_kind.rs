//! Classifies the errors of hyper and its client.

use std::error::Error;
use std::io;

use breather::{ErrorKind, Stopped};
use hyper_util::client::legacy;

/// Returns the kind of an error from hyper, hyper-util or `std::io`.
///
/// The kind tells you whether the request may have reached the server. It comes from the first
/// error in the chain of sources that this function recognizes:
///
/// | error | kind |
/// |---|---|
/// | hyper-util's client could not connect, for example because the host lookup failed or the host refused | `Connect`, nothing was sent |
/// | the same, because the server's certificate is not valid, by the message of rustls, OpenSSL, Windows or macOS | `Certificate`, it would be the same at the next attempt |
/// | the same, because of an `io::Error` of kind `InvalidData`, which rustls uses | `Tls`, nothing was sent |
/// | hyper-util's client does not support the URI, version or method | `Other`, a retry would fail the same way |
/// | hyper never began the request, for example because a pooled connection had just been closed | `Unprocessed` |
/// | HTTP/2: the server reset the stream with `REFUSED_STREAM`, or its `GOAWAY` does not cover the stream ([RFC 9113 section 8.7](https://www.rfc-editor.org/rfc/rfc9113#section-8.7)) | `Unprocessed` |
/// | HTTP/2: the server reset the stream with `ENHANCE_YOUR_CALM` | `Throttled` |
/// | hyper timed out | `Timeout` |
/// | hyper reports that the caller's part failed, for example the stream of a request body | `Other` |
/// | hyper could not parse the response | `Protocol`, the server may have processed the request |
/// | `io::Error`, connection refused or address not available | `Connect` |
/// | `io::Error`, timed out | `Timeout` |
/// | [`Stopped`] from another layer that retries | `Other` |
/// | any other error, such as one of `tower::timeout` | `Interrupted`, it is transient and the server may have processed the request |
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
        let kind = of_client(error).or_else(|| of_http2(error));
        if let Some(kind) = kind.or_else(|| of_hyper(error)) {
            return kind;
        }
        match error.downcast_ref::<io::Error>().map(io::Error::kind) {
            // Only connecting causes these two. The kernel also reports unreachable hosts and
            // networks on open connections, so those don't prove that nothing was sent.
            Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::AddrNotAvailable) => {
                return ErrorKind::Connect;
            }
            Some(io::ErrorKind::TimedOut) => return ErrorKind::Timeout,
            _ => next = source(error),
        }
    }
    ErrorKind::Interrupted
}

/// Returns the kind of an error that hyper-util's client itself reports, not its source.
fn of_client(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let error = error.downcast_ref::<legacy::Error>()?;
    match error.source() {
        // The connector's message begins like this if it rejects the URI. No other check tells such
        // an error from a network failure. If the wording changes, breather retries such a URI as
        // often as the policy permits.
        Some(source) if error.is_connect() && source.to_string().starts_with("invalid URL") => {
            Some(ErrorKind::Other)
        }
        _ if error.is_connect() && is_certificate(error) => Some(ErrorKind::Certificate),
        _ if error.is_connect() && is_invalid_data(error) => Some(ErrorKind::Tls),
        _ if error.is_connect() => Some(ErrorKind::Connect),
        Some(_) => None,
        // The client refused to send the request. All of its other errors have a source.
        None => Some(ErrorKind::Other),
    }
}

/// Returns whether a peer sent invalid bytes. While connecting, this means a failed TLS handshake.
fn is_invalid_data(error: &(dyn Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| source(*error))
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::InvalidData)
}

/// Returns whether the server's certificate is not valid.
///
/// The libraries have different types of errors, and each has a message of its own. If the wording changes, breather
/// retries such an error as any other failed handshake.
fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    const MESSAGES: [&str; 6] = [
        // rustls.
        "invalid peer certificate",
        // OpenSSL.
        "certificate verify failed",
        // SChannel.
        "certificate chain",
        "certificate is not within its validity",
        "CN name does not match",
        // Security Framework.
        "certificate was not trusted",
    ];
    std::iter::successors(Some(error), |error| source(*error)).any(|error| {
        let message = error.to_string();
        MESSAGES.iter().any(|known| message.contains(known))
    })
}

/// Returns the kind by the reason of an HTTP/2 frame.
fn of_http2(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let error = error.downcast_ref::<h2::Error>()?;
    if !error.is_remote() {
        return None;
    }
    match error.reason() {
        // h2 reports it only for streams above the last one that the server processes.
        _ if error.is_go_away() => Some(ErrorKind::Unprocessed),
        Some(h2::Reason::ENHANCE_YOUR_CALM) => Some(ErrorKind::Throttled),
        Some(h2::Reason::REFUSED_STREAM) => Some(ErrorKind::Unprocessed),
        _ => None,
    }
}

fn of_hyper(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let error = error.downcast_ref::<hyper::Error>()?;
    // hyper returns the request if it was canceled, and never took it if the connection was closed.
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

/// Returns the next error in the chain.
///
/// An `io::Error` that wraps another error hides it, because its source is the wrapped error's
/// source.
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
    fn kind_is_found_in_source_chain() {
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
    fn unknown_error_is_interrupted() {
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
