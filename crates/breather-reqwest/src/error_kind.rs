//! The kinds of reqwest's errors.

use std::error::Error;
use std::{io, iter};

use breather::ErrorKind;

/// Returns the kind of `error`, for classifiers.
///
/// The kind is [`ErrorKind::Other`], which the default classifier does not retry, if another
/// middleware made the error or if the request itself causes it.
///
/// # Example
///
/// ```
/// use breather_reqwest::{breather::ErrorKind, reqwest_error_kind};
///
/// let error = reqwest_middleware::Error::middleware(std::io::Error::other("no token"));
/// assert_eq!(reqwest_error_kind(&error), ErrorKind::Other);
/// ```
#[must_use]
pub fn reqwest_error_kind(error: &reqwest_middleware::Error) -> ErrorKind {
    let reqwest_middleware::Error::Reqwest(error) = error else {
        return ErrorKind::Other;
    };
    // Check this first, because an error can be both a failed connection and a timeout.
    if is_connect(error) {
        match of_chain(error) {
            // reqwest also reports unusable URLs as failed connections.
            kind @ (ErrorKind::Tls | ErrorKind::Certificate | ErrorKind::Other) => kind,
            _ => ErrorKind::Connect,
        }
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_builder() || error.is_redirect() || error.is_status() || error.is_decode() {
        ErrorKind::Other
    } else if error.is_body() && !is_io(error) {
        // The caller's request body failed.
        ErrorKind::Other
    } else {
        of_chain(error)
    }
}

/// Returns the kind by hyper's errors, which reqwest wraps.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn of_chain(error: &reqwest::Error) -> ErrorKind {
    breather_hyper::hyper_error_kind(error)
}

/// Returns `Interrupted`, because a browser gives no cause.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn of_chain(_: &reqwest::Error) -> ErrorKind {
    ErrorKind::Interrupted
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn is_connect(error: &reqwest::Error) -> bool {
    error.is_connect()
}

/// Returns `false`, because a browser does not say whether it had a connection when a fetch failed.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn is_connect(_: &reqwest::Error) -> bool {
    false
}

fn is_io(error: &reqwest::Error) -> bool {
    sources(error).any(|error| error.is::<io::Error>())
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    iter::successors(error.source(), |error| (*error).source())
}
