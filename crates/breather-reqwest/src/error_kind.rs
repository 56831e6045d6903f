//! What an error of reqwest means.

use std::error::Error;
use std::{io, iter};

use breather::ErrorKind;

/// What went wrong, as far as a classifier needs to know.
///
/// An error that another middleware made is nobody's to repeat, nor is one that the request itself
/// causes.
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
    // The order matters: a connection that did not come about in time is both.
    if is_connect(error) {
        match of_chain(error) {
            // A URL that cannot be asked fails where connections are made, too.
            kind @ (ErrorKind::Tls | ErrorKind::Other) => kind,
            _ => ErrorKind::Connect,
        }
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_builder() || error.is_redirect() || error.is_status() || error.is_decode() {
        ErrorKind::Other
    } else if error.is_body() && !is_io(error) {
        // The caller's own stream failed.
        ErrorKind::Other
    } else {
        of_chain(error)
    }
}

/// What hyper says, on which reqwest stands.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn of_chain(error: &reqwest::Error) -> ErrorKind {
    breather_hyper::hyper_error_kind(error)
}

/// A browser says nothing.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn of_chain(_: &reqwest::Error) -> ErrorKind {
    ErrorKind::Interrupted
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn is_connect(error: &reqwest::Error) -> bool {
    error.is_connect()
}

/// A browser does not tell whether it had a connection when a fetch failed.
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
