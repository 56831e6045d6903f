//! The end reason in a middleware error.

use breather::Stopped;
use reqwest_middleware::Error;

/// Returns why breather ended a call without a response.
///
/// Returns `None` if `error` has another cause.
///
/// # Example
///
/// ```
/// use breather_reqwest::stopped;
/// use reqwest_middleware::Error;
/// use std::time::Duration;
///
/// /// Returns when our own caller should try again.
/// fn retry_after(error: &Error) -> Option<Duration> {
///     stopped(error)?.end().retry_after()
/// }
/// assert_eq!(retry_after(&Error::middleware(std::io::Error::other("no token"))), None);
/// ```
#[must_use]
pub fn stopped(error: &Error) -> Option<&Stopped> {
    match error {
        Error::Middleware(error) => error.chain().find_map(|error| error.downcast_ref()),
        Error::Reqwest(error) => Stopped::find(error),
    }
}
